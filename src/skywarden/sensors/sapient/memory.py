"""What is remembered of the nodes of one source: who they say they are, and where."""

from typing import Any

import msgspec

from skywarden.model.detection import ErrorMeaning, Node
from skywarden.sensors.sapient.proto import Registration, StatusReport
from skywarden.sensors.sapient.where import Point, point

SESSIONS = 256  # nodes of one source at once
REPORTS = 512  # report identities that a session remembers, to know a second copy
MARKS = {"simulated", "simulation", "simulator", "test", "exercise", "replay"}  # sub-types of nodes that are not real
GOODBYE, GONE = "goodbye", "gone"
ENDED = -1  # the connection of a session that has none
ROAMING = {Registration.NODE_TYPE_MOBILE_NODE}
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

    place: last known, None before the first status; roams: it may change. interval, latency: s, as registered.
    zone: UTM zone of its detections. meaning: of its errors. reports: ULIDs, the newest last.
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
    registered: int
    place: Point | None = None
    state: str = "ok"
    mode: str = ""
    last: int = 0
    reports: dict[str, None] = {}

    @property
    def roams(self) -> bool:
        return not ROAMING.isdisjoint(self.types)


class State(msgspec.Struct):
    """sessions: connection and node -> session, in the order of registration."""

    sessions: dict[str, Session] = {}

    def find(self, peer: int, node_id: str) -> Session | None:
        """Return the session of a node on a connection."""
        return self.sessions.get(_key(peer, node_id))

    def open(self, session: Session) -> bool:
        """Take a registration in; False when there are too many. Who registers again keeps the place he told."""
        before = self.find(session.peer, session.id)
        if before is not None:
            session.place, session.reports = before.place, before.reports
        else:
            self.sessions.pop(_key(ENDED, session.id), None)
        for other in list(self.sessions.values()):
            if len(self.sessions) >= SESSIONS and other.peer == ENDED:
                del self.sessions[_key(ENDED, other.id)]
        if before is None and len(self.sessions) >= SESSIONS:
            return False
        if any(other.name == session.name and other.id != session.id for other in self.sessions.values()):
            session.name = f"{session.name} {session.id[:8]}"
        self.sessions[_key(session.peer, session.id)] = session
        return True

    def end(self, peer: int) -> None:
        """Note that a connection has ended. Of each node one entry stays, for the picture."""
        for key, session in [(k, s) for k, s in self.sessions.items() if s.peer == peer]:
            del self.sessions[key]
            if any(other.id == session.id for other in self.sessions.values()):
                continue
            session.peer, session.state = ENDED, GOODBYE if session.state == GOODBYE else GONE
            self.sessions[_key(ENDED, session.id)] = session

    def named(self, session: Session) -> str:
        """Return the sensor's name: a second connection that claims to be the same node is a sensor of its own."""
        same = [other for other in self.sessions.values() if other.id == session.id]
        index = same.index(session)
        return session.name if index == 0 else f"{session.name} ({index + 1})"

    def nodes(self) -> tuple[Node, ...]:
        """Return a row for each session."""
        return tuple(
            Node(
                name=self.named(s),
                id=s.id,
                kind=", ".join(kind_word(number) for number in s.types),
                state=s.state,
                mode=s.mode,
                interval=s.interval,
                last=s.last,
                connected=s.peer != ENDED,
            )
            for s in self.sessions.values()
        )


def _key(peer: int, node_id: str) -> str:
    return f"{peer} {node_id}"


def session(node_id: str, peer: int, message: Registration, name: str, received: int) -> Session:
    """Return what a registration says. name: of the sensor. received: ns."""
    modes = message.mode_definition
    located = [d.location_type for mode in modes for d in mode.detection_definition]
    words = {word.strip().casefold() for d in message.node_definition for word in d.node_sub_type}
    return Session(
        id=node_id,
        peer=peer,
        name=name,
        types=[definition.node_type for definition in message.node_definition],
        interval=duration(message.status_definition.status_interval),
        latency=max((duration(m.maximum_latency) for m in modes if m.HasField("maximum_latency")), default=0.0),
        zone=next((t.zone for t in located if t.zone), ""),
        meaning=meaning(d.geometric_error.type for mode in modes for d in mode.detection_definition),
        simulated=not MARKS.isdisjoint(words),
        registered=received,
        last=received,
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
    """Take a status in; return whether its place was believed. A fixed node does not move: a jump is a fault."""
    session.state = StatusReport.System.Name(status.system).removeprefix("SYSTEM_").lower()
    session.mode = status.mode
    if not status.HasField("node_location"):
        return True
    found = point(status.node_location, session.zone)
    if found is None:
        return False
    if session.place is None or session.roams or session.place.near(found):
        session.place = found
        return True
    return False


def repeated(session: Session, report_id: str) -> bool:
    """Say whether a report came before, and remember it."""
    if report_id in session.reports:
        return True
    session.reports[report_id] = None
    if len(session.reports) > REPORTS:
        del session.reports[next(iter(session.reports))]
    return False


def kind_word(number: int) -> str:
    """Return a node type in words: "passive rf"."""
    name: str = Registration.NodeType.Name(number)
    return name.removeprefix("NODE_TYPE_").replace("_", " ").lower()
