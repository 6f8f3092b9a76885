"""A configuration read again while the program runs: tracks, sessions and messages live on, and a replay is equal."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from reload_site import BASE, EXTRA, NODES, PLANES, Site, connected, free, site
from sapient_nodes import RADAR, plot, real, rng
from test_app import SECOND, ask, flight, wait

from skywarden.config import parse, recalled, renewed
from skywarden.config.renew import AT_ONCE
from skywarden.config.settings import Settings
from skywarden.errors import ConfigError
from skywarden.model.event import AlertCleared, AlertRaised, Refused, Started, TrackConfirmed
from skywarden.record.reading import SqliteRecord
from skywarden.replay import compare
from skywarden.sim.nodes import registration, status


def introduction() -> bytes:
    now = time.time_ns()
    return real(registration(RADAR, now) + status(RADAR, now, rng()))


def report(seed: int) -> bytes:
    return plot(seed, time.time_ns())


def test_tracks_sessions_and_counters_live_on_while_sources_come_and_go(tmp_path: Path) -> None:
    with site(tmp_path, PLANES, NODES) as made, made.connect(PLANES) as planes, made.connect(NODES) as node:
        planes.sendall(b"".join(flight(8, time.time_ns() - 8 * SECOND)))
        node.sendall(introduction())
        wait(lambda: made.app.publisher.latest.tracks)
        wait(lambda: made.row("nodes")["decoded"] == 2)
        (before,) = made.app.publisher.latest.tracks
        made.write(PLANES, NODES, EXTRA)
        made.reload()
        wait(lambda: made.row("extra")["state"] in ("listening", "nothing yet"))
        node.sendall(report(1))  # on the same connection, without a new registration
        planes.sendall(b"".join(flight(1, time.time_ns())))
        wait(lambda: made.row("nodes")["decoded"] == 3)
        wait(lambda: made.row("planes")["recorded"] == 18)
        assert made.row("nodes")["refused"] == {}
        assert made.row("nodes")["nodes"][0]["connected"]
        assert made.row("planes")["received"] == 18
        assert [t.number for t in made.app.publisher.latest.tracks if t.icao24 == before.icao24] == [before.number]
        made.write(NODES)
        made.reload()
        assert [row["name"] for row in ask(made.app, "api/health")["sources"]] == ["nodes"]
        planes.settimeout(5)
        assert planes.recv(1) == b""  # closed
        node.sendall(report(2))
        wait(lambda: made.row("nodes")["decoded"] == 4)
        made.write(PLANES, NODES)  # it comes back, and counts on
        made.reload()
        with made.connect(PLANES) as again:
            again.sendall(b"".join(flight(1, time.time_ns())))
            wait(lambda: made.row("planes")["recorded"] == 20)
        assert made.row("planes")["received"] == 20
    starts = [event for event in made.events() if isinstance(event, Started)]
    assert [event.reload for event in starts] == [False, True, True, True]
    assert [len(recalled(event.resolved).sources) for event in starts] == [2, 3, 1, 2]
    assert compare(SqliteRecord(made.record).entries()).difference is None


def test_one_reload_after_the_other_each_opens_and_closes_what_it_says(tmp_path: Path) -> None:
    with site(tmp_path, NODES) as made:
        for round_ in range(15):
            wanted = [NODES, EXTRA] if round_ % 2 else [PLANES, NODES]
            made.write(*wanted)
            made.app.reload(made.file.read_text())
            assert [wire.name for wire in made.app.wires] == [source.split('"')[1] for source in wanted]
            assert {wire.state for wire in made.app.wires} == {"listening"}
            reached = connected(made.ports[PLANES])
            assert (reached is None) == bool(round_ % 2)
            if reached is not None:
                reached.close()


def test_what_a_source_had_sent_before_it_is_removed_is_taken_in(tmp_path: Path) -> None:
    slow = PLANES.replace("format =", "max_rate = 100\nformat =")
    with site(tmp_path, PLANES, NODES) as made:
        made.ports[slow] = made.ports[PLANES]
        made.write(slow, NODES)
        made.reload()  # also how a rate is changed
        with made.connect(PLANES) as planes:
            lines = flight(200, time.time_ns() - 1 * SECOND)
            planes.sendall(b"".join(lines[:200]))
            wait(lambda: made.row("planes")["delayed"] > 50)  # and what comes now is not read for a while
            planes.sendall(b"".join(lines[200:]))
            made.write(NODES)
            made.reload()
            wait(lambda: SqliteRecord(made.record).recorded().get("planes") == 400)
    assert not [e for e in made.events() if isinstance(e, Refused) and e.reason == "decoder fault"]
    assert compare(SqliteRecord(made.record).entries()).difference is None


def test_a_session_that_is_closed_for_a_reload_ends_and_the_node_registers_anew(tmp_path: Path) -> None:
    with site(tmp_path, NODES) as made, made.connect(NODES) as node:
        node.sendall(introduction())
        wait(lambda: made.row("nodes")["decoded"] == 2)
        made.ports[NODES] = free()
        made.write(NODES)
        made.reload()
        assert not made.row("nodes")["nodes"][0]["connected"]
        with made.connect(NODES) as again:
            again.sendall(report(1))
            wait(lambda: made.row("nodes")["refused"] == {"not registered": 1})
            again.sendall(introduction() + report(2))
            wait(lambda: made.row("nodes")["decoded"] == 5)
        assert made.row("nodes")["received"] == 6
    assert compare(SqliteRecord(made.record).entries()).difference is None


def test_sites_and_alert_settings_take_effect_and_are_replayed(tmp_path: Path) -> None:
    with site(tmp_path, PLANES) as made, made.connect(PLANES) as planes:
        planes.sendall(b"".join(flight(8, time.time_ns() - 8 * SECOND)))
        wait(lambda: made.app.publisher.latest.alerts)
        made.write(PLANES, base=BASE.replace('"Station"', '"Dam"'))
        made.reload()
        wait(lambda: [a.site for a in made.app.publisher.latest.alerts] == ["Dam"])
        assert [s.name for s in made.app.publisher.latest.sites] == ["Dam"]
    told = [(type(e), e.site if isinstance(e, AlertCleared) else e.alert.site)
            for e in made.events() if isinstance(e, AlertCleared | AlertRaised)]  # fmt: skip
    assert told == [(AlertRaised, "Station"), (AlertCleared, "Station"), (AlertRaised, "Dam")] or told == [
        (AlertRaised, "Station"), (AlertRaised, "Dam"), (AlertCleared, "Station")]  # fmt: skip
    assert compare(SqliteRecord(made.record).entries()).difference is None


def test_a_picture_on_the_messages_own_times_is_reloaded_too(tmp_path: Path) -> None:
    past = 1_700_000_000 * SECOND
    base = BASE + '[run]\nmode = "replay"\nclock = "data"\n'
    made = Site(tmp_path, PLANES, base=base)
    try:
        with wait(lambda: connected(made.ports[PLANES])) as planes:
            lines = flight(60, past)
            planes.sendall(b"".join(lines[:60]))
            wait(lambda: SqliteRecord(made.record).recorded().get("planes") == 60)
            made.write(PLANES, base=base.replace('"Station"', '"Dam"'))
            made.app.reload(made.file.read_text())
            planes.sendall(b"".join(lines[60:]))
            wait(lambda: SqliteRecord(made.record).recorded().get("planes") == 120)
    finally:
        made.app.stop()
    starts = [event for event in made.events() if isinstance(event, Started)]
    assert past < starts[1].time < past + 31 * SECOND
    assert [e.number for e in made.events() if isinstance(e, TrackConfirmed)] == [1]
    assert [e.alert.site for e in made.events() if isinstance(e, AlertRaised)] == ["Station", "Dam"]
    assert compare(SqliteRecord(made.record).entries()).difference is None


def test_a_wrong_configuration_is_refused_in_words_and_the_old_one_goes_on(tmp_path: Path, caplog: Any) -> None:
    with site(tmp_path, PLANES) as made, made.connect(PLANES) as planes:
        assert ask(made.app, "api/health")["config"]["refused"] is None
        made.write(PLANES, base=BASE.replace("lead_time_s = 200", "lead_time = 200"))
        config = made.reload()
        assert "lead_time is unknown; write lead_time_s = 200" in config["refused"]
        assert config["changed"] is True
        assert ask(made.app, "api/health")["state"] == "degraded"
        assert "config_refused" in caplog.text
        planes.sendall(b"".join(flight(1, time.time_ns())))
        wait(lambda: made.row("planes")["recorded"] == 2)
        read = config["read"]
        made.write(PLANES)
        config = made.reload()
        assert config["refused"] is None
        assert config["changed"] is False
        assert config["read"] > read
        assert made.told == ["the configuration was read again and is in force"]
    assert len([e for e in made.events() if isinstance(e, Started)]) == 2


@pytest.mark.parametrize(
    ("sources", "change", "says"),
    [
        ((), ("", ""), "it has no sources, and nothing would be seen"),
        ((PLANES, '[[sources]]\nname = "old"\nformat = "modes"\nfile = "a.jsonl"\n'), ("", ""), "cannot make a live"),
        ((PLANES,), ('listen = "tcp://127.0.0.1', 'plain = true\nlisten = "tcp://0.0.0.0'), "start with --expose"),
    ],
)
def test_what_would_blind_or_expose_a_running_system_is_refused(
    tmp_path: Path, sources: tuple[str, ...], change: tuple[str, str], says: str
) -> None:
    with site(tmp_path, PLANES) as made:
        for source in sources:
            made.ports.setdefault(source, 0)
        made.write(*sources)
        made.file.write_text(made.file.read_text().replace(*change))
        assert says in made.reload()["refused"]
        assert made.row("planes")["state"] == "nothing yet"


def test_what_cannot_be_changed_while_it_runs_is_named_and_stays(tmp_path: Path) -> None:
    with site(tmp_path, PLANES) as made:
        other = BASE.replace("{record}", "{record}-2").replace("127.0.0.1:0", "127.0.0.1:1")
        made.write(PLANES, base=other + '[run]\nmode = "exercise"\ntick_ms = 50\n')
        config = made.reload()
        assert config["stays"] == ["run.mode", "record.path", "api.listen"]
        assert "a new start is needed for run.mode, record.path, api.listen" in made.told[0]
        assert made.app.settings.run.tick_ms == 50
        assert ask(made.app, "api/picture")["mode"] == "live"
        assert ask(made.app, "api/health")["state"] == "degraded"  # only because nothing came yet
        assert not Path(f"{made.record}-2").exists()
        tick, began = made.app.publisher.latest.tick, time.monotonic()
        wait(lambda: made.app.publisher.latest.tick >= tick + 20)
        assert time.monotonic() - began < 1.6
    (last,) = [e for e in made.events() if isinstance(e, Started) and e.reload]
    assert recalled(last.resolved).record.path == str(made.record)
    assert recalled(last.resolved).run.tick_ms == 50


def test_every_setting_either_takes_effect_or_is_named() -> None:
    now = parse(PLANES.format(port=1))
    for section in msgspec.structs.fields(Settings):
        before = getattr(now, section.name)
        assert section.name in AT_ONCE or hasattr(before, "__struct_fields__"), "blocks are taken over as a whole"
        for name in getattr(before, "__struct_fields__", ()):
            old = getattr(before, name)
            value = {str: "other", int: 7, float: 0.77, bool: old is False}.get(type(old), "other")
            wanted = msgspec.structs.replace(now, **{section.name: msgspec.structs.replace(before, **{name: value})})
            after, stays = renewed(now, wanted)
            key = f"{section.name}.{name}"
            taken = section.name in AT_ONCE or key in AT_ONCE
            assert stays == (() if taken else (key,))
            assert getattr(getattr(after, section.name), name) == (value if taken else getattr(before, name))


def test_a_run_over_recordings_is_not_reloaded() -> None:
    now = parse('[run]\nmode = "replay"\nclock = "data"\n[[sources]]\nname = "a"\nformat = "modes"\nfile = "a"\n')
    with pytest.raises(ConfigError, match="a run over recordings is not reloaded"):
        renewed(now, now)


def test_health_says_that_the_file_has_changed_since(tmp_path: Path) -> None:
    with site(tmp_path, PLANES) as made:
        made.app.reloading.tend()
        assert made.app.reloading.state.changed is False
        made.write(PLANES, EXTRA)
        made.app.reloading._due = 0.0
        made.app.reloading.tend()
        wait(lambda: ask(made.app, "api/health")["config"]["changed"])
        made.write(PLANES)  # as it was: nothing to take over
        made.app.reloading._due = 0.0
        made.app.reloading.tend()
        assert made.app.reloading.state.changed is False
        made.file.unlink()
        made.app.reloading._due = 0.0
        made.app.reloading.tend()
        assert made.app.reloading.state.changed is True
