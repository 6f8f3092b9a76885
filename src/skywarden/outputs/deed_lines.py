"""What follows from people's acts, as rows of the JSON lines (`jsonl` has their fields)."""

from typing import Any

from skywarden.model.deed import Advised, CategoryEnded, Escalated, FeedEnded, SensorTrust, ShelfEnded
from skywarden.model.event import Output
from skywarden.outputs.iso import iso


def deed_row(event: Output) -> dict[str, Any]:
    """Return such an event as a row; empty for all others. A cue has places and is none."""
    match event:
        case Escalated(time, position, raid, to):
            return {"event": "escalated", "time": iso(time), "position": position, "raid": raid, "to": to}
        case ShelfEnded(time, position, heading):
            row = {"event": "shelf ended", "time": iso(time), "position": position}
            return {**row, "site": heading.site, "kind": heading.kind}
        case Advised(time, number, heading, unit, wait, task):
            until = {"wait": iso(wait)} if unit else {}
            whose = {"advice": number, "task": task, "site": heading.site, "unit": unit}
            return {"event": "advised", "time": iso(time), **whose, **until}
        case FeedEnded(time, partner):
            return {"event": "feed ended", "time": iso(time), "partner": partner}
        case SensorTrust(time, sensor, word, reasons, by):
            said = {"sensor": sensor, "word": word, "reasons": reasons}
            return {"event": "sensor trust", "time": iso(time), **said, **({"by": by} if by else {})}
        case CategoryEnded(time, track):
            return {"event": "category ended", "time": iso(time), "track": track}
    return {}
