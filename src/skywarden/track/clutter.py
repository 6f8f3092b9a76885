"""How dense a sensor's false alarms are, learned by range from the plots that no confirmed target claims.

A radar has most of its false alarms near: sea, trees, roads, insects. Told of them everywhere the same, the filter
would take them for targets there. What is learned only ever adds to what the settings say, and a target's first plots
count for a while too, which matters little: they are few.
"""

from math import exp, log, pi

from skywarden.kernel import inner
from skywarden.track.looks import Sense
from skywarden.track.pool import Memory, Rows
from skywarden.track.view import POLAR

BINS, NEAREST, RATIO = 24, 500.0, 1.35  # rings: the first is up to so many m, each other so many times as far
FULL, LATEST = BINS, BINS + 1  # columns of Memory.clutter after the rings: see `learn`
COLUMNS = BINS + 2
MEMORY_S = 600.0  # how long a plot is remembered, s of looking
FILLED = 0.1  # share of the memory at least: a minute; what is seen in less may all be targets
EMPTY_S = 60.0  # so long a radar may look and have no plot, which nobody hears of


@inner
def ring(slant: float) -> int:
    """Return in which ring a range, m, is."""
    if slant <= NEAREST:
        return 0
    return min(BINS - 1, 1 + int(log(slant / NEAREST) / log(RATIO)))


@inner
def area(k: int) -> float:
    """Return the ground, m^2, of ring k, all around."""
    outer = NEAREST * RATIO**k
    inner_edge = 0.0 if k == 0 else outer / RATIO
    return pi * (outer * outer - inner_edge * inner_edge)


@inner
def known(memory: Memory, slant: float, sense: Sense) -> float:
    """Return how many false alarms a sensor has at one look, 1/m^2 of the ground that it sees, at a range, m."""
    k, rate = ring(slant), memory.clutter[sense.sensor]
    seen = area(k) * (sense.sector_width if sense.limited == 1 else 1.0)
    return float(max(sense.clutter, rate[k] / max(rate[FULL], FILLED) * sense.revisit / max(seen, 1.0)))


@inner
def learn(memory: Memory, plots: Rows, sense: Sense) -> None:
    """Count the plots of a look that no confirmed target claims: a rate, 1/s, by ring.

    memory.clutter (sensors, COLUMNS): rings, exponentially weighted over MEMORY_S of looking, from nothing on; FULL,
    the sum of the weights: their ratio is right from the beginning, and after a pause; LATEST: ns, of the latest look.
    """
    if sense.kind != POLAR or sense.ground == 0:
        return
    rate = memory.clutter[sense.sensor]
    gap = (sense.time - rate[LATEST]) * 1e-9 if rate[LATEST] > 0.0 else sense.revisit
    looked = min(max(gap, 0.0), EMPTY_S)
    fade = exp(-looked / MEMORY_S)
    for k in range(LATEST):
        rate[k] *= fade
    rate[FULL] += 1.0 - fade
    rate[LATEST] = max(rate[LATEST], float(sense.time))
    for plot in plots:
        if plot.claimed == 0:
            rate[ring(plot.z[0])] += 1.0 / MEMORY_S
