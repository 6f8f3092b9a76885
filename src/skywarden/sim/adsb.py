"""An ADS-B receiver: what transponders say about themselves, as JSON lines of DF 17 squitters.

Source: RTCA DO-260B, 2.2.3.3.1: position and velocity twice a second, identification every 5 s, all with jitter.
"""

from collections.abc import Iterator
from math import atan2, degrees, hypot

import msgspec
import numpy as np

from skywarden.model.place import F64
from skywarden.sensors.modes import encode
from skywarden.sim.blocks import FOOT, SECOND, Timed
from skywarden.sim.radar import horizon
from skywarden.sim.raid import Flier, Fliers, chart, on_earth

POSITION_S, VELOCITY_S, NAME_S = 0.5, 0.5, 5.0
JITTER_S = 0.1  # each message comes up to this much early or late
HEARD = 0.93  # of the messages in sight are not lost to others on the same frequency
NACP = 9  # position within 30 m, 95 %
KNOT = 1852 / 3600  # m/s
CATEGORY = {Flier.AIRLINER: "A3", Flier.HELICOPTER: "A7"}


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """One antenna, and where it stands."""

    name: str
    latitude: float  # deg
    longitude: float  # deg
    height_m: float


def adsb_messages(
    receiver: Receiver, fliers: Fliers, seconds: float, start: int, rng: np.random.Generator
) -> list[Timed]:
    """Return every line that the receiver gives, in time order. start: ns, UTC, what second 0 is."""
    lines: list[Timed] = []
    for row, route in enumerate(fliers.routes):
        if route.address < 0:
            continue
        for period, build in ((POSITION_S, _positions), (VELOCITY_S, _velocities), (NAME_S, _names)):
            times = _times(period, seconds, rng)
            times = times[_audible(receiver, fliers, row, times) & (rng.random(len(times)) < HEARD)]
            for time, frame in zip(times.tolist(), build(fliers, row, times), strict=True):
                sent = start + round(time * SECOND)
                lines.append(Timed(sent, receiver.name, encode.json_line(sent, frame)))
    return sorted(lines)


def _times(period: float, seconds: float, rng: np.random.Generator) -> F64:
    regular = np.arange(rng.random() * period, seconds, period)
    return np.sort(np.clip(regular + rng.uniform(-JITTER_S, JITTER_S, len(regular)), 0.0, seconds))


def _audible(receiver: Receiver, fliers: Fliers, row: int, times: F64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return (n,) bool: it flies, and is above the receiver's horizon."""
    points = fliers.at(np.full(len(times), row), times)
    moving = ~np.isnan(fliers.velocity(np.full(len(times), row), times)).any(1)
    antenna = chart((receiver.latitude, receiver.longitude), np.array([0.0, 0.0, receiver.height_m]))
    away = np.linalg.norm(chart(fliers.origin, points) - antenna, axis=-1)
    return np.asarray(moving & (away < horizon(receiver.height_m, points[:, 2])))


def _positions(fliers: Fliers, row: int, times: F64) -> Iterator[bytes]:
    """Yield even and odd positions in turn; the air of the coast is the standard one: pressure altitude is height."""
    points = fliers.at(np.full(len(times), row), times)
    latitude, longitude = on_earth(fliers.origin, points)
    for k, (north, east, height) in enumerate(np.column_stack([latitude, longitude, points[:, 2]]).tolist()):
        yield encode.airborne_position(fliers.routes[row].address, north, east, height / FOOT, k % 2 == 1)


def _velocities(fliers: Fliers, row: int, times: F64) -> Iterator[bytes]:
    for east, north, up in fliers.velocity(np.full(len(times), row), times).tolist():
        track = degrees(atan2(east, north)) % 360
        speed = hypot(east, north) / KNOT
        yield encode.velocity(fliers.routes[row].address, speed, track, up / FOOT * 60, 0.0)


def _names(fliers: Fliers, row: int, times: F64) -> Iterator[bytes]:
    """Yield callsign and status in turn."""
    route = fliers.routes[row]
    name = encode.identification(route.address, route.callsign, CATEGORY.get(route.kind, "A0"))
    status = encode.operational_status(route.address, NACP)
    for k in range(len(times)):
        yield status if k % 2 else name
