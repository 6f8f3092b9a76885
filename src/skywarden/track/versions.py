"""Corrections with versions: what registration finds, rounded, and which of them are still needed."""

from collections.abc import Iterable, Sequence

import numpy as np

from skywarden.model.place import F64, Registration
from skywarden.model.registered import Standing, Stray
from skywarden.track.biases import CLOCK, OWN, BiasSettings
from skywarden.track.corrections import APPLIED, believed, changed, joined, known
from skywarden.track.register import Register

FINEST = (0.1, 1e-5, 1e-5, 1e-3)  # m, rad, rad, s; nothing of it matters, and the last bits of a sum less
FARTHEST = (1000.0, np.radians(5.0), np.radians(5.0), 5.0)  # what is so far from the configured bias is none
KEPT = 180_000_000_000  # ns; what came so late is not taken in any more
DIGITS = 3  # of sigmas
SURE = 4.0  # sigma, from which a bias is surely another than at first
STAYS = 2.0  # and from which it still is, once that was so
MOVES_M = 5.0  # m; a clock that moves targets by less is left: no model of how they fly is that good
ROUGH_M_S = 50.0  # of a path whose velocity is known worse nothing follows
WITNESSES = 2  # targets that a sensor has in common with others at once; one aircraft alone may say anything
UNITED = 60_000_000_000  # ns
IMPLAUSIBLE = "implausible"


def newest(versions: Iterable[Registration]) -> dict[str, Registration]:
    """Return the last version of each sensor."""
    return {one.sensor: one for one in sorted(versions, key=lambda one: one.version)}


def needed(versions: Sequence[Registration], time: int) -> tuple[Registration, ...]:
    """Return the versions that hold for some measurement from KEPT before `time`, ns, on; by sensor and version."""
    found = []
    for name in sorted({one.sensor for one in versions}):
        mine = sorted((one for one in versions if one.sensor == name), key=lambda one: one.version)
        ends = [after.since for after in mine[1:]]
        found += [one for one, end in zip(mine, [*ends, time], strict=True) if end > time - KEPT]
    return tuple(found)


def found(
    versions: Sequence[Registration], register: Register, names: Sequence[str], settings: BiasSettings, since: int
) -> tuple[Registration, ...]:
    """Return new versions of a group's sensors, which hold from `since`, ns, on. None that is implausible."""
    last, witnesses, new = newest(versions), witnessed(register), list[Registration]()
    spread, mine = _spread(register, settings), [last[name] for name in names if name in last]
    for one in changed(mine, register, names, settings):
        row, old = names.index(one.sensor), bias(last.get(one.sensor))
        first = register.first[row, :APPLIED]
        columns = slice(OWN * row, OWN * row + APPLIED)
        covariance = spread[columns, columns]
        sure = sured(bias(one), old, first, covariance, matters(register, row))
        more = (sure - old) ** 2 > np.diag(covariance) + np.square(settings.least_change)
        back = (np.array(_grid(sure)) != _grid(old)) & (sure == first)  # what is written is rounded
        if witnesses[row] and (more | back).any() and plausible(sure - first):
            new.append(_rounded(one, sure, since))
    return tuple(new)


def sured(now: F64, old: F64, begun: F64, covariance: F64, least: F64) -> F64:
    """Return what to apply, (4,), if `now` is believed with its covariance, `old` is applied, and `begun` was at first.

    least: (4,) what must be gone beyond too, to be applied at all.
    What is not surely another than at first stays as it was then: most sensors have a bias of some kind and none of
    others. A clock is known as far as latencies of aircraft are, and who believes in a third of a second for each moves
    a radar's tracks by nothing that was measured. The others are what they are if those that stay are right.
    """
    applied, off = np.abs(old - begun) > FINEST, np.abs(now - begun)
    held = off <= np.where(applied, STAYS, SURE) * np.sqrt(np.diag(covariance))
    moved = ~(held | (~applied & (off <= least)))
    after = np.where(moved, now, begun)
    if held.any() and moved.any():
        gain = np.linalg.solve(covariance[np.ix_(held, held)], covariance[np.ix_(held, moved)]).T
        after[moved] += gain @ (begun - now)[held]
    return after


