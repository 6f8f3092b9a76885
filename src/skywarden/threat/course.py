"""What comes of a course: a table of how often, and how much later, targets that flew so reached a site.

Four figures of a track and a site: the time by the way that its course leads, the angle by which it must turn to come
within the radius, what share of its way in the last minutes brought it nearer, and its speed. Between the table's
nodes they are interpolated in each, so that no alert flickers at an edge. The times are ratios to the first figure.
The table is `data/courses.json`, learned by bench/course_table.py from made-up raids; docs/alerts.md has what it is
worth on others.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
import numpy as np

from skywarden.errors import ConfigError
from skywarden.kernel import kernel
from skywarden.model.place import F64

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  # of the quantiles of an arrival
MEDIAN = 3
SOON = 20.0  # s, added to both times of a ratio: what is nearly here is early or late by seconds, not by shares
TURNING = 5.0  # deg by which a course may miss and still lead along the edge rather than straight to the site
SLOWEST = 1.0  # m/s; slower than this a track comes from nowhere and goes nowhere
AXES, CORNERS = 4, 16


class Course(NamedTuple):
    """k tracks and sites. time: (k,) s; off: (k,) deg, negative inside; nearer: (k,) -1 to 1; speed: (k,) m/s."""

    time: F64
    off: F64
    nearer: F64
    speed: F64


class Passing(NamedTuple):
    """k tracks seen from sites, on the level. offset, velocity, mean: (k, 2) m, m/s; steady: (k,) m/s.

    offset: of the track from the site. mean: of its velocity, steady: of its speed, both fading. radius: (k,) m.
    """

    offset: F64
    velocity: F64
    mean: F64
    steady: F64
    radius: F64


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. made: how. Nodes of each figure; sharp: s of a median -> for each speed, the factor of what lies about.

    comes, ratio: of all cells, of all cells and LEVELS.
    """

    made: str
    time: tuple[float, ...]
    off: tuple[float, ...]
    nearer: tuple[float, ...]
    speed: tuple[float, ...]
    sharp: Mapping[float, tuple[float, ...]]
    comes: tuple[float, ...]
    ratio: tuple[float, ...]


class Table(NamedTuple):
    """nodes: of time, off, nearer and speed, of time and speed their logarithms. comes: (cells,) chance of arriving.

    ratio: (cells, LEVELS) logarithms of the ratios of times. medians: (m,) logarithms of s; sharp: (m, speeds) factors.
    best: (time, off, nearer), the chance at the speed at which it is best.
    """

    nodes: tuple[F64, F64, F64, F64]
    comes: F64
    ratio: F64
    medians: F64
    sharp: F64
    best: F64


class Turns(NamedTuple):
    """The angle by which a target was ever likely to turn. time: (t,) s and nearer: (r,), until which a cell counts.

    angle: (t, r) rad.
    """

    time: F64
    nearer: F64
    angle: F64


def turns(of: Table, least: float) -> Turns:
    """Return the angles beyond which no target of any speed comes with a probability of `least`.

    A cell has the widest angle of all nodes that it lies between, and in time of one more: times are not reckoned to
    the second there.
    """
    likely = of.best >= least
    last = np.where(likely.any(1), likely.shape[1] - 1 - likely[:, ::-1].argmax(1), 0)
    widest = np.append(of.nodes[1], 180.0)[last + 1]  # interpolated up to the next node
    later, sooner = np.vstack([widest[1:], widest[-1:]]), np.vstack([widest[:1], widest[:-1]])
    widest = np.max([later, widest, sooner], axis=0)
    widest = np.maximum(widest, np.hstack([widest[:, :1], widest[:, :-1]]))
    return Turns(np.exp(of.nodes[0]) - SOON, of.nodes[2], np.radians(np.maximum(widest, 0.0)))


def table(text: str | bytes) -> Table:
    """Return the table that a file says. Raises ConfigError for one that is not whole."""
    try:
        file = msgspec.json.decode(text, type=File)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"the table of courses cannot be read: {e}; make it again: bench/course_table.py") from None
    nodes = file.time, file.off, file.nearer, file.speed
    cells = int(np.prod([len(some) for some in nodes]))
    rising = all(len(some) > 1 and (np.diff(some) > 0).all() for some in (*nodes, tuple(file.sharp)))
    whole = len(file.comes) == cells and len(file.ratio) == cells * len(LEVELS)
    if (
        not rising
        or not whole
        or min(file.speed) <= 0
        or {len(row) for row in file.sharp.values()} != {len(file.speed)}
    ):
        raise ConfigError("the table of courses is not whole; make it again: bench/course_table.py")
    ratio = np.array(file.ratio).reshape(cells, len(LEVELS))
    axes: tuple[F64, F64, F64, F64] = (
        late(np.array(file.time)),
        np.array(file.off),
        np.array(file.nearer),
        np.log(file.speed),
    )
    comes = np.array(file.comes)
    best = comes.reshape([len(some) for some in nodes]).max(3)
    return Table(axes, comes, ratio, late(np.array([*file.sharp])), np.array([*file.sharp.values()]), best)


