"""Shapes that routes are made of: turns of limited rate, lateral steps, detours, circles, wandering; and their flying.

All on a level plane: m east and north of the middle of the region, courses in rad clockwise from north, curvature in
1/m, positive to the right. A way is first a list of parts (places to fly over, arcs to fly), then curvatures and
lengths (`follow`), then positions once a second (`fly`).
"""

from itertools import pairwise
from math import atan2, cos, hypot, sin, sqrt, tan, tau
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Generator = np.random.Generator
STEP = 2.0  # s, between the knots of the flown way; speed and height go straight between them
UNEVEN = 0.05  # of the speed
WAIT = 150e3  # m
ROUNDED = 11  # knots, over which a change of climb or dive is spread


class Arcs(NamedTuple):
    """curvature (m,) 1/m, length (m,) m: flown from wherever the one before ended."""

    curvature: F64
    length: F64


Part = F64 | Arcs  # (2,) m east north: fly over it


class Profile(NamedTuple):
    """How a way is flown: speed m/s and its bounds, levels m in their order, gradients of climb and of the end.

    lands: it comes down to the ground at its end.
    """

    speed: float
    bounds: tuple[float, float]
    levels: list[float]
    climb: float
    dive: float
    lands: bool


def side(course: float) -> F64:
    """Return the direction to the right of a course, (2,) east north."""
    return np.array([cos(course), -sin(course)])


def course_to(start: F64, end: F64) -> float:
    """Return the course from one place to another."""
    return atan2(end[0] - start[0], end[1] - start[1])


def length_of(points: F64) -> float:
    """Return the length of a line through points (m, 2)."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def ahead(place: F64, course: float, distance: float) -> F64:
    """Return the place a distance away on a course."""
    return place + distance * np.array([sin(course), cos(course)])


def cut(points: F64, remaining: float) -> F64:
    """Return the line (m, 2) without its last `remaining` metres; its first tenth stays in any case."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    end = max(way[-1] - remaining, 0.1 * way[-1])
    kept = way < end
    last = [np.interp(end, way, points[:, 0]), np.interp(end, way, points[:, 1])]
    return np.vstack([points[kept], last])


def lateral(rng: Generator, points: F64, size: float, spacing: float) -> F64:
    """Return the line with lateral steps of about `size` m, one in `spacing` m of way on average.

    A leg's steps zigzag, shift it again and again, or bulge to one side.
    """
    kept = [points[0]]
    for start, end in pairwise(points):
        leg = hypot(*(end - start))
        count = min(int(rng.poisson(leg / spacing)), 8)
        if count and leg > 25e3:
            across = side(course_to(start, end))
            offsets = size * rng.lognormal(0.0, 0.4, count) * rng.choice([-1.0, 1.0])
            form = rng.integers(3)
            if form == 0:
                offsets *= (-1.0) ** np.arange(count)
            elif form == 1:
                offsets = np.cumsum(offsets * rng.choice([-1.0, 1.0], count))
            offsets = np.clip(offsets, -0.8 * leg / (count + 1), 0.8 * leg / (count + 1))
            parts = (np.arange(count) + rng.uniform(0.15, 0.85, count)) / count
            kept += [
                start + part * (end - start) + offset * across for part, offset in zip(parts, offsets, strict=True)
            ]
        kept.append(end)
    return np.array(kept)


def detour(rng: Generator, points: F64, circles: F64, wrong: float) -> F64:
    """Return the line led round circles (g, 3): east, north, radius m; `wrong`: the chance of the longer side.

    A circle round a leg's end stays crossed: there it must go.
    """
    kept = [points[0]]
    for start, end in pairwise(points):
        leg, along = hypot(*(end - start)), end - start
        found = []
        for *middle, radius in circles:
            part = float(np.dot(middle - start, along)) / max(leg, 1.0) ** 2
            off = start + part * along - middle
            near, ends = hypot(*off), min(hypot(*(start - middle)), hypot(*(end - middle)))
            if 0.0 < part < 1.0 and near < radius < ends:
                away = off / max(near, 1.0) * (-1.0 if rng.random() < wrong else 1.0)
                found.append((part, middle + away * radius * rng.uniform(1.05, 1.4)))
        kept += [place for _, place in sorted(found, key=lambda one: one[0])]
        kept.append(end)
    return np.array(kept)


def meander(rng: Generator, size: float) -> F64:
    """Return a river through the middle part of a region of that half size: (m, 2), 10 km between its points."""
    course = rng.uniform(0.0, tau)
    place = ahead(rng.uniform(-0.5, 0.5, 2) * size, course + np.pi, 1.3 * size)
    bends, bend = [place], 0.0
    for _ in range(int(2.6 * size / 10e3)):
        bend = 0.85 * bend + rng.normal(0.0, 0.22)
        place = ahead(place, course + bend, 10e3)
        bends.append(place)
    return np.array(bends)


