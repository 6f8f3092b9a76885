"""SAPIENT nodes: a camera that gives bearings and a small radar that gives places and classes, as messages on a wire.

Every node registers as simulated, so that nothing of it can enter a live picture. All detections of one look carry one
time. Source: BSI Flex 335 v2.0.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np

from skywarden import geo
from skywarden.model.place import F64, I64, Place
from skywarden.sensors.sapient.message import pack
from skywarden.sensors.sapient.proto import (
    DetectionReport,
    Registration,
    SapientMessage,
    StatusReport,
    location_pb2,
    range_bearing_pb2,
)
from skywarden.sensors.sapient.rules import ICD_VERSION
from skywarden.sim.blocks import SECOND, Timed
from skywarden.sim.radar import horizon
from skywarden.sim.raid import Flier, Fliers

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, of which ULIDs are made
STATUS_S = 5.0
SEEN = 0.9  # of the looks at a flier in reach
LEVEL_SIGMA, HEIGHT_SIGMA = 25.0, 40.0  # m
BEARING_SIGMA_DEG = 0.2
CLASSES = {
    Flier.UAV: ("Air Vehicle", "UAV Fixed Wing"),
    Flier.AIRLINER: ("Air Vehicle", "Manned Fixed Wing"),
    Flier.HELICOPTER: ("Air Vehicle", "Manned Rotary Wing"),
    Flier.BIRDS: ("Animal", "Bird"),
}
DEGREES_ELLIPSOID = {
    "coordinate_system": location_pb2.LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M,
    "datum": location_pb2.LOCATION_DATUM_WGS84_E,
}
DEGREES_TRUE = {
    "coordinate_system": range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_M,
    "datum": range_bearing_pb2.RANGE_BEARING_DATUM_TRUE,
}


class What(StrEnum):
    """What a node is."""

    CAMERA = "camera"
    RADAR = "radar"


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One node and where it stands. source: the listener it connects to."""

    name: str
    source: str
    node_id: str  # UUID
    what: What
    latitude: float  # deg
    longitude: float  # deg
    height_m: float  # above the ellipsoid
    reach_m: float = 12e3
    period_s: float = 1.0
    phase_s: float = 0.3

    def stands(self) -> Place:
        """Return its place; azimuths count from true north."""
        return geo.place(np.radians(self.latitude), np.radians(self.longitude), self.height_m)


def node_messages(post: Post, fliers: Fliers, seconds: float, start: int, rng: np.random.Generator) -> Iterator[Timed]:
    """Yield all that a node says in `seconds`, in time order: registration, status every 5 s, detections."""
    watch = _Watch(post, fliers, rng, [ulid(start, rng) for _ in range(len(fliers))])
    yield _timed(post, start, registration(post, start))
    statuses = [(second, False) for second in np.arange(0.0, seconds, STATUS_S).tolist()]
    looks = [(second, True) for second in np.arange(post.phase_s, seconds, post.period_s).tolist()]
    for second, looking in sorted(statuses + looks):
        sent = start + round(second * SECOND)
        said = watch.look(second, sent) if looking else [status(post, sent, rng, new=second == 0.0)]
        for data in said:
            yield _timed(post, sent, data)


def _timed(post: Post, sent: int, data: bytes) -> Timed:
    return Timed(sent, post.source, data, post.name)


class _Watch(NamedTuple):
    """A node at work. objects: flier -> ULID under which it reports it."""

    post: Post
    fliers: Fliers
    rng: np.random.Generator
    objects: list[str]

    def look(self, second: float, sent: int) -> list[bytes]:
        """Return a message for each flier that is seen. second: of the fliers' time; sent: ns."""
        rows, stands = np.arange(len(self.fliers)), self.post.stands()
        times = np.full(len(rows), second)
        points = self.fliers.ecef(rows, times)
        local = (points - stands.position) @ stands.rotation.T
        distance = np.linalg.norm(local, axis=1)
        seen = (distance < self.post.reach_m) & (self.rng.random(len(rows)) < SEEN)
        seen &= distance < horizon(self.post.height_m, self.fliers.at(rows, times)[:, 2])
        rows = np.flatnonzero(seen)
        if self.post.what is What.CAMERA:
            return self._bearings(local[rows], rows, sent)
        return self._places(points[rows], rows, sent)

    def _bearings(self, local: F64, rows: I64, sent: int) -> list[bytes]:
        east, north, up = local.T
        angles = np.degrees([np.arctan2(east, north), np.arctan2(up, np.hypot(east, north))])
        azimuth, elevation = angles + self.rng.normal(0, BEARING_SIGMA_DEG, angles.shape)
        pairs = zip(rows.tolist(), (azimuth % 360).tolist(), elevation.tolist(), strict=True)
        return [bearing(self.post, sent, self._identity(row, sent), a, e) for row, a, e in pairs]

    def _places(self, points: F64, rows: I64, sent: int) -> list[bytes]:
        latitude, longitude, _ = geo.geodetic(points)
        noise = self.rng.normal(size=(len(rows), 3)) * [LEVEL_SIGMA, LEVEL_SIGMA, HEIGHT_SIGMA]
        heard = points + np.einsum("nij,ni->nj", geo.east_north_up(latitude, longitude), noise)
        latitude, longitude, height = geo.geodetic(heard)
        places = np.column_stack([np.degrees(latitude), np.degrees(longitude), height])
        kinds = [route.kind for route in self.fliers.routes]
        pairs = zip(rows.tolist(), places, strict=True)
        return [located(self.post, sent, self._identity(row, sent), place, kinds[row]) for row, place in pairs]

    def _identity(self, row: int, sent: int) -> tuple[str, str]:
        return ulid(sent, self.rng), self.objects[row]


