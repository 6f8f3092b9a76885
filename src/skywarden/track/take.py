"""Items into what a filter knows: looks to its kernels, and what other systems tell by their sources' policies."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from skywarden.model.detection import Kind
from skywarden.model.place import F64, I64
from skywarden.model.track import Beliefs, Chain
from skywarden.track.adopt import Known, adopted
from skywarden.track.beliefs import closed, opened, plain, records
from skywarden.track.clutter import COLUMNS
from skywarden.track.feeds import Told, told, verdicts
from skywarden.track.gather import Gathered, gather, numbered
from skywarden.track.items import FEED, ITEM, Items, stacked
from skywarden.track.look import follow
from skywarden.track.looks import SENSE
from skywarden.track.pool import Memory, Rows
from skywarden.track.posts import NODE, noted
from skywarden.track.prepare import QUOTA, REPEATED, USED
from skywarden.track.ranges import RANGES
from skywarden.track.settings import TrackerSettings
from skywarden.track.table import rows_of
from skywarden.track.weather import AIR, learned, with_air


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of n measurements and m reports, in this order. memory: of the filter. sensors: names.

    label (n + m,): of the target that each corrected or started, 0 none; heard: the same of those that tell that it is
    still there. refused: how many, by (sensor, code).
    """

    memory: Memory
    sensors: tuple[str, ...]
    label: I64
    heard: I64
    refused: Counter[tuple[str, int]]
    feeds: Rows
    nodes: Rows
    air: Rows

    def beliefs(self) -> Beliefs:
        """Return what is known now."""
        return closed(self.memory, np.zeros(self.memory.counts[0], bool), self.feeds, self.nodes, self.air)

    def sure(self) -> I64:
        """Return the labels of targets that are more than false alarms."""
        targets = self.memory.targets[: self.memory.counts[0]]
        return np.asarray(targets["label"][targets["confirmed"] == 1], np.int64)


class Called(NamedTuple):
    """What is known after calls of single microphones. refused: how many, by (sensor, code)."""

    beliefs: Beliefs
    sensors: tuple[str, ...]
    refused: Counter[tuple[str, int]]


def taken(
    beliefs: Beliefs, sensors: tuple[str, ...], new: Items, settings: TrackerSettings, settled: Chain | None = None
) -> Taken:
    """Let the filter follow items. settled: the chain that decides about what changes slowly; None: this is it.

    False alarms, the air and whose another system's tracks are follow from what has settled alone, so that they do not
    depend on what came late.
    """
    if settled is not None:
        beliefs = replace(beliefs, clutter=_known(sensors, settled), air=settled.beliefs.air)
    air = records(beliefs.air, AIR)
    if not len(new.reports):
        found = with_air(gather(new, sensors), air, settings)
        memory = _followed(beliefs, found, 0, settings)
        label, refused = _outcome(new, found)
        feeds = plain(records(beliefs.feeds, FEED))
        air = air if settled is not None else learned(air, new, label, memory, settings)
        there = _there(memory, new, label)
        return Taken(memory, found.sensors, label, there, refused, feeds, beliefs.nodes, plain(air))
    said = told(beliefs, sensors, new, settings, None if settled is None else verdicts(settled))
    both = _joined(new, said)
    found = with_air(gather(both, said.sensors), air, settings)
    memory = _followed(beliefs, found, len(said.states), settings)
    measured, refused = _outcome(both, found)
    n, label = len(new.rows), np.zeros(len(new), np.int64)
    label[:n], label[n + said.pieces] = measured[:n], measured[n:]
    _adopt(memory, new, said, found.sensors, label[n:])
    codes = zip(new.senders()[n:], said.code.tolist(), strict=True)
    refused.update((name, code) for name, code in codes if code != USED)
    heard = np.concatenate((_there(memory, new, label[:n]), label[n:]))
    heard[n + said.states[~said.alone]] = 0
    air = air if settled is not None else learned(air, new, label, memory, settings)
    return Taken(memory, found.sensors, label, heard, refused, said.feeds, beliefs.nodes, plain(air))


