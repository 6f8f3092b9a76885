"""With what probability who comes straight at a site is seen in time: each sector, layer and speed.

A way leads at one height and speed straight to the site. Who is warned needs the lead time, so what counts is the part
before the last point at which it helps: CROSSING seconds of flight. On it each look of a sensor that can see there is
a hit with the sensor's Pd, and each microphone that it passes one. Seen is whoever has `hits` of them: so many make a
track. With p_j the probability of exactly j hits of a sensor,

    q_0 = BLIND + (1 - BLIND) p_0, q_j = (1 - BLIND) p_j;  P(seen) = 1 - sum over j < hits of (q' * q'' * ...)_j,

the convolution over sensors: who is not seen by one at all may have a reason that holds for all its looks. All the
single microphones are one sensor in this. Each sensor can only add. Source: DESIGN.md, section 6.
"""

from math import cos, exp, inf, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

from skywarden.geo.earth import SEMI_MAJOR
from skywarden.kernel import inner, kernel
from skywarden.model.place import F64, I64, SECTORS
from skywarden.model.watched import HEIGHTS, SPEEDS
from skywarden.track.audible import FAINT, chance
from skywarden.track.cover import visible
from skywarden.track.pool import Rows

CROSSING = 120.0  # s of flight that count: 24 looks of a usual radar; what was seen before that and not since is lost
AZIMUTHS = 3  # ways in a sector
BLIND = 0.05  # chance that a sensor does not see somebody at all, whatever its Pd; assumed
MOST = 0.999  # more is never claimed
APART = 2.0  # s; quicker looks are not looks of their own
BEND = 4.0 / 3.0 * 2.0 * SEMI_MAJOR  # m; horizon of h is sqrt(BEND h). Source: Skolnik, section 8.2
SLACK = 2000.0  # m; by which the flat ground of a first choice may be wrong
HITS = 20  # at most; tracker.confirm_hits
POSITION, AXES, HEIGHT, NORTH, EAST, RADIUS, NEED = 0, 3, 12, 13, 14, 15, 16  # columns of an aim


class Ears(NamedTuple):
    """Single microphones that count. place: (k, 3) ECEF m. reach m, spread, detection, sound m/s as in [tracker]."""

    place: F64
    reach: float
    spread: float
    detection: float
    sound: float


class Eyes(NamedTuple):
    """Sensors that count. sense: (k,) records of `looks.SENSE`; height: (k,) m, of the sensor above the ellipsoid."""

    sense: Rows
    height: F64


