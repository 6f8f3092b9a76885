"""Peaceful traffic: airliners on airways, helicopters, light aircraft, gliders, birds, multirotors.

Everything is drawn from one generator per block of the file. Airways are the same for all blocks of a scenario.
"""

from collections.abc import Callable, Mapping
from math import cos, hypot, pi, radians, sin
from typing import NamedTuple

import numpy as np

from skywarden.sim.flight.way import Leg, Mode, Route, cruise_speed
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Scene, Traffic, Weather
from skywarden.sim.sky import Target

AIRWAYS = 4
LEVEL = 300.0  # m between two flight levels; one way on odd ones, the other on even ones
INSIDE = 0.9  # share of the area in which local traffic stays
SINK = 1 / 28  # of a glider between thermals, m down per m forward
LIFT = (0.8, 2.5)  # m/s, of thermals
HOVER_S = (40.0, 180.0)
SHORTEST = 5.0  # s that a leg counts at least, so that a tiny area is soon done with
FROM_THE_GROUND = 0.5  # share of helicopters and multirotors that take off during the scenario


class Area(NamedTuple):
    """Where and how long. half: m east and north from the middle to the edge; seconds; wind: m/s east, north."""

    half: tuple[float, float]
    seconds: float
    wind: tuple[float, float]
    airways: tuple[tuple[tuple[float, float], ...], ...]


def area(scene: Scene, seed: int) -> Area:
    """Return what all blocks of traffic share."""
    half = (500 * scene.scenario.area_km[0], 500 * scene.scenario.area_km[1])
    rng = np.random.default_rng([seed, 4])
    return Area(half, scene.scenario.duration_s, wind(scene.weather), tuple(_airway(half, rng) for _ in range(AIRWAYS)))


def wind(weather: Weather) -> tuple[float, float]:
    """Return m/s that the air moves east and north at 1,000 m, half of what the power law of 10 m says."""
    speed = 0.5 * weather.wind_m_s * (1 + 100**weather.wind_shear)
    toward = radians(weather.wind_from_deg + 180)
    return speed * sin(toward), speed * cos(toward)


