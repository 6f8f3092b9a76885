"""What is shown: the right names and numbers, encoded once, files written whole."""

import json
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from service_samples import LEVEL_NOISE, NOW, SECOND, columns, picture, published, wires

from skywarden.config import OutputSettings
from skywarden.errors import ConfigError
from skywarden.model.event import AlertCleared, AlertRaised, Output, Stepped, TrackConfirmed
from skywarden.model.place import Site
from skywarden.model.track import Health, Picture
from skywarden.outputs import EVENT_ENCODERS
from skywarden.service.publish import APART, Published, Publisher
from skywarden.service.wire import Wire
from skywarden.track.motion import VERTICAL_NOISE


def until(condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def health(**changes: Any) -> dict[str, Any]:
    return json.loads(published(**changes).health_json())


def test_a_picture_lists_the_shown_tracks_with_their_claims_and_sources() -> None:
    found = json.loads(published().picture_json())
    assert (found["time"], found["mode"]) == (NOW, "live")
    assert [t["number"] for t in found["tracks"]] == [1, 2, 3]
    assert [t["status"] for t in found["tracks"]] == ["confirmed", "confirmed", "coasting"]
    assert [t["category"] for t in found["tracks"]] == ["unknown", "neutral", "pending"]
    assert [t["sources"] for t in found["tracks"]] == [["radar-1"], ["adsb"], ["radar-1"]]
    assert [t.get("callsign") for t in found["tracks"]] == [None, "RYR1AB", None]
    assert [t.get("icao24") for t in found["tracks"]] == [None, "4ca7b5", None]
    assert found["tracks"][0]["velocity"] == [-30.0, 40.0, 1.0]
    assert found["tracks"][0]["age_s"] == 0.5
    assert found["alerts"][0]["site"] == "Plant A"
    assert found["alerts"][0]["early"] < found["alerts"][0]["arrival"] < found["alerts"][0]["late"]


def test_the_covariance_is_local_and_grown_to_the_picture_s_time() -> None:
    covariance = np.array(json.loads(published().picture_json())["tracks"][0]["covariance"])
    assert covariance.shape == (6, 6)
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-3)
    # half a second of prediction: sigma^2 + t^2 sigma_v^2 + q t^3 / 3; t sigma_v^2 + q t^2 / 2; sigma_v^2 + q t
    np.testing.assert_allclose(covariance[0, 0], 100 + 0.25 + LEVEL_NOISE * 0.125 / 3, rtol=1e-5)
    np.testing.assert_allclose(covariance[0, 3], 0.5 + LEVEL_NOISE * 0.25 / 2, rtol=1e-5)
    np.testing.assert_allclose(covariance[3, 3], 1.0 + LEVEL_NOISE * 0.5, rtol=1e-6)
    np.testing.assert_allclose(covariance[2, 2], 900 + 0.25 * 9 + VERTICAL_NOISE * 0.125 / 3, rtol=1e-6)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_health_has_each_source_with_what_became_of_its_messages() -> None:
    found = health(before={"radar": 40})
    assert found["latency_ms"] == {"p50": 12.5, "p99": 80.25}
    assert found["record"] == {"state": "ok", "key": "", "fault": None, "lost": {}, "doubts": [], "room": None}
    radar, adsb = found["sources"]
    assert (radar["name"], radar["state"], radar["last_age_s"]) == ("radar", "listening", 0.5)
    assert (radar["received"], radar["decoded"], radar["recorded"]) == (140, 90, 95)
    assert radar["refused"] == {"malformed": 7, "checksum": 3}
    assert (adsb["received"], adsb["last_age_s"], adsb["refused"]) == (0, None, {})


def test_the_overall_state_names_the_worst() -> None:
    assert health()["state"] == "degraded"
    assert health(wires=wires()[:1])["state"] == "ok"
    full = {"state": "not recorded", "key": "", "fault": "disk full", "lost": {}, "doubts": [], "room": None}
    assert health(not_recorded=True, fault="disk full")["record"] == full
    assert health(not_recorded=True)["state"] == "not recorded"
    some = health(wires=wires()[:1], lost={"radar": 12})
    lost = {"state": "ok", "key": "", "fault": None, "lost": {"radar": 12}, "doubts": [], "room": None}
    assert (some["state"], some["record"]) == ("degraded", lost)