def circles(rng: Generator, radius: float) -> Arcs:
    """Return one to eight turns of waiting: round circles, racetracks or figures of eight of about a radius m.

    More than one turn only if the way is no longer than WAIT.
    """
    form, curve = rng.integers(3), rng.choice([-1.0, 1.0]) / radius
    if form == 0:
        one = np.array([[curve, tau * radius]])
    elif form == 1:
        straight = rng.uniform(1.0, 6.0) * radius
        one = np.array([[curve, np.pi * radius], [0.0, straight]] * 2)
    else:
        one = np.array([[curve, tau * radius], [-curve, tau * radius]])
    turns = min(int(rng.integers(1, 9)), int(WAIT / one[:, 1].sum()))
    every = np.tile(one, (max(turns, 1), 1))
    return Arcs(every[:, 0], every[:, 1])


def wander(rng: Generator, length: float, radius: float) -> Arcs:
    """Return a way without a goal, of a length m, its turns at least of a radius m."""
    curvature, lengths = [], []
    while sum(lengths) < length:
        sharp = radius * rng.lognormal(1.0, 0.9) + radius
        curvature += [rng.choice([-1.0, 1.0]) / sharp, 0.0]
        lengths += [sharp * rng.uniform(0.2, 3.0), rng.exponential(6.0 * radius)]
    return Arcs(np.array(curvature), np.array(lengths))


def turn_to(pose: tuple[float, float, float], place: F64, radius: float) -> tuple[float, float, float]:
    """Return curvature, length of the turn and of the straight way after it that lead to a place; the shorter hand.

    pose: m east, m north, course. A place within one hand's circle is reached by the other hand.
    Source: a turn and a straight line are the CS path of Dubins 1957, its last course free.
    """
    east, north, course = pose
    best = (0.0, 0.0, np.inf)
    for hand in (1.0, -1.0):
        right, forward = place[0] - east - hand * radius * cos(course), place[1] - north + hand * radius * sin(course)
        distance = hypot(right, forward)
        if distance < radius:
            continue
        straight = sqrt(distance * distance - radius * radius)
        touch = atan2(right, forward) - hand * atan2(straight, radius)
        sweep = hand * (touch - (course - hand * np.pi / 2)) % tau
        sweep = 0.0 if sweep > tau - 1e-6 else sweep
        if radius * sweep + straight < best[1] + best[2]:
            best = (hand / radius, radius * sweep, straight)
    return best


def moved(pose: tuple[float, float, float], curvature: float, length: float) -> tuple[float, float, float]:
    """Return the pose after an arc."""
    east, north, course = pose
    half = 0.5 * curvature * length
    chord = length * (sin(half) / half if abs(half) > 1e-9 else 1.0)
    return east + chord * sin(course + half), north + chord * cos(course + half), course + 2.0 * half


def follow(rng: Generator, parts: list[Part], radius: float, early: bool) -> Arcs:
    """Return the way over the parts, from the first one (a place) towards the second (a place too).

    early: turns begin before a place, so that they end on the next leg; else over it. A place that is nearer than
    four radii to the one before or to the last one is left out, so no way curls for the sake of one.
    """
    last = parts[-1]
    pose = (float(parts[0][0]), float(parts[0][1]), course_to(parts[0], parts[1]))
    curvature, length = [], []
    for part, after in zip(parts[1:], [*parts[2:], None], strict=True):
        if isinstance(part, Arcs):
            legs = list(zip(part.curvature.tolist(), part.length.tolist(), strict=True))
        else:
            far = hypot(part[0] - pose[0], part[1] - pose[1])
            crowded = not isinstance(last, Arcs) and hypot(*(part - last)) < 4.0 * radius
            if after is not None and (far < 4.0 * radius or crowded):
                continue
            curve, arc, straight = turn_to(pose, part, radius)
            if early and after is not None and not isinstance(after, Arcs):
                bend = abs((course_to(part, after) - course_to(np.array(pose[:2]), part) + np.pi) % tau - np.pi)
                straight -= min(0.45 * straight, radius * tan(0.5 * min(bend, 2.2)))
            legs = [(curve, arc), (0.0, straight)]
        for curve, arc in legs:
            curvature.append(curve)
            length.append(arc)
            pose = moved(pose, curve, arc)
    return Arcs(np.array(curvature), np.array(length))


