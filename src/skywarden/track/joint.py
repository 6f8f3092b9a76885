"""Joint hypotheses of a group: who has which plot, decided together, and kept for as long as it is open.

A local Poisson multi-Bernoulli mixture. Source: Williams 2015 (as in `settle`); Garcia-Fernandez, Williams, Granstrom,
Svensson 2018, "Poisson multi-Bernoulli mixture filter: direct derivation and implementation", IEEE Transactions on
Aerospace and Electronic Systems 54(4). What is not in the group, weak leaves, new targets, false alarms, competes for
its plots with `plot.total`.
"""

from math import ceil, inf, log, sqrt

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2
from skywarden.kernel import inner
from skywarden.model.place import F64, I64
from skywarden.track.hypotheses import Hypotheses, hypotheses, normalise, slot, times
from skywarden.track.looks import View
from skywarden.track.models import FEWEST, models
from skywarden.track.notes import note
from skywarden.track.pool import Leaf, Memory, Rows
from skywarden.track.ranked import ranked
from skywarden.track.settle import SURE, correct
from skywarden.track.work import Parameters, Work

APART = 0.1  # of existence; leaves that differ by more do not say the same
HELD = -7  # in leaf.kept: some hypothesis chooses it
HOPELESS = 12.0  # nats worse than the best of its parent; such an answer is not looked for


@inner
def vacant(memory: Memory) -> int:
    """Return the first group that is not in use, -1 when all are."""
    for g in range(len(memory.groups)):
        if memory.groups[g].size == 0:
            return g
    return -1


@inner
def prior(memory: Memory, part: I64) -> Hypotheses:
    """Return the joint hypotheses before a look about all targets of some leaves, `part`, and end their groups."""
    before, leaves = hypotheses(), memory.leaves
    before.weight[0] = 1.0
    before.size[1] = 1
    for i in part:
        if leaves[i].group < 0:
            k = before.size[0]
            before.member[k], before.choice[0, k] = leaves[i].target, i
            before.size[0] = k + 1
    for i in part:
        if leaves[i].group >= 0 and memory.groups[leaves[i].group].size > 0:
            group = memory.groups[leaves[i].group]
            before = times(before, group)
            group.size = 0
    return before


@inner
def costs(memory: Memory, before: Hypotheses, h: int, cost: F64) -> float:
    """Write what each plot costs each member in hypothesis h, nats over a miss; return the log of its weight, missed.

    cost: (plots, members). Each plot's row is in plot.place.
    """
    cost[:] = inf
    base = log(before.weight[h])
    for k in range(before.size[0]):
        i = before.choice[h, k]
        if i >= 0:
            view = memory.views[i]
            base += log(1.0 - memory.leaves[i].existence * view.missed)
            for e in range(view.first, view.last):
                pair = memory.pairs[e]
                row = memory.plots[pair.plot].place
                if row >= 0 and pair.odds > 0.0:
                    cost[row, k] = -log(pair.odds)
    return base


@inner
def branch(memory: Memory, before: Hypotheses, plots: I64) -> Hypotheses:
    """Return the best joint hypotheses after a look, weights as logs and not yet adding to 1. plots: rows of plots."""
    after, n = hypotheses(), len(plots)
    size = before.size[0]
    after.size[0] = size
    for k in range(size):
        after.member[k] = before.member[k]
    keep = memory.parameters[0].keep
    least = n + 1 if size == 1 else 1  # a range of a wedge may be light and yet have its plot: no answer is left out
    cost, free = np.empty((n, size)), np.empty(n)
    for a in range(n):
        plot = memory.plots[plots[a]]
        plot.place = a
        free[a] = -log(max(plot.total, plot.clutter + plot.born, 1e-300))  # a difference, so it may have become 0
    for h in range(before.size[1]):
        base = costs(memory, before, h, cost)
        most = max(least, min(keep, ceil(keep * before.weight[h])))
        found, total = np.empty((most, n), np.int64), np.empty(most)
        for f in range(ranked(cost, free, HOPELESS, found, total)):
            if after.size[1] == keep and not base - total[f] > after.weight[keep - 1]:
                break
            row = slot(after, base - total[f], keep)
            after.parent[row] = h
            for k in range(size):
                after.plot[row, k] = -1
            for a in range(n):
                if found[f, a] >= 0:
                    after.plot[row, found[f, a]] = a
    return after


@inner
def proceed(leaf: Leaf, view: View, pairs: Rows, plots: Rows, e: int, work: Work) -> None:  # noqa: PLR0913 - as `fit`
    """Make a leaf what it is after a look: without a plot (e < 0), or corrected by pair e."""
    if e < 0:
        leaf.existence *= (1.0 - view.missed) / (1.0 - leaf.existence * view.missed)
        return
    pair, total = pairs[e], 0.0
    for m in range(models(leaf)):
        correct(leaf, view, plots[pair.plot], pair, m, work)
        leaf.weight[m] = max(leaf.weight[m] * pair.likelihood[m], 1e-300)
        total += leaf.weight[m]
    for m in range(models(leaf)):
        leaf.weight[m] = max(leaf.weight[m] / total, FEWEST)
    leaf.existence = SURE


