"""The k best ways to share detections out among targets, best first: who gets which, and which are new or false.

One side of the problem, the smaller, is called rows here, the other columns. A row holds one column or nothing, and
weights are relative to "nothing" on both sides, so columns for "new or false" need not exist. Every other way to share
is the present one turned by cycles: each row takes what the next one holds. So the graph has the rows and one more
node, the hub, which stands for all that is free: a row goes there for a free column or for nothing, and from there on
goes who has nothing, or a column that is dropped.

Murty's scheme splits what is left after each answer into problems without overlap: problem i keeps what the rows
before i hold and bars row i from what it holds. Its best answer is the shortest cycle through i, found with prices
that its parent has left, so one search from one row is enough. A search ends as soon as its answer cannot be wanted.

Source: Murty 1968, "An algorithm for ranking all the assignments in order of increasing cost"; prices handed down and
bounds: Miller, Stone, Cox 1997, "Optimizing Murty's ranked assignment method".
"""

from math import inf
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64


class Search(NamedTuple):
    """Answers, each the best of its problem, in k + 1 places, and the graph of the one at hand; r rows, c columns.

    weight (r, c): nats, of a pair against nothing, inf where there can be none. held (k + 1, r): column of each row, c
    for nothing. price (k + 1, r): of that column, nats, <= 0. barred (k + 1, c + 1): 1 where row `level` must not go.
    level (k + 1,): rows before it keep what they hold. total (k + 1,): of the weights. order (k + 1,): places, by
    rising total as far as they are used.

    taken (c,): 1 where a row holds the column. step (r + 1, r + 1): what it costs, at these prices, that row x takes
    what y holds; the hub is number r. outside (r,): the free column that row x takes when it goes to the hub, c for
    nothing. least (r + 1,): distance from the row that is turned. back (r + 1,): the node before. closed (r + 1,): 1
    where that is final.
    """

    weight: F64
    held: I64
    price: F64
    barred: I64
    level: I64
    total: F64
    order: I64
    taken: I64
    step: F64
    outside: I64
    least: F64
    back: I64
    closed: I64


@inner
def leave(search: Search, place: int, row: int, here: float) -> None:
    """Write the cheapest way of a row to the hub. here: what it holds costs it, its own price taken off."""
    weight, barred, taken = search.weight, search.barred, search.taken
    r, c = weight.shape
    bound = row == search.level[place]
    best, where = inf, c
    if (barred[place, c] == 0) if bound else (search.held[place, row] != c):
        best = 0.0
    for j in range(c):
        if taken[j] == 0 and weight[row, j] < best and not (bound and barred[place, j] == 1):
            best, where = weight[row, j], j
    search.step[row, r] = best - here
    search.outside[row] = where


@inner
def spread(search: Search, place: int) -> None:
    """Write the graph of an answer for rows from its level on."""
    weight, held, price, barred = search.weight, search.held, search.price, search.barred
    taken, step, level = search.taken, search.step, search.level[place]
    r, c = weight.shape
    for y in range(c):
        taken[y] = 0
    for x in range(r):
        if held[place, x] < c:
            taken[held[place, x]] = 1
    for x in range(level, r):
        mine = held[place, x]
        here = weight[x, mine] - price[place, x] if mine < c else 0.0
        leave(search, place, x, here)
        for y in range(level, r):
            theirs = held[place, y]
            if theirs == c or y == x or (x == level and barred[place, theirs] == 1):
                step[x, y] = inf
            else:
                step[x, y] = weight[x, theirs] - here - price[place, y]
        step[r, x] = -price[place, x]


@inner
def turn(search: Search, row: int, most: float) -> float:
    """Return the length of the shortest cycle from a row over later rows and the hub; inf when none is below `most`.

    Source: Dijkstra 1959. Only the first step may be negative, and every path has just one of these.
    """
    step, least, back, closed = search.step, search.least, search.back, search.closed
    hub = len(least) - 1
    for y in range(row, hub + 1):
        least[y], back[y], closed[y] = step[row, y], row, 0
    while True:
        at, reach = -1, most
        for y in range(row, hub + 1):
            if closed[y] == 0 and least[y] < reach:
                at, reach = y, least[y]
        if at < 0:
            return inf
        if at == row:
            return reach
        closed[at] = 1
        for y in range(row, hub + 1):
            if closed[y] == 0 and reach + step[at, y] < least[y]:
                least[y], back[y] = reach + step[at, y], at


@inner
def write(search: Search, place: int, new: int, row: int) -> None:
    """Write the answer at `place`, turned by the cycle through `row` that was found last, to the place `new`."""
    held, price, least, back, closed = search.held, search.price, search.least, search.back, search.closed
    hub, c, end = len(least) - 1, len(search.taken), least[row]
    shift = end - least[hub] if closed[hub] == 1 else 0.0  # the hub's own price stays 0
    for x in range(hub):
        held[new, x], price[new, x] = held[place, x], price[place, x]
        if x >= row and held[place, x] < c:
            price[new, x] += shift - (end - least[x] if x > row and closed[x] == 1 else 0.0)
    # Each row takes over a price with the column; from the end of the cycle, so that it is read before it changes.
    x, y, cost = -1, row, price[new, row]
    while x != row:
        x = back[y]
        before = price[new, x] if x < hub else 0.0
        if y == hub:
            held[new, x], price[new, x] = search.outside[x], 0.0
        elif x < hub:
            held[new, x], price[new, x] = held[place, y], cost
        y, cost = x, before


