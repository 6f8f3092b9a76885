"""The frames of a tick, of one source or many, decoded at once: a step costs the same for three plots as for 300.

What happens to a message stands in `decoder`. All or nothing: memories change when all has been decoded, so that after
a fault of ours each frame can still be decoded alone.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from skywarden.model.detection import Decoded, Detections, Frame, Reason
from skywarden.model.place import I64
from skywarden.model.track import Mode
from skywarden.sensors.asterix import plots, tracks
from skywarden.sensors.asterix.clock import utc
from skywarden.sensors.asterix.columns import Columns, Flags
from skywarden.sensors.asterix.memory import JUMP, PERIODS, SENDERS, Memory, apart, copies, remember
from skywarden.sensors.asterix.program import I32
from skywarden.sensors.asterix.reading import Compiled, Verdicts, read
from skywarden.sensors.asterix.sender import Sender, SomePlace, named

NORTH, SECTOR = 1, 2  # I034/000


@dataclass(slots=True)
class Part:
    """One frame and its source. first, last: where its messages begin and end among all.

    seen, places, periods, systems: what its messages add to the memory. since: radar -> first message, among all, after
    which its place is known. room: of places, periods and systems -> how many more there may be. marks: see `Decoded`.
    """

    sender: Sender
    memory: Memory
    frame: Frame
    first: int = 0
    last: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    places: dict[str, SomePlace] = field(default_factory=dict)
    periods: dict[str, float] = field(default_factory=dict)
    systems: list[str] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)
    room: dict[str, int] = field(default_factory=dict)
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def place(self, radar: str) -> SomePlace | None:
        """Return where a radar stands, None if that is not known."""
        return self.sender.enrolled.get(radar) or self.memory.places.get(radar) or self.places.get(radar)

    def revisit(self, radar: str, otherwise: float) -> float:
        """Return s, a turn of its antenna."""
        return self.periods.get(radar) or self.memory.periods.get(radar, otherwise)

    def takes(self, what: str, name: str, old: Collection[str], new: Collection[str]) -> bool:
        """Return whether a sender may be among those that are remembered. One with a block always may."""
        blocks = self.sender.blocks
        if name in blocks or name in old or name in new:
            return True
        if what not in self.room:
            self.room[what] = SENDERS - sum(other not in blocks for other in old)
        self.room[what] -= 1
        return self.room[what] >= 0

    def keep(self) -> None:
        """Write what its messages add into the memory."""
        remember(self.memory, self.seen, self.frame.received)
        self.memory.messages += len(self.frame)
        self.memory.places.update(self.places)
        self.memory.periods.update(self.periods)
        self.memory.systems += self.systems


def decoded(parts: Sequence[Part], categories: Mapping[int, Compiled], mode: Mode) -> list[Decoded]:
    """Return what each part says; no two parts are of one source.

    The lengths of a frame's messages must be those of its data, where there is more than one frame.
    """
    ends = np.cumsum([len(part.frame) for part in parts]).tolist()
    for part, end in zip(parts, ends, strict=True):
        part.first, part.last = end - len(part.frame), end
    columns, verdicts = read(_joined([part.frame for part in parts]), categories)
    good = verdicts.good()
    for part in parts:
        found, part.seen = copies(part.memory.seen, part.frame, good[part.first : part.last])
        verdicts.refuse(part.first + found, Reason.DUPLICATE)
    over = _services(_good(columns, 34, verdicts), parts, verdicts)
    batches: list[list[Detections]] = [[] for _ in parts]
    for k, batch in _plots(_real(_good(columns, 48, verdicts), plots.simulated, mode, verdicts), parts, verdicts):
        batches[k].append(batch)
    for k, batch in _tracks(_real(_good(columns, 62, verdicts), tracks.simulated, mode, verdicts), parts, verdicts):
        batches[k].append(batch)
    verdicts.refuse(over, Reason.QUOTA)
    for part in parts:
        part.keep()
    return [_told(part, tuple(found), verdicts) for part, found in zip(parts, batches, strict=True)]


def _told(part: Part, batches: tuple[Detections, ...], verdicts: Verdicts) -> Decoded:
    mine = verdicts.of(part.first, part.last)
    return Decoded(part.frame.source, int(mine.good().sum()), batches, mine.counts(), marks=part.marks)


def _joined(frames: Sequence[Frame]) -> Frame:
    if len(frames) == 1:
        return frames[0]
    return Frame("", 0, b"".join(frame.data for frame in frames), b"".join(frame.lengths for frame in frames))


def _good(columns: dict[int, Columns], category: int, verdicts: Verdicts) -> Columns | None:
    found = columns.get(category)
    if found is None:
        return None
    rows = verdicts.good()[found.owner]
    return found.take(rows) if rows.any() else None


def _real(
    columns: Columns | None, simulated: Callable[[Columns], Flags], mode: Mode, verdicts: Verdicts
) -> Columns | None:
    """Set aside what its sender marks as simulated, in a live picture."""
    if columns is None or mode is not Mode.LIVE:
        return columns
    marked = simulated(columns)
    verdicts.refuse(columns.owner[marked], Reason.SIMULATED)
    return columns.take(~marked)


def _by_part(owner: I64 | I32, parts: Sequence[Part]) -> Iterator[tuple[int, slice]]:
    """Yield the index of each part that has any of the rows, and which. owner: message of each row, in order."""
    edges = np.searchsorted(owner, [0, *(part.last for part in parts)]).tolist()
    for k, (begin, end) in enumerate(pairwise(edges)):
        if begin < end:
            yield k, slice(begin, end)


def _services(columns: Columns | None, parts: Sequence[Part], verdicts: Verdicts) -> I64:
    """Take in what radars report of themselves. Return the messages of those that there is no room for."""
    over = list[int]()
    if columns is not None:
        _marks(columns, parts)
        for k, rows in _by_part(columns.owner, parts):
            mine = columns.take(rows)
            over += [*_turns(parts[k], mine), *_places(parts[k], mine, verdicts)]
    return np.array(over, np.int64)


def _marks(columns: Columns, parts: Sequence[Part]) -> None:
    """Note which radars with a block turn and may be used, by north markers and sector crossings, and when."""
    turning = np.isin(columns.raw("000/TYP"), (NORTH, SECTOR)) & columns.there("030/TOD")
    columns = columns.take(turning & ~columns.flag("050/COM/NOGO"))
    which = np.searchsorted([part.last for part in parts], columns.owner, "right")
    times = utc(columns.raw("030/TOD"), np.array([part.frame.received for part in parts])[which]).tolist()
    keys = (columns.raw("010/SAC") * 256 + columns.raw("010/SIC")).tolist()
    for k, key, time in zip(which.tolist(), keys, times, strict=True):
        if (sensor := parts[k].sender.blocks.get(named(key))) is not None:
            last, count = parts[k].marks.get(sensor.name, (0, 0))
            parts[k].marks[sensor.name] = max(last, time), count + 1


def _turns(part: Part, columns: Columns) -> Iterator[int]:
    """Take in how long antennas take to turn; yield messages of radars that there is no room for."""
    for message, radar, (period,) in _reported(columns, "041/PERIOD"):
        if not PERIODS[0] <= period <= PERIODS[1]:
            continue
        if part.takes("periods", radar, part.memory.periods, part.periods):
            part.periods[radar] = period
        else:
            yield message


def _places(part: Part, columns: Columns, verdicts: Verdicts) -> Iterator[int]:
    """Take in where radars say they stand; yield messages of those that there is no room for."""
    for message, radar, (latitude, longitude, height) in _reported(columns, "120/LAT", "120/LON", "120/HGT"):
        known = part.place(radar)
        if known is not None:
            if apart(known, (latitude, longitude, height)) > JUMP:
                verdicts.refuse(np.array([message]), Reason.IMPLAUSIBLE)
        elif part.takes("places", radar, part.memory.places, part.places):
            part.places[radar] = latitude, longitude, height
            part.since[radar] = message
        else:
            yield message


def _reported(columns: Columns, *paths: str) -> Iterator[tuple[int, str, tuple[float, ...]]]:
    """Yield message, radar and values, for each record that has them."""
    having = columns.take(columns.there(paths[0]))
    sac, sic = having.raw("010/SAC").tolist(), having.raw("010/SIC").tolist()
    values = zip(*(having.value(path).tolist() for path in paths), strict=True)
    for message, a, b, some in zip(having.owner.tolist(), sac, sic, values, strict=True):
        yield message, f"{a}-{b}", some


def _plots(columns: Columns | None, parts: Sequence[Part], verdicts: Verdicts) -> Iterator[tuple[int, Detections]]:
    """Yield the plots of each radar, each with the index of its part."""
    if columns is None:
        return
    found = plots.plots(columns.take(plots.measured(columns)))
    heard, whose = [], []
    for k, rows in _by_part(found.owner, parts):
        part, owner = parts[k], found.owner[rows]
        radars, which = np.unique(found.radar[rows], return_inverse=True)
        places = {i: place for i, key in enumerate(radars.tolist()) if (place := part.place(named(key))) is not None}
        verdicts.refuse(owner[~np.isin(which, list(places))], Reason.SITE_UNKNOWN)
        for i, place in places.items():
            name, sensor = part.sender.sensor(int(radars[i]))
            mine = np.flatnonzero(which == i)
            known = owner[mine] >= part.since.get(name, 0)
            verdicts.refuse(owner[mine[~known]], Reason.SITE_UNKNOWN)
            if known.any():
                radar = part.sender.radar(name, sensor, place, part.frame.received)
                turn, before = part.revisit(name, sensor.revisit_s), part.memory.messages - part.first
                heard.append(plots.Heard(radar, turn, rows.start + mine[known], part.frame.received, before))
                whose.append(k)
    yield from zip(whose, plots.polar(found, heard), strict=True)


def _tracks(columns: Columns | None, parts: Sequence[Part], verdicts: Verdicts) -> Iterator[tuple[int, Detections]]:
    """Yield the tracks of each sender, each with the index of its part."""
    if columns is None:
        return
    verdicts.refuse(columns.owner[tracks.unplaced(columns)], Reason.NO_REFERENCE)
    columns = columns.take(tracks.placed(columns))
    sender = columns.raw("010/SAC") * 256 + columns.raw("010/SIC")
    for k, rows in _by_part(columns.owner, parts):
        mine, whose, part = columns.take(rows), sender[rows], parts[k]
        taken = _systems(part, whose)
        verdicts.refuse(mine.owner[~np.isin(whose, taken)], Reason.QUOTA)
        for key in sorted(taken):
            yield k, tracks.states(mine.take(whose == key), part.sender.sensor(key)[1], part.frame.received)


def _systems(part: Part, sender: I64) -> list[int]:
    """Return which senders of tracks are taken in, in the order of their first message; later ones have no room."""
    keys, first = np.unique(sender, return_index=True)
    found = list[int]()
    for key in keys[np.argsort(first)].tolist():
        name, old = named(key), part.memory.systems
        if part.takes("systems", name, old, part.systems):
            found.append(key)
            if name not in part.sender.blocks and name not in old:
                part.systems.append(name)
    return found
