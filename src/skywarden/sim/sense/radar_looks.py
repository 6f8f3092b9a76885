"""When the radars look at which target, and from where they see it.

A turning antenna meets a target where it is then; a staring one looks at all of them at once. Each look belongs to
the window that its time is in, so none is lost or doubled at the border of two windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.sim.sense.radar_fleet import Fleet
from skywarden.sim.sense.radar_signal import FAINT, Echoes
from skywarden.sim.sky import Sky, Window

Flags = NDArray[np.bool_]
MOST = 400_000  # looks worked on at once, before those out of reach are left out
PROBE = 10.0  # s between the times at which targets are looked for in reach
FULL = 2 * np.pi


@dataclass(frozen=True, slots=True)
class Looks:
    """m looks, (m,) each: radar, target; time s; distance m, azimuth rad 0..2 pi, elevation rad, rate m/s away.

    turn: which turn of the radar, and how far in it: whole numbers are north. position: (m, 3) ECEF m.
    """

    radar: I64
    target: I64
    time: F64
    turn: F64
    distance: F64
    azimuth: F64
    elevation: F64
    rate: F64
    position: F64

    def __len__(self) -> int:
        return len(self.radar)

    def take(self, rows: Flags) -> "Looks":
        """Return some of them."""
        return Looks(*(getattr(self, name)[rows] for name in self.__slots__))


def limits(fleet: Fleet, echoes: Echoes) -> F64:
    """Return (radars, targets) m beyond which a target is not seen: reach, or an echo lost in the noise."""
    farthest = (fleet.half[:, None] / FAINT * echoes.section[None, :]) ** 0.25 * fleet.reference[:, None]
    return np.minimum(farthest, fleet.reach[:, None])


def looks(fleet: Fleet, sky: Sky, window: Window, limit: F64) -> Iterator[Looks]:
    """Yield all looks of the window, some radars after others: targets within `limit`, radars that are up."""
    radar, target = _candidates(fleet, sky, window, limit)
    count = np.ceil((window.end - window.start) / fleet.period).astype(np.int64) + 2
    work = np.cumsum(count[radar])
    cuts = np.searchsorted(work, np.arange(MOST, work[-1] if len(work) else 0, MOST))
    for part in np.split(np.arange(len(radar)), cuts):
        if len(part):
            found = _meet(fleet, sky, window, (radar[part], target[part]))
            near = found.distance <= limit[found.radar, found.target]
            yield found.take(near & (found.elevation < fleet.highest[found.radar]))


def seen_from(fleet: Fleet, radar: I64, position: F64, velocity: F64) -> tuple[F64, F64, F64, F64]:
    """Return distance m, azimuth and elevation rad, range rate m/s, (m,) each, of (m, 3) ECEF positions."""
    offset = position - fleet.position[radar]
    turned = fleet.rotation[radar]
    east, north, up = (np.einsum("ij,ij->i", turned[:, k], offset) for k in range(3))
    distance = np.maximum(np.sqrt(east**2 + north**2 + up**2), 1.0)
    rate = np.einsum("ij,ij->i", offset, velocity) / distance
    return distance, np.arctan2(east, north) % FULL, np.arcsin(np.clip(up / distance, -1, 1)), rate


def _candidates(fleet: Fleet, sky: Sky, window: Window, limit: F64) -> tuple[I64, I64]:
    """Return radars and targets, pair by pair in order, that may come within the limit during the window."""
    targets = sky.flying(window.start - 1, window.end + 1)
    times = np.linspace(window.start, window.end, int((window.end - window.start) / PROBE) + 2)
    near = np.zeros((len(fleet), len(targets)), bool)
    for time in times.tolist():
        position, velocity = _held(sky, targets, np.full(len(targets), time))
        slack = 1.5 * PROBE * np.linalg.norm(velocity, axis=1) + 100
        near |= apart2(fleet.position, position) < (limit[:, targets] + slack) ** 2
    radar, column = np.nonzero(near)
    return radar, targets[column]


def apart2(a: F64, b: F64) -> F64:
    """Return (n, m) squared distances, m^2, of (n, 3) and (m, 3) ECEF m; right to 1 m^2."""
    middle = a.mean(0) if len(a) else np.zeros(3)  # differences are small against the Earth
    a, b = a - middle, b - middle
    return np.asarray((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * (a @ b.T))


def _held(sky: Sky, targets: I64, times: F64) -> tuple[F64, F64]:
    """Return position and velocity; of a target that is not flying then, its first or last."""
    first = sky.first[targets]
    return sky.at(targets, np.clip(times, first, first + sky.count[targets] - 1))


def _meet(fleet: Fleet, sky: Sky, window: Window, pairs: tuple[I64, I64]) -> Looks:
    """Return the looks of the window at these pairs, near or not.

    The time at which a beam meets a target follows from its motion at mid-turn; where the target really is at that
    time is then taken from the sky, so time and place always fit.
    """
    period, phase = fleet.period[pairs[0]], fleet.phase[pairs[0]]
    first = np.floor((window.start - phase) / period).astype(np.int64) - 1
    count = np.ceil((window.end - window.start) / period).astype(np.int64) + 3
    pair = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count) + first[pair]
    radar, target, north = pairs[0][pair], pairs[1][pair], number * period[pair] + phase[pair]
    time = np.where(fleet.stares[radar], north, north + period[pair] * _fraction(fleet, sky, radar, (target, north)))
    inside = (time >= window.start) & (time < window.end) & fleet.up(radar, time)
    radar, target, time, number = radar[inside], target[inside], time[inside], number[inside]
    position, velocity = sky.at(target, time)
    distance, azimuth, elevation, rate = seen_from(fleet, radar, position, velocity)
    part = np.where(fleet.stares[radar], azimuth / FULL, (time - fleet.phase[radar]) / fleet.period[radar] - number)
    turn = np.where(fleet.stares[radar], 2.0, 1.0) * number + part  # looks that stare are a turn apart: they never meet
    found = Looks(radar, target, time, turn, distance, azimuth, elevation, rate, position)
    return found.take(~np.isnan(distance))


def _fraction(fleet: Fleet, sky: Sky, radar: I64, what: tuple[I64, F64]) -> F64:
    """Return (m,) 0..1, how far in its turn from north on a turning antenna meets a target. what: target, north s."""
    target, north = what
    period = fleet.period[radar]
    middle = north + period / 2
    position, velocity = _held(sky, target, middle)
    east, ahead = fleet.rotation[radar, 0], fleet.rotation[radar, 1]
    offset = position - fleet.position[radar]
    x, y = np.einsum("ij,ij->i", east, offset), np.einsum("ij,ij->i", ahead, offset)
    speed_x, speed_y = np.einsum("ij,ij->i", east, velocity), np.einsum("ij,ij->i", ahead, velocity)
    fraction = np.arctan2(x, y) % FULL / FULL
    for _ in range(2):  # the azimuth moves by far less than a turn, so this settles at once
        later = (fraction - 0.5) * period
        fraction = np.arctan2(x + speed_x * later, y + speed_y * later) % FULL / FULL
    return np.asarray(fraction)
