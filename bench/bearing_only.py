"""What bearings alone tell of where a target is: wedges of one place; two direction finders and an observer.

    python bench/bearing_only.py [runs] [first seed]

*Wedges*: one direction finder, targets anywhere within its 20 km, spread evenly over ground and heights, that move as
the filter believes. The regions of highest density of what the filter says, on the level, should hold 50, 80 and 95 %
of the targets: after the first bearing, and after 5, 10 and 20, one every 2 s.

*Three places*: two direction finders 12 km apart (2 degrees, every 2 s) and an observer with a telephone (10 degrees,
every 10 s) look for a UAV of 50 m/s that turns 0.3 times a minute by 15 to 90 degrees. Errors are level.
"""

import sys
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from skywarden import geo
from skywarden.model.detection import Kind, detections
from skywarden.model.place import F64, Place
from skywarden.track import Filter, FilterSettings, Mixture, Sensor, evenly
from skywarden.track.mixture import moments
from skywarden.track.ranges import NEAREST

SITE = geo.place(np.radians(29.5), np.radians(-45.75), 50.0)
START, SECOND = 1_900_000_000_000_000_000, 1_000_000_000
REACH, CEILING, SPEED, CLIMB = 20e3, 3e3, 40.0, 3.0  # m, m, m/s, m/s
REGIONS, SAMPLES = (0.5, 0.8, 0.95), 4000
SEEN, AFTER = 0.9, (1, 5, 10, 20)  # probability; bearings
SETTINGS = FilterSettings(height_m=1500.0, height_sigma_m=900.0, ceiling_m=CEILING)


class Eye(NamedTuple):
    """Who sees: where (2,), m east and north of SITE; sigma, rad; elevation too; every so many s."""

    name: str
    at: tuple[float, float]
    sigma: float
    elevation: bool
    every: float

    @property
    def place(self) -> Place:
        """Where it stands."""
        spot = SITE.position + np.array([*self.at, 0.0]) @ SITE.rotation
        return geo.place(*geo.geodetic(spot))


def sensor(eye: Eye) -> Sensor:
    """Return what the filter is told of an eye: a direction finder looks everywhere, an observer somewhere."""
    whole = not eye.elevation
    return Sensor(Kind.DIRECTION, SEEN, 1e-3, whole=whole, revisit_s=eye.every, reach_m=REACH, begins_m=REACH)


def seen(tracker: Filter, eye: Eye, state: F64, time: float, rng: np.random.Generator) -> None:
    """Let an eye look at a target. state (6,): east, north, up of SITE, m and m/s."""
    place, when = eye.place, START + round(time * SECOND)
    e = place.rotation @ (SITE.position + state[:3] @ SITE.rotation - place.position)
    z = np.array([np.arctan2(e[0], e[1]), np.arcsin(e[2] / np.linalg.norm(e))]) + rng.normal(0.0, eye.sigma, 2)
    if not eye.elevation:
        z[1] = np.nan
    n = int(rng.random() < SEEN)
    z, R, times = z[None][:n], np.tile(np.eye(2) * eye.sigma**2, (n, 1, 1)), np.full(n, when)
    batch = detections(Kind.DIRECTION, eye.name, when, times, z, R, place=place, revisit=eye.every)
    tracker.look(batch, sensor(eye), when)


def anywhere(rng: np.random.Generator) -> F64:
    """Return a state (6,) within reach."""
    away, angle = np.sqrt(rng.uniform(NEAREST**2, REACH**2)), rng.uniform(0.0, 2.0 * np.pi)
    speed = rng.normal(size=3) * [SPEED, SPEED, CLIMB]
    return np.array([away * np.sin(angle), away * np.cos(angle), rng.uniform(100.0, CEILING), *speed])


def moved(state: F64, seconds: float, noise: float, rng: np.random.Generator) -> F64:
    """Return a state some seconds later. noise: m^2/s^3, level."""
    q, s = np.array([noise, noise, SETTINGS.vertical_noise_m2_s3]), seconds
    one, two = rng.normal(size=(2, 3))
    speed = state[3:] + np.sqrt(q * s) * one
    place = state[:3] + s * state[3:] + np.sqrt(q * s**3 / 3.0) * (0.5 * np.sqrt(3.0) * one + 0.5 * two)
    return np.concatenate([place, speed])


