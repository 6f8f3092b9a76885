"""SAPIENT nodes at a whole installation: what they are told, what is shown, what a bad one does to the others."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sapient_nodes import CAMERA, PLACE, RADAR, SETTINGS, identity, rng

from skywarden.model.detection import Node
from skywarden.model.event import Answered, Arrived, decode
from skywarden.record.reading import SqliteRecord
from skywarden.replay import compare
from skywarden.sensors.sapient.message import HEADER, pack, parse
from skywarden.sensors.sapient.proto import SapientMessage
from skywarden.sensors.sapient.rules import faults
from skywarden.service.app import App
from skywarden.sim.nodes import Post, located, registration, status, ulid
from skywarden.sim.raid import Flier

WHOLE = f"""{SETTINGS}
[record]
path = "{{record}}"
[api]
listen = "127.0.0.1:0"
"""


class Client:
    """One node, in plain sockets."""

    def __init__(self, port: int, post: Post) -> None:
        self.post = post
        self.socket = socket.create_connection(("127.0.0.1", port), 10.0)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hear(self) -> SapientMessage:
        """Return the next answer; it is valid, as every one must be."""
        length = int.from_bytes(self._exactly(HEADER), "little")
        message = parse(self._exactly(length))
        assert message is not None
        assert faults(message) == []
        return message

    def join(self) -> None:
        """Register, be acknowledged, say where it is."""
        self.send(registration(self.post, time.time_ns()))
        assert self.hear().registration_ack.acceptance
        self.send(status(self.post, time.time_ns(), rng()))

    def detect(self, seed: int) -> None:
        self.send(located(self.post, time.time_ns(), identity(seed), PLACE, Flier.UAV))

    def closed(self) -> bool:
        """Say whether the other side has ended the connection, within 5 s."""
        self.socket.settimeout(5.0)
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            assert more, "closed"
            data += more
        return data


@contextmanager
def running(tmp_path: Path) -> Iterator[tuple[App, Callable[..., Client]]]:
    """Run an installation; yield it, and how a node connects to it."""
    app = App(WHOLE.format(record=tmp_path / "record"))
    app.start()
    clients: list[Client] = []

    def connect(post: Post = RADAR) -> Client:
        clients.append(Client(int(app.wires[0].address.rpartition(":")[2]), post))
        return clients[-1]

    try:
        until(lambda: app.wires[0].state == "listening")
        yield app, connect
    finally:
        for client in clients:
            client.socket.close()
        app.stop()


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


def row(app: App) -> Any:
    return until(lambda: app.publisher.latest).sources[0]


def nodes(app: App) -> list[tuple[str, str, bool]]:
    return sorted((n.name, n.state, n.connected) for n in row(app).nodes)


def test_nodes_join_report_and_leave_and_the_record_replays(tmp_path: Path) -> None:
    with running(tmp_path) as (app, connect):
        first, second = connect(), connect(CAMERA)
        first.join()
        second.join()
        for seed in range(5):
            first.detect(seed)
        until(lambda: row(app).decoded == 9)
        assert nodes(app) == [("nodes EYE1", "ok", True), ("nodes FEN1", "ok", True)]
        first.send(status(RADAR, time.time_ns(), rng(9), goodbye=True))
        first.socket.close()
        second.socket.close()
        until(lambda: nodes(app) == [("nodes EYE1", "gone", False), ("nodes FEN1", "goodbye", False)])
        assert row(app).refused == {}
    log = SqliteRecord(tmp_path / "record")
    entries = list(log.entries())
    log.close()
    events = [decode(entry.payload) for entry in entries]
    assert sum(len(e.frame) for e in events if isinstance(e, Arrived)) == 10
    assert len([e for e in events if isinstance(e, Answered)]) == 2
    assert compare(entries).difference is None


def test_a_node_reconnects_a_hundred_times(tmp_path: Path) -> None:
    with running(tmp_path) as (app, connect):
        for _ in range(100):
            client = connect()
            client.join()
            client.socket.close()
        until(lambda: nodes(app) == [("nodes FEN1", "gone", False)])
        assert row(app).refused == {}


def test_tasks_and_alerts_are_refused_on_the_wire(tmp_path: Path) -> None:
    with running(tmp_path) as (_, connect):
        client = connect()
        client.join()
        message = parse(status(RADAR, time.time_ns(), rng())[HEADER:])
        assert message is not None
        message.task.task_id, message.task.control = ulid(1, rng(2)), 1
        client.send(pack(message))
        assert client.hear().task_ack.task_status == 2
        message.alert.alert_id = ulid(1, rng(3))
        client.send(pack(message))
        assert list(client.hear().alert_ack.reason) == ["not supported"]


def test_an_oversize_length_ends_that_connection_and_no_other(tmp_path: Path) -> None:
    with running(tmp_path) as (app, connect):
        good, bad = connect(), connect(CAMERA)
        good.join()
        bad.send(b"\xff\xff\xff\xffgarbage")
        assert "a length of" in bad.hear().error.error_message[0]
        assert bad.closed()
        good.detect(1)
        until(lambda: row(app).decoded == 3)
        assert row(app).refused == {"oversize": 1}


def test_a_half_sent_message_is_counted_when_its_sender_leaves(tmp_path: Path) -> None:
    with running(tmp_path) as (app, connect):
        client = connect()
        client.send(registration(RADAR, time.time_ns())[:-9])
        client.socket.close()
        until(lambda: row(app).refused == {"truncated": 1})


def test_who_does_not_take_his_answers_is_sent_away_and_nobody_waits(tmp_path: Path) -> None:
    with running(tmp_path) as (app, connect):
        deaf, good = connect(), connect(CAMERA)
        deaf.join()
        until(lambda: app.wires[0].peers == 2)
        app._inbox.answer([Answered("nodes", 1, bytes(32 << 20), False)])  # more than any kernel keeps for him
        good.join()
        until(lambda: nodes(app) == [("nodes EYE1", "ok", True), ("nodes FEN1", "gone", False)])
        assert deaf.closed()


def test_the_second_connection_of_one_node_is_shown_beside_the_first(tmp_path: Path) -> None:
    with running(tmp_path) as (app, connect):
        first, second = connect(), connect()
        first.join()
        second.join()
        until(lambda: row(app).decoded == 4)
        assert nodes(app) == [("nodes FEN1", "ok", True), ("nodes FEN1 (2)", "ok", True)]
        first.detect(1)
        second.detect(2)
        first.detect(3)
        until(lambda: row(app).decoded == 7)
        assert row(app).refused == {}


def test_a_node_whose_status_is_overdue_is_late() -> None:
    from skywarden.model.track import Use
    from skywarden.service.rows import _node

    node = Node("n", "i", "radar", "ok", "Default", 5.0, 10**18, True)
    assert _node(node, Use(), 10**18 + 14 * 10**9).state == "ok"
    assert _node(node, Use(), 10**18 + 16 * 10**9).state == "late"
    assert not _node(node, Use(), 10**18 + 16 * 10**9).good
