"""Single microphones under the crowd of load.py: where they stand, what each hears of it, and its messages.

A node reports once a second while it hears something and says once a minute that it lives, in the binary format, one
message in a datagram. What it hears comes with the sound's delay; see presence_world.py.
"""

from collections.abc import Sequence

import numpy as np
import presence_world as world

from skywarden.model.place import F64, I64
from skywarden.sensors.microphone.encode import CLASSES, Flags, Heartbeats, Reports, encode, heartbeat
from skywarden.sim.blocks import SECOND, Timed
from skywarden.sim.raid import Route, on_earth
from skywarden.sim.scenario import ORIGIN

SOURCE = "ears"
SPACING = 3000.0  # m
WAKING_S = 10.0  # s in which all nodes have said once that they live: they know nothing of when the bench begins
BEFORE_S = 60.0  # s for which the crowd has flown already
WAY_S = (0.02, 0.15)  # s from the end of a look to the message here
LATE_S = (1.0, 10.0)  # s, of those that are late


def half_m(microphones: int, side_km: float | None) -> float:
    """Return half the side of the square of targets and nodes, m: as asked, else as nodes SPACING apart need."""
    if side_km is not None:
        return 500.0 * side_km
    return max(60e3, SPACING / 2 * float(np.sqrt(microphones)))


def placed(count: int, half: float, rng: np.random.Generator) -> world.Nodes:
    """Return nodes on a grid over the square, each 15 % off its place; all work."""
    columns = int(np.ceil(np.sqrt(count)))
    spacing = 2 * half / max(columns, 1)
    grid = np.stack(np.divmod(np.arange(count), max(columns, 1)), -1) + 0.5
    place = grid * spacing - half + world.JITTER * spacing * rng.normal(size=(count, 2))
    reach = world.REACH * np.exp(world.SPREAD * rng.normal(size=count))
    return world.Nodes(place, reach, rng.uniform(0, world.BEAT, count), np.zeros(count, bool))


def flight(route: Route, seconds: float) -> world.Flight:
    """Return a route of the crowd, which is straight, as if it had flown before."""
    start, end = np.array(route.points[0]), np.array(route.points[-1])
    velocity = (end - start)[:2] / np.hypot(*(end - start)[:2]) * route.speed
    start[:2] -= velocity * BEFORE_S
    return world.Flight(-BEFORE_S, seconds, start, velocity)


def false(nodes: world.Nodes, seconds: float, rng: np.random.Generator) -> world.Heard:
    """Return false alarms, those that last since before the start too."""
    before = 5 * world.LASTS
    count = int(rng.poisson(world.ONSETS / 3600 * len(nodes.place) * (seconds + before)))
    on = rng.uniform(-before, seconds, count)
    return world.Heard(rng.integers(0, max(len(nodes.place), 1), count), on, on + rng.exponential(world.LASTS, count))


def said(nodes: world.Nodes, routes: Sequence[Route], seconds: float, rng: np.random.Generator) -> world.Said:
    """Return the messages of `seconds` in the order of their times; `came` is the same as yet."""
    heard = [world.passing(flight(route, seconds), nodes, rng) for route in routes]
    found = world.said(nodes, world.joined([*heard, false(nodes, seconds, rng)]), (0.0, seconds), rng)
    woken = np.where(found.time < 0, (found.time + world.BEAT) * WAKING_S / world.BEAT, found.time)
    keep = (woken < seconds) & ((found.time >= 0) | (found.heard == 0))
    order = np.flatnonzero(keep)[np.argsort(woken[keep], kind="stable")]
    return world.Said(woken[order], woken[order], found.node[order], found.heard[order])


def microphone_messages(
    routes: Sequence[Route], *, count: int, half: float, seconds: float, start: int, seed: int, late: float = 0.0
) -> list[Timed]:
    """Return what all nodes send. start: ns, UTC; late: share of the messages that come 1 to 10 s late."""
    rng = np.random.default_rng([seed, 4])
    nodes = placed(count, half, rng)
    told = said(nodes, routes, seconds, rng)
    n = len(told.time)
    way = rng.uniform(*WAY_S, n) + (rng.random(n) < late) * rng.uniform(*LATE_S, n)
    came = start + np.rint((told.time + way) * SECOND).astype(np.int64)
    data = _data(nodes, told, start, rng)
    return [Timed(at, SOURCE, message) for at, message in zip(came.tolist(), data, strict=True)]


def _data(nodes: world.Nodes, told: world.Said, start: int, rng: np.random.Generator) -> list[bytes]:
    """Return the bytes of each message."""
    latitude, longitude = on_earth(ORIGIN, np.column_stack([nodes.place, np.zeros(len(nodes.place))]))
    number, time = _numbers(told.node), start + np.rint(told.time * SECOND).astype(np.int64)
    found = [b""] * len(time)
    for kind, sized in ((1, _reports), (0, _heartbeats)):
        rows = np.flatnonzero(told.heard == kind)
        node = told.node[rows]
        octets = sized(node, number[rows], time[rows], (latitude[node], longitude[node]), rng)
        size, whole = octets.shape[1], octets.tobytes()
        for k, row in enumerate(rows.tolist()):
            found[row] = whole[k * size : (k + 1) * size]
    return found


def _numbers(node: I64) -> I64:
    """Return what each message is of its node's: 0, 1, 2, ..."""
    order = np.argsort(node, kind="stable")
    begin = np.searchsorted(node[order], node[order])
    number = np.empty(len(node), np.int64)
    number[order] = np.arange(len(node)) - begin
    return number


def _reports(node: I64, number: I64, time: I64, place: tuple[F64, F64], rng: np.random.Generator) -> np.ndarray:
    n, unknown = len(node), np.full(len(node), np.nan)
    llr = np.zeros((n, len(CLASSES)))
    llr[:, 0] = 3.0
    return encode(
        Reports(
            node=node,
            number=number,
            time=time,
            latitude=place[0],
            longitude=place[1],
            height_m=np.full(n, 2.0),
            level_db=rng.uniform(35, 60, n),
            noise_db=np.full(n, 30.0),
            f0_hz=rng.uniform(90, 120, n),
            f0_sigma_hz=np.full(n, 0.5),
            azimuth=unknown,
            elevation=unknown,
            sigma_azimuth=unknown,
            sigma_elevation=unknown,
            llr=llr,
            looks=np.full(n, 0.25),
            flags=np.full(n, int(Flags.SIMULATED)),
        )
    )


def _heartbeats(node: I64, number: I64, time: I64, place: tuple[F64, F64], rng: np.random.Generator) -> np.ndarray:
    n = len(node)
    return heartbeat(
        Heartbeats(
            node=node,
            number=number,
            time=time,
            latitude=place[0],
            longitude=place[1],
            height_m=np.full(n, 2.0),
            noise_db=rng.uniform(28, 32, n),
            wind_m_s=np.full(n, 2.0),
            health=np.zeros(n, np.int64),
            uptime_s=np.full(n, 1e5),
            flags=np.full(n, int(Flags.SIMULATED)),
            interval_s=world.BEAT,
        )
    )