@inner
def pair_of(view: View, pairs: Rows, plot: int) -> int:
    """Return the pair of a leaf, whose view is given, and a plot; -1 none."""
    for e in range(view.first, view.last):
        if pairs[e].plot == plot:
            return e
    return -1


@inner
def grow(memory: Memory, n: int, before: Hypotheses, after: Hypotheses, part: tuple[I64, I64]) -> int:
    """Make the leaves that the hypotheses after a look choose, from row n on; return how many rows are used then.

    part: rows of the leaves before, and of the plots. Where there is no room the old leaf stays as it is.
    """
    leaves, pairs, (ids, plots) = memory.leaves, memory.pairs, part
    made, stays = np.full((len(ids), len(plots) + 1), -1), np.zeros(len(ids), np.int64)
    for q in range(len(ids)):
        leaves[ids[q]].kept = q
    for f in range(after.size[1]):
        for k in range(after.size[0]):
            i, a = before.choice[after.parent[f], k], after.plot[f, k]
            after.choice[f, k] = -1
            if i < 0:
                continue
            q = leaves[i].kept
            if made[q, a + 1] < 0 and n < len(leaves):
                leaves[n], view = leaves[i], memory.views[i]
                e = pair_of(view, pairs, plots[a]) if a >= 0 else -1
                proceed(leaves[n], view, pairs, memory.plots, e, memory.work[0])
                made[q, a + 1] = n
                n += 1
            elif made[q, a + 1] < 0:
                made[q, a + 1], stays[q] = i, 1
            if leaves[made[q, a + 1]].existence > memory.parameters[0].least:
                after.choice[f, k] = made[q, a + 1]
    for q in range(len(ids)):
        leaves[ids[q]].existence *= stays[q]
    return n


@inner
def vacate(memory: Memory, after: Hypotheses, plots: I64) -> None:
    """Write to each plot the probability that no hypothesis has it."""
    for j in plots:
        memory.plots[j].free, memory.plots[j].place = 1.0, -1
    for f in range(after.size[1]):
        for k in range(after.size[0]):
            if after.plot[f, k] >= 0:
                memory.plots[plots[after.plot[f, k]]].free -= after.weight[f]
    for j in plots:
        memory.plots[j].free = max(memory.plots[j].free, 0.0)


@inner
def mark(memory: Memory, after: Hypotheses, plots: I64) -> None:
    """Write the plots of the heaviest hypothesis into the books of its targets."""
    for k in range(after.size[0]):
        if after.plot[0, k] >= 0 and after.member[k] >= 0:
            plot = memory.plots[plots[after.plot[0, k]]]
            note(memory.targets[after.member[k]], plot, SURE, memory.sense[0], memory.parameters[0])


@inner
def differ(one: Leaf, other: Leaf, a: int) -> float:
    """Return by how much component a of two leaves' means over their models differs."""
    first = one.weight[0] * one.mean[0, a] + one.weight[1] * one.mean[1, a]
    return float(first - other.weight[0] * other.mean[0, a] - other.weight[1] * other.mean[1, a])


@inner
def aside(one: Leaf, other: Leaf, P: F64) -> float:
    """Return chi-square of how far two leaves are apart on the level. P (6, 6): covariance of one of them.

    Axis by axis a height that nobody has measured would hide it, the more the steeper that axis is there.
    """
    x = one.mean[0]
    ux, uy, uz = x[0], x[1], x[2] / (1.0 - ECCENTRICITY2)  # up, as `motion.up`
    size = sqrt(ux * ux + uy * uy + uz * uz)
    ux, uy, uz = ux / size, uy / size, uz / size
    dx, dy, dz = differ(one, other, 0), differ(one, other, 1), differ(one, other, 2)
    climb = dx * ux + dy * uy + dz * uz
    dx, dy, dz = dx - climb * ux, dy - climb * uy, dz - climb * uz
    sx, sy, sz = uy * dz - uz * dy, uz * dx - ux * dz, ux * dy - uy * dx  # level, square to it and as long
    along = across = both = 0.0
    for a in range(3):
        d = dx * P[0, a] + dy * P[1, a] + dz * P[2, a]
        s = sx * P[0, a] + sy * P[1, a] + sz * P[2, a]
        along += d * (dx if a == 0 else dy if a == 1 else dz)
        across += s * (sx if a == 0 else sy if a == 1 else sz)
        both += d * (sx if a == 0 else sy if a == 1 else sz)
    off2, area = dx * dx + dy * dy + dz * dz, along * across - both * both
    return off2 * off2 * across / area if area > 0.0 else 0.0


@inner
def alike(one: Leaf, other: Leaf, parameters: Parameters) -> bool:
    """Return whether two leaves say nearly the same: existence, place, also on the level alone, and velocity."""
    if abs(one.existence - other.existence) > APART:
        return False
    chi2 = 0.0
    for a in range(6):
        d = differ(one, other, a)
        chi2 += d * d / min(one.covariance[0, a, a], other.covariance[0, a, a])
    limit = parameters.alike
    if not chi2 < limit:
        return False
    return aside(one, other, one.covariance[0]) < limit and aside(one, other, other.covariance[0]) < limit


