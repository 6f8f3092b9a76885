"""Plans of raids: the region with its goals and obstacles, the style of one raid, and lines over the ground in it.

Metres east and north of the middle of the region; courses in rad clockwise from north.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from route_shapes import F64, Generator, ahead, course_to, cut, detour, lateral, length_of, meander, side

APART = 6_500.0  # m, between sites at least
TURN = 2.0 * np.pi


class Ground(NamedTuple):
    """half (2,) m: half of each side of the region. sites (s, 2); airfield: their indices; hidden (h, 2): other goals.

    guarded (g, 3): east, north, radius m of what routes go round; gaps (k, 2): places far from those; rivers: (m, 2).
    """

    half: F64
    sites: F64
    airfield: NDArray[np.intp]
    hidden: F64
    guarded: F64
    gaps: F64
    rivers: list[F64]

    def within(self, places: F64, margin: float = 0.0) -> NDArray[np.bool_]:
        """Return which places (n, 2) are in the region and not within a margin m of its border."""
        return (np.abs(places) < self.half - margin).all(axis=-1)

    def outside(self, course: float, beyond: float) -> F64:
        """Return the place that lies `beyond` m outside the border, on a course from the middle."""
        heading = np.abs([np.sin(course), np.cos(course)])
        return ahead(np.zeros(2), course, float(np.min(self.half / np.maximum(heading, 1e-9))) + beyond)


class Style(NamedTuple):
    """How one raid is flown; what has no unit here is a chance.

    near (a, 2), far (b, 2) m: launch areas of UAVs, of jets and missiles. goals (p,): weights of sites, then of hidden
    places. kinds (4,): weights of what a group is of; decoys: share among piston UAVs. size: mean of a group, less
    one; gap s and abreast m between its members. spacing, step m: of lateral steps, one in so much way, and how far.
    corridor: along a river or through gaps; evasive: round guarded places; behind: past the goal and back. feint,
    wait, split, through (to behind the region), home (turns back), wander (decoys), shot, crash, low (height), early
    (turns). waves (w,) s: when they begin or, together, end; aim m: 1 sigma of where a flight comes down.
    """

    near: F64
    far: F64
    goals: F64
    kinds: F64
    decoys: float
    size: float
    gap: float
    abreast: float
    spacing: float
    step: float
    corridor: float
    evasive: float
    behind: float
    feint: float
    wait: float
    split: float
    through: float
    home: float
    wander: float
    shot: float
    crash: float
    low: float
    early: float
    waves: F64
    together: bool
    aim: float


def scattered(rng: Generator, found: list[F64], place: F64, half: F64) -> None:
    """Add a place if it is in the region and apart from all that were found before."""
    free = not found or np.hypot(*(np.array(found) - place).T).min() > APART
    if free and (np.abs(place) < 0.94 * half).all():
        found.append(place)


def ground_of(rng: Generator) -> Ground:
    """Return a region: cities with sites about them, sites along rivers and anywhere, guarded places, gaps."""
    half = rng.uniform(150e3, 300e3, 2)
    rivers = [meander(rng, float(half.max())) for _ in range(rng.integers(1, 5))]
    cities = rng.uniform(-0.85, 0.85, (int(rng.integers(4, 11)), 2)) * half
    count, share, found = int(rng.integers(20, 61)), rng.dirichlet([2.0, 1.0, 1.0]), []
    while len(found) < count + 12:
        drawn = rng.choice(3, p=share) if len(found) < count else 2
        if drawn == 0:
            place = cities[rng.integers(len(cities))] + rng.normal(0.0, rng.uniform(5e3, 25e3), 2)
        elif drawn == 1:
            river = rivers[rng.integers(len(rivers))]
            place = river[rng.integers(len(river))] + rng.normal(0.0, 3e3, 2)
        else:
            place = rng.uniform(-1.0, 1.0, 2) * half
        scattered(rng, found, place, half)
    middles = np.vstack([cities[rng.random(len(cities)) < 0.7], rng.uniform(-1.1, 1.1, (rng.integers(1, 6), 2)) * half])
    guarded = np.column_stack([middles, rng.uniform(8e3, 35e3, len(middles))])
    open_places = rng.uniform(-1.0, 1.0, (150, 2)) * half
    clear = np.min(np.hypot(*(open_places[:, None] - middles).transpose(2, 0, 1)) - guarded[:, 2], axis=1)
    airfield = np.flatnonzero(rng.random(count) < 0.25)
    gaps = open_places[np.argsort(-clear)[:12]]
    return Ground(half, np.array(found[:count]), airfield, np.array(found[count:]), guarded, gaps, rivers)


def style_of(rng: Generator, ground: Ground) -> Style:
    """Return how one raid is flown; most chances are drawn so that raids without and raids full of it are common."""
    axis = rng.uniform(0.0, TURN)
    spread = rng.choice([0.2, 0.6, 1.5])
    near = [ground.outside(axis + rng.normal(0.0, spread), rng.uniform(60e3, 220e3)) for _ in range(rng.integers(1, 5))]
    away = axis + rng.choice([0.0, rng.uniform(0.0, TURN)])
    far = [ground.outside(away + rng.normal(0.0, spread), rng.uniform(80e3, 350e3)) for _ in range(rng.integers(1, 4))]
    listed = len(ground.sites)
    goals = rng.dirichlet(np.full(listed, 10.0 ** rng.uniform(-1.5, 0.5)))
    unlisted = rng.uniform(0.0, 0.3)
    goals = np.append(goals * (1.0 - unlisted), rng.dirichlet(np.full(len(ground.hidden), 0.5)) * unlisted)
    spacing = 10.0 ** rng.uniform(4.8, 6.0)
    kinds = rng.dirichlet([3.0, 0.6, 0.8, 0.6])
    return Style(
        near=np.array(near),
        far=np.array(far),
        goals=goals / goals.sum(),
        kinds=kinds,
        decoys=rng.uniform(0.0, 0.4),
        size=rng.uniform(1.0, 9.0),
        gap=10.0 ** rng.uniform(0.7, 2.4),
        abreast=rng.choice([0.0, 10.0 ** rng.uniform(2.0, 3.7)]),
        spacing=spacing,
        step=rng.uniform(6e3, 0.4 * min(spacing, 100e3)),
        corridor=rng.beta(0.7, 0.9),
        evasive=rng.beta(0.7, 0.7),
        behind=0.5 * rng.beta(0.6, 1.5),
        feint=rng.beta(0.6, 1.2),
        wait=0.6 * rng.beta(0.5, 1.5),
        split=rng.beta(0.7, 1.0),
        through=0.4 * rng.beta(0.6, 1.6),
        home=0.15 * rng.beta(0.5, 1.5),
        wander=rng.beta(1.0, 1.0),
        shot=0.7 * rng.beta(0.9, 1.3),
        crash=rng.uniform(0.0, 0.12),
        low=rng.beta(0.6, 0.6),
        early=rng.beta(0.7, 0.7),
        waves=rng.uniform(0.5, 4.5) * 3600.0 * np.sort(rng.random(rng.integers(1, 6))),
        together=bool(rng.random() < 0.4),
        aim=10.0 ** rng.uniform(1.5, 3.2),
    )


def corridor(rng: Generator, ground: Ground, start: F64, goal: F64) -> F64:
    """Return places (m, 2), perhaps none, of a river that leads some of the way, or else of one or two gaps."""
    straight = np.hypot(*(goal - start))
    if rng.random() < 0.7:
        river = ground.rivers[rng.integers(len(ground.rivers))]
        first, last = (start + part * (goal - start) for part in (rng.uniform(0.2, 0.6), rng.uniform(0.65, 0.95)))
        i, j = (int(np.argmin(np.hypot(*(river - place).T))) for place in (first, last))
        bends = river[i : j + 1] if i <= j else river[j : i + 1][::-1]
        way = length_of(np.vstack([start, bends, goal]))
        if len(bends) > 2 and way < 1.7 * straight:
            return bends[:: rng.integers(1, 4)] + rng.normal(0.0, 800.0, 2)
    cost = np.hypot(*(ground.gaps - start).T) + np.hypot(*(ground.gaps - goal).T)
    usable = ground.gaps[cost < 1.4 * straight]
    chosen = rng.permutation(usable)[: rng.integers(1, 3)] + rng.normal(0.0, 2e3, 2)
    return chosen[np.argsort(np.hypot(*(chosen - start).T))]


def route(rng: Generator, ground: Ground, style: Style, start: F64, goal: F64) -> F64:
    """Return a line (m, 2) from a place to a goal in the raid's style."""
    between = np.empty((0, 2))
    if np.hypot(*(goal - start)) > 120e3 and rng.random() < style.corridor:
        between = corridor(rng, ground, start, goal)
    if rng.random() < style.behind:
        past = course_to(start, goal) + rng.uniform(-1.3, 1.3)
        between = np.vstack([between, ahead(goal, past, rng.uniform(15e3, 70e3))])
    points = lateral(rng, np.vstack([start, between, goal]), style.step, style.spacing)
    return detour(rng, points, ground.guarded, 0.15) if rng.random() < style.evasive else points


