"""Warnings as JSON lines: one line for each alert raised, updated or cleared, and for each track's life.

A line carries no place and no velocity of a track: it may be handed on to people who are warned (DESIGN section 6,
class *Warning*). Fields, in this order:

    alert raised, alert updated   event, time, site, track, arrival, early, late (ISO 8601), seconds, seconds_early,
                                  seconds_late (from `time`, never negative), probability
    alert cleared                 event, time, site, track, reason
    level changed                 event, time, site, level, probability, early, first, last (none where nobody comes)
    action advised                event, time, site, action, by, too_late
    action ended                  event, time, site, action
    announced                     event, time, position, raid, news: site, kind, level, tracks, early, first, last
    raid ended                    event, time, position, raid
    escalated                     event, time, position, raid, to (the position that is told)
    shelf ended                   event, time, position, site, kind
    category ended                event, time, track
    sensor trust                  event, time, sensor, word, reasons, by (left out when it is the system's)
    feed ended                    event, time, partner
    advised                       event, time, advice, task (meet, look), site, unit ("" nobody), wait (until then)
    site watched, not watched     event, time, site, blind (cells that are not watched, from low to high)
    reports begun, updated        event, time, number, begun, latest, reports, reporters, what, tracks, probability
    reports ended                 event, time, number, reason, into (left out when it is none)
    track confirmed, coasting     event, time, track
    track dropped                 event, time, track, reason
"""

from typing import Any

import msgspec

from skywarden.model.assessment import Alert
from skywarden.model.event import (
    AlertCleared,
    AlertRaised,
    AlertUpdated,
    Output,
    SensorFault,
    SensorRegistered,
    SiteWatched,
    TrackCoasting,
    TrackConfirmed,
    TrackDropped,
)
from skywarden.outputs.deed_lines import deed_row
from skywarden.outputs.iso import iso
from skywarden.outputs.raid_lines import raid_row
from skywarden.outputs.report_lines import report_row

_encode = msgspec.json.Encoder().encode


def encode(event: Output) -> bytes:
    """Return one line with its end, or no bytes for an event that is not for people who are warned."""
    row = _row(event) or raid_row(event) or deed_row(event) or report_row(event)
    return _encode(row) + b"\n" if row else b""


def _row(event: Output) -> dict[str, Any]:
    match event:
        case AlertRaised(alert):
            return {"event": "alert raised", **_alert(alert)}
        case AlertUpdated(alert):
            return {"event": "alert updated", **_alert(alert)}
        case AlertCleared(time, site, track, reason):
            return {"event": "alert cleared", "time": iso(time), "site": site, "track": track, "reason": reason}
        case SiteWatched(time, site, watched, blind):
            word = "site watched" if watched else "site not watched"
            return {"event": word, "time": iso(time), "site": site, "blind": blind}
        case TrackConfirmed(time, number):
            return {"event": "track confirmed", "time": iso(time), "track": number, **_beside(event.beside)}
        case TrackCoasting(time, number):
            return {"event": "track coasting", "time": iso(time), "track": number, **_beside(event.beside)}
        case TrackDropped(time, number, reason):
            return {"event": "track dropped", "time": iso(time), "track": number, "reason": reason}
        case SensorFault(time, sensor, fault):
            return {"event": "sensor fault", "time": iso(time), "sensor": sensor, "fault": fault}
        case SensorRegistered(time, sensor):
            biases = {name: getattr(event, name) for name in ("range_m", "azimuth_deg", "elevation_deg", "time_s")}
            return {"event": "sensor registered", "time": iso(time), "sensor": sensor, **biases}
    return {}


def _beside(number: int) -> dict[str, int]:
    return {"beside": number} if number else {}


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "time": iso(alert.updated),
        "site": alert.site,
        "track": alert.track,
        "arrival": iso(alert.arrival),
        "early": iso(alert.early),
        "late": iso(alert.late),
        "seconds": _seconds(alert.arrival - alert.updated),
        "seconds_early": _seconds(alert.early - alert.updated),
        "seconds_late": _seconds(alert.late - alert.updated),
        "probability": round(alert.probability, 2),
    }


def _seconds(time: int) -> float:
    return round(max(time, 0) * 1e-9, 1)
