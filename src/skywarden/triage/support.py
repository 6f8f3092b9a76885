"""What sensors of the configuration say of events and of reports: which tracks agree, and with whom."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden import geo
from skywarden.model.place import F64, I64
from skywarden.model.track import TrackKind, Tracks
from skywarden.model.triage import TRACKS, Event, Fact, Figure, Mark, Told
from skywarden.triage.book import Book
from skywarden.triage.fit import SECOND, metres

HIGH = 6_000.0  # m; what flies higher is not what people mean: an airliner must not support a moped
BACK = 240.0  # s, for which a track's straight way is followed back or on
BENT = 12.0  # m/s by which that may be wrong, for each second
SAME = 4_000.0  # m from an event, besides twice what is not known of its place: a track there is the same thing
UNLIKE = 40.0  # m/s, besides twice what is not known of its velocity
SETTLED = 60.0  # s after which a report is judged: by then a radar has what flies there
REACH = 8_000.0  # m from who reports a direction: what is there he may have meant
SURE = 3_500.0  # m: what is so near he would have heard or seen, so who points elsewhere is contradicted
AGREES, DENIES = 2.0, 4.0  # sigmas of a direction, up to DIRECTIONS: within it agrees, beyond it does not
DIRECTIONS = np.radians([45.0, 100.0])
HALF = 0.5  # a contradiction counts so much: two things may be there


class Facts(NamedTuple):
    """Tracks that the configuration measures.

    number (k,); latitude, longitude (k,) rad; velocity (k, 2) m/s; time (k,) ns.
    """

    number: I64
    latitude: F64
    longitude: F64
    velocity: F64
    time: I64


def facts(tracks: Tracks, measured: NDArray[np.bool_]) -> Facts:
    """Return the tracks that people see, and that sensors of the configuration measure: (n,) measured."""
    one = tracks.take(np.flatnonzero(tracks.shown() & measured & (tracks.kind == TrackKind.POINT)))
    low = geo.geodetic(one.mean[:, :3])[2] < HIGH
    one = one.take(np.flatnonzero(low))
    latitude, longitude, _ = geo.geodetic(one.mean[:, :3])
    velocity = np.einsum("nij,nj->ni", geo.east_north_up(latitude, longitude), one.mean[:, 3:])[:, :2]
    return Facts(one.number, latitude, longitude, velocity, one.time)


def places(known: Facts, time: int, origin: tuple[float, float]) -> tuple[F64, F64]:
    """Return (k, 2) m from an origin, rad, where the tracks were at `time`, ns, and (k,) m how wrong that may be."""
    seconds = (time - known.time) / SECOND
    place = metres(known.latitude, known.longitude, origin) + known.velocity * seconds[:, None]
    return place, np.where(np.abs(seconds) > BACK, np.inf, np.abs(seconds) * BENT)


def supported(book: Book, known: Facts, time: int) -> None:
    """Note which tracks agree with each event."""
    for row in np.flatnonzero(time - book.events[:, Event.AT] < BACK * SECOND).tolist() if len(known.number) else ():
        event, figure = book.events[row], book.figures[row]
        origin = float(figure[Figure.LATITUDE]), float(figure[Figure.LONGITUDE])
        place, wrong = places(known, int(event[Event.AT]), origin)
        away = np.hypot(*place.T)
        room = SAME + wrong + np.sqrt(figure[Figure.EAST2] + figure[Figure.NORTH2])
        off = np.hypot(*(known.velocity - figure[[Figure.EAST, Figure.NORTH]]).T)
        fits = (away < room) & (off < UNLIKE + 2.0 * np.sqrt(figure[Figure.SPEED2]))
        if fits.any():
            best = np.flatnonzero(fits)[np.argsort(away[fits], kind="stable")][:TRACKS]
            event[Event.SUPPORTED] = time
            event[Event.TRACK :] = 0
            event[Event.TRACK : Event.TRACK + len(best)] = known.number[best]


def judged(book: Book, known: Facts, every: I64, time: int) -> tuple[I64, F64]:
    """Judge the reports whose time has come, each once; return (n,) reporters and (n, 2) what the facts add.

    every: (n, Mark) of all reports in the book.
    """
    who, added = [], []
    ripe = (every[:, Mark.FACT] == Fact.OPEN) & (time - every[:, Mark.CAME] >= SETTLED * SECOND)
    for number in np.unique(every[ripe, Mark.EVENT]).tolist():
        marks = book.marks[number]
        due = np.flatnonzero((marks[:, Mark.FACT] == Fact.OPEN) & (time - marks[:, Mark.CAME] >= SETTLED * SECOND))
        for k in due.tolist():
            fact = _judge(book.told[number][k], marks[k], known)
            marks[k, Mark.FACT] = fact
            if fact in (Fact.AGREED, Fact.CONTRADICTED):
                who.append(int(marks[k, Mark.WHO]))
                added.append((1.0, 0.0) if fact is Fact.AGREED else (0.0, HALF))
    return np.array(who, np.int64), np.array(added).reshape(-1, 2)


def _judge(told: F64, mark: I64, known: Facts) -> Fact:
    """Say whether what is measured agrees with one report."""
    if not len(known.number):
        return Fact.NONE
    origin = float(told[Told.STAND_LATITUDE]), float(told[Told.STAND_LONGITUDE])
    place, wrong = places(known, int(mark[Mark.TIME]), origin)
    away, sigma = np.hypot(*place.T), float(told[Told.SIGMA])
    if np.isnan(told[Told.AZIMUTH]):
        return Fact.AGREED if (away < 2.0 * sigma + 1500.0 + wrong).any() else Fact.NONE
    turned = np.abs((np.arctan2(place[:, 0], place[:, 1]) - told[Told.AZIMUTH] + np.pi) % (2 * np.pi) - np.pi)
    turned = np.maximum(turned - wrong / np.maximum(away, 1.0), 0.0)
    inside = away < REACH + wrong
    if (inside & (turned < min(AGREES * sigma, DIRECTIONS[0]))).any():
        return Fact.AGREED
    sure = (away + wrong < SURE).any() and not (inside & (turned < min(DENIES * sigma, DIRECTIONS[1]))).any()
    return Fact.CONTRADICTED if sure else Fact.NONE
