"""How well a grid of microphone arrays knows where a target is, 30 s after it was first heard, without any radar.

    python bench/sound_grid.py [runs] [first seed]

Arrays stand every 3 km, moved by 15 %, and hear one second in five not. Azimuths are off by 4 degrees and elevations by
6 (1 sigma). The wind is 0 to 10 m/s in the target's height and less below it (power law, 0.15), the speed of sound
is 5 m/s more or less than the filter is told, and targets turn 0.3 times a minute, by 15 to 90 degrees at 0.05 rad/s:
the filter knows nothing of it. It knows that somebody may be there, not where. `tone`: each sound has its fundamental
too, 80 to 200 Hz at the target, moved by Doppler, 0.3 % (1 sigma). `instant`: the same with sound that takes no time.
Errors are level, of the present place; ellipses those of 95 %.
"""

import sys
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from skywarden import geo
from skywarden.model.detection import Kind, detections
from skywarden.model.place import F64, Place
from skywarden.track import Air, Filter, FilterSettings, Sensor, evenly
from skywarden.track.mixture import moments

SITE = geo.place(np.radians(29.5), np.radians(-45.75), 50.0)
START, SECOND = 1_900_000_000_000_000_000, 1_000_000_000
SPACING, HALF, MOVED = 3e3, 9e3, 0.15  # m, m, of the spacing
SIGMA = np.radians([4.0, 6.0])
TONES, TONE_SIGMA = (80.0, 200.0), 0.003  # Hz; 1 sigma, of the tone
CLUTTER = 1e-3  # false alarms a look and 10 rad, of azimuth and of elevation: none come, some are reckoned with
HEARD, SECONDS, BEFORE, STEP = 0.8, 30, 40.0, 0.05  # probability; s
SPEED, OFF, WIND, SHEAR = 340.0, 5.0, 10.0, 0.15  # m/s, m/s, m/s
TURNS, RATE, ANGLES = 0.3 / 60.0, 0.05, np.radians([15.0, 90.0])  # 1/s, rad/s, rad
INSTANT = 1e7  # m/s


class Flight(NamedTuple):
    """What flies, and from how far it is heard: m/s, m, m."""

    speed: float
    height: float
    reach: float


class Sound(NamedTuple):
    """One sound: s, number of the array, azimuth, elevation and tone, rad and Hz."""

    time: float
    array: int
    z: F64


class Run(NamedTuple):
    """arrays; sounds in the order of time; place (2,), m east and north, at the end."""

    arrays: list[Place]
    sounds: list[Sound]
    place: F64


FLIGHTS = {"50 m/s": Flight(50.0, 300.0, 4e3), "140 m/s": Flight(140.0, 800.0, 5e3)}
SETTINGS = FilterSettings(
    birth_level_speed_m_s=60.0,
    birth_vertical_speed_m_s=5.0,
    height_m=1000.0,
    height_sigma_m=1000.0,
    ceiling_m=3000.0,
)


def path(rng: np.random.Generator, flight: Flight) -> tuple[F64, F64]:
    """Return times (n,), s, and places (n, 3), east, north, up, to the end, which is near the middle."""
    times = np.arange(-BEFORE, SECONDS + STEP / 2, STEP)
    heading = np.full(len(times), rng.uniform(0.0, 2.0 * np.pi))
    at = -BEFORE + rng.exponential(1.0 / TURNS)
    while at < SECONDS:
        heading += rng.choice([-1.0, 1.0]) * np.clip((times - at) * RATE, 0.0, rng.uniform(*ANGLES))
        at += rng.exponential(1.0 / TURNS)
    steps = flight.speed * STEP * np.stack([np.sin(heading), np.cos(heading), 0.0 * heading], 1)
    places = np.cumsum(steps, 0)
    return times, places - places[-1] + [*rng.uniform(-0.5 * SPACING, 0.5 * SPACING, 2), flight.height]


