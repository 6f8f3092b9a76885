"""A made-up field of single microphones: what each reports, second by second, of flights and of everything else.

Times are s. Places are m, east and north of the field's middle, and up. The generator has effects that the finder does
not know: wind, the speed of sound, the reach of each node and pass, mopeds, thunder, lost and late messages, outages.
"""

from typing import NamedTuple

import numpy as np

from skywarden import geo
from skywarden.model.place import F64, I64

ORIGIN = np.radians([50.0, 30.0])
EARTH = 6.37e6  # m
COLUMNS, ROWS, SPACING, JITTER = 40, 25, 4000.0, 0.15
REACH, SPREAD, PD = 4000.0, 0.15, 0.9  # m; 1 sigma of the logarithm, of each node and again of each pass; each pass
ONSETS, LASTS = 0.2, 60.0  # false ones, each node and hour; s, mean of an exponential distribution
MOPEDS = 0.3  # of the false onsets
CLAPS, STORM = 2.0, 10  # claps an hour in the whole field, and how many of one storm
HELICOPTERS = 0.3  # an hour
LOST, DOWN = 0.02, 0.02  # of the messages; of the nodes
BEAT = 60.0  # s


class Flight(NamedTuple):
    """A straight flight. start: (3,) m at time `begin`; velocity: (2,) m/s; loud: its reach to that of a UAV."""

    begin: float
    end: float
    start: F64
    velocity: F64
    loud: float = 1.0

    def at(self, time: float) -> F64:
        """Return (2,) m, where it is."""
        return self.start[:2] + self.velocity * (time - self.begin)


class Nodes(NamedTuple):
    """place: (n, 2) m; reach: (n,) m, of the UAV; phase: (n,) s; down: (n,) it is out of order."""

    place: F64
    reach: F64
    phase: F64
    down: np.ndarray


class Heard(NamedTuple):
    """When nodes hear something, each column (k,): node, from and until when, s."""

    node: I64
    on: F64
    off: F64


class Said(NamedTuple):
    """Messages in the order in which they come, each column (k,): came and time, s; node; heard 1, alive 0."""

    came: F64
    time: F64
    node: I64
    heard: I64


def nodes(rng: np.random.Generator) -> Nodes:
    """Return the field: 1,000 nodes on a grid of 4 km, each 15 % off its place."""
    grid = np.stack(np.meshgrid(np.arange(COLUMNS) - (COLUMNS - 1) / 2, np.arange(ROWS) - (ROWS - 1) / 2), -1)
    place = SPACING * (grid.reshape(-1, 2) + JITTER * rng.normal(size=(COLUMNS * ROWS, 2)))
    reach = REACH * np.exp(SPREAD * rng.normal(size=len(place)))
    return Nodes(place, reach, rng.uniform(0, BEAT, len(place)), rng.random(len(place)) < DOWN)


def ecef(place: F64, height: float = 2.0) -> F64:
    """Return (n, 3) ECEF m of places (n, 2)."""
    local = np.column_stack([place, height - (place**2).sum(1) / (2 * EARTH)])
    return geo.ecef(*ORIGIN, 0.0) + local @ geo.east_north_up(*ORIGIN)


def local(state: F64) -> F64:
    """Return east, north m and m/s (..., 4) of ECEF states (..., 6)."""
    axes = geo.east_north_up(*ORIGIN)
    return np.concatenate(
        [((state[..., :3] - geo.ecef(*ORIGIN, 0.0)) @ axes.T)[..., :2], (state[..., 3:] @ axes.T)[..., :2]], -1
    )


def edge() -> tuple[F64, F64]:
    """Return lower and upper corner of the outermost line of nodes."""
    half = 0.5 * SPACING * np.array([COLUMNS - 1, ROWS - 1])
    return -half, half


def inbound(rng: np.random.Generator, speed: float, crossing: float, after: float) -> Flight:
    """Return a flight that crosses the outermost line at time `crossing`, anywhere on it, inwards within 60 deg."""
    low, high = edge()
    size = high - low
    along = rng.uniform(0, 2 * size.sum())
    turn = rng.uniform(-np.pi / 3, np.pi / 3)
    sides = [size[0], size[1], size[0], size[1]]
    corner = [np.array([low[0], low[1]]), np.array([high[0], low[1]]), high, np.array([low[0], high[1]])]
    ways = [np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([-1.0, 0.0]), np.array([0.0, -1.0])]
    side = 0
    while along > sides[side]:
        along -= sides[side]
        side += 1
    inward = np.array([-ways[side][1], ways[side][0]])
    heading = np.cos(turn) * inward + np.sin(turn) * ways[side]
    before = 8000.0 / speed + 30.0
    place = corner[side] + along * ways[side] - before * speed * heading
    height = rng.uniform(80.0, 1200.0)
    return Flight(crossing - before, crossing + after, np.append(place, height), speed * heading)


def launched(rng: np.random.Generator, speed: float, at: float, after: float) -> Flight:
    """Return a flight that begins at a time anywhere at least 12 km inside the field, in any direction."""
    low, high = edge()
    turn = rng.uniform(0, 2 * np.pi)
    start = np.append(rng.uniform(low + 12e3, high - 12e3), rng.uniform(80.0, 1200.0))
    return Flight(at, at + after, start, speed * np.array([np.sin(turn), np.cos(turn)]))


