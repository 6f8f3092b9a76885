"""Routes flown over the ground, second by second: turns, speeds, circles, hovering. Heights are `profile`'s.

Motion on the ellipsoid: dlatitude/dt = north / M, dlongitude/dt = east / (N cos latitude), M and N the radii of
curvature in the meridian and across it (NIMA TR8350.2, section 4). Over one second the turn rate is constant, so the
way is an arc and its chord v sin(w/2) / (w/2) long.
"""

from math import atan2, cos, hypot, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64

PASS, CIRCLE, HOVER, END = 0, 1, 2, 3  # `way.Mode`, as the kernels know it
SETTLE = 2.0  # s in which a heading error falls to 1/e
SLOW = 0.7  # share of the acceleration that braking counts on
DIVE = 0.9  # share of the highest rate of descent, so that no rounding goes beyond it
NEAR = 5.0  # m; from here on a hovering flier brakes to a stop
SWINGS = ((1.0, 0.0), (0.37, 1.7))  # of the period, of the phase: two swings that do not repeat soon
PERIOD = 150.0  # s, of the slower one


class Course(NamedTuple):
    """n routes with m legs, packed. Angles rad, lengths m, times whole seconds.

    begin, until: (n,) int64 first and last second; row: (n,) int64 where its rows begin; leg: (n + 1,) int64 where its
    legs begin. start: (n, 3) latitude, longitude, height; wind: (n, 2) m/s; own: (n, 8) speed, turn, acceleration,
    meander, wander, phase, dive m/s, smooth s. place: (m, 3) latitude, longitude, height; mode: (m,) int64; hold,
    radius: (m,).
    """

    begin: I64
    until: I64
    row: I64
    leg: I64
    start: F64
    wind: F64
    own: F64
    place: F64
    mode: I64
    hold: F64
    radius: F64


class Flown(NamedTuple):
    """Rows of all fliers: (N,) each. east, north: m/s at height 0; height: wanted.

    rows, dive: (n,) int64: rows written, and the first one of the last dive (as many if there is none).
    """

    latitude: F64
    longitude: F64
    east: F64
    north: F64
    height: F64
    rows: I64
    dive: I64


@inner
def radii(latitude: float) -> tuple[float, float]:
    """Return M and N, m."""
    w = 1.0 - ECCENTRICITY2 * sin(latitude) ** 2
    return SEMI_MAJOR * (1.0 - ECCENTRICITY2) / (w * sqrt(w)), SEMI_MAJOR / sqrt(w)


@inner
def swing(time: float, phase: float) -> float:
    """Return a slow change between -1 and 1."""
    both = sin(2 * pi * time / PERIOD + phase) + sin(2 * pi * time / (0.37 * PERIOD) + 1.7 * phase)
    return 0.5 * both


@inner
def within(value: float, limit: float) -> float:
    """Return `value` between -limit and limit."""
    return max(-limit, min(limit, value))


@inner
def turning(aim: float, distance: float, heading: float, v: float, what: tuple[int, float, float]) -> float:
    """Return the turn rate. aim: bearing of the leg's end; what: mode, radius of its circles, highest rate."""
    mode, radius, most = what
    feed = 0.0
    if mode == CIRCLE:  # centre on the right
        off = within((distance - radius) / radius, 1.0)
        aim -= pi / 2 * (1.0 - off)
        feed = v / radius if abs(off) < 0.5 else 0.0
    error = (aim - heading + pi) % (2 * pi) - pi
    if mode == HOVER and distance < NEAR:
        return 0.0
    if mode in (PASS, END) and distance < 2.2 * v / most and abs(error) > 1.4:
        return 0.0  # too near to turn in: fly away first
    return within(feed + error / SETTLE, most)


@inner
def wanted_height(here: tuple[float, float, float], leg: tuple[int, float, float], ended: tuple[float, float]) -> float:
    """Return the height to be at. here: height at the leg's begin, its length, what is left of it.

    leg: mode, height at its end, share of the hold that is over; ended: slope of the last dive, m before the end at
    which it reaches the ground.
    """
    before, length, left = here
    mode, after, held = leg
    if mode in (CIRCLE, HOVER):
        return before + (after - before) * held
    done = 1.0 - left / length if length > 0.0 else 1.0
    height = before + (after - before) * max(0.0, min(1.0, done))
    if mode == END:
        return min(height, max(0.0, left - ended[1]) * ended[0])
    return height


@inner
def wanted_speed(usual: float, mode: int, distance: float, braking: float) -> float:
    """Return m/s: usual, less when it comes to hover."""
    if mode != HOVER:
        return usual
    if distance < NEAR:
        return 0.0
    return min(usual, sqrt(2.0 * SLOW * braking * distance), 0.7 * distance)


@inner
def arrived(mode: int, distance: float, v: float, most: float, radius: float) -> bool:
    """Return whether the end of a leg is reached; for a circle or hovering: whether that begins."""
    if mode == CIRCLE:
        return distance < 1.3 * radius
    if mode == HOVER:
        return distance < NEAR and v < 0.5
    if mode == END:
        return distance <= v
    return distance <= max(v, 0.7 * v / most)


