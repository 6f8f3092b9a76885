"""How dense a sensor's false alarms are, learned by range from the plots that no confirmed target claims.

A radar has most of its false alarms near: sea, trees, roads, insects. Told of them everywhere the same, the filter
would take them for targets there. What is learned only ever adds to what the settings say, and a target's first plots
count for a while too, which matters little: they are few.
"""

from math import exp, log, pi

from skywarden.kernel import inner
from skywarden.track.pool import Memory, Rows, Sense
from skywarden.track.view import POLAR

BINS, NEAREST, RATIO = 24, 500.0, 1.35  # rings: the first is up to so many m, each other so many times as far
COLUMNS = BINS + 1  # of Memory.clutter: the rings, and what share of the memory a sensor has looked for
MEMORY_S = 600.0  # how long a plot is remembered, s
FILLED = 0.1  # that share at least: a minute; what is seen in less may all be targets


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
    """Return how many false alarms a sensor has at one look, 1/m^2 of ground, at a range, m."""
    k, rate = ring(slant), memory.clutter[sense.sensor]
    return float(max(sense.clutter, rate[k] / max(rate[BINS], FILLED) * sense.revisit / area(k)))


@inner
def learn(memory: Memory, plots: Rows, sense: Sense, gap: float) -> None:
    """Count the plots of a look, `gap` s after the last, that no confirmed target claims: a rate, 1/s, by ring.

    memory.clutter (sensors, COLUMNS): exponentially weighted over MEMORY_S, from nothing on, and the sum of the weights
    of the time that the sensor looked: their ratio is right from the beginning, and after a pause.
    """
    if sense.kind != POLAR or sense.ground == 0:
        return
    rate = memory.clutter[sense.sensor]
    fade = exp(-max(gap, 0.0) / MEMORY_S)
    for k in range(COLUMNS):
        rate[k] *= fade
    rate[BINS] += 1.0 - exp(-min(max(gap, 0.0), sense.revisit) / MEMORY_S)
    for plot in plots:
        if plot.claimed == 0:
            rate[ring(plot.z[0])] += 1.0 / MEMORY_S