def passing(flight: Flight, field: Nodes, rng: np.random.Generator) -> Heard:
    """Return when nodes hear a flight: each pass has its own reach, and Pd says whether the node hears it at all."""
    reach = flight.loud * field.reach * np.exp(SPREAD * rng.normal(size=len(field.place)))
    sound, wind = 340.0 + rng.normal(0, 4.0), rng.normal(0, 5.0, 2)
    speed = np.hypot(*flight.velocity)
    way = flight.velocity / speed
    d = field.place - flight.start[:2]
    along, side = d @ way, d @ np.array([-way[1], way[0]])
    half2 = reach**2 - side**2 - (flight.start[2] - 2.0) ** 2
    hears = (half2 > 0) & (rng.random(len(reach)) < PD) & ~field.down
    row = np.flatnonzero(hears)
    half = np.sqrt(half2[row])
    times = []
    for sign in (-1.0, 1.0):
        left = np.clip(flight.begin + (along[row] + sign * half) / speed, flight.begin, flight.end)
        gone = field.place[row] - (flight.start[:2] + np.outer(left - flight.begin, flight.velocity))
        away = np.sqrt((gone**2).sum(1) + flight.start[2] ** 2)
        times.append(left + away / (sound + gone @ wind / np.maximum(away, 1.0)))
    keep = times[1] > times[0] + 0.5
    return Heard(row[keep], times[0][keep], times[1][keep])


def false(field: Nodes, seconds: float, rng: np.random.Generator) -> Heard:
    """Return false alarms of single nodes."""
    count = rng.poisson(ONSETS * (1 - MOPEDS) / 3600 * len(field.place) * seconds)
    on = rng.uniform(0, seconds, count)
    return Heard(rng.integers(0, len(field.place), count), on, on + rng.exponential(LASTS, count))


def mopeds(field: Nodes, seconds: float, rng: np.random.Generator) -> Heard:
    """Return mopeds: each passes two to five nodes one after the other, at about 10 m/s."""
    count = rng.poisson(ONSETS * MOPEDS / 3600 * len(field.place) * seconds / 3.5)
    rows, on, off = [], [], []
    for _ in range(count):
        at, node, speed = rng.uniform(-300, seconds), int(rng.integers(len(field.place))), rng.uniform(8, 14)
        heading = rng.uniform(0, 2 * np.pi)
        for _ in range(int(rng.integers(2, 6))):
            hears = rng.uniform(500, 1500) / speed
            rows.append(node), on.append(at - hears), off.append(at + hears)
            d = field.place - field.place[node]
            away = np.hypot(*d.T)
            turn = np.abs((np.arctan2(d[:, 0], d[:, 1]) - heading + np.pi) % (2 * np.pi) - np.pi)
            away[(turn > np.radians(40)) | (away < 1.0)] = np.inf
            following = int(np.argmin(away))
            if not away[following] < 8000.0:
                break
            at, node = at + away[following] / speed, following
    return Heard(np.array(rows, np.int64), np.array(on), np.array(off))


def thunder(field: Nodes, seconds: float, rng: np.random.Generator) -> Heard:
    """Return storms: ten claps each within 30 min and 15 km, each heard by about 20 nodes as it runs over them."""
    rows, on, off = [], [], []
    low, high = edge()
    for _ in range(rng.poisson(CLAPS / STORM * seconds / 3600)):
        begin, middle = rng.uniform(-900, seconds), rng.uniform(low, high)
        for _ in range(STORM):
            place, at = middle + rng.normal(0, 6000, 2), begin + rng.uniform(0, 1800)
            away = np.hypot(*(field.place - place).T)
            near = np.argsort(away)[: rng.integers(18, 27)]
            near = near[rng.random(len(near)) < 0.9]
            comes = at + away[near] / 338.0 + rng.normal(0, 0.5, len(near))
            rows.append(near), on.append(comes), off.append(comes + rng.uniform(4, 20, len(near)))
    return joined([Heard(r, a, b) for r, a, b in zip(rows, on, off, strict=True)])


def joined(parts: list[Heard]) -> Heard:
    """Return several as one."""
    if not parts:
        return Heard(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return Heard(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def said(field: Nodes, heard: Heard, span: tuple[float, float], rng: np.random.Generator) -> Said:
    """Return all messages of a span of time, s: reports once a second of what is heard, heartbeats once a minute."""
    begin, end = span
    on, off = np.maximum(heard.on, begin), np.minimum(heard.off, end)
    phase = field.phase[heard.node] % 1.0
    first = np.ceil(on - phase) + phase
    count = np.where(off > first, np.floor(off - first) + 1, 0).astype(np.int64)
    node, time = np.repeat(heard.node, count), np.repeat(first, count)
    time += np.arange(len(time)) - np.repeat(np.cumsum(count) - count, count)
    node, time = np.unique(np.column_stack([node, time]), axis=0).T if len(node) else (np.zeros(0), np.zeros(0))
    beats = np.arange(begin - BEAT, end, BEAT)
    beat = (beats[None, :] + field.phase[:, None]).ravel()
    node = np.concatenate([node, np.repeat(np.arange(len(field.phase)), len(beats))]).astype(np.int64)
    kind = np.concatenate([np.ones(len(time)), np.zeros(len(beat))]).astype(np.int64)
    time = np.concatenate([time, beat])
    keep = ~field.down[node] & (rng.random(len(time)) > LOST)
    node, kind, time = node[keep], kind[keep], time[keep]
    came = time + np.minimum(0.2 + rng.exponential(0.4, len(time)), 20.0)
    order = np.argsort(came)
    return Said(came[order], time[order], node[order], kind[order])
