"""What of all that registration knows is said and applied: corrections with their change points, doubts and faults."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64, Registration
from skywarden.track.biases import CLAIMED, CLOCK, EAST, LATENCY, OWN, Belief, BiasSettings
from skywarden.track.latency import bounded
from skywarden.track.register import Register
from skywarden.track.strange import gross, trusted

APPLIED = 4  # columns of a sensor that are corrected: range, azimuth, elevation, clock
REMEMBERED = 3_600_000_000_000  # ns; so long a tie to a reference or to another sensor holds after the last target
GUESSED_S = 0.1  # s, 1 sigma; that is not known of the mean latency of all aircraft together
ASTRAY = 100.0  # m, and 5 sigma: a sensor that stands so far from where it is enrolled is spoofed, or was moved
LATE = 1.0  # s; a clock that is so far from what is configured of it is no bias but a fault
SURE = 5.0


class Known(NamedTuple):
    """What is known of one sensor. bias, sigma (4,): range m, azimuth, elevation rad, clock s.

    relative: no cooperative target ties it down, so only what it differs from others of its group by is claimed; the
    group is named by the first of them. fault: "", "place", "clock", "does not fit". used, refused: measurements in
    the last minute, fading.
    """

    sensor: str
    bias: F64
    sigma: F64
    relative: bool
    group: str
    fault: str
    used: float
    refused: float


def believed(register: Register, settings: BiasSettings) -> Belief:
    """Return what is believed of all columns, no latency under 0 or over the most: see `latency`.

    The clocks of a group that no cooperative target ties down are relative to the median of what they differ from their
    configured biases by: their common part cannot be measured, and one that is far off would draw all of them with it.
    """
    count, belief = len(register.position), register.belief
    slots = np.flatnonzero(register.ordinary)
    group, tied = joined(register)
    columns = OWN * count + CLAIMED * slots + LATENCY
    sigma = np.sqrt(np.diag(belief.covariance))
    clocks = OWN * np.arange(count) + CLOCK
    alike = belief.covariance[np.ix_(columns, clocks)] / sigma[clocks]
    mine = group[np.argmax(np.abs(alike), axis=1)] if len(slots) else slots
    for one in np.unique(mine).tolist():
        belief = bounded(belief, count, slots[mine == one], settings.latency_most_s)
        belief = _guessed(belief, np.concatenate((clocks[group == one], columns[mine == one])))
    mean, fits = belief.mean.copy(), trusted(register.strange)[:-1]
    for one in np.unique(group[~tied & fits]).tolist():
        off = mean[clocks] - register.first[:, CLOCK]
        mean[clocks[group == one]] -= np.median(off[(group == one) & fits])
    return belief._replace(mean=mean)


def _guessed(belief: Belief, later: I64) -> Belief:
    """Return the belief if all latencies may be another on average than those of aircraft are said to be.

    later: columns of the clocks and latencies that would be later together. What differs between them stays as it was.
    """
    covariance = belief.covariance.copy()
    covariance[np.ix_(later, later)] += GUESSED_S**2
    return belief._replace(covariance=covariance)


def known(register: Register, names: Sequence[str], settings: BiasSettings) -> tuple[Known, ...]:
    """Return what is known of each sensor, by their names in the order of `begun`."""
    belief, (group, tied) = believed(register, settings), joined(register)
    found = []
    for row, name in enumerate(names):
        columns = slice(OWN * row, OWN * row + APPLIED)
        sigma = np.sqrt(np.diag(belief.covariance)[columns])
        used, refused = float(register.strange.used[row]), float(register.strange.refused[row])
        relative, fault = not tied[row], _fault(register, belief, row)
        found.append(Known(name, belief.mean[columns], sigma, relative, names[group[row]], fault, used, refused))
    return tuple(found)


def difference(register: Register, one: int, other: int) -> tuple[F64, F64]:
    """Return by how much the biases of two sensors, by rows, differ, (4,), and its covariance (4, 4)."""
    n = len(register.belief.mean)
    D, k = np.zeros((APPLIED, n)), np.arange(APPLIED)
    D[k, OWN * one + k], D[k, OWN * other + k] = 1.0, -1.0
    return D @ register.belief.mean, D @ register.belief.covariance @ D.T


def changed(
    applied: Sequence[Registration], register: Register, names: Sequence[str], settings: BiasSettings
) -> tuple[Registration, ...]:
    """Return what is to be applied from the register's time on: new versions for those biases that have changed.

    applied: of all sensors or some, what is applied now. A bias has changed when going on with the old one would
    double the squared error that is left, of what is known and of what matters (`least_change`), in any component:
    so noise makes no new version. Of a sensor with a fault the last one stays.
    """
    belief, old = believed(register, settings), {one.sensor: one for one in applied}
    found = []
    for row, name in enumerate(names):
        columns = slice(OWN * row, OWN * row + APPLIED)
        mean, covariance = belief.mean[columns], belief.covariance[columns, columns]
        last = old.get(name, Registration(name))
        step = mean - [last.range_m, last.azimuth, last.elevation, last.time_s]
        more = step**2 > np.diag(covariance) + np.square(settings.least_change)
        if not more.any() or _fault(register, belief, row):
            continue
        distance, azimuth, elevation, clock = mean.tolist()
        spread = tuple(covariance.ravel().tolist())
        version = max(last.version, 1) + 1
        found.append(Registration(name, version, register.time, distance, azimuth, elevation, clock, spread))
    return tuple(found)


def joined(register: Register) -> tuple[I64, NDArray[np.bool_]]:
    """Return (S,) the group of each sensor, by the lowest row in it, and whether cooperative targets tie it down."""
    count = len(register.position)
    lately = (register.bond > 0) & (register.bond > register.time - REMEMBERED)
    reach = lately | np.eye(count + 1, dtype=bool)
    among = _closed(reach[:count, :count])
    return np.argmax(among, axis=1), (among @ reach[:count, count])


def _closed(reach: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return who reaches whom in any number of steps."""
    for _ in range(len(reach).bit_length()):
        reach = reach @ reach
    return reach


def _fault(register: Register, belief: Belief, row: int) -> str:
    """Return what is wrong with a sensor that is no bias, "" if nothing is."""
    strange, columns = register.strange, slice(OWN * row + EAST, OWN * row + OWN)
    place, P = belief.mean[columns], belief.covariance[columns, columns]
    if place @ place > ASTRAY**2 and place @ np.linalg.solve(P, place) > SURE**2:
        return "place"
    if abs(belief.mean[OWN * row + CLOCK] - register.first[row, CLOCK]) > LATE:
        return "clock"
    shift = gross(strange, row)
    if shift is not None:
        return "clock" if CLOCK in shift[0] and EAST not in shift[0] else "place"
    return "" if trusted(strange)[row] else "does not fit"
