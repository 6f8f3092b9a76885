"""Raids over a made-up region, to judge forecasts of arrival on routes that no forecast was shaped to.

One-way UAVs, jets, cruise missiles and decoys as published reports describe such raids in general terms; the numbers
are chosen, none is measured. Each raid has a style of its own: from where and in what waves it comes, how crooked its
routes are, how much it feints, waits and splits, what share of it is lost. Some goals are not on the list of sites,
some lie behind the region. Civil traffic passes.

    python bench/route_world.py [seed ...] [--steered] [--draw FOLDER]

Printed for each seed: targets by kind; then, without civil traffic: shares by end, share that ever enters a site,
median of way flown over straight distance of those that hit a site, share whose course swings by over 45 degrees in
the last 100 km of way. `--draw` needs matplotlib.
"""

import argparse
from collections import Counter
from math import hypot
from pathlib import Path
from typing import NamedTuple

import numpy as np
import route_shapes as shapes
from route_plans import Ground, Plan, Style, ground_of, neighbour, plan, route, style_of, swerve
from route_shapes import F64, Generator, Part, Profile

from skywarden.model.assessment import Class

RADIUS = 3_000.0  # m, of a site
LEAST, MOST = 40, 120  # targets
BLOCK = 32  # s, of a path that is looked at closely or not at all


class Flight(NamedTuple):
    """kind: a word of CLASSES. begin s: time of path[0]. path (n, 3) m: east, north, up, once a second.

    East and north are from the middle of the region, up from level ground. The path begins at launch, far outside.
    end: "hit", it came down on its goal, a site or a place that is not listed; "shot", the path ends in the air;
    "crashed", it came down elsewhere; "left", it flew out of the region or, civil, landed.
    """

    kind: str
    begin: float
    path: F64
    end: str


class Raid(NamedTuple):
    """sites (s, 2) m east north; radius (s,) m; targets: those of the raid first, then civil traffic."""

    sites: F64
    radius: F64
    targets: list[Flight]


class Body(NamedTuple):
    """speed m/s, in space; rate deg/s; low, high m: where it cruises; climb: gradient; dive deg.

    ground: the chance that it starts from the ground, not in the air; reach m: of its fuel.
    """

    word: Class
    speed: tuple[float, float]
    rate: float
    low: tuple[float, float]
    high: tuple[float, float]
    climb: float
    dive: tuple[float, float]
    ground: float
    reach: float


PISTON, JET, CRUISE, DECOY = BODIES = (
    Body(Class.UAV_PISTON, (40.0, 60.0), 3.0, (60.0, 400.0), (800.0, 3500.0), 0.05, (4.0, 60.0), 1.0, 1600e3),
    Body(Class.UAV_JET, (90.0, 170.0), 4.0, (100.0, 700.0), (1000.0, 6000.0), 0.1, (4.0, 60.0), 0.8, 1500e3),
    Body(Class.CRUISE, (200.0, 260.0), 5.0, (30.0, 150.0), (200.0, 1200.0), 0.15, (4.0, 60.0), 0.4, 2200e3),
    Body(Class.DECOY, (40.0, 60.0), 3.0, (100.0, 600.0), (600.0, 3000.0), 0.05, (4.0, 60.0), 1.0, 1000e3),
)
AIRLINER = Body(Class.AEROPLANE, (190.0, 260.0), 3.0, (6e3, 9e3), (9e3, 12e3), 0.06, (3.0, 3.0), 0.0, 9e6)
LIGHT = Body(Class.AEROPLANE, (45.0, 80.0), 3.0, (250.0, 900.0), (900.0, 3000.0), 0.06, (4.0, 6.0), 1.0, 9e5)
HELICOPTER = Body(Class.HELICOPTER, (40.0, 75.0), 3.0, (50.0, 250.0), (250.0, 1200.0), 0.1, (5.0, 9.0), 1.0, 6e5)
CIVIL = (Class.AEROPLANE, Class.HELICOPTER)


class Air(NamedTuple):
    """How a group flies: speed m/s, radius m of its turns, levels m (0 first: from the ground).

    early: it turns before a place, else over it.
    """

    body: Body
    speed: float
    radius: float
    levels: list[float]
    early: bool


def air_of(rng: Generator, body: Body, low: float, early: float) -> Air:
    speed = rng.uniform(body.speed[0] / 0.96, body.speed[1] * 0.96)
    radius = 1.05 * speed / np.radians(body.rate * rng.uniform(0.35, 0.95))
    heights = body.low if rng.random() < low else body.high
    levels = rng.uniform(*heights, rng.integers(1, 5)).tolist()
    return Air(body, speed, radius, [0.0, *levels] if rng.random() < body.ground else levels, rng.random() < early)


