"""How sure a rate or a mean is: the bootstrap over raids or, with one raid, over its waves or attacks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64

ROUNDS = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """A mean with its 95 % interval. unit: what was drawn, "raids", "waves" or "attacks"; blocks: how many of them.

    low and high are NaN when there are fewer than two blocks or all have the same mean: drawing them again then says
    nothing.
    """

    mean: float
    low: float
    high: float
    unit: str
    blocks: int


def blocks(raid: Sequence[str], wave: Sequence[str]) -> tuple[I64, str]:
    """Return for each attack the number of its block, and what the blocks are.

    Attacks of one raid share weather, outages and routes, so whole raids are drawn when there are two or more; else
    whole waves of the one raid; else, with one wave, single attacks, which is too sure of itself.
    """
    for names, unit in ((raid, "raids"), (wave, "waves")):
        distinct = {name: number for number, name in enumerate(sorted(set(names)))}
        if len(distinct) > 1:
            return np.array([distinct[name] for name in names], np.int64), unit
    return np.arange(len(raid), dtype=np.int64), "attacks"


def interval(values: F64, block: I64, unit: str, generator: np.random.Generator) -> Interval:
    """Return the mean of values (n,) and the percentile interval when whole blocks (n,) are drawn with replacement.

    NaN values are left out. Source: Efron, Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13;
    clusters as in Davison, Hinkley 1997, section 3.8.
    """
    known = ~np.isnan(values)
    names, inverse = np.unique(block[known], return_inverse=True)
    if not len(names):
        return Interval(np.nan, np.nan, np.nan, unit, 0)
    sums = np.bincount(inverse, values[known])
    counts = np.bincount(inverse).astype(float)
    mean = float(sums.sum() / counts.sum())
    if len(names) < 2 or np.ptp(sums / counts) == 0:
        return Interval(mean, np.nan, np.nan, unit, len(names))
    drawn = generator.integers(len(names), size=(ROUNDS, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high), unit, len(names))
