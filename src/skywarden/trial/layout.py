"""Scenarios of the tracking benchmark: `meta.json` and `detections.csv` -> scans of detections, and settings.

Two layouts. *Radars*: one radar with range and bearing (2-D; targets lie in the plane z = 0), or several with range,
bearing, elevation and range rate (3-D). *Crossing*: positions in a plane, many runs (Williams 2015).

The scenario's axes x, y, z are those of a plane that touches the Earth at `PLANE`: a rotation of ECEF, no curvature.
Bearings count from x towards y, rad. Taken from the scenario are the values of its world: noise, detection, clutter,
motion. The column `origin` says whose a detection is, and is not read.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from skywarden import geo
from skywarden.errors import ConfigError
from skywarden.model.detection import Detections, Kind, detections
from skywarden.model.place import F64, Place
from skywarden.trial.settings import Crossing, Radar, Radars, World, crossing_world, radar_world
from skywarden.trial.table import ANY, COUNT, DISTANCE, FINITE, LONGEST, NUMBER, TIME, columns

PLANE = geo.place(np.radians(29.5), np.radians(-45.75), 0.0)  # on the open Atlantic; any place would do
BEGIN = 1_900_000_000  # s since 1970; any time would do
SECOND = 1_000_000_000


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
    """What is to be tracked, and what the filter is told. crossing: it is of that layout."""

    runs: Sequence[Run]
    world: World
    crossing: bool


def read(meta: bytes, table: str) -> Trial:
    """Make a trial of the bytes of meta.json and the text of detections.csv. Raises ConfigError."""
    meta = meta.removeprefix(BOM_UTF8)
    try:
        if msgspec.json.decode(meta, type=_Head).kind == "crossing":
            return _crossing(msgspec.json.decode(meta, type=Crossing), table)
        return _radars(msgspec.json.decode(meta, type=Radars), table)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
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
    radars = {radar.id: radar for radar in meta.sensors}
    rows = _radar_rows(meta, table)
    scans = []
    for part in _parts(rows, 0):
        number, sensor, time = int(part[0, 0]), int(part[0, 1]), float(part[0, 2])
        scans.append(Scan(number, time, _plots(part[:, 3:], time, radars[sensor], meta)))
    return Trial((Run(0, scans),), radar_world(meta, PLANE, _most(scans)), crossing=False)


def _radar_rows(meta: Radars, text: str) -> F64:
    upright = ANY if meta.dim == 2 else FINITE  # in two dimensions it is no measurement
    rules = {"scan": COUNT, "sensor": COUNT, "t": TIME, "range": DISTANCE, "bearing": FINITE}
    table = columns(text, rules | {"elevation": upright, "range_rate": upright})
    scan, sensor, time = table.rows[:, :3].T
    known = [radar.id for radar in meta.sensors]
    names = ", ".join(map(str, known))
    table.require(np.isin(sensor, known), "sensor", f"meta.json does not know this sensor; it has {names}")
    table.require(_after(scan), "scan", "not in the order of its scans: sort the rows by scan")
    table.require(_after(time), "t", "earlier than the row before: sort the rows by scan and time")
    same = np.diff(scan) == 0
    for name, values in (("sensor", sensor), ("t", time)):
        fits = np.append(True, ~same | (np.diff(values) == 0))
        table.require(fits, name, "not that of the row before: a scan is one look of one sensor")
    return table.rows


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
    rows = _crossing_rows(meta, table)
    runs = []
    for run in _parts(rows, 0):
        scans = []
        for part in _parts(run, 1):
            time = float(part[0, 1]) * meta.dt
            place = _on_plane(part[:, 2:])
            latitude, longitude, _ = geo.geodetic(place)
            measured = np.column_stack([latitude, longitude]), np.broadcast_to(meta.R, (len(place), 2, 2)).copy()
            scans.append(Scan(int(part[0, 1]), time, _batch(Kind.PLANE, "sensor", time, measured, None, meta.dt)))
        runs.append(Run(int(run[0, 0]), scans))
    west, east, south, north = meta.area
    middle = _on_plane(np.array([[(west + east) / 2, (south + north) / 2]]))[0]
    plots = max((_most(run.scans) for run in runs), default=0)
    return Trial(runs, crossing_world(meta, Place(middle, PLANE.rotation), plots), crossing=True)


def _on_plane(xy: F64) -> F64:
    """Return ECEF positions (n, 3) of places (n, 2) in the plane z = 0, m."""
    return np.asarray(PLANE.position + np.column_stack([xy, np.zeros(len(xy))]) @ PLANE.rotation)


def _most(scans: Sequence[Scan]) -> int:
    """Return how many detections the largest scan has."""
    return max((len(scan.batch) for scan in scans), default=0)


def _crossing_rows(meta: Crossing, text: str) -> F64:
    table = columns(text, {"mc": NUMBER, "k": COUNT, "x": FINITE, "y": FINITE})
    run, step = table.rows[:, :2].T
    table.require(_after(run), "mc", "not in the order of its runs: sort the rows by mc and k")
    table.require(_after(step, np.diff(run) == 0), "k", "not in the order of its scans: sort the rows by mc and k")
    table.require(step * meta.dt <= LONGEST, "k", "later than any scenario lasts: see dt in meta.json")
    return table.rows


def _batch(  # noqa: PLR0913 - one scan's worth of a sensor
    kind: Kind, sensor: str, time: float, measured: tuple[F64, F64], place: Place | None, revisit: float
) -> Detections:
    z, covariance = measured
    at = nanoseconds(time)
    return detections(kind, sensor, at, np.full(len(z), at), z, covariance, place=place, revisit=revisit)


def _parts(rows: F64, column: int) -> Iterator[F64]:
    """Yield the rows of each value of a column."""
    yield from np.split(rows, np.flatnonzero(np.diff(rows[:, column])) + 1)


def _after(values: F64, equal: Any = True) -> Any:
    """Return (n,) whether each value is no less than the one before, where `equal` (n - 1,) holds."""
    return np.append(True, (np.diff(values) >= 0) | ~np.asarray(equal))