def _spread(register: Register, settings: BiasSettings) -> F64:
    """Return the covariance of sensors' biases; without a reference, of clocks less the mean of theirs."""
    count, (group, tied) = len(register.position), joined(register)
    M = np.eye(OWN * count)
    clocks = OWN * np.arange(count) + CLOCK
    for one in np.unique(group[~tied]).tolist():
        mine = clocks[group == one]
        if len(mine) > 1:
            M[np.ix_(mine, mine)] -= 1.0 / len(mine)
    P = believed(register, settings).covariance[: OWN * count, : OWN * count]
    return np.asarray(M @ P @ M.T)


def matters(register: Register, row: int) -> F64:
    """Return (4,) the least biases of a sensor that matter, m, rad, rad, s: a clock's by how fast its targets fly.

    Forty multirotors of 10 m/s, some metres apart, were taken for clocks 0.6 s apart: by 3 m, of which their manoeuvres
    and whose plot is whose are worth as much. By the root mean square speed, less what of it is noise.
    """
    paths = register.paths
    noise = np.trace(paths.covariance[:, 3:, 3:], axis1=1, axis2=2)
    some = (paths.label >= 0) & (paths.last[:, row] > register.time - UNITED) & (noise < 3.0 * ROUGH_M_S**2)
    if not some.any():
        return np.zeros(4)
    square = float(np.mean((paths.mean[some, 3:] ** 2).sum(1) - noise[some]))
    return np.array([0.0, 0.0, 0.0, MOVES_M / np.sqrt(max(square, 1.0))])


def plausible(more: F64) -> bool:
    """Return whether a bias may be so much more than the configured one, (4,) m, rad, rad, s."""
    return bool(np.isfinite(more).all() and (np.abs(more) <= FARTHEST).all())


def witnessed(register: Register) -> "list[bool]":
    """Return of each sensor whether it has enough targets in common with others, so that none of them decides alone."""
    lately = (register.paths.last > register.time - UNITED) & (register.paths.label >= 0)[:, None]
    shared = lately[:, :-1] & (lately.sum(1) > 1)[:, None]
    enough: list[bool] = (shared.sum(0) >= WITNESSES).tolist()
    return enough


def standing(
    register: Register, names: Sequence[str], settings: BiasSettings, strays: Sequence[Stray] = ()
) -> tuple[Standing, ...]:
    """Return how well each sensor of a group is known, and what is wrong with it that is no bias."""
    rows, astray = [], {one.sensor: one.fault for one in strays}
    for one, first in zip(known(register, names, settings), register.first[:, :APPLIED], strict=True):
        a, b, c, d = (_digits(value) for value in one.sigma.tolist())
        fault = astray.get(one.sensor) or one.fault or ("" if plausible(one.bias - first) else IMPLAUSIBLE)
        rows.append(Standing(one.sensor, (a, b, c, d), one.relative, fault))
    return tuple(rows)


def _rounded(one: Registration, taken: F64, since: int) -> Registration:
    a, b, c, d = _grid(taken)
    spread = tuple(_digits(value) for value in one.covariance)
    return Registration(one.sensor, one.version, since, a, b, c, d, spread)


def _grid(taken: F64) -> tuple[float, ...]:
    return tuple(round(round(value / step) * step, 9) for value, step in zip(taken.tolist(), FINEST, strict=True))


def _bias(one: Registration | None) -> tuple[float, ...]:
    return (0.0, 0.0, 0.0, 0.0) if one is None else (one.range_m, one.azimuth, one.elevation, one.time_s)


def bias(one: Registration | None) -> F64:
    """Return (4,) m, rad, rad, s: what a version takes off; None takes off nothing."""
    return np.array(_bias(one))


def _digits(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
