"""What a scenario file says: area, ground, weather, sites, sensors, traffic, raid, faults. All numbers with units.

Places are kilometres east and north of the scenario's origin. Everything is drawn from one seed.
"""

from datetime import datetime
from typing import Literal

import msgspec

from skywarden.sim.kinds import Kind

Pair = tuple[float, float]


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class About(Block, frozen=True, kw_only=True):
    """The scenario as a whole."""

    name: str
    origin: Pair  # latitude, longitude, deg: where east and north are counted from
    area_km: Pair  # east-west and north-south size, around the origin
    start: datetime = datetime.fromisoformat("2030-03-14T20:00:00Z")
    start_drawn: bool = False  # the hour of `start` is drawn from those of reported raids
    duration_s: float = 1800.0


class Terrain(Block, frozen=True, kw_only=True):
    """The ground. flat: one height; hills: made from the seed; tiles: SRTM .hgt or .hgt.gz files."""

    kind: Literal["flat", "hills", "tiles"] = "flat"
    height_m: float = 0.0  # flat: above the ellipsoid; hills: of the lowest point
    relief_m: float = 200.0  # hills: highest above the lowest
    scale_km: float = 12.0  # hills: typical distance from hill to hill
    tiles: tuple[str, ...] = ()  # beside the scenario file, or from the working directory


class Weather(Block, frozen=True, kw_only=True):
    """The air over the whole area."""

    wind_m_s: float = 4.0  # at 10 m
    wind_from_deg: float = 270.0
    wind_shear: float = 0.15  # exponent of the wind's growth with height
    temperature_c: float = 10.0
    humidity_percent: float = 70.0
    visibility_km: float = 20.0
    cloud_base_m: float = 3000.0
    rain_mm_h: float = 0.0
    night: bool = True


class SceneSite(Block, frozen=True, kw_only=True):
    """A protected place."""

    name: str
    at_km: Pair
    radius_m: float = 2500.0
    lead_time_s: float = 300.0
    importance: float = 1.0


class Placed(Block, frozen=True, kw_only=True):
    """One sensor, or many of one make."""

    name: str
    at_km: Pair = (0.0, 0.0)  # of the one, or the middle of all
    count: int = 1
    layout: Literal["grid", "random", "ring", "line"] = "grid"
    extent_km: Pair = (0.0, 0.0)  # of the grid, the random field or the line; of a ring: both diameters
    height_m: float = 10.0  # above the ground
    path_km: tuple[Pair, ...] = ()  # a moving sensor: way-points, flown once over the duration
    moving: bool = False


class Radars(Placed, frozen=True, kw_only=True):
    """Radars that report plots as ASTERIX CAT 048."""

    mode: Literal["scan", "stare"] = "scan"
    period_s: float = 4.0  # one turn, or one look
    reach_km: float = 100.0  # instrumented range
    reference_km: float = 30.0  # where 1 m^2 (Swerling 1) is seen half of the time, at elevation 0
    false_alarm: float = 1e-6  # per cell
    range_sigma_m: float = 30.0
    azimuth_sigma_deg: float = 0.15
    elevation_sigma_deg: float = 0.5
    rate_sigma_m_s: float = 1.0
    measures_height: bool = False
    measures_rate: bool = False
    blind_speed_m_s: float = 0.0  # multiples of it are not seen; 0: no moving-target filter
    notch_m_s: float = 8.0  # slower than this against a blind speed is not seen
    range_cell_m: float = 150.0  # closer targets merge
    beam_deg: float = 1.5
    highest_deg: float = 40.0
    clutter: float = 5.0  # false plots a turn besides those of noise
    bird_clutter: float = 3.0  # single birds in the air within 8 km of each, on average
    bias_azimuth_deg: float = 0.0  # 1 sigma of what its registration is off by
    bias_range_m: float = 0.0
    latency_s: float = 0.1


class Microphones(Placed, frozen=True, kw_only=True):
    """Microphone nodes, single or as arrays of four."""

    array: bool = False  # gives bearings
    bearing_sigma_deg: float = 4.0
    tone_sigma: float = 0.003  # of the fundamental, relative
    false_alarm: float = 1e-4  # per one-second look, from the node's own noise
    disturbances_per_h: float = 0.2  # onsets per node: mopeds, chainsaws and what else sounds like an engine
    ambient_dba: float = 35.0
    excess_db: Pair = (12.0, 18.0)  # drawn per node and hour
    latency_s: float = 0.5


class Finders(Placed, frozen=True, kw_only=True):
    """Radio direction finders: hear what transmits (Remote ID, links of multirotors and decoys)."""

    bearing_sigma_deg: float = 2.0
    reach_km: float = 20.0
    period_s: float = 2.0
    latency_s: float = 0.3
    begins: bool = False  # set up to begin targets by bearings; good where nearly all that flies transmits


