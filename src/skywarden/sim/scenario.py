"""Ready-made scenarios: a raid on a fictional coast, and a crowd of many targets for the load bench.

The coast of Averel lies in the open Atlantic, where there is no land and the geoid is within some metres of the
ellipsoid: heights above the sea and above the ellipsoid are the same here. Names and numbers are invented.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge

import numpy as np
from msgspec.structs import replace

from skywarden.model.place import F64, Action, Site, Unit
from skywarden.sim.adsb import Receiver, adsb_messages
from skywarden.sim.blocks import Timed, radar_messages
from skywarden.sim.nodes import Post, What, node_messages
from skywarden.sim.radar import Radar, look
from skywarden.sim.raid import Flier, Fliers, Route, column, fly, on_earth

ORIGIN = (29.5, -45.75)  # deg; the harbour of Averel. Land is east of it
NODES = "nodes"  # the source to which SAPIENT nodes connect
SAC = 250  # not given to any country
UAVS = 30
LENGTH_S = 1500.0  # until the last one of the raid has arrived or passed

WEST = np.array([[-95e3, 30e3, 0], [-30e3, 26e3, 0], [-9e3, 21e3, 0]], float)  # from the open sea
SOUTH = np.array([[-38e3, -95e3, 0], [-16e3, -45e3, 0], [-5e3, -24e3, 0]], float)  # along the coast, then in
AIRLINERS = (
    ((-130e3, 62e3, 10650.0), (20e3, 40e3, 10650.0), (180e3, 64e3, 10650.0)),
    ((100e3, -85e3, 9150.0), (10e3, -30e3, 9150.0), (-150e3, 90e3, 9150.0)),
)
HELICOPTER = ((2e3, -2e3, 60.0), (-14e3, 6e3, 300.0), (-16e3, -10e3, 300.0), (-2e3, -14e3, 250.0), (3e3, -3e3, 60.0))
SHELTER = Action(name="shelter the shift", lead_s=240.0, probability=0.1)
HOT_WORK = Action(name="stop hot work", lead_s=420.0, probability=0.3)
COUPLER = Action(name="open the bus coupler", lead_s=540.0, probability=0.4)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A place, who flies there, and who watches."""

    sites: tuple[Site, ...]
    radars: tuple[Radar, ...]
    receiver: Receiver | None
    fliers: Fliers
    seconds: float
    seed: int
    posts: tuple[Post, ...] = ()
    units: tuple[Unit, ...] = ()

    @property
    def senders(self) -> dict[str, str]:
        """Return who sends -> the source it sends to."""
        alone = [radar.name for radar in self.radars] + ([self.receiver.name] if self.receiver else [])
        return {name: name for name in alone} | {post.name: post.source for post in self.posts}

    @property
    def sources(self) -> dict[str, str]:
        """Return source -> scheme of its transport, "udp" or "tcp"."""
        tcp = {*([self.receiver.name] if self.receiver else []), *(post.source for post in self.posts)}
        return {source: "tcp" if source in tcp else "udp" for source in self.senders.values()}

    def loopback(self) -> dict[str, str]:
        """Return source -> address on this computer, any free port."""
        return {source: f"{scheme}://127.0.0.1:0" for source, scheme in self.sources.items()}


