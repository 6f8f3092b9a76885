"""The tracker's way in: one tick's detections and the picture before it -> the tracks after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skywarden.model.detection import Detections, Reason
from skywarden.model.event import Refused, TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import I64
from skywarden.model.track import Beliefs, Picture, Status, Tracks
from skywarden.track.beliefs import closed, without
from skywarden.track.chain import taken
from skywarden.track.gather import Gathered
from skywarden.track.items import Items, items
from skywarden.track.lifecycle import MISSED, age
from skywarden.track.measure import ROWS
from skywarden.track.pool import Memory
from skywarden.track.prepare import IMPLAUSIBLE, NOT_FINITE, QUOTA, TOO_LATE, USED
from skywarden.track.settings import TrackerSettings
from skywarden.track.settled import Settled, settle
from skywarden.track.table import rows_of, table

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
    settled: Settled
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
            settled=self.settled.chain,
            waiting=self.settled.waiting,
            patient=self.settled.patient,
            next_number=self.next_number,
            sensors=self.sensors,
        )


def track(
    picture: Picture, batches: Sequence[Detections], time: int, settings: TrackerSettings, slow: bool = False
) -> Tracked:
    """Advance the picture's tracks to `time`, ns, by `batches`. Pure: equal input, equal output, to the bit.

    slow: people or foreign trackers are among the sources, whose messages may be a minute late.
    """
    refused: dict[tuple[str, str], int] = {}
    used = [k for k, batch in enumerate(batches) if _usable(batch, refused)]
    matches = [np.zeros(len(batch), np.int64) for batch in batches]
    tracks, sensors, ended = picture.tracks, picture.sensors, list[TrackDropped]()
    memory, new, confirmed = None, None, np.zeros(len(tracks), np.int64)
    if used:
        new = items([batches[k] for k in used], settings)
        memory, found = taken(picture.beliefs, sensors, new, settings)
        sensors = found.sensors
        _hand_back(found, [matches[k] for k in used])
        _count(found, new, refused)
        tracks = _tracks(memory, tracks, found.given.label, time)
        ended = [TrackDropped(time, number, MISSED) for number in _ended(picture.tracks, tracks)]
        confirmed = memory.targets["confirmed"][: memory.counts[0]]
    life = age(tracks, confirmed, time, picture.next_number, settings)
    for sensor in tracks.seen_by[life.crowded, 0].tolist():
        key = (sensors[sensor], str(Reason.QUOTA))
        refused[key] = refused.get(key, 0) + 1
    settled = settle(picture, new, time, settings, slow)
    for sensor, count in settled.faults.items():
        key = (sensor, str(Reason.DECODER_FAULT))
        refused[key] = refused.get(key, 0) + count
    rejections = [Refused(sensor, reason, count) for (sensor, reason), count in sorted(refused.items())]
    for match in matches:
        match.flags.writeable = False
    gone = ~life.keep
    beliefs = picture.beliefs if memory is None else closed(memory, gone)
    return Tracked(
        _sealed(life.tracks),
        without(beliefs, gone) if memory is None and gone.any() else beliefs,
        settled,
        life.next_number,
        sensors,
        (*rejections, *ended, *life.events),
        tuple(matches),
    )


def _tracks(memory: Memory, before: Tracks, heard: I64, time: int) -> Tracks:
    """Return the targets as tracks. heard: labels of those that were measured in this tick."""
    n, m, g, _ = memory.counts
    noise = memory.parameters["noise"][0, :, 0]
    return _known(table(memory.targets[:n], memory.leaves[:m], memory.groups[:g], noise), before, heard, time)


def _known(tracks: Tracks, before: Tracks, heard: I64, time: int) -> Tracks:
    """Return tracks with what people know of them: number, status, and when we heard of them; new ones just now."""
    old, row = rows_of(before.label, tracks.label)
    number, status, last = (np.full(len(tracks), value) for value in (0, int(Status.TENTATIVE), time))
    number[old], status[old], last[old] = before.number[row], before.status[row], before.heard[row]
    last[rows_of(tracks.label, heard)[1]] = time
    return replace(tracks, number=number, status=status.astype(np.int8), heard=last)


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
