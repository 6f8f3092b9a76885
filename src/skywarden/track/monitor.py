"""How well what a sensor measures agrees with what it claims of its errors: normalised innovations squared, by kind.

A plot that is clearly that of one sure target is off what was expected of it by some claimed sigmas. The mean of
chi-square over the number of components, the ratio, is 1 where sensor and motion are as they are said to be, 4 where
the plots scatter twice as far. Source: Bar-Shalom, Li, Kirubarajan 2001, section 5.4.2, with two models of motion by
their weights before the look. What lies outside of the gate is not in it, so a ratio says less than the truth.
"""

from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.model.track import Chain
from skywarden.track.models import models
from skywarden.track.pool import Memory

NAMES = ("position", "plane", "polar", "direction", "sound", "track")  # of kinds, all but the last by their numbers
KINDS, TRACK = len(NAMES), 5
CLEAR = 0.95  # share from which a plot is clearly a leaf's
REMEMBERED = 300.0  # plots; after so many the first counts 1 / e
RECENT = 600_000_000_000  # ns; nothing is said of a sensor that has not looked for so long
ENOUGH = 9.9  # plots, ten that faded a little, before anything is said
TOO_SURE_STATE = (
    1.2  # the same of states: two of one system have most of their error in common, so honest ones have 0.5
)
TOO_SURE, DOUBT = 2.0, 20.0  # its errors are larger than it says from a ratio of the first, and the second over plots


@inner
def watch(memory: Memory, i: int) -> None:
    """Count the plot that is clearly that of leaf i, before the leaf is corrected by it.

    memory.fits (sensors, KINDS, 3): plots, components and chi-square, all fading over REMEMBERED plots.
    """
    leaf, view, sense, parameters = memory.leaves[i], memory.views[i], memory.sense[0], memory.parameters[0]
    if memory.targets[leaf.target].confirmed == 0 or view.ahead > 0.0:
        return
    for e in range(view.first, view.last):
        pair = memory.pairs[e]
        if pair.share > CLEAR:
            d, chi2, whole = memory.plots[pair.plot].d, 0.0, 0.0
            gate = parameters.gate[d] * (parameters.address_gate if memory.plots[pair.plot].address >= 0 else 1.0)
            for m in range(models(leaf)):
                off = 0.0
                for k in range(d):
                    off += pair.white[m, k] * pair.white[m, k]
                if pair.likelihood[m] > 0.0 and off <= gate:  # a turn is no fault of the sensor
                    chi2 += leaf.weight[m] * off
                    whole += leaf.weight[m]
            if not whole > 0.0:
                continue
            sums, fade = memory.fits[sense.sensor, sense.kind], 1.0 - 1.0 / REMEMBERED
            sums[0] = fade * sums[0] + 1.0
            sums[1] = fade * sums[1] + d
            sums[2] = fade * sums[2] + chi2 / whole


def compared(sums: F64, components: int, chi2: F64) -> None:
    """Count reports of states, (n,) chi-square each, in sums (3,), as `watch` does plots."""
    for each in chi2.tolist():
        sums *= 1.0 - 1.0 / REMEMBERED
        sums += (1.0, components, each)


class Fit(NamedTuple):
    """What is known of one sensor and kind. plots: that it rests on, fading. ratio: see above."""

    sensor: str
    kind: str
    plots: float
    ratio: float

    @property
    def too_sure(self) -> bool:
        """Whether its errors are larger than it claims, or its clock or place are off."""
        limit = TOO_SURE_STATE if self.kind == NAMES[TRACK] else TOO_SURE
        return self.plots >= ENOUGH and self.ratio >= limit + DOUBT / self.plots


def fits(chain: Chain) -> list[Fit]:
    """Return what a chain knows of each sensor and kind that clear plots came from and that looks yet, by name."""
    sums: F64 = chain.beliefs.fits
    there = (sums[:, :, 0] > 0.0) & (chain.until - chain.beliefs.sensors[: len(sums), :1] < RECENT)
    known = [(chain.sensors[s], k, *sums[s, k].tolist()) for s, k in np.argwhere(there).tolist()]
    return [Fit(name, NAMES[k], plots, chi2 / d) for name, k, plots, d, chi2 in sorted(known)]
