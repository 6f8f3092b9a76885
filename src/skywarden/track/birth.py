"""How a detection that fits no track starts one: its position, and a wide velocity around standing still."""

from math import asin, cos, isnan, sin, sqrt

import numpy as np

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.kernel import kernel
from skywarden.model.place import F64
from skywarden.track.filter import compare, correct, noise_of
from skywarden.track.measure import POSITION, polar
from skywarden.track.motion import height, up
from skywarden.track.table import Job, Parameters

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
    floor = max(0.0, sensor + slant * slant / (2.0 * REFRACTED * radius) - slant * sqrt(2.0 * max(sensor, 0.0) / radius))
    low = min(0.0, sensor) if floor == 0.0 else floor
    middle = max(parameters.height, low + parameters.height_sigma)
    return max(low, middle - SQRT3 * parameters.height_sigma), middle, middle + SQRT3 * parameters.height_sigma


@kernel
def point(z: F64, elevation: float, J: F64, out: F64) -> None:
    """Write the sensor-frame point (3,) of range z[0], azimuth z[1] and an elevation, and its Jacobian (3, 3) to J."""
    r, sa, ca, se, ce = z[0], sin(z[1]), cos(z[1]), sin(elevation), cos(elevation)
    J[0, 0], J[1, 0], J[2, 0] = ce * sa, ce * ca, se
    J[0, 1], J[1, 1], J[2, 1] = r * ce * ca, -r * ce * sa, 0.0
    J[0, 2], J[1, 2], J[2, 2] = -r * se * sa, -r * se * ca, r * ce
    for a in range(3):
        out[a] = r * J[a, 0]


@kernel
def polar_point(job: Job, j: int, mean: F64, P: F64) -> None:
    """Write where polar detection j is, sensor frame, to mean (3,) and P (3, 3); no elevation: spread over heights."""
    z, R = job.plots.z[j], job.plots.covariance[j]
    J, one = np.zeros((3, 3)), np.zeros(3)
    P[:] = 0.0
    known = not isnan(z[2])
    if known:
        point(z, z[2], J, mean)
    else:
        position = job.plots.position[job.plots.place[j]]
        sine2 = position[2] ** 2 / (position[0] ** 2 + position[1] ** 2 + position[2] ** 2)
        radius = SEMI_MAJOR * sqrt(1.0 - ECCENTRICITY2) / (1.0 - ECCENTRICITY2 * sine2)
        sensor = height(position)
        three = heights(z[0], sensor, radius, job.parameters)
        point(z, elevation_at(z[0], three[1], sensor, radius), J, mean)
        middle = mean.copy()
        shift = np.zeros(3)
        for h in (three[0], three[2]):
            point(z, elevation_at(z[0], h, sensor, radius), J, one)
            for a in range(3):
                shift[a] += (one[a] - middle[a]) / 6.0
                for b in range(3):
                    P[a, b] += (one[a] - middle[a]) * (one[b] - middle[b]) / 6.0
        point(z, elevation_at(z[0], three[1], sensor, radius), J, mean)
        for a in range(3):
            mean[a] += shift[a]
            for b in range(3):
                P[a, b] -= shift[a] * shift[b]
    n = 3 if known else 2
    for a in range(3):
        if not known:
            P[a, a] += 1.0  # m^2; overhead all heights fall on one point
        for b in range(3):
            for c in range(n):
                for e in range(n):
                    P[a, b] += J[a, c] * 0.5 * (R[c, e] + R[e, c]) * J[b, e]


@kernel
def place_polar(job: Job, j: int) -> None:
    """Write the position part of a track that polar detection j starts to work.mean and work.covariance, ECEF."""
    work, place = job.work, job.plots.place[j]
    turn, mean, P = job.plots.rotation[place], np.zeros(3), np.zeros((3, 3))
    polar_point(job, j, mean, P)
    for a in range(3):
        work.mean[a] = job.plots.position[place, a]
        for c in range(3):
            work.mean[a] += turn[c, a] * mean[c]
        for b in range(3):
            value = 0.0
            for c in range(3):
                for e in range(3):
                    value += turn[c, a] * P[c, e] * turn[e, b]
            work.covariance[a, b] = value


@kernel
def start(job: Job, j: int) -> None:
    """Write the state that detection j alone supports to work.mean (6,) and work.covariance (6, 6)."""
    plots, work, parameters = job.plots, job.work, job.parameters
    mean, P = work.mean, work.covariance
    mean[:] = 0.0
    P[:] = 0.0
    if plots.kind[j] == POSITION:
        for a in range(3):
            mean[a] = plots.z[j, a]
            for b in range(3):
                P[a, b] = 0.5 * (plots.covariance[j, a, b] + plots.covariance[j, b, a])
    else:
        place_polar(job, j)
    up(mean, work.vertical)
    level, vertical = parameters.level_speed**2, parameters.vertical_speed**2
    for a in range(3):
        for b in range(3):
            P[a + 3, b + 3] = (vertical - level) * work.vertical[a] * work.vertical[b]
        P[a + 3, a + 3] += level
    if plots.kind[j] != POSITION and not isnan(plots.z[j, 3]):
        polar(mean, plots.position[plots.place[j]], plots.rotation[plots.place[j]], work)
        work.innovation[0] = plots.z[j, 3] - work.expected[3]
        work.H[0] = work.jacobian[3]
        work.rows[0] = 3
        noise_of(plots, j, 1, work)
        compare(P, 1, work)
        correct(mean, P, 1, work)
    for a in range(6):
        for b in range(a):
            P[a, b] = P[b, a]
