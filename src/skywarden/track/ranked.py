"""The k best ways to share detections out among targets, best first: who gets which, and which are new or false.

One side of the problem, the smaller, is called rows here, the other columns. A row holds one column or nothing, and
weights are relative to "nothing" on both sides, so the columns "new or false" need not exist. Every other way to share
is the present one turned by cycles of rows: each takes what the next one held; one may take a free column, or nothing,
and one may drop its column. So the graph has the rows and one more node, the hub, for all that is free or nothing.

Murty's scheme splits what is left after each answer into disjoint problems: problem i keeps what the rows before i
hold and bars row i from what it holds. Its best answer is the shortest cycle through i, found with prices that the
answer before it has left, so that one search from one row is enough. A search ends as soon as its answer cannot be
among the k best.

Source: Murty 1968, "An algorithm for ranking all the assignments in order of increasing cost"; prices handed down and
bounds: Miller, Stone, Cox 1997, "Optimizing Murty's ranked assignment method".
"""

from math import inf
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64


class Answers(NamedTuple):
    """Best answers of the problems that are left, one each; k places.

    held (k, r): column of each row, c for none. price (k, r): of what it holds, nats, <= 0, 0 for nothing. barred
    (k, c + 1): 1 where row `level` must not go, and 0 elsewhere. level (k,): rows before it keep what they hold. total
    (k,): of the weights. order (k,): places, the used ones first and by rising total.
    """

    held: I64
    price: F64
    barred: I64
    level: I64
    total: F64
    order: I64


class Search(NamedTuple):
    """The answer at hand, and the graph of its turns; r rows, node r is the hub.

    weight (r, c): of a pair against none, inf where there can be none. held, price (r,), barred (c + 1,): as in
    Answers. step (r + 1, r + 1): what it costs, at the prices, when row x takes what y holds. outside (r,): the free
    column that row x takes when it goes to the hub, c for none. least (r + 1,): distance from the row at hand. back
    (r + 1,): the node before. closed (r + 1,): 1 when its distance is final.
    """

    weight: F64
    held: I64
    price: F64
    barred: I64
    taken: I64
    step: F64
    outside: I64
    least: F64
    back: I64
    closed: I64


@inner
def leave(search: Search, row: int, level: int) -> None:
    """Write the cheapest way of a row to the hub: into a free column or to nothing."""
    weight, held, barred, taken = search.weight, search.held, search.barred, search.taken
    c = weight.shape[1]
    mine = held[row]
    best, where = inf, c
    if (barred[c] == 0) if row == level else (mine != c):
        best = 0.0
    for j in range(c):
        if taken[j] == 0 and weight[row, j] < best and (row != level or barred[j] == 0):
            best, where = weight[row, j], j
    here = weight[row, mine] - search.price[row] if mine < c else 0.0
    search.step[row, len(held)] = best - here
    search.outside[row] = where


@inner
def spread(search: Search, level: int) -> None:
    """Write the graph of the answer at hand for rows from `level` on."""
    weight, held, price, step = search.weight, search.held, search.price, search.step
    r, c = weight.shape
    for y in range(c):
        search.taken[y] = 0
    for x in range(r):
        if held[x] < c:
            search.taken[held[x]] = 1
    for x in range(level, r):
        leave(search, x, level)
        mine = held[x]
        here = weight[x, mine] - price[x] if mine < c else 0.0
        for y in range(level, r):
            theirs = held[y]
            if theirs == c or y == x or (x == level and search.barred[theirs] == 1):
                step[x, y] = inf
            else:
                step[x, y] = weight[x, theirs] - here - price[y]
        step[r, x] = -price[x]


@inner
def turn(search: Search, row: int, most: float) -> float:
    """Return the length of the shortest cycle from a row over later rows and the hub; inf when longer than `most`.

    Source: Dijkstra 1959. Only the first step may be negative, and every path has just one of these.
    """
    step, least, back, closed = search.step, search.least, search.back, search.closed
    hub = len(search.held)
    for y in range(row, hub + 1):
        least[y], back[y], closed[y] = step[row, y], row, 0
    while True:
        at, reach = -1, inf
        for y in range(row, hub + 1):
            if closed[y] == 0 and least[y] < reach:
                at, reach = y, least[y]
        if at < 0 or not reach <= most:
            return inf
        if at == row:
            return reach
        closed[at] = 1
        for y in range(row, hub + 1):
            if closed[y] == 0 and reach + step[at, y] < least[y]:
                least[y], back[y] = reach + step[at, y], at


@inner
def write(search: Search, answers: Answers, place: int, row: int) -> None:
    """Write the answer at hand, turned by the cycle through `row` that was found last, to a place of answers."""
    held, price, least, back, closed = search.held, search.price, search.least, search.back, search.closed
    new, paid = answers.held, answers.price
    hub, c, end = len(held), search.weight.shape[1], least[row]
    shift = end - least[hub] if closed[hub] == 1 else 0.0  # the hub's own price stays 0
    for x in range(hub):
        new[place, x], paid[place, x] = held[x], price[x]
        if x >= row and held[x] < c:
            paid[place, x] += shift - (end - least[x] if x > row and closed[x] == 1 else 0.0)
    # A row pays what the column costs now that it takes; read before it is overwritten, so from the end of the cycle.
    x, y, cost = -1, row, paid[place, row]
    while x != row:
        x = back[y]
        before = paid[place, x] if x < hub else 0.0
        if y == hub:
            new[place, x], paid[place, x] = search.outside[x], 0.0
        elif x < hub:
            new[place, x], paid[place, x] = held[y], cost
        y, cost = x, before


