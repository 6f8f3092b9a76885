"""What people report, put together into events, and what reporters have been worth so far, as the picture keeps it."""

from dataclasses import dataclass, field
from enum import IntEnum

import msgspec
import numpy as np

from skywarden.model.place import F64, I64

TRACKS = 3  # that support an event, remembered


class Gathered(msgspec.Struct, frozen=True, array_like=True):
    """Reports that are of one thing, as people read it.

    begun, latest: ns, the first and last time that was reported. latitude, longitude: deg, at `at`, ns. along_m,
    across_m, axis_deg: half axes of the ellipse that holds it with 95 %, and the azimuth of the longer one. velocity:
    m/s east, north, None where it is not known. words: class -> its share of what people called it. tracks: numbers of
    those that agree, () nothing else has seen it. credibility: 0 to 1, mean of its reporters. probability: 0 to 1, that
    there is such a thing.
    """

    number: int
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
    tracks: tuple[int, ...]
    credibility: float
    probability: float


class Told(IntEnum):
    """Columns of what a report says, as floats: rad, m^2 (east, north), s."""

    LATITUDE = 0  # of where the thing probably was
    LONGITUDE = 1
    EAST2 = 2  # its covariance
    EAST_NORTH = 3
    NORTH2 = 4
    STAND_LATITUDE = 5  # of who reports, or the middle of the circle
    STAND_LONGITUDE = 6
    AZIMUTH = 7  # NaN: a circle on a map
    SIGMA = 8  # rad of the azimuth, or m of the circle
    SECONDS = 9  # 1 sigma of the time


class Mark(IntEnum):
    """Columns of what is known of a report, as integers."""

    EVENT = 0  # number of its event, 0: none yet
    TIME = 1  # ns, when it was seen or heard
    CAME = 2  # ns, when the message was received
    WHO = 3  # hash of the reporter and the line that he uses
    WORD = 4  # index into CLASSES, -1 none
    FACT = 5  # `Fact`
    NUMBER = 6  # the sender's own


class Fact(IntEnum):
    """What measured tracks say of a report."""

    OPEN = 0  # not judged yet
    NONE = 1  # nothing was measured near it
    AGREED = 2
    CONTRADICTED = 3


class Event(IntEnum):
    """Columns of an event, as integers."""

    NUMBER = 0
    BEGUN = 1  # ns, the first time that was reported
    LATEST = 2  # ns, the last
    CAME = 3  # ns, when the last report was received
    REPORTS = 4
    REPORTERS = 5  # different ones
    TOLD = 6  # ns, when people were last told of it; 0: they were not, it is a report without support
    AT = 7  # ns, when its place holds: most of the latest reports are before
    FLIES = 8  # 1: its reports fit a flight; 0: they are near each other, and that is all
    SINCE = 9  # ns, when its first report was looked at, or it was taken for a flight
    SUPPORTED = 10  # ns, when a track last agreed; 0 never
    TRACK = 11  # numbers of the last TRACKS that did, 0 none


class Figure(IntEnum):
    """Columns of an event, as floats."""

    LATITUDE = 0  # rad, at Event.AT
    LONGITUDE = 1
    EAST2 = 2  # m^2
    EAST_NORTH = 3
    NORTH2 = 4
    EAST = 5  # m/s
    NORTH = 6
    SPEED2 = 7  # m^2/s^2, the mean variance of these two
    SPAN = 8  # m, how far from there its reports reach
    NEWCOMERS = 9  # nats that reporters say for it of whom no fact has spoken
    KNOWN = 10  # nats that the others say
    MOVES = 11  # nats for reports that fit a flight better than a place
    SCORE = 12  # nats, ln of the odds that it is a thing at all
    TRUST = 13  # mean credibility of its reporters
    TOLD_LATITUDE = 14  # as last told
    TOLD_LONGITUDE = 15
    TOLD_SCORE = 16


EVENT_COLUMNS = Event.TRACK + TRACKS


def _none(columns: int) -> I64:
    return np.zeros((0, columns), np.int64)


def _nought(columns: int) -> F64:
    return np.zeros((0, columns))


@dataclass(frozen=True, slots=True)
class Triage:
    """Everything of this between two ticks. time: ns, when it was last worked out, once a second.

    waiting, waiting_marks: (w, Told), (w, Mark) reports whose turn it is not yet. told, marks: (n, Told), (n, Mark) of
    events that stand. events, figures: (e, ...) `Event` and `Figure`, sorted by number. people, trust: (p, 2) hash
    of a reporter and ns, when a fact last spoke of him; how often facts agreed and contradicted, as of then. left:
    why -> how many reports or events were left out. digest: over all this, "" before the first report.
    """

    time: int = 0
    waiting: F64 = field(default_factory=lambda: _nought(len(Told)))
    waiting_marks: I64 = field(default_factory=lambda: _none(len(Mark)))
    told: F64 = field(default_factory=lambda: _nought(len(Told)))
    marks: I64 = field(default_factory=lambda: _none(len(Mark)))
    events: I64 = field(default_factory=lambda: _none(EVENT_COLUMNS))
    figures: F64 = field(default_factory=lambda: _nought(len(Figure)))
    people: I64 = field(default_factory=lambda: _none(2))
    trust: F64 = field(default_factory=lambda: _nought(2))
    left: dict[str, int] = field(default_factory=dict)
    next_number: int = 1
    digest: str = ""
