"""Places: where sources, sensors and sites stand, and what sensors see from there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
FAR = 1e12  # m; nothing is so far away
ECHO_RANGE = 10e3  # m; how far away the target is that `echo_dbm` speaks of
AZIMUTHS = 36  # of a screening diagram as the tracker has it, 10 deg each
SECTORS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")  # 45 degrees each, the first around true north


class TrackPolicy(StrEnum):
    """What the tracks of another system are used for; see docs/tracker.md, "Tracks of other systems"."""

    DISPLAY = "display"  # shown beside ours
    TRACKLETS = "tracklets"  # what is new in each report corrects ours: they know nothing that we know
    INTERSECTION = "intersection"  # they may know what we know: both states, weighed so that nothing counts twice


class HeightReference(StrEnum):
    """What a height is counted from."""

    ELLIPSOID = "ellipsoid"  # WGS 84
    GEOID = "geoid"  # EGM96, "above mean sea level"
    GROUND = "ground"
    BAROMETRIC = "barometric"  # standard atmosphere, 1013.25 hPa


class NorthReference(StrEnum):
    """What an azimuth is counted from."""

    TRUE = "true"
    MAGNETIC = "magnetic"
    GRID = "grid"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sensor stood and how it was turned when it measured.

    position: (3,) float64, ECEF m. rotation: (3, 3) float64, ECEF -> the sensor's own east, north, up.
    """

    position: F64
    rotation: F64


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site can do to protect itself, e.g. take the shift to the shelter."""

    name: str
    lead_s: float  # it takes so long
    probability: float = 0.2  # that somebody comes, from which it is worth it: what it costs over what it saves


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place that must be protected, e.g. a power station."""

    name: str
    latitude: float  # deg, WGS 84
    longitude: float  # deg, WGS 84
    height_m: float = 0.0  # above the ellipsoid
    radius_m: float = 3000.0  # a target inside it has arrived
    lead_time_s: float = 300.0  # warning this long before arrival is what the site needs
    consequence: float = 1.0  # of being hit, in whatever unit all sites have; orders them
    critical_probability: float = 0.5  # that somebody comes, from which it is critical: a stop's cost over a hit's
    actions: tuple[Action, ...] = ()

    @property
    def need_s(self) -> float:
        """Return s of warning that it needs, for its longest action too."""
        return max(self.lead_time_s, *(action.lead_s for action in self.actions), 0.0)


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where an operator sits, and which sites are his. Announcements are counted for each."""

    name: str
    sites: tuple[str, ...] = ()
    escalate_to: str | None = None  # position that is told when nobody acknowledges; None: nobody is


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A response unit: a team that can be sent to where a group comes by or, with `sensor`, can look there."""

    name: str
    latitude: float  # deg, WGS 84; where it stands ready
    longitude: float  # deg, WGS 84
    readiness_s: float  # from the call until it leaves
    reach_m: float  # it can do something this far from where it is
    speed_m_s: float = 0.0  # on its way; 0: it stays where it is
    capacity: int = 1  # groups at once
    sensor: str | None = None  # name of the sensor that it points: it is asked to look; None: to meet


class Partner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may be handed a cue, by a person's decision, and nothing else. It is told where to look."""

    name: str
    address: str  # "tcp://host:port" or "udp://host:port"
    plain: bool = False  # without encryption at an address that other computers can reach


