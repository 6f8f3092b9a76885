"""Minutes of alarm, floods, baselines, spans of time and the bootstrap."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_raid
from small_raid import NS, START, Flight

from skywarden.score.alarms import (
    PUBLISHED_MINUTES,
    Alarms,
    alerts_judged,
    compared,
    flood,
    judged,
    needed,
)
from skywarden.score.attacks import attacks
from skywarden.score.baselines import CELL_HOLD, RADII, Flown, Training, discs, districts, enters, flown, tuned
from skywarden.score.bootstrap import blocks, interval
from skywarden.score.nearby import near
from skywarden.score.notices import Alerts
from skywarden.score.spans import common, merged, seconds, since, within
from skywarden.score.verdict import verdict

STATISTICS = Path(__file__).parents[2] / "shared" / "data" / "raids" / "raid_statistics_derived.json"


def marked(spans: np.ndarray) -> np.ndarray:
    """Return a slow twin of spans: one bool for each of 100 s."""
    found = np.zeros(100, bool)
    for start, end in spans:
        found[start // NS : end // NS] = True
    return found


@pytest.mark.parametrize("seed", range(20))
def test_spans_are_what_a_second_by_second_count_says(seed: int) -> None:
    generator = np.random.default_rng(seed)
    one, other = (np.sort(generator.integers(0, 100, (6, 2)), axis=1) * NS for _ in range(2))
    a, b = merged(one), merged(other)
    assert (marked(a) == marked(one)).all()
    assert seconds(a) == marked(one).sum()
    assert (a[1:, 0] > a[:-1, 1]).all()
    assert (marked(common(a, b)) == (marked(one) & marked(other))).all()
    assert seconds(within(a, 20 * NS, 60 * NS)) == marked(one)[20:60].sum()
    for moment in range(1, 100):
        held = since(a, np.array([moment * NS]))[0]
        back = 0
        while moment - back > 0 and marked(one)[moment - back - 1]:
            back += 1
        assert (np.isnan(held) and back == 0) or held == back


def small(flights: list[Flight]) -> tuple:
    given = small_raid.case(small_raid.files(flights))
    return given, attacks(given, near(given, 500.0))


def test_minutes_without_an_attack_within_fifteen_are_not_needed() -> None:
    given, came = small([Flight("a", 0, 0.5, 60_000, 50)])  # arrives after 1,140 s
    raised = np.array([[0, START, START + 100 * NS], [0, START + 200 * NS, START + 1150 * NS]])
    given = replace(given, alerts=Alerts(raised[:, 0], np.zeros(2, int), raised[:, 1], raised[:, 2], ("T1",)))
    found = alerts_judged(given, came)
    assert found.minutes[0] == pytest.approx((100 + 950) / 60)
    assert found.unneeded[0] == pytest.approx((100 + 40 + 10) / 60, abs=0.01)  # needed: from 240 s to 1,140 s
    assert found.durations.tolist() == pytest.approx([100 / 60, 950 / 60])
    assert seconds(needed(came.arrival)) == pytest.approx(900)


def test_an_alarm_cut_off_by_the_end_has_no_duration() -> None:
    given, came = small([Flight("a", 0, 0.5, 60_000, 50)])
    end = given.span()[1]
    found = judged(given, "x", [np.array([[START, end + NS]]), np.empty((0, 2), int)], came)
    assert (found.cut, len(found.durations)) == (1, 0)


@pytest.mark.parametrize(("count", "part"), [(10, 0.0), (11, (599.5 - 10 * 20 + 6 * 20) / 1200)])
def test_a_flood_is_more_than_ten_alerts_in_ten_minutes(count: int, part: float) -> None:
    given, _ = small([Flight("a", 0, 0.5, 60_000, 50)])
    raised = START + np.arange(count) * 20 * NS
    given = replace(given, alerts=Alerts(np.zeros(count, int), np.arange(count), raised, raised + 1, ("T",) * count))
    found = flood(given)
    assert found.most == count
    assert found.part == pytest.approx(part, abs=0.02)  # from the eleventh until the seventh is ten minutes old


@pytest.mark.parametrize("seed", range(5))
def test_a_line_enters_a_box_where_points_on_it_do(seed: int) -> None:
    generator = np.random.default_rng(seed)
    begin, way = generator.uniform(-3, 3, (400, 2)), generator.uniform(-4, 4, (400, 2))
    way[:50, 0] = 0.0
    low, high = np.array([-1.0, -0.5]), np.array([0.5, 1.0])
    on = begin[:, None] + np.linspace(0, 1, 4001)[None, :, None] * way[:, None]
    inside = ((on >= low) & (on <= high)).all(-1).any(1)
    wrong = enters(begin, way, low, high) != inside
    assert wrong.sum() <= 2  # corners cut by less than the spacing of the points
    assert inside.sum() > 30


def one_track(at: list[float], speed: float, missile: bool = False) -> Flown:
    time = START + np.arange(0, 600, 5) * NS
    places = np.array([at]) + np.arange(0, 600, 5)[:, None] * np.array([[speed, 0.0]])
    return Flown(time, places, np.tile([speed, 0.0], (120, 1)), np.full(120, missile), np.array([[100.0, 100.0]]))


def test_a_districts_alarm_ends_25_minutes_after_the_last_track_heading_in() -> None:
    side = 4_400e6**0.5
    leaves = one_track([side - 10_000, 30_000], 50.0)  # inside for 200 s, then away
    spans = districts(leaves)[0]
    assert spans.tolist() == [[START, START + 200 * NS + CELL_HOLD]]
    heads_in = one_track([-40_000, 30_000], 50.0)  # 40 km away at 50 m/s: heading in within 600 s after 200 s
    assert districts(heads_in)[0][0, 0] == START + 200 * NS
    assert len(districts(one_track([-90_000, 30_000], 50.0))[0]) == 0


def test_missiles_alarm_larger_cells() -> None:
    far = [140_000.0, 30_000.0]  # outside the district's 66 km, inside the region's 155 km
    assert len(districts(one_track(far, 50.0))[0]) == 0
    assert len(districts(one_track(far, 50.0, missile=True))[0]) == 1


def test_a_disc_alarms_while_a_track_is_within_its_radius() -> None:
    track = one_track([-20_000, 100], 50.0)  # within 5 km of (100, 100) from 302 s on
    spans = discs(track, 5000.0)[0]
    assert spans[0, 0] == START + 305 * NS


def test_the_tuned_disc_is_the_smallest_that_misses_no_more() -> None:
    given, came = small(small_raid.raid(4, 20))
    training = Training(flown(given), came.site, came.arrival, came.need)
    for missed in (0.0, 0.2, 0.5):
        radius = tuned([training], missed)
        late = {r: training.late(r) / len(came.site) for r in RADII}
        fits = [r for r in RADII if late[r] <= missed + 1e-9]
        assert radius == (min(fits) if fits else min(RADII, key=lambda r: (late[r], r)))


def test_each_raids_disc_is_tuned_on_the_others() -> None:
    cases = [small_raid.case(small_raid.files(small_raid.raid(seed, 12), seed)) for seed in (1, 2)]
    found = verdict(cases)
    trained = [Training(flown(one.case), one.attacks.site, one.attacks.arrival, one.attacks.need) for one in found]
    missed = float(np.mean(np.concatenate([one.alerts.late for one in found])))
    assert [one.baselines[-1].radius for one in found] == [tuned([trained[1]], missed), tuned([trained[0]], missed)]


def alarms(lead: float, late: list[int], minutes: float) -> Alarms:
    lone = np.array([minutes])
    return Alarms("x", lone, lone, np.full(len(late), lead), np.array(late), np.empty(0), 0)


def test_less_alarm_is_only_fair_with_no_more_missed_and_no_shorter_lead() -> None:
    ours = alarms(400, [0, 0, 1], 30)
    assert compared(ours, alarms(400, [0, 0, 1], 60)) == ("x", True, 0.5)
    assert not compared(ours, alarms(400, [0, 0, 0], 60)).fair
    assert not compared(ours, alarms(500, [0, 0, 1], 60)).fair
    assert compared(alarms(1000, [0], 1), alarms(9000, [0], 60)).fair  # longer than 15 min is no better


@pytest.mark.skipif(not STATISTICS.exists(), reason="the raid statistics are not beside this checkout")
def test_the_published_durations_are_those_of_the_statistics() -> None:
    published = json.loads(STATISTICS.read_text())["alert_duration_minutes_volunteer"]
    assert {name: published[name] for name in PUBLISHED_MINUTES} == PUBLISHED_MINUTES


def test_the_bootstrap_draws_raids_else_waves_else_attacks() -> None:
    assert blocks(["a", "a", "b"], ["1", "2", "1"])[1] == "raids"
    assert blocks(["a", "a", "a"], ["1", "2", "1"])[1] == "waves"
    number, unit = blocks(["a", "a", "a"], ["1", "1", "1"])
    assert (unit, number.tolist()) == ("attacks", [0, 1, 2])


def test_the_bootstrap_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(7)
    held, single, runs = 0, 0, 150
    for _ in range(runs):
        values = np.repeat(generator.normal(0.0, 1.0, 30), 8) + generator.normal(0.0, 0.3, 240)
        whole = interval(values, np.repeat(np.arange(30), 8), "raids", generator)
        alone = interval(values, np.arange(240), "attacks", generator)
        held += whole.low <= 0 <= whole.high
        single += alone.low <= 0 <= alone.high
    assert 0.87 <= held / runs <= 0.99
    assert single / runs < 0.7  # attacks of one raid are not independent


def test_blocks_that_are_all_the_same_have_no_interval() -> None:
    found = interval(np.ones(12), np.repeat(np.arange(4), 3), "waves", np.random.default_rng(1))
    assert (found.mean, found.blocks) == (1.0, 4)
    assert np.isnan([found.low, found.high]).all()


def test_one_block_has_no_interval() -> None:
    found = interval(np.array([1.0, 2.0]), np.zeros(2, int), "waves", np.random.default_rng(1))
    assert found.mean == 1.5
    assert np.isnan(found.low)
