"""The benches on a small sample each: that they run, and that what they judge holds there too."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
START = 1_790_000_000_000_000_000  # ns
sys.path.insert(0, str(BENCH))

import dense_sbs  # noqa: E402 - the benches are scripts, not a package
import flood  # noqa: E402
import garbage  # noqa: E402
import harness  # noqa: E402
import kills  # noqa: E402
import load  # noqa: E402
import long_record  # noqa: E402
import microphone_field  # noqa: E402
import microphone_speed  # noqa: E402
import mode_s_flight  # noqa: E402
import raid  # noqa: E402
import sapient_speed  # noqa: E402
import stalls  # noqa: E402
import track_speed  # noqa: E402

from skywarden.config import parse  # noqa: E402
from skywarden.model.detection import Frame  # noqa: E402
from skywarden.model.event import Entry, Refused, encode  # noqa: E402
from skywarden.model.place import Source  # noqa: E402
from skywarden.model.track import Mode  # noqa: E402
from skywarden.record import SqliteLog  # noqa: E402
from skywarden.sensors.microphone import Microphone  # noqa: E402
from skywarden.service.engine import Engine  # noqa: E402
from skywarden.sim.scenario import crowd  # noqa: E402


def recording(name: str) -> Path:
    if not (harness.DATA / name).exists():
        pytest.skip(f"../shared/data/{name} is not here")
    return harness.DATA / name


@pytest.mark.parametrize("radars, nodes", [(4, 0), (0, 3)])
def test_a_crowd_is_received_decoded_recorded_and_tracked(radars: int, nodes: int) -> None:
    found = load.bench(targets=60, radars=radars, nodes=nodes, seconds=4.0)
    assert found["complete"]
    assert found["sent"] == found["received"] == found["decoded"] == found["recorded"] > 500
    assert found["refused"] == {}
    assert found["confirmed"] >= 55
    assert found["stream_messages"] > 10


def test_single_microphones_hear_the_crowd_beside_the_radars() -> None:
    found = load.bench(targets=20, radars=3, nodes=0, seconds=12.0, late=0.05, microphones=400, side_km=60.0)
    assert found["refused"] == {}
    assert found["complete"]
    assert found["calls"] == found["calls_decoded"] > 800
    assert found["microphones"] == found["microphones_known"] > 380
    assert found["sender_ready_s"] > 0.5


def test_a_node_reports_each_second_that_it_hears_and_numbers_what_it_says() -> None:
    scenario = crowd(3, targets=4, radars=0, seconds=30.0, half_m=20e3)
    size = {"count": 150, "half": 20e3, "seconds": 30.0, "start": START, "seed": 3}
    sent = microphone_field.microphone_messages(scenario.fliers.routes, **size, late=0.1)
    ears = Microphone(Source(name="ears", format="microphone"), (), Mode.SIM)
    rows = [row for message in sent for row in ears.rows(Frame.of("ears", message.time, message.data))]
    reports = [row for row in rows if row["type"] == "report"]
    alive = {row["node"] for row in rows if row["type"] == "heartbeat"}
    assert 135 < len(alive) <= 150  # one of fifty is lost
    assert 300 < len(reports) < 150 * 31
    numbers = Counter((row["node"], row["number"]) for row in rows)
    assert max(numbers.values()) == 1
    late = np.array([message.time - row["time"] for message, row in zip(sent, rows, strict=True)]) > 1e9
    assert 0.05 < late.mean() < 0.15


def test_reports_are_read_quicker_by_the_scanner_with_equal_results() -> None:
    found = sapient_speed.bench(targets=100, nodes=3, seconds=4.0)
    assert found["equal"]
    assert found["messages"] > 500
    assert 2 * found["scanned_us"] < found["protobuf_us"]


def test_reports_of_microphones_are_read_in_arrays() -> None:
    found = microphone_speed.bench(nodes=500, seconds=3)
    assert found["messages"] == 1500
    assert found["detections"] == 2250
    assert found["decoded_per_s"] > 20_000


def test_nothing_acknowledged_is_lost_in_a_kill(tmp_path: Path) -> None:
    found = kills.bench(kills=1, aircraft=20, rate=200.0, directory=tmp_path)
    assert found["acknowledged"] > 20
    assert found["acknowledged_lost"] == found["gaps"] == 0
    assert found["addresses"] == 20
    assert found["renumbered"] == 0
    assert found["replay_equal"]
    assert found["verified"]


def test_kills_in_a_record_that_was_long_before_cost_nothing(tmp_path: Path) -> None:
    found = kills.bench(kills=1, aircraft=20, rate=200.0, directory=tmp_path, hours=0.02, pairs=0)
    assert found["entries_before"] > 200
    assert found["acknowledged"] > 20
    assert found["acknowledged_lost"] == found["gaps"] == 0
    assert found["renumbered"] == 0
    assert found["replay_equal"]
    assert found["verified"]


def test_a_replay_that_differs_from_the_long_record_on_would_be_noticed(tmp_path: Path) -> None:
    text, _, _ = kills.setting(0.01)
    seq, state = long_record.make(tmp_path / "record", text, 0.01, raid.START)
    log = SqliteLog(tmp_path / "record")
    engine = Engine(parse(text), text, log, long_record.Clock(raid.START), lambda outcome: None)
    engine.turn([])
    engine.close()
    assert kills.equal_from(tmp_path / "record", seq, state)
    log.append([Entry(log.last() + 1, 0, seq + 2, encode(Refused("adsb", "malformed", 1)))])
    log.close()
    assert not kills.equal_from(tmp_path / "record", seq, state)


def test_warnings_go_on_while_the_disk_stalls_and_all_is_recorded_after(tmp_path: Path) -> None:
    found = stalls.bench([1.5], pause=5.0, each_second=3.0, directory=tmp_path, first=12.0)
    still, stalled = found["stalls"]["0"], found["stalls"]["1.5"]
    assert stalled["states"]["not recorded"] > 5  # and the picture goes on, or nobody would have said so
    assert stalled["picture_ms"]["count"] > 50
    assert stalled["picture_ms"]["p50"] < still["picture_ms"]["p99"] + stalls.GOAL_MS
    assert found["raised"] > 20
    assert found["complete"]
    assert found["recorded"] == found["sent"] > 500
    assert found["same_in_order"]
    assert found["no_gap"]
    assert found["replay_equal"]
    assert found["verified"]
    assert (found["state_after"], found["lost"]) == ("ok", {})


def test_every_part_of_a_tick_that_is_timed_is_there() -> None:
    assert [name for name in track_speed.PARTS if not callable(getattr(track_speed.step, name, None))] == []


def test_a_lost_message_would_be_noticed() -> None:
    assert kills.lost([5, 9], [[0, 1, 2, 3, 4], [10, 11, 12, 13], []]) == 0
    assert kills.lost([5, 10], [[0, 1, 2, 3, 4], [10, 11, 12, 13], []]) == 1
    assert kills.gaps([[0, 1, 2], [7, 8, 10]]) == 1


@pytest.mark.parametrize("form", ["asterix", "modes"])
def test_garbage_is_counted_and_harms_nobody(form: str) -> None:
    found = garbage.phase(form, rate=2000.0, seconds=2.0, radars=2, targets=10)
    assert found["complete"]
    assert found["good_refused"] == 0
    assert sum(found["garbage_refused"].values()) >= 0.95 * found["garbage_sent"] > 1000


def test_a_flood_takes_its_quota_and_nothing_of_the_others() -> None:
    found = flood.phase(True, flood.arguments("--seconds", "4", "--targets", "20", "--radars", "2", "--nodes", "2"))
    assert found["lost"] == 0
    assert found["good"] > 150
    assert found["good_refused"] == {}
    assert found["delayed"] > 1000  # of the node that floods
    assert found["refused"]["radar01: too fast"] > 10_000  # of the host that does
    assert found["flood_taken"]["nodes"] < found["flood_sent"]["valid"]


def test_a_real_flight_is_followed_between_the_positions_that_were_sent() -> None:
    path = recording("modes/full_flight_short.jsonl.gz")
    found = mode_s_flight.bench(path, speed=20.0, seconds=60.0, begin=1500.0)
    assert found["tracks_confirmed"] == 1
    assert found["truths"] > 30
    assert found["coverage"] > 0.8
    assert found["median_m"] <= mode_s_flight.MEDIAN_M
    assert found["percent_95_m"] <= mode_s_flight.PERCENT_95_M


def test_a_dense_sky_keeps_every_number_with_its_aircraft() -> None:
    path = recording("tracks/aircraft/dev/dense_213ac_first90min.csv.gz")
    found = dense_sbs.bench(path, minutes=1.0, speed=20.0)
    assert found["missed"] == []
    assert found["swapped"] == found["far"] == 0
    assert found["recorded"] == found["lines"] > 500
    assert found["verified"] == {"0": True, "4242": True}