@inner
def twin(memory: Memory, after: Hypotheses, f: int) -> int:
    """Return the first hypothesis before f that says nearly the same of all targets together, whoever of them is where.

    -1 none. All of them in one call: to hand bundles of arrays to a function takes longer than to compare.
    """
    size, choice, weight, leaves = after.size[0], after.choice, after.weight, memory.leaves
    used = np.full(size, -1)  # the last hypothesis in which each member has been matched
    for h in range(f):
        count = 0
        for k in range(size if weight[h] > 0.0 else 0):
            i = choice[f, k]
            for q in range(size):
                if used[q] == h:
                    continue
                j = choice[h, q]
                both = i >= 0 and j >= 0 and (i == j or alike(leaves[i], leaves[j], memory.parameters[0]))
                if both or (i < 0 and j < 0):
                    used[q] = h
                    count += 1
                    break
            if count <= k:
                break
        if count == size:
            return h
    return -1


@inner
def simplify(memory: Memory, after: Hypotheses) -> None:
    """Let leaves of a target that say nearly the same be one, then hypotheses; the heavier one stays."""
    leaves, count = memory.leaves, after.size[1]
    for k in range(after.size[0]):
        for f in range(1, count):
            for h in range(f):
                i, j = after.choice[h, k], after.choice[f, k]
                if i >= 0 and j >= 0 and (i == j or alike(leaves[i], leaves[j], memory.parameters[0])):
                    after.choice[f, k] = i
                    break
    for f in range(1, count):
        h = twin(memory, after, f)
        if h >= 0:
            after.weight[h] += after.weight[f]
            after.weight[f] = 0.0


@inner
def heaviest(weight: F64, count: int) -> int:
    """Return the row of the greatest of the first `count` weights, the first of equal ones."""
    best = 0
    for f in range(1, count):
        if weight[f] > weight[best]:
            best = f
    return best


@inner
def release(memory: Memory, target: int, i: int) -> None:
    """Let a target have one leaf, i, and no group; -1 none. A target that has ended is -1 itself."""
    if target >= 0:
        memory.targets[target].leaf, memory.targets[target].wedge = i, 0
    if i >= 0:
        leaf = memory.leaves[i]
        leaf.group, leaf.kept, leaf.target = -1, HELD, target


@inner
def form(memory: Memory, after: Hypotheses, g: int) -> None:
    """Write hypotheses to group g. A member of whom all hypotheses say the same is none any more."""
    group, count = memory.groups[g], after.size[1]
    group.size = group.count = 0
    for f in range(count):
        if after.weight[f] > 0.0:
            group.weight[group.count] = after.weight[f]
            group.count += 1
    for k in range(after.size[0]):
        first, one = after.choice[0, k], True
        for f in range(count):
            one &= after.weight[f] == 0.0 or after.choice[f, k] == first
        if one:
            release(memory, after.member[k], first)
            continue
        c, member = 0, group.size
        group.member[member] = after.member[k]
        for f in range(count):
            if after.weight[f] > 0.0:
                i = after.choice[f, k]
                group.choice[c, member] = i
                c += 1
                if i >= 0:
                    leaf = memory.leaves[i]
                    leaf.group, leaf.kept, leaf.target = g, HELD, after.member[k]
        group.size = member + 1
    show(memory, g)


@inner
def show(memory: Memory, g: int) -> None:
    """Let each target of a group be shown by its leaf of the heaviest hypothesis."""
    group = memory.groups[g]
    best = heaviest(group.weight, group.count)
    for k in range(group.size):
        if group.member[k] >= 0:
            memory.targets[group.member[k]].leaf = group.choice[best, k]


@inner
def associate(memory: Memory, n: int, part: I64, plots: I64, g: int) -> int:
    """Associate some leaves (rows `part`: whole groups and leaves without one) and plots jointly, into group g.

    New leaves come from row n on, the old ones end. Return how many rows are used then.
    """
    before = prior(memory, part)
    after = branch(memory, before, plots)
    normalise(after, memory.parameters[0].light)
    vacate(memory, after, plots)
    mark(memory, after, plots)
    end = grow(memory, n, before, after, (part, plots))
    simplify(memory, after)
    form(memory, after, g)
    for i in range(n, end):
        if memory.leaves[i].kept != HELD:
            memory.leaves[i].existence = 0.0
    return end


@inner
def untie(memory: Memory, g: int) -> None:
    """End a group: each target keeps its leaf of the heaviest hypothesis."""
    group = memory.groups[g]
    best = heaviest(group.weight, group.count)
    for k in range(group.size):
        for f in range(group.count):
            i = group.choice[f, k]
            if i >= 0 and i != group.choice[best, k]:
                memory.leaves[i].existence = 0.0
        release(memory, group.member[k], group.choice[best, k])
    group.size = 0
