"""Where a sensor can see: its ranges, its sector, its elevations, and the hills around it.

Hills are a screening diagram: for each azimuth the elevation of the ground's highest line as it appears (radio bends
with 4/3 of the Earth's radius) and how far away that line is. What is behind it and below it is hidden. Lesser hills
nearer by are left out: there a miss counts as it would without any diagram.
"""

from math import asin, atan2, pi, sqrt

import numpy as np

from skywarden.geo.earth import SEMI_MAJOR
from skywarden.kernel import inner
from skywarden.model.detection import Kind
from skywarden.model.place import AZIMUTHS, F64, Coverage
from skywarden.track.looks import Sense

BEND = 0.125 / SEMI_MAJOR  # rad a metre: half of what the ray of 4/3 of the Earth bends, (1 - 3/4) / 2 R
STEP, FAR = 0.01 * pi / 180.0, 100.0  # rad, m: the units of SENSE.horizon and ridge, whole numbers to be small
LEVELLED = -9_000  # of SENSE.horizon: no hills, straight down
HIDDEN = 0.05  # of its probability with which a sensor sees what it cannot: a diagram may be wrong, and a plot is there


@inner
def visible(x: F64, sense: Sense) -> bool:
    """Return whether a place, (3,) ECEF m or a state, is where a sensor can see."""
    if sense.limited == 0:
        return True
    e0 = e1 = e2 = 0.0
    for b in range(3):
        d = x[b] - sense.position[b]
        e0 += sense.rotation[0, b] * d
        e1 += sense.rotation[1, b] * d
        e2 += sense.rotation[2, b] * d
    slant = sqrt(e0 * e0 + e1 * e1 + e2 * e2) + 1e-9
    if slant < sense.nearest or slant > sense.reach:
        return False
    turn = (atan2(e0, e1) / (2.0 * pi)) % 1.0
    if (turn - sense.sector) % 1.0 > sense.sector_width:
        return False
    elevation = asin(e2 / slant)
    if elevation < sense.lowest or elevation > sense.highest:
        return False
    k = int(turn * AZIMUTHS + 0.5) % AZIMUTHS
    return bool(slant < FAR * sense.ridge[k] or elevation + BEND * slant > STEP * sense.horizon[k])


def everywhere(row: np.void, reach: float) -> None:
    """Write to a `SENSE` that its sensor sees all around, up to `reach` m: who is farther away it cannot miss."""
    row["limited"], row["nearest"], row["reach"] = 1, 0.0, reach
    row["sector"], row["sector_width"], row["lowest"], row["highest"] = 0.0, 1.0, -pi / 2, pi / 2
    row["horizon"], row["ridge"] = LEVELLED, 0


def cover(row: np.void, coverage: Coverage, placed: bool) -> None:
    """Write what a sensor can see to its `SENSE`. placed: it is known where that is."""
    if coverage.detection is not None:
        row["detection"] = coverage.detection
    if coverage.clutter is not None and row["kind"] not in (Kind.DIRECTION, Kind.SOUND):
        row["clutter"] = coverage.clutter
    if row["kind"] in (Kind.DIRECTION, Kind.SOUND):
        row["begins"] = min(coverage.begins, coverage.farthest)
    row["limited"] = placed and not coverage.whole
    row["nearest"], row["reach"] = coverage.nearest, coverage.farthest
    row["sector"], row["sector_width"] = coverage.sector
    row["lowest"], row["highest"] = coverage.elevation
    row["horizon"] = np.round(coverage.horizon * 100.0)
    row["ridge"] = np.minimum(np.round(coverage.ridge / FAR), 32_767)