def flown(rng: Generator, air: Air, parts: list[Part], end: tuple[float, bool]) -> F64:
    """Return the path (n, 3) m over the parts; end: share of the way that is flown, does it come down there."""
    own = float(np.clip(air.speed * rng.uniform(0.98, 1.02), *air.body.speed))
    arcs = shapes.follow(rng, parts, air.radius, air.early)
    whole = float(arcs.length.sum())
    arcs = shapes.trimmed(arcs, min(end[0] * whole, air.body.reach))
    arcs = shapes.woven(rng, arcs, rng.choice([0.0, 60.0, 250.0]), air.radius)
    dive = np.tan(np.radians(rng.uniform(*air.body.dive)))
    levels = [level * rng.uniform(0.95, 1.05) for level in air.levels]
    profile = Profile(own, air.body.speed, levels, air.body.climb, float(dive), end[1] or whole > air.body.reach)
    return shapes.fly(rng, arcs, parts[0], shapes.course_to(parts[0], parts[1]), profile)


def with_wait(rng: Generator, ground: Ground, points: F64, radius: float) -> list[Part]:
    """Return the parts of a line with circles of waiting after one of its turning points in the region, if any is."""
    inner = np.flatnonzero(ground.within(points[:-1], 10e3))
    parts: list[Part] = list(points)
    if len(inner) and inner[-1] > 0:
        after = max(int(rng.choice(inner)), 1)
        parts.insert(after + 1, shapes.circles(rng, min(radius * rng.uniform(1.1, 3.0), max(1.1 * radius, 8e3))))
    return parts


def downed(rng: Generator, ground: Ground, path: F64) -> F64:
    """Return a path up to where it is shot: in the region, and rather near sites and guarded places."""
    places = path[::10, :2]
    near = np.hypot(*(places[:, None] - ground.sites).transpose(2, 0, 1)).min(axis=1) < 15e3
    inside = np.hypot(*(places[:, None] - ground.guarded[:, :2]).transpose(2, 0, 1)) < ground.guarded[:, 2]
    weight = ground.within(places) * (1.0 + 5.0 * near + 4.0 * inside.any(axis=1))
    weight[:6] = 0.0
    if weight.sum() == 0.0:
        return path
    return path[: 10 * int(rng.choice(len(weight), p=weight / weight.sum())) + 1]


class Member(NamedTuple):
    """shift (2,) m: from the group's line, but at its two ends; jitter m: 1 sigma, of its own turning points."""

    body: Body
    shift: F64
    jitter: float
    waits: bool


def single(rng: Generator, world: tuple[Ground, Style], air: Air, way: Plan, member: Member) -> tuple[F64, str]:
    """Return the path (n, 3) and the end of one target of a group."""
    ground, style = world
    points = way.points + member.shift + rng.normal(0.0, member.jitter, way.points.shape)
    points[0] = way.points[0] + rng.normal(0.0, 300.0, 2)
    goal = way.points[-1]
    points[-1] = goal + rng.normal(0.0, style.aim, 2)
    lost = rng.random() < style.crash * (2.0 if member.body is DECOY else 1.0)
    wanders = member.body is DECOY and rng.random() < style.wander
    if wanders:
        points = shapes.cut(points, rng.uniform(0.1, 0.7) * shapes.length_of(points))
    parts = with_wait(rng, ground, points, air.radius) if member.waits else list(points)
    if wanders:
        parts.append(shapes.wander(rng, rng.uniform(20e3, 200e3), air.radius))
    path = flown(rng, air, parts, (rng.uniform(0.2, 0.97) if lost else 1.0, lost or wanders or not way.leaves))
    whole = len(path)
    if rng.random() < style.shot:
        path = downed(rng, ground, path)
    if len(path) < whole:
        return path, "shot"
    if way.leaves and not lost and not wanders and not ground.within(path[-1, :2]):
        return path, "left"
    return path, "hit" if not way.leaves and hypot(*(path[-1, :2] - goal)) < RADIUS else "crashed"


