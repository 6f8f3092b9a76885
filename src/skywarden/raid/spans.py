"""When the first and the last of several may come, by what is told of each: independent of each other, as assumed.

With probability p and distribution F of each, somebody has come before t with 1 - prod (1 - p F(t)), and all that come
at all have with (prod (1 - p (1 - F(t))) - prod (1 - p)) / (1 - prod (1 - p)). F is linear between what is told: a
tenth before `early`, half before `arrival`, nine tenths before `late`, and as steep beyond. Who would do less harm
counts as if less likely to come (`Identity.stake`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.assessment import Alert
from skywarden.model.place import F64, I64
from skywarden.model.raid import Span

SURE = 0.999  # no probability is taken to be greater
STEPS = np.concatenate([[0.0], np.geomspace(2.0, 14_400.0, 96)])  # s ahead; 10 % apart
BEYOND = 0.25  # of the way from the tenth to the half, that nobody comes before or after
SHORTEST = 0.1  # s
SECOND = 1_000_000_000  # ns


class Ahead(NamedTuple):
    """What is to come, by group. time: ns, now. probability: (g,) that anybody comes.

    came: (g, STEPS) that somebody has come until then; done: (g, STEPS) that all have who come at all.
    """

    time: int
    probability: F64
    came: F64
    done: F64

    def before(self, group: int, seconds: float) -> float:
        """Return the probability that somebody comes within so many s."""
        return float(np.interp(seconds, STEPS, self.came[group]))

    def span(self, group: int) -> Span:
        p = float(self.probability[group])
        early, first = np.interp([0.1 * p, 0.5 * p], _rising(self.came[group]), STEPS)
        last = np.interp(0.9, _rising(self.done[group]), STEPS)
        return Span(p, *(self.time + round(float(when) * SECOND) for when in (early, first, max(first, last))))


class Coming(NamedTuple):
    """What alerts say, before they are put together. p: (n,) probabilities; share: (n, STEPS) F at each step."""

    time: int
    p: F64
    share: F64


def coming(alerts: Sequence[Alert], time: int) -> Coming:
    """Return what n alerts say at `time`, ns."""
    told = np.array([(a.early, a.arrival, a.late) for a in alerts], np.int64).reshape(-1, 3)
    p = np.minimum([a.probability * a.stake for a in alerts], SURE)
    return Coming(time, p, _share(np.asarray((told - time) * 1e-9, float)))


def ahead(of: Coming, group: I64, count: int) -> Ahead:
    """Return what is to come of each of `count` groups, none of them empty. group: (n,) that each alert belongs to."""
    p = of.p[:, None]
    none = _by_group(1.0 - p, group, count)
    free = _by_group(1.0 - p * of.share, group, count)
    rest = _by_group(1.0 - p * (1.0 - of.share), group, count)
    done = (rest - none) / np.maximum(1.0 - none, 1e-12)
    return Ahead(of.time, 1.0 - none[:, 0], 1.0 - free, done)


def _share(told: F64) -> F64:
    """Return (n, STEPS) F at each step. told: (n, 3) s from now."""
    early, middle, late = told.T
    begin, end = early - BEYOND * (middle - early), late + BEYOND * (late - middle)
    found = np.zeros((len(told), len(STEPS)))
    for low, high, part in ((begin, early, 0.1), (early, middle, 0.4), (middle, late, 0.4), (late, end, 0.1)):
        width = np.maximum(high - low, SHORTEST)
        found += part * np.clip((STEPS - low[:, None]) / width[:, None], 0.0, 1.0)
    return np.minimum(found, 1.0)


def _by_group(values: F64, group: I64, count: int) -> F64:
    """Return (count, ...) products of the rows of each group."""
    order = np.argsort(group, kind="stable")
    begins = np.searchsorted(group[order], np.arange(count))
    return np.asarray(np.multiply.reduceat(values[order], begins, axis=0))


def _rising(values: F64) -> F64:
    """Return values that rise all along, as interpolation needs them, changed by nothing that counts."""
    return values + 1e-12 * np.arange(len(values))
