"""The benches on a small sample each: that they run, and that what they judge holds there too."""

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))

import dense_sbs  # noqa: E402 - the benches are scripts, not a package
import garbage  # noqa: E402
import harness  # noqa: E402
import kills  # noqa: E402
import load  # noqa: E402
import mode_s_flight  # noqa: E402
import sapient_speed  # noqa: E402


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


def test_reports_are_read_quicker_by_the_scanner_with_equal_results() -> None:
    found = sapient_speed.bench(targets=100, nodes=3, seconds=4.0)
    assert found["equal"]
    assert found["messages"] > 500
    assert 2 * found["scanned_us"] < found["protobuf_us"]


def test_nothing_acknowledged_is_lost_in_a_kill(tmp_path: Path) -> None:
    found = kills.bench(kills=1, aircraft=20, rate=200.0, directory=tmp_path)
    assert found["acknowledged"] > 20
    assert found["acknowledged_lost"] == found["gaps"] == 0
    assert found["addresses"] == 20
    assert found["renumbered"] == 0
    assert found["replay_equal"]


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
