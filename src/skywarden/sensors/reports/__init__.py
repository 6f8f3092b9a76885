"""Reports of direction finders, cameras and people: one JSON object on each line.

    {"type": "direction_finder", "sensor": "DF 1", "number": 7, "time": "2026-11-27T02:10:05Z", "azimuth_deg": 87.5 ...}
    {"type": "camera", "sensor": "mast 3", ..., "azimuth_deg": 12.0, "elevation_deg": 4.5, "classes": {...}, ...}
    {"type": "observer", "sensor": "phones", "who": "a8f3", ..., "seen": true, "azimuth_deg": 140.0, "count": 3}

Angles in degrees, azimuth clockwise from true north, elevation up from the horizon; lengths in metres; times as
ISO 8601 with a zone or as whole ns since 1970, UTC. Fields that are not known here are passed over. Every field:
docs/reports.md.

Source: this project's own format; no standard body has one.
"""

from skywarden.sensors.reports.decoder import Reports
from skywarden.sensors.reports.encode import camera, direction_finder, observer

__all__ = ["Reports", "camera", "direction_finder", "observer"]
