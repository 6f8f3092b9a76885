"""Who gets which detection: the assignment of greatest total gain within each connected part of the sparse graph.

A pair is only taken when it beats "missed and new" (gain > 0), so an assignment is never worse than none.
"""

from math import inf

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64
from skywarden.track.components import root

CELLS = 65_536  # of a dense cost matrix; larger parts are assigned best pair first


@inner
def augment(cost: F64, row: int, prices: F64, price: F64, owner: I64, back: I64) -> None:  # noqa: PLR0913 - one matrix
    """Place one more row of cost (r, c): shortest augmenting path from it to a free column.

    1-based, column 0 holds the row being placed. prices (r + 1,), price (c + 1,): potentials of rows and columns;
    owner (c + 1,): row that holds a column, 0 none; back (c + 1,): the path.
    """
    c = cost.shape[1]
    least, done = np.full(c + 1, inf), np.zeros(c + 1, np.int64)
    owner[0] = row
    column = 0
    while column == 0 or owner[column] != 0:
        done[column] = 1
        at, step, following = owner[column], inf, 0
        for k in range(1, c + 1):
            if done[k] == 0:
                value = cost[at - 1, k - 1] - prices[at] - price[k]
                if value < least[k]:
                    least[k], back[k] = value, column
                if least[k] < step:
                    step, following = least[k], k
        for k in range(c + 1):
            if done[k] == 1:
                prices[owner[k]] += step
                price[k] -= step
            else:
                least[k] -= step
        column = following
    while column != 0:
        owner[column] = owner[back[column]]
        column = back[column]


@inner
def solve(cost: F64) -> I64:
    """Return (c,) for each column of cost (r, c), r <= c, its row in the assignment of least total cost, -1 none.

    Source: Burkard, Dell'Amico, Martello 2009, section 4.4.
    """
    r, c = cost.shape
    prices, price = np.zeros(r + 1), np.zeros(c + 1)
    owner, back = np.zeros(c + 1, np.int64), np.zeros(c + 1, np.int64)
    for row in range(1, r + 1):
        augment(cost, row, prices, price, owner, back)
    return owner[1:] - 1


@kernel
def greedy(rows: I64, columns: I64, order: I64, size: int, match: I64) -> None:
    """Take pairs in the order given; match (m,) gets rows, which are < size."""
    taken = np.zeros(size, np.int64)
    for e in order:
        if match[columns[e]] < 0 and taken[rows[e]] == 0:
            match[columns[e]] = rows[e]
            taken[rows[e]] = 1


@inner
def numbered(values: I64, edges: I64, number: I64, names: I64) -> int:
    """Number the different values of some edges in order of appearance: number[value], names[number]; return count.

    number must be -1 at all these values.
    """
    count = 0
    for e in edges:
        if number[values[e]] < 0:
            number[values[e]] = count
            names[count] = values[e]
            count += 1
    return count


@kernel
def dense(rows: I64, columns: I64, gains: F64, edges: I64, match: I64) -> bool:
    """Assign one part of the graph, the `edges`, exactly; False when it is too large for a dense matrix."""
    row, column = np.full(rows[-1] + 1, -1), np.full(len(match), -1)
    tracks, plots = np.empty(len(edges), np.int64), np.empty(len(edges), np.int64)
    r, c = numbered(rows, edges, row, tracks), numbered(columns, edges, column, plots)
    if r * c > CELLS:
        return False
    cost = np.zeros((min(r, c), max(r, c)))
    for e in edges:
        if r <= c:
            cost[row[rows[e]], column[columns[e]]] = -gains[e]
        else:
            cost[column[columns[e]], row[rows[e]]] = -gains[e]
    found = solve(cost)
    for k in range(len(found)):
        if found[k] >= 0 and cost[found[k], k] < 0.0:
            if r <= c:
                match[plots[k]] = tracks[found[k]]
            else:
                match[plots[found[k]]] = tracks[k]
    return True


@kernel
def parts(rows: I64, columns: I64, match: I64) -> I64:
    """Match detections and tracks that have only each other; return (e,) a number for each other connected part.

    rows (e,), rising, columns (e,): ends of each edge. match (m,). An edge that is done has -1.
    """
    m, tracks = len(match), rows[-1] + 1
    degree, parent = np.zeros(tracks + m, np.int64), np.arange(tracks + m)
    for e in range(len(rows)):
        degree[rows[e]] += 1
        degree[tracks + columns[e]] += 1
    out = np.full(len(rows), -1)
    for e in range(len(rows)):
        if degree[rows[e]] == 1 and degree[tracks + columns[e]] == 1:
            match[columns[e]] = rows[e]
        else:
            parent[root(parent, rows[e])] = root(parent, tracks + columns[e])
            out[e] = 0
    for e in range(len(rows)):
        if out[e] == 0:
            out[e] = root(parent, rows[e])
    return out


def assign(rows: I64, columns: I64, gains: F64, m: int) -> I64:
    """Return (m,) the track row of each detection, -1 for none.

    rows, rising, and columns: (e,) track row and detection of each edge; gains: (e,) > 0.
    """
    match = np.full(m, -1)
    if len(rows) == 0:
        return match
    part = parts(rows, columns, match)
    shared = np.flatnonzero(part >= 0)
    if len(shared) == 0:
        return match
    shared = shared[np.argsort(part[shared], kind="stable")]
    for some in np.split(shared, np.flatnonzero(np.diff(part[shared])) + 1):
        if not dense(rows, columns, gains, some, match):
            order = some[np.argsort(-gains[some], kind="stable")]
            greedy(rows, columns, order, int(rows[-1]) + 1, match)
    return match
