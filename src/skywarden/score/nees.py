"""Whether tracks are as good as they say: the squared error of place over its covariance (NEES), three dimensions.

Over the pairs of GOSPA's assignment, at rows that the system itself wrote for that time; a mean per dimension of 1 is
honest, more is too sure. Errors beyond c are nobody's, so a cutoff far above what tracks claim is needed.
Source: Bar-Shalom, Li, Kirubarajan 2001, section 5.4.2.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from skywarden.geo.earth import east_north_up, geodetic
from skywarden.model.place import F64, I64
from skywarden.score.assign import Comparison
from skywarden.score.gospa import Gospa

AXES = 3
REGION = float(chi2.ppf(0.95, AXES))
FULL = (0, 1, 2, 1, 3, 4, 2, 4, 5)  # columns of a spread that make its matrix
BLOCK = 65_536  # pairs at a time, so that memory is bounded
LEAST = 100  # errors of a sensor's tracks, before anything is said of it


class Nees(NamedTuple):
    """(n,) squared errors over their covariances, and (n,) the sensor that saw the track last, a row of `sensors`."""

    value: F64
    sensor: I64
    sensors: tuple[str, ...]

    def mean(self) -> float:
        """Return the mean per dimension; NaN of nothing."""
        return float(self.value.mean()) / AXES if len(self.value) else np.nan

    def inside(self) -> float:
        """Return the part inside the 95 % region; NaN of nothing."""
        return float((self.value <= REGION).mean()) if len(self.value) else np.nan

    def by_sensor(self, most: int) -> dict[str, "Nees"]:
        """Return those of each named sensor with enough rows, the furthest from honest first, so many at most."""
        count = np.bincount(self.sensor, minlength=len(self.sensors))
        mean = np.bincount(self.sensor, self.value, len(self.sensors)) / np.maximum(AXES * count, 1)
        off = np.abs(np.log(np.maximum(mean, 1e-9)))
        known = [row for row, name in enumerate(self.sensors) if name and count[row] >= LEAST]
        worst = sorted(known, key=lambda row: (-off[row], self.sensors[row]))[:most]
        return {self.sensors[row]: self._of(row) for row in worst}

    def _of(self, row: int) -> "Nees":
        mine = self.sensor == row
        return Nees(self.value[mine], self.sensor[mine], self.sensors)


def nees(comparison: Comparison, result: Gospa) -> Nees:
    """Return those of all assigned pairs whose track states its covariance."""
    tracks, target, track = comparison.tracks, comparison.target[result.pairs], comparison.track[result.pairs]
    if tracks.spread is None or tracks.sensor is None:
        return Nees(np.zeros(0), np.zeros(0, np.int64), ("",))
    stated = np.isfinite(tracks.spread[track]).all(axis=1)
    target, track = target[stated], track[stated]
    value = np.zeros(len(track))
    for begin in range(0, len(track), BLOCK):
        rows = slice(begin, begin + BLOCK)
        place = tracks.position[track[rows]]
        latitude, longitude, _ = geodetic(place)
        off = comparison.truth.position[target[rows]] - place
        error = np.einsum("nij,nj->ni", east_north_up(latitude, longitude), off)
        P = tracks.spread[track[rows]][:, FULL].reshape(-1, AXES, AXES)
        value[rows] = np.einsum("ni,ni->n", error, np.linalg.solve(P, error[:, :, None])[:, :, 0])
    return Nees(value, tracks.sensor[track], tracks.sensors)