def coast(seed: int, *, uavs: int = UAVS, seconds: float = LENGTH_S) -> Scenario:
    """Return the built-in raid: one-way UAVs from two directions, two airliners, a helicopter, birds."""
    rng = np.random.default_rng([seed, 0])
    sites = (
        _site("Quillmere power station", (9e3, 17e3), 2000.0, 420.0, SHELTER),
        _site("Tarrowness power station", (7e3, -15e3), 2500.0, 480.0, SHELTER, HOT_WORK),
        _site("Velloe switchyard", (30e3, 4e3), 2500.0, 540.0, COUPLER),
    )
    radars = (
        replace(_radar(1, "orrin", (1e3, 24e3, 95.0), 2.5), measures_height=True),
        replace(_radar(2, "saltfen", (0.0, -20e3, 70.0), 3.0), measures_height=True, phase_s=0.7),
        replace(_radar(3, "highmoor", (26e3, 2e3, 240.0), 4.0), phase_s=1.9),
    )
    routes = (*_uavs(uavs, sites, rng), *_civil(), *_birds(rng))
    receiver = Receiver(name="adsb", latitude=ORIGIN[0], longitude=ORIGIN[1], height_m=60.0)
    posts = (
        _post("lookout", "c0a7d9e2-6b1f-4e83-9d54-0f2b7a61c3e8", What.CAMERA, (9e3, 18e3, 70.0)),
        _post("wicket", "3e5b8f10-94c2-4d7a-b6e1-8c0d2f9a4b75", What.RADAR, (7e3, -16e3, 45.0)),
    )
    units = (_unit("Team 1", (6e3, 14e3)), _unit("Team 2", (4e3, -13e3)), _crew("Lookout crew", posts[0]))
    return Scenario(sites, radars, receiver, fly(routes, ORIGIN, seconds), seconds, seed, posts, units)


def crowd(  # noqa: PLR0913 - everything is named
    seed: int,
    *,
    targets: int,
    radars: int,
    seconds: float,
    nodes: int = 0,
    turn_s: float = 1.0,
    half_m: float = 60e3,
) -> Scenario:
    """Return `targets` UAVs all over a square of 120 km, each seen once in `turn_s` by each of `radars` radars.

    half_m: half the side of another square. nodes: SAPIENT radars that see them once a second, at nine looks of ten.
    """
    rng = np.random.default_rng([seed, 0])
    routes = []
    for _ in range(targets):
        begin = np.append(rng.uniform(-half_m, half_m, 2), rng.uniform(900, 1500))
        course, speed = rng.uniform(0, 2 * np.pi), float(rng.uniform(45, 55))
        way = np.array([np.sin(course), np.cos(course), 0.0]) * speed * (seconds + 60)
        routes.append(Route(kind=Flier.UAV, points=_points(np.vstack([begin, begin + way])), speed=speed))
    watching = []
    for k in range(radars):
        turn = 2 * np.pi * k / radars
        at = (half_m / 1.5 * np.sin(turn), half_m / 1.5 * np.cos(turn), 300.0)
        radar = _radar(k + 1, f"radar{k + 1:02d}", at, turn_s)
        radar = replace(radar, phase_s=turn_s * k / radars, measures_height=True)
        watching.append(replace(radar, clutter=0.0, reach_m=400e3, power=10.0))
    posts = [
        replace(
            _post(f"node{k + 1:02d}", f"00000000-0000-4000-8000-{k + 1:012d}", What.RADAR, (1e3 * k, 0.0, 300.0)),
            reach_m=400e3,
            phase_s=k / nodes,
        )
        for k in range(nodes)
    ]
    sites = (_site("Quillmere power station", (0.0, 0.0), 2000.0, 300.0),)
    return Scenario(sites, tuple(watching), None, fly(routes, ORIGIN, seconds + 2), seconds, seed, tuple(posts))


def messages(scenario: Scenario, start: int) -> Iterator[Timed]:
    """Yield every message of every sensor in time order. start: ns, UTC. Equal seed and start give equal bytes."""
    wires: list[Iterable[Timed]] = []
    for k, radar in enumerate(scenario.radars):
        plots = look(radar, scenario.fliers, scenario.seconds, np.random.default_rng([scenario.seed, 1, k]))
        wires.append(radar_messages(radar, plots, scenario.fliers.routes, start, scenario.seconds))
    if scenario.receiver is not None:
        rng = np.random.default_rng([scenario.seed, 2])
        wires.append(adsb_messages(scenario.receiver, scenario.fliers, scenario.seconds, start, rng))
    for k, post in enumerate(scenario.posts):
        rng = np.random.default_rng([scenario.seed, 3, k])
        wires.append(node_messages(post, scenario.fliers, scenario.seconds, start, rng))
    return merge(*wires)


