"""Where nodes stand, sorted into cubes of some km of the earth-centred frame, so that those around a place are found.

Of too many around it the nearest count, and of each source as many: made-up nodes of one take no place of another's.

No map projection, so no seams: a cube's number is made of three whole numbers, and those of a column follow each other.
"""

from math import floor, inf
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64

SIDE = 6000.0  # m
WIDE = 1 << 12  # cubes along each axis: 24,000 km around the centre of the earth
WIDEST = 60e3  # m; around a place nothing further is looked up: who may be anywhere is not judged by nodes


class Field(NamedTuple):
    """n nodes in the order of their cubes. cube: (n,) its number, ascending. node: (n,) what the caller calls each row.

    place: (n, 3) ECEF m. reach: (n,) m, median distance at which it hears. farthest: (1,) m, the largest reach.
    source: (n,) of which one each is, 0, 1, ...
    """

    cube: I64
    node: I64
    place: F64
    reach: F64
    farthest: F64
    source: I64


def field(node: I64, place: F64, reach: F64, source: I64 | None = None) -> Field:
    """Return nodes sorted by cube, then by `node`: equal for every order in which they are given.

    node: (n,) int64, all different; place: (n, 3) ECEF m; reach: (n,) m; source: (n,) any numbers from 0 on, None: all
    are of one. Raises ValueError for what is not finite, lies outside of the cubes, has no reach or is given twice.
    """
    place, reach, node = np.asarray(place, float), np.asarray(reach, float), np.asarray(node, np.int64)
    limit = 0.5 * SIDE * WIDE - 1.0
    if not (np.all(np.abs(place) < limit) and np.all(np.isfinite(reach) & (reach > 0.0))):
        raise ValueError("a node stands nowhere on earth or hears nothing: check its place and its reach")
    if len(np.unique(node)) != len(node):
        raise ValueError("a node is given twice")
    cube = cubes(place)
    order = np.lexsort((node, cube))
    farthest = np.array([reach.max(initial=0.0)])
    source = np.zeros(len(node), np.int64) if source is None else numbered(np.asarray(source, np.int64)[order])
    return Field(cube[order], node[order], np.ascontiguousarray(place[order]), reach[order], farthest, source)


def numbered(source: I64) -> I64:
    """Return (n,) 0, 1, ... for sources that have any small numbers from 0 on, in their order."""
    there = np.zeros(source.max(initial=-1) + 1, np.int64)
    there[source] = 1
    return np.asarray(np.cumsum(there)[source] - 1, np.int64)


def cubes(place: F64, side: float = SIDE) -> I64:
    """Return (n,) the number of the cube, of `side` m, of each place (n, 3), ECEF m."""
    whole = np.floor(place / side).astype(np.int64) + WIDE // 2
    return np.asarray((whole[:, 0] * WIDE + whole[:, 1]) * WIDE + whole[:, 2], np.int64)


def rows(field: Field, node: I64) -> I64:
    """Return (k,) the row of each of k nodes by its name, -1 where there is none."""
    return find(field.node, node)


def find(names: I64, wanted: I64) -> I64:
    """Return (k,) the row of `names` (n,), all different and in any order, that each of `wanted` (k,) is, -1 none."""
    if len(names) == 0:
        return np.full(len(wanted), -1)
    order = np.argsort(names)
    at = order[np.minimum(np.searchsorted(names[order], wanted), len(order) - 1)]
    return np.where(names[at] == wanted, at, -1)


@inner
def first(cube: I64, number: int) -> int:
    """Return the first row whose cube is not before `number`."""
    low, high = 0, len(cube)
    while low < high:
        middle = (low + high) // 2
        if cube[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def around(field: Field, centre: F64, radius: float, found: I64) -> int:
    """Write the rows of nodes within `radius` m of centre (3,) to `found`, as many as it holds; return how many are."""
    low0, high0 = floor((centre[0] - radius) / SIDE), floor((centre[0] + radius) / SIDE)
    low1, high1 = floor((centre[1] - radius) / SIDE), floor((centre[1] + radius) / SIDE)
    low2, high2 = floor((centre[2] - radius) / SIDE), floor((centre[2] + radius) / SIDE)
    half, count = WIDE // 2, 0
    for i in range(low0 + half, high0 + half + 1):
        for j in range(low1 + half, high1 + half + 1):
            column = (i * WIDE + j) * WIDE + half
            last = column + high2
            row = first(field.cube, column + low2)
            while row < len(field.cube) and field.cube[row] <= last:
                away = 0.0
                for a in range(3):
                    d = field.place[row, a] - centre[a]
                    away += d * d
                if away <= radius * radius:
                    if count < len(found):
                        found[count] = row
                    count += 1
                row += 1
    return count


@inner
def shares(count: I64, most: int) -> tuple[int, int]:
    """Return how many nodes each source may have where `most` are wanted, and how many are left beside that.

    count: (sources,) nodes that each has, more than `most` in all. Fewer are left than there are sources with more.
    """
    each, left = 0, most
    while True:
        more = 0
        for one in count:
            more += one > each
        if more > left:
            return each, left
        each, left = each + 1, left - more


@inner
def fair(field: Field, centre: F64, rows: I64, found: I64) -> None:
    """Write as many of more rows as `found` holds to it: of each source its nearest to centre (3,), see `shares`.

    What is left goes to whose next one is nearest. rows: ascending, and so is found; of equally far ones the first.
    """
    away, source = np.zeros(len(rows)), field.source[rows]
    for j in range(len(rows)):
        for a in range(3):
            d = field.place[rows[j], a] - centre[a]
            away[j] += d * d
    room = np.bincount(source)
    each, left = shares(room, len(found))
    end = np.full(len(room), inf)  # how far the first one is that a source has no room for
    for s in range(len(room)):
        if room[s] > each:
            end[s], room[s] = np.partition(away[source == s], each)[each], each
    for s in np.argsort(end, kind="mergesort")[:left]:
        room[s] += 1
    for j in range(len(rows)):
        room[source[j]] -= away[j] < end[source[j]]
    count = 0
    for j in range(len(rows)):
        s = source[j]
        equal = away[j] == end[s] and room[s] > 0
        if equal or away[j] < end[s]:
            room[s] -= equal
            found[count] = rows[j]
            count += 1


@kernel
def near(field: Field, centre: F64, radius: F64, most: int, start: I64, found: I64) -> int:  # noqa: PLR0913 - in and out
    """Write the rows of nodes around m places (m, 3), within radius (m,) m, to `found`; return how many in all.

    most: for one place; of more a part, see `fair`. start (m + 1,): where each place's begin; of one place they are in
    the order of the field. A radius that is no number or over WIDEST finds none.
    """
    total = 0
    for i in range(len(centre)):
        start[i] = total
        off = max(abs(centre[i, 0]), abs(centre[i, 1]), abs(centre[i, 2]))
        if 0.0 <= radius[i] <= WIDEST and off < 0.5 * SIDE * WIDE - 2.0 * WIDEST:
            some = found[total : total + most]
            count = around(field, centre[i], radius[i], some)
            if count > len(some):
                every = np.empty(count, np.int64)
                around(field, centre[i], radius[i], every)
                fair(field, centre[i], every, some)
            total += min(count, len(some))
    start[len(centre)] = total
    return total
