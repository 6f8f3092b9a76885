"""What people report, as their programs read it: events, and reports that nothing supports, with their numbers."""

import msgspec
import numpy as np

from skywarden.model.track import Picture
from skywarden.model.triage import Event, Figure, Mark, Triage
from skywarden.triage import gathered

MOST_ROWS = 200  # of each kind in one answer, the latest; the others are counted


class ReportRow(msgspec.Struct, frozen=True):
    """One event of reports, or reports that nothing supports. support: in words, who else has seen it."""

    number: int
    support: str
    tracks: tuple[int, ...]
    begun: int
    latest: int
    at: int
    latitude: float
    longitude: float
    along_m: float
    across_m: float
    axis_deg: float
    velocity: tuple[float, float] | None
    reports: int
    reporters: int
    words: dict[str, float]
    credibility: float
    probability: float


class ReportsRow(msgspec.Struct, frozen=True):
    """Everything of this. unsupported: reports that are in no event. more: rows that are not shown, of both kinds."""

    time: int
    events: list[ReportRow]
    unsupported: list[ReportRow]
    more: int
    waiting: int
    left: dict[str, int]


def reports(picture: Picture) -> ReportsRow:
    """Return all events, the likeliest first, and all reports without support, the latest first."""
    triage = picture.triage
    spoken = triage.events[:, Event.TOLD] > 0
    events = np.flatnonzero(spoken)
    events = events[np.lexsort((events, -triage.figures[events, Figure.SCORE]))]
    others = np.flatnonzero(~spoken)
    others = others[np.lexsort((others, -triage.events[others, Event.LATEST]))]
    more = max(len(events) - MOST_ROWS, 0) + max(len(others) - MOST_ROWS, 0)
    said, alone = ([_row(triage, row, picture.time) for row in rows[:MOST_ROWS].tolist()] for rows in (events, others))
    return ReportsRow(picture.time, said, alone, more, len(triage.waiting), triage.left)


def _row(triage: Triage, row: int, time: int) -> ReportRow:
    event = triage.events[row]
    marks = triage.marks[triage.marks[:, Mark.EVENT] == event[Event.NUMBER]]
    one = gathered(event, triage.figures[row], (marks, triage.people, triage.trust), time)
    return ReportRow(support=_support(one.tracks, one.reporters), **msgspec.structs.asdict(one))


def _support(tracks: tuple[int, ...], reporters: int) -> str:
    if tracks:
        return "supported by track " + ", ".join(map(str, tracks))
    return "nothing else has seen it" if reporters > 1 else "nobody else has reported it, nothing else has seen it"