def group(rng: Generator, world: tuple[Ground, Style], size: int, steered: bool) -> list[Flight]:
    """Return targets that are launched together, the first at 0 s, and fly one way until they split, if they do."""
    ground, style = world
    body = BODIES[rng.choice(len(BODIES), p=style.kinds)]
    air = air_of(rng, body, style.low, style.early)
    areas = style.far if body in (JET, CRUISE) else style.near
    start = areas[rng.integers(len(areas))] + rng.normal(0.0, 8e3, 2)
    branches, trunk = 1, start[None]
    if size > 1 and (steered or rng.random() < style.split):
        branches = int(rng.integers(2, size + 1))
        first = route(rng, ground, style, start, ground.sites[rng.integers(len(ground.sites))])
        trunk = shapes.cut(first, rng.uniform(0.15, 0.6) * shapes.length_of(first))
    ways = [plan(rng, ground, style, trunk, (air.speed, steered)) for _ in range(branches)]
    if steered:
        ways = [way._replace(points=swerve(rng, way.points, air.speed)) for way in ways]
    abreast, jitter = (
        style.abreast * shapes.side(shapes.course_to(start, np.zeros(2))),
        rng.choice([0.0, 100.0, 1200.0]),
    )
    waits, begin, flights = rng.random(branches) < style.wait, 0.0, []
    for i in range(size):
        own = DECOY if body is PISTON and rng.random() < style.decoys else body
        member = Member(own, (i - size / 2) * abreast, jitter, bool(waits[i % branches]))
        path, end = single(rng, world, air, ways[i % branches], member)
        flights.append(Flight(own.word, begin, path, end))
        begin += style.gap * rng.uniform(0.5, 1.5)
    return flights


def civil(rng: Generator, ground: Ground, longest: float) -> Flight:
    """Return one flight of civil traffic that begins within `longest` s."""
    body = (AIRLINER, LIGHT, HELICOPTER)[rng.choice(3, p=[0.5, 0.3, 0.2])]
    air = air_of(rng, body, 0.5, 1.0)
    fields = np.vstack([ground.sites[ground.airfield], rng.uniform(-0.9, 0.9, (6, 2)) * ground.half])
    course, lands = rng.uniform(0.0, 2.0 * np.pi), True
    start, goal = fields[rng.permutation(len(fields))[:2]]
    between = np.empty((0, 2))
    if body is AIRLINER:
        lands = bool(rng.random() < 0.25)
        start = ground.outside(course, rng.uniform(20e3, 60e3))
        goal = goal if lands else ground.outside(course + np.pi + rng.normal(0.0, 0.6), rng.uniform(20e3, 60e3))
        between = start + rng.uniform(0.2, 0.8) * (goal - start) + rng.normal(0.0, 12e3, (1, 2))
        if not lands and rng.random() < 0.2:  # from a field instead
            air, start = air._replace(levels=[0.0, *air.levels]), fields[0]
    else:
        goal = neighbour(rng, fields[np.hypot(*(fields - start).T) > 20e3], start, 150e3)
        between = start + np.sort(rng.random((3, 1)), axis=0) * (goal - start) + rng.normal(0.0, 15e3, (3, 2))
        between = between[: rng.integers(4)]
        far = np.hypot(*(between - start).T).max(initial=0.0) > 10.0 * air.radius
        goal = start if far and rng.random() < 0.5 else goal  # a round
    points = np.vstack([start, between, goal])
    parts = with_wait(rng, ground, points, air.radius) if rng.random() < 0.2 else list(points)
    return Flight(body.word, rng.uniform(0.0, longest), flown(rng, air, parts, (1.0, lands)), "left")


def raid(seed: int, steered: bool = False) -> Raid:
    """Return the raid of a seed. steered: operators change goals often and late, up to the last minutes.

    The same seed gives the same region, sites, style and number of targets, steered or not.
    """
    rng = np.random.default_rng(seed)
    ground = ground_of(rng)
    style = style_of(rng, ground)
    count, share = int(rng.integers(LEAST, MOST + 1)), rng.uniform(0.08, 0.35)
    passing, flights = round(share * count), []
    while len(flights) < count - passing:
        size = min(1 + int(rng.poisson(style.size)), count - passing - len(flights))
        made = group(rng, (ground, style), size, steered)
        shift = rng.choice(style.waves) + rng.normal(0.0, 480.0)
        if style.together:
            shift -= max(flight.begin + len(flight.path) for flight in made)
        flights += [flight._replace(begin=flight.begin + shift) for flight in made]
    first = min(flight.begin for flight in flights)
    flights = [flight._replace(begin=float(flight.begin - first)) for flight in flights]
    last = max(flight.begin + len(flight.path) for flight in flights)
    flights += [civil(rng, ground, last) for _ in range(passing)]
    return Raid(ground.sites, np.full(len(ground.sites), RADIUS), flights)