def called(beliefs: Beliefs, sensors: tuple[str, ...], new: Items) -> Called:
    """Write down what single microphones call."""
    if not len(new.calls):
        return Called(beliefs, sensors, Counter())
    names = [new.names[k] for k in new.senses["sensor"].tolist()]
    mine = np.unique(new.calls["sense"]).tolist()
    known = numbered(sensors, sorted({names[k] for k in mine}))
    number = np.array([known.get(name, -1) for name in names], np.int64)
    found = noted(records(beliefs.nodes, NODE), new.calls, number)
    bad = np.flatnonzero(found.code != USED)
    pairs = zip(new.calls["sense"][bad].tolist(), found.code[bad].tolist(), strict=True)
    refused = Counter((names[sense], code) for sense, code in pairs)
    return Called(replace(beliefs, nodes=plain(found.nodes)), tuple(known), refused)


def _there(memory: Memory, new: Items, label: I64) -> I64:
    """Return labels of measurements, (n,), but 0 for sounds that do not tell that their target is still there."""
    sounds = np.flatnonzero((new.senses["kind"][new.rows["sense"]] == Kind.SOUND) & (label != 0))
    if not len(sounds):
        return label
    targets = memory.targets[: memory.counts[0]]
    there, row = rows_of(targets["label"], label[sounds])
    late = targets["seen"][row] < new.rows["time"][sounds[there]]
    heard = label.copy()
    heard[sounds[there[late]]] = 0
    return heard


def _known(sensors: tuple[str, ...], settled: Chain) -> F64:
    """Return (sensors, rings) the false alarms of each as the settled chain knows them; 0 of one that it does not."""
    learned = settled.beliefs.clutter
    known = np.zeros((len(sensors), COLUMNS))
    row = {name: i for i, name in enumerate(settled.sensors[: len(learned)])}
    for k, name in enumerate(sensors):
        if name in row:
            known[k] = learned[row[name]]
    return known


def _followed(beliefs: Beliefs, found: Gathered, more: int, settings: TrackerSettings) -> Memory:
    """Follow looks; return the memory, with room for so many targets more."""
    looks = found.looks
    bearings = int((looks["end"] - looks["begin"])[looks["begins"] > 0.0].sum())
    more += (RANGES - 1) * bearings
    size = len(found.origin) + more, int((looks["end"] - looks["begin"]).max(initial=0))
    memory = opened(beliefs, size, len(found.sensors), settings)
    if len(looks):
        follow(memory, found.given, looks)
    return memory


def _joined(new: Items, said: Told) -> Items:
    """Return measurements and, after them, those that tracklets are."""
    if not len(said.tracklets):
        return new
    rows, senses = stacked([new.rows, said.tracklets], ITEM), stacked([new.senses, said.senses], SENSE)
    return replace(new, rows=rows, senses=senses)


def _outcome(items: Items, found: Gathered) -> tuple[I64, Counter[tuple[str, int]]]:
    """Return (n,) the labels of measurements, and how many were not used, by sensor and why."""
    label = np.zeros(len(items.rows), np.int64)
    label[found.origin] = found.given.label
    sensor = items.senses["sensor"][items.rows["sense"]]
    bad = np.flatnonzero(found.given.code != USED)
    left = [np.full(len(found.repeated), REPEATED), np.full(len(found.crowded), QUOTA)]
    codes = np.concatenate((found.given.code[bad], *left))
    rows = np.concatenate((found.origin[bad], found.repeated, found.crowded))
    pairs = zip(sensor[rows].tolist(), codes.tolist(), strict=True)
    return label, Counter((items.names[k], code) for k, code in pairs)


def _adopt(memory: Memory, new: Items, said: Told, sensors: tuple[str, ...], label: I64) -> None:
    """Take in whole states, sensor by sensor; write what became of them to said.code and label, (m,)."""
    reports = said.reports[said.states]
    senses, number = new.senses[reports["sense"]], numbered(sensors, ())
    for k in np.unique(senses["sensor"]).tolist():
        mine = np.flatnonzero(senses["sensor"] == k)
        revisit = float(senses["revisit"][mine].min())
        known = Known(said.targets[mine], said.alone[mine], revisit)
        found = adopted(memory, reports[mine], known, number[new.names[k]])
        said.code[said.states[mine]], label[said.states[mine]] = found
