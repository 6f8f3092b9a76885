"""Where a flight begins: a new report and another one give a straight way; how many of those near it lie on it?

Only reports that are of no flight yet are asked. A way must explain them better than any one place does, by MORE nats:
mopeds, thunder, and what is copied from hand to hand stay where they are.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.model.triage import Event, Figure, Mark, Told
from skywarden.triage.book import Book
from skywarden.triage.fit import SECOND, TURNS, covariances, metres
from skywarden.triage.join import BLUNDERS, ELSEWHERE, WIDE, WORTH, density, likelihood, rest
from skywarden.triage.weigh import copies

BEFORE = 420.0  # s within which reports of one way are looked for
SLOW, FAST = 18.0, 260.0  # m/s of what flies
MOST = 96  # reports compared, the nearest in time
MOST_GROUPS, TYPICAL = 128, 100.0  # groups they are in, the nearest in time and, by m/s, in place
WAYS = 64  # ways tried
ROOM = 1.5  # times as uncertain as they say: the way goes through two of them
ENOUGH, MORE = 4.0, 1.5  # nats for a way, and more than for a place
LEAST = 3  # people who stand apart


class Near(NamedTuple):
    """Reports of no flight about a new one. numbers (n,): of the groups they are in; rows (n,): which of theirs."""

    numbers: I64
    rows: I64
    told: F64
    marks: I64


def born(book: Book, number: int, mark: I64) -> int:
    """Begin a flight with the newest report of a group and those near it, if there is one; return its number, or 0."""
    row = int(np.flatnonzero((book.marks[number][:, 1:] == mark[1:]).all(1))[0])
    near = _near(book, number, row)
    if len(np.unique(near.marks[:, Mark.WHO])) < LEAST:
        return 0
    anchor = book.told[number][row]
    origin = float(anchor[Told.LATITUDE]), float(anchor[Told.LONGITUDE])
    seconds = (near.marks[:, Mark.TIME] - mark[Mark.TIME]) / SECOND
    place = metres(near.told[:, Told.LATITUDE], near.told[:, Told.LONGITUDE], origin)
    worth = np.clip(_along(place, seconds, near.told, origin), 0.0, WORTH)
    apart = ~copies(near.told, near.marks)
    ways = (worth * apart).sum(1)
    flies = np.hypot(*_velocities(place, seconds).T) > 0
    way = int(np.argmax(np.where(flies, ways, -1.0)))
    still = ways[~flies].max(initial=0.0)
    if ways[way] < ENOUGH or ways[way] < still + MORE:
        return 0
    members = np.flatnonzero(worth[way] > 0)
    for _ in range(2):
        nats = likelihood(near.told[members], near.marks[members], near.told, near.marks)
        members = np.flatnonzero(nats > 0)
        if len(members) < LEAST:
            return 0
    if together(near.told[members], near.marks[members]) < ENOUGH:
        return 0
    return _moved(book, near, members)


def together(told: F64, marks: I64) -> float:
    """Return nats that reports say for being of one flight, each by the others; copies say nothing."""
    nats = rest(told, marks)[~copies(told, marks)]
    return float(np.minimum(nats, WORTH).sum()) if (nats > 0).sum() >= LEAST else 0.0


def _near(book: Book, number: int, row: int) -> Near:
    """Return the reports that may be of one flight with one of them."""
    told, mark = book.told[number][row], book.marks[number][row]
    events, figures = book.events, book.figures
    origin = float(told[Told.LATITUDE]), float(told[Told.LONGITUDE])
    away = np.hypot(*metres(figures[:, Figure.LATITUDE], figures[:, Figure.LONGITUDE], origin).T)
    gap = np.maximum(np.maximum(events[:, Event.BEGUN] - mark[Mark.TIME], mark[Mark.TIME] - events[:, Event.LATEST]), 0)
    reach = FAST * BEFORE + figures[:, Figure.SPAN]
    free = np.flatnonzero((events[:, Event.FLIES] == 0) & (gap < BEFORE * SECOND) & (away < reach))
    order = np.argsort(gap[free] / SECOND + away[free] / TYPICAL, kind="stable")[:MOST_GROUPS]
    numbers = events[np.sort(free[order]), Event.NUMBER].tolist()
    marks = np.vstack([book.marks[one] for one in numbers])
    rows = np.concatenate([np.arange(len(book.marks[one])) for one in numbers])
    every = np.vstack([book.told[one] for one in numbers])
    seconds = np.abs(marks[:, Mark.TIME] - mark[Mark.TIME]) / SECOND
    apart = np.hypot(*metres(every[:, Told.LATITUDE], every[:, Told.LONGITUDE], origin).T)
    fits = np.flatnonzero((seconds < BEFORE) & (apart < 8_000.0 + FAST * seconds))
    fits = fits[np.argsort(seconds[fits], kind="stable")][:MOST]
    return Near(marks[fits, Mark.EVENT], rows[fits], every[fits], marks[fits])


def _velocities(place: F64, seconds: F64) -> F64:
    """Return (w, 2) m/s of ways from the first place: to the others, as far as something flies so; and of none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = place / seconds[:, None]
    speed = np.hypot(*found.T)
    good = np.isfinite(speed) & (np.abs(seconds) > 20.0) & (speed > SLOW) & (speed < FAST)
    return np.vstack((found[good][:WAYS], np.zeros((len(place), 2))))


def _along(place: F64, seconds: F64, told: F64, origin: tuple[float, float]) -> F64:
    """Return (w, n) ln of how much likelier each report is on each way; then of each place, where it stands still."""
    velocity = _velocities(place, seconds)
    ways = len(velocity) - len(place)
    start = np.vstack((np.zeros((ways, 2)), place))
    there = start[:, None] + velocity[:, None] * seconds[None, :, None]
    turned = ((TURNS * seconds**2) ** 2)[:, None, None] * np.eye(2)
    blur = (told[:, Told.SECONDS] ** 2)[None, :, None, None] * (velocity[:, None, :, None] * velocity[:, None, None, :])
    moving = (np.hypot(*velocity.T) > 0)[:, None, None, None]
    spread = blur + np.where(moving, turned[None], 0.0)
    stand = metres(told[:, Told.STAND_LATITUDE], told[:, Told.STAND_LONGITUDE], origin)
    right = density(there - place[None], spread + ROOM * covariances(told)[None])
    wrong = density(there - stand[None], spread + WIDE**2 * np.eye(2))
    return np.asarray(np.log(((1 - BLUNDERS) * right + BLUNDERS * wrong) / ELSEWHERE + 1e-12))


def _moved(book: Book, near: Near, members: I64) -> int:
    """Take reports out of their groups and make a flight of them; return its number: a new one."""
    told, marks = near.told[members], near.marks[members]
    for number in np.unique(near.numbers[members]).tolist():
        book.take_out(number, near.rows[members][near.numbers[members] == number])
    order = np.argsort(marks[:, Mark.TIME], kind="stable")
    number = book.begin(told[order[0]], marks[order[0]])
    for k in order[1:].tolist():
        book.add(number, told[k], marks[k])
    book.events[book.row(number), Event.FLIES] = 1
    return number