def made(rng: np.random.Generator, flight: Flight) -> Run:
    """Return one run."""
    times, places = path(rng, flight)
    grid = np.arange(-HALF, HALF + 1.0, SPACING)
    spots = np.stack([*(each.ravel() for each in np.meshgrid(grid, grid)), np.full(len(grid) ** 2, 2.0)], 1)
    spots[:, :2] += rng.normal(0.0, MOVED * SPACING, (len(spots), 2))
    blows = rng.uniform(0.0, WIND) / (1.0 + SHEAR)  # on average over the way
    angle = rng.uniform(0.0, 2.0 * np.pi)
    wind = blows * np.array([np.sin(angle), np.cos(angle), 0.0])
    c = SPEED + rng.choice([-OFF, OFF])
    whistle = rng.spawn(1)[0]  # so that bearings are those of runs without tones
    f0, aloft = whistle.uniform(*TONES), wind * (1.0 + SHEAR)
    speeds = np.gradient(places, times, axis=0)
    sounds = []
    for k, spot in enumerate(spots):
        d = places - spot
        along, rest = d @ wind, c * c - wind @ wind
        delays = (along + np.sqrt(along * along + rest * (d * d).sum(1))) / rest
        for t in rng.uniform() + np.arange(SECONDS):
            left = np.interp(t, times + delays, times)
            e = np.array([np.interp(left, times, places[:, a]) for a in range(3)]) + (t - left) * wind - spot
            away = np.linalg.norm(e)
            if away < flight.reach and rng.random() < HEARD:
                z = np.array([np.arctan2(e[0], e[1]), np.arcsin(e[2] / away)]) + rng.normal(0.0, SIGMA)
                v = np.array([np.interp(left, times, speeds[:, a]) for a in range(3)])
                tone = f0 / (1.0 + e @ v / (away * c - e @ aloft)) * (1.0 + whistle.normal(0.0, TONE_SIGMA))
                sounds.append(Sound(t, k, np.append(z, tone)))
    ecef = SITE.position + spots @ SITE.rotation
    arrays = [geo.place(*geo.geodetic(each)) for each in ecef]
    return Run(arrays, sorted(sounds, key=lambda sound: sound.time), places[-1, :2])


WAYS = (  # name, speed of sound as the filter has it, whether it is told tones
    ("", SPEED, False),
    (" tone", SPEED, True),
    (" instant", INSTANT, False),
    (" tone instant", INSTANT, True),
)


class Outcome(NamedTuple):
    """off: m, level; chi2: of it, by what the filter says; count: of targets that are shown."""

    off: float
    chi2: float
    count: int


def followed(run: Run, flight: Flight, speed: float, toned: bool) -> Outcome:
    """Follow a run; return how well the likeliest target is known at its end. speed: of sound, as the filter has it."""
    far = 1.2 * flight.reach
    ears = Sensor(
        Kind.SOUND,
        HEARD,
        CLUTTER,
        reach_m=far,
        whole=False,
        missable=True,
        revisit_s=1.0,
        air=Air(speed=speed),
        begins_m=far,
    )
    tracker = Filter(SETTINGS, evenly(SITE, 30e3, 5.0, 1.0))
    for sound in run.sounds:
        time, place = START + round(sound.time * SECOND), run.arrays[sound.array]
        z = np.array([[*sound.z[:2], sound.z[2] if toned else np.nan]])
        R = np.diag([*SIGMA**2, (TONE_SIGMA * sound.z[2]) ** 2])[None]
        batch = detections(Kind.SOUND, f"array {sound.array}", time, np.array([time]), z, R, place=place, revisit=1.0)
        tracker.look(batch, ears, time)
    found = tracker.targets(0.5)
    if not len(found.label):
        return Outcome(np.nan, np.nan, 0)
    likeliest = int(found.label[np.argmax(found.existence)])
    mean, covariance = moments(tracker.mixture(likeliest, START + SECONDS * SECOND))
    turn = SITE.rotation[:2]
    d = turn @ (mean[:3] - SITE.position) - run.place
    off = d @ np.linalg.solve(turn @ covariance[:3, :3] @ turn.T, d)
    return Outcome(float(np.hypot(*d)), float(off), len(found.label))


def row(name: str, found: list[Outcome]) -> str:
    """Return a line of the table."""
    off, chi, count = (np.array(column) for column in zip(*found, strict=True))
    there = count > 0
    inside = np.mean(chi[there] < chi2.ppf(0.95, 2))
    middle, most = np.quantile(off[there], [0.5, 0.9])
    return (
        f"{name:21} found {there.mean():6.1%}  just one {np.mean(count == 1):6.1%}  median {middle:5.0f} m  "
        f"nine of ten {most:5.0f} m  inside {inside:6.1%}"
    )


def main() -> None:
    words = [*sys.argv[1:], *["200", "1"][len(sys.argv) - 1 :]]
    count, seed = int(words[0]), int(words[1])
    for name, flight in FLIGHTS.items():
        runs = [made(np.random.default_rng([seed, k]), flight) for k in range(count)]
        for way, speed, toned in WAYS:
            print(row(name + way, [followed(run, flight, speed, toned) for run in runs]), flush=True)


if __name__ == "__main__":
    main()
