"""Detection reports of one node as Detections: locations, and ranges with bearings.

A node without range says range = half of its reach, give or take the other half, as the standard advises; such a
bearing is a bearing again here. A bearing of sound is old and marked as such (SOUND); another fusion system's objects
are tracks, never plots (TRACK).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from skywarden import geo
from skywarden.model.detection import Claim, Detections, ErrorMeaning, Kind, TimeKind, detections, named
from skywarden.model.place import F64, I64, HeightReference, NorthReference, Place, Sensor
from skywarden.sensors.sapient.memory import Session
from skywarden.sensors.sapient.proto import Registration, range_bearing_pb2
from skywarden.sensors.sapient.reports import Reports
from skywarden.sensors.sapient.where import Located, Point, locate

ONE_SIGMA = {ErrorMeaning.PERCENT_95: 1 / 1.96, ErrorMeaning.BOUND: 3**-0.5}  # times what the node says; others 1
LEVEL_SIGMA, HEIGHT_SIGMA, BEARING_SIGMA = 100.0, 200.0, np.radians(2.0)  # m, m, rad; where nobody says anything
LEAST = np.array([1.0, 1.0, 1.0])  # m; no node is better than this, whatever it says
LEAST_BEARING = 1e-4  # rad
LARGEST = 1e9  # m, rad; no measurement is, and what is made of numbers up to it is finite
UNKNOWN_HEIGHT = 4000.0  # m above the ellipsoid, and 1 sigma: between drones and airliners
NO_RANGE = 0.01  # a range that equals its own error to this share says nothing
TIME_SIGMA = 0.05  # s
NORTH = {
    range_bearing_pb2.RANGE_BEARING_DATUM_TRUE: NorthReference.TRUE,
    range_bearing_pb2.RANGE_BEARING_DATUM_MAGNETIC: NorthReference.MAGNETIC,
    range_bearing_pb2.RANGE_BEARING_DATUM_GRID: NorthReference.GRID,
}
UNITS = {  # rad, m
    range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_M: (np.radians(1.0), 1.0),
    range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_RADIANS_M: (1.0, 1.0),
    range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM: (np.radians(1.0), 1000.0),
    range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_RADIANS_KM: (1.0, 1000.0),
}


class Observer(NamedTuple):
    """Who reports. name: of the sensor; enrolled: its [[sensors]] block, if it has one.

    first: nobody else came with its id before, on another connection.
    """

    name: str
    session: Session
    enrolled: Sensor | None
    first: bool = True

    @property
    def point(self) -> Point | None:
        """Where it stands: as enrolled, or else as it says itself."""
        sensor = self.enrolled
        if sensor is None or sensor.latitude is None or sensor.longitude is None:
            return self.session.place
        latitude, longitude = np.radians(sensor.latitude), np.radians(sensor.longitude)
        height = geo.height_above_ellipsoid(sensor.height_m, sensor.height_reference, latitude, longitude)
        return Point(float(latitude), float(longitude), float(height))


class Common(NamedTuple):
    """What all measurements of one batch share in form. rows: (n,) messages of the frame; subject: (n,)."""

    observer: Observer
    received: int
    reports: Reports
    rows: I64
    subject: I64


def measurements(
    observer: Observer, received: int, reports: Reports, numbers: Sequence[int]
) -> tuple[list[Detections], int]:
    """Return a batch for each form in which one node reported, and how many reports had no possible place.

    numbers: of its messages, in their order.
    """
    rows = np.array(numbers, np.int64)
    subject = named([reports.objects[k] for k in numbers])
    found, impossible = list[Detections](), 0
    for form, which in _forms(reports, rows, observer.session.zone):
        common = Common(observer, received, reports, rows[which], subject[which])
        batches, bad = _located(common, form[1:]) if form[0] else _bearings(common, form[1:])
        found += batches
        impossible += bad
    return found, impossible


def _forms(reports: Reports, rows: I64, zone: str) -> list[tuple[tuple[Any, ...], I64]]:
    """Return each form, the first one first, and (m,) which of the rows have it. zone: where a report names none."""
    codes = reports.form[rows]
    if not reports.zones and (codes == codes[0]).all():  # as almost always
        return [(_form(codes[0].tolist(), zone), np.arange(len(rows)))]
    forms: dict[tuple[Any, ...], list[int]] = {}
    for k, (number, code) in enumerate(zip(rows.tolist(), codes.tolist(), strict=True)):
        forms.setdefault(_form(code, reports.zones.get(number, zone)), []).append(k)
    return [(form, np.array(which, np.int64)) for form, which in forms.items()]


def _form(code: list[int], zone: str) -> tuple[Any, ...]:
    return (True, *code[:2], zone) if code[0] else (False, *code[2:])


def _located(common: Common, form: tuple[int, int, str]) -> tuple[list[Detections], int]:
    n, session = len(common.rows), common.observer.session
    places = locate(form, common.reports.values[common.rows])
    if places is None:
        return [], n
    rows = np.flatnonzero(np.isfinite(places.latitude) & ~(np.abs(places.height) > LARGEST))
    if not len(rows):
        return [], n
    places = Located(*(column[rows] for column in places))
    unknown = np.isnan(places.height)
    sigma = places.sigma * ONE_SIGMA.get(session.meaning, 1.0)
    assumed = np.array([LEVEL_SIGMA, LEVEL_SIGMA, HEIGHT_SIGMA])
    sigma = np.where(np.isfinite(sigma) & (sigma > 0), np.clip(sigma, LEAST, LARGEST), assumed)
    sigma[unknown, 2] = UNKNOWN_HEIGHT
    axes = geo.east_north_up(places.latitude, places.longitude)
    z = geo.ecef(places.latitude, places.longitude, np.where(unknown, UNKNOWN_HEIGHT, places.height))
    covariance = np.einsum("nki,nk,nkj->nij", axes, sigma**2, axes)
    kind = Kind.POSITION
    if session.fuses:
        kind, z, covariance = Kind.TRACK, *_moving(z, covariance)
    return [_batch(common, rows, kind, z, covariance)], n - len(rows)


def _moving(z: F64, covariance: F64) -> tuple[F64, F64]:
    """Return states (n, 6) without a known velocity."""
    n = len(z)
    wide = np.zeros((n, 6, 6))
    wide[:, :3, :3] = covariance
    wide[:, [3, 4, 5], [3, 4, 5]] = 300.0**2
    return np.hstack([z, np.zeros((n, 3))]), wide


def _bearings(common: Common, form: tuple[int, int]) -> tuple[list[Detections], int]:
    angle, length = UNITS[form[0]]
    scale = np.array([length, angle, angle])
    values = common.reports.values[common.rows]
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused below
        z, sigma = values[:, :3] * scale, values[:, 3:] * scale * ONE_SIGMA.get(common.observer.session.meaning, 1.0)
        told = values[:, 3] * length  # the error of the range as the node says it
        blind = ~(z[:, 0] > 0) | (np.abs(z[:, 0] - told) <= NO_RANGE * z[:, 0])
    usable = np.isfinite(z[:, 1]) & ~(np.abs(z) > LARGEST).any(1)
    place, assumed = _stand(common.observer, form[1], common.received), _assumed(common.observer.enrolled, z)
    least = np.array([LEAST[0], LEAST_BEARING, LEAST_BEARING])
    sigma = np.where(np.isfinite(sigma) & (sigma > 0), np.clip(sigma, least, LARGEST), assumed)
    acoustic = Registration.NODE_TYPE_ACOUSTIC in common.observer.session.types
    found = []
    for rows, kind in ((usable & ~blind, Kind.POLAR), (usable & blind, Kind.SOUND if acoustic else Kind.DIRECTION)):
        index = np.flatnonzero(rows)
        if len(index):
            first = 0 if kind is Kind.POLAR else 1
            wide = np.full((len(index), 4 - first - (first > 0)), np.nan)
            wide[:, : 3 - first] = z[index, first:]
            covariance = np.eye(wide.shape[1]) * np.ones((len(index), 1, 1))
            covariance[:, : 3 - first, : 3 - first] = np.eye(3 - first) * (sigma[index, first:] ** 2)[:, None, :]
            found.append(_batch(common, index, kind, wide, covariance, place))
    return found, int((~usable).sum())


def _assumed(enrolled: Sensor | None, z: F64) -> F64:
    """Return (n, 3) errors where the node says none."""
    if enrolled is None:
        return np.column_stack([np.fmax(LEVEL_SIGMA, 0.02 * z[:, 0]), np.full((len(z), 2), BEARING_SIGMA)])
    angles = np.radians([enrolled.azimuth_sigma_deg, enrolled.elevation_sigma_deg])
    return np.broadcast_to(np.array([enrolled.range_sigma_m, *angles]), (len(z), 3))


def _stand(observer: Observer, datum: int, received: int) -> Place | None:
    """Return where the node stands, turned to its north."""
    at = observer.point
    if at is None or datum not in NORTH:
        return None
    height = at.height
    if np.isnan(height):
        height = float(geo.height_above_ellipsoid(0.0, HeightReference.GEOID, at.latitude, at.longitude))
    year = 1970.0 + received / 31_556_952e9
    offset = geo.north_offset(NORTH[datum], at.latitude, at.longitude, height, year)
    return geo.place(at.latitude, at.longitude, height, offset)


def _batch(  # noqa: PLR0913 - a batch is all of this
    common: Common, rows: I64, kind: Kind, z: F64, covariance: F64, place: Place | None = None
) -> Detections:
    observer, reports, numbers = common.observer, common.reports, common.rows[rows]
    said, evidence = reports.said(numbers, observer.session.vocabulary)
    return detections(
        kind,
        observer.name,
        common.received,
        reports.time[numbers],
        z,
        covariance,
        place=place,
        time_sigma=max(TIME_SIGMA, observer.session.latency / 2),
        time_kind=TimeKind.ARRIVAL if kind is Kind.SOUND else TimeKind.SENT,
        error_meaning=observer.session.meaning,
        subject=common.subject[rows],
        number=numbers,
        revisit=observer.enrolled.revisit_s if observer.enrolled else Sensor(name="", source="").revisit_s,
        evidence=evidence,
        claims=tuple(Claim(k, name, value) for k, words in enumerate(said) for name, value in words),
        family=observer.session.family,
        enrolled=observer.enrolled is not None and observer.first,
    )