def woven(rng: Generator, arcs: Arcs, amplitude: float, radius: float) -> Arcs:
    """Return the way with its long straight parts woven of gentle arcs that come back to the line.

    A quarter, a half to the other hand and a quarter close to the line with the old course. Length is added for what
    the way is longer than the line: (curvature * quarter)^2 / 6 of it, the mean of half the squared course.
    """
    curvature, length = [], []
    for curve, arc in zip(arcs.curvature.tolist(), arcs.length.tolist(), strict=True):
        count = int(arc / 12e3) if curve == 0.0 and amplitude > 0.0 else 0
        if count == 0:
            curvature.append(curve)
            length.append(arc)
            continue
        quarters = rng.dirichlet(np.full(count, 6.0)) * arc / 4.0
        bends = np.minimum(amplitude * rng.uniform(0.2, 1.0, count) / quarters**2, 0.1 / radius)
        bends, quarters = bends * rng.choice([-1.0, 1.0], count), quarters * (1.0 + (bends * quarters) ** 2 / 6.0)
        curvature += (bends[:, None] * [1.0, -1.0, 1.0]).ravel().tolist()
        length += (quarters[:, None] * [1.0, 2.0, 1.0]).ravel().tolist()
    return Arcs(np.array(curvature), np.array(length))


def along(arcs: Arcs, start: F64, course: float, way: F64) -> F64:
    """Return the places (n, 2) at n lengths of way, m, from a start on a course."""
    bends = arcs.curvature * arcs.length
    courses = course + np.concatenate([[0.0], np.cumsum(bends)])[:-1]
    begins = np.concatenate([[0.0], np.cumsum(arcs.length)])[:-1]
    chord = arcs.length * np.sinc(bends / tau)
    steps = chord[:, None] * np.column_stack([np.sin(courses + bends / 2), np.cos(courses + bends / 2)])
    places = start + np.vstack([[0.0, 0.0], np.cumsum(steps, axis=0)])[:-1]
    arc = np.clip(np.searchsorted(begins, way, side="right") - 1, 0, None)
    part = way - begins[arc]
    half = 0.5 * arcs.curvature[arc] * part
    chord = part * np.sinc(half / np.pi)
    return places[arc] + chord[:, None] * np.column_stack([np.sin(courses[arc] + half), np.cos(courses[arc] + half)])


def heights(rng: Generator, way: F64, profile: Profile, begin: float) -> F64:
    """Return heights m (n,) at n lengths of way: from `begin` m through the levels, each change at its gradient."""
    total = way[-1]
    changes = np.sort(rng.uniform(0.05, 0.95, len(profile.levels) - 1)) * total
    knots, level = [(0.0, begin)], begin
    for at, new in zip([0.0, *changes], profile.levels, strict=True):
        start = max(at, knots[-1][0])
        knots += [(start, level), (start + abs(new - level) / profile.climb, new)]
        level = new
    height = np.interp(way, *np.array(knots).T)
    for _ in range(2):
        ripple = np.sin(way * tau / rng.uniform(4e3, 30e3) + rng.uniform(0, tau))
        height += rng.uniform(0.0, 1.0) * np.minimum(0.06 * height, 20.0) * ripple
    if profile.lands:
        height = np.minimum(height, (total - way) * profile.dive)
    half = min(ROUNDED // 2, len(way) - 1)
    padded = np.pad(height, half, mode="reflect", reflect_type="odd")  # so both ends stay as they are
    return np.convolve(padded, np.full(2 * half + 1, 1.0 / (2 * half + 1)), mode="valid")


def fly(rng: Generator, arcs: Arcs, start: F64, course: float, profile: Profile) -> F64:
    """Return positions once a second, (n, 3) m east north up, of the way as flown.

    Speed (that in space, climbing and diving too) strays by at most UNEVEN over minutes and stays in its bounds.
    It begins on the ground if it climbs into the air here, which the first of its levels says: 0.
    """
    total = float(arcs.length.sum())
    way = np.linspace(0.0, total, max(int(total / profile.speed / STEP), 2) + 1)
    on_ground = profile.levels[0] == 0.0
    levels = profile.levels[1:] if on_ground else profile.levels
    height = heights(rng, way, profile._replace(levels=levels), 0.0 if on_ground else levels[0])
    minutes = rng.uniform(2.0, 12.0, 3) * 60.0 * profile.speed
    waves = np.sin(way[:, None] * tau / minutes + rng.uniform(0.0, tau, 3)).mean(axis=1)
    speed = np.clip(profile.speed * (1.0 + UNEVEN * waves), *profile.bounds)
    space = np.hypot(np.diff(way), np.diff(height))
    time = np.concatenate([[0.0], np.cumsum(space / (0.5 * (speed[1:] + speed[:-1])))])
    seconds = np.arange(int(time[-1]) + 1.0)
    flown = np.interp(seconds, time, way)
    return np.column_stack([along(arcs, start, course, flown), np.interp(seconds, time, height)])


def trimmed(arcs: Arcs, longest: float) -> Arcs:
    """Return the first `longest` metres of a way."""
    begins = np.concatenate([[0.0], np.cumsum(arcs.length)])[:-1]
    kept = begins < longest
    return Arcs(arcs.curvature[kept], np.minimum(arcs.length, longest - begins)[kept])
