"""Wedges and the plots of a look: each wedge decides about its ranges by itself, against what all others ask.

Joint hypotheses of several wedges would be every choice of a range for each, 8^n: cut to the heaviest they would choose
ranges that no bearing has told. So belief propagation between wedges stands for them.
"""

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import F64, I64
from skywarden.track.crossing import cross
from skywarden.track.joint import associate
from skywarden.track.narrow import narrow
from skywarden.track.pool import GROUPED_PLOTS, HYPOTHESES, Memory
from skywarden.track.reach import IF_KNOWN, YES

ROUNDS = 8  # of messages
TINY, LEAST = 1e-12, 1e-300


@inner
def reached(memory: Memory, n: int) -> I64:
    """Return the groups that are wedges and that the look reaches. n: leaves."""
    found, count = np.empty(memory.counts[2], np.int64), 0
    for g in range(memory.counts[2]):
        group = memory.groups[g]
        if group.size != 1 or group.member[0] < 0 or memory.targets[group.member[0]].wedge == 0:
            continue
        lively = False
        for f in range(group.count):
            i = group.choice[f, 0]
            lively |= 0 <= i < n and memory.active[max(i, 0)] == 1
        if lively:
            found[count] = g
            count += 1
    return found[:count]


@inner
def weigh(memory: Memory, g: int, odds: F64) -> None:
    """Write to `odds` (m,) how likely a wedge has each plot, over having none: of all its ranges together."""
    group, total = memory.groups[g], 0.0
    for f in range(group.count):
        i = group.choice[f, 0]
        if i < 0:
            total += group.weight[f]
            continue
        view = memory.views[i]
        missed = group.weight[f] * (1.0 - memory.leaves[i].existence * view.missed)
        total += missed
        for e in range(view.first, view.last):
            odds[memory.pairs[e].plot] += missed * memory.pairs[e].odds
    for j in range(len(odds)):
        odds[j] /= max(total, TINY)


@inner
def miss(memory: Memory, g: int, total: F64) -> None:
    """Let ranges of a wedge be missed whose plot is a known target's, as far as it is. total (m,): see `decide`."""
    group, whole = memory.groups[g], memory.sense[0].detection
    for f in range(group.count):
        i = max(group.choice[f, 0], 0)
        view, r, known = memory.views[i], memory.leaves[i].existence, 0.0
        if group.choice[f, 0] < 0 or view.crowded != IF_KNOWN:
            continue
        for e in range(view.first, view.last):
            plot = memory.plots[memory.pairs[e].plot]
            known = max(known, 1.0 - (plot.clutter + plot.born) / max(total[memory.pairs[e].plot], LEAST))
        view.crowded, view.missed = YES, whole * known
        for e in range(view.first, view.last):
            memory.pairs[e].odds /= 1.0 - r * view.missed


@inner
def ask(odds: F64, asked: F64, total: F64) -> None:
    """Settle what wedges (u) ask for plots (m): messages of belief propagation, in `asked` (u, m), see `belief`.

    total (m,): what others ask for, with all messages in the end.
    """
    for _ in range(ROUNDS if len(odds) > 1 else 1):
        for u in range(len(odds)):
            every = 1.0
            for j in range(len(total)):
                total[j] -= asked[u, j]
                every += odds[u, j] / max(total[j], TINY * asked[u, j] + LEAST)
            for j in range(len(total)):
                asked[u, j] = odds[u, j] / (every - odds[u, j] / max(total[j], TINY * asked[u, j] + LEAST))
                total[j] += asked[u, j]


@inner
def wanted(asked: F64, tied: float, total: F64) -> I64:
    """Return the plots that a wedge asks enough for, at most GROUPED_PLOTS of them. tied: share of all, total (m,)."""
    rows, count = np.empty(GROUPED_PLOTS, np.int64), 0
    for j in range(len(asked)):
        if asked[j] > tied * total[j] and count < GROUPED_PLOTS:
            rows[count] = j
            count += 1
    return rows[:count]


@inner
def leaves_of(memory: Memory, g: int, n: int, done: I64) -> I64:
    """Return the leaves of a wedge, each once, and mark them in `done` (n,)."""
    group, rows, count = memory.groups[g], np.empty(HYPOTHESES, np.int64), 0
    for f in range(group.count):
        i = group.choice[f, 0]
        if 0 <= i < n and done[i] == 0:
            done[i] = 1
            rows[count] = i
            count += 1
    return rows[:count]


@inner
def decide(memory: Memory, n: int, m: int, end: int, done: I64) -> int:
    """Associate each wedge that a look reaches with its m plots; return how many rows of leaves are used then.

    Where there is no room a wedge stays as it is.
    """
    groups, plots, tied = reached(memory, n), memory.plots, memory.parameters[0].tied
    odds, asked, total, free = np.zeros((len(groups), m)), np.zeros((len(groups), m)), np.empty(m), np.empty(m)
    if len(groups) == 0:
        return end
    for j in range(m):
        free[j] = plots[j].free  # of joint hypotheses
        total[j] = plots[j].total / max(free[j], TINY)
    for u in range(len(groups)):
        miss(memory, groups[u], total)
        weigh(memory, groups[u], odds[u])
    ask(odds, asked, total)
    for u in range(len(groups)):
        part, some = leaves_of(memory, groups[u], n, done), wanted(asked[u], tied, total)
        if len(memory.leaves) - end < HYPOTHESES:
            continue
        end = choose(memory, (part, some), groups[u], total - asked[u], end)
        for a in range(len(some)):
            free[some[a]] -= 1.0 - plots[some[a]].free
    for j in range(m):
        plots[j].free = max(free[j], 0.0)
    cross(memory, groups, odds, np.empty(HYPOTHESES))
    return end


@inner
def choose(memory: Memory, parts: tuple[I64, I64], g: int, total: F64, end: int) -> int:
    """Associate a wedge, its leaves and plots, against what others ask for, (m,); plots' `free` is what it leaves."""
    part, some = parts
    before = np.empty(len(some))
    for a in range(len(some)):
        plot = memory.plots[some[a]]
        before[a], plot.total = plot.total, max(total[some[a]], LEAST)
    end = associate(memory, end, part, some, g)
    narrow(memory, g)
    for a in range(len(some)):
        memory.plots[some[a]].total = before[a]
    return end
