"""The tracker's way in: one tick's detections and the picture before it -> the tracks after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from skywarden.model.detection import Detections, Kind, Reason
from skywarden.model.event import Refused, TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import I64
from skywarden.model.track import Beliefs, Chain, Chains, Picture, Status, Tracks
from skywarden.track.admit import admitted
from skywarden.track.arrays import TWIN
from skywarden.track.beliefs import records, tracked, without
from skywarden.track.chain import HALF, tracks_of
from skywarden.track.company import accompanied
from skywarden.track.handover import WITHDRAWN, carried, handed_over
from skywarden.track.items import CALLED, Items, items
from skywarden.track.lifecycle import MISSED, age
from skywarden.track.listen import half_second
from skywarden.track.measure import ROWS
from skywarden.track.pool import TARGET, Memory
from skywarden.track.posts import NODE
from skywarden.track.prepare import IMPLAUSIBLE, NOT_FINITE, OWN, QUOTA, REPEATED, TOO_LATE
from skywarden.track.settings import TrackerSettings
from skywarden.track.settled import Progress, progressed, received
from skywarden.track.table import rows_of, table
from skywarden.track.take import Taken, called, taken

Onward = Callable[[Chains, int], None]  # takes the chains after a tick, and its time, ns
REASONS = {
    NOT_FINITE: Reason.NOT_FINITE,
    IMPLAUSIBLE: Reason.IMPLAUSIBLE,
    TOO_LATE: Reason.TOO_LATE,
    QUOTA: Reason.QUOTA,
    OWN: Reason.OWN_TRACK,
    REPEATED: Reason.DUPLICATE,
}


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a tick did to the tracks.

    sensors: names in the order first seen; Tracks.seen_by points here. matches: for each batch (m,) int64, the label
    of the track that each detection corrected or started, 0 for none.
    """

    tracks: Tracks
    beliefs: Beliefs
    chains: Chains
    next_number: int
    sensors: tuple[str, ...]
    events: tuple[Refused | TrackConfirmed | TrackCoasting | TrackDropped, ...]
    matches: tuple[I64, ...]

    def onto(self, before: Picture) -> Picture:
        """Return the picture before the tick with what the tick did to its tracks."""
        return replace(
            before,
            tracks=self.tracks,
            beliefs=self.beliefs,
            chains=self.chains,
            next_number=self.next_number,
            sensors=self.sensors,
        )


def track(  # noqa: PLR0913 - what is known, what came, and how; the last two are asked for by the engine alone
    picture: Picture,
    batches: Sequence[Detections],
    time: int,
    settings: TrackerSettings,
    slow: bool = False,
    progress: Progress | None = None,
    onward: Onward | None = None,
) -> Tracked:
    """Advance the picture's tracks to `time`, ns, by `batches`. Pure: equal input, equal output, to the bit.

    slow: people are among the sources, whose messages may be a minute late. progress: of the picture's chains, where
    it was made beforehand (`settled.progressed`). onward: told the chains after the tick as soon as they are known,
    before its tracks are.
    """
    refused: dict[tuple[str, str], int] = {}
    used = [k for k, batch in enumerate(batches) if _usable(batch, refused)]
    used, over = admitted(batches, used)
    for sensor, count in over.items():
        _refuse(refused, sensor, Reason.QUOTA, count)
    matches = [np.zeros(len(batch), np.int64) for batch in batches]
    chains, renewed, faults = progress or progressed(picture.chains, picture.time, settings, slow)
    head = _Head(picture.beliefs, picture.sensors, picture.tracks, np.zeros(len(picture.tracks), np.int64), [])
    if renewed is not None:
        head = _renewed(head, renewed, picture.time, settings)
    new = items([batches[k] for k in used], settings) if used else None
    after = received(chains, new, time, settings, slow)
    if onward is not None:
        onward(after, time)
    if new is not None:
        said = called(head.beliefs, head.sensors, new)
        head = head._replace(beliefs=said.beliefs, sensors=said.sensors)
        _count(refused, said.refused)
    if new is not None and len(new):
        head, found = _heard(head, new, time, settings, chains.settled)
        _hand_back(found.label, [batches[k] for k in used], [matches[k] for k in used])
        _count(refused, found.refused)
    head = _listened(head, (picture.time, time), settings, chains.settled, refused)
    life = age(head.tracks, head.confirmed, time, picture.next_number, settings)
    for number in head.tracks.seen_by[life.crowded, 0].tolist():
        _refuse(refused, head.sensors[number], Reason.QUOTA, 1)
    for sensor, count in faults.items():
        _refuse(refused, sensor, Reason.DECODER_FAULT, count)
    rejections = [Refused(sensor, reason, count) for (sensor, reason), count in sorted(refused.items())]
    for match in matches:
        match.flags.writeable = False
    return Tracked(
        _sealed(life.tracks),
        head.beliefs if life.keep.all() else without(head.beliefs, ~life.keep),
        after,
        life.next_number,
        head.sensors,
        (*rejections, *head.ended, *accompanied(life.events, life.tracks, time, picture.next_number)),
        tuple(matches),
    )


class _Head(NamedTuple):
    """The head of a tick. confirmed: (n,) 1 where the filter is sure of a track. ended: tracks that it gave up."""

    beliefs: Beliefs
    sensors: tuple[str, ...]
    tracks: Tracks
    confirmed: I64
    ended: list[TrackDropped]


