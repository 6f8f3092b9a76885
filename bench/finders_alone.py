"""What direction finders show by themselves, in the running line, of one UAV: is it one track, and where.

    python bench/finders_alone.py [runs] [first seed]

Finders of 1 deg that say a bearing a second, in JSON as they would send it, begin targets up to 25 km away. After ten
seconds, and until a minute is over: the share of seconds with just one track; how far the nearest track is from the
UAV on the level, median and nine of ten; the share that says `point`.
"""

import sys
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from skywarden import geo
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.place import F64
from skywarden.model.track import Mode, TrackKind
from skywarden.pipeline import Line

START, SECOND = 1_900_000_000_000_000_000, 1_000_000_000
PLACE = geo.place(np.radians(36.3), np.radians(-33.1), 0.0)
SIGMA, HEIGHT, REACH = 1.0, 300.0, 25_000.0  # deg, m, m
TICK, LATE, QUIET, LAST = 0.1, 0.05, 10.0, 60.0  # s
PAIR = ((0.0, 4e3), (3e3, -4e3))


class Case(NamedTuple):
    """name; finders: m east and north; start, m; speed, m/s; elevation: whether they measure it."""

    name: str
    finders: tuple[tuple[float, float], ...]
    start: tuple[float, float]
    speed: tuple[float, float]
    elevation: bool = False


CASES = (
    Case("8.5 km apart, 3 km away", PAIR, (3300.0, 0.0), (-50.0, 0.0)),
    Case("8.5 km apart, 3 km away, with elevation", PAIR, (3300.0, 0.0), (-50.0, 0.0), True),
    Case("8.5 km apart, 9 km away", PAIR, (9000.0, 0.0), (-50.0, 0.0)),
    Case("8.5 km apart, 15 km away", PAIR, (15e3, 5e3), (-50.0, 0.0)),
    Case("8.5 km apart, along the line through both", PAIR, (-2e3, 9.3e3), (18.0, -47.0)),
    Case("8.5 km apart, a slow one between", PAIR, (2e3, 1e3), (8.0, 5.0)),
    Case("4 km apart", ((0.0, 2e3), (0.0, -2e3)), (3300.0, 500.0), (-50.0, 0.0)),
    Case("16 km apart", ((0.0, 8e3), (0.0, -8e3)), (3300.0, 500.0), (-50.0, 0.0)),
    Case("three", (*PAIR, (-4e3, -1e3)), (3300.0, 0.0), (-50.0, 0.0)),
)


def configuration(case: Case) -> str:
    """Return a configuration in which the finders begin targets."""
    head = '[run]\nmode = "sim"\n[[sources]]\nname = "df"\nformat = "reports"\nlisten = "udp://127.0.0.1:9000"\n'
    blocks = [
        f'[[sensors]]\nname = "df{k}"\nsource = "df"\nlatitude = {np.degrees(latitude)}\nlongitude = '
        f"{np.degrees(longitude)}\nheight_m = 10\nbegins_m = {REACH}\nrevisit_s = 1\n"
        for k, (latitude, longitude, _) in enumerate(geo.geodetic(at(*finder, 10.0)) for finder in case.finders)
    ]
    return head + "".join(blocks)


def at(east: float, north: float, up: float) -> F64:
    """Return (3,) ECEF m."""
    return PLACE.position + np.array([east, north, up]) @ PLACE.rotation


def said(case: Case, k: int, number: int, t: float, rng: np.random.Generator) -> Frame:
    """Return what finder k sends of a time, s."""
    east, north = np.array(case.start) + t * np.array(case.speed) - case.finders[k]
    bearing = np.degrees(np.arctan2(east, north)) + rng.normal() * SIGMA
    steep = np.degrees(np.arctan2(HEIGHT - 10.0, np.hypot(east, north))) + rng.normal() * SIGMA
    message = {
        "type": "direction_finder",
        "sensor": f"df{k}",
        "number": number,
        "time": datetime.fromtimestamp(START / SECOND + t, UTC).isoformat(),
        "azimuth_deg": float(bearing % 360.0),
        "sigma_deg": SIGMA,
    }
    if case.elevation:
        message["elevation_deg"] = float(steep)
    return Frame.of("df", START + round((t + LATE) * SECOND), msgspec.json.encode(message) + b"\n")


class Second(NamedTuple):
    """Whether there is just one track; m from the UAV to the nearest one; whether that one says `point`."""

    one: bool
    off: float
    point: bool


def run(case: Case, seed: int) -> list[Second]:
    """Return what is shown in each second from QUIET on."""
    rng, line, sequence, found = np.random.default_rng(seed), Line(), 2, list[Second]()
    line.feed(1, Started(START, Mode.SIM, configuration(case), ""))
    looks = sorted((t + 0.1 + 0.4 * k, k) for t in range(int(LAST)) for k in range(len(case.finders)))
    for before, now in pairwise(np.arange(0.0, LAST + 0.5 * TICK, TICK).tolist()):
        for number, (t, k) in enumerate(looks):
            if before <= t + LATE < now:
                line.feed(sequence, Arrived(said(case, k, number, t, rng)))
                sequence += 1
        line.feed(sequence, Tick(START + round(now * SECOND)))
        sequence += 1
        if now > QUIET and abs(now - round(now)) < 0.5 * TICK:
            found.append(shown(line, case, now))
    return found


def shown(line: Line, case: Case, now: float) -> Second:
    """Return what is shown at a time, s."""
    tracks = line.picture.tracks.take(line.picture.tracks.shown())
    east, north = np.array(case.start) + now * np.array(case.speed)
    d = (tracks.mean[:, :3] - at(east, north, HEIGHT)) @ PLACE.rotation.T
    away = np.hypot(d[:, 0], d[:, 1])
    point = len(tracks) > 0 and tracks.kind[np.argmin(away)] == TrackKind.POINT
    return Second(len(tracks) == 1, float(away.min(initial=np.inf)), bool(point))


def main() -> None:
    words = [*sys.argv[1:], *["10", "1"][len(sys.argv) - 1 :]]
    runs, seed = int(words[0]), int(words[1])
    for case in CASES:
        found = [second for k in range(runs) for second in run(case, seed + k)]
        one, off, point = (np.array(column) for column in zip(*found, strict=True))
        middle, most = np.quantile(off, [0.5, 0.9])
        print(
            f"{case.name:42} just one {one.mean():6.1%}  median {middle:6.0f} m  nine of ten {most:6.0f} m  "
            f"point {point.mean():6.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
