"""Second thoughts: a report may fit another flight better by now, and a flight may be none.

Each report of a flight that has changed is compared with the rest of the flight, and with the flights beside it.
"""

import numpy as np

from skywarden.model.place import I64
from skywarden.model.triage import Event, Mark
from skywarden.triage.birth import LEAST, together
from skywarden.triage.book import Book
from skywarden.triage.join import WORTH, beside, likelihood, rest
from skywarden.triage.weigh import copies

BETTER = 0.5  # nats by which a report must fit another flight better
STRAY = -3.0  # nats: worse than this it fits its own flight not at all
HOLDS = 3.0  # nats for a flight by its reports, each by the others; below it is none


def reviewed(book: Book, number: int) -> int:
    """Give each report of a flight to the flight that it fits best; end the flight if too little is left of it.

    Return the number of the flight that has most of one that people were told of, 0: it goes on, or nobody was told.
    """
    row = book.row(number)
    told, marks, spoken = book.told[number], book.marks[number], book.events[row, Event.TOLD] > 0
    own = rest(told, marks)
    near = [int(book.events[one, Event.NUMBER]) for one in beside(book, row).tolist()]
    others = np.zeros(len(told), np.int64)
    if near:
        nats = np.array([likelihood(book.told[one], book.marks[one], told, marks) for one in near])
        others, nats = np.array(near)[nats.argmax(0)], nats.max(0)
        counted = ~copies(told, marks)
        less = np.minimum(own, WORTH) - np.clip(nats, 0.0, WORTH)
        needless = float(less[counted].sum()) < HOLDS
        better = np.flatnonzero(nats > (0.0 if needless else np.maximum(own + BETTER, 0.0)))
        _given(book, number, better, others)
        if needless and number in book.told and not spoken:
            book.events[book.row(number), Event.FLIES] = 0
            return 0
        if spoken and len(better) and (needless or number not in book.told):
            into, counts = np.unique(others[better], return_counts=True)
            _freed(book, number)
            return int(into[counts.argmax()])
    if number in book.told:
        _weeded(book, number)
    return 0


def _freed(book: Book, number: int) -> None:
    """End a flight; what is left of its reports stands alone."""
    if number in book.told:
        told, marks = book.told[number], book.marks[number]
        book.end(number)
        for k in range(len(told)):
            book.begin(told[k], marks[k])


def _given(book: Book, number: int, rows: I64, into: I64) -> None:
    """Give reports to other flights. into (n,): the best of them, for all rows."""
    told, marks = book.told[number][rows], book.marks[number][rows]
    if len(rows):
        book.take_out(number, rows)
    for k, other in enumerate(into[rows].tolist()):
        book.add(other, told[k], marks[k])


def _weeded(book: Book, number: int) -> None:
    """Take out what does not fit; what is left of a flight that people were not told of may be no flight."""
    told, marks = book.told[number], book.marks[number]
    own = rest(told, marks)
    strays = np.flatnonzero(own < STRAY)
    if len(strays) and len(strays) < len(told):
        book.take_out(number, strays)
        for k in strays.tolist():
            book.begin(told[k], marks[k])
    event = book.events[book.row(number)]
    few = len(np.unique(book.marks[number][:, Mark.WHO])) < LEAST
    if few and event[Event.TOLD]:
        _freed(book, number)
    elif few or (not event[Event.TOLD] and together(book.told[number], book.marks[number]) < HOLDS):
        event[Event.FLIES] = 0