class District(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An area that is warned as one: as much as the worst of its sites."""

    name: str
    sites: tuple[str, ...] = ()
    polygon: tuple[tuple[float, float], ...] = ()  # latitude, longitude deg, as it is told; (): around its sites
    code: str = ""  # "name=value" of a public list of areas


class Flight(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A flight of our own: where and when it starts, and where it may be until when."""

    name: str
    begins: datetime
    ends: datetime
    latitude: float  # deg, WGS 84; where it starts
    longitude: float  # deg
    launch_radius_m: float = 300.0  # it is first seen within this distance of it
    route: tuple[tuple[float, float], ...] = ()  # latitude, longitude deg of way-points after the start
    fastest_m_s: float = 40.0  # at its start it is no faster
    highest_m: float = 500.0  # and no higher, above the lowest site
    corridor_m: float = 2000.0  # it stays within this distance of the route, or of the start where there is none
    identity: str = ""  # what it says of itself: ICAO address, callsign or serial number


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One wire or file that brings messages of one format. Exactly one of listen, connect, file is set."""

    name: str
    format: str  # a row of sensors.DECODERS
    listen: str | tuple[str, ...] | None = None  # "tcp://127.0.0.1:30003", "udp://239.1.1.1:8600@eth1" (group); several
    connect: str | None = None  # "tcp://host:30005", "tls://host:30005"
    file: str | None = None  # recording: raw, pcap, JSON lines (.gz too)
    interface: str | None = None  # name or address; joins the groups that name none
    tls_certificate: str | None = None  # PEM file, of the addresses that begin with tls://
    tls_key: str | None = None  # PEM file; None: in the certificate's
    tls_ca: str | None = None  # PEM file; who is at the other end must have a certificate that it signed
    tls_name: str | None = None  # in the server's certificate, when it is not the address that we connect to
    plain: bool = False  # TCP without TLS at an address that other computers can reach
    latitude: float | None = None  # deg; where the receiver stands, if the format needs it (surface positions)
    longitude: float | None = None  # deg
    editions: dict[str, str] = {}  # ASTERIX: category -> edition, e.g. {"048" = "1.32"}
    max_age_s: float = 60.0  # older measurements are refused as "time in the past"
    max_lead_s: float = 5.0  # later ones as "time in the future"
    tracks: TrackPolicy = TrackPolicy.DISPLAY  # what the tracks of another system are used for
    max_rate: float | None = None  # messages/s of one sender; None: as usual for the format
    silent_after_s: float = 10.0  # without a message it is "silent"; 0: never, it is quiet by nature, as people are

    @property
    def listens(self) -> tuple[str, ...]:
        """Return the addresses to listen at: none, one, or several that bring the same messages."""
        return (self.listen,) if isinstance(self.listen, str) else self.listen or ()


class Coverage(NamedTuple):
    """What a sensor can see, as it is enrolled. detection: probability at a look; clutter: false alarms a look, 1/m^2.

    None: as for all. nearest, farthest: m. sector: first azimuth and width clockwise, in turns; elevation: lowest and
    highest, rad. horizon (AZIMUTHS,): apparent elevation of the ground, deg, from north on; ridge (AZIMUTHS,): m, how
    far that line is. whole: there is no limit in all this. begins: m, up to which range a bearing that may be nobody's
    begins a target; 0 begins none. revisit: s, between two looks of a sensor whose bearings do.
    """

    detection: float | None
    clutter: float | None
    nearest: float
    farthest: float
    sector: tuple[float, float]
    elevation: tuple[float, float]
    horizon: F64
    ridge: F64
    whole: bool
    begins: float = 0.0
    revisit: float = 5.0


class Sensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One radar, camera, direction finder ... behind a source, with its enrolled place and its errors."""

    name: str
    source: str  # name of the source that carries it
    sac: int | None = None  # ASTERIX identity
    sic: int | None = None
    node_id: str | None = None  # SAPIENT identity, a UUID
    node: int | None = None  # number of a microphone node
    latitude: float | None = None  # deg, WGS 84; None: the place that it reports
    longitude: float | None = None
    height_m: float = 0.0
    height_reference: HeightReference = HeightReference.ELLIPSOID
    north_reference: NorthReference = NorthReference.TRUE
    revisit_s: float = 5.0  # time between two looks at the same target
    range_sigma_m: float = 50.0
    azimuth_sigma_deg: float = 0.1
    elevation_sigma_deg: float = 0.3
    range_rate_sigma_m_s: float = 2.0
    range_bias_m: float = 0.0  # reported minus true; removed before tracking, raw value kept
    azimuth_bias_deg: float = 0.0
    elevation_bias_deg: float = 0.0
    time_bias_s: float = 0.0
    detection_probability: float | None = None  # at one look; None: as in [tracker]
    false_alarms_per_km2: float | None = None  # a look
    echo_dbm: float | None = None  # amplitude that it reports of 1 m^2 at ECHO_RANGE; None: not used
    min_range_m: float = 0.0
    max_range_m: float | None = None  # None: no limit is known
    azimuth_from_deg: float | None = None  # clockwise from true north; with the next
    azimuth_to_deg: float | None = None
    min_elevation_deg: float = -90.0
    max_elevation_deg: float = 90.0
    horizon_deg: tuple[float, ...] = ()  # apparent elevation of the ground by azimuth, evenly, from true north on
    horizon_m: tuple[float, ...] = ()  # how far away that is; (): what is below the horizon is hidden at any range
    begins_m: float = 0.0  # up to which range its bearings begin targets; 0: they begin none

    @property
    def coverage(self) -> Coverage | None:
        """Return what it can see; None: nothing is said of that."""
        around = self.azimuth_from_deg is None or self.azimuth_to_deg is None
        limits = self.min_range_m, self.max_range_m, self.min_elevation_deg, self.max_elevation_deg
        whole = around and limits == (0.0, None, -90.0, 90.0) and not self.horizon_deg
        if whole and self.detection_probability is self.false_alarms_per_km2 is None and not self.begins_m:
            return None
        begin, end = (0.0, 0.0) if around else (self.azimuth_from_deg or 0.0, self.azimuth_to_deg or 0.0)
        low, high = math.radians(self.min_elevation_deg), math.radians(self.max_elevation_deg)
        return Coverage(
            self.detection_probability,
            None if self.false_alarms_per_km2 is None else self.false_alarms_per_km2 * 1e-6,
            self.min_range_m,
            FAR if self.max_range_m is None else self.max_range_m,
            (begin % 360.0 / 360.0, ((end - begin) % 360.0 or 360.0) / 360.0),
            (low, high),
            *_around(self.horizon_deg, self.horizon_m or (0.0,) * len(self.horizon_deg)),
            whole,
            self.begins_m,
            self.revisit_s,
        )


def _around(elevations: Sequence[float], distances: Sequence[float]) -> tuple[F64, F64]:
    """Return (AZIMUTHS,) the highest of the elevations, deg, that are nearest to each azimuth, and its distance, m."""
    n, highest, away = len(elevations), np.full(AZIMUTHS, -90.0), np.zeros(AZIMUTHS)
    for k in range(AZIMUTHS):
        low, high = (k - 0.5) * n / AZIMUTHS, (k + 0.5) * n / AZIMUTHS
        near = range(math.ceil(low), math.ceil(high)) or [round(0.5 * (low + high))]
        for i in near if n else ():
            if elevations[i % n] > highest[k]:
                highest[k], away[k] = elevations[i % n], distances[i % n]
    return highest, away


class Registration(msgspec.Struct, frozen=True, array_like=True):
    """What a sensor is believed to add to its measurements; subtracted before tracking, the raw value is kept.

    version: 0 is none, the configured bias is 1, each later estimate one more. since: ns, the recorded change point.
    range_m, azimuth, elevation: m, rad; time_s: reported minus true, s. covariance: 4 x 4 of these, row by row.
    """

    sensor: str
    version: int = 0
    since: int = 0
    range_m: float = 0.0
    azimuth: float = 0.0
    elevation: float = 0.0
    time_s: float = 0.0
    covariance: tuple[float, ...] = (0.0,) * 16
