"""Which event a report is of, and which two events are one.

A report joins the flight under which it is likeliest, if it is likelier there than anywhere: ln L - ln u > 0, with u
the density of reports that belong to nothing known. L has a part for those who point or remember wrongly. Else it joins
others near it that fit no flight, as a group; else it stands alone. Two flights are one if their
reports fit one nearly as well as two.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.triage import Event, Figure, Mark, Told
from skywarden.triage.book import Book
from skywarden.triage.fit import SECOND, covariances, metres, states

ELSEWHERE = 1.0 / (np.pi * 12_000.0**2)  # 1/m^2: one other thing, or nothing, within 12 km
BLUNDERS = 0.2  # of reports have a wrong direction or place
WIDE = 3000.0  # m, 1 sigma of these, about where the reporter stands
SLOW_PLACES = 12_000.0  # m; reports farther from a flight than this, and FAST for the time between, are not compared
FAST = 260.0  # m/s
LONG = 540.0  # s without a report, then it is another flight
GROUP_M, GROUP_S = 4_000.0, 600.0  # m and s between a report and a group that it joins
ALIKE, UNLIKE = 0.25, -0.25  # nats for words that fit: people err in them as often as not
ONE = 0.0  # nats from which two flights are one
COST = 0.0  # nats that a flight must add
LEAST_WORTH, MOST_WORTH = -5.0, 3.5  # nats of one report in this
WORTH = 2.0  # nats at most that a report says for the existence of its event


class Join(NamedTuple):
    """number: of the event, 0 none. nats: how much likelier than anywhere."""

    number: int
    nats: float


def best(book: Book, told: F64, mark: I64) -> Join:
    """Return the event that a report is likeliest of. told (Told,), mark (Mark,). The older one where two are alike."""
    found = Join(0, 0.0)
    gap, away = _apart(book, told, int(mark[Mark.TIME]))
    flies = book.events[:, Event.FLIES] > 0
    near = flies & (gap < LONG) & (away < SLOW_PLACES + book.figures[:, Figure.SPAN] + FAST * gap)
    for row in np.flatnonzero(near).tolist():
        number = int(book.events[row, Event.NUMBER])
        nats = float(likelihood(book.told[number], book.marks[number], told[None], mark[None])[0])
        if nats > found.nats:
            found = Join(number, nats)
    if found.number:
        return found
    beside = np.flatnonzero(~flies & (gap < GROUP_S) & (away < GROUP_M))
    if not len(beside):
        return found
    row = int(beside[np.argmin(away[beside])])
    return Join(int(book.events[row, Event.NUMBER]), WORTH)


def _apart(book: Book, told: F64, time: int) -> tuple[F64, F64]:
    """Return s and m between a report and each event."""
    events, figures = book.events, book.figures
    gap = np.maximum(np.maximum(events[:, Event.BEGUN] - time, time - events[:, Event.LATEST]), 0) / SECOND
    origin = float(told[Told.LATITUDE]), float(told[Told.LONGITUDE])
    return gap, np.hypot(*metres(figures[:, Figure.LATITUDE], figures[:, Figure.LONGITUDE], origin).T)


def likelihood(told: F64, marks: I64, reports: F64, others: I64, without: NDArray[np.bool_] | None = None) -> F64:
    """Return (m,) ln of how much likelier reports are if they are of the event of some than if they are of none.

    told, marks: (n, ...) of the event. reports, others: (m, ...), the same of those that are compared. without: (m, n)
    reports of the event that each is not compared with.
    """
    origin = float(reports[-1, Told.LATITUDE]), float(reports[-1, Told.LONGITUDE])
    mean, covariance = states(told, marks, others[:, Mark.TIME], origin, without)
    blur = mean[:, 2:, None] * mean[:, None, 2:] + covariance[:, 2:, 2:]
    spread = covariance[:, :2, :2] + (reports[:, Told.SECONDS] ** 2)[:, None, None] * blur
    said = metres(reports[:, Told.LATITUDE], reports[:, Told.LONGITUDE], origin)
    stand = metres(reports[:, Told.STAND_LATITUDE], reports[:, Told.STAND_LONGITUDE], origin)
    right = density(mean[:, :2] - said, spread + covariances(reports))
    wrong = density(mean[:, :2] - stand, spread + WIDE**2 * np.eye(2))
    nats = np.log(((1 - BLUNDERS) * right + BLUNDERS * wrong) / ELSEWHERE + 1e-12)
    words = marks[:, Mark.WORD]
    known = words[words >= 0]
    if len(known):
        alike = (others[:, [Mark.WORD]] == known).mean(1)
        nats += np.where(others[:, Mark.WORD] >= 0, alike * ALIKE + (1 - alike) * UNLIKE, 0.0)
    return np.asarray(nats)


def rest(told: F64, marks: I64) -> F64:
    """Return (n,) ln of how much likelier each report of an event is by the rest of them."""
    return likelihood(told, marks, told, marks, np.eye(len(told), dtype=bool))


def density(off: F64, covariance: F64) -> F64:
    """Return (m,) the normal density of (m, 2) m, with covariance (m, 2, 2): by hand, that is sooner."""
    a, b, d = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    size = a * d - b * b
    square = (d * off[..., 0] ** 2 - 2 * b * off[..., 0] * off[..., 1] + a * off[..., 1] ** 2) / size
    return np.asarray(np.exp(-0.5 * square) / (2 * np.pi * np.sqrt(size)))


def merged(book: Book, number: int) -> list[tuple[int, int]]:
    """Make one of a flight and those that fit it best, one after the other; return pairs: which ended, and into which.

    What people were told of keeps its number; else the older one does.
    """
    joined = list[tuple[int, int]]()
    while number in book.told and book.events[book.row(number), Event.FLIES]:
        other, nats = 0, ONE
        for candidate in beside(book, book.row(number)).tolist():
            against = int(book.events[candidate, Event.NUMBER])
            value = fits(book, number, against)
            if value > nats:
                other, nats = against, value
        if not other:
            break
        rank = {one: (not book.events[book.row(one), Event.TOLD], one) for one in (number, other)}
        into, gone = sorted(rank, key=lambda one: rank[one])
        joined.append((gone, into))
        book.merge(into, gone)
        number = into
    return joined


def beside(book: Book, row: int) -> I64:
    """Return rows of the flights that one of them may be part of."""
    events, figures = book.events, book.figures
    begun, latest = events[row, Event.BEGUN], events[row, Event.LATEST]
    gap = np.maximum(np.maximum(events[:, Event.BEGUN] - latest, begun - events[:, Event.LATEST]), 0) / SECOND
    origin = float(figures[row, Figure.LATITUDE]), float(figures[row, Figure.LONGITUDE])
    away = np.hypot(*metres(figures[:, Figure.LATITUDE], figures[:, Figure.LONGITUDE], origin).T)
    reach = SLOW_PLACES + figures[:, Figure.SPAN] + figures[row, Figure.SPAN] + FAST * gap
    found = (gap < LONG) & (away < reach) & (events[:, Event.FLIES] > 0)
    found[row] = False
    return np.flatnonzero(found)


def fits(book: Book, one: int, other: int) -> float:
    """Return nats by which two flights fit better as one: what their reports say, each by those before it."""
    first, second = (book.told[one], book.marks[one]), (book.told[other], book.marks[other])
    both = np.vstack((first[0], second[0])), np.vstack((first[1], second[1]))
    return COST + inside(*both) - inside(*first) - inside(*second)


def inside(told: F64, marks: I64) -> float:
    """Return the sum of what reports of one flight say for being of it, each by those before it, within bounds."""
    order = np.argsort(marks[:, Mark.TIME], kind="stable")
    told, marks = told[order], marks[order]
    before = np.triu(np.ones((len(told), len(told)), bool))
    nats = likelihood(told, marks, told, marks, before)[1:]
    return float(np.clip(nats, LEAST_WORTH, MOST_WORTH).sum())