@kernel
def seen(aim: F64, eyes: Eyes, ears: Ears, hits: int, found: F64) -> None:
    """Write the probability of being seen in time to found (8, 3, SPEEDS). aim: (17,) of the site, see below.

    aim: position (3,) ECEF m; axes (9,) ECEF -> east, north, up; height of the site, m; radii of curvature, north and
    east, m; radius of the site, m; s before arrival by which it needs to know.
    """
    some, way, total = np.empty(len(ears.place), np.int64), np.empty((3, 3)), np.empty(hits)
    found[:] = 1.0
    for k in range(len(SECTORS) * AZIMUTHS):
        azimuth = 2.0 * pi * (k - (AZIMUTHS - 1) // 2) / (len(SECTORS) * AZIMUTHS)
        n = strip(aim, azimuth, ears, some)
        for layer in range(len(HEIGHTS)):
            for fast in range(len(SPEEDS)):
                draw(aim, azimuth, HEIGHTS[layer], SPEEDS[fast], way)
                total[:] = 0.0
                total[0] = 1.0
                watch(way, aim[HEIGHT], HEIGHTS[layer], eyes, total)
                listen(way, SPEEDS[fast], ears, some[:n], total)
                sector = k // AZIMUTHS
                found[sector, layer, fast] = min(found[sector, layer, fast], 1.0 - total.sum(), MOST)


@inner
def draw(aim: F64, azimuth: float, height: float, speed: float, way: F64) -> None:
    """Write a way: its end, where it is too late; its begin; and what its middle lies above the chord. (3, 3) ECEF m.

    Along the circle that fits the ellipsoid in this direction (Euler): 0.1 m off at 100 km.
    """
    north, east = cos(azimuth), sin(azimuth)
    curve = 1.0 / (north * north / aim[NORTH] + east * east / aim[EAST])
    near = aim[RADIUS] + speed * aim[NEED]
    length = speed * CROSSING
    for end in range(3):
        angle = (near + (0.0, length, 0.5 * length)[end]) / curve
        level, up = (curve + height) * sin(angle), (curve + height) * cos(angle) - curve
        for a in range(3):
            along = east * aim[AXES + a] + north * aim[AXES + 3 + a]
            way[end, a] = aim[POSITION + a] + level * along + up * aim[AXES + 6 + a]
    for a in range(3):
        way[2, a] -= 0.5 * (way[0, a] + way[1, a])


@inner
def point(way: F64, share: float, x: F64) -> None:
    """Write the place at a share of a way, 0 where it is too late, 1 where it begins, to x (3,)."""
    for a in range(3):
        x[a] = way[0, a] + share * (way[1, a] - way[0, a]) + 4.0 * share * (1.0 - share) * way[2, a]


@inner
def watch(way: F64, ground: float, height: float, eyes: Eyes, total: F64) -> None:
    """Put the looks of all sensors at a way into total (hits,): probability of so many hits. ground: m, of the site."""
    x, own = np.empty(3), np.empty(len(total))
    middle, half = np.empty(3), 0.0
    point(way, 0.5, middle)
    for a in range(3):
        half += 0.25 * (way[1, a] - way[0, a]) ** 2
    half = sqrt(half)
    for k in range(len(eyes.sense)):
        if 1.0 - total.sum() >= MOST:
            return
        sense = eyes.sense[k]
        floor = min(ground, eyes.height[k])
        reach = sqrt(BEND * (eyes.height[k] - floor)) + sqrt(BEND * (ground + height - floor))
        reach = min(reach, sense.reach)
        if gap(middle, sense.position) > reach + half:
            continue
        own[:] = 0.0
        own[0] = 1.0
        step = max(sense.revisit, APART)
        for look in range(1, int(CROSSING / step) + 1):
            point(way, look * step / CROSSING, x)
            if gap(x, sense.position) <= reach and visible(x, sense):
                hit(own, sense.detection)
        join(total, own)


@inner
def gap(x: F64, y: F64) -> float:
    """Return m between two places."""
    return sqrt((x[0] - y[0]) ** 2 + (x[1] - y[1]) ** 2 + (x[2] - y[2]) ** 2)


@inner
def hit(own: F64, pd: float) -> None:
    """Count one more look: own (hits,), probability of so many hits."""
    for j in range(len(own) - 1, 0, -1):
        own[j] += pd * (own[j - 1] - own[j])
    own[0] -= pd * own[0]


@inner
def join(total: F64, own: F64) -> None:
    """Count the hits of one more sensor, which is BLIND for this target with its own chance."""
    for j in range(len(total) - 1, -1, -1):
        value = 0.0
        for i in range(j + 1):
            value += total[j - i] * own[i]
        total[j] = BLIND * total[j] + (1.0 - BLIND) * value


@inner
def strip(aim: F64, azimuth: float, ears: Ears, some: I64) -> int:
    """Write the microphones that may hear somebody on any way of this direction to `some`; return how many."""
    far = ears.reach * exp(FAINT * ears.spread) + SLACK
    longest = aim[RADIUS] + SPEEDS[-1] * (aim[NEED] + CROSSING) + far
    north, east, n = cos(azimuth), sin(azimuth), 0
    for j in range(len(ears.place)):
        x = y = 0.0
        for a in range(3):
            d = ears.place[j, a] - aim[POSITION + a]
            x += d * aim[AXES + a]
            y += d * aim[AXES + 3 + a]
        along = x * east + y * north
        if -far < along < longest and abs(x * north - y * east) < far:
            some[n] = j
            n += 1
    return n


@inner
def listen(way: F64, speed: float, ears: Ears, some: I64, total: F64) -> None:
    """Put what microphones hear of a way into total: one hit each, by how near it comes while that helps."""
    own, along = np.zeros(len(total)), np.empty(3)
    own[0] = 1.0
    if len(some) == 0 or 1.0 - total.sum() >= MOST:
        return
    length = gap(way[0], way[1])
    for a in range(3):
        along[a] = (way[1, a] - way[0, a]) / length
    far = ears.reach * exp(FAINT * ears.spread)
    for j in some:
        away = nearest(way[0], along, speed, ears.place[j], ears.sound)
        if away < far:
            hit(own, chance(away, ears.reach, ears.detection, ears.spread))
    join(total, own)


@inner
def nearest(end: F64, along: F64, speed: float, ear: F64, sound: float) -> float:
    """Return the least distance at which a target makes a sound that a microphone has heard in time, m; inf if none.

    end: (3,) where it is too late; along: (3,) from there outwards. t s before that it is speed t away from there, and
    its sound has come if sound t >= distance: (c^2 - v^2) t^2 - 2 v (d.along) t - d.d >= 0.
    """
    dd = da = 0.0
    for a in range(3):
        d = end[a] - ear[a]
        dd += d * d
        da += d * along[a]
    left = sound * sound - speed * speed
    if left <= 0.0:
        return inf
    first = (speed * da + sqrt(speed * speed * da * da + left * dd)) / left
    if first > CROSSING:
        return inf
    t = min(max(-da / speed, first), CROSSING)
    return sqrt(max(dd + 2.0 * da * speed * t + (speed * t) ** 2, 0.0))
