"""A sky and radars for the tests: fliers on straight lines around one place, radars of any make."""

from collections.abc import Sequence
from math import radians

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.geo.terrain import Ground, flat
from skywarden.model.detection import Decoded, Frame
from skywarden.model.place import F64, Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.settings import About, Faults, Radars, Scene
from skywarden.sim.sense.radar import RadarSense, build
from skywarden.sim.sky import Sent, Sky, Target

ORIGIN = (48.0, 30.0)
HERE = (radians(48.0), radians(30.0))


def radars(*blocks: Radars, ground: Ground | None = None, seed: int = 1, faults: Faults | None = None) -> RadarSense:
    """Return simulated radars on flat ground, whose clocks are right, unless told otherwise."""
    about = About(name="test", origin=ORIGIN, area_km=(200, 200), duration_s=600)
    quiet = faults or Faults(clock_offset_s=0, clock_drift_ppm=0)
    return build(blocks, Scene(scenario=about, radars=blocks, faults=quiet), ground or flat(0.0), seed)


def quiet(name: str = "r", **settings: object) -> Radars:
    """Return a radar without clutter."""
    return Radars(name=name, **{"clutter": 0.0, "highest_deg": 89.0, **settings})  # type: ignore[arg-type]


def messages(sent: Sent) -> list[bytes]:
    data, ends = sent.data.tobytes(), np.cumsum(sent.lengths.astype(int)).tolist()
    return [data[end - size : end] for end, size in zip(ends, sent.lengths.tolist(), strict=True)]


def decoded(radar: RadarSense, sent: Sent, mode: Mode = Mode.SIM, join: int = 1) -> list[Decoded]:
    """Decode every message at the time when it comes in, `join` of them to a frame."""
    reader = Reader((Source(name="radars", format="asterix", listen="udp://127.0.0.1:1"),), tuple(radar.sensors), mode)
    parts, times = messages(sent), sent.time.tolist()
    frames = [Frame.of("radars", times[k], *parts[k : k + join]) for k in range(0, len(parts), join)]
    return [reader.read(frame) for frame in frames]


def sky(place: F64, velocity: F64, seconds: int, kinds: Sequence[Kind]) -> Sky:
    """Return fliers at (n, 3) m east, north of HERE and above the ellipsoid at 0 s; velocity: (n, 3) m/s."""
    latitude = HERE[0] + place[:, 1] / 6.371e6
    longitude = HERE[1] + place[:, 0] / (6.371e6 * np.cos(HERE[0]))
    first = ecef(latitude, longitude, place[:, 2])
    speed = np.einsum("nji,nj->ni", east_north_up(latitude, longitude), velocity)
    count, rows = len(place), seconds + 1
    position = first[:, None] + np.arange(rows)[None, :, None] * speed[:, None]
    return Sky(
        tuple(Target(f"t{k}", kinds[k % len(kinds)], True) for k in range(count)),
        np.zeros(count, np.int64),
        np.full(count, rows),
        np.arange(count) * rows,
        position.reshape(-1, 3),
        np.repeat(speed, rows, 0),
    )


def around(away: F64, azimuth: F64, height: F64 | float = 2000.0) -> F64:
    """Return (n, 3) places at distances m and azimuths rad of HERE."""
    return np.stack(np.broadcast_arrays(away * np.sin(azimuth), away * np.cos(azimuth), height), -1)


def still(place: F64, seconds: int, kind: Kind = Kind.UAV_PISTON) -> Sky:
    """Return fliers that stay where they are."""
    return sky(place, np.zeros_like(place), seconds, (kind,))