def test_a_source_that_stops_is_silent_and_one_that_never_sent_is_not() -> None:
    found = health(time=NOW + 11 * SECOND)
    assert [s["state"] for s in found["sources"]] == ["silent", "waiting: connection refused"]
    quiet = Wire("new", "listening", 0, 0, 0, 0, 0, "udp://127.0.0.1:1")
    done = Wire("tape", "finished", 5, 10, 0, NOW, 0, "tape.gz")
    states = [s["state"] for s in health(time=NOW + 11 * SECOND, wires=(quiet, done))["sources"]]
    assert states == ["nothing yet", "finished"]


@pytest.mark.parametrize(
    ("before", "last", "state", "age"),
    [
        (40, NOW - SECOND, "listening", 1.0),  # heard by the process before this one
        (40, NOW - 60 * SECOND, "silent", 60.0),
        (40, 0, "silent", None),  # it sent, and nothing could be understood
        (40, NOW + 3600 * SECOND, "silent", None),  # the clock was set back
        (0, 0, "nothing yet", None),
    ],
)
def test_after_a_restart_a_dead_source_is_not_taken_for_a_good_one(
    before: int, last: int, state: str, age: float | None
) -> None:
    wire = Wire("radar", "listening", 0, 0, 0, 0, 0, "udp://127.0.0.1:1")
    known = replace(picture(), health=(Health("radar", before, {}, last),) if before else ())
    found = health(picture=known, wires=(wire,), before={"radar": before} if before else {})
    assert [(s["state"], s["last_age_s"]) for s in found["sources"]] == [(state, age)]
    assert found["state"] == ("ok" if state == "listening" else "degraded")


@pytest.mark.parametrize(
    ("after", "silence", "state"),
    [(10.0, 11, "silent"), (60.0, 11, "listening"), (60.0, 61, "silent"), (0.0, 3600, "listening")],
)
def test_a_source_may_be_quiet_by_nature(after: float, silence: int, state: str) -> None:
    wire = Wire("radar", "listening", 5, 10, 0, NOW, 0, "udp://127.0.0.1:1", silent_after=after)
    assert health(time=NOW + silence * SECOND, wires=(wire,))["sources"][0]["state"] == state
    never = Wire("phone", "listening", 0, 0, 0, 0, 0, "udp://127.0.0.1:1", silent_after=after)
    wanted = "listening" if after == 0.0 else "nothing yet"
    assert health(time=NOW + silence * SECOND, wires=(never,))["sources"][0]["state"] == wanted


def test_an_empty_picture_and_unknown_latency_are_valid_json() -> None:
    empty = Published(picture=Picture(NOW), states=columns(0))
    assert json.loads(empty.picture_json())["tracks"] == []
    assert json.loads(empty.health_json())["latency_ms"] == {"p50": None, "p99": None}
    assert json.loads(empty.geojson())["features"] == []


def test_json_is_encoded_once() -> None:
    shown = published()
    assert shown.picture_json() is shown.picture_json()
    assert shown.health_json() is shown.health_json()
    publisher = Publisher()
    publisher.publish(shown, [])
    first, second = publisher.message(), publisher.message()
    assert first is not None
    assert first is second


def test_a_stream_message_has_events_and_counters_but_no_covariance() -> None:
    shown = published()
    happened = [TrackConfirmed(NOW, 3, 9), AlertRaised(picture().alerts[0]), Stepped(NOW, "0" * 16), columns(3)]
    found = json.loads(shown.tick_json(happened))
    assert found["type"] == "tick"
    assert found["recorded"] == {"radar": 95}
    assert [e["type"] for e in found["events"]] == ["TrackConfirmed", "AlertRaised"]
    assert found["events"][1]["alert"]["site"] == "Plant A"
    assert all("covariance" not in t for t in found["tracks"])


def test_two_thousand_tracks_are_encoded_in_a_fraction_of_a_tick() -> None:
    shown = [published(2000) for _ in range(3)]
    spent = []
    for one in shown:
        began = time.thread_time()  # of this thread alone: other work on the machine says nothing
        one.tick_json([])
        spent.append(time.thread_time() - began)
    assert min(spent) < 0.1


def test_health_says_stalled_when_the_engine_stops_publishing() -> None:
    now = [100.0]
    publisher = Publisher(steady=lambda: now[0])
    assert json.loads(publisher.health_json())["state"] == "stalled"
    publisher.publish(published(wires=()), [])
    assert json.loads(publisher.health_json())["state"] == "ok"
    now[0] += 3.0
    assert json.loads(publisher.health_json())["state"] == "stalled"


