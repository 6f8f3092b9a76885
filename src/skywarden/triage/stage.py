"""Reports of people put together, once a second: join, merge, support, credibility, end. A stage of `pipeline.step`."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np

from skywarden.model.detection import Detections
from skywarden.model.event import ReportEventBegun, ReportEventEnded, ReportEventUpdated
from skywarden.model.place import I64
from skywarden.model.track import Tracks
from skywarden.model.triage import Event, Figure, Mark, Triage
from skywarden.triage.birth import born
from skywarden.triage.book import Book
from skywarden.triage.join import WORTH, best, merged
from skywarden.triage.queue import MOST_WAITING, TURN, fewer, ranked
from skywarden.triage.review import reviewed
from skywarden.triage.support import facts, judged, supported
from skywarden.triage.take import reported, rows, sorted_rows
from skywarden.triage.tell import ended, told
from skywarden.triage.trust import credibility, found, learned
from skywarden.triage.weigh import STANDS, copies, moves, scored

SECOND = 1_000_000_000  # ns
KEPT = 1200 * SECOND  # ns after its last report came for which an event stands, and a report without support is shown
LATELY = 30 * SECOND  # ns; a track that the configuration has measured no later than this ago is a fact
MOST_EVENTS = 1024
BIRTHS, REVIEWS = 6, 8  # reports in a second with which a flight may begin, flights that are looked at again
DIGITS = 32
COLUMNS = ("waiting", "waiting_marks", "told", "marks", "events", "figures", "people", "trust")

ReportEvent = ReportEventBegun | ReportEventUpdated | ReportEventEnded


def triaged(
    before: Triage, batches: Sequence[Detections], seen: tuple[Tracks, I64], time: int
) -> tuple[Triage, list[ReportEvent]]:
    """Return what people's reports come to at `time`, ns, and what is told of that.

    seen: the tracks, and (n,) ns, when the configuration measured each last. Nothing here changes a track.
    """
    now = _queued(before, batches, time)
    if time // SECOND == now.time // SECOND and now.time:
        return now, []
    if not len(now.waiting) and not len(now.events):
        return replace(now, time=time), []
    tracks, measured = seen
    book, known = Book.of(now, time), facts(tracks, measured > time - LATELY)
    judgement = judged(book, known, now.marks, time)
    people, trust, forgotten = learned(now.people, now.trust, judgement, time)
    now = replace(now, people=people, trust=trust)
    _joined(book, now)
    events: list[ReportEvent] = _merged(book, time)
    supported(book, known, time)
    _scored(book, now, time)
    events += told(book, (people, trust), time)
    events += _over(book, time)
    book.leave("reporters forgotten", forgotten)
    return _closed(now, book, time), events


def unsaid(before: Triage, time: int, reason: str) -> list[ReportEvent]:
    """Return the end of all that was told, where a picture ends. time: ns."""
    numbers = before.events[before.events[:, Event.TOLD] > 0, Event.NUMBER].tolist()
    return [ReportEventEnded(time, number, reason) for number in numbers]


def _queued(before: Triage, batches: Sequence[Detections], time: int) -> Triage:
    """Put what has just come in line."""
    fresh = reported(batches)
    if not fresh:
        return before
    some, left = fewer(fresh), dict(before.left)
    new = rows(some)
    told = np.vstack((before.waiting, new[0]))
    marks = np.vstack((before.waiting_marks, new[1]))
    told, marks = ranked(told, marks, (before.people, before.trust), time)
    over = max(len(told) - MOST_WAITING, 0) + sum(map(len, fresh)) - sum(map(len, some))
    if over:
        left["reports, too many at once"] = left.get("reports, too many at once", 0) + over
    after = replace(before, waiting=told[:MOST_WAITING], waiting_marks=marks[:MOST_WAITING], left=left)
    return replace(after, digest=_digest(after))


def _joined(book: Book, now: Triage) -> None:
    """Look at those whose turn it is, by the time that they report."""
    first = now.waiting_marks[:BIRTHS]
    told, marks = sorted_rows(now.waiting[:TURN], now.waiting_marks[:TURN])
    for k in range(len(told)):
        number = best(book, told[k], marks[k]).number
        if number:
            book.add(number, told[k], marks[k])
        else:
            number = book.begin(told[k], marks[k])
        if not book.events[book.row(number), Event.FLIES] and (first == marks[k]).all(1).any():
            born(book, number, marks[k])


def _merged(book: Book, time: int) -> list[ReportEvent]:
    """Have second thoughts about the flights that have changed, and make one of those that are one."""
    ends: list[ReportEvent] = []
    for number in sorted(book.changed, key=lambda one: ((one * 7919 + time // SECOND) % 1009, one))[:REVIEWS]:
        if number in book.told and book.events[book.row(number), Event.FLIES]:
            spoken, into = book.events[book.row(number), Event.TOLD] > 0, reviewed(book, number)
            if spoken and number not in book.told:
                reason = "it is one with another" if into else "its reports fit no flight any more"
                ends.append(ReportEventEnded(time, number, reason, into))
        spoken = set(book.events[book.events[:, Event.TOLD] > 0, Event.NUMBER].tolist())
        joined = merged(book, number)
        ends += [
            ReportEventEnded(time, gone, "it is one with another", into) for gone, into in joined if gone in spoken
        ]
    return ends


def _scored(book: Book, now: Triage, time: int) -> None:
    """Weigh what has changed."""
    for number in sorted(book.changed):
        event, figure = book.events[book.row(number)], book.figures[book.row(number)]
        rows, marks = book.told[number], book.marks[number]
        trust = credibility(now.people, now.trust, marks[:, Mark.WHO], time)
        known = found(now.people, marks[:, Mark.WHO])[1]
        worth = 2.0 * trust * WORTH * ~copies(rows, marks)
        figure[Figure.KNOWN], figure[Figure.NEWCOMERS] = worth[known].sum(), worth[~known].sum()
        figure[Figure.MOVES] = moves(rows, marks) if event[Event.FLIES] else STANDS
        figure[Figure.TRUST] = trust.mean()
    book.figures[:, Figure.SCORE] = scored(book.events, book.figures)


def _over(book: Book, time: int) -> list[ReportEventEnded]:
    """End what nobody has reported for long, and the least likely where there are too many."""
    old = time - book.events[:, Event.CAME] > KEPT
    ends = ended(book, np.flatnonzero(old), time, "nobody has reported it for long")
    many = len(book.events) - MOST_EVENTS
    if many > 0:
        order = np.lexsort((book.events[:, Event.CAME], book.figures[:, Figure.SCORE], book.events[:, Event.TOLD] > 0))
        gone = order[:many]
        book.leave("reports, too many that nothing supports", int(book.events[gone, Event.REPORTS].sum()))
        ends += ended(book, gone, time, "there are too many")
    return ends


def _closed(now: Triage, book: Book, time: int) -> Triage:
    told_rows, marks = book.rows()
    after = Triage(
        time=time,
        waiting=now.waiting[TURN:],
        waiting_marks=now.waiting_marks[TURN:],
        told=told_rows,
        marks=marks,
        events=book.events,
        figures=book.figures,
        people=now.people,
        trust=now.trust,
        left=book.left,
        next_number=book.next_number,
    )
    return replace(after, digest=_digest(after))


def _digest(triage: Triage) -> str:
    columns = [getattr(triage, name) for name in COLUMNS]
    found = sha256(repr((sorted(triage.left.items()), triage.next_number)).encode())
    for column in columns:
        column.flags.writeable = False
        found.update(np.ascontiguousarray(column).tobytes())
    return found.hexdigest()[:DIGITS]
