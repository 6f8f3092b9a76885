"""A made-up record of a shift with something of everything in it. Names are as nasty as people can write them."""

from pathlib import Path

from skywarden.model.act import (
    Acknowledge,
    AllowFeed,
    AnswerAdvice,
    Categorise,
    EndFeed,
    Person,
    Quarantine,
    Role,
    Shelve,
    Trust,
    Uncategorise,
    Unquarantine,
    Unshelve,
    Untrust,
)
from skywarden.model.advice import Verdict
from skywarden.model.assessment import Alert, Category
from skywarden.model.decision import Cue, HandOver
from skywarden.model.deed import (
    Acted,
    CategoryEnded,
    Cued,
    CueEnded,
    Decided,
    Delivered,
    Escalated,
    FeedEnded,
    SensorTrust,
    ShelfEnded,
    Suspended,
    Taken,
)
from skywarden.model.event import (
    AlertCleared,
    AlertRaised,
    Announced,
    ClockStepped,
    Entry,
    Event,
    Failed,
    LevelChanged,
    Lost,
    RaidEnded,
    Refused,
    SensorFault,
    SiteWatched,
    Started,
    encode,
)
from skywarden.model.raid import Heading, Kind, Level, News, Span
from skywarden.model.track import Mode
from skywarden.model.trust import Word
from skywarden.record.sqlite import SqliteLog

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_900_000_000 * SECOND // (86_400 * SECOND) * 86_400 * SECOND + 20 * 3600 * SECOND  # 20:00 of a day
NASTY = '<script>alert("1")</script>&\'"\x1b[31m{site}'
PLANT, YARD, PORT = "Plant", f"Yard {NASTY}", "Port"
OLENA = Person(f"Olena {NASTY}", Role.SUPERVISOR, "s1")
IVAN = Person("Ivan", Role.OPERATOR, "s2")
SPAN = Span(0.5, START, START, START)
WEST, SOUTH = Heading(PLANT, Kind.DRONES, 6), Heading(YARD, Kind.CRUISE, 4)
LATITUDE, LONGITUDE = 36.123456, -33.654321  # of a cue: never to be printed
CUE = Cue(7, 70, START, Category.HOSTILE, "one-way UAV piston", LATITUDE, LONGITUDE, 400.0, 50.0, 40.0)
SETTINGS = "\n".join(
    f"[[sites]]\nname = {name}\nlatitude = 36.3\nlongitude = -33.1\n" for name in ('"Plant"', '"Port"')
)


def at(minutes: float) -> int:
    return START + round(minutes * MINUTE)


def alert(site: str, track: int, minutes: float) -> Alert:
    return Alert(site, track, at(minutes), at(minutes + 9), at(minutes + 8), at(minutes + 10), 0.6, at(minutes))


def told(minutes: float, heading: Heading, level: Level, aloud: bool = True, raid: int = 1) -> Announced:
    return Announced(at(minutes), "desk", raid, aloud, (News(heading, level, 3, SPAN),))