@inner
def ahead(course: Course, leg: int, latitude: float, longitude: float) -> tuple[float, float]:
    """Return m east and north from here to the end of a leg."""
    meridian, across = radii(latitude)
    east = (course.place[leg, 1] - longitude) * across * cos(0.5 * (latitude + course.place[leg, 0]))
    return east, (course.place[leg, 0] - latitude) * meridian


@inner
def moved(here: tuple[float, float], east: float, north: float) -> tuple[float, float]:
    """Return latitude and longitude after m east and north."""
    latitude, longitude = here
    meridian, across = radii(latitude)
    return latitude + north / meridian, longitude + east / (across * cos(latitude + 0.5 * north / meridian))


@inner
def height_now(course: Course, i: int, leg: int, state: tuple[float, float, float, float]) -> tuple[float, bool]:
    """Return the wanted height, and whether the last dive has begun. state: height before, length, left, held."""
    before, length, left, held = state
    usual, dive, smooth = course.own[i, 0], course.own[i, 6], course.own[i, 7]
    mode = course.mode[leg]
    share = min(1.0, held / course.hold[leg]) if course.hold[leg] > 0.0 else 1.0
    slope = (DIVE * dive / usual, 2.0 * smooth * usual)
    height = wanted_height((before, length, left), (mode, course.place[leg, 2], share), slope)
    return height, mode == END and (left - slope[1]) * slope[0] <= height


@inner
def stride(heading: float, v: float, w: float, faster: float) -> tuple[float, float]:
    """Return m east and north flown in one second along an arc."""
    middle, chord = heading + 0.5 * w, v + 0.5 * faster
    if abs(w) > 1e-9:
        chord *= sin(0.5 * w) / (0.5 * w)
    return chord * sin(middle), chord * cos(middle)


@inner
def steered(course: Course, i: int, leg: int, state: tuple[float, float, float, float, float]) -> tuple[float, float]:
    """Return turn rate and change of speed. state: time, m east and north to go, heading, speed."""
    time, east, north, heading, v = state
    usual, most, braking, meander, wander, phase = course.own[i, :6]
    mode, distance = course.mode[leg], hypot(east, north)
    aim = atan2(east, north) + meander * swing(time, phase)
    w = turning(aim, distance, heading, v, (mode, course.radius[leg], most))
    speed = wanted_speed(usual * (1.0 + wander * swing(time, phase + 2.0)), mode, distance, braking)
    return w, within(speed - v, braking)


@inner
def one(i: int, course: Course, flown: Flown) -> None:
    """Fly route `i`."""
    usual, most, wind = course.own[i, 0], course.own[i, 1], course.wind[i]
    latitude, longitude, before = course.start[i]
    leg, k, diving, v = course.leg[i], course.row[i], False, usual
    east, north = ahead(course, leg, latitude, longitude)
    heading, length = atan2(east, north), hypot(east, north)
    if course.mode[leg] == HOVER and length < NEAR:
        v = 0.0
    held, holding = 0.0, False
    for time in range(course.begin[i], course.until[i] + 1):
        mode = course.mode[leg]
        stays = mode in (CIRCLE, HOVER)
        east, north = ahead(course, leg, latitude, longitude)
        if mode == CIRCLE:  # its middle goes with the wind
            east, north = east + held * wind[0], north + held * wind[1]
        left = hypot(east, north)
        height, dives = height_now(course, i, leg, (before, length, left, held))
        if dives and not diving:
            flown.dive[i], diving = k - course.row[i], True
        flown.latitude[k], flown.longitude[k], flown.height[k] = latitude, longitude, height
        flown.east[k], flown.north[k] = v * sin(heading) + wind[0], v * cos(heading) + wind[1]
        k += 1
        if leg == course.leg[i + 1] - 1 and holding and (not stays or held >= course.hold[leg]):
            break
        holding = holding or arrived(mode, left, v, most, course.radius[leg])
        if holding and stays:
            held += 1.0
        w, faster = steered(course, i, leg, (time, east, north, heading, v))
        along = stride(heading, v, w, faster)
        latitude, longitude = moved((latitude, longitude), along[0] + wind[0], along[1] + wind[1])
        heading, v = heading + w, v + faster
        if holding and leg < course.leg[i + 1] - 1 and (not stays or held >= course.hold[leg]):
            leg, before, held, holding = leg + 1, height, 0.0, False
            length = hypot(*ahead(course, leg, latitude, longitude))
    flown.rows[i] = k - course.row[i]
    if not diving:
        flown.dive[i] = flown.rows[i]


@kernel
def steer(course: Course, flown: Flown) -> None:
    """Fly all routes; write their rows to `flown`, from `course.row` on."""
    for i in range(len(course.begin)):
        one(i, course, flown)


def blank(rows: int, fliers: int) -> Flown:
    """Return a `Flown` to be written to."""
    return Flown(*np.empty((5, rows)), *np.zeros((2, fliers), np.int64))
