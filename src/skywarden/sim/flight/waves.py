"""The plan of a raid: waves in groups, from several directions, each flier with its own route to a site.

Everything is drawn from one generator per wave, so that a change of one wave leaves the others as they are.
"""

from collections.abc import Iterator, Sequence
from math import ceil, pi
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64
from skywarden.sim.flight.way import Leg, Mode, Route, cruise_speed
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.reported import drawn_directions, drawn_size
from skywarden.sim.scene.settings import SceneSite, Wave
from skywarden.sim.sky import Target

BEND = 0.12  # way-points lie off the straight line by up to this share of the distance
LAST = 0.8  # share of the way after which there is no way-point
ROOM = 5.0  # turning radii between two way-points, at least
AIM, DECOY_AIM = 0.4, 1.5  # how far from the middle of the site they come down, as a share of its radius
CLOSE_KM = 5.0  # multirotors start no farther away than this
LOITER_S = (120.0, 600.0)
HOVER_S = (20.0, 120.0)


class Course(NamedTuple):
    """What a group has in common. origin, goal: (2,) m on the chart; bearing: rad, from the goal to the origin."""

    goal: F64
    bearing: float
    begin: float
    kind: Kind
    site: SceneSite


def size(wave: Wave, rng: np.random.Generator) -> int:
    """Return how many fly in a wave."""
    return wave.count or drawn_size(wave.kind, wave.quarter, rng)


def routes(wave: Wave, sites: Sequence[SceneSite], seed: Sequence[int]) -> list[Route]:
    """Return the routes of a wave of anything but ballistic missiles. seed: of the wave."""
    rng = np.random.default_rng(seed)
    count = size(wave, rng)
    found: list[Route] = []
    for course in courses(wave, sites, ceil(count / wave.group), rng):
        members = min(wave.group, count - len(found))
        draw = _close if wave.kind is Kind.MULTIROTOR else _far
        found += draw(wave, course, members, rng)
    return found


def courses(wave: Wave, sites: Sequence[SceneSite], groups: int, rng: np.random.Generator) -> Iterator[Course]:
    """Yield what each group has in common, in the order of their start."""
    chosen = [site for site in sites if not wave.sites or site.name in wave.sites]
    weight = np.array([1.0 if wave.sites else max(site.importance, 1e-9) for site in chosen])
    site_of = rng.choice(len(chosen), groups, p=weight / weight.sum())
    if wave.from_deg:
        bearings = np.radians(wave.from_deg)
    else:
        bearings = rng.uniform(0, 2 * pi, min(drawn_directions(rng), groups))
    bearing = rng.permutation(np.resize(bearings, groups)) + rng.normal(0, 0.03, groups)
    share = np.sort(rng.random(groups))
    share[0] = 0.0
    if groups > 1:
        share[-1] = 1.0
    for k in range(groups):
        site = chosen[site_of[k]]
        begin = wave.start_s + wave.spread_s * float(share[k])
        yield Course(1e3 * np.array(site.at_km), float(bearing[k]), begin, wave.kind, site)


def _far(wave: Wave, course: Course, members: int, rng: np.random.Generator) -> list[Route]:
    """Return the routes of a group that comes from far away."""
    speed = cruise_speed(wave.kind, rng.random(), wave.speed_m_s)
    radius = speed / KINDS[wave.kind].turn
    away = 1e3 * wave.distance_km
    out = np.array([np.sin(course.bearing), np.cos(course.bearing)])
    right = np.array([-out[1], out[0]])  # as seen on the way in
    count = min(wave.waypoints, max(0, int(LAST * away / (ROOM * radius))))
    heights = _heights(wave, count + 1, rng)
    points = []
    for share in np.linspace(0, LAST, count + 2)[1:-1] if count else ():
        points.append(course.goal + away * ((1 - share) * out + rng.uniform(-BEND, BEND) * right))
    begin = np.array([*(course.goal + away * out), heights[0]])
    circled = int(rng.integers(count)) if count and rng.random() < wave.loiter else -1
    hold, phase = rng.uniform(*LOITER_S), rng.uniform(0, 2 * pi)
    found = []
    for member in range(members):
        aside = _formation(member, wave.spacing_m, out, right)
        target = _target(wave, course, rng)
        legs = []
        for k, (point, height) in enumerate(zip(points, heights[1:], strict=True)):
            east, north = point + aside
            circle = (Mode.CIRCLE, hold, 1.5 * radius) if k == circled else (Mode.PASS, 0.0, 0.0)
            legs.append(Leg(east, north, height, *circle))
        east, north = course.goal + _aim(course.site, target.kind, rng)
        legs.append(Leg(east, north, heights[-1], Mode.END))
        start = (float(begin[0] + aside[0]), float(begin[1] + aside[1]), float(begin[2]))
        found.append(Route(target, course.begin, start, tuple(legs), speed, phase))
    return found


def _close(wave: Wave, course: Course, members: int, rng: np.random.Generator) -> list[Route]:
    """Return the routes of multirotors: up, near, wait, in."""
    found = []
    for _ in range(members):
        speed = cruise_speed(wave.kind, rng.random(), wave.speed_m_s)
        away = 1e3 * min(wave.distance_km, CLOSE_KM) * rng.uniform(0.5, 1.0)
        bearing = course.bearing + rng.normal(0, 0.2)
        begin = course.goal + away * np.array([np.sin(bearing), np.cos(bearing)])
        near = course.goal + min(0.3 * away, 800.0) * np.array([np.sin(bearing + 0.3), np.cos(bearing + 0.3)])
        near = near + rng.normal(0, 50, 2)
        up, low = _heights(wave, 2, rng)
        target = _target(wave, course, rng)
        end = course.goal + _aim(course.site, target.kind, rng)
        legs = (
            Leg(begin[0], begin[1], up, Mode.HOVER, 1.5 * up / KINDS[wave.kind].climb + 5),
            Leg(near[0], near[1], up, Mode.HOVER, rng.uniform(*HOVER_S)),
            Leg(end[0], end[1], low, Mode.END),
        )
        found.append(Route(target, course.begin, (begin[0], begin[1], 0.0), legs, speed, rng.uniform(0, 2 * pi)))
    return found


def _heights(wave: Wave, count: int, rng: np.random.Generator) -> list[float]:
    """Return m above the ground, low ones more often than high ones; one flight stays near one of them."""
    low, high = wave.height_m if wave.height_m != (0.0, 0.0) else KINDS[wave.kind].height
    middle = low + (high - low) * rng.random() ** 2
    drawn = np.clip(middle * rng.uniform(0.7, 1.3, count), low, high)
    return [float(height) for height in drawn]


def _formation(member: int, spacing: float, out: F64, right: F64) -> F64:
    """Return (2,) m off the leader: in a V, the second on the right, the third on the left, and so on."""
    rank = (member + 1) // 2
    side = 1 if member % 2 else -1
    return np.asarray(rank * spacing * (side * right + out) / np.sqrt(2))


def _aim(site: SceneSite, kind: Kind, rng: np.random.Generator) -> F64:
    """Return (2,) m from the middle of the site where a flier comes down."""
    reach = site.radius_m * (DECOY_AIM if kind is Kind.DECOY else AIM)
    angle = rng.uniform(0, 2 * pi)
    return np.asarray(reach * np.sqrt(rng.random()) * np.array([np.sin(angle), np.cos(angle)]))


def _target(wave: Wave, course: Course, rng: np.random.Generator) -> Target:
    kind = Kind.DECOY if rng.random() < wave.decoys else wave.kind
    return Target(wave.name, kind, True, course.site.name, wave.name, radio=bool(rng.random() < wave.radio))
