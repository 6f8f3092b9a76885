"""What is remembered of the nodes of one source: who they say they are, and where."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec

from skywarden.model.assessment import Family
from skywarden.model.detection import ErrorMeaning, Node
from skywarden.sensors.sapient.classes import vocabulary
from skywarden.sensors.sapient.proto import Registration, StatusReport
from skywarden.sensors.sapient.where import Point, point

SESSIONS = 256  # nodes of one source at once
ON_ONE = 32  # nodes on one connection: a gateway has some, and nobody has all
NAMES, OTHERS = 512, "others"  # of nodes; those that come later share one
TEXT = 64  # letters
KINDS = 8  # node types of one node
AGREEING = 3  # statuses
PERIOD = 100_000_000  # ns
AT_ONCE, IN_ALL = 2_500, 10_000  # messages that are read of one connection in one tick, and of all in a PERIOD
REPORTS = 512  # report identities that a session remembers, to know a second copy
MARKS = {"simulated", "simulation", "simulator", "test", "exercise", "replay"}  # sub-types of nodes that are not real
GOODBYE, GONE = "goodbye", "gone"
ENDED = -1  # the connection of a session that has none
ROAMING = {Registration.NODE_TYPE_MOBILE_NODE, Registration.NODE_TYPE_HUMAN}
CARRIED = {Registration.NODE_TYPE_MOBILE_NODE, Registration.NODE_TYPE_POINTABLE_NODE}  # how, not by what it senses
FAMILIES = {
    Registration.NODE_TYPE_RADAR: Family.RADAR,
    Registration.NODE_TYPE_CAMERA: Family.CAMERA,
    Registration.NODE_TYPE_LIDAR: Family.CAMERA,
    Registration.NODE_TYPE_ACOUSTIC: Family.ACOUSTIC,
    Registration.NODE_TYPE_PASSIVE_RF: Family.RADIO,
    Registration.NODE_TYPE_HUMAN: Family.PEOPLE,
}
SECONDS = {
    Registration.TIME_UNITS_NANOSECONDS: 1e-9,
    Registration.TIME_UNITS_MICROSECONDS: 1e-6,
    Registration.TIME_UNITS_MILLISECONDS: 1e-3,
    Registration.TIME_UNITS_SECONDS: 1.0,
    Registration.TIME_UNITS_MINUTES: 60.0,
    Registration.TIME_UNITS_HOURS: 3600.0,
    Registration.TIME_UNITS_DAYS: 86_400.0,
}


class Session(msgspec.Struct):
    """One node on one connection. peer ENDED: the node is remembered for the picture only.

    name: of the sensor, for as long as it is known. place: last known, None before the first status; home: the first
    one that was believed; elsewhere, times: how often in turn it said that it is there instead. interval, latency: s,
    as registered. zone: UTM zone of its detections. meaning: of its errors. reports: ULIDs, the newest last.
    vocabulary: what it registered as its classes, see classes.vocabulary.
    """

    id: str
    peer: int
    name: str
    types: list[int]
    interval: float
    latency: float
    zone: str
    meaning: ErrorMeaning
    simulated: bool
    place: Point | None = None
    home: Point | None = None
    elsewhere: Point | None = None
    times: int = 0
    state: str = "ok"
    mode: str = ""
    last: int = 0
    reports: dict[str, None] = {}
    vocabulary: tuple[int, ...] = ()

    @property
    def roams(self) -> bool:
        return not ROAMING.isdisjoint(self.types)

    @property
    def fuses(self) -> bool:
        return Registration.NODE_TYPE_FUSION_NODE in self.types

    @property
    def family(self) -> Family:
        """By what it tells what its objects are; OTHER as well when it has several means: nobody knows which it was."""
        found = {FAMILIES.get(kind, Family.OTHER) for kind in self.types if kind not in CARRIED}
        return found.pop() if len(found) == 1 else Family.OTHER


class State(msgspec.Struct):
    """sessions: connection and node -> session, in the order of registration. names: node -> name, once and for all.

    period, used: how many messages were read in the present span of PERIOD.
    """

    sessions: dict[str, Session] = {}
    names: dict[str, str] = {}
    period: int = 0
    used: int = 0

    def find(self, peer: int, node_id: str) -> Session | None:
        """Return the session of a node on a connection."""
        return self.sessions.get(_key(peer, node_id))

    def first(self, session: Session) -> bool:
        """Say whether a session is no second one of its node: who comes second may be anybody."""
        return self.names.get(session.id, session.name) == session.name

    def open(self, session: Session) -> bool:
        """Take a registration in; False when there are too many. Who registers again keeps his name and place.

        A second connection that claims to be the same node is a sensor of its own, "name (2)", and stays it.
        """
        before = self.find(session.peer, session.id)
        if before is None and not self._room_on(session.peer):
            return False
        if before is not None:
            for name in ("name", "place", "home", "reports"):
                setattr(session, name, getattr(before, name))
        elif (gone := self.sessions.pop(_key(ENDED, session.id), None)) is not None:
            session.name, session.reports = gone.name, gone.reports
        else:
            session.name = self._free(self._named(session))
        self.sessions[_key(session.peer, session.id)] = session
        return True

    def end(self, peer: int) -> bool:
        """Note that a connection has ended; return whether a node was on it. Of each node one such entry stays."""
        ended = [(key, session) for key, session in self.sessions.items() if session.peer == peer]
        for key, session in ended:
            del self.sessions[key]
            session.peer, session.state = ENDED, GOODBYE if session.state == GOODBYE else GONE
            if self.first(session) or _key(ENDED, session.id) not in self.sessions:
                self.sessions[_key(ENDED, session.id)] = session
        return bool(ended)

    def allow(self, wanted: int, time: int) -> int:
        """Return how many of so many messages may be read now: a tick must end, whoever sends whatever. time: ns."""
        if time // PERIOD != self.period:
            self.period, self.used = time // PERIOD, 0
        allowed = max(0, min(wanted, AT_ONCE, IN_ALL - self.used))
        self.used += allowed
        return allowed

    def nodes(self, live: bool = False) -> tuple[Node, ...]:
        """Return a row for each session. live: a node that says it is not real is of no use."""
        return tuple(
            Node(
                name=s.name,
                id=s.id,
                kind=", ".join(kind_word(number) for number in s.types),
                state="simulated" if live and s.simulated and s.state == "ok" else s.state,
                mode=s.mode,
                interval=s.interval,
                last=s.last,
                connected=s.peer != ENDED,
            )
            for s in self.sessions.values()
        )

    def _named(self, session: Session) -> str:
        """Return the name of a node, as it was first called; names are not forgotten, so there are only so many."""
        if session.id not in self.names:
            if len(self.names) >= NAMES:
                return OTHERS
            taken = set(self.names.values())
            name, k = session.name, 1
            while name in taken:
                k += 1
                name = f"{session.name} #{k}"
            self.names[session.id] = name
        return self.names[session.id]

    def _free(self, name: str) -> str:
        taken = {other.name for other in self.sessions.values()}
        found, k = name, 1
        while found in taken:
            k += 1
            found = f"{name} ({k})"
        return found

    def _room_on(self, peer: int) -> bool:
        """Make room for one more node on a connection at the cost of those that are gone; say whether there is any."""
        gone = [key for key, other in self.sessions.items() if other.peer == ENDED]
        for key in gone[: len(self.sessions) + 1 - SESSIONS]:
            del self.sessions[key]
        on_it = sum(other.peer == peer for other in self.sessions.values())
        return on_it < ON_ONE and len(self.sessions) < SESSIONS


def _key(peer: int, node_id: str) -> str:
    return f"{peer} {node_id}"


def session(node_id: str, peer: int, message: Registration, name: str, received: int) -> Session:
    """Return what a registration says. name: of the sensor. received: ns."""
    modes = message.mode_definition
    detects = [d for mode in modes for d in mode.detection_definition]
    words = {word.strip().casefold() for d in message.node_definition for word in d.node_sub_type}
    return Session(
        id=node_id,
        peer=peer,
        name=name,
        types=list(dict.fromkeys(d.node_type for d in message.node_definition))[:KINDS],
        interval=duration(message.status_definition.status_interval),
        latency=max((duration(m.maximum_latency) for m in modes if m.HasField("maximum_latency")), default=0.0),
        zone=short(next((d.location_type.zone for d in detects if d.location_type.zone), "")),
        meaning=meaning(d.geometric_error.type for d in detects),
        simulated=not MARKS.isdisjoint(words),
        last=received,
        vocabulary=vocabulary(one for d in detects for c in d.detection_class_definition for one in c.class_definition),
    )


def meaning(types: Any) -> ErrorMeaning:
    """Return what a node means by its errors, from the type of its geometric error."""
    for text in types:
        word = text.casefold()
        if "95" in word:
            return ErrorMeaning.PERCENT_95
        if "max" in word or "bound" in word:
            return ErrorMeaning.BOUND
        if "deviation" in word or "sigma" in word or "rms" in word:
            return ErrorMeaning.SIGMA
    return ErrorMeaning.ASSUMED


def duration(value: Any) -> float:
    """Return a Duration in s."""
    return float(value.value) * SECONDS.get(value.units, 0.0)


def told(session: Session, status: StatusReport) -> bool:
    """Take a status in; return whether its place was believed. A fixed node does not move: a jump is a fault.

    Unless it stays there for AGREEING statuses: then the first place was the wrong one.
    """
    session.state = StatusReport.System.Name(status.system).removeprefix("SYSTEM_").lower()
    session.mode = short(status.mode)
    if not status.HasField("node_location"):
        return True
    found = point(status.node_location, session.zone)
    if found is None:
        return False
    if session.home is None or session.roams or session.home.near(found):
        session.home, session.place = session.home or found, found
        session.elsewhere, session.times = None, 0
        return True
    agrees = session.elsewhere is not None and session.elsewhere.near(found)
    session.elsewhere, session.times = (session.elsewhere if agrees else found), (session.times + 1 if agrees else 1)
    if session.times < AGREEING:
        return False
    session.home = session.place = found
    session.elsewhere, session.times = None, 0
    return True


def short(text: str) -> str:
    """Return the beginning of what a node calls itself or its mode: it stands in every picture."""
    return text[:TEXT]


def repeated(session: Session, report_id: str) -> bool:
    """Say whether a report came before, and remember it."""
    report_id = report_id.upper()
    if report_id in session.reports:
        return True
    session.reports[report_id] = None
    if len(session.reports) > REPORTS:
        del session.reports[next(iter(session.reports))]
    return False


def remembered(session: Session, report_ids: Sequence[str]) -> bool:
    """Remember some reports in turn, as `repeated` does, if none came before; else change nothing, return False."""
    new = dict.fromkeys([report_id.upper() for report_id in report_ids])
    if len(new) < len(report_ids) or not new.keys().isdisjoint(session.reports):
        return False
    session.reports |= new
    for report_id in [*islice(session.reports, max(0, len(session.reports) - REPORTS))]:
        del session.reports[report_id]
    return True


def kind_word(number: int) -> str:
    """Return a node type in words: "passive rf"."""
    name: str = Registration.NodeType.Name(number)
    return name.removeprefix("NODE_TYPE_").replace("_", " ").lower()