def neighbour(rng: Generator, places: F64, place: F64, reach: float) -> F64:
    """Return one of the other places within reach m of a place, or the nearest."""
    distance = np.hypot(*(places - place).T)
    distance[distance < 1e3] = np.inf
    close = np.flatnonzero(distance < reach)
    return places[rng.choice(close) if len(close) else np.argmin(distance)]


def stops(rng: Generator, ground: Ground, style: Style, speed: float, steered: bool) -> list[tuple[F64, float]]:
    """Return the goals in their order, each with how far, m, before it the next is turned to; 0: not at all.

    Steered: two to five goals before the last, the last of them near it and left within its last minutes.
    """
    places = np.vstack([ground.sites, ground.hidden])
    goal = places[rng.choice(len(places), p=style.goals)]
    found = [(goal, 0.0)]
    count = int(rng.integers(2, 6)) if steered else int(rng.random() < style.feint) * int(rng.choice([1, 1, 1, 2]))
    for late in range(count):
        reach = 45e3 if steered and late == 0 else rng.uniform(40e3, 200e3)
        left = speed * rng.uniform(90.0, 420.0) if steered and late < 2 else 1e4 * rng.lognormal(0.7, 0.7)
        found.append((neighbour(rng, places, found[-1][0], reach), max(left, 4e3)))
    return found[::-1]


