"""What each of thousands of microphones without bearing says over time, and how often it does so for no reason.

A node that hears something reports about once a second, and says once a minute that it lives. So it hears from its
first report to its last, is silent while it lives and reports nothing, and is absent, not silent, when no sign of life
has come for a while. Times are ns; rows are those of a `Field`.
"""

from typing import NamedTuple

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64
from skywarden.track.cells import Field, rows
from skywarden.track.hearers import ABSENT, HEARD, SILENT, Looks

SECOND = 1_000_000_000
NEVER = -(1 << 62)  # ns
HOLD = 2 * SECOND  # after a report the node still counts as hearing: reports come every second and some get lost
PAUSE = 15 * SECOND  # without a report, then what it hears is something new
DEAD = 150 * SECOND  # without a sign of life, then it is absent: two heartbeats were due
LATE = 120 * SECOND  # later than that nothing is taken in
AHEAD = 2 * SECOND  # by which a node's clock may be ahead of ours
RATE, LASTS = 0.2 / 3600.0, 60.0  # 1/s and s, expected of false alarms before anything is learned
WEIGHT_S = 24 * 3600.0  # s of listening that the expectation is worth
FADES_S = 4 * WEIGHT_S  # s after which what was learned is worth a third


class Book(NamedTuple):
    """State of n nodes, each column (n,). begun, last: ns, first and latest report of what it hears or heard last.

    free: ns, since when it had been silent before that. alive: ns, of its latest message. up: ns, since when it lives
    without a break. said: of the latest look, and at: ns, when that was. runs, loud, quiet: learned false alarms: how
    many, s for which they lasted, s of silence.
    """

    begun: I64
    last: I64
    free: I64
    alive: I64
    up: I64
    said: I64
    at: I64
    runs: F64
    loud: F64
    quiet: F64


class Messages(NamedTuple):
    """k messages: row of the node, time: ns, when it heard or lived; heard: 1 for a report, 0 for a sign of life."""

    row: I64
    time: I64
    heard: I64


def empty(n: int) -> Book:
    """Return nodes of which nothing has come yet."""
    begun, last, free, alive, up, at = np.full((6, n), NEVER)
    runs, loud, quiet = np.zeros((3, n))
    return Book(begun, last, free, alive, up, np.full(n, ABSENT), at, runs, loud, quiet)


def onto(book: Book, old: Field, new: Field) -> Book:
    """Return the book of a field in the order of another: nodes that are new there have said nothing yet."""
    row = rows(old, new.node)
    found = empty(len(new.node))
    kept = row >= 0
    for column, before in zip(found, book, strict=True):
        column[kept] = before[row[kept]]
    return found


def take(book: Book, messages: Messages, now: int) -> tuple[Book, I64, int]:
    """Take in messages, in the order of their times whatever order they come in; now: ns.

    Returns the new book, the rows of nodes that began to hear something new, ascending, and how many messages were
    refused: from no known node, too late, or ahead of our clock.
    """
    good = (messages.row >= 0) & (messages.row < len(book.begun))
    good &= (messages.time <= now + AHEAD) & (messages.time >= now - LATE)
    order = np.lexsort((messages.heard, messages.row, messages.time))
    order = order[good[order]]
    book = book._replace(**{name: getattr(book, name).copy() for name in ("begun", "last", "free", "alive", "up")})
    fresh = np.zeros(len(book.begun), np.int64)
    note(book, messages.row[order], messages.time[order], messages.heard[order], fresh)
    return book, np.flatnonzero(fresh), len(messages.row) - len(order)


@kernel
def note(book: Book, row: I64, time: I64, heard: I64, fresh: I64) -> None:
    """Write messages in the order of their times into a book; fresh (n,): 1 for nodes that began to hear."""
    for k in range(len(row)):
        j, t = row[k], time[k]
        if book.alive[j] == NEVER or t - book.alive[j] > DEAD:
            book.up[j] = t
        book.alive[j] = max(book.alive[j], t)
        if heard[k] == 0:
            continue
        if t - book.last[j] > PAUSE or book.last[j] == NEVER:
            book.free[j] = max(book.up[j], book.last[j] + HOLD) if book.last[j] > NEVER else book.up[j]
            book.begun[j] = book.last[j] = t
            fresh[j] = 1
        elif t > book.last[j]:
            book.last[j] = t
        elif book.begun[j] - PAUSE <= t < book.begun[j]:  # a late one: it began earlier
            book.begun[j] = t


def look(book: Book, time: int, unseen: F64) -> tuple[Book, Looks]:
    """Return what the nodes say at `time`, ns, and the book that remembers it.

    unseen: (n,) expected number of unknown targets that each hears.
    """
    now = np.where((book.begun <= time) & (time <= book.last + HOLD), HEARD, SILENT)
    now[(time - book.alive > DEAD) | (book.alive == NEVER) | (book.up > time)] = ABSENT
    gap = np.where(book.said == ABSENT, np.inf, (time - book.at) * 1e-9)
    backwards = gap <= 0.0  # a clock of ours that jumps, or the same look again: nothing new
    now, gap = np.where(backwards, ABSENT, now), np.where(backwards, np.inf, gap)
    looks = Looks(now, book.said, gap, occupancy(book), turns(book), unseen)
    said, at = np.where(backwards, book.said, now), np.maximum(book.at, time)
    return book._replace(said=said, at=at), looks


def rates(book: Book) -> F64:
    """Return (n,) 1/s at which each silent node begins to hear something that is no target.

    The mean of a Gamma distribution: what was expected, WEIGHT_S worth of it, and what was counted.
    """
    return np.asarray((RATE * WEIGHT_S + book.runs) / (WEIGHT_S + book.quiet))


def occupancy(book: Book) -> F64:
    """Return (n,) share of the time that each node hears something that is no target."""
    usual = RATE * LASTS * WEIGHT_S
    return np.asarray((usual + book.loud) / (WEIGHT_S + book.loud + book.quiet))


def turns(book: Book) -> F64:
    """Return (n,) s after which a node's false alarms have forgotten what they were: 1 / (rate of both changes)."""
    share = occupancy(book)
    return np.asarray(share / np.maximum(rates(book), 1e-9))


def learn(book: Book, looks: Looks, explained: F64) -> Book:
    """Return the book after it has learned from settled looks; the caller decides how late they are.

    explained: (n,) probability that what each node hears is a known target.
    """
    gap = np.where(np.isfinite(looks.gap) & (looks.now != ABSENT), np.minimum(looks.gap, DEAD * 1e-9), 0.0)
    left = np.exp(-gap / FADES_S)
    false = np.where(looks.now == HEARD, 1.0 - np.clip(explained, 0.0, 1.0), 0.0)
    began = (looks.before == SILENT) & (looks.now == HEARD)
    return book._replace(
        runs=book.runs * left + np.where(began, false, 0.0),
        loud=book.loud * left + gap * false,
        quiet=book.quiet * left + np.where(looks.now == SILENT, gap, 0.0),
    )