class Writer:
    """Writes entries. An output follows from the input before it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def put(self, minutes: float, event: Event) -> None:
        seq = len(self.entries) + 1
        self.entries.append(Entry(seq, at(minutes), seq, encode(event)))

    def follows(self, minutes: float, event: Event) -> None:
        seq = len(self.entries) + 1
        cause = next(e.cause for e in reversed(self.entries) if e.cause == e.seq)
        self.entries.append(Entry(seq, at(minutes), cause, encode(event)))

    def act(self, minutes: float, who: Person, act: object, refused: str = "") -> None:
        self.put(minutes, Acted(at(minutes), who, act))  # type: ignore[arg-type]
        self.follows(minutes, Taken(at(minutes), refused))


def _trouble(w: Writer) -> None:
    w.put(30, ClockStepped(at(30), -12 * SECOND))
    w.put(31, Suspended(at(31), "the record was lost for a while"))
    w.follows(32, Failed(at(32), "ValueError"))
    w.put(33, Lost(at(33), at(32.5), 40, {"radars": 30}, b"of another version"))
    w.follows(40, SiteWatched(at(40), PLANT, False, ("NE low", "E low")))
    w.follows(45, SiteWatched(at(45), PLANT, False, ("NE low",)))
    w.put(50, Acted(at(50), IVAN, Acknowledge("desk", 1, at(8))))  # nobody knows whether it was taken
    w.follows(70, AlertCleared(at(70), PLANT, 7, "after the shift"))


def events() -> list[Entry]:
    """Return the record. Minutes are after 20:00; a shift of it is from 0 to 60."""
    w = Writer()
    w.put(-600, Started(at(-600), Mode.LIVE, SETTINGS, "1"))
    w.put(-590, ClockStepped(at(-590), SECOND))  # before the shift
    w.follows(-580, AlertRaised(alert(PORT, 1, -580)))  # stands through it
    w.follows(-580, told(-580, Heading(PORT, Kind.UNKNOWN, -1), Level.WARN, raid=8))
    w.follows(-570, RaidEnded(at(-570), "desk", 8))
    w.follows(-1, SiteWatched(at(-1), PLANT, True))
    w.put(1, Started(at(1), Mode.LIVE, SETTINGS, "2"))
    w.follows(2, SiteWatched(at(2), PLANT, True))
    w.follows(3, SensorFault(at(3), f"radar {NASTY}", "clock"))
    w.follows(3, SensorFault(at(3), "mast", "place"))
    w.follows(4, SensorFault(at(4), "mast", ""))
    w.follows(5, AlertRaised(alert(PLANT, 7, 5)))
    w.follows(5, AlertRaised(alert(PLANT, 8, 5)))
    w.follows(5, LevelChanged(at(5), PLANT, Level.WARN, SPAN))
    w.follows(5, told(5, WEST, Level.WARN))
    w.act(6, IVAN, Acknowledge("desk", 1, at(5)))
    w.follows(7, LevelChanged(at(7), PLANT, Level.CRITICAL, SPAN))
    w.follows(7, told(7, WEST, Level.CRITICAL))
    w.follows(8, told(8, SOUTH, Level.WARN, aloud=False))
    w.follows(9, Escalated(at(9), "desk", 1, "centre"))
    w.act(10, OLENA, Shelve("desk", PLANT, Kind.DRONES, "W", at(90), f"own tests {NASTY}"))
    w.act(11, IVAN, Shelve("desk", YARD, Kind.CRUISE, "S", at(20), "twice"))
    w.follows(20, ShelfEnded(at(20), "desk", SOUTH))
    w.act(
        12, IVAN, Unshelve("desk", PLANT, Kind.DRONES, "W"), "it is not shelved: it was taken back, or its time is over"
    )
    w.act(13, OLENA, Categorise(7, 70, Category.HOSTILE, f"seen {NASTY}"))
    w.act(13, OLENA, Categorise(8, 80, Category.NEUTRAL, "airliner"))
    w.act(14, OLENA, Uncategorise(8, "it is not"))
    w.act(14, IVAN, Categorise(9, 90, Category.SUSPECT, "low"))
    w.follows(15, CategoryEnded(at(15), 9))
    w.act(16, OLENA, AllowFeed("brigade", f"joint watch {NASTY}", at(120)))
    w.act(17, OLENA, AllowFeed("police", "x", at(120)))
    w.act(18, IVAN, EndFeed("police"))
    w.act(18, OLENA, AllowFeed("coast guard", "y", at(19)))
    w.follows(19, FeedEnded(at(19), "coast guard"))
    w.act(20, IVAN, AnswerAdvice(4, Verdict.CHANGED, "Team 2", "closer"))
    _trust(w)
    w.put(20, Delivered(at(20), "grid", "m-1", "sent"))
    w.put(20, Delivered(at(20), "mail", "m-1", "gave up", f"no route {NASTY}"))
    hand(w, 21, 1, "brigade")
    w.follows(22, CueEnded(at(22), 1, "brigade", f"its time is over {NASTY}"))
    hand(w, 59, 2, "battery")
    w.follows(23, AlertCleared(at(23), PLANT, 8, "gone"))
    w.follows(24, Refused(f"source {NASTY}", "malformed", 40))
    w.follows(24, Refused(f"source {NASTY}", "checksum", 2))
    _trouble(w)
    return w.entries


def _trust(w: Writer) -> None:
    """One radar is in quarantine at the end, by the statistics; one was, by a person; and one is only doubtful."""
    w.follows(4, SensorTrust(at(4), "hill", Word.QUARANTINED, ("others differ",)))
    w.follows(4, SensorTrust(at(4), "dune", Word.DOUBTFUL, ("another differs",)))
    w.act(20, IVAN, Quarantine("tower", at(90), f"bent {NASTY}"))
    w.follows(20, SensorTrust(at(20), "tower", Word.QUARANTINED, (f"bent {NASTY}",), IVAN.name))
    w.act(20, OLENA, Unquarantine("tower", "mended"))
    w.follows(21, SensorTrust(at(21), "tower", Word.UNKNOWN))
    w.act(20, OLENA, Trust("dune", at(90), "checked"))
    w.act(20, IVAN, Untrust("dune", "was not"))


def hand(w: Writer, minutes: float, number: int, partner: str) -> None:
    w.put(minutes, Decided(at(minutes), OLENA, HandOver(partner, CUE, "d", at(minutes))))
    w.follows(minutes, Taken(at(minutes), ""))
    w.follows(minutes, Cued(at(minutes), number, partner, OLENA.name, at(minutes + 1), CUE))


def written(path: Path) -> Path:
    log = SqliteLog(path)
    log.append(events())
    log.close()
    return path