def chain(rng: Generator, ground: Ground, style: Style, start: F64, goals: list[tuple[F64, float]]) -> F64:
    """Return the line (m, 2) through goals that are turned away from."""
    points = start[None]
    for place, remaining in goals:
        leg = route(rng, ground, style, points[-1], place)
        points = np.vstack([points[:-1], cut(leg, remaining) if remaining else leg])
    return points


class Plan(NamedTuple):
    """points (m, 2): the line; leaves: it ends outside the region, else on a goal."""

    points: F64
    leaves: bool


def plan(rng: Generator, ground: Ground, style: Style, trunk: F64, pace: tuple[float, bool]) -> Plan:
    """Return a line that begins with the trunk (m, 2); pace: speed m/s, steered."""
    goals, fate = stops(rng, ground, style, *pace), rng.random()
    leaves = fate < style.through + style.home
    if fate < style.through:
        across = course_to(trunk[0], np.zeros(2)) + rng.normal(0.0, 0.5)
        goals[-1] = (ground.outside(across, rng.uniform(20e3, 60e3)), 0.0)
    elif leaves:
        back = course_to(np.zeros(2), trunk[0]) + rng.normal(0.0, 0.3)
        goals[-1] = (goals[-1][0], rng.uniform(15e3, 150e3))
        goals.append((ground.outside(back, rng.uniform(20e3, 60e3)), 0.0))
    return Plan(np.vstack([trunk[:-1], chain(rng, ground, style, trunk[-1], goals)]), leaves)


def swerve(rng: Generator, points: F64, speed: float) -> F64:
    """Return the line with a step to one side in its last minutes, half of the time."""
    last, way = points[-1], points[-1] - points[-2]
    if rng.random() < 0.5 or np.hypot(*way) < 6e3:
        return points
    back = min(speed * rng.uniform(60.0, 300.0), 0.7 * float(np.hypot(*way)))
    aside = back * rng.uniform(0.2, 0.7) * rng.choice([-1.0, 1.0])
    course = course_to(points[-2], last)
    step = ahead(last, course + np.pi, back) + aside * side(course)
    return np.vstack([points[:-1], step, last])
