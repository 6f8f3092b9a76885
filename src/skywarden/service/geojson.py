"""The picture as GeoJSON (RFC 7946): longitude first, heights above the ellipsoid in m."""

from collections.abc import Sequence
from typing import Any

import msgspec

from skywarden.model.place import Site
from skywarden.model.track import Picture
from skywarden.service.rows import TrackRow


def feature_collection(picture: Picture, tracks: Sequence[TrackRow], sites: Sequence[Site]) -> dict[str, Any]:
    """Return sites and tracks as points; what is known of them as properties."""
    alerts: dict[str, int] = {}
    for alert in picture.alerts:
        alerts[alert.site] = alerts.get(alert.site, 0) + 1
    features = [_site(site, alerts.get(site.name, 0)) for site in sites] + [_track(track) for track in tracks]
    return {"type": "FeatureCollection", "time": picture.time, "mode": picture.mode, "features": features}


def _site(site: Site, alerts: int) -> dict[str, Any]:
    properties = {"kind": "site", "name": site.name, "radius_m": site.radius_m, "alerts": alerts}
    return _point(f"site-{site.name}", [site.longitude, site.latitude, site.height_m], properties)


def _track(track: TrackRow) -> dict[str, Any]:
    properties = {"kind": "track", **msgspec.to_builtins(track)}
    for name in ("latitude", "longitude", "height_m"):
        del properties[name]
    return _point(f"track-{track.number}", [track.longitude, track.latitude, track.height_m], properties)


def _point(name: str, coordinates: list[float], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": name,
        "geometry": {"type": "Point", "coordinates": coordinates},
        "properties": properties,
    }
