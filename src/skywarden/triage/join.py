"""Which event a report is of, and which two events are one.

A report joins the flight under which it is likeliest, if it is likelier there than anywhere: ln L - ln u > 0, with u
the density of reports that belong to nothing known. L has a part for those who point or remember wrongly. Else it joins
others near it that fit no flight, as a group; else it stands alone. Two flights are one if their states at a time
between them fit together better than two that have nothing to do with each other.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.model.triage import Event, Figure, Mark, Told
from skywarden.triage.book import Book
from skywarden.triage.fit import SECOND, SPEED, State, covariances, metres, state, states

ELSEWHERE = 1.0 / (np.pi * 9_000.0**2)  # 1/m^2: one other thing, or nothing, within 9 km
BLUNDERS = 0.2  # of reports have a wrong direction or place
WIDE = 4000.0  # m, 1 sigma of these, about where the reporter stands
SLOW_PLACES = 12_000.0  # m; reports farther from a flight than this, and FAST for the time between, are not compared
FAST = 260.0  # m/s
LONG = 540.0  # s without a report, then it is another flight
GROUP_M, GROUP_S = 4_000.0, 600.0  # m and s between a report and a group that it joins
ALIKE, UNLIKE = 0.25, -0.25  # nats for words that fit: people err in them as often as not
ONE = 0.5  # nats from which two flights are one
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


def likelihood(told: F64, marks: I64, reports: F64, others: I64, *, own: bool = False) -> F64:
    """Return (m,) ln of how much likelier reports are if they are of the event of some than if they are of none.

    told, marks: (n, ...) of the event. reports, others: (m, ...), the same of those that are compared; own: they are
    the event's, and each is compared with the rest of them.
    """
    origin = float(reports[-1, Told.LATITUDE]), float(reports[-1, Told.LONGITUDE])
    without = np.eye(len(told), dtype=bool) if own else None
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
    """Return ln of how much likelier two events are as they are if they are one than if they are two."""
    marks, others = book.marks[one], book.marks[other]
    begun, latest = (np.array([marks[k, Mark.TIME], others[k, Mark.TIME]]) for k in (0, -1))
    middle = int(begun.max() + (latest.min() - begun.max()) // 2)
    told = book.told[one]
    origin = float(told[-1, Told.LATITUDE]), float(told[-1, Told.LONGITUDE])
    first, second = state(told, marks, middle, origin), state(book.told[other], others, middle, origin)
    nats = float(_together(first, second) - np.log(ELSEWHERE))
    return max(nats, _overlap(book, one, other)) if begun.max() < latest.min() else nats


def _together(one: State, other: State) -> float:
    """Return ln of the integral of both densities over that of velocities nobody has measured."""
    known = [np.linalg.inv(both.covariance) for both in (one, other)]
    before = np.diag([0.0, 0.0, 1 / SPEED**2, 1 / SPEED**2])
    joined = known[0] + known[1] - before
    pull = known[0] @ one.mean + known[1] @ other.mean
    sizes = [np.linalg.slogdet(each)[1] for each in (*known, before[2:, 2:], joined)]
    square = one.mean @ known[0] @ one.mean + other.mean @ known[1] @ other.mean - pull @ np.linalg.solve(joined, pull)
    return float(0.5 * (sizes[0] + sizes[1] - sizes[2] - sizes[3] - square) - np.log(2 * np.pi))


def _overlap(book: Book, one: int, other: int) -> float:
    """Return the mean of what reports of the smaller of two that overlap in time say for being of the larger."""
    large, small = (one, other) if len(book.marks[one]) >= len(book.marks[other]) else (other, one)
    some = slice(-8, None)
    nats = likelihood(book.told[large], book.marks[large], book.told[small][some], book.marks[small][some])
    return float(nats.mean())