def _site(name: str, at: tuple[float, float], radius_m: float, lead_time_s: float, *actions: Action) -> Site:
    latitude, longitude = _place(at[0], at[1])
    where = {"latitude": latitude, "longitude": longitude, "radius_m": radius_m}
    return Site(name=name, lead_time_s=lead_time_s, actions=actions, **where)


def _place(east: float, north: float) -> tuple[float, float]:
    latitude, longitude = on_earth(ORIGIN, np.array([east, north, 0.0]))
    return round(float(latitude), 6), round(float(longitude), 6)


def _points(way: F64) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(east), float(north), float(up)) for east, north, up in way)


def _unit(name: str, at: tuple[float, float]) -> Unit:
    where = _site(name, at, 0.0, 0.0)
    latitude, longitude = where.latitude, where.longitude
    return Unit(name=name, latitude=latitude, longitude=longitude, readiness_s=60.0, reach_m=2000.0, speed_m_s=15.0)


def _crew(name: str, post: Post) -> Unit:
    """Return who points the camera of a post."""
    where = post.latitude, post.longitude
    return Unit(
        name=name, latitude=where[0], longitude=where[1], readiness_s=15.0, reach_m=post.reach_m, sensor=post.name
    )


def _uavs(count: int, sites: tuple[Site, ...], rng: np.random.Generator) -> list[Route]:
    """Two streams, some already close in, the others strung out over the sea behind them; low, then lower."""
    targets = np.array([[9e3, 17e3, 0], [7e3, -15e3, 0], [30e3, 4e3, 0]])
    routes = []
    for stream, way in ((0, WEST), (1, SOUTH)):
        for k in range(stream, count, 2):
            goal = targets[rng.choice(3, p=(0.5, 0.1, 0.4) if stream == 0 else (0.1, 0.6, 0.3))]
            turn_in = np.hypot(*(way[1:] - way[:-1])[:, :2].T).sum()
            along = np.array([turn_in - 3e3 - k / count * 60e3 + rng.uniform(-1.5e3, 1.5e3)])
            route = column(np.vstack([way, goal]), along, rng.normal(0, 1200.0, 1))[0]
            route[:, 2] = rng.uniform(120, 1500)
            route[-1, 2] = rng.uniform(50, 120)
            routes.append(Route(kind=Flier.UAV, points=_points(route), speed=float(rng.uniform(45, 55))))
    return routes


def _civil() -> list[Route]:
    """Two airliners and a helicopter, all with transponders; addresses from ICAO's own block for temporary use."""
    airliner, helicopter = Flier.AIRLINER, Flier.HELICOPTER
    return [
        Route(kind=airliner, points=AIRLINERS[0], speed=235.0, address=0xF00101, callsign="AVR101", squawk="2153"),
        Route(kind=airliner, points=AIRLINERS[1], speed=222.0, address=0xF00102, callsign="AVR202", squawk="5361"),
        Route(kind=helicopter, points=HELICOPTER * 4, speed=62.0, address=0xF00103, callsign="RESCUE1", squawk="0033"),
    ]


def _birds(rng: np.random.Generator) -> list[Route]:
    """Five flocks that wander near the radars."""
    routes = []
    for _ in range(5):
        home = np.append(rng.uniform((-6e3, -26e3), (8e3, 28e3)), rng.uniform(60, 280))
        steps = np.cumsum(rng.normal(0, 900.0, (24, 3)) * [1, 1, 0.02], 0)
        way = np.maximum(home + steps, [-1e9, -1e9, 30.0])
        routes.append(Route(kind=Flier.BIRDS, points=_points(way), speed=float(rng.uniform(11, 18))))
    return routes


def _post(name: str, node_id: str, what: What, at: tuple[float, float, float]) -> Post:
    latitude, longitude = _place(at[0], at[1])
    return Post(
        name=name, source=NODES, node_id=node_id, what=what, latitude=latitude, longitude=longitude, height_m=at[2]
    )


def _radar(sic: int, name: str, at: tuple[float, float, float], period_s: float) -> Radar:
    latitude, longitude = _place(at[0], at[1])
    return Radar(name=name, sac=SAC, sic=sic, latitude=latitude, longitude=longitude, height_m=at[2], period_s=period_s)
