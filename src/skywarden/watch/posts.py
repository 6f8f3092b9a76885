"""What the configuration says of who watches: sensors that measure, where they stand, how far they see.

Only what is enrolled with a place and a reach can count. Claims (ADS-B, Remote ID) and people never do: who wants to
hide says nothing, and nobody looks all the time.
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import radians

import numpy as np

from skywarden import geo
from skywarden.config import Settings
from skywarden.geo.earth import ECCENTRICITY2, SEMI_MAJOR
from skywarden.model.place import F64, I64, HeightReference, Sensor, Site, Source
from skywarden.model.watched import Posts
from skywarden.track.beliefs import LAYOUT, plain
from skywarden.track.cover import cover
from skywarden.track.looks import SENSE
from skywarden.track.posts import salt
from skywarden.watch.alive import CLAIMS, NO_PLACE, NO_REACH, PROVEN, SECOND
from skywarden.watch.ways import AXES, EAST, HEIGHT, NEED, NORTH, POSITION, RADIUS

NODES = "sapient"  # format of sensors that say themselves how they are
LOOKS = ("asterix", NODES)  # formats of sensors that look
EARS = "microphone"
SILENT_AFTER = 10.0  # s; where a source is quiet by nature nothing else says that it lives
TURNS = 1.5  # revisits without a sign of life at least, before a sensor is silent


def posts(settings: Settings) -> Posts:
    """Return who may watch, from the configuration."""
    sources = {source.name: source for source in settings.sources}
    ears = [s for s in settings.sensors if _is_ear(s, sources)]
    eyes = [s for s in settings.sensors if not _is_ear(s, sources)]
    rows = [_sense(sensor, settings.tracker.detection_probability) for sensor in eyes]
    wires = tuple(sources)
    names, spots, whose = _ears(ears, wires)
    found = Posts(
        names=tuple(sensor.name for sensor in eyes),
        sources=tuple(sensor.source for sensor in eyes),
        senses=plain(np.concatenate([row for row, _ in rows]) if rows else np.zeros(0, SENSE)),
        heights=np.array([height for _, height in rows], float),
        silent=np.array([_silent(sensor, sources) for sensor in eyes], float),
        proven=np.array([_proven(sensor, settings.tracker.confirm_hits) for sensor in eyes], float),
        fixed=np.array([_never(sensor, sources) for sensor in eyes], np.int64),
        node=np.array([_format(sensor, sources) == NODES for sensor in eyes], bool),
        begins=np.array([sensor.begins_m > 0 for sensor in eyes], bool),
        sites=tuple(site.name for site in settings.sites),
        aims=np.array([_aim(site, settings) for site in settings.sites], float).reshape(-1, NEED + 1),
        ears=names,
        spots=spots,
        whose=whose,
        wires=wires,
        quiet=np.array([source.silent_after_s or np.inf for source in sources.values()], float),
    )
    return _sealed(found)


def _sealed(found: Posts) -> Posts:
    """Return it with its digest, all arrays read-only."""
    total = blake2b(LAYOUT.encode(), digest_size=8)
    for name in Posts.__slots__:
        value = getattr(found, name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
            total.update(np.ascontiguousarray(value).tobytes())
        else:
            total.update(repr(value).encode())
    columns = {name: getattr(found, name) for name in Posts.__slots__ if name != "digest"}
    return Posts(**columns, digest=total.hexdigest())


def _format(sensor: Sensor, sources: dict[str, Source]) -> str:
    source = sources.get(sensor.source)
    return source.format if source else ""


def _is_ear(sensor: Sensor, sources: dict[str, Source]) -> bool:
    return _format(sensor, sources) == EARS and sensor.node is not None


def _is_placed(sensor: Sensor) -> bool:
    return sensor.latitude is not None and sensor.longitude is not None


def _never(sensor: Sensor, sources: dict[str, Source]) -> int:
    """Return why a sensor can never count, 0 if it can."""
    if _format(sensor, sources) not in LOOKS:
        return CLAIMS
    if not _is_placed(sensor):
        return NO_PLACE
    return NO_REACH if sensor.max_range_m is None else 0


def _silent(sensor: Sensor, sources: dict[str, Source]) -> float:
    source = sources.get(sensor.source)
    after = source.silent_after_s if source and source.silent_after_s else SILENT_AFTER
    return max(after, TURNS * sensor.revisit_s)


def _proven(sensor: Sensor, hits: int) -> float:
    """Return s after which a sensor has shown who is there: `hits` looks make a track, and one may be half done."""
    return max(PROVEN / SECOND, (hits + 1) * sensor.revisit_s)


def _place(sensor: Sensor) -> tuple[float, float, float]:
    """Return rad, rad and m above the ellipsoid; of a sensor without a place, anything."""
    latitude, longitude = radians(sensor.latitude or 0.0), radians(sensor.longitude or 0.0)
    if sensor.height_reference is HeightReference.GROUND:
        return latitude, longitude, sensor.height_m  # refused by its decoder
    height = geo.height_above_ellipsoid(sensor.height_m, sensor.height_reference, latitude, longitude)
    return latitude, longitude, float(height)


def _sense(sensor: Sensor, usual: float) -> tuple[np.ndarray, float]:
    """Return what a sensor can see, as one row of `SENSE`, and its height. usual: Pd where it does not say.

    Bearings alone begin targets up to `begins_m` only, so that is how far such a sensor helps. Its sector counts from
    true north.
    """
    row = np.zeros(1, SENSE)
    latitude, longitude, height = _place(sensor)
    row["position"], row["rotation"] = geo.ecef(latitude, longitude, height), geo.east_north_up(latitude, longitude)
    row["detection"], row["revisit"] = usual, sensor.revisit_s
    coverage = sensor.coverage
    if coverage is not None:
        cover(row[0], coverage, True)
        row["reach"] = min(coverage.farthest, sensor.begins_m or coverage.farthest)
    return row, height


def _ears(sensors: Sequence[Sensor], wires: tuple[str, ...]) -> tuple[I64, F64, I64]:
    """Return (m,) names of single microphones, sorted, (m, 3) where they stand, ECEF m, and (m,) their sources.

    One without a place in the configuration stands where it says, so it does not count.
    """
    salts = {name: salt(name) for name in wires}
    known = {(s.node or 0) ^ salts[s.source]: s for s in sensors if _is_placed(s)}
    names = np.array(sorted(known), np.int64)
    places = np.array([_place(known[name]) for name in names.tolist()], float).reshape(-1, 3)
    whose = np.array([wires.index(known[name].source) for name in names.tolist()], np.int64)
    return names, geo.ecef(*places.T), whose


def _aim(site: Site, settings: Settings) -> F64:
    """Return a site as `ways` has it."""
    latitude, longitude = radians(site.latitude), radians(site.longitude)
    normal = 1.0 - ECCENTRICITY2 * np.sin(latitude) ** 2
    aim = np.empty(NEED + 1)
    aim[POSITION : POSITION + 3] = geo.ecef(latitude, longitude, site.height_m)
    aim[AXES : AXES + 9] = geo.east_north_up(latitude, longitude).ravel()
    aim[HEIGHT], aim[RADIUS] = site.height_m, site.radius_m
    aim[NORTH] = SEMI_MAJOR * (1.0 - ECCENTRICITY2) / normal**1.5 + site.height_m
    aim[EAST] = SEMI_MAJOR / np.sqrt(normal) + site.height_m
    aim[NEED] = site.need_s * settings.alert.lead_factor + settings.alert.margin_s
    return aim
