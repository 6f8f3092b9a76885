"""Which leaves and plots hang together so closely that they must be associated jointly.

A strong pair joins its leaf and its plot; a group joins all its leaves. A component without a cycle needs no joint
hypotheses, since belief propagation is exact on trees; one with a cycle does, and one that has a group already.
"""

from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import I64
from skywarden.track.pool import Memory


class Parts(NamedTuple):
    """Components of nodes: leaves, then plots, then groups. parent: (nodes,) a union-find forest.

    excess: (nodes,) at a component's root, pairs less nodes: -1 for a tree. targets: (nodes,) at a root, how many.
    loops: (1,) how many components are joint. lively: (groups,) 1 for those that the look reaches.
    """

    parent: I64
    excess: I64
    targets: I64
    loops: I64
    lively: I64


@inner
def root(parent: I64, node: int) -> int:
    """Return the representative of a node, halving the path to it."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@inner
def unite(parent: I64, one: int, other: int) -> None:
    """Make one component of two; the lower root stands for both."""
    one, other = root(parent, one), root(parent, other)
    if one < other:
        parent[other] = one
    elif other < one:
        parent[one] = other


@inner
def strong(memory: Memory, i: int, e: int) -> bool:
    """Return whether pair e of leaf i is worth a joint association."""
    leaf, pair, parameters = memory.leaves[i], memory.pairs[e], memory.parameters[0]
    if leaf.group < 0:
        return bool(leaf.existence >= parameters.strong and pair.share > parameters.tied)
    return bool(pair.odds > parameters.tied * memory.plots[pair.plot].total)


@inner
def joint(parts: Parts, node: int) -> bool:
    """Return whether the component at a root needs joint hypotheses."""
    return bool(parts.excess[node] >= 0 and (parts.targets[node] > 1 or parts.excess[node] >= len(parts.parent)))


@inner
def tie(memory: Memory, n: int, plots: int, parts: Parts) -> None:
    """Unite leaves with the plots of their strong pairs and with their groups."""
    active = memory.active
    for i in range(n):
        if active[i] == 0:
            continue
        leaf, view = memory.leaves[i], memory.views[i]
        if memory.targets[leaf.target].wedge == 1:  # see `wedges`
            continue
        if leaf.group >= 0:
            unite(parts.parent, i, n + plots + leaf.group)
            parts.lively[leaf.group] = 1
        for e in range(view.first, view.last):
            if strong(memory, i, e):
                unite(parts.parent, i, n + memory.pairs[e].plot)


@inner
def count(memory: Memory, n: int, plots: int, parts: Parts) -> None:
    """Count pairs less nodes and targets of each component, at its root."""
    parent, active = parts.parent, memory.active
    for i in range(n):
        if active[i] == 0:
            continue
        view, ties = memory.views[i], 0
        for e in range(view.first, view.last):
            if strong(memory, i, e):
                ties += 1
        if memory.leaves[i].group < 0 and ties > 0:
            node = root(parent, i)
            parts.excess[node] += ties - 1
            parts.targets[node] += 1
    for j in range(plots):
        node = root(parent, n + j)
        if node != n + j:
            parts.excess[node] -= 1
    for g in range(memory.counts[2]):
        if memory.groups[g].size > 0 and parts.lively[g] == 1:
            node = root(parent, n + plots + g)
            parts.targets[node] += memory.groups[g].size
            parts.excess[node] = len(parent)  # a group is always joint


@inner
def connect(memory: Memory, n: int, plots: int) -> Parts:
    """Return the components of n leaves, `plots` plots and all groups. Needs `belief.share` of leaves without group."""
    size = n + plots + memory.counts[2]
    parts = Parts(
        np.arange(size),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(1, np.int64),
        np.zeros(memory.counts[2], np.int64),
    )
    tie(memory, n, plots, parts)
    count(memory, n, plots, parts)
    parent, excess, targets = parts.parent, parts.excess, parts.targets
    for node in range(size):  # `joint`, but handing all of parts to a function costs more than the rest for each node
        if excess[node] >= 0 and parent[node] == node and (targets[node] > 1 or excess[node] >= size):
            parts.loops[0] += 1
    return parts


@inner
def threads(parent: I64, count: int) -> tuple[I64, I64]:
    """Return for each component its first node, at its root, and for each of `count` nodes the next of its component.

    -1 is none; nodes rise.
    """
    first, following = np.full(len(parent), -1), np.full(count, -1)
    for node in range(count - 1, -1, -1):
        top = root(parent, node)
        following[node] = first[top]
        first[top] = node
    return first, following


@inner
def members(node: int, n: int, following: I64, leaves: I64, plots: I64) -> tuple[I64, I64]:
    """Return the leaves and plots of a component from its first node on. leaves, plots: room for all there are."""
    some = others = 0
    while node >= 0:
        if node < n:
            leaves[some] = node
            some += 1
        else:
            plots[others] = node - n
            others += 1
        node = following[node]
    return leaves[:some], plots[:others]