def entry(path: F64, site: F64, radius: float) -> float:
    """Return the second, with its part, at which a path (n, 2) first is within a radius of a site; inf if never.

    The path is straight between its seconds: the least root in [0, 1] of |place + part * step|^2 = radius^2.
    """
    place, step = path - site, np.diff(path, axis=0)
    if hypot(*place[0]) <= radius:
        return 0.0
    a, b = (step**2).sum(axis=1), (place[:-1] * step).sum(axis=1)
    root = b * b - a * ((place[:-1] ** 2).sum(axis=1) - radius**2)
    part = (-b - np.sqrt(np.maximum(root, 0.0))) / np.maximum(a, 1e-12)
    enters = np.flatnonzero((root >= 0.0) & (part >= 0.0) & (part <= 1.0) & (a > 0.0))
    return float(enters[0] + part[enters[0]]) if len(enters) else np.inf


def arrivals(flight: Flight, sites: F64, radius: F64) -> F64:
    """Return when a flight first is within each site's radius on the level, at whatever height: (s,) s; inf: never.

    sites (s, 2), radius (s,) m. The clock is that of `begin`; of the true path, interpolated within the second.
    """
    path = flight.path[:, :2]
    marks = path[::BLOCK]
    reach = np.hypot(*np.diff(path, axis=0).T).max() * BLOCK if len(path) > 1 else 0.0
    distance = np.hypot(*(marks[:, None] - sites).transpose(2, 0, 1)) - radius
    found = np.full(len(sites), np.inf)
    for site in np.flatnonzero(distance.min(axis=0) <= reach):
        for block in np.flatnonzero(distance[:, site] <= reach):
            at = entry(path[block * BLOCK : (block + 1) * BLOCK + 1], sites[site], float(radius[site]))
            if at < np.inf:
                found[site] = flight.begin + block * BLOCK + at
                break
    return found


def swing(path: F64, last: float) -> float:
    """Return the width, deg, of the range of courses in the last metres of way; courses are of 10 s of flight."""
    steps = path[10::10, :2] - path[:-10:10, :2]
    if len(steps) == 0:
        return 0.0
    left = np.cumsum(np.hypot(*steps.T)[::-1])[::-1]
    return float(np.degrees(np.ptp(np.unwrap(np.arctan2(*steps[(left <= last) | (left == left[-1])].T)))))


def summary(made: Raid) -> str:
    """Return the lines that are printed of a raid."""
    flights = [flight for flight in made.targets if flight.kind not in CIVIL]
    kinds, ends = Counter(flight.kind for flight in made.targets), Counter(flight.end for flight in flights)
    entered = sum(np.isfinite(arrivals(flight, made.sites, made.radius)).any() for flight in flights)
    ratios = []
    for flight in flights:
        here = np.hypot(*(made.sites - flight.path[-1, :2]).T) < made.radius
        if flight.end == "hit" and here.any():
            straight = hypot(*(made.sites[here][0] - flight.path[0, :2]))
            ratios.append(shapes.length_of(flight.path[:, :2]) / straight)
    turning = np.mean([swing(flight.path, 100e3) > 45.0 for flight in flights])
    lines = [
        f"  {len(made.sites)} sites, {len(made.targets)} targets: " + ", ".join(f"{n} {k}" for k, n in kinds.items())
    ]
    lines.append("  " + ", ".join(f"{end} {n / len(flights):.2f}" for end, n in sorted(ends.items())))
    ratio = f"{np.median(ratios):.2f} ({len(ratios)} hit a site)" if ratios else "none hit a site"
    lines.append(f"  enter a site {entered / len(flights):.2f}; way to straight {ratio}; turn late {turning:.2f}")
    return "\n".join(lines)


def draw(made: Raid, to: Path) -> None:
    """Write a picture of a raid."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 14))
    axes = figure.add_subplot(aspect="equal")
    words = [*(body.word for body in BODIES), *CIVIL]
    colours = dict(zip(words, ["C3", "C1", "C4", "C2", "0.75", "0.6"], strict=True))
    for flight in made.targets:
        axes.plot(*flight.path[::10, :2].T / 1e3, color=colours[flight.kind], lw=0.7)
        axes.plot(*flight.path[-1, :2] / 1e3, {"hit": "kv", "shot": "rx", "crashed": "b+", "left": "g."}[flight.end])
    axes.plot(*made.sites.T / 1e3, "o", mfc="none", color="k")
    figure.savefig(to, dpi=70)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seeds", type=int, nargs="*", default=[1, 2, 3, 4, 5])
    parser.add_argument("--steered", action="store_true")
    parser.add_argument("--draw", type=Path)
    given = parser.parse_args()
    for seed in given.seeds:
        made = raid(seed, given.steered)
        print(f"seed {seed}{', steered' * given.steered}\n{summary(made)}")
        if given.draw:
            draw(made, given.draw / f"raid_{seed}{'_steered' * given.steered}.png")


if __name__ == "__main__":
    main()
