"""What direction finders show by themselves, in the running line: as many tracks as there are UAVs, and where.

    python bench/finders_alone.py [runs] [first seed]

Finders of 1 deg that say a bearing of each UAV a second, in JSON as they would send it, begin targets up to 25 km away.
After ten seconds, and until a minute is over: the share of seconds with as many tracks as UAVs; of UAVs' seconds that
have a track within 1 km on the level; how far that is, median and nine of ten; how many tracks in the mean say `point`
and are over 1 km from all UAVs.
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
SIGMA, HEIGHT, REACH, NEAR = 1.0, 300.0, 25_000.0, 1000.0  # deg, m
TICK, LATE, QUIET, LAST = 0.1, 0.05, 10.0, 60.0  # s
PAIR = ((0.0, 4e3), (3e3, -4e3))


class Case(NamedTuple):
    """name; finders: m east and north; uavs: each (2, 2), m and m/s east and north; whether they measure elevation."""

    name: str
    finders: tuple[tuple[float, float], ...]
    uavs: tuple[tuple[tuple[float, float], tuple[float, float]], ...]
    elevation: bool = False


ONE, WEST = ((3300.0, 0.0), (-50.0, 0.0)), (-50.0, 0.0)
CASES = (
    Case("8.5 km apart, 3 km away", PAIR, (ONE,)),
    Case("8.5 km apart, 3 km away, with elevation", PAIR, (ONE,), True),
    Case("8.5 km apart, 9 km away", PAIR, (((9000.0, 0.0), WEST),)),
    Case("8.5 km apart, 15 km away", PAIR, (((15e3, 5e3), WEST),)),
    Case("8.5 km apart, along the line through both", PAIR, (((-2e3, 9.3e3), (18.0, -47.0)),)),
    Case("8.5 km apart, a slow one between", PAIR, (((2e3, 1e3), (8.0, 5.0)),)),
    Case("4 km apart", ((0.0, 2e3), (0.0, -2e3)), (((3300.0, 500.0), WEST),)),
    Case("16 km apart", ((0.0, 8e3), (0.0, -8e3)), (((3300.0, 500.0), WEST),)),
    Case("three", (*PAIR, (-4e3, -1e3)), (ONE,)),
    Case("8.5 km apart, two UAVs 12 and 15 km away", PAIR, (((9e3, -7e3), WEST), ((4e3, 14e3), (0.0, -50.0)))),
    Case("8.5 km apart, two 3 and 6 km away", PAIR, (ONE, ((6000.0, 2500.0), WEST))),
    Case("three, two 3 and 6 km away", (*PAIR, (-4e3, -1e3)), (ONE, ((6000.0, 2500.0), WEST))),
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


def said(case: Case, k: int, number: int, t: float, rng: np.random.Generator) -> list[Frame]:
    """Return what finder k sends of a time, s: a datagram for each UAV."""
    frames = []
    for u, (east, north) in enumerate(places(case, t) - case.finders[k]):
        message = {
            "type": "direction_finder",
            "sensor": f"df{k}",
            "number": number * len(case.uavs) + u,
            "time": datetime.fromtimestamp(START / SECOND + t, UTC).isoformat(),
            "azimuth_deg": float((np.degrees(np.arctan2(east, north)) + rng.normal() * SIGMA) % 360.0),
            "sigma_deg": SIGMA,
        }
        if case.elevation:
            steep = np.arctan2(HEIGHT - 10.0, np.hypot(east, north))
            message["elevation_deg"] = float(np.degrees(steep) + rng.normal() * SIGMA)
        frames.append(Frame.of("df", START + round((t + LATE) * SECOND), msgspec.json.encode(message)))
    return frames


def places(case: Case, t: float) -> F64:
    """Return (n, 2) m east and north of the UAVs."""
    uavs = np.array(case.uavs)
    return np.asarray(uavs[:, 0] + t * uavs[:, 1])


class Second(NamedTuple):
    """As many tracks as UAVs; m from each UAV to the nearest track; points that are far from all of them."""

    right: bool
    off: list[float]
    stray: int


def run(case: Case, seed: int) -> list[Second]:
    """Return what is shown in each second from QUIET on."""
    rng, line, sequence, found = np.random.default_rng(seed), Line(), 2, list[Second]()
    line.feed(1, Started(START, Mode.SIM, configuration(case), ""))
    looks = sorted((t + 0.1 + 0.4 * k, k) for t in range(int(LAST)) for k in range(len(case.finders)))
    for before, now in pairwise(np.arange(0.0, LAST + 0.5 * TICK, TICK).tolist()):
        for number, (t, k) in enumerate(looks):
            for frame in said(case, k, number, t, rng) if before <= t + LATE < now else ():
                line.feed(sequence, Arrived(frame))
                sequence += 1
        line.feed(sequence, Tick(START + round(now * SECOND)))
        sequence += 1
        if now > QUIET and abs(now - round(now)) < 0.5 * TICK:
            found.append(shown(line, case, now))
    return found


def shown(line: Line, case: Case, now: float) -> Second:
    """Return what is shown at a time, s."""
    tracks = line.picture.tracks.take(line.picture.tracks.shown())
    level = ((tracks.mean[:, :3] - PLACE.position) @ PLACE.rotation.T)[:, :2]
    away = np.linalg.norm(level[:, None] - places(case, now), axis=2)
    stray = (away.min(axis=1) > NEAR) & (tracks.kind == TrackKind.POINT)
    return Second(len(tracks) == len(case.uavs), away.min(axis=0, initial=np.inf).tolist(), int(stray.sum()))


def main() -> None:
    words = [*sys.argv[1:], *["10", "1"][len(sys.argv) - 1 :]]
    runs, seed = int(words[0]), int(words[1])
    for case in CASES:
        found = [second for k in range(runs) for second in run(case, seed + k)]
        off = np.array([one.off for one in found]).ravel()
        near = off[off < NEAR] if (off < NEAR).any() else np.full(1, np.nan)
        middle, most = np.quantile(near, [0.5, 0.9])
        print(
            f"{case.name:42} right number {np.mean([one.right for one in found]):6.1%}  within 1 km "
            f"{np.mean(off < NEAR):6.1%}: median {middle:4.0f} m, nine of ten {most:4.0f} m  stray points "
            f"{np.mean([one.stray for one in found]):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
