"""Sizes and hours of raids as reported in public, as quantiles: facts, not places.

Source: daily reports of one party to a war, compiled by P. Ivaniuk, rows to 2026-06-06; not independently verified.
The reported number of one-way UAVs has decoys in it.
"""

from collections.abc import Mapping

import numpy as np

from skywarden.model.place import F64
from skywarden.sim.kinds import Kind

LEVELS = (0.0, 0.1, 0.5, 0.9, 0.99, 1.0)  # of the quantiles below; the lowest wave is taken as half of the 10 % one

# One-way UAVs in one wave, by quarter: 10, 50, 90, 99 % and the highest.
SIZES: Mapping[str, tuple[float, float, float, float, float]] = {
    "2022Q3": (7, 7, 7, 7, 7),
    "2022Q4": (2.1, 9.5, 15.9, 28.8, 35),
    "2023Q1": (4, 14, 33, 44.2, 45),
    "2023Q2": (2, 8, 35, 45.4, 54),
    "2023Q3": (3, 17, 33.3, 44, 44),
    "2023Q4": (2.8, 15, 36.4, 57.3, 75),
    "2024Q1": (4, 15.5, 36, 72.4, 90),
    "2024Q2": (5.2, 17, 31.9, 49.9, 53),
    "2024Q3": (5, 24, 74.4, 93.4, 109),
    "2024Q4": (20.5, 72.5, 119, 188.8, 193),
    "2025Q1": (58, 112, 177, 219.3, 267),
    "2025Q2": (46.8, 103, 301.4, 477.2, 479),
    "2025Q3": (45.5, 94, 464, 732.1, 810),
    "2025Q4": (61, 118.5, 461, 653, 653),
    "2026Q1": (50.5, 131, 342.6, 480.8, 556),
    "2026Q2": (94.8, 172, 501, 696.8, 753),
}
LATEST = "2026Q2"
# Missiles on days with more than 100 one-way UAVs and at least 10 missiles.
COMBINED: Mapping[Kind, tuple[float, float, float, float, float]] = {
    Kind.CRUISE: (0, 19, 51, 96.1, 115),
    Kind.BALLISTIC: (0, 10, 21, 43.6, 45),
}
DIRECTIONS = (4.0, 6.0, 7.0, 8.0, 9.0)  # launch areas of one wave, since July 2025
# Local hour in which a wave's first report came -> how many waves.
HOURS: Mapping[int, int] = {
    1: 8, 2: 5, 3: 5, 4: 3, 6: 1, 7: 4, 8: 13, 9: 4, 11: 2, 12: 3, 14: 4, 15: 3, 16: 4, 17: 8, 18: 206, 19: 157,
    20: 111, 21: 69, 22: 42, 23: 27,
}  # fmt: skip
ONE_WAY = (Kind.UAV_PISTON, Kind.UAV_JET, Kind.DECOY)
DRAWN = (*ONE_WAY, *COMBINED)  # kinds whose number can be drawn


def quantile(values: tuple[float, float, float, float, float], share: float | F64) -> F64:
    """Return the value that a `share` (0 to 1) of waves does not exceed: linear between LEVELS."""
    return np.asarray(np.interp(share, LEVELS, (values[0] / 2, *values)))


def drawn_size(kind: Kind, quarter: str, rng: np.random.Generator) -> int:
    """Return how many fly in one wave, at least 1. quarter: of SIZES, "" for the latest; missiles have none."""
    values = COMBINED.get(kind) or SIZES[quarter or LATEST]
    return max(1, round(float(quantile(values, rng.random()))))


def drawn_directions(rng: np.random.Generator) -> int:
    """Return from how many directions a wave comes."""
    return max(1, round(float(quantile(DIRECTIONS, rng.random()))))


def drawn_hour(rng: np.random.Generator) -> int:
    """Return the hour of a day, 0 to 23, in which a raid begins."""
    weights = np.array(list(HOURS.values()), float)
    return int(rng.choice(list(HOURS), p=weights / weights.sum()))
