"""Who gets which detection: the assignment of greatest total gain within each connected part of the sparse graph.

A pair is only taken when it beats "missed and new" (gain > 0), so an assignment is never worse than none.
"""

from math import inf

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64

CELLS = 65_536  # of a dense cost matrix; larger parts are assigned best pair first


@kernel
def root(parent: I64, node: int) -> int:
    """Return the representative of a node, halving the path to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
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


@kernel
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
def greedy(rows: I64, columns: I64, gains: F64, size: int, match: I64) -> None:
    """Take pairs of one part of the graph in order of falling gain. rows < size."""
    taken = np.zeros(size, np.int64)
    for e in np.argsort(-gains):
        if match[columns[e]] < 0 and taken[rows[e]] == 0:
            match[columns[e]] = rows[e]
            taken[rows[e]] = 1


@kernel
def numbered(values: I64, size: int) -> tuple[I64, I64]:
    """Return (e,) each value's number among the different ones, in order of appearance, and those. values < size."""
    number, inside, different = np.full(size, -1, np.int64), np.empty(len(values), np.int64), np.empty_like(values)
    count = 0
    for e in range(len(values)):
        if number[values[e]] < 0:
            number[values[e]] = count
            different[count] = values[e]
            count += 1
        inside[e] = number[values[e]]
    return inside, different[:count]


@kernel
def part(rows: I64, columns: I64, gains: F64, match: I64) -> None:
    """Assign one part of the graph: exactly if it fits a dense matrix, else best pair first. rows, columns local."""
    inside, tracks = numbered(rows, rows.max() + 1)
    below, plots = numbered(columns, len(match))
    r, c = len(tracks), len(plots)
    if r * c > CELLS:
        greedy(rows, columns, gains, rows.max() + 1, match)
        return
    cost = np.zeros((min(r, c), max(r, c)))
    for e in range(len(rows)):
        if r <= c:
            cost[inside[e], below[e]] = -gains[e]
        else:
            cost[below[e], inside[e]] = -gains[e]
    found = solve(cost)
    for k in range(len(found)):
        if found[k] >= 0 and cost[found[k], k] < 0.0:
            if r <= c:
                match[plots[k]] = tracks[found[k]]
            else:
                match[plots[found[k]]] = tracks[k]


@kernel
def parts(rows: I64, columns: I64, tracks: int, m: int) -> I64:
    """Return (e,) for each edge between tracks and m detections a number that is its connected part's own.

    An edge that stands alone has -1.
    """
    degree, parent = np.zeros(tracks + m, np.int64), np.arange(tracks + m)
    for e in range(len(rows)):
        degree[rows[e]] += 1
        degree[tracks + columns[e]] += 1
    out = np.empty(len(rows), np.int64)
    for e in range(len(rows)):
        out[e] = -1 if degree[rows[e]] == 1 and degree[tracks + columns[e]] == 1 else 0
        if out[e] == 0:
            parent[root(parent, rows[e])] = root(parent, tracks + columns[e])
    for e in range(len(rows)):
        if out[e] == 0:
            out[e] = root(parent, rows[e])
    return out


@kernel
def assign(rows: I64, columns: I64, gains: F64, m: int) -> I64:
    """Return (m,) the track row of each detection, -1 for none.

    rows, columns: (e,) track row and detection of each edge; gains: (e,) > 0.
    """
    match = np.full(m, -1, np.int64)
    if len(rows) == 0:
        return match
    local, names = numbered(rows, rows.max() + 1)
    own = parts(local, columns, len(names), m)
    order = np.argsort(own * float(len(own)) + np.arange(len(own)))  # by part; different keys, so the order is one
    begin = 0
    for k in range(1, len(order) + 1):
        if k < len(order) and own[order[k]] == own[order[begin]] and own[order[k]] >= 0:
            continue
        some = order[begin:k]
        if own[order[begin]] < 0:
            match[columns[some[0]]] = local[some[0]]
        else:
            part(local[some], columns[some], gains[some], match)
        begin = k
    for k in range(m):
        if match[k] >= 0:
            match[k] = names[match[k]]
    return match
