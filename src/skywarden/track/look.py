"""Looks of sensors, in one kernel, each: predict, view, pair, believe, associate, settle, prune, bear."""

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.place import I64
from skywarden.track import components, joint
from skywarden.track.begin import bear
from skywarden.track.belief import believe, share
from skywarden.track.clutter import learn
from skywarden.track.components import Parts, connect, members, root, threads
from skywarden.track.monitor import watch
from skywarden.track.notes import note, own
from skywarden.track.pairs import find
from skywarden.track.pool import GROUPED_PLOTS, HYPOTHESES, MEMBERS, Memory, Rows
from skywarden.track.prepare import Given, answer, fill
from skywarden.track.reach import forget, near, overdue, sweep, sweeps, wake
from skywarden.track.settle import Seen, settle
from skywarden.track.spots import lose
from skywarden.track.undetected import expected, searched
from skywarden.track.wedges import decide

OUT = -1  # excess of a component that is not done jointly after all


@inner
def separate(memory: Memory, part: I64) -> None:
    """Give up the groups of some leaves, since their component is too large to be done jointly."""
    leaves = memory.leaves
    for i in part:
        if leaves[i].group >= 0 and memory.groups[leaves[i].group].size > 0:
            joint.untie(memory, leaves[i].group)
    for i in part:
        if leaves[i].existence > 0.0:
            share(leaves[i], memory.views[i], memory.pairs)


@inner
def together(memory: Memory, n: int, plots: int, parts: Parts, done: I64) -> int:
    """Do what is joint, mark its leaves in `done` (n,); return how many rows of leaves are used then."""
    end, leaves = n, memory.leaves
    ids, rows = np.empty(n, np.int64), np.empty(plots, np.int64)
    first, following = threads(parts.parent, n + plots)
    for i in range(n):
        if memory.active[i] == 0:
            continue
        node = root(parts.parent, i)
        if done[i] == 1 or leaves[i].existence <= 0.0 or not components.joint(parts, node):
            continue
        part, some = members(first[node], n, following, ids, rows)
        slot = joint.vacant(memory)
        room = len(leaves) - end >= HYPOTHESES * parts.targets[node]
        if parts.targets[node] > MEMBERS or len(some) > GROUPED_PLOTS or slot < 0 or not room:
            separate(memory, part)
            parts.excess[node] = OUT
            continue
        for q in part:
            done[q] = 1
            view = memory.views[q]
            for e in range(view.first, view.last):
                memory.plots[memory.pairs[e].plot].total -= memory.pairs[e].asked
        memory.counts[2] = max(memory.counts[2], slot + 1)
        end = joint.associate(memory, end, part, some, slot)
    return end


@inner
def alone(memory: Memory, n: int, plots: Rows, done: I64) -> None:
    """Settle the leaves that are not done. Those that want a plot of a group see that it may be taken."""
    leaves, pairs, work, active = memory.leaves, memory.pairs, memory.work[0], memory.active
    seen = Seen(pairs, plots)
    for j in range(len(plots)):
        plots[j].total /= max(plots[j].free, 1e-12)
    for i in range(n):
        if active[i] == 0:
            continue
        leaf, view, again = leaves[i], memory.views[i], False
        if done[i] == 1 or leaf.existence <= 0.0 or leaf.group >= 0:
            continue
        for e in range(view.first, view.last):
            pair = pairs[e]
            if plots[pair.plot].free < 1.0:
                pair.told = 1.0 / max(plots[pair.plot].total - pair.asked, 1e-300)
                again = True
        if again:
            share(leaf, view, pairs)
        watch(memory, i)
        settle(leaf, view, seen, work)
        j = own(leaf, view, pairs, plots)
        if j >= 0:
            note(memory.targets[leaf.target], plots[j], leaf.existence, memory.sense[0], memory.parameters[0])


@inner
def compact(memory: Memory, n: int, place: I64, held: I64) -> None:
    """Move likely leaves together; write to `place` (n,) where each is now, and mark their targets in `held`."""
    leaves, kept = memory.leaves, 0
    for i in range(n):
        if leaves[i].existence > memory.parameters[0].least:
            if kept != i:
                leaves[kept] = leaves[i]
                memory.spots[kept] = memory.spots[i]
            place[i] = kept
            held[leaves[kept].target] = 1
            kept += 1
    memory.counts[1] = kept


@inner
def prune(memory: Memory, n: int) -> None:
    """Drop leaves of too little existence and targets without leaves, and move the rest together, order kept."""
    targets, counts = memory.targets, memory.counts
    place, held = np.full(n, -1), np.full(counts[0], -1)
    lose(memory, counts[1], n)  # new ones of joint hypotheses
    compact(memory, n, place, held)
    alive = 0
    for t in range(counts[0]):
        if held[t] > 0:
            if alive != t:
                targets[alive] = targets[t]
            held[t] = alive
            shown = targets[alive].leaf
            targets[alive].leaf = place[shown] if shown >= 0 else -1
            alive += 1
    counts[0] = alive
    for i in range(counts[1]):
        memory.leaves[i].target = held[memory.leaves[i].target]
    for group in memory.groups[: counts[2]]:
        left = 0
        for k in range(group.size):
            group.member[k] = held[group.member[k]] if group.member[k] >= 0 else -1
            left += group.member[k] >= 0
            for f in range(group.count):
                if group.choice[f, k] >= 0:
                    group.choice[f, k] = place[group.choice[f, k]]
        if left == 0:
            group.size = 0


@inner
def spent(memory: Memory, n: int) -> bool:
    """Return whether a leaf that the look reached is too unlikely now to be kept."""
    found = False
    for i in range(n):
        found |= memory.active[i] == 1 and not memory.leaves[i].existence > memory.parameters[0].least
    return found


@inner
def one(memory: Memory, given: Given) -> None:
    """Take the look in that memory.sense describes. New targets get labels in the order of their plots."""
    sense = memory.sense[0]
    m, n = fill(memory, given), memory.counts[1]
    if m == 0 and sense.whole == 0:
        return
    plots = memory.plots[:m]
    expected(memory, m, sense.time)
    wake(memory, sense)
    swept = sweeps(memory, sense)
    if swept:
        forget(memory, n, sense)
    near(memory, n, plots, sense)
    due = overdue(memory, n, sense, swept)
    if swept:
        sweep(memory, n, due)
    count = find(memory, n, plots, due)
    believe(memory, n, plots, count)
    done, end = np.zeros(n, np.int64), n
    for i in range(n):
        if memory.active[i] == 1 and memory.leaves[i].group < 0:
            share(memory.leaves[i], memory.views[i], memory.pairs)
    parts = connect(memory, n, m)
    if parts.loops[0] > 0:
        end = together(memory, n, m, parts, done)
    end = decide(memory, n, m, end, done)
    alone(memory, n, plots, done)
    if swept or end > n or sense.whole == 1 or spent(memory, n):
        prune(memory, end)
    searched(memory, m)
    learn(memory, plots, sense)
    n = memory.counts[1]
    bear(memory, plots, given)
    lose(memory, n, memory.counts[1])
    answer(plots, given)


@kernel
def follow(memory: Memory, given: Given, looks: Rows) -> None:
    """Take looks in, one after the other. looks: records as `Sense`."""
    for g in range(len(looks)):
        memory.sense[0] = looks[g]
        one(memory, given)