def test_watchers_are_woken_until_they_leave() -> None:
    publisher, woken = Publisher(), []
    leave = publisher.watch(lambda: woken.append(1))
    publisher.publish(published(), [])
    leave()
    publisher.publish(published(), [])
    assert woken == [1]


def test_a_stream_has_a_message_at_most_each_80_ms_with_all_that_happened_since() -> None:
    now = [0.0]
    publisher, woken = Publisher(steady=lambda: now[0]), []
    leave = publisher.watch(lambda: woken.append(now[0]))

    def told(at: float, tick: int | None) -> tuple[int, list[int]]:
        now[0] = at
        if tick is not None:
            publisher.publish(published(tick=tick), [TrackConfirmed(NOW, tick, 9)])
        message = publisher.message()
        assert message is not None
        assert json.loads(message[1])["tick"] == message[0]
        return message[0], [event["number"] for event in json.loads(message[1])["events"]]

    assert publisher.due() <= 0
    assert told(1.00, 1) == (1, [1])
    assert publisher.due() == pytest.approx(APART)
    assert told(1.03, 2) == told(1.06, 3) == (1, [1])
    assert woken == [1.00, 1.03]  # once, until there is another message
    assert told(1.09, None) == (3, [2, 3])
    assert told(1.18, None) == (3, [2, 3])
    assert told(1.19, 4) == (4, [4])
    assert woken == [1.00, 1.03, 1.19]
    leave()
    told(1.30, 5)
    publisher.publish(published(tick=6), [TrackConfirmed(NOW, 6, 9)])  # nobody looks
    assert told(1.50, 7) == (7, [7])


def test_events_go_to_a_file_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    publisher = Publisher(OutputSettings(jsonl=str(path)))
    publisher.publish(published(), [TrackConfirmed(NOW, 1, 1), Stepped(NOW, "0")])
    publisher.publish(published(), [AlertCleared(NOW, "Plant A", 1, "passed")])
    publisher.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["event"], line["track"]) for line in lines] == [("track confirmed", 1), ("alert cleared", 1)]


def test_what_comes_while_the_last_events_are_written_is_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    publisher = Publisher(OutputSettings(jsonl=str(path)))
    closing = threading.Thread(target=publisher.close)
    encode = EVENT_ENCODERS["jsonl"]

    def slow(event: Output) -> bytes:
        if closing.ident is None:  # while the first is being written another comes, and the end
            publisher.publish(published(), [TrackConfirmed(NOW, 2, 2)])
            closing.start()
            time.sleep(0.1)
        return encode(event)

    monkeypatch.setitem(cast(dict[str, object], EVENT_ENCODERS), "jsonl", slow)
    publisher.publish(published(), [TrackConfirmed(NOW, 1, 1)])
    deadline = time.monotonic() + 10
    while closing.ident is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    closing.join()
    assert len(path.read_text().splitlines()) == 2


def test_a_reader_that_does_not_read_delays_nobody(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    publisher = Publisher(OutputSettings(jsonl=str(path)))
    began = time.monotonic()
    for _ in range(100):
        publisher.publish(published(), [TrackConfirmed(NOW, 1, 1)] * 500)
    assert time.monotonic() - began < 1.0
    os.set_blocking(reader, True)
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 1 << 20), b"")])
    drain.start()
    publisher.close()
    drain.join(5)
    assert not drain.is_alive()
    os.close(reader)


def test_geojson_is_replaced_whole_and_an_output_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.geojson"
    publisher = Publisher(OutputSettings(geojson=str(path)))
    publisher.publish(published(), [])
    until(path.exists)
    found = json.loads(path.read_text())
    assert found["type"] == "FeatureCollection"
    kinds = [f["properties"]["kind"] for f in found["features"]]
    assert kinds == ["site"] * 3 + ["track"] * 3
    assert found["features"][3]["geometry"]["coordinates"] == [-31.0, 36.0, 300.0]
    publisher.publish(published(1, sites=(Site(name="x", latitude=1.0, longitude=2.0),)), [])
    publisher.close()
    assert len(json.loads(path.read_text())["features"]) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["picture.geojson"]
    with pytest.raises(ConfigError, match="cannot write"):
        Publisher(OutputSettings(jsonl=str(tmp_path / "no" / "dir")))


def test_standard_output_is_a_possible_target(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    publisher = Publisher(OutputSettings(jsonl="-"))
    publisher.publish(published(), [TrackConfirmed(NOW, 1, 1)])
    publisher.close()
    assert not sys.stdout.buffer.closed
    assert json.loads(capfdbinary.readouterr().out)["event"] == "track confirmed"
