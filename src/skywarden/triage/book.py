"""The events of one pass while they are worked out: rows of reports by event, changed in place, then frozen again."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.model.triage import EVENT_COLUMNS, Event, Figure, Mark, Told, Triage
from skywarden.triage.fit import degrees_of, metres, state

LAST = 300_000_000_000  # ns
MOST_FITTED = 40  # reports of an event that are kept and fitted, the latest


@dataclass(slots=True)
class Book:
    """reports: number of an event -> its rows. events: (e, ...) in use are the first `count`; room for more."""

    told: dict[int, F64]
    marks: dict[int, I64]
    events: I64
    figures: F64
    next_number: int
    time: int
    changed: set[int] = field(default_factory=set)
    left: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, before: Triage, time: int) -> "Book":
        """Open the state as it was."""
        starts = np.flatnonzero(np.diff(before.marks[:, Mark.EVENT], prepend=-1)).tolist()
        rows = [slice(*pair) for pair in pairwise([*starts, len(before.marks)])]
        numbers = before.marks[starts, Mark.EVENT].tolist()
        told = {number: before.told[some] for number, some in zip(numbers, rows, strict=True)}
        marks = {number: before.marks[some].copy() for number, some in zip(numbers, rows, strict=True)}
        return cls(
            told, marks, before.events.copy(), before.figures.copy(), before.next_number, time, left=dict(before.left)
        )

    def row(self, number: int) -> int:
        """Return where an event is: they are sorted by number."""
        return int(np.searchsorted(self.events[:, Event.NUMBER], number))

    def begin(self, told: F64, mark: I64) -> int:
        """Begin an event with one report."""
        number = self.next_number
        self.next_number += 1
        event = np.zeros((1, EVENT_COLUMNS), np.int64)
        event[0, [Event.NUMBER, Event.BEGUN, Event.LATEST, Event.SINCE]] = number, *[mark[Mark.TIME]] * 2, self.time
        self.events = np.concatenate((self.events, event))
        self.figures = np.concatenate((self.figures, np.zeros((1, len(Figure)))))
        self.told[number], self.marks[number] = np.zeros((0, len(Told))), np.zeros((0, len(Mark)), np.int64)
        self.add(number, told, mark)
        return number

    def add(self, number: int, told: F64, mark: I64) -> None:
        """Give an event one more report."""
        event = self.events[self.row(number)]
        event[Event.REPORTS] += 1
        event[Event.REPORTERS] += int(mark[Mark.WHO] not in self.marks[number][:, Mark.WHO])
        event[Event.CAME] = max(event[Event.CAME], mark[Mark.CAME])
        row = mark.copy()
        row[Mark.EVENT] = number
        self._keep(number, np.vstack((self.told[number], told)), np.vstack((self.marks[number], row)))

    def merge(self, into: int, gone: int) -> None:
        """Make one event of two."""
        event, old = self.events[self.row(into)], self.events[self.row(gone)]
        known = self.marks[into][:, Mark.WHO]
        both = len(np.intersect1d(known, self.marks[gone][:, Mark.WHO]))
        event[Event.REPORTS] += old[Event.REPORTS]
        event[Event.REPORTERS] += old[Event.REPORTERS] - both
        event[Event.CAME] = max(event[Event.CAME], old[Event.CAME])
        figure, other = self.figures[self.row(into)], self.figures[self.row(gone)]
        figure[[Figure.NEWCOMERS, Figure.KNOWN]] += other[[Figure.NEWCOMERS, Figure.KNOWN]]
        event[Event.BEGUN] = min(event[Event.BEGUN], old[Event.BEGUN])
        event[Event.FLIES] = max(event[Event.FLIES], old[Event.FLIES])
        if old[Event.SUPPORTED] > event[Event.SUPPORTED]:
            event[Event.SUPPORTED :] = old[Event.SUPPORTED :]
        marks = self.marks[gone].copy()
        marks[:, Mark.EVENT] = into
        self._keep(into, np.vstack((self.told[into], self.told[gone])), np.vstack((self.marks[into], marks)))
        self.end(gone)

    def _keep(self, number: int, told: F64, marks: I64) -> None:
        order = np.argsort(marks[:, Mark.TIME], kind="stable")[-MOST_FITTED:]
        self.told[number], self.marks[number] = told[order], marks[order]
        self.changed.add(number)
        row = self.row(number)
        event, figure = self.events[row], self.figures[row]
        event[Event.BEGUN] = min(event[Event.BEGUN], marks[:, Mark.TIME].min())
        event[Event.LATEST] = marks[:, Mark.TIME].max()
        self._placed(number, event, figure)

    def _placed(self, number: int, event: I64, figure: F64) -> None:
        """Work out where an event is."""
        told, marks = self.told[number], self.marks[number]
        origin = float(told[-1, Told.LATITUDE]), float(told[-1, Told.LONGITUDE])
        event[Event.AT] = recent(marks[:, Mark.TIME])
        found = state(told, marks, int(event[Event.AT]), origin)
        latitude, longitude = degrees_of(found.mean[:2], origin)
        figure[: Figure.EAST] = latitude, longitude, *found.covariance[[0, 0, 1], [0, 1, 1]]
        figure[Figure.EAST : Figure.SPEED2] = found.mean[2:]
        figure[Figure.SPEED2] = 0.5 * np.trace(found.covariance[2:, 2:])
        apart = metres(told[:, Told.LATITUDE], told[:, Told.LONGITUDE], (latitude, longitude))
        figure[Figure.SPAN] = float(np.hypot(*apart.T).max())

    def take_out(self, number: int, rows: I64) -> None:
        """Take reports out of a group; it ends with the last of them."""
        event = self.events[self.row(number)]
        gone = self.marks[number][rows, Mark.WHO]
        told, marks = np.delete(self.told[number], rows, 0), np.delete(self.marks[number], rows, 0)
        event[Event.REPORTS] -= len(rows)
        event[Event.REPORTERS] -= len(np.setdiff1d(gone, marks[:, Mark.WHO]))
        if len(marks):
            event[Event.BEGUN] = marks[:, Mark.TIME].min()
            event[Event.CAME] = marks[:, Mark.CAME].max()
            self._keep(number, told, marks)
        else:
            self.end(number)

    def end(self, number: int) -> None:
        """Take an event and its reports out."""
        row = self.row(number)
        self.events, self.figures = np.delete(self.events, row, 0), np.delete(self.figures, row, 0)
        del self.told[number], self.marks[number]
        self.changed.discard(number)

    def leave(self, why: str, count: int) -> None:
        """Count what is left out."""
        if count:
            self.left[why] = self.left.get(why, 0) + count

    def rows(self) -> tuple[F64, I64]:
        """Return all reports, by event."""
        numbers = self.events[:, Event.NUMBER].tolist()
        empty = np.zeros((0, len(Told))), np.zeros((0, len(Mark)), np.int64)
        told = [self.told[number] for number in numbers]
        return np.vstack([empty[0], *told]), np.vstack([empty[1], *(self.marks[number] for number in numbers)])


def recent(times: I64) -> int:
    """Return ns, by which four of five of the reports of the last minutes have been: some round their time up by much.

    times: (n,) ns, sorted.
    """
    some = times[times >= times[-1] - LAST]
    return int(some[(4 * len(some) - 1) // 5])
