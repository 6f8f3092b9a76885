"""Flights and claps that explain when nodes began to hear: against slow twins, and one node's likelihood ratio."""

import numpy as np
import pytest
from line_reference import clapped, compared, density, flown, summed
from scipy.integrate import quad

from skywarden.model.place import F64
from skywarden.track.audible import Hearing
from skywarden.track.claps import FEW as CLAPS_FEW
from skywarden.track.claps import LOUDEST, ask_clap, compare_claps, places
from skywarden.track.flights import FASTEST, SLOWEST, flights
from skywarden.track.lines import FEW, Onsets, ask, flight_rows, onset_rows, weigh, weighed

HEARING = Hearing()
FLOW = 1.0 / (3600.0 * 500e3)
RATE = 0.2 / 3600.0


def square(rng: np.random.Generator, count: int = 12, heard: int = 5) -> Onsets:
    """Return nodes within some km of the first, of which so many began to hear within two minutes."""
    place = np.hstack([rng.uniform(-9e3, 9e3, (count, 2)), rng.uniform(-20, 20, (count, 1))])
    place[0] = 0.0
    begun = np.full(count, -np.inf)
    begun[:heard] = rng.uniform(-120.0, -1.0, heard)
    free = np.where(rng.random(count) < 0.5, -np.inf, rng.uniform(-400.0, -130.0, count))
    quiet = rng.uniform(-60.0, -3.0, count)
    rate, lasts = rng.uniform(0.5, 30.0, count) * RATE, rng.uniform(30.0, 200.0, count)
    rate[heard - 1] = np.inf
    reach = rng.uniform(3000.0, 5000.0, count)
    return Onsets(place, reach, begun, free, quiet, rate, rng.integers(0, 2, count), lasts)


@pytest.mark.parametrize("seed", range(4))
def test_flights_are_weighed_as_by_the_slow_twin(seed: int) -> None:
    """To 1e-9 with the same flights left out, and nearly so with all of them."""
    onsets, table = square(np.random.default_rng(seed)), flights(60, HEARING.spread)
    nodes, lines = onset_rows(onsets, HEARING), flight_rows(table)
    weight, share, state = np.empty(60), np.zeros(12), np.empty((60, 6))
    best = weigh(nodes, lines, HEARING, weight[:20], state[:20], 0, 0.0)
    best = weigh(nodes, lines, HEARING, weight, state, 20, best)
    ratio, shares = compared(onsets, table, HEARING)
    there = np.isfinite(weight)
    assert there.sum() > 5
    assert best == max(weight.max(), 0.0)
    assert weight[there] == pytest.approx(np.log(ratio[there]), rel=1e-9, abs=1e-9)
    assert np.all(ratio[~there] < 1.001 * FEW * max(ratio.max(), 1.0))
    total = weighed(nodes, lines, HEARING, weight, best, share)
    mean, each, by = summed(np.where(there, ratio, 0.0), shares, FEW)
    assert total == pytest.approx(mean, rel=1e-9)
    assert weight == pytest.approx(each, rel=1e-9)
    assert share == pytest.approx(by, rel=1e-9, abs=1e-12)
    mean, each, by = summed(ratio, shares)
    assert total == pytest.approx(mean, rel=1e-4)
    assert weight == pytest.approx(each, rel=1e-4, abs=FEW)
    assert share == pytest.approx(by, rel=1e-4, abs=1e-4)
    for s in range(60):
        line = flown(onsets, table, s, HEARING)
        line[:3] -= line[3:] * onsets.begun[0]
        assert state[s] == pytest.approx(line, rel=1e-9, abs=1e-6)


def test_what_gives_no_hope_is_not_tried_with_all_flights() -> None:
    onsets, table = heard_by(10.0, ROW[:3]), flights(8192, HEARING.spread)
    odds = ask(onsets, table, HEARING, FLOW).odds
    whole = ask(onsets, table, HEARING, FLOW, 1e-3 * odds)
    assert (whole.odds, whole.tried) == (odds, 8192)
    few = ask(onsets, table, HEARING, FLOW, 1e3 * odds)
    assert few.tried == 1024
    assert few.odds == ask(onsets, flights(1024, HEARING.spread), HEARING, FLOW).odds


