"""How a detection that fits no track starts one: its position, and a wide velocity around standing still."""

from math import asin, cos, isnan, sin, sqrt
from typing import Protocol

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.motion import height, up


class Plot(Protocol):
    """A detection: z (4,) and covariance (4, 4) as its kind has them."""

    z: F64
    covariance: F64


class Spot(Protocol):
    """A sensor's place: position (3,) ECEF m, rotation (3, 3) ECEF -> its own east, north, up."""

    position: F64
    rotation: F64


class Parameters(Protocol):
    """What is known before anything is seen, 1 sigma of speeds and height, SI."""

    level_speed: float
    vertical_speed: float
    height: float
    height_sigma: float


class Work(Protocol):
    """Scratch space: state (6,), P (6, 6): the new state, out. The others hold what each function says."""

    d: int
    state: F64
    other: F64
    P: F64
    H: F64
    jacobian: F64
    A: F64
    B: F64
    vertical: F64
    white: F64


SQRT3 = 1.7320508075688772
STEEPEST = 0.87  # sine of 60 deg: radars without heights see no higher, and of the sky there is less the higher
REFRACTED = 4.0 / 3.0  # of the Earth's radius: the radar horizon (Blake 1986, section 5.3)


@inner
def elevation_at(slant: float, h: float, sensor: float, radius: float) -> float:
    """Return the elevation, rad, of a point h m high at `slant` range, m, from a sensor at height `sensor`.

    Law of cosines on a sphere of `radius`, m; straight up or down where no such point exists.
    """
    near, far = radius + sensor, radius + h
    return asin(max(-1.0, min(1.0, (far * far - near * near - slant * slant) / (2.0 * slant * near))))


@inner
def heights(slant: float, sensor: float, radius: float, parameters: Parameters) -> tuple[float, float, float]:
    """Return three heights, m, that stand for the prior with weights 1/6, 2/3, 1/6, all above the radar horizon.

    None is steeper than STEEPEST: what is 3 km away is not 4 km high, and hardly overhead.
    """
    floor = max(
        0.0, sensor + slant * slant / (2.0 * REFRACTED * radius) - slant * sqrt(2.0 * max(sensor, 0.0) / radius)
    )
    low = min(0.0, sensor) if floor == 0.0 else floor
    middle = max(parameters.height, low + parameters.height_sigma)
    top = max(low, sensor + STEEPEST * slant)
    bottom = max(low, min(middle, top) - SQRT3 * parameters.height_sigma)
    high = min(middle + SQRT3 * parameters.height_sigma, top)
    return bottom, min(middle, 0.5 * (bottom + high)), high


@inner
def point(z: F64, elevation: float, J: F64, out: F64) -> None:
    """Write the sensor-frame point (3,) of range z[0], azimuth z[1] and an elevation, and its Jacobian to J[:3, :3]."""
    r, sa, ca, se, ce = z[0], sin(z[1]), cos(z[1]), sin(elevation), cos(elevation)
    J[0, 0], J[1, 0], J[2, 0] = ce * sa, ce * ca, se
    J[0, 1], J[1, 1], J[2, 1] = r * ce * ca, -r * ce * sa, 0.0
    J[0, 2], J[1, 2], J[2, 2] = -r * se * sa, -r * se * ca, r * ce
    for a in range(3):
        out[a] = r * J[a, 0]


