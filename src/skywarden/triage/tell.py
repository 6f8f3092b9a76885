"""What people are told of events of reports, and how often."""

from collections.abc import Sequence

import numpy as np

from skywarden.geo.earth import SEMI_MAJOR
from skywarden.model.assessment import CLASSES
from skywarden.model.event import ReportEventBegun, ReportEventEnded, ReportEventUpdated
from skywarden.model.place import F64, I64
from skywarden.model.triage import Event, Figure, Gathered, Mark
from skywarden.triage.book import Book
from skywarden.triage.trust import credibility

SECOND = 1_000_000_000  # ns
MOST_TOLD = 8  # events begun or updated in a second; the likeliest first, the others wait
STOOD = 60 * SECOND  # ns for which it must have been an event, if no track supports it
QUIET = 30 * SECOND  # ns between two updates of one event
MOVED, CHANGED = 2_000.0, 1.5  # m, nats: so much is worth an update
ELLIPSE = 5.991  # chi-square, 95 %, two degrees of freedom
KNOWS_SPEED = 30.0  # m/s, 1 sigma, up to which a velocity is said
ALONE = 0.9  # nothing that only people say is more probable than this


def told(book: Book, trust: tuple[I64, F64], time: int) -> list[ReportEventBegun | ReportEventUpdated]:
    """Return what is told now of events that are likelier than not. trust: people and their counts."""
    events, figures = book.events, book.figures
    score = figures[:, Figure.SCORE]
    place = np.column_stack((figures[:, Figure.LATITUDE], figures[:, Figure.LONGITUDE]))
    north = figures[:, Figure.LATITUDE] - figures[:, Figure.TOLD_LATITUDE]
    east = (figures[:, Figure.LONGITUDE] - figures[:, Figure.TOLD_LONGITUDE]) * np.cos(figures[:, Figure.LATITUDE])
    moved = np.hypot(north, east) * SEMI_MAJOR
    sure = (events[:, Event.SUPPORTED] > 0) | (time - events[:, Event.SINCE] >= STOOD)
    new = (events[:, Event.TOLD] == 0) & (score >= 0.0) & sure
    other = (moved >= MOVED) | (np.abs(score - figures[:, Figure.TOLD_SCORE]) >= CHANGED)
    again = (events[:, Event.TOLD] > 0) & (time - events[:, Event.TOLD] >= QUIET) & other
    due = np.flatnonzero(new | again)
    due = due[np.lexsort((events[due, Event.NUMBER], -score[due], ~new[due]))][:MOST_TOLD]
    said: list[ReportEventBegun | ReportEventUpdated] = []
    for row in due.tolist():
        number = int(events[row, Event.NUMBER])
        event = gathered(events[row], figures[row], (book.marks[number], *trust), time)
        said.append(ReportEventBegun(time, event) if new[row] else ReportEventUpdated(time, event))
        events[row, Event.TOLD] = time
        figures[row, Figure.TOLD_LATITUDE :] = *place[row], score[row]
    return said


def ended(book: Book, gone: I64, time: int, reason: str) -> list[ReportEventEnded]:
    """Take events out; return the end of those that people were told of."""
    numbers = np.sort(book.events[gone, Event.NUMBER]).tolist()
    spoken = set(book.events[book.events[:, Event.TOLD] > 0, Event.NUMBER].tolist())
    for number in numbers:
        book.end(number)
    return [ReportEventEnded(time, number, reason) for number in numbers if number in spoken]


def gathered(event: I64, figure: F64, of: tuple[I64, I64, F64], time: int) -> Gathered:
    """Return an event as people read it. of: (n, Mark) of its reports, people and trust; time: ns."""
    marks, people, trust = of
    along, across, axis = _ellipse(figure)
    score = float(figure[Figure.SCORE])
    probability = float(1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0))))
    alone = not event[Event.SUPPORTED]
    known = figure[Figure.SPEED2] <= KNOWS_SPEED**2
    velocity = round(float(figure[Figure.EAST]), 1), round(float(figure[Figure.NORTH]), 1)
    return Gathered(
        number=int(event[Event.NUMBER]),
        begun=int(event[Event.BEGUN]),
        latest=int(event[Event.LATEST]),
        at=int(event[Event.AT]),
        latitude=round(float(np.degrees(figure[Figure.LATITUDE])), 5),
        longitude=round(float(np.degrees(figure[Figure.LONGITUDE])), 5),
        along_m=along,
        across_m=across,
        axis_deg=axis,
        velocity=velocity if known else None,
        reports=int(event[Event.REPORTS]),
        reporters=int(event[Event.REPORTERS]),
        words=_words(marks, credibility(people, trust, marks[:, Mark.WHO], time)),
        tracks=tuple(number for number in event[Event.TRACK :].tolist() if number),
        credibility=round(float(figure[Figure.TRUST]), 3),
        probability=round(min(probability, ALONE) if alone else probability, 3),
    )


def _ellipse(figure: F64) -> tuple[float, float, float]:
    """Return both half axes, m, and the azimuth of the longer one, deg in [0, 180)."""
    east2, both, north2 = (float(figure[k]) for k in (Figure.EAST2, Figure.EAST_NORTH, Figure.NORTH2))
    middle, half = 0.5 * (east2 + north2), float(np.hypot(0.5 * (east2 - north2), both))
    axis = 0.5 * float(np.degrees(np.arctan2(2.0 * both, north2 - east2)))
    long, short = np.sqrt(ELLIPSE * (middle + half)), np.sqrt(ELLIPSE * max(middle - half, 0.0))
    return round(float(long), 0), round(float(short), 0), round(axis % 180.0, 0) % 180.0


def _words(marks: I64, weight: F64) -> dict[str, float]:
    """Return what people called it, by how much they have been worth, the most first."""
    spoken = marks[:, Mark.WORD] >= 0
    sums = np.bincount(marks[spoken, Mark.WORD], weight[spoken], len(CLASSES))
    total = float(sums.sum())
    order: Sequence[int] = np.argsort(-sums, kind="stable").tolist()
    return {CLASSES[k].value: round(float(sums[k]) / total, 3) for k in order if sums[k] > 0} if total > 0 else {}
