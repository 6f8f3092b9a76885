"""The SAPIENT fusion node of one source: messages in, detections and answers out.

A node says first on each connection what it is (registration), then where it is and how it does (status), then what it
detects. Who sends before registering is told so; a second connection with a known node id is a sensor of its own.
Source: BSI Flex 335 v2.0.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from skywarden.model.detection import Decoded, Detections, Frame, Node, Reason, Reply
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.sapient import memory, message
from skywarden.sensors.sapient.answers import LISTED, Voice, own_id
from skywarden.sensors.sapient.meaning import Meanings
from skywarden.sensors.sapient.measure import Observer, measurements
from skywarden.sensors.sapient.memory import ENDED, MARKS, Session, State
from skywarden.sensors.sapient.proto import SapientMessage, json_format
from skywarden.sensors.sapient.reports import Head, Reports, Stretch
from skywarden.sensors.sapient.rules import Fault, faults

ANSWERS = 16  # to one connection in one tick
SECOND = 1_000_000_000
QUIET = {"task_ack", "alert_ack", "error", "registration_ack"}  # answers to us; nothing follows from them


class Turn:
    """What one frame gives, while it is read. allowed: how many of its messages are read."""

    def __init__(self, frame: Frame, allowed: int, meanings: Meanings) -> None:
        self.frame = frame
        self.understood = 0
        self.changed = False
        self.refused: dict[str, int] = {}
        self.replies: list[Reply] = []
        self.reports = Reports(frame, allowed, meanings)
        self.heard: dict[int, tuple[Session, list[int]]] = {}  # messages of each session that count

    def refuse(self, reason: Reason, count: int = 1) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + count

    def take(self, session: Session, numbers: Sequence[int]) -> None:
        """Let reports of a session count."""
        self.understood += len(numbers)
        self.heard.setdefault(id(session), (session, []))[1].extend(numbers)

    def answer(self, data: bytes, close: bool = False) -> None:
        """Answer, unless there were ANSWERS already: who floods us is not answered as fast."""
        if len(self.replies) < ANSWERS or close:
            self.replies.append(Reply(self.frame.peer, data, close))


class Sapient:
    """One listening address, and all nodes that come to it."""

    own_times = True
    answers = True

    def __init__(self, source: Source, sensors: tuple[Sensor, ...], mode: Mode) -> None:
        self.state = State()
        self._source, self._mode = source.name, mode
        self._voice = Voice(own_id(source.name))
        self._meanings = Meanings()
        self._enrolled = {s.node_id.lower(): s for s in sensors if s.node_id is not None}

    def decode(self, frame: Frame) -> Decoded:
        """Return detections, answers, and the nodes when something about them has changed."""
        if len(frame) == 0:
            return Decoded(frame.source, 0, nodes=self._nodes() if self.state.end(frame.peer) else None)
        allowed = self.state.allow(len(frame), frame.received)
        turn = Turn(frame, allowed, self._meanings)
        number = 0
        while number < allowed:
            stretch = turn.reports.stretches.get(number)
            if stretch is None:
                self._take(turn, number)
                number += 1
            else:
                self._take_all(turn, stretch)
                number = stretch.numbers.stop
        if allowed < len(frame):
            turn.refuse(Reason.QUOTA, len(frame) - allowed)
        turn.reports.settle()
        batches = list[Detections]()
        for session, numbers in turn.heard.values():
            enrolled, first = self._enrolled.get(session.id), self.state.first(session)
            observer = Observer(session.name, session, enrolled, first)
            found, impossible = measurements(observer, frame.received, turn.reports, numbers)
            batches += found
            if impossible:
                turn.refuse(Reason.IMPLAUSIBLE, impossible)
        nodes = self._nodes() if turn.changed else None
        return Decoded(frame.source, turn.understood, tuple(batches), turn.refused, tuple(turn.replies), nodes)

    def hang_up(self) -> tuple[Node, ...]:
        """Forget all connections: another process held them. Return the nodes that are remembered."""
        for peer in dict.fromkeys(session.peer for session in self.state.sessions.values()):
            if peer != ENDED:
                self.state.end(peer)
        return self._nodes()

    def rows(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Yield each message in protobuf-JSON; beside an error stand the faults."""
        for packet in frame.messages():
            found, broken, reason = _read(packet)
            row: dict[str, Any] = {} if reason is None else {"error": reason.value}
            if found is not None:
                row |= {"time": sent(found), "source": self._source}
                with suppress(ValueError, json_format.Error):  # a time that cannot be written is among the faults
                    row["message"] = json_format.MessageToDict(found)
            if broken:
                row["faults"] = [fault._asdict() for fault in broken]
            yield row

    def _take(self, turn: Turn, number: int) -> None:
        """Take one message with protobuf."""
        packet = turn.reports.packet(number)
        found, broken, reason = _read(packet)
        if found is None:
            assert reason is not None
            turn.refuse(reason)
            self._complain(turn, "", packet, broken, close=reason is Reason.OVERSIZE)
            return
        content = found.WhichOneof("content")
        if broken:
            turn.refuse(Reason.MALFORMED)
            if content == "registration":
                words = [f"{fault.field}: {fault.rule}" for fault in broken[:LISTED]]
                turn.answer(self._voice.registration_ack(found.node_id, turn.frame.received, words))
            else:
                self._complain(turn, found.node_id, packet, broken)
        elif content == "registration":
            if self._ours(turn, number, found.node_id, found.destination_id):
                self._register(turn, found)
        elif (session := self._sender(turn, number, found.node_id, found.destination_id)) is not None:
            self._hear(turn, session, number, found)

    def _ours(self, turn: Turn, number: int, node_id: str, to: str) -> bool:
        """Say whether a message is meant for us, or answer that it is not."""
        if not to or to.lower() == self._voice.node_id:
            return True
        turn.refuse(Reason.MISDIRECTED)
        self._complain(turn, node_id, turn.reports.packet(number), [Fault("destinationId", "is not us")])
        return False

    def _sender(self, turn: Turn, number: int, node_id: str, to: str) -> Session | None:
        """Return the session of who sent a message to us, or answer that he is not registered."""
        if not self._ours(turn, number, node_id, to):
            return None
        session = self.state.find(turn.frame.peer, node_id.lower())
        if session is None:
            turn.refuse(Reason.NOT_REGISTERED)
            broken = [Fault("nodeId", "not registered on this connection")]
            self._complain(turn, node_id, turn.reports.packet(number), broken)
        else:
            session.last = turn.frame.received
        return session

    def _register(self, turn: Turn, found: SapientMessage) -> None:
        node_id, said = found.node_id.lower(), found.registration
        enrolled = self._enrolled.get(node_id)
        name = (
            enrolled.name if enrolled else f"{self._source} {memory.short(said.short_name or said.name or node_id[:8])}"
        )
        session = memory.session(node_id, turn.frame.peer, said, name, turn.frame.received)
        if self.state.open(session):
            turn.changed = True
            turn.understood += 1
            turn.answer(self._voice.registration_ack(found.node_id, turn.frame.received))
        else:
            turn.refuse(Reason.QUOTA)
            words = ["there are too many nodes already, here or on this connection"]
            turn.answer(self._voice.registration_ack(found.node_id, turn.frame.received, words))

    def _hear(self, turn: Turn, session: Session, number: int, found: SapientMessage) -> None:
        """Take a valid message of a registered node."""
        content, received = found.WhichOneof("content"), turn.frame.received
        if content == "detection_report":
            self._detect(turn, session, number, turn.reports.put(number, found))
            return
        if content == "status_report":
            turn.changed = True
            if not memory.told(session, found.status_report):
                turn.refuse(Reason.IMPLAUSIBLE)
                return
        elif content == "task":
            turn.answer(self._voice.task_ack(found.node_id, received, found.task.task_id))
        elif content == "alert":
            turn.answer(self._voice.alert_ack(found.node_id, received, found.alert.alert_id))
        elif content not in QUIET:
            turn.refuse(Reason.UNSUPPORTED)
            return
        turn.understood += 1

    def _take_all(self, turn: Turn, stretch: Stretch) -> None:
        """Take valid detection reports of one sender, at once where nothing is the matter with any of them."""
        reports, numbers = turn.reports, stretch.numbers
        session = self._sender(turn, numbers[0], stretch.node, stretch.to)
        if session is None:
            for number in numbers[1:]:
                self._sender(turn, number, stretch.node, stretch.to)
            return
        good = stretch.plain and not (self._mode is Mode.LIVE and session.simulated)
        good = good and (stretch.located or not session.fuses)
        if good and memory.remembered(session, reports.ids[numbers.start : numbers.stop]):
            turn.take(session, numbers)
            return
        for number in numbers:
            self._detect(turn, session, number, reports.head(number))

    def _detect(self, turn: Turn, session: Session, number: int, head: Head) -> None:
        if memory.repeated(session, head.report):
            turn.refuse(Reason.DUPLICATE)
        elif self._mode is Mode.LIVE and (session.simulated or head.state.strip().casefold() in MARKS):
            turn.refuse(Reason.SIMULATED)
        elif head.northless:
            turn.refuse(Reason.NO_REFERENCE)
        elif session.fuses and not head.located:
            turn.refuse(Reason.UNSUPPORTED)  # its objects are tracks, and a bearing of a track is none
        else:
            turn.take(session, [number])

    def _nodes(self) -> tuple[Node, ...]:
        return self.state.nodes(self._mode is Mode.LIVE)

    def _complain(self, turn: Turn, to: str, packet: bytes, broken: list[Fault], close: bool = False) -> None:
        if len(turn.replies) < ANSWERS or close:
            turn.answer(self._voice.error(to, turn.frame.received, packet, broken), close)

    @staticmethod
    def split(buffer: bytes) -> list[int]:
        """Return the lengths of the whole messages at the start of a stream, with their length fields."""
        return message.split(buffer)

    @staticmethod
    def stamp(packet: bytes, near: int) -> int | None:
        """Return when a message was sent, UTC ns."""
        found, _, reason = _read(packet)
        return None if found is None or reason is not None else sent(found)


def sent(found: SapientMessage) -> int:
    """Return the time of a message, UTC ns."""
    return int(found.timestamp.seconds) * SECOND + int(found.timestamp.nanos)


def _read(packet: bytes) -> tuple[SapientMessage | None, list[Fault], Reason | None]:
    """Return the message in a packet, its faults and the reason to refuse it."""
    length = int.from_bytes(packet[: message.HEADER], "little")
    if length > message.LONGEST and len(packet) >= message.HEADER:
        return None, [Fault("", f"a length of {length} bytes; {message.LONGEST} is the most")], Reason.OVERSIZE
    if len(packet) != message.HEADER + length:
        return None, [Fault("", "the connection ended in the middle of a message")], Reason.TRUNCATED
    found = message.parse(packet[message.HEADER :])
    if found is None:
        return None, [Fault("", "not a protobuf message of SAPIENT")], Reason.MALFORMED
    broken = faults(found)
    return found, broken, Reason.MALFORMED if broken else None
