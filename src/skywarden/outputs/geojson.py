"""The picture as GeoJSON (RFC 7946): shown tracks and sites as points, longitude first, heights above the ellipsoid.

Track: kind, number, status, known ("point"; of a "wedge" or "field" a wide region, whose middle this is), height_m,
speed_m_s (level), heading_deg (clockwise from true north), climb_m_s, category, sources. Foreign track, of another
system: kind, source, subject (its number there), height_m, speed_m_s, heading_deg, climb_m_s, age_s, track (the number
of ours that it is, or null). Site: kind, name, radius_m, alert ("none" or "raised"), alerts, arrival (the first one's,
ISO 8601, or null).
"""

from collections.abc import Iterator, Mapping, Sequence
from math import atan2, degrees, hypot
from typing import Any

import msgspec

from skywarden.model.assessment import Alert, Category
from skywarden.model.event import TrackStates
from skywarden.model.foreign import Foreign
from skywarden.model.place import Site
from skywarden.model.track import Picture, Status, TrackKind
from skywarden.outputs.iso import iso

Feature = Mapping[str, Any]

_encode = msgspec.json.Encoder().encode


def encode(states: TrackStates, picture: Picture, sites: Sequence[Site], foreign: Foreign) -> bytes:
    """Return one FeatureCollection. states: the shown tracks at the picture's time, degrees, m, m/s."""
    features = [*_sites(picture.alerts, sites), *_tracks(states, picture), *_foreign(foreign)]
    # `time` and `mode` are foreign members (RFC 7946, section 6.1): readers that do not know them skip them.
    return _encode({"type": "FeatureCollection", "time": iso(picture.time), "mode": picture.mode, "features": features})


def _sites(alerts: Sequence[Alert], sites: Sequence[Site]) -> Iterator[Feature]:
    for site in sites:
        here = [alert for alert in alerts if alert.site == site.name]
        properties = {
            "kind": "site",
            "name": site.name,
            "radius_m": site.radius_m,
            "alert": "raised" if here else "none",
            "alerts": len(here),
            "arrival": iso(min(alert.arrival for alert in here)) if here else None,
        }
        yield _point(f"site {site.name}", (site.longitude, site.latitude, site.height_m), properties)


def _tracks(states: TrackStates, picture: Picture) -> Iterator[Feature]:
    row_of = {number: row for row, number in enumerate(picture.tracks.number.tolist()) if number}
    category = {identity.track: identity.category for identity in picture.identities}
    for k, number in enumerate(states.number):
        row = row_of[number]
        properties = {
            "kind": "track",
            "number": number,
            "status": Status(int(picture.tracks.status[row])).name.lower(),
            "known": TrackKind(int(picture.tracks.kind[row])).name.lower(),
            **_moving(states, k),
            "category": category.get(number, Category.PENDING),
            "sources": [picture.sensors[s] for s in picture.tracks.seen_by[row].tolist() if s >= 0],
        }
        yield _point(f"track {number}", (states.longitude[k], states.latitude[k], states.height_m[k]), properties)


def _foreign(foreign: Foreign) -> Iterator[Feature]:
    states = foreign.states
    for k, (sensor, subject) in enumerate(zip(foreign.sensor, states.number, strict=True)):
        properties = {
            "kind": "foreign track",
            "source": sensor,
            "subject": subject,
            **_moving(states, k),
            "age_s": round((states.time - foreign.told[k]) * 1e-9, 3),
            "track": foreign.track[k] or None,
        }
        place = states.longitude[k], states.latitude[k], states.height_m[k]
        yield _point(f"foreign track {sensor} {subject}", place, properties)


def _moving(states: TrackStates, k: int) -> Feature:
    east, north = states.east_m_s[k], states.north_m_s[k]
    return {
        "height_m": states.height_m[k],
        "speed_m_s": round(hypot(east, north), 1),
        "heading_deg": round(degrees(atan2(east, north)) % 360, 1) % 360,
        "climb_m_s": states.up_m_s[k],
    }


def _point(name: str, coordinates: tuple[float, float, float], properties: Feature) -> Feature:
    return {
        "type": "Feature",
        "id": name,
        "geometry": {"type": "Point", "coordinates": coordinates},
        "properties": properties,
    }