@inner
def first(search: Search) -> None:
    """Find the best answer of all, row by row from the last; the last of the places is for the one before."""
    weight, held, level, order = search.weight, search.held, search.level, search.order
    (r, c), spare = weight.shape, len(order) - 1
    for place in (order[0], order[spare]):
        for x in range(r):
            held[place, x], search.price[place, x] = c, 0.0
        for y in range(c + 1):
            search.barred[place, y] = 0
    for row in range(r - 1, -1, -1):
        level[order[0]] = row
        spread(search, order[0])
        if turn(search, row, inf) < inf:
            write(search, order[0], order[spare], row)
            order[0], order[spare] = order[spare], order[0]
    place, total = order[0], 0.0
    for x in range(r):
        total += weight[x, held[place, x]] if held[place, x] < c else 0.0
    level[place], search.total[place] = 0, total


@inner
def insert(search: Search, used: int) -> None:
    """Move the last of the used places to where it belongs by its total, after equal ones."""
    order, total = search.order, search.total
    k = used - 1
    new = order[k]
    while k > 0 and total[order[k - 1]] > total[new]:
        order[k] = order[k - 1]
        k -= 1
    order[k] = new


@inner
def split(search: Search, limit: float) -> int:
    """Find the best answers after the first, up to as many as there are places; return how many there are.

    The one at hand is at order[at]; those before it are final, those after it wait. The worst makes room.
    """
    held, barred, level, order, total = search.held, search.barred, search.level, search.order, search.total
    (r, c), k = search.weight.shape, len(order) - 1
    most, at, used = total[order[0]] + limit, 0, 1
    while at < min(used, k - 1):
        place = order[at]
        start, least = level[place], total[place]
        if start < r:
            barred[place, held[place, start]] = 1
        spread(search, place)
        for row in range(start, r):
            if used == k:
                most = min(most, total[order[k - 1]])
            length = turn(search, row, most - least)
            if length < inf:
                used = min(used + 1, k)
                new = order[used - 1]
                write(search, place, new, row)
                level[new], total[new] = row, least + max(length, 0.0)
                for y in range(c + 1):
                    barred[new, y] = barred[place, y] if row == start else 0
                barred[new, held[place, row]] = 1
                insert(search, used)
        at += 1
    return used


@inner
def space(n: int, t: int, k: int) -> Search:
    """Return room for a problem of n detections and t targets with k answers."""
    r, c = min(n, t), max(n, t)
    order = np.empty(k + 1, np.int64)
    for q in range(k + 1):
        order[q] = q
    return Search(
        np.empty((r, c)),
        np.empty((k + 1, r), np.int64),
        np.empty((k + 1, r)),
        np.empty((k + 1, c + 1), np.int64),
        np.empty(k + 1, np.int64),
        np.empty(k + 1),
        order,
        np.empty(c, np.int64),
        np.empty((r + 1, r + 1)),
        np.empty(r, np.int64),
        np.empty(r + 1),
        np.empty(r + 1, np.int64),
        np.empty(r + 1, np.int64),
    )


@inner
def ranked(cost: F64, free: F64, limit: float, found: I64, total: F64) -> int:
    """Find up to k ways to give each of n detections a target or none, of least cost, best first; return how many.

    cost (n, t): nats, inf where the target cannot have it; free (n,): nats, finite, when it is new or false. A target
    has at most one. limit: nats; only ways that cost less than this over the best are wanted. Written for each way:
    found (k, n) the target of each detection, -1 for none, and total (k,) its cost, rising. Equal ways come in an
    order that depends on the problem alone.
    """
    (n, t), k = cost.shape, len(total)
    if k == 0:
        return 0
    search, base = space(n, t, k), 0.0
    for a in range(n):
        base += free[a]
        for j in range(t):
            if n <= t:
                search.weight[a, j] = cost[a, j] - free[a]
            else:
                search.weight[j, a] = cost[a, j] - free[a]
    first(search)
    count = split(search, limit)
    for q in range(count):
        place = search.order[q]
        total[q] = base + search.total[place]
        for a in range(n):
            found[q, a] = search.held[place, a] if n <= t and search.held[place, a] < t else -1
        if n > t:
            for x in range(t):
                if search.held[place, x] < n:
                    found[q, search.held[place, x]] = x
    return count


@kernel
def ranking(cost: F64, free: F64, limit: float, found: I64, total: F64) -> int:
    """Call `ranked` from Python."""
    return ranked(cost, free, limit, found, total)
