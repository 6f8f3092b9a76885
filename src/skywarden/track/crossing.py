"""Two wedges of different direction finders that are one target: it is where their bearings cross.

Each decides about its own ranges (`wedges`), and each explains its own bearings best by what is far away, where there
is more room. So a target that is nearer to both finders than they are to each other would stay two. Both are one as
likely as places of both agree, over two that nobody knew of: one has a density of p_1 p_2 / l there, two of p_1 p_2 at
places of their own, where l is the density of targets that nobody has seen. How they fly and how high is left out.
"""

from math import exp, pi, sqrt

from skywarden.kernel import inner
from skywarden.model.place import F64, I64
from skywarden.track.narrow import middle, narrow
from skywarden.track.notes import front
from skywarden.track.pool import Group, Leaf, Memory
from skywarden.track.undetected import cell
from skywarden.track.view import DIRECTION, level

HITS = 3  # of each; before that either may be a false bearing
ODDS = 20.0  # of one to two; that neither is heard far away speaks for one four times more
LEAST = 1e-300  # targets per m^2
FAR = 100.0  # chi-square from which places do not agree


@inner
def agree(one: Leaf, other: Leaf, H: F64) -> float:
    """Return how likely two leaves are at one place on the level, 1/m^2. H: its rows are east and north there."""
    d0 = d1 = S00 = S01 = S11 = 0.0
    for a in range(3):
        d = middle(one, a) - middle(other, a)
        d0 += H[0, a] * d
        d1 += H[1, a] * d
        for b in range(3):
            S = one.covariance[0, a, b] + other.covariance[0, a, b]
            S00 += H[0, a] * S * H[0, b]
            S01 += H[0, a] * S * H[1, b]
            S11 += H[1, a] * S * H[1, b]
    area = S00 * S11 - S01 * S01
    if not area > 0.0:
        return 0.0
    chi2 = (S11 * d0 * d0 - 2.0 * S01 * d0 * d1 + S00 * d1 * d1) / area
    return exp(-0.5 * chi2) / (2.0 * pi * sqrt(area)) if chi2 < FAR else 0.0


@inner
def unseen(memory: Memory, leaf: Leaf) -> float:
    """Return how many targets per m^2 are unseen where a leaf is."""
    work = memory.work[0]
    for a in range(3):
        work.state[a] = leaf.mean[0, a]
    row, column = cell(memory.grid[0], work, memory.unseen.shape[1])
    return max(float(memory.unseen[0, row, column]), LEAST)


@inner
def one(memory: Memory, group: Group, other: Group, share: F64) -> float:
    """Return the odds that two wedges are one target; write those of the first one's ranges to `share` (count,)."""
    leaves, work, total = memory.leaves, memory.work[0], 0.0
    for f in range(group.count):
        share[f], i = 0.0, group.choice[f, 0]
        if i < 0:
            continue
        level(leaves[i].mean[0], work.H, work)
        for e in range(other.count):
            j = other.choice[e, 0]
            if j >= 0:
                share[f] += other.weight[e] * leaves[j].existence * agree(leaves[i], leaves[j], work.H)
        share[f] *= group.weight[f] * leaves[i].existence / unseen(memory, leaves[i])
        total += share[f]
    return total


@inner
def lone(memory: Memory, g: int) -> int:
    """Return the one finder that has seen a wedge, often enough; -1 if it is none, or others have seen it."""
    group = memory.groups[g]
    if group.size != 1 or group.member[0] < 0:
        return -1
    target = memory.targets[group.member[0]]
    return int(target.seen_by[0]) if target.wedge == 1 and target.hits >= HITS and target.seen_by[1] < 0 else -1


@inner
def cross(memory: Memory, groups: I64, odds: F64, share: F64) -> None:
    """Let wedges that a look of a direction finder reaches be one where they are. odds (u, m): of each for each plot.

    share (HYPOTHESES,): scratch. Asked of those that fit the same bearing.
    """
    if memory.sense[0].kind != DIRECTION:
        return
    for u in range(len(groups)):
        for v in range(u):
            first, second = lone(memory, groups[u]), lone(memory, groups[v])
            if first < 0 or second < 0 or first == second or not rivals(odds[u], odds[v]):
                continue
            old, new = groups[u], groups[v]
            if memory.targets[memory.groups[old].member[0]].born > memory.targets[memory.groups[new].member[0]].born:
                old, new = new, old
            if one(memory, memory.groups[old], memory.groups[new], share) > ODDS:
                unite(memory, old, new, share)


@inner
def rivals(one: F64, other: F64) -> bool:
    """Return whether two wedges fit the same plot. Both (m,): odds of each plot."""
    found = False
    for j in range(len(one)):
        found |= one[j] > 0.0 and other[j] > 0.0
    return found


@inner
def unite(memory: Memory, old: int, new: int, share: F64) -> None:
    """Let the wedge of group `old` be where that of group `new` may be too, and end that one. share (count,)."""
    group, other, leaves = memory.groups[old], memory.groups[new], memory.leaves
    target, gone = memory.targets[group.member[0]], memory.targets[other.member[0]]
    total, best, kept = 0.0, 0.0, 0
    for f in range(group.count):
        total += share[f]
    for f in range(group.count):
        i, part = group.choice[f, 0], share[f] / total
        if part > memory.parameters[0].light:
            group.weight[kept], group.choice[kept, 0] = part, i
            kept += 1
            if part > best:
                best, target.leaf = part, i
        elif i >= 0:
            leaves[i].existence = 0.0
    group.count = kept
    for e in range(other.count):
        if other.choice[e, 0] >= 0:
            leaves[other.choice[e, 0]].existence = 0.0
    other.size = 0
    front(target, gone.seen_by[0], gone.seen_at[0])
    target.hits, target.confirmed = target.hits + gone.hits, max(target.confirmed, gone.confirmed)
    target.seen, target.told = max(target.seen, gone.seen), max(target.told, gone.told)
    narrow(memory, old)