@inner
def spread_heights(plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Write the point of a detection without elevation to work.state[:3] and its doubt about height to work.A.

    Sensor frame. work.jacobian: of the middle height. The three points match the prior's first moments.
    """
    position, A, middle, other = spot.position, work.A, work.state, work.other
    x, y, z = position[0], position[1], position[2]
    sine2 = z * z / (x * x + y * y + z * z)
    radius = SEMI_MAJOR * sqrt(1.0 - ECCENTRICITY2) / (1.0 - ECCENTRICITY2 * sine2)  # Gauss, of curvature
    sensor = height(position)
    low, mid, high = heights(plot.z[0], sensor, radius, parameters)
    point(plot.z, elevation_at(plot.z[0], mid, sensor, radius), work.jacobian, middle)
    for a in range(3):
        work.white[a] = 0.0
    for h in (low, high):
        point(plot.z, elevation_at(plot.z[0], h, sensor, radius), work.H, other)
        for a in range(3):
            work.white[a] += (other[a] - middle[a]) / 6.0
            for b in range(3):
                A[a, b] += (other[a] - middle[a]) * (other[b] - middle[b]) / 6.0
    for a in range(3):
        middle[a] += work.white[a]
        for b in range(3):
            A[a, b] -= work.white[a] * work.white[b]


@inner
def add_noise(plot: Plot, work: Work) -> None:
    """Add the part of a polar detection's covariance that its first work.d components carry to work.A, (3, 3)."""
    J, R = work.jacobian, plot.covariance
    for a in range(3):
        for b in range(3):
            for c in range(work.d):
                for e in range(work.d):
                    work.A[a, b] += J[a, c] * 0.5 * (R[c, e] + R[e, c]) * J[b, e]


@inner
def place_polar(plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Write the position that a polar detection supports to work.state[:3] and work.P[:3, :3], ECEF."""
    A, B, turn, local = work.A, work.B, spot.rotation, work.white
    for a in range(3):
        for b in range(3):
            A[a, b] = 1.0 if a == b else 0.0  # m^2; straight overhead an azimuth says nothing
    if isnan(plot.z[2]):
        spread_heights(plot, spot, parameters, work)
        work.d = 2
    else:
        point(plot.z, plot.z[2], work.jacobian, work.state)
        work.d = 3
    add_noise(plot, work)
    for a in range(3):
        local[a] = work.state[a]
        for b in range(3):
            B[a, b] = turn[0, a] * A[0, b] + turn[1, a] * A[1, b] + turn[2, a] * A[2, b]
    for a in range(3):
        work.state[a] = spot.position[a] + turn[0, a] * local[0] + turn[1, a] * local[1] + turn[2, a] * local[2]
        for b in range(3):
            work.P[a, b] = B[a, 0] * turn[0, b] + B[a, 1] * turn[1, b] + B[a, 2] * turn[2, b]


@inner
def place_level(plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Write the position of a bearing without elevation to work.state[:3] and work.P[:3, :3], ECEF.

    z[0] is how far it is over the ground. Its height is the prior's: as far away as any other it may be low or high.
    """
    turn, r, sine, cosine = spot.rotation, plot.z[0], sin(plot.z[1]), cos(plot.z[1])
    up = parameters.height - height(spot.position) - r * r / (2.0 * SEMI_MAJOR)
    along, across = plot.covariance[0, 0] + 1.0, r * r * plot.covariance[1, 1] + 1.0  # m^2; as in `place_polar`
    steep = parameters.height_sigma * parameters.height_sigma
    ahead, aside = work.white, work.vertical
    for a in range(3):
        ahead[a] = sine * turn[0, a] + cosine * turn[1, a]
        aside[a] = cosine * turn[0, a] - sine * turn[1, a]
        work.state[a] = spot.position[a] + r * ahead[a] + up * turn[2, a]
    for a in range(3):
        for b in range(3):
            level = along * (ahead[a] * ahead[b]) + across * (aside[a] * aside[b])
            work.P[a, b] = level + steep * (turn[2, a] * turn[2, b])


@inner
def place_position(plot: Plot, work: Work) -> None:
    """Write a POSITION detection to work.state[:3] and work.P[:3, :3], ECEF."""
    for a in range(3):
        work.state[a] = plot.z[a]
        for b in range(3):
            work.P[a, b] = 0.5 * (plot.covariance[a, b] + plot.covariance[b, a])


@inner
def add_velocity(parameters: Parameters, work: Work) -> None:
    """Complete work.state and work.P by what is known of velocities before any is seen; make work.P symmetric."""
    P, vertical = work.P, work.vertical
    up(work.state, vertical)
    level = parameters.level_speed * parameters.level_speed
    steep = parameters.vertical_speed * parameters.vertical_speed
    for a in range(3):
        work.state[a + 3] = 0.0
        for b in range(3):
            P[a, b + 3] = P[a + 3, b] = 0.0
            P[a + 3, b + 3] = (steep - level) * (vertical[a] * vertical[b])
        P[a + 3, a + 3] += level
        for b in range(a):
            P[a, b] = P[b, a] = 0.5 * (P[a, b] + P[b, a])
