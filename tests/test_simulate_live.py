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
from skywarden.service.rehearse import connected, soon
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


CONFIGURATION = """
[run]
mode = "sim"

[[sources]]
name = "adsb"
format = "modes"
listen = "tcp://127.0.0.1:{source}"

[api]
listen = "127.0.0.1:{api}"
"""


def free() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_it_is_said_what_to_start_and_waiting_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "skywarden.toml"
    file.write_text(CONFIGURATION.format(source=free(), api=free()))
    told: list[str] = []
    monkeypatch.setattr(rehearse, "WAIT_S", 0.2)
    with pytest.raises(ConfigError, match="nobody listened"):
        connected(file, told.append)
    assert told == [f"start it in another terminal: skywarden run --config {file}"]


def test_it_waits_for_the_sources_too_and_reads_the_file_again(tmp_path: Path) -> None:
    file, told = tmp_path / "skywarden.toml", list[str]()
    with socket.socket() as page, socket.socket() as wire:
        for one in (page, wire):
            one.bind(("127.0.0.1", 0))
            one.listen()
        there = CONFIGURATION.format(source=wire.getsockname()[1], api=page.getsockname()[1])
        half = CONFIGURATION.format(source=free(), api=page.getsockname()[1])  # the page is up, the source is not
        file.write_text(half)

        def tell(text: str) -> None:
            told.append(text)
            file.write_text(there)

        connected(file, tell).close()
        wire.settimeout(5)
        wire.accept()[0].close()
    assert len(told) == 1