@cache
def shipped() -> Table:
    """Return the table that comes with the program."""
    return table(files("skywarden").joinpath("data", "courses.json").read_bytes())


def late(seconds: F64) -> F64:
    """Return logarithms of times, in which ratios are differences."""
    return np.asarray(np.log(np.maximum(seconds, 0.0) + SOON))


def courses(of: Passing) -> Course:
    """Return the four figures of tracks that are outside of the radius.

    Where a course leads into the radius its time is that to the edge. Where it misses, it is that straight to the site,
    which the track then would have to turn to; between the two it changes smoothly, over some TURNING.
    """
    away = np.maximum(np.hypot(*of.offset.T), of.radius)
    speed = np.hypot(*of.velocity.T)
    heading = of.velocity / np.maximum(speed, 1e-9)[:, None]
    ahead = -(of.offset * heading).sum(1)
    beside = np.abs(of.offset[:, 0] * heading[:, 1] - of.offset[:, 1] * heading[:, 0])
    off = np.degrees(np.arctan2(beside, ahead) - np.arcsin(of.radius / away))
    edge = ahead - np.sqrt(np.maximum(of.radius**2 - beside**2, 0.0))
    along, direct = np.sqrt(away**2 - of.radius**2), away - of.radius
    missing = direct + (along - direct) * np.exp(-np.maximum(off, 0.0) / TURNING)
    nearer = -(of.offset * of.mean).sum(1) / (away * np.maximum(of.steady, SLOWEST))
    speed = np.maximum(speed, SLOWEST)
    time = np.maximum(np.where(off <= 0.0, edge, missing), 0.0) / speed
    return Course(time, off, np.clip(nearer, -1.0, 1.0), speed)


def forecast(course: Course, table: Table, least: F64 | float = 0.0) -> tuple[F64, F64]:
    """Return (k,) probabilities of arriving, and (k, LEVELS) s after which one that arrives does: quantiles.

    Of those under `least`, (k,) or one for all, the quantiles are not worked out: NaN.
    """
    first = late(course.time)
    values = np.stack([first, course.off, course.nearer, np.log(course.speed)], 1)
    comes, times = np.zeros(len(first)), np.full((len(first), len(LEVELS)), np.nan)
    floor = np.broadcast_to(np.asarray(least, float), comes.shape).copy()
    look(values, table, floor, comes, times)
    known = np.flatnonzero(comes >= floor)
    sharp = sharpened(times[known] + first[known, None], values[known, 3], table)
    times[known] = np.maximum(np.exp(sharp) - SOON, 0.0)
    return comes, times


def sharpened(times: F64, speed: F64, table: Table) -> F64:
    """Return (k, LEVELS) logarithms of times, drawn together about their medians: between nodes a table is too vague.

    speed: (k,) logarithms.
    """
    middle, nodes = times[:, MEDIAN], table.nodes[3]
    place = np.clip(np.searchsorted(nodes, speed) - 1, 0, len(nodes) - 2)
    share = np.clip((speed - nodes[place]) / (nodes[place + 1] - nodes[place]), 0.0, 1.0)
    each = np.stack([np.interp(middle, table.medians, column) for column in table.sharp.T], 1)
    rows = np.arange(len(times))
    factor = each[rows, place] * (1.0 - share) + each[rows, place + 1] * share
    return np.asarray(middle[:, None] + (times - middle[:, None]) * factor[:, None])


@kernel
def look(values: F64, table: Table, least: F64, comes: F64, times: F64) -> None:
    """Interpolate in the table. values: (k, 4); comes: (k,) and times: (k, LEVELS) are written.

    Multilinear; outside of the nodes as at the last one. Times of what comes are weighed by how often it does.
    """
    cell, weight = np.empty(CORNERS, np.int64), np.empty(CORNERS)
    for k in range(len(values)):
        cell[:], weight[:] = 0, 1.0
        for axis in range(AXES):
            nodes = table.nodes[axis]
            place = min(max(np.searchsorted(nodes, values[k, axis], side="right") - 1, 0), len(nodes) - 2)
            share = min(max((values[k, axis] - nodes[place]) / (nodes[place + 1] - nodes[place]), 0.0), 1.0)
            for corner in range(CORNERS):
                up = corner >> axis & 1
                cell[corner] = cell[corner] * len(nodes) + place + up
                weight[corner] *= share if up else 1.0 - share
        comes[k] = 0.0
        for corner in range(CORNERS):
            weight[corner] *= table.comes[cell[corner]]
            comes[k] += weight[corner]
        if comes[k] >= least[k]:
            times[k] = 0.0
            for corner in range(CORNERS):
                for level in range(times.shape[1]):
                    times[k, level] += weight[corner] / comes[k] * table.ratio[cell[corner], level]