def _heard(head: _Head, new: Items, time: int, settings: TrackerSettings, settled: Chain) -> tuple[_Head, Taken]:
    """Let the head follow a tick's items."""
    found = taken(head.beliefs, head.sensors, new, settings, settled)
    memory = found.memory
    tracks = _tracks(memory, head.tracks, found.heard, time)
    ended = head.ended + [TrackDropped(time, number, MISSED) for number in _ended(head.tracks, tracks)]
    confirmed = memory.targets["confirmed"][: memory.counts[0]].copy()
    return _Head(found.beliefs(), found.sensors, tracks, confirmed, ended), found


def _listened(
    head: _Head, ticks: tuple[int, int], settings: TrackerSettings, settled: Chain, refused: dict[tuple[str, str], int]
) -> _Head:
    """Ask single microphones each half second. ticks: ns, the one before and this one. A fault of ours is told."""
    latest = ticks[1] // HALF * HALF
    times = [time for time in (latest - HALF, latest) if time > ticks[0]]
    beliefs, heard = head.beliefs, [np.zeros(0, np.int64)]
    try:
        for time in times if len(beliefs.nodes) else ():
            found = half_second(beliefs, len(head.sensors), time, settings, settled.beliefs)
            beliefs, heard = found.beliefs, [*heard, found.heard]
            for number, count in found.refused:
                _refuse(refused, head.sensors[number], Reason.QUOTA, count)
    except Exception:  # noqa: BLE001 - as in a chain: the others go on
        for k in np.unique(records(head.beliefs.nodes, NODE)["sensor"]).tolist():
            _refuse(refused, head.sensors[k], Reason.DECODER_FAULT, 1)
        return head
    if beliefs.targets is head.beliefs.targets:
        return head._replace(beliefs=beliefs)
    tracks = _known(tracked(beliefs, settings), head.tracks, np.concatenate(heard), ticks[1])
    confirmed = records(beliefs.targets, TARGET)["confirmed"].copy()
    ended = head.ended + [TrackDropped(ticks[1], number, TWIN) for number in _ended(head.tracks, tracks)]
    return _Head(beliefs, head.sensors, tracks, confirmed, ended)


def _renewed(head: _Head, chain: Chain, time: int, settings: TrackerSettings) -> _Head:
    """Put a chain in the head's place; the tracks keep what people know of them."""
    after = tracks_of(chain, settings)
    handed = handed_over(head.tracks, after, time, settings)
    ended = head.ended + [TrackDropped(time, number, WITHDRAWN) for number in handed.withdrawn]
    confirmed = (after.status == Status.CONFIRMED).astype(np.int64)
    return _Head(chain.beliefs, chain.sensors, handed.tracks, confirmed, ended)


def _tracks(memory: Memory, before: Tracks, heard: I64, time: int) -> Tracks:
    """Return the targets as tracks. heard: labels of those that were measured in this tick."""
    n, m, g, _ = memory.counts
    noise = memory.parameters["noise"][0, :, 0]
    return _known(table(memory.targets[:n], memory.leaves[:m], memory.groups[:g], noise), before, heard, time)


def _known(tracks: Tracks, before: Tracks, heard: I64, time: int) -> Tracks:
    """Return tracks with what people know of them: number, status, and when we heard of them; new ones just now."""
    old, row = rows_of(before.label, tracks.label)
    known = carried(before, tracks, (row, old), np.full(len(tracks), time))
    known.heard[rows_of(tracks.label, heard)[1]] = time
    return known


def _ended(before: Tracks, after: Tracks) -> list[int]:
    """Return the numbers of shown tracks that the filter has given up."""
    left = np.ones(len(before), bool)
    left[rows_of(before.label, after.label)[1]] = False
    numbers: list[int] = before.number[left & before.shown()].tolist()
    return numbers


def _sealed(tracks: Tracks) -> Tracks:
    """Make the columns read-only."""
    for name in Tracks.__slots__:
        getattr(tracks, name).flags.writeable = False
    return tracks


def _usable(batch: Detections, refused: dict[tuple[str, str], int]) -> bool:
    row = ROWS[batch.kind]
    if len(batch) == 0:
        return False
    if not row.used:
        _refuse(refused, batch.sensor, Reason.UNSUPPORTED, len(batch))
    elif row.placed and batch.place is None and batch.origin is None:
        _refuse(refused, batch.sensor, Reason.SITE_UNKNOWN, len(batch))
    else:
        return True
    return False


def _refuse(refused: dict[tuple[str, str], int], sensor: str, reason: str, count: int) -> None:
    refused[sensor, str(reason)] = refused.get((sensor, str(reason)), 0) + count


def _count(refused: dict[tuple[str, str], int], codes: Mapping[tuple[str, int], int]) -> None:
    for (sensor, code), count in codes.items():
        _refuse(refused, sensor, REASONS[code], count)


def _hand_back(label: I64, batches: list[Detections], matches: list[I64]) -> None:
    """Put the labels of items into the matches of the batches that they come from: reports were behind the others."""
    begin = 0
    for reports in (False, True):
        for batch, match in zip(batches, matches, strict=True):
            if batch.kind not in CALLED and (batch.kind is Kind.TRACK) == reports:
                match[:] = label[begin : begin + len(match)]
                begin += len(match)
