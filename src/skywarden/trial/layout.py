"""Scenarios of the tracking benchmark: `meta.json` and `detections.csv` -> scans of detections, and settings.

Two layouts. *Radars*: one radar with range and bearing (2-D; targets lie in the plane z = 0), or several with range,
bearing, elevation and range rate (3-D). *Crossing*: positions in a plane, many runs (Williams 2015).

The scenario's axes x, y, z are those of a plane that touches the Earth at `PLANE`: a rotation of ECEF, no curvature.
Bearings count from x towards y, rad. Taken from the scenario are the values of its world: noise, detection, clutter,
motion. The column `origin` says whose a detection is, and is not read.
"""

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import NamedTuple

import msgspec
import numpy as np

from skywarden import geo
from skywarden.errors import ConfigError
from skywarden.model.detection import Detections, Kind, detections
from skywarden.model.place import F64, Place
from skywarden.track.settings import TrackerSettings
from skywarden.trial.settings import Crossing, Radar, Radars, crossing_settings, radar_settings

PLANE = geo.place(np.radians(29.5), np.radians(-45.75), 0.0)  # on the open Atlantic; any place would do
BEGIN = 1_900_000_000  # s since 1970; any time would do
SECOND = 1_000_000_000
FLAT_SIGMA = 1.0  # m; a crossing target lies in the plane z = 0, see `crossing_settings`


class Scan(NamedTuple):
    """All detections of one look of one sensor. number: of the scan; time: s since the scenario's start."""

    number: int
    time: float
    batch: Detections


class Run(NamedTuple):
    """Scans in the order of time. number: of a layout with several runs, else 0."""

    number: int
    scans: Sequence[Scan]


class Trial(NamedTuple):
    """What is to be tracked, and with what settings. crossing: it is of that layout."""

    runs: Sequence[Run]
    settings: TrackerSettings
    crossing: bool


def read(meta: bytes, table: str) -> Trial:
    """Make a trial of the bytes of meta.json and the text of detections.csv. Raises ConfigError."""
    try:
        if msgspec.json.decode(meta, type=_Head).kind == "crossing":
            return _crossing(msgspec.json.decode(meta, type=Crossing), table)
        return _radars(msgspec.json.decode(meta, type=Radars), table)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"meta.json is not of the benchmark's layout: {error}") from None


def nanoseconds(time: float) -> int:
    """Return UTC ns of `time` s after the scenario's start."""
    return BEGIN * SECOND + round(time * SECOND)


def to_scenario(mean: F64) -> F64:
    """Return (n, 6) x, y, z m and their velocities m/s, in the scenario's axes, of (n, 6) ECEF."""
    position = (mean[:, :3] - PLANE.position) @ PLANE.rotation.T
    return np.hstack([position, mean[:, 3:] @ PLANE.rotation.T])


class _Head(msgspec.Struct):
    kind: str = ""


def _radars(meta: Radars, table: str) -> Trial:
    names = ("scan", "sensor", "t", "range", "bearing", "elevation", "range_rate")
    rows = _columns(table, names)
    radars = {radar.id: radar for radar in meta.sensors}
    scans = []
    for part in _parts(rows, 0):
        number, sensor, time = int(part[0, 0]), int(part[0, 1]), float(part[0, 2])
        if sensor not in radars:
            raise ConfigError(f"detections.csv has sensor {sensor} in scan {number}, which meta.json does not know")
        scans.append(Scan(number, time, _plots(part[:, 3:], time, radars[sensor], meta)))
    return Trial((Run(0, scans),), radar_settings(meta), crossing=False)


def _plots(z: F64, time: float, radar: Radar, meta: Radars) -> Detections:
    """z: (n, 4) range m, bearing, elevation rad, range rate m/s."""
    polar = z.copy()
    polar[:, 1] = np.pi / 2 - z[:, 1]  # azimuth counts from y, which is north here, towards x
    if meta.dim == 2:
        polar[:, 2:] = np.nan  # what is written there is no measurement
    sigma = np.array([radar.sigma_r, radar.sigma_b, radar.sigma_e or 1.0, radar.sigma_rr or 1.0])
    covariance = np.broadcast_to(np.diag(sigma**2), (len(z), 4, 4)).copy()
    stands = Place(PLANE.position + np.array(radar.pos) @ PLANE.rotation, PLANE.rotation)
    return _batch(Kind.POLAR, f"radar{radar.id}", time, (polar, covariance), stands, meta.dt)


def _crossing(meta: Crossing, table: str) -> Trial:
    rows = _columns(table, ("mc", "k", "x", "y"))
    noise = np.zeros((3, 3))
    noise[:2, :2], noise[2, 2] = np.array(meta.R), FLAT_SIGMA**2
    covariance = PLANE.rotation.T @ noise @ PLANE.rotation
    runs = []
    for run in _parts(rows, 0):
        scans = []
        for part in _parts(run, 1):
            time = float(part[0, 1]) * meta.dt
            place = np.column_stack([part[:, 2:], np.zeros(len(part))])
            z = PLANE.position + place @ PLANE.rotation
            noises = np.broadcast_to(covariance, (len(z), 3, 3)).copy()
            scans.append(Scan(int(part[0, 1]), time, _batch(Kind.POSITION, "sensor", time, (z, noises), None, meta.dt)))
        runs.append(Run(int(run[0, 0]), scans))
    return Trial(runs, crossing_settings(meta, FLAT_SIGMA), crossing=True)


def _batch(  # noqa: PLR0913 - one scan's worth of a sensor
    kind: Kind, sensor: str, time: float, measured: tuple[F64, F64], place: Place | None, revisit: float
) -> Detections:
    z, covariance = measured
    at = nanoseconds(time)
    return detections(kind, sensor, at, np.full(len(z), at), z, covariance, place=place, revisit=revisit)


def _columns(table: str, names: Sequence[str]) -> F64:
    """Return (n, len(names)) of a CSV with a head. Raises ConfigError."""
    first, _, rest = table.partition("\n")
    head = first.strip().split(",")
    missing = [name for name in names if name not in head]
    if missing:
        raise ConfigError(f"detections.csv has no column {', '.join(missing)}")
    if not rest.strip():
        raise ConfigError("detections.csv has no detections")
    try:
        found = np.loadtxt(StringIO(rest), delimiter=",", usecols=[head.index(name) for name in names], ndmin=2)
    except ValueError as error:
        raise ConfigError(f"detections.csv cannot be read: {error}") from None
    return found


def _parts(rows: F64, column: int) -> Iterator[F64]:
    """Yield the rows of each value of a column, which must rise. Raises ConfigError."""
    step = np.diff(rows[:, column])
    if (step < 0).any():
        raise ConfigError(f"detections.csv is not in the order of its scans: see row {int(np.argmax(step < 0)) + 3}")
    yield from np.split(rows, np.flatnonzero(step) + 1)
