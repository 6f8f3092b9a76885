"""Who shares which plot: loopy belief propagation on the sparse graph of leaves and plots.

Source: Williams, Lau 2014, "Approximate evaluation of marginal association probabilities with belief propagation",
IEEE Transactions on Aerospace and Electronic Systems 50(4). With odds psi, a leaf asks for a plot with
psi / (1 + sum of psi told over its other plots), and a plot tells a leaf 1 / (false + new + what other leaves ask).
Exact where the graph is a tree; where it is not, and it matters, `joint` decides.
"""

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import I64
from skywarden.track.components import root, unite
from skywarden.track.looks import View
from skywarden.track.pool import Leaf, Memory, Rows

ROUNDS, SETTLED = 40, 1e-3  # at most so many rounds; the greatest relative change of a message that ends them
RIVAL = -2  # leaf that others compete with, of no component yet
LEAST = 1e-300  # density of false alarms and new targets; a sensor may be said to have none


@inner
def ask(view: View, pairs: Rows, plots: Rows) -> None:
    """Send the messages of one leaf to its plots."""
    total = 1.0
    for e in range(view.first, view.last):
        total += pairs[e].odds * pairs[e].told
    for e in range(view.first, view.last):
        pair = pairs[e]
        asked = pair.odds / max(total - pair.odds * pair.told, 1.0)  # a difference of large numbers may be 0
        plots[pair.plot].total += asked - pair.asked
        pair.asked = asked


@inner
def tell(view: View, pairs: Rows, plots: Rows) -> float:
    """Send the messages of the plots to one leaf; return the greatest relative change."""
    worst = 0.0
    for e in range(view.first, view.last):
        pair = pairs[e]
        plot = plots[pair.plot]
        told = 1.0 / max(plot.total - pair.asked, plot.clutter + plot.born, LEAST)
        worst = max(worst, abs(told - pair.told) / told)
        pair.told = told
    return worst


@inner
def begin(memory: Memory, plots: Rows, count: int) -> I64:
    """Start all messages of `count` pairs; return (m,) how many leaves without a group compete for each plot."""
    degree = np.zeros(len(plots), np.int64)
    for j in range(len(plots)):
        plot = plots[j]
        plot.total, plot.free, plot.place = max(plot.clutter + plot.born, LEAST), 1.0, -1
    for e in range(count):
        pair = memory.pairs[e]
        pair.told, pair.asked = 1.0 / plots[pair.plot].total, 0.0
        if memory.leaves[pair.leaf].group < 0:
            degree[pair.plot] += 1
    return degree


@inner
def rivals(memory: Memory, n: int, plots: Rows, degree: I64) -> tuple[I64, I64]:
    """Send the one message of each of n leaves whose plots nobody else wants, and return the others by component.

    Leaves hang together that want the same plot. Returned: (m,) the first leaf of each component at its plots' root,
    -1 none, and (n,) the next of each leaf; leaves rise.
    """
    pairs, views, active = memory.pairs, memory.views, memory.active
    parent, first, following = np.arange(len(plots)), np.full(len(plots), -1), np.full(n, -1)
    for i in range(n):
        if active[i] == 0:
            continue
        view, shared = views[i], False
        if view.first == view.last or memory.leaves[i].group >= 0:
            continue
        for e in range(view.first, view.last):
            shared |= degree[pairs[e].plot] > 1
        if not shared:
            ask(view, pairs, plots)
            continue
        following[i] = RIVAL
        for e in range(view.first + 1, view.last):
            unite(parent, pairs[view.first].plot, pairs[e].plot)
    for i in range(n - 1, -1, -1):
        if following[i] == RIVAL:
            top = root(parent, pairs[views[i].first].plot)
            following[i] = first[top]
            first[top] = i
    return first, following


@inner
def believe(memory: Memory, n: int, plots: Rows, count: int) -> int:
    """Let messages between n leaves without a group and their plots settle; return after how many rounds.

    A leaf whose plots nobody else wants needs one message and no rounds. Of the others each component has its own
    rounds: what goes on elsewhere changes nothing here.
    """
    pairs, views = memory.pairs, memory.views
    first, following = rivals(memory, n, plots, begin(memory, plots, count))
    most = 0
    for top in first:
        rounds, worst = 0, 1.0 if top >= 0 else 0.0
        while rounds < ROUNDS and worst > SETTLED:
            worst, i = 0.0, top
            while i >= 0:
                ask(views[i], pairs, plots)
                i = following[i]
            i = top
            while i >= 0:
                worst = max(worst, tell(views[i], pairs, plots))
                i = following[i]
            rounds += 1
        most = max(most, rounds)
    return most


@inner
def share(leaf: Leaf, view: View, pairs: Rows) -> None:
    """Write the probability of each association of a leaf to its pairs, and view.now and view.miss.

    now: existence after the look. Of that, `miss` is the part without a plot and the shares the others; they add to 1.
    """
    r = leaf.existence
    missed = r * (1.0 - view.missed) / (1.0 - r * view.missed)
    total = 1.0
    for e in range(view.first, view.last):
        total += pairs[e].odds * pairs[e].told
    none = 1.0 / total
    view.now = 1.0 - none + none * missed
    view.miss = none * missed / view.now if view.now > 0.0 else 0.0
    for e in range(view.first, view.last):
        pairs[e].share = pairs[e].odds * pairs[e].told * none / view.now