def routes(block: Traffic, where: Area, seed: tuple[int, ...]) -> list[Route]:
    """Return the routes of one block of traffic. Addresses and serials are left to be given: 0, "?"."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(block.count):
        route = DRAWN[block.kind](where, rng)
        sends = bool(rng.random() < block.transponder)
        found.append(route._replace(target=_target(block.kind, sends, rng)))
    return found


def _target(kind: Kind, sends: bool, rng: np.random.Generator) -> Target:
    target = Target(kind.value, kind, False)
    if kind in (Kind.BIRDS, Kind.BIRD) or not sends:
        return target
    if kind is Kind.MULTIROTOR:
        return target._replace(serial="?", radio=True)
    squawk = "".join(str(digit) for digit in rng.integers(1, 7, 4)) if kind is Kind.AIRLINER else "7000"
    return target._replace(address=0, squawk=squawk)


def _airway(half: tuple[float, float], rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """Return way-points across the area, a little bent in the middle, from edge to edge and beyond."""
    bearing, reach = rng.uniform(0, 2 * pi), hypot(*half)
    middle = rng.uniform(-0.4, 0.4, 2) * half
    out = np.array([sin(bearing), cos(bearing)])
    back = np.array([sin(bearing + pi + rng.uniform(-0.3, 0.3)), cos(bearing + pi)])
    points = (middle + reach * out, middle, middle + reach * back)
    return tuple((float(east), float(north)) for east, north in points)


def _airliner(where: Area, rng: np.random.Generator) -> Route:
    """Along an airway, from a time before the scenario to its end."""
    points = np.array(where.airways[rng.integers(len(where.airways))])
    back = bool(rng.random() < 0.5)
    points = points[::-1] if back else points
    low, high = KINDS[Kind.AIRLINER].height
    step = int(rng.integers(int((high - low) / LEVEL / 2)))
    level = low + (2 * step + back) * LEVEL
    speed = cruise_speed(Kind.AIRLINER, rng.random())
    lengths = np.hypot(*np.diff(points, axis=0).T)
    begin = rng.uniform(-lengths.sum() / speed, where.seconds - 60)
    passed = max(0.0, -begin) * speed
    leg = min(int(np.searchsorted(np.cumsum(lengths), passed, "right")), len(lengths) - 1)
    share = (passed - lengths[:leg].sum()) / lengths[leg]
    start = points[leg] + share * (points[leg + 1] - points[leg])
    legs = tuple(Leg(float(east), float(north), level) for east, north in points[leg + 1 :])
    return _route(max(0.0, float(begin)), (float(start[0]), float(start[1]), level), legs, (speed, rng))


def _route(
    begin: float, start: tuple[float, float, float], legs: tuple[Leg, ...], own: tuple[float, np.random.Generator]
) -> Route:
    """own: speed and where the phase is drawn from."""
    return Route(Target("", Kind.AIRLINER, False), begin, start, legs, own[0], own[1].uniform(0, 2 * pi))


def _helicopter(where: Area, rng: np.random.Generator) -> Route:
    return _errands(Kind.HELICOPTER, where, 15e3, rng)


def _multirotor(where: Area, rng: np.random.Generator) -> Route:
    return _errands(Kind.MULTIROTOR, where, 400.0, rng)


def _errands(kind: Kind, where: Area, reach: float, rng: np.random.Generator) -> Route:
    """Fly from place to place within `reach` m of home and hover at every third; some begin on the ground."""
    speed = cruise_speed(kind, rng.random())
    home = _somewhere(where, rng)
    low, high = KINDS[kind].height
    height = float(rng.uniform(low, high))
    begin, first, legs = 0.0, height, []
    if rng.random() < FROM_THE_GROUND:
        begin, first = float(rng.uniform(0, 0.6 * where.seconds)), 0.0
        legs.append(Leg(*home, height, Mode.HOVER, 1.5 * height / KINDS[kind].climb + 5))
    here, flown = home, 0.0
    while flown < where.seconds - begin:
        there = _near(home, reach, where, rng)
        height = float(np.clip(height + rng.normal(0, 0.1 * (high - low)), low, high))
        flown += max(hypot(there[0] - here[0], there[1] - here[1]) / speed, SHORTEST)
        hover = (Mode.HOVER, float(rng.uniform(*HOVER_S))) if rng.random() < 1 / 3 else (Mode.PASS, 0.0)
        legs.append(Leg(*there, height, *hover))
        here = there
    return _route(begin, (*home, first), tuple(legs), (speed, rng))


def _light(where: Area, rng: np.random.Generator) -> Route:
    return _wandering(Kind.LIGHT, where, (8e3, 30e3), rng)


def _birds(where: Area, rng: np.random.Generator) -> Route:
    return _wandering(Kind.BIRDS, where, (300.0, 4e3), rng)


def _bird(where: Area, rng: np.random.Generator) -> Route:
    return _wandering(Kind.BIRD, where, (300.0, 4e3), rng)


def _wandering(kind: Kind, where: Area, lengths: tuple[float, float], rng: np.random.Generator) -> Route:
    """Fly legs of some length in changing directions, all the time."""
    speed = cruise_speed(kind, rng.random())
    low, high = KINDS[kind].height
    high = low + (high - low) * rng.random() ** 2
    start = _somewhere(where, rng)
    here, flown, legs = start, 0.0, []
    height = float(rng.uniform(low, high))
    first, bearing = height, rng.uniform(0, 2 * pi)
    while flown < 1.2 * where.seconds:
        length = float(rng.uniform(*lengths))
        bearing += rng.normal(0, 0.7)
        there = _kept(here[0] + length * sin(bearing), here[1] + length * cos(bearing), where)
        bearing = np.arctan2(there[0] - here[0], there[1] - here[1])
        height = float(np.clip(height + rng.normal(0, 0.15) * (high - low), low, high))
        flown += max(hypot(there[0] - here[0], there[1] - here[1]) / speed, SHORTEST)
        legs.append(Leg(*there, height))
        here = there
    return _route(0.0, (*start, first), tuple(legs), (speed, rng))


def _glider(where: Area, rng: np.random.Generator) -> Route:
    """Circle in a thermal that drifts with the wind, glide to the next one, and so on."""
    speed = cruise_speed(Kind.GLIDER, 0.3 * rng.random())
    radius = 1.5 * speed / KINDS[Kind.GLIDER].turn
    low, high = KINDS[Kind.GLIDER].height
    start = _somewhere(where, rng)
    here, height, flown, legs = start, float(rng.uniform(low, 0.6 * high)), 0.0, []
    first = height
    while flown < 1.2 * where.seconds:
        top = min(0.9 * high, height + float(rng.uniform(200, 800)))
        hold = (top - height) / float(rng.uniform(*LIFT)) + 20
        legs.append(Leg(*here, top, Mode.CIRCLE, hold, radius))
        reach = min(8e3, (top - 0.9 * low) / SINK)
        here = _near(here, reach, where, rng)
        height = max(0.5 * low, top - SINK * hypot(here[0] - legs[-1][0], here[1] - legs[-1][1]))
        legs.append(Leg(*here, height))
        flown += hold
    return _route(0.0, (*start, first), tuple(legs), (speed, rng))._replace(wind=where.wind)


def _somewhere(where: Area, rng: np.random.Generator) -> tuple[float, float]:
    east, north = INSIDE * rng.uniform(-1, 1, 2) * where.half
    return float(east), float(north)


def _near(home: tuple[float, float], reach: float, where: Area, rng: np.random.Generator) -> tuple[float, float]:
    """Return a point within `reach` m of home, but not very near, inside of the area."""
    away, bearing = reach * rng.uniform(0.3, 1.0), rng.uniform(0, 2 * pi)
    return _kept(home[0] + away * sin(bearing), home[1] + away * cos(bearing), where)


def _kept(east: float, north: float, where: Area) -> tuple[float, float]:
    """Return the point, mirrored at the edges as often as it takes to be inside."""
    return _mirrored(east, INSIDE * where.half[0]), _mirrored(north, INSIDE * where.half[1])


def _mirrored(value: float, limit: float) -> float:
    along = (value + limit) % (4 * limit)
    return along - limit if along <= 2 * limit else 3 * limit - along


DRAWN: Mapping[Kind, Callable[[Area, np.random.Generator], Route]] = {
    Kind.AIRLINER: _airliner,
    Kind.HELICOPTER: _helicopter,
    Kind.MULTIROTOR: _multirotor,
    Kind.LIGHT: _light,
    Kind.BIRDS: _birds,
    Kind.BIRD: _bird,
    Kind.GLIDER: _glider,
}
