"""What people's reports come to, as rows of the JSON lines (`jsonl` has their fields): no place is in them."""

from typing import Any

from skywarden.model.event import Output, ReportEventBegun, ReportEventEnded, ReportEventUpdated
from skywarden.model.triage import Gathered
from skywarden.outputs.iso import iso


def report_row(event: Output) -> dict[str, Any]:
    """Return an event of reports as a row; empty for all others."""
    match event:
        case ReportEventBegun(time, one):
            return {"event": "reports begun", "time": iso(time), **_said(one)}
        case ReportEventUpdated(time, one):
            return {"event": "reports updated", "time": iso(time), **_said(one)}
        case ReportEventEnded(time, number, reason, into):
            row = {"event": "reports ended", "time": iso(time), "number": number, "reason": reason}
            return {**row, "into": into} if into else row
    return {}


def _said(one: Gathered) -> dict[str, Any]:
    """Return how many say what, and who else has seen it; where it is is no part of a warning."""
    head = {"number": one.number, "begun": iso(one.begun), "latest": iso(one.latest)}
    counts = {"reports": one.reports, "reporters": one.reporters, "what": next(iter(one.words), "")}
    return {**head, **counts, "tracks": one.tracks, "probability": round(one.probability, 2)}