@inner
def first(search: Search, answers: Answers) -> None:
    """Find the best answer of all, row by row from the last, and write it to place 0."""
    held, price, weight, barred = search.held, search.price, search.weight, search.barred
    new, paid, place = answers.held, answers.price, answers.order[0]
    r, c = weight.shape
    for x in range(r):
        held[x], price[x], new[place, x], paid[place, x] = c, 0.0, c, 0.0
    for y in range(c + 1):
        barred[y] = answers.barred[place, y] = 0
    for row in range(r - 1, -1, -1):
        spread(search, row)
        if turn(search, row, inf) < inf:
            write(search, answers, place, row)
            for x in range(r):
                held[x], price[x] = new[place, x], paid[place, x]
    total = 0.0
    for x in range(r):
        total += weight[x, held[x]] if held[x] < c else 0.0
    answers.level[place], answers.total[place] = 0, total


@inner
def insert(answers: Answers, used: int) -> None:
    """Move the last of the used places to where it belongs by its total, after equal ones."""
    order, total = answers.order, answers.total
    k = used - 1
    new = order[k]
    while k > 0 and total[order[k - 1]] > total[new]:
        order[k] = order[k - 1]
        k -= 1
    order[k] = new


@inner
def split(search: Search, answers: Answers, limit: float) -> int:
    """Find the best answers after the first, up to as many as there are places; return how many there are.

    The one at hand is at order[at]; those before it are final, those after it wait. The worst makes room.
    """
    held, barred, bars = search.held, search.barred, answers.barred
    order, total, k = answers.order, answers.total, len(answers.order)
    r, c = search.weight.shape
    most, at, used = total[order[0]] + limit, 0, 1
    while at < used and used + at < 2 * k - 1:
        place = order[at]
        level, least = answers.level[place], total[place]
        for x in range(r):
            held[x], search.price[x] = answers.held[place, x], answers.price[place, x]
        for y in range(c + 1):
            barred[y] = bars[place, y]
        if level < r:
            barred[held[level]] = 1
        spread(search, level)
        for row in range(level, r):
            if used == k:
                most = min(most, total[order[k - 1]])
            length = turn(search, row, most - least)
            if length < inf and (used < k or least + length < most):
                used = min(used + 1, k)
                new = order[used - 1]
                write(search, answers, new, row)
                answers.level[new], total[new] = row, least + max(length, 0.0)
                for y in range(c + 1):
                    bars[new, y] = barred[y] if row == level else 0
                bars[new, held[row]] = 1
                insert(answers, used)
        at += 1
    return used


@inner
def relative(cost: F64, free: F64) -> F64:
    """Return (r, c) with r <= c: what each pair costs more than nothing. cost (n, t), free (n,), as in `ranked`."""
    n, t = cost.shape
    weight = np.empty((min(n, t), max(n, t)))
    for a in range(n):
        for j in range(t):
            more = cost[a, j] - free[a]
            if n <= t:
                weight[a, j] = more
            else:
                weight[j, a] = more
    return weight


@inner
def ranked(cost: F64, free: F64, limit: float, found: I64, total: F64) -> int:
    """Find up to k ways to give each of n detections a target or none, of least cost, best first; return how many.

    cost (n, t): nats, inf where the target cannot have it; free (n,): nats, finite, when it is new or false. A target
    has at most one. limit: nats; a way that costs more than this over the best is not wanted. Written for each way:
    found (k, n) the target of each detection, -1 for none, and total (k,) its cost, rising. Equal ways come in an
    order that depends on the problem alone.
    """
    (n, t), k = cost.shape, len(total)
    if k == 0:
        return 0
    weight = relative(cost, free)
    r, c = weight.shape
    search = Search(
        weight,
        np.empty(r, np.int64),
        np.empty(r),
        np.empty(c + 1, np.int64),
        np.empty(c, np.int64),
        np.empty((r + 1, r + 1)),
        np.empty(r, np.int64),
        np.empty(r + 1),
        np.empty(r + 1, np.int64),
        np.empty(r + 1, np.int64),
    )
    answers = Answers(
        np.empty((k, r), np.int64),
        np.empty((k, r)),
        np.empty((k, c + 1), np.int64),
        np.empty(k, np.int64),
        np.empty(k),
        np.empty(k, np.int64),
    )
    for x in range(k):
        answers.order[x] = x
    base = 0.0
    for a in range(n):
        base += free[a]
    first(search, answers)
    count = split(search, answers, limit)
    for q in range(count):
        place = answers.order[q]
        total[q] = base + answers.total[place]
        for a in range(n):
            found[q, a] = -1
        for x in range(r):
            y = answers.held[place, x]
            if y < c and n <= t:
                found[q, x] = y
            elif y < c:
                found[q, y] = x
    return count


@kernel
def ranking(cost: F64, free: F64, limit: float, found: I64, total: F64) -> int:
    """Call `ranked` from Python."""
    return ranked(cost, free, limit, found, total)