def depth(of: Mixture, state: F64, rng: np.random.Generator) -> float:
    """Return the share of a mixture that lies where it is denser than at a target, on the level."""
    turn = SITE.rotation[:2]
    mean = (of.mean[:, :3] - SITE.position) @ turn.T
    P = np.einsum("ai,kij,bj->kab", turn, of.covariance[:, :3, :3], turn)
    root, inverse = np.linalg.cholesky(P), np.linalg.inv(P)
    norm = of.weight / np.sqrt(np.linalg.det(P))
    which = rng.choice(len(of.weight), SAMPLES, p=of.weight)
    points = mean[which] + np.einsum("nab,nb->na", root[which], rng.normal(size=(SAMPLES, 2)))
    points = np.vstack([points, state[:2]])
    d = points[:, None] - mean
    density = np.exp(-0.5 * np.einsum("nka,kab,nkb->nk", d, inverse, d)) @ norm
    return float(np.mean(density[:-1] > density[-1]))


def wedges(runs: int, seed: int, elevation: bool) -> None:
    """Print how many targets are in the regions of one direction finder."""
    inside: dict[int, list[float]] = {n: [] for n in AFTER}
    eye = Eye("finder", (0.0, 0.0), np.radians(2.0), elevation, 2.0)
    for k in range(runs):
        rng = np.random.default_rng([seed, k])
        state, tracker = anywhere(rng), Filter(SETTINGS, evenly(SITE, 2.0 * REACH, 5.0, 1.0))
        for n in range(1, AFTER[-1] + 1):
            seen(tracker, eye, state, 2.0 * n, rng)
            found = tracker.targets(0.01)
            if n in AFTER and len(found.label):
                label = int(found.label[np.argmax(found.existence)])
                inside[n].append(depth(tracker.mixture(label, START + 2 * n * SECOND), state, rng))
            state = moved(state, 2.0, SETTINGS.calm_noise_m2_s3, rng)
    for n, depths in inside.items():
        shares = "  ".join(f"{region:.0%}: {np.mean(np.array(depths) < region):6.1%}" for region in REGIONS)
        print(f"wedge, {'azimuth and elevation' if elevation else 'azimuth':22} bearings {n:3}  {shares}", flush=True)


def three(runs: int, seed: int) -> None:
    """Print how well two direction finders and an observer know where a UAV is."""
    eyes = [
        Eye("north", (-6e3, 4e3), np.radians(2.0), False, 2.0),
        Eye("east", (6e3, 4e3), np.radians(2.0), False, 2.0),
        Eye("observer", (0.0, -3e3), np.radians(10.0), True, 10.0),
    ]
    off, chi, one, point = [], [], [], []
    for k in range(runs):
        rng = np.random.default_rng([seed, 1, k])
        heading, turning = rng.uniform(0.0, 2.0 * np.pi), 0.0
        state = np.array([*rng.uniform(-8e3, 8e3, 2), rng.uniform(100.0, 1500.0), 0.0, 0.0, 0.0])
        tracker, became = Filter(SETTINGS, evenly(SITE, 2.0 * REACH, 5.0, 1.0)), np.nan
        for t in range(60):
            if rng.random() < 0.3 / 60.0:
                turning = rng.choice([-1.0, 1.0]) * rng.uniform(*np.radians([15.0, 90.0]))
            step = np.clip(turning, -0.05, 0.05)
            heading, turning = heading + step, turning - step
            state[3:5] = 50.0 * np.sin(heading), 50.0 * np.cos(heading)
            state[:3] += state[3:]
            for j, eye in enumerate(eyes):
                if (t + j) % eye.every == 0:
                    seen(tracker, eye, state, float(t + 1), rng)
            found = tracker.targets()
            if np.isnan(became) and len(found.label) and not found.wedge.any():
                became = t + 1.0
        found = tracker.targets(0.5)
        one.append(len(found.label) == 1)
        point.append(became)
        if len(found.label):
            label = int(found.label[np.argmax(found.existence)])
            mean, covariance = moments(tracker.mixture(label, START + 60 * SECOND))
            turn = SITE.rotation[:2]
            d = turn @ (mean[:3] - SITE.position) - state[:2]
            off.append(np.hypot(*d))
            chi.append(d @ np.linalg.solve(turn @ covariance[:3, :3] @ turn.T, d))
    middle, most = np.quantile(off, [0.5, 0.9])
    print(
        f"two direction finders and an observer: found {len(off) / runs:.1%}, just one {np.mean(one):.1%}, "
        f"a point after {np.nanmedian(point):.0f} s, median {middle:.0f} m, nine of ten {most:.0f} m, inside 95 % "
        f"{np.mean(np.array(chi) < chi2.ppf(0.95, 2)):.1%}, NEES a dimension {np.mean(chi) / 2.0:.2f}",
        flush=True,
    )


def main() -> None:
    words = [*sys.argv[1:], *["600", "1"][len(sys.argv) - 1 :]]
    runs, seed = int(words[0]), int(words[1])
    for elevation in (False, True):
        wedges(runs, seed, elevation)
    three(runs // 3, seed)


if __name__ == "__main__":
    main()