@pytest.mark.parametrize("seed", range(4))
def test_claps_are_weighed_as_by_the_slow_twin(seed: int) -> None:
    """To 1e-9 with the same places left out, and nearly so with all of them."""
    rng = np.random.default_rng(seed)
    onsets, table = square(rng), places(50)
    onsets.begun[:5] = onsets.begun[0] + rng.uniform(0.0, 8.0, 5)
    ratio, shares = clapped(onsets, table, HEARING.sound)
    weight, share = np.empty(50), np.zeros(12)
    found = compare_claps(onset_rows(onsets, HEARING), table, HEARING.sound, weight, share)
    assert (weight > 0.0).sum() > 5
    mean, each, by = summed(np.where(weight > 0.0, ratio, 0.0), shares, CLAPS_FEW)
    assert found == pytest.approx(mean, rel=1e-9)
    assert weight == pytest.approx(each, rel=1e-9)
    assert share == pytest.approx(by, rel=1e-9, abs=1e-12)
    mean, _, by = summed(ratio, shares)
    found, share = ask_clap(onsets, table, HEARING)
    assert found == pytest.approx(mean, rel=1e-6, abs=1e-6)
    assert share == pytest.approx(by, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("speed", [50.0, 140.0, 230.0])
def test_when_a_node_begins_adds_up_to_whether_it_hears(speed: float) -> None:
    """The density of beginnings, added up, is the chance at the closest approach."""
    line, place = np.array([-15e3, 1000.0, 300.0, speed, 0.0, 0.0]), np.zeros(3)
    closest = 15e3 / speed + np.hypot(1000.0, 300.0) / 340.0
    total, _ = quad(lambda t: density(place, line, t, 4000.0, HEARING), 0.0, closest, limit=400)
    z = np.log(np.hypot(1000.0, 300.0) / 4000.0) / HEARING.spread
    assert z < -5
    assert total == pytest.approx(HEARING.detection, rel=0.003)


def test_flights_fill_what_is_expected_evenly() -> None:
    table = flights(4096, 0.21)
    assert abs(table.sine.mean()) < 0.01
    assert abs(table.cosine.mean()) < 0.01
    assert abs(table.side.mean()) < 0.01
    assert np.log(table.reach).std() == pytest.approx(0.21, rel=0.02)
    assert table.speed.min() >= SLOWEST
    assert table.speed.max() <= FASTEST
    assert np.mean(table.speed > 100.0) == pytest.approx(0.4 * np.log(2.5) / np.log(250 / 30), abs=0.01)
    assert len(np.unique(np.stack(table, -1), axis=0)) == 4096


def heard_by(speed: float, nodes: F64, north: float = 600.0) -> Onsets:
    """Return when nodes (k, 2) began to hear a flight eastwards, each at 4 km; the latest is the first row, now."""
    begun = []
    for x, y in nodes:
        half = np.sqrt(4000.0**2 - (north - y) ** 2 - 300.0**2)
        begun.append((x - half + 20e3) / speed + 4000.0 / 340.0)
    order = np.argsort(begun)[::-1]
    begun = np.array(begun)[order] - max(begun)
    k = len(nodes)
    place = np.column_stack([nodes[order] - nodes[order[0]], np.zeros(k)])
    quiet, free = np.full(k, -3.0), np.full(k, -np.inf)
    return Onsets(place, np.full(k, 4e3), begun, free, quiet, np.full(k, RATE), np.ones(k, np.int64), np.full(k, 60.0))


ROW = np.array([[0.0, 0.0], [1500.0, 3500.0], [4000.0, 0.0], [5000.0, -2500.0], [8000.0, 500.0]])


@pytest.mark.parametrize("speed", [50.0, 140.0, 230.0])
def test_a_flight_is_found_where_it_is(speed: float) -> None:
    onsets, table = heard_by(speed, ROW), flights(16384, HEARING.spread)
    found = ask(onsets, table, HEARING, FLOW)
    assert found.odds > 100.0
    assert found.share.min() > 0.7
    assert found.mean[3] == pytest.approx(speed, rel=0.3)
    assert abs(found.mean[4]) < 0.3 * speed
    spread = np.sqrt(np.diag(found.covariance))
    truth = truth_of(speed)
    assert np.all(np.abs(found.mean[:2] - truth) < 3.0 * spread[:2])
    assert np.all(np.linalg.eigvalsh(found.covariance) > 0.0)


def truth_of(speed: float) -> F64:
    """Return (2,) where the flight of `heard_by` is now, from the node that began latest."""
    half = np.sqrt(4000.0**2 - (600.0 - ROW[:, 1]) ** 2 - 300.0**2)
    begun = (ROW[:, 0] - half + 20e3) / speed + 4000.0 / 340.0
    latest = int(np.argmax(begun))
    return np.array([-20e3 + speed * begun[latest], 600.0]) - ROW[latest]


def test_what_goes_ten_metres_a_second_is_no_flight() -> None:
    found = ask(heard_by(10.0, ROW[:3]), flights(8192, HEARING.spread), HEARING, FLOW)
    assert (found.share > 0.5).sum() < 3


def test_silent_nodes_in_the_way_count_against_it_and_absent_ones_do_not() -> None:
    onsets, table = heard_by(50.0, ROW), flights(8192, HEARING.spread)
    odds = ask(onsets, table, HEARING, FLOW).odds
    begun = onsets.begun.copy()
    begun[2:4] = -np.inf
    silent = onsets._replace(begun=begun)
    absent = silent._replace(free=np.where(np.isinf(begun), 0.0, -np.inf))
    assert ask(silent, table, HEARING, FLOW).odds < 0.01 * odds
    assert ask(absent, table, HEARING, FLOW).odds > 10.0 * ask(silent, table, HEARING, FLOW).odds


def test_what_ended_long_before_a_flight_would_counts_against_it() -> None:
    onsets, table = heard_by(50.0, ROW), flights(8192, HEARING.spread)
    odds = ask(onsets, table, HEARING, FLOW).odds
    ended = onsets._replace(still=np.array([1, 0, 0, 1, 1]))
    assert ask(ended, table, HEARING, FLOW).odds < 0.5 * odds


def test_a_table_four_times_as_fine_says_the_same() -> None:
    onsets = heard_by(50.0, ROW[:3])
    coarse, fine = (ask(onsets, flights(n, HEARING.spread), HEARING, FLOW) for n in (8192, 32768))
    assert coarse.odds == pytest.approx(fine.odds, rel=0.15)
    assert coarse.mean[:2] == pytest.approx(fine.mean[:2], abs=300.0)


def test_so_many_that_agree_that_numbers_overflow_are_still_sure() -> None:
    rng = np.random.default_rng(1)
    nodes = np.column_stack([rng.uniform(0.0, 9e3, 96), rng.uniform(-2e3, 3e3, 96)])
    onsets = heard_by(50.0, nodes)._replace(rate=np.full(96, 1e-9))
    found = ask(onsets, flights(2048, HEARING.spread), HEARING, FLOW)
    assert np.isfinite(found.odds)
    assert found.odds > 1e100
    assert np.linalg.eigvalsh(found.covariance).min() > 1.0


def test_numbers_that_are_none_find_nothing() -> None:
    onsets, table = heard_by(50.0, ROW), flights(256, HEARING.spread)
    for name in ("rate", "reach", "begun"):
        spoiled = ask(onsets._replace(**{name: np.full(5, np.nan)}), table, HEARING, FLOW)
        assert not spoiled.odds > 0.0


def test_claps_are_tried_evenly_all_around() -> None:
    table = places()
    away = np.hypot(*table.T)
    farthest = 1.2 * LOUDEST
    sides = np.histogram(np.arctan2(*table.T), 8, (-np.pi, np.pi))[0]
    assert sides == pytest.approx(np.full(8, len(table) / 8), rel=0.05)
    assert np.abs(table.mean(0)).max() < 0.02 * farthest
    for part in (0.25, 0.5, 0.75, 1.0):
        assert (away < np.sqrt(part) * farthest).mean() == pytest.approx(part, abs=0.01)


def test_few_flights_are_the_first_of_many():
    few, many = (
        flights(100, 0.2),
        flights(5000, 0.2),
    )  # those of up to 4,096 are kept
    for name in few._fields:
        np.testing.assert_allclose(getattr(few, name), getattr(many, name)[:100], rtol=1e-12)
