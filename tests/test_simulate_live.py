"""A scenario sent to a running system at its own times."""

import re
import socket
from pathlib import Path

import pytest
from skies import ALL, HEAD

from skywarden.errors import ConfigError
from skywarden.service import rehearse
from skywarden.service.app import App
from skywarden.service.demo import bound
from skywarden.service.rehearse import await_listener, soon
from skywarden.service.send import Sender
from skywarden.service.simulate import Order, simulate

SECONDS = 12
RAID = """
[[waves]]
name = "west"
kind = "uav-piston"
count = 3
distance_km = 8
spread_s = 1
radio = 1.0
"""


def test_a_running_system_gets_every_message_at_its_own_time(tmp_path: Path) -> None:
    file = tmp_path / "raid.toml"
    file.write_text(HEAD.format(seconds=SECONDS) + ALL + RAID)
    apps: list[App] = []
    senders: list[Sender] = []

    def begin(out: Path) -> int:
        free = re.sub(r"(127\.0\.0\.1):\d+", r"\1:0", (out / "skywarden.toml").read_text())
        app = App(free + f'\n[record]\npath = "{tmp_path / "record"}"\n')
        apps.append(app)
        app.start()
        addresses = bound(app)
        senders.append(Sender(addresses))
        return soon()

    try:
        made = simulate(
            Order(file, 1, tmp_path / "out", begin=begin, sink=lambda frames: senders[0](frames), processes=1),
            lambda what, done, total: None,
        )
        for sender in senders:
            sender.close()
        summary = apps[0].run(view=False, seconds=SECONDS + 8)
    finally:
        for app in apps:
            app.stop()
    sent = sum(count.messages for count in made.sources.values())
    assert sent > 50
    assert summary["frames"] == sent
    assert summary["tracks_confirmed"] >= 1


def test_it_is_said_what_to_start_and_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
    told: list[str] = []
    monkeypatch.setattr(rehearse, "WAIT_S", 0.2)
    with pytest.raises(ConfigError, match="start the system"):
        await_listener(nobody, told.append, "start the system")
    assert told == ["start the system"]


def test_it_begins_when_somebody_listens() -> None:
    told: list[str] = []
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen()
        await_listener(f"127.0.0.1:{there.getsockname()[1]}", told.append, "start the system")
    assert told == []
