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
def solve(cost: F64) -> I64:
    """Return for each row of cost (r, c), r <= c, its column in the assignment of least total cost.

    Shortest augmenting paths with potentials. Source: Burkard, Dell'Amico, Martello 2009, section 4.4.
    """
    r, c = cost.shape
    row_price, price = np.zeros(r + 1), np.zeros(c + 1)
    owner, back = np.zeros(c + 1, np.int64), np.zeros(c + 1, np.int64)  # 1-based; column 0 holds the row being placed
    for row in range(1, r + 1):
        owner[0] = row
        least, done = np.full(c + 1, inf), np.zeros(c + 1, np.bool_)
        column = 0
        while True:
            done[column] = True
            at, step, following = owner[column], inf, 0
            for k in range(1, c + 1):
                if done[k]:
                    continue
                value = cost[at - 1, k - 1] - row_price[at] - price[k]
                if value < least[k]:
                    least[k], back[k] = value, column
                if least[k] < step:
                    step, following = least[k], k
            for k in range(c + 1):
                if done[k]:
                    row_price[owner[k]] += step
                    price[k] -= step
                else:
                    least[k] -= step
            column = following
            if owner[column] == 0:
                break
        while column != 0:
            owner[column] = owner[back[column]]
            column = back[column]
    out = np.zeros(r, np.int64)
    for k in range(1, c + 1):
        if owner[k] > 0:
            out[owner[k] - 1] = k - 1
    return out


@kernel
def greedy(rows: I64, columns: I64, gains: F64, taken: I64, match: I64) -> None:
    """Take pairs in order of falling gain; `taken`: (tracks,) 1 where the track has its detection."""
    for e in np.argsort(-gains, kind="mergesort"):
        if match[columns[e]] < 0 and taken[rows[e]] == 0:
            match[columns[e]] = rows[e]
            taken[rows[e]] = 1


@kernel
def exact(rows: I64, columns: I64, gains: F64, match: I64) -> bool:
    """Assign one part of the graph to `match`; False when it is too large for a dense matrix."""
    tracks, plots = np.unique(rows), np.unique(columns)
    r, c = len(tracks), len(plots)
    if r * c > CELLS:
        return False
    flip = r > c
    cost = np.zeros((c, r)) if flip else np.zeros((r, c))
    for e in range(len(rows)):
        a, b = np.searchsorted(tracks, rows[e]), np.searchsorted(plots, columns[e])
        if flip:
            cost[b, a] = -gains[e]
        else:
            cost[a, b] = -gains[e]
    found = solve(cost)
    for k in range(len(found)):
        if cost[k, found[k]] < 0.0:
            if flip:
                match[plots[k]] = tracks[found[k]]
            else:
                match[plots[found[k]]] = tracks[k]
    return True


@kernel
def assign(rows: I64, columns: I64, gains: F64, m: int) -> I64:
    """Return (m,) the track row of each detection, -1 for none, from a graph ordered by track.

    rows, columns: (e,) track row and detection of each edge; gains: (e,) > 0.
    """
    match = np.full(m, -1, np.int64)
    if len(rows) == 0:
        return match
    local = np.zeros(len(rows), np.int64)
    for e in range(1, len(rows)):
        local[e] = local[e - 1] + (1 if rows[e] != rows[e - 1] else 0)
    tracks = local[-1] + 1
    degree = np.zeros(tracks + m, np.int64)
    for e in range(len(rows)):
        degree[local[e]] += 1
        degree[tracks + columns[e]] += 1
    parent = np.arange(tracks + m)
    shared = np.zeros(len(rows), np.bool_)
    for e in range(len(rows)):
        if degree[local[e]] == 1 and degree[tracks + columns[e]] == 1:
            match[columns[e]] = rows[e]
        else:
            shared[e] = True
            parent[root(parent, local[e])] = root(parent, tracks + columns[e])
    open_ = np.flatnonzero(shared)
    part = np.array([root(parent, local[e]) for e in open_])
    order = open_[np.argsort(part, kind="mergesort")] if len(open_) else open_
    taken = np.zeros(tracks, np.int64)
    begin = 0
    for k in range(1, len(order) + 1):
        if k < len(order) and root(parent, local[order[k]]) == root(parent, local[order[begin]]):
            continue
        some = order[begin:k]
        if not exact(rows[some], columns[some], gains[some], match):
            greedy_part = np.full(m, -1, np.int64)
            greedy(local[some], columns[some], gains[some], taken, greedy_part)
            for e in some:
                if greedy_part[columns[e]] == local[e]:
                    match[columns[e]] = rows[e]
        begin = k
    return match
