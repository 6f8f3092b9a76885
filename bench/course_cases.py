"""Cases of courses: what a forecaster sees of the targets of made-up raids, and what came of it.

A target is seen from where it first is within 60 km of a site, with errors of 60 m and 2 m/s in each direction (1
sigma, new each time), every 10 s. A case is one target at one time and one site that it has not reached: near ones
all, of those over 240 s away one in three. What a target did within a site's radius, or after its path ended, is none.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from route_shapes import F64
from route_world import CIVIL, Flight, Raid, arrivals, raid
from scipy.signal import lfilter

from skywarden.model.assessment import Class
from skywarden.threat.course import Course, Passing, courses
from skywarden.threat.past import FADES_S

KINDS = (Class.UAV_PISTON, Class.UAV_JET, Class.CRUISE, Class.DECOY, *CIVIL)
SEEN, PLACE, VELOCITY = 60e3, 60.0, 2.0  # m, m, m/s
STEP, NEAR, THIN = 10, 240.0, 3  # s, s, one in so many of those farther away
HORIZON = 2700.0  # s
RADII = (500.0, 20_000.0)  # m
LEAST = 20  # s that a flight is seen at least


class Cases(NamedTuple):
    """n cases. course: (n,) each. straight: (n,) s to the edge or closest approach, NaN where it flies away.

    arrival: (n,) s, inf: never. kind: index in KINDS. raid, flight: numbers; site: index.
    """

    course: Course
    straight: F64
    arrival: F64
    kind: F64
    raid: F64
    flight: F64
    site: F64

    def take(self, rows: np.ndarray) -> "Cases":
        return Cases(Course(*(column[rows] for column in self.course)), *(column[rows] for column in self[1:]))


def together(some: Iterable[Cases]) -> Cases:
    """Return all cases in one, in single precision: there are millions."""
    every = list(some)
    course = Course(*(np.concatenate(columns) for columns in zip(*(one.course for one in every), strict=True)))
    return Cases(course, *(np.concatenate(columns) for columns in zip(*(one[1:] for one in every), strict=True)))


def of_raids(seeds: Iterable[int], steered: bool = False, varied: bool = False) -> Cases:
    """Return the cases of raids. varied: every other site has a radius of its own, not the 3 km that all have."""
    found = []
    for seed in seeds:
        made, rng = raid(seed, steered), np.random.default_rng(1_000_000 + seed)
        if varied:
            radius = np.exp(rng.uniform(*np.log(RADII), len(made.radius)))
            made = made._replace(radius=np.where(rng.random(len(radius)) < 0.5, made.radius, radius))
        for number, flight in enumerate(made.targets):
            found += of_flight(made, flight, rng, (seed, number))
    return together(found)


def of_flight(made: Raid, flight: Flight, rng: np.random.Generator, name: tuple[int, int]) -> list[Cases]:
    """Return the cases of one target; none if it is hardly seen."""
    path = flight.path[:, :2]
    close = np.flatnonzero(distances(path[::STEP], made.sites).min(axis=1) < SEEN)
    first = close[0] * STEP if len(close) else len(path)
    path = path[first:]
    if len(path) < LEAST:
        return []
    velocity = np.gradient(path, axis=0) + rng.normal(0.0, VELOCITY, path.shape)
    past = faded(np.column_stack([velocity, np.hypot(*velocity.T)]))
    at = np.arange(STEP // 2, len(path) - 1, STEP)
    place = path[at] + rng.normal(0.0, PLACE, (len(at), 2))
    now = velocity[at]
    came = arrivals(flight, made.sites, made.radius) - flight.begin - first
    left = came - at[:, None]
    away = distances(place, made.sites) - made.radius
    soon = away / np.hypot(*now.T)[:, None]
    some = (away > 0.0) & (left > 0.0) & (soon < HORIZON)
    some &= (soon < NEAR) | (np.arange(len(at)) % THIN == 0)[:, None]
    row, site = np.nonzero(some)
    of = Passing(place[row] - made.sites[site], now[row], past[at[row], :2], past[at[row], 2], made.radius[site])
    name_columns = (np.full(len(row), value, np.float32) for value in (KINDS.index(flight.kind), *name))
    course = Course(*(column.astype(np.float32) for column in courses(of)))
    return [Cases(course, straight(of), left[row, site].astype(np.float32), *name_columns, site.astype(np.float32))]


def faded(values: F64) -> F64:
    """Return the fading means of values, one a second, as `threat.past` has them."""
    keeps = np.exp(-1.0 / FADES_S)
    weights = 1.0 - keeps ** np.arange(1.0, len(values) + 1.0)
    return np.asarray(lfilter([1.0 - keeps], [1.0, -keeps], values, axis=0) / weights[:, None])


def distances(places: F64, sites: F64) -> F64:
    """Return (n, s) m between places (n, 2) and sites (s, 2)."""
    return np.hypot(*(places[:, None] - sites).transpose(2, 0, 1))


def straight(of: Passing) -> F64:
    """Return s to the edge of the radius on a straight line or, if it misses, to closest approach; NaN flying away."""
    speed = np.hypot(*of.velocity.T)
    ahead = -(of.offset * of.velocity).sum(1) / speed
    beside = np.abs(of.offset[:, 0] * of.velocity[:, 1] - of.offset[:, 1] * of.velocity[:, 0]) / speed
    edge = ahead - np.sqrt(np.maximum(of.radius**2 - beside**2, 0.0))
    return np.where(ahead > 0.0, edge / speed, np.nan).astype(np.float32)