def registration(post: Post, time: int) -> bytes:
    """Return a node's registration. time: ns, UTC."""
    said = Registration(icd_version=ICD_VERSION, name=post.name, short_name=post.name)
    kind = {What.CAMERA: Registration.NODE_TYPE_CAMERA, What.RADAR: Registration.NODE_TYPE_RADAR}[post.what]
    said.node_definition.add(node_type=kind, node_sub_type=["Simulated"])
    said.capabilities.add(category=post.what.value, type="Maximum range", value=f"{post.reach_m:.0f}", units="m")
    _duration(said.status_definition.status_interval, STATUS_S)
    mode = said.mode_definition.add(mode_name="Default", mode_type=Registration.MODE_TYPE_DEFAULT)
    mode.scan_type, mode.tracking_type = Registration.SCAN_TYPE_SCANNING, Registration.TRACKING_TYPE_TRACKLET
    _duration(mode.settle_time, 1.0)
    _duration(mode.maximum_latency, 0.1)
    detects = mode.detection_definition.add()
    if post.what is What.CAMERA:
        detects.location_type.range_bearing_units = DEGREES_TRUE["coordinate_system"]
        detects.location_type.range_bearing_datum = DEGREES_TRUE["datum"]
    else:
        detects.location_type.location_units = DEGREES_ELLIPSOID["coordinate_system"]
        detects.location_type.location_datum = DEGREES_ELLIPSOID["datum"]
    detects.geometric_error.type, detects.geometric_error.units = "Standard Deviation", "metres"
    detects.geometric_error.variation_type = "constant"
    task = mode.task
    task.concurrent_tasks = 1
    task.region_definition.region_type.append(Registration.REGION_TYPE_AREA_OF_INTEREST)
    area = task.region_definition.region_area.add()
    area.location_units, area.location_datum = DEGREES_ELLIPSOID["coordinate_system"], DEGREES_ELLIPSOID["datum"]
    command = task.command.add(units="mode", type=Registration.COMMAND_TYPE_MODE_CHANGE)
    _duration(command.completion_time, 1.0)
    said.config_data.add(manufacturer="Averel", model=post.what.value)
    return _message(post, time, registration=said)


def status(post: Post, time: int, rng: np.random.Generator, *, new: bool = True, goodbye: bool = False) -> bytes:
    """Return a node's status, with its place."""
    said = StatusReport(report_id=ulid(time, rng), mode="Default")
    said.system = StatusReport.SYSTEM_GOODBYE if goodbye else StatusReport.SYSTEM_OK
    said.info = StatusReport.INFO_NEW if new else StatusReport.INFO_UNCHANGED
    place = said.node_location
    place.x, place.y, place.z = post.longitude, post.latitude, post.height_m
    place.coordinate_system, place.datum = DEGREES_ELLIPSOID["coordinate_system"], DEGREES_ELLIPSOID["datum"]
    return _message(post, time, status_report=said)


def located(post: Post, time: int, identity: tuple[str, str], place: F64, kind: Flier) -> bytes:
    """Return a detection by place: latitude, longitude deg, height m. identity: of the report and of the object."""
    said = DetectionReport(report_id=identity[0], object_id=identity[1], detection_confidence=SEEN)
    at = said.location
    at.y, at.x, at.z = place.tolist()
    at.x_error = at.y_error = LEVEL_SIGMA
    at.z_error = HEIGHT_SIGMA
    at.coordinate_system, at.datum = DEGREES_ELLIPSOID["coordinate_system"], DEGREES_ELLIPSOID["datum"]
    name, sub_class = CLASSES[kind]
    said.classification.add(type=name, confidence=0.8).sub_class.add(type=sub_class, level=1, confidence=0.7)
    return _message(post, time, detection_report=said)


def bearing(post: Post, time: int, identity: tuple[str, str], azimuth: float, elevation: float) -> bytes:
    """Return a detection by bearing, deg. Its range is half of the reach, give or take the other half, as advised."""
    said = DetectionReport(report_id=identity[0], object_id=identity[1], detection_confidence=SEEN)
    at = said.range_bearing
    at.azimuth, at.elevation = azimuth, elevation
    at.azimuth_error = at.elevation_error = BEARING_SIGMA_DEG
    at.range = at.range_error = post.reach_m / 2
    at.coordinate_system, at.datum = DEGREES_TRUE["coordinate_system"], DEGREES_TRUE["datum"]
    return _message(post, time, detection_report=said)


def ulid(time: int, rng: np.random.Generator) -> str:
    """Return a ULID: 48 bits of time, ms, and 80 random ones."""
    high, low = (int(part) for part in rng.integers(0, 1 << 40, 2))
    value = (time // 1_000_000 & (1 << 48) - 1) << 80 | high << 40 | low
    return "".join(LETTERS[value >> 5 * k & 31] for k in range(25, -1, -1))


def _message(post: Post, time: int, **content: object) -> bytes:
    message = SapientMessage(node_id=post.node_id, **content)
    message.timestamp.seconds, message.timestamp.nanos = divmod(time, SECOND)
    return pack(message)


def _duration(field: Registration.Duration, seconds: float) -> None:
    field.units, field.value = Registration.TIME_UNITS_SECONDS, seconds
