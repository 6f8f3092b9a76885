"""How a detection that fits no track starts one: its position, and a wide velocity around standing still."""

from math import asin, cos, isnan, sin, sqrt

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.kernel import kernel
from skywarden.model.place import F64
from skywarden.track.filter import compare, correct, noise_of
from skywarden.track.measure import POSITION, polar
from skywarden.track.motion import height, up
from skywarden.track.table import Parameters, Plot, Spot, Work

SQRT3 = 1.7320508075688772
REFRACTED = 4.0 / 3.0  # of the Earth's radius: the radar horizon (Blake 1986, section 5.3)


@kernel
def elevation_at(slant: float, h: float, sensor: float, radius: float) -> float:
    """Return the elevation, rad, of a point h m high at `slant` range, m, from a sensor at height `sensor`.

    Law of cosines on a sphere of `radius`, m; straight up or down where no such point exists.
    """
    near, far = radius + sensor, radius + h
    return asin(max(-1.0, min(1.0, (far * far - near * near - slant * slant) / (2.0 * slant * near))))


@kernel
def heights(slant: float, sensor: float, radius: float, parameters: Parameters) -> tuple[float, float, float]:
    """Return three heights, m, that stand for the prior with weights 1/6, 2/3, 1/6, all above the radar horizon."""
    floor = max(
        0.0, sensor + slant * slant / (2.0 * REFRACTED * radius) - slant * sqrt(2.0 * max(sensor, 0.0) / radius)
    )
    low = min(0.0, sensor) if floor == 0.0 else floor
    middle = max(parameters.height, low + parameters.height_sigma)
    return max(low, middle - SQRT3 * parameters.height_sigma), middle, middle + SQRT3 * parameters.height_sigma


@kernel
def point(z: F64, elevation: float, J: F64, out: F64) -> None:
    """Write the sensor-frame point (3,) of range z[0], azimuth z[1] and an elevation, and its Jacobian to J[:3, :3]."""
    r, sa, ca, se, ce = z[0], sin(z[1]), cos(z[1]), sin(elevation), cos(elevation)
    J[0, 0], J[1, 0], J[2, 0] = ce * sa, ce * ca, se
    J[0, 1], J[1, 1], J[2, 1] = r * ce * ca, -r * ce * sa, 0.0
    J[0, 2], J[1, 2], J[2, 2] = -r * se * sa, -r * se * ca, r * ce
    for a in range(3):
        out[a] = r * J[a, 0]


@kernel
def spread_heights(plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Write the point of a detection without elevation to work.state[:3] and its doubt about height to work.P.

    Sensor frame. work.jacobian: of the middle height. The three points match the prior's first moments.
    """
    position, P, J, middle, other = spot.position, work.P, work.jacobian, work.state, work.innovation
    sine2 = position[2] ** 2 / (position[0] ** 2 + position[1] ** 2 + position[2] ** 2)
    radius = SEMI_MAJOR * sqrt(1.0 - ECCENTRICITY2) / (1.0 - ECCENTRICITY2 * sine2)  # Gauss, of curvature
    sensor = height(position)
    low, mid, high = heights(plot.z[0], sensor, radius, parameters)
    point(plot.z, elevation_at(plot.z[0], mid, sensor, radius), J, middle)
    for a in range(3):
        work.vertical[a] = 0.0
        P[a, a] = 1.0  # m^2; straight overhead all heights fall on one point
    for h in (low, high):
        point(plot.z, elevation_at(plot.z[0], h, sensor, radius), work.H, other)
        for a in range(3):
            work.vertical[a] += (other[a] - middle[a]) / 6.0
            for b in range(3):
                P[a, b] += (other[a] - middle[a]) * (other[b] - middle[b]) / 6.0
    for a in range(3):
        middle[a] += work.vertical[a]
        for b in range(3):
            P[a, b] -= work.vertical[a] * work.vertical[b]


@kernel
def place_polar(plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Write the position that a polar detection supports to work.state[:3] and work.P[:3, :3], ECEF."""
    P, J, R, A, B, turn = work.P, work.jacobian, plot.covariance, work.A, work.B, spot.rotation
    known = not isnan(plot.z[2])
    if known:
        point(plot.z, plot.z[2], J, work.state)
    else:
        spread_heights(plot, spot, parameters, work)
    n = 3 if known else 2
    for a in range(3):
        for b in range(3):
            A[a, b] = P[a, b]
            for c in range(n):
                for e in range(n):
                    A[a, b] += J[a, c] * 0.5 * (R[c, e] + R[e, c]) * J[b, e]
    for a in range(3):
        work.vertical[a] = spot.position[a]
        for c in range(3):
            work.vertical[a] += turn[c, a] * work.state[c]
        for b in range(3):
            B[a, b] = turn[0, a] * A[0, b] + turn[1, a] * A[1, b] + turn[2, a] * A[2, b]
    for a in range(3):
        work.state[a] = work.vertical[a]
        for b in range(3):
            P[a, b] = B[a, 0] * turn[0, b] + B[a, 1] * turn[1, b] + B[a, 2] * turn[2, b]


@kernel
def start(plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Write the state that one detection alone supports to work.state (6,) and work.P (6, 6)."""
    state, P = work.state, work.P
    for a in range(6):
        state[a] = 0.0
        for b in range(6):
            P[a, b] = 0.0
    if plot.kind == POSITION:
        for a in range(3):
            state[a] = plot.z[a]
            for b in range(3):
                P[a, b] = plot.covariance[a, b]
    else:
        place_polar(plot, spot, parameters, work)
    up(state, work.vertical)
    level, vertical = parameters.level_speed**2, parameters.vertical_speed**2
    for a in range(3):
        for b in range(3):
            P[a + 3, b + 3] = (vertical - level) * work.vertical[a] * work.vertical[b]
        P[a + 3, a + 3] += level
    for a in range(6):
        for b in range(a):
            P[a, b] = P[b, a] = 0.5 * (P[a, b] + P[b, a])
    if plot.kind != POSITION and not isnan(plot.z[3]):
        add_range_rate(plot, spot, work)


@kernel
def add_range_rate(plot: Plot, spot: Spot, work: Work) -> None:
    """Correct the new state in work.state, work.P by the detection's range rate alone."""
    polar(work.state, spot, work)
    work.innovation[0] = plot.z[3] - work.expected[3]
    work.rows[0] = 3
    for b in range(6):
        work.H[0, b] = work.jacobian[3, b]
    work.d = 1
    noise_of(plot, work)
    compare(work.P, work)
    correct(work.state, work.P, work)
