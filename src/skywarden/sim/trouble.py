"""What goes wrong with sensors: some are lost, some go out for a while, clocks drift, GNSS is spoofed.

The tracker is told none of it. Drawn once for a scenario, then asked by (sensor, time).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.sim.scene.settings import Faults


@dataclass(frozen=True, slots=True)
class Trouble:
    """n sensors of one kind. Times: s since the scenario's start, inf for never.

    lost_from: (n,). out: (n, 2) one outage, from and to. clock: (n, 2) offset s and drift s/s of its clock.
    spoofed_from: (n,) its GNSS is spoofed from here on; spoofed_place: (n, 3) m east, north, up; spoofed_time: (n,) s.
    """

    lost_from: F64
    out: F64
    clock: F64
    spoofed_from: F64
    spoofed_place: F64
    spoofed_time: F64

    def up(self, rows: I64, times: F64) -> NDArray[np.bool_]:
        """Return (m,) bool: sensor `rows` works at `times`."""
        out = (times >= self.out[rows, 0]) & (times < self.out[rows, 1])
        return np.asarray((times < self.lost_from[rows]) & ~out)

    def clock_error(self, rows: I64, times: F64) -> F64:
        """Return (m,) s that a sensor's own stamps are ahead of the true time."""
        spoofed = np.where(times >= self.spoofed_from[rows], self.spoofed_time[rows], 0.0)
        return np.asarray(self.clock[rows, 0] + self.clock[rows, 1] * times + spoofed)

    def place_error(self, rows: I64, times: F64) -> F64:
        """Return (m, 3) m east, north, up that a sensor's reported place is off by."""
        return np.where((times >= self.spoofed_from[rows])[:, None], self.spoofed_place[rows], 0.0)


def troubles(faults: Faults, count: int, seconds: float, rng: np.random.Generator) -> Trouble:
    """Draw what goes wrong with `count` sensors over `seconds`."""
    lost = np.where(rng.random(count) < faults.lost, rng.uniform(0, seconds, count), np.inf)
    begin = np.where(rng.random(count) < faults.outages, rng.uniform(0, seconds, count), np.inf)
    out = np.stack([begin, begin + rng.exponential(faults.outage_s, count)], 1)
    clock = np.stack(
        [rng.normal(0, faults.clock_offset_s, count), rng.normal(0, faults.clock_drift_ppm * 1e-6, count)], 1
    )
    spoofed = np.where(rng.random(count) < faults.gnss_spoofed, rng.uniform(0, seconds / 2, count), np.inf)
    away, where = rng.uniform(1e3, 5e3, count), rng.uniform(0, 2 * np.pi, count)
    place = np.stack([away * np.sin(where), away * np.cos(where), np.zeros(count)], 1)
    time = rng.uniform(1, 60, count) * rng.choice([-1.0, 1.0], count)
    return Trouble(lost, out, clock, spoofed, place, time)
