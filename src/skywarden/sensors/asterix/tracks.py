"""Category 062: the tracks of another system as detections (Kind.TRACK: display, not fused as plots).

Position is I062/105 with, as height, I062/130 (geometric, above the ellipsoid) or else I062/136 (flight level);
velocity is I062/185 (x is east, y is north; the convergence of the sender's grid, some 0.01 rad, is left out) and
I062/220. Accuracies are those of I062/500, which are 1 sigma; what it does not say is assumed, and then the batch
says so.

Source: EUROCONTROL-SPEC-0149-9, edition 1.20, section 5.2.
"""

import numpy as np

from skywarden.geo import east_north_up, ecef, geoid_height
from skywarden.model.detection import Detections, ErrorMeaning, Kind, detections
from skywarden.model.place import F64, Sensor
from skywarden.sensors.asterix.clock import TIME_SIGMA, utc
from skywarden.sensors.asterix.columns import Columns, Flags
from skywarden.sensors.asterix.plots import (
    BAROMETRIC,
    FLIGHT_LEVEL,
    FOOT,
    callsigns,
    coded,
    squawk,
    squawks,
)

DEGREE = 111_320.0  # m of latitude; only for accuracies
FOOT_A_MINUTE = FOOT / 60  # m/s
# Assumed 1 sigma where the sender says nothing: m, m, m/s, m/s.
LEVEL, GEOMETRIC, SPEED, CLIMB = 150.0, 60.0, 10.0, 5.0
LEAST = 1.0  # m; a millimetre beside 30 km, as degrees near a pole can say, is lost when the axes are turned
NO_HEIGHT, NO_HEIGHT_SIGMA = 5000.0, 5000.0  # m; a track without any height is somewhere in the air
NO_CLIMB_SIGMA = 20.0  # m/s, where no rate of climb is sent


def simulated(columns: Columns) -> Flags:
    """Return (n,) which tracks their sender marks as simulated or as a test."""
    return columns.flag("080/SIM") | columns.flag("340/TYP/SIM") | columns.flag("340/TYP/TST")


def unplaced(columns: Columns) -> Flags:
    """Return (n,) which tracks have a position only in the sender's own plane, whose origin nobody has told us."""
    return columns.there("100/X") & ~columns.there("105/LAT") & ~columns.flag("080/TSE")


def placed(columns: Columns) -> Flags:
    """Return (n,) which records say where something is: not those without a position, not the end of a track."""
    return columns.there("105/LAT") & ~columns.flag("080/TSE")


def states(columns: Columns, sensor: Sensor, received: int) -> Detections:
    """Return tracks as (n, 6) ECEF m, m/s; their number is the sender's track number."""
    latitude, longitude = np.radians(columns.value("105/LAT")), np.radians(columns.value("105/LON"))
    height, height_sigma, height_told = _height(columns, latitude, longitude)
    climb = columns.value("220/ROCD") * FOOT_A_MINUTE
    local = np.stack([columns.value("185/VX"), columns.value("185/VY"), np.nan_to_num(climb, nan=0.0)], 1)
    rotation = east_north_up(latitude, longitude)
    velocity = np.einsum("nij,ni->nj", rotation, local)
    covariance, told = _covariance(columns, latitude, height_sigma, np.isnan(climb))
    own = coded(columns, "380/ID/ID")  # of the aircraft; else as the sender knows it
    identification = np.where(own >= 0, own, coded(columns, "245/CHR"))
    both = np.zeros((len(columns), 6, 6))
    both[:, :3, :3] = both[:, 3:, 3:] = rotation
    return detections(
        Kind.TRACK,
        sensor.name,
        received,
        utc(columns.raw("070/TOD"), received),
        np.concatenate([ecef(latitude, longitude, height), velocity], 1),
        both.swapaxes(-1, -2) @ covariance @ both,
        time_sigma=TIME_SIGMA,
        error_meaning=ErrorMeaning.SIGMA if (told & height_told).all() else ErrorMeaning.ASSUMED,
        subject=columns.raw("040/TRN"),
        number=columns.raw("040/TRN"),
        address=coded(columns, "380/ADR/ADR"),
        revisit=sensor.revisit_s,
        claims=(*callsigns(identification), *squawks(squawk(columns, "060"))),
    )


def _height(columns: Columns, latitude: F64, longitude: F64) -> tuple[F64, F64, Flags]:
    """Return (n,) m above the ellipsoid, (n,) 1 sigma, (n,) whether the sender told that sigma."""
    geometric = columns.value("130/ALT") * FOOT
    level = columns.value("136/FL") * FLIGHT_LEVEL
    barometric = level + geoid_height(latitude, longitude)
    height = np.where(np.isnan(geometric), np.where(np.isnan(level), NO_HEIGHT, barometric), geometric)
    told = columns.value("500/AGA/AGA") * FOOT
    baro_sigma = np.where(np.isnan(level), NO_HEIGHT_SIGMA, BAROMETRIC)
    sigma = np.where(np.isnan(geometric), baro_sigma, np.where(told > 0, told, GEOMETRIC))
    return height, sigma, ~np.isnan(geometric) & (told > 0)


def _covariance(columns: Columns, latitude: F64, height_sigma: F64, no_climb: Flags) -> tuple[F64, Flags]:
    """Return (n, 6, 6) in local east, north, up, and (n,) whether position and velocity accuracy were told."""
    east, north = columns.value("500/APC/X"), columns.value("500/APC/Y")
    wgs_east = columns.value("500/APW/LON") * DEGREE * np.cos(latitude)
    wgs_north = columns.value("500/APW/LAT") * DEGREE
    use_wgs = ~(east > 0) | ~(north > 0)
    east, north = np.where(use_wgs, wgs_east, east), np.where(use_wgs, wgs_north, north)
    level_told = (east > 0) & (north > 0)
    speed_x, speed_y = columns.value("500/ATV/X"), columns.value("500/ATV/Y")
    speed_told = (speed_x > 0) & (speed_y > 0)
    arc = columns.value("500/ARC/ARC") * FOOT_A_MINUTE
    sigma = np.stack(
        [
            np.where(level_told, np.maximum(east, LEAST), LEVEL),
            np.where(level_told, np.maximum(north, LEAST), LEVEL),
            height_sigma,
            np.where(speed_told, speed_x, SPEED),
            np.where(speed_told, speed_y, SPEED),
            np.where(no_climb, NO_CLIMB_SIGMA, np.where(arc > 0, arc, CLIMB)),
        ],
        1,
    )
    covariance = np.eye(6) * (sigma**2)[:, None, :]
    # I062/500 COV is the signed root of the covariance; a sender's rounding must not make the matrix indefinite
    root = np.nan_to_num(columns.value("500/COV/COV"), nan=0.0)
    limit = 0.99 * sigma[:, 0] * sigma[:, 1]
    covariance[:, 0, 1] = covariance[:, 1, 0] = np.clip(np.sign(root) * root**2, -limit, limit)
    return covariance, level_told & speed_told
