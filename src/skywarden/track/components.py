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
    loops: (1,) how many components are joint.
    """

    parent: I64
    excess: I64
    targets: I64
    loops: I64


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
    return bool(parts.excess[node] >= 0 and parts.targets[node] > 1)


@inner
def connect(memory: Memory, n: int, plots: int) -> Parts:
    """Return the components of n leaves, `plots` plots and all groups. Needs `belief.share` of leaves without group."""
    groups = memory.counts[3]
    size = n + plots + groups
    parts = Parts(np.arange(size), np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(1, np.int64))
    parent = parts.parent
    for i in range(n):
        leaf, view = memory.leaves[i], memory.views[i]
        if leaf.group >= 0:
            unite(parent, i, n + plots + leaf.group)
        for e in range(view.first, view.last):
            if strong(memory, i, e):
                unite(parent, i, n + memory.pairs[e].plot)
    for i in range(n):
        leaf, view = memory.leaves[i], memory.views[i]
        node, ties = root(parent, i), 0
        for e in range(view.first, view.last):
            if strong(memory, i, e):
                ties += 1
        parts.excess[node] += ties - (1 if ties > 0 or leaf.group >= 0 else 0)
        if leaf.group < 0 and ties > 0:
            parts.targets[node] += 1
    for j in range(plots):
        node = root(parent, n + j)
        if node != n + j:
            parts.excess[node] -= 1
    for g in range(groups):
        if memory.groups[g].size > 0:
            node = root(parent, n + plots + g)
            parts.targets[node] += memory.groups[g].size
            parts.excess[node] = size  # a group is always joint
    for node in range(size):
        if parent[node] == node and joint(parts, node):
            parts.loops[0] += 1
    return parts


@inner
def listed(parent: I64, node: int, first: int, last: int, out: I64) -> I64:
    """Return which nodes from `first` to before `last` belong to a component, counted from `first`."""
    count = 0
    for i in range(first, last):
        if root(parent, i) == node:
            out[count] = i - first
            count += 1
    return out[:count]