class Cameras(Placed, frozen=True, kw_only=True):
    """Cameras with a field of view; see by day, or by heat."""

    facing_deg: float = 0.0
    field_deg: float = 60.0
    turning: bool = False  # sweeps all around, a field at each look
    thermal: bool = True
    bearing_sigma_deg: float = 0.1
    reach_km: float = 6.0  # of a one-way UAV in clear air
    period_s: float = 1.0
    false_per_h: float = 1.0
    latency_s: float = 0.2


class Observers(Placed, frozen=True, kw_only=True):
    """People who report: trained observers or citizens."""

    trained: bool = False
    reach_km: float = 4.0  # by ear and eye
    bearing_sigma_deg: float = 12.0
    blunder: float = 0.05  # reports with a wrong direction or place altogether
    delay_s: Pair = (15.0, 90.0)  # until a report is sent: median and 90 %
    eager: float = 0.2  # of those who notice something, how many report it
    false_per_h: float = 0.02  # reports of nothing, per person


class Receivers(Placed, frozen=True, kw_only=True):
    """ADS-B receivers."""

    reach_km: float = 250.0


class RemoteIds(Placed, frozen=True, kw_only=True):
    """Receivers of Remote ID."""

    reach_km: float = 2.0


class Spoofer(Block, frozen=True, kw_only=True):
    """Somebody who sends claims of what is not there. what: of which system."""

    name: str
    what: Literal["adsb", "remote-id"]
    at_km: Pair
    targets: int = 5
    start_s: float = 0.0
    duration_s: float = 600.0
    copies_of: str = ""  # name of a real target whose identity it takes


class Traffic(Block, frozen=True, kw_only=True):
    """Peaceful traffic, drawn from the seed."""

    kind: Kind
    count: int
    transponder: float = 1.0  # how many of them send ADS-B (multirotors: Remote ID)


class Recording(Block, frozen=True, kw_only=True):
    """Real tracks flown as they were. file: a .csv.gz or .igc.gz of the formats in docs/scenarios.md."""

    file: str
    kind: Kind = Kind.AIRLINER
    start: str = ""  # time of the recording that is second 0; left out: its first
    move: bool = False  # put its middle at the origin; else it stays where it was flown
    transponder: bool = True
    limit: int = 0  # at most so many, 0 all


class Wave(Block, frozen=True, kw_only=True):
    """A part of the raid. Sizes and times may be drawn from public statistics (docs/scenarios.md)."""

    name: str
    kind: Kind
    count: int = 0  # 0: drawn
    quarter: str = ""  # whose statistics the size is drawn from, e.g. "2026Q2"
    decoys: float = 0.0  # how many of them are decoys
    sites: tuple[str, ...] = ()  # where they go; left out: all, by importance
    from_deg: tuple[float, ...] = ()  # directions they come from; left out: drawn
    start_s: float = 0.0
    spread_s: float = 600.0  # between the first and the last
    distance_km: float = 60.0  # from the site at the start
    height_m: Pair = (0.0, 0.0)  # left out: as usual for the kind
    speed_m_s: Pair = (0.0, 0.0)
    waypoints: int = 2  # on the way
    loiter: float = 0.0  # how many of them circle on the way
    group: int = 1  # that fly together
    spacing_m: float = 150.0  # within a group
    radio: float = 0.0  # how many transmit (direction finders hear them)


class Faults(Block, frozen=True, kw_only=True):
    """What goes wrong on the way and with the sensors. Shares are between 0 and 1."""

    lost: float = 0.0  # sensors lost for good
    outages: float = 0.0  # sensors that go out once
    outage_s: float = 120.0
    clock_offset_s: float = 0.02  # 1 sigma
    clock_drift_ppm: float = 1.0
    gnss_spoofed: float = 0.0  # nodes whose place (1-5 km) and time (1-60 s) are spoofed
    late: float = 0.0  # messages that come late
    late_s: float = 5.0  # by so much on average
    duplicated: float = 0.0  # messages that come twice


class Scene(Block, frozen=True, kw_only=True):
    """One scenario file."""

    scenario: About
    terrain: Terrain = Terrain()
    weather: Weather = Weather()
    sites: tuple[SceneSite, ...] = ()
    radars: tuple[Radars, ...] = ()
    microphones: tuple[Microphones, ...] = ()
    direction_finders: tuple[Finders, ...] = ()
    cameras: tuple[Cameras, ...] = ()
    observers: tuple[Observers, ...] = ()
    receivers: tuple[Receivers, ...] = ()
    remote_id: tuple[RemoteIds, ...] = ()
    spoofers: tuple[Spoofer, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    recordings: tuple[Recording, ...] = ()
    waves: tuple[Wave, ...] = ()
    faults: Faults = Faults()
