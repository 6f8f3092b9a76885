"""Two radars that see the same aircraft, and the library's filter on their plots with and without registration."""

import numpy as np
from registration_world import MIDDLE, REACH, SECOND, START, Radar, between, looks, sky

from skywarden.model.detection import Detections, Kind, detections
from skywarden.model.place import Registration
from skywarden.track import Filter, FilterSettings, Sensor, evenly
from skywarden.track.biases import BiasSettings
from skywarden.track.corrections import changed
from skywarden.track.measured import Measured
from skywarden.track.register import begun, step
from skywarden.track.registration import correct

DEGREE = np.radians(1.0)
LEARNT, JUDGED, SETTLED = 300.0, 240.0, 60.0  # s: learning; judged after it; of which not counted
NAMES = ("west", "east")
NEAR = 3000.0  # m; a track further from all aircraft is nobody's
RUNS = 10  # times less than those of the other parts: the filter takes longer


def radars(sigma: float) -> list[Radar]:
    """Return two radars whose biases are opposite. sigma: of azimuth, deg."""
    errors = (50.0, sigma * DEGREE, 0.5 * DEGREE)
    west = Radar(-15e3, 0.0, errors, (150.0, 0.5 * DEGREE, 0.0, 0.2), turning=False)
    return [west, Radar(15e3, 5e3, errors, (-150.0, -0.5 * DEGREE, 0.0, -0.2), turning=False)]


def learnt(both: list[Radar], seen: Measured) -> list[Registration]:
    """Return what is applied after five minutes without any reference."""
    settings, applied = BiasSettings(), {}
    register = begun([one.place() for one in both], settings, START)
    while register.time < START + LEARNT * SECOND:
        until = register.time + 10 * SECOND
        register = step(register, between(seen, register.time, until), until, settings)
        for new in changed(tuple(applied.values()), register, NAMES, settings):
            applied[new.sensor] = new
    return list(applied.values())


def scans(both: list[Radar], seen: Measured, applied: list[Registration]) -> list[Detections]:
    """Return the looks of both radars after that, corrected, in the order of their times."""
    found = []
    for row, radar in enumerate(both):
        mine = (seen.sensor == row) & (seen.time >= START + LEARNT * SECOND)
        for time in np.unique(seen.time[mine]).tolist():
            rows = mine & (seen.time == time)
            z = np.column_stack([seen.z[rows], np.full(rows.sum(), np.nan)])
            covariance = np.tile(np.eye(4), (rows.sum(), 1, 1))
            covariance[:, :3, :3] = seen.covariance[rows]
            times = np.full(rows.sum(), time)
            batch = detections(
                Kind.POLAR, NAMES[row], time, times, z, covariance, place=radar.place(), revisit=radar.revisit
            )
            found.append(correct(batch, applied))
    return sorted(found, key=lambda batch: int(batch.time[0]))


def counted(batches: list[Detections], truth: np.ndarray, times: np.ndarray) -> tuple[float, float]:
    """Return tracks per aircraft in the mean of the judged time, and m from each aircraft to its nearest track, RMS.

    truth (k, n, 3): ECEF m at times (k,), ns.
    """
    volume = 60e3 * 2.0 * np.pi * 1.0
    sensor = Sensor(Kind.POLAR, detection=0.9, clutter=0.1, volume=volume, reach_m=2 * REACH, revisit_s=4.0)
    tracker = Filter(FilterSettings(), evenly(MIDDLE, 2 * REACH, number=truth.shape[1], per_minute=0.5))
    number, off = [], []
    for batch in batches:
        time = int(batch.time[0])
        tracker.look(batch, sensor, time)
        k = int(np.argmin(np.abs(times - time)))
        if time < START + (LEARNT + SETTLED) * SECOND or abs(times[k] - time) > SECOND:
            continue
        found = tracker.targets()
        ahead = (times[k] - found.time)[:, None] * 1e-9
        apart = np.linalg.norm((found.mean[:, :3] + ahead * found.mean[:, 3:])[:, None] - truth[k], axis=2)
        number.append((apart.min(1, initial=np.inf) < NEAR).sum() / truth.shape[1])
        off.append(np.minimum(apart.min(0, initial=NEAR), NEAR) ** 2)
    return float(np.mean(number)), float(np.sqrt(np.mean(off)))


def split(runs: int, seed: int) -> None:
    """Print how many tracks each aircraft has, raw and registered."""
    print("two radars of opposite biases, 12 x 150 m/s, no reference: tracks per aircraft, m off, raw and registered")
    seconds = LEARNT + JUDGED
    for number, sigma in enumerate((0.3, 0.1)):
        rows = []
        for k in range(max(1, runs // RUNS)):
            rng = np.random.default_rng([seed, 6, number, k])
            both, flown = radars(sigma), sky(rng, 12, 150.0, seconds + 2.0)
            seen = looks(rng, flown, both, seconds)
            truth, times = flown.position[::2], START + np.arange(len(flown.position[::2])) * SECOND
            applied = learnt(both, seen)
            rows.append([counted(scans(both, seen, one), truth, times) for one in ([], applied)])
        mean, most = np.mean(rows, 0), np.max(rows, 0)
        print(
            f"azimuth {sigma} deg, {len(rows)} runs: {mean[0, 0]:.2f} and {mean[1, 0]:.2f} tracks "
            f"(most in a run {most[0, 0]:.2f}, {most[1, 0]:.2f}), {mean[0, 1]:.0f} and {mean[1, 1]:.0f} m off",
            flush=True,
        )
