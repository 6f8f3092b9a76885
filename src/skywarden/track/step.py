"""The tracker's way in: one tick's detections and the picture before it -> the tracks after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skywarden.model.detection import Detections, Reason
from skywarden.model.event import Refused, TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import I64
from skywarden.model.track import Beliefs, Picture, Tracks
from skywarden.track.beliefs import closed, existences, opened, without
from skywarden.track.gather import Gathered, gather
from skywarden.track.items import Items, items
from skywarden.track.lifecycle import MISSED, age
from skywarden.track.look import follow
from skywarden.track.measure import ROWS
from skywarden.track.pmb import combined
from skywarden.track.pool import Memory
from skywarden.track.prepare import IMPLAUSIBLE, NOT_FINITE, QUOTA, TOO_LATE, USED
from skywarden.track.settings import TrackerSettings

REASONS = {
    NOT_FINITE: Reason.NOT_FINITE,
    IMPLAUSIBLE: Reason.IMPLAUSIBLE,
    TOO_LATE: Reason.TOO_LATE,
    QUOTA: Reason.QUOTA,
}


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a tick did to the tracks.

    sensors: names in the order first seen; Tracks.seen_by points here. matches: for each batch (m,) int64, the label
    of the track that each detection corrected or started, 0 for none.
    """

    tracks: Tracks
    beliefs: Beliefs
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
            next_number=self.next_number,
            sensors=self.sensors,
        )


def track(picture: Picture, batches: Sequence[Detections], time: int, settings: TrackerSettings) -> Tracked:
    """Advance the picture's tracks to `time`, ns, by `batches`. Pure: equal input, equal output, to the bit."""
    refused: dict[tuple[str, str], int] = {}
    used = [k for k, batch in enumerate(batches) if _usable(batch, refused)]
    matches = [np.zeros(len(batch), np.int64) for batch in batches]
    tracks, sensors, ended = picture.tracks, picture.sensors, list[TrackDropped]()
    memory, confirmed = None, np.zeros(len(tracks), np.int64)
    if used:
        new = items([batches[k] for k in used], settings)
        found = gather(new, sensors)
        sensors = found.sensors
        size = len(found.origin), int((found.looks["end"] - found.looks["begin"]).max())
        memory = opened(picture.beliefs, size, len(sensors), settings)
        follow(memory, found.given, found.looks)
        _hand_back(found, [matches[k] for k in used])
        _count(found, new, refused)
        tracks = _tracks(memory, tracks, found.given.label, time)
        ended = [TrackDropped(time, number, MISSED) for number in _ended(picture.tracks, tracks)]
        confirmed = memory.targets["confirmed"][: memory.counts[0]]
    life = age(tracks, confirmed, time, picture.next_number, settings)
    for sensor in tracks.seen_by[life.crowded, 0].tolist():
        key = (sensors[sensor], str(Reason.QUOTA))
        refused[key] = refused.get(key, 0) + 1
    rejections = [Refused(sensor, reason, count) for (sensor, reason), count in sorted(refused.items())]
    for match in matches:
        match.flags.writeable = False
    gone = ~life.keep
    beliefs = picture.beliefs if memory is None else closed(memory, gone)
    return Tracked(
        _sealed(life.tracks),
        without(beliefs, gone) if memory is None and gone.any() else beliefs,
        life.next_number,
        sensors,
        (*rejections, *ended, *life.events),
        tuple(matches),
    )


def _tracks(memory: Memory, before: Tracks, heard: I64, time: int) -> Tracks:
    """Return the targets as tracks. heard: labels of those that were measured in this tick."""
    targets = memory.targets[: memory.counts[0]]
    existence, leaf = existences(memory)
    leaves = memory.leaves[leaf]
    mean, covariance = combined(leaves)
    label = targets["label"].copy()
    old, row = _rows(before.label, label)
    number, status, last = np.zeros(len(label), np.int64), np.zeros(len(label), np.int8), np.full(len(label), time)
    number[old], status[old], last[old] = before.number[row], before.status[row], before.heard[row]
    last[_rows(label, heard)[1]] = time
    noise = leaves["weight"] @ memory.parameters["noise"][0, :, 0]
    born, hits = (targets[name].copy() for name in ("born", "hits"))
    books = (targets[name].copy() for name in ("revisit", "address", "seen_by", "seen_at"))
    when = leaves["time"].copy()
    return Tracks(label, number, status, when, last, mean, covariance, noise, born, hits, existence, *books)


def _rows(before: I64, label: I64) -> tuple[I64, I64]:
    """Return the rows of `label` that are in `before`, and where there."""
    if not len(before):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(before, kind="stable")
    row = order[np.minimum(np.searchsorted(before, label, sorter=order), len(before) - 1)]
    old = np.flatnonzero(before[row] == label)
    return old, row[old]


def _ended(before: Tracks, after: Tracks) -> list[int]:
    """Return the numbers of shown tracks that the filter has given up."""
    left = np.ones(len(before), bool)
    left[_rows(before.label, after.label)[1]] = False
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
        key = (batch.sensor, str(Reason.UNSUPPORTED))
    elif row.placed and batch.place is None:
        key = (batch.sensor, str(Reason.SITE_UNKNOWN))
    else:
        return True
    refused[key] = refused.get(key, 0) + len(batch)
    return False


def _hand_back(found: Gathered, matches: list[I64]) -> None:
    """Put the labels into the batches' own order. matches: of those that were gathered."""
    labels = np.zeros(sum(map(len, matches)), np.int64)
    labels[found.origin] = found.given.label
    begin = 0
    for match in matches:
        match[:] = labels[begin : begin + len(match)]
        begin += len(match)


def _count(found: Gathered, new: Items, refused: dict[tuple[str, str], int]) -> None:
    """Add what was not used to `refused`."""
    sensor = new.senses["sensor"][new.rows["sense"]]
    bad = np.flatnonzero(found.given.code != USED)
    reasons = [str(REASONS[code]) for code in found.given.code[bad].tolist()]
    reasons += [str(Reason.DUPLICATE)] * len(found.repeated)
    rows = np.concatenate((found.origin[bad], found.repeated))
    for row, reason in zip(sensor[rows].tolist(), reasons, strict=True):
        key = (new.names[row], reason)
        refused[key] = refused.get(key, 0) + 1
