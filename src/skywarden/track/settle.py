"""What a look leaves of a leaf: its plots weighed by their shares and merged into one mean and covariance a model.

Source: Williams 2015, "Marginal multi-Bernoulli filters", IEEE Transactions on Aerospace and Electronic Systems 51(3),
the track-oriented form; merging keeps the first two moments. With W = L^-1 H P, one plot moves a mean by W^T white and
takes W^T W off a covariance: symmetric to the bit.
"""

from typing import NamedTuple

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track import ear
from skywarden.track.looks import Pair, Plot, View
from skywarden.track.models import FEWEST, models, promote
from skywarden.track.pool import Leaf, Rows
from skywarden.track.work import Work

SURE = 0.999999  # existence never reaches 1, so that what is not there can still go
ALONE = 0.9999  # share of one plot in a model from which the others are not worth merging
TINY = 1e-6  # share that is left out of a merge
HAIR = 1e-9  # of a variance, put back: more than rounding can take off
ROUNDING = 1e-13  # of what it was before, put back too: one plot may be a million times as exact as all before it
GROWN = 0.5  # existence from which a leaf gets its second model of motion


class Seen(NamedTuple):
    """The pairs and plots of a look."""

    pairs: Rows
    plots: Rows


@inner
def gain(HP: F64, plot: Plot, pair: Pair, m: int, W: F64) -> None:
    """Write W = L^-1 H P, (d, 6)."""
    L = pair.L[m]
    for k in range(plot.d):
        row, scale = plot.rows[k], L[k, k]
        for a in range(6):
            value = HP[row, a]
            for c in range(k):
                value -= L[k, c] * W[c, a]
            W[k, a] = value * scale


@inner
def correct(leaf: Leaf, view: View, plot: Plot, pair: Pair, m: int, work: Work) -> None:  # noqa: PLR0913 - one update
    """Correct model m of a leaf by one plot."""
    x, P, W, white, d = leaf.mean[m], leaf.covariance[m], work.W, pair.white[m], plot.d
    gain(view.HP[m], plot, pair, m, W)
    if view.heard > 0:
        ear.gain(view, plot, pair, m, work.V)
        ear.correct(leaf, plot, pair, m, work)
        leaf.heard = view.heard
    for a in range(work.six):
        before = P[a, a]
        for k in range(d):
            x[a] += W[k, a] * white[k]
        for b in range(a + 1):
            value = P[a, b]
            for k in range(d):
                value -= W[k, a] * W[k, b]
            P[a, b] = P[b, a] = value
        P[a, a] += HAIR * P[a, a] + ROUNDING * before


@inner
def likely(leaf: Leaf, pair: Pair) -> float:
    """Return the likelihood of a pair over all models of motion."""
    return float(leaf.weight[0] * pair.likelihood[0] + leaf.weight[1] * pair.likelihood[1])


@inner
def add(plot: Plot, pair: Pair, m: int, part: float, work: Work) -> None:
    """Add one plot's correction, weighed by `part`, to work.b (mean) and work.C (second moment). Needs `gain`."""
    W, dx, middle, C = work.W, work.a, work.b, work.C
    for a in range(work.six):
        dx[a] = 0.0
        for k in range(plot.d):
            dx[a] += W[k, a] * pair.white[m, k]
        middle[a] += part * dx[a]
        for b in range(a + 1):
            value = dx[a] * dx[b]
            for k in range(plot.d):
                value -= W[k, a] * W[k, b]
            C[a, b] += part * value


@inner
def blend(leaf: Leaf, view: View, m: int, total: float, seen: Seen, work: Work) -> None:  # noqa: PLR0913 - one update
    """Correct model m by all plots of a leaf, weighed by their shares of `total`, the model's new weight."""
    middle, C, x, P = work.b, work.C, leaf.mean[m], leaf.covariance[m]
    for a in range(work.six):
        middle[a] = 0.0
        for b in range(a + 1):
            C[a, b] = 0.0
    if view.heard > 0:
        ear.clear(work)
    for e in range(view.first, view.last):
        pair = seen.pairs[e]
        part = pair.share * leaf.weight[m] * pair.likelihood[m] / (likely(leaf, pair) * total)
        if part > TINY:
            plot = seen.plots[pair.plot]
            gain(view.HP[m], plot, pair, m, work.W)
            add(plot, pair, m, part, work)
            if view.heard > 0:
                ear.gain(view, plot, pair, m, work.V)
                ear.add(plot, pair, m, part, work)
    if view.heard > 0:
        ear.put(leaf, m, work)
        leaf.heard = view.heard
    for a in range(work.six):
        before = P[a, a]
        x[a] += middle[a]
        for b in range(a + 1):
            P[a, b] += C[a, b] - middle[a] * middle[b]
            P[b, a] = P[a, b]
        P[a, a] += HAIR * P[a, a] + ROUNDING * before


@inner
def merge(leaf: Leaf, view: View, m: int, seen: Seen, work: Work) -> float:
    """Correct model m of a leaf by its plots; return the model's new weight, to be made 1 with the others'."""
    pairs = seen.pairs
    total = view.miss * leaf.weight[m]
    best, most = -1, 0.0
    for e in range(view.first, view.last):
        pair = pairs[e]
        part = pair.share * leaf.weight[m] * pair.likelihood[m] / likely(leaf, pair)
        total += part
        if part > most:
            best, most = e, part
    if best >= 0 and most > ALONE * total:
        correct(leaf, view, seen.plots[pairs[best].plot], pairs[best], m, work)
    elif best >= 0:
        blend(leaf, view, m, total, seen, work)
    return float(total)


@inner
def settle(leaf: Leaf, view: View, seen: Seen, work: Work) -> None:
    """Bring a leaf without a group past a look. Needs `belief.share`."""
    young = models(leaf) == 1
    leaf.existence = min(view.now, SURE)
    if view.first == view.last:
        return
    calm = merge(leaf, view, 0, seen, work)
    if not young:
        busy = merge(leaf, view, 1, seen, work)
        leaf.weight[0] = max(calm / (calm + busy), FEWEST)
        leaf.weight[1] = max(busy / (calm + busy), FEWEST)
    elif leaf.existence > GROWN:
        promote(leaf)
