"""Simulated radars: against the analytic curves, by counting."""

from itertools import pairwise
from math import radians

import numpy as np
import pytest
from radar_world import HERE, around, quiet, radars, sky, still
from scipy import integrate, stats

from skywarden.errors import ConfigError
from skywarden.geo.terrain import grid
from skywarden.model.place import F64
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.settings import Faults, Radars
from skywarden.sim.sense.radar import RadarSense
from skywarden.sim.sense.radar_false import Plots, cells
from skywarden.sim.sense.radar_looks import limits, looks
from skywarden.sim.sense.radar_signal import detection, echoes, merged
from skywarden.sim.sky import Sky, Window

SURE = 0.999  # the share of seeds for which a count may be expected to be inside its interval


def inside(count: F64, trials: int, probability: F64) -> np.ndarray:
    low, high = stats.binom.interval(SURE ** (1 / len(np.atleast_1d(count))), trials, probability)
    return (count >= low) & (count <= high)


def slow_detection(ratio: float, threshold: float, degrees: int) -> float:
    """Average the detection probability of a steady echo (noncentral chi-square) over a fluctuating one."""

    def weighted(power: float) -> float:
        density = stats.gamma.pdf(power, degrees / 2, scale=ratio / (degrees / 2))
        return float(density * stats.ncx2.sf(2 * threshold, 2, 2 * power))

    return float(integrate.quad(weighted, 0, 60 * ratio + 100, limit=300, points=(threshold,))[0])


@pytest.mark.parametrize("ratio", [0.5, 5.0, 20.0, 200.0])
def test_detection_is_that_of_a_steady_echo_averaged_over_its_fluctuation(ratio: float) -> None:
    threshold = -np.log(1e-6)
    for steady, degrees in ((False, 2), (True, 4)):
        found = float(detection(np.array([ratio]), np.array([threshold]), np.array([steady]))[0])
        assert found == pytest.approx(slow_detection(ratio, threshold, degrees), rel=1e-6)


def test_detection_has_the_published_values() -> None:
    """Skolnik, figure 2.23 with 2.6: at 1e-6 a Swerling 1 echo needs 12.8 dB for 0.5 and 21.1 dB for 0.9."""
    for decibels, pd in ((12.8, 0.5), (21.1, 0.9)):
        found = detection(np.array([10 ** (decibels / 10)]), np.array([-np.log(1e-6)]), np.array([False]))
        assert found[0] == pytest.approx(pd, abs=0.005)


def near(plots: Plots, away: float, azimuth: float) -> int:
    turned = (plots.azimuth - azimuth + np.pi) % (2 * np.pi) - np.pi
    return int(((np.abs(plots.distance - away) < 500) & (np.abs(turned) < radians(2))).sum())


def test_plots_become_fewer_with_distance_as_the_radar_equation_says() -> None:
    """0.1 m^2 against a radar that sees 1 m^2 at 30 km half of the time: half at 30 km x 0.1^(1/4) = 16.9 km."""
    radar = radars(quiet(period_s=1.0, reach_km=60))
    turns, away = 600, np.arange(4e3, 40e3, 1e3)
    azimuth = np.arange(len(away)) * radians(10) + 0.05
    fleet = still(around(away, azimuth, 1500.0), turns)
    distance = looked(radar, fleet, turns)
    plots = radar.plots(fleet, Window(0, turns))
    count = np.array([near(plots, d, a) for d, a in zip(distance, azimuth, strict=True)])
    ratio = (np.log(1e-6) / np.log(0.5) - 1) * 0.1 * (30e3 / distance) ** 4
    power = -np.log((np.arange(4000) + 0.5) / 4000)  # of a Swerling 1 echo, over its mean
    expected = stats.ncx2.sf(-2 * np.log(1e-6), 2, 2 * ratio[:, None] * power).mean(1)
    assert inside(count, turns, expected).all()
    assert np.interp(-0.5, -count / turns, distance) == pytest.approx(30e3 * 0.1**0.25, rel=0.03)


def looked(radar: RadarSense, fleet: Sky, turns: int) -> F64:
    """Return the distance of each target, which stays where it is; each was looked at once a turn."""
    reach = np.full(limits(radar.fleet, echoes(fleet)).shape, 1e6)
    found = list(looks(radar.fleet, fleet, Window(0, turns), reach))
    target = np.concatenate([part.target for part in found])
    assert (np.bincount(target) == turns).all()
    distance = np.concatenate([part.distance for part in found])
    return distance[np.unique(target, return_index=True)[1]]


def test_swerling_3_targets_are_lost_less_suddenly() -> None:
    strong, weak = np.array([200.0]), np.array([2.0])
    threshold, one, three = np.array([13.8]), np.array([False]), np.array([True])
    assert detection(strong, threshold, three) > detection(strong, threshold, one)
    assert detection(weak, threshold, three) < detection(weak, threshold, one)


@pytest.mark.parametrize("mode", ["scan", "stare"])
def test_false_plots_are_poisson_with_the_stated_mean(mode: str) -> None:
    nothing = still(around(np.array([1e3]), np.array([0.0]), 80e3), 2)
    turns = 400
    noise = radars(quiet(mode=mode, period_s=2.0, false_alarm=1e-5))
    mean = float(cells(noise.fleet)[0]) * 1e-5
    assert mean == pytest.approx(100e3 / 150 * 240 * 1e-5)
    clutter = radars(quiet(mode=mode, period_s=2.0, false_alarm=1e-12, clutter=5.0))
    for radar, expected in ((noise, mean), (clutter, 5.0)):
        plots = radar.plots(nothing, Window(0, 2.0 * turns))
        low, high = stats.poisson.interval(SURE, expected * turns)
        assert low <= len(plots.time) <= high
        each = np.bincount((plots.time / 2).astype(int), minlength=turns)
        assert each.var() / each.mean() == pytest.approx(1, abs=3.3 * (2 / turns) ** 0.5)
        assert stats.kstest(plots.azimuth % (2 * np.pi), "uniform", args=(0, 2 * np.pi)).pvalue > 1e-3
    spread = noise.plots(nothing, Window(0, 800)).distance
    assert stats.kstest(spread, "uniform", args=(0, 100e3)).pvalue > 1e-3
    assert np.median(clutter.plots(nothing, Window(0, 800)).distance) < 12e3  # near the radar


def test_close_targets_are_one_plot_and_others_are_not() -> None:
    block = quiet(period_s=1.0, reference_km=200, false_alarm=1e-9, azimuth_sigma_deg=0.001, range_sigma_m=1.0)
    for apart, most in ((80.0, 1), (400.0, 2)):
        radar = radars(block)
        pair = still(around(np.array([20e3, 20e3 + apart]), np.array([1.0, 1.0])), 100)
        plots = radar.plots(pair, Window(0, 100))
        each = np.bincount(plots.time.astype(int), minlength=100)
        assert each.max() == most
        assert each.mean() > 0.97 * most
        if most == 1:  # between the two, at the stronger one more often than not
            slant = looked(radar, pair, 100)
            assert slant[0] - 5 < plots.distance.min() < plots.distance.max() < slant[1] + 5
            assert plots.distance.std() > 15
    rng = np.random.default_rng(2)
    swarm = around(np.array([20e3]), np.array([1.0])) + rng.uniform(-60, 60, (30, 3))
    assert np.bincount(radars(block).plots(still(swarm, 50), Window(0, 50)).time.astype(int)).max() <= 2


def test_an_echo_is_taken_up_by_the_strongest_near_it_and_chains_stay_apart() -> None:
    rng = np.random.default_rng(3)
    count = 300
    radar, turn = rng.integers(0, 3, count), rng.uniform(0, 0.2, count)
    distance, power = rng.uniform(0, 3000, count), rng.exponential(size=count)
    expected = np.full(count, -1)
    for i in np.argsort(-power):
        if expected[i] < 0:
            close = (radar == radar[i]) & (np.abs(turn - turn[i]) < 0.004) & (np.abs(distance - distance[i]) < 150)
            expected[close & (expected < 0)] = i
    size = (np.full(count, 0.004), np.full(count, 150.0))
    assert np.array_equal(merged(radar, turn, distance, size, power), expected)
    assert 10 < (expected != np.arange(count)).sum() < 250
    row = merged(
        np.zeros(3, int),
        np.zeros(3),
        np.array([0.0, 100.0, 200.0]),
        (np.ones(3), np.full(3, 150.0)),
        np.array([3.0, 2.0, 1.0]),
    )
    assert row.tolist() == [0, 0, 2]


def test_targets_at_a_blind_speed_are_not_seen() -> None:
    rate = np.array([0.0, 5.0, 20.0, 50.0, 96.0, 100.0, 109.0, 150.0])
    azimuth = np.arange(len(rate)) * 0.7 + 0.2
    out = np.stack([np.sin(azimuth), np.cos(azimuth), np.zeros(len(rate))], 1)
    fleet = sky(around(20e3, azimuth, 1000.0), out * rate[:, None], 60, (Kind.UAV_PISTON,))
    radar = radars(quiet(period_s=1.0, reference_km=300, blind_speed_m_s=100.0, notch_m_s=8.0))
    plots = radar.plots(fleet, Window(0, 60))
    turned = (plots.azimuth[:, None] - azimuth + np.pi) % (2 * np.pi) - np.pi
    seen = (np.abs(turned) < 0.1).sum(0) > 0
    assert seen.tolist() == [False, False, True, True, False, False, True, True]
    assert sorted(set(radar.cover(fleet, Window(0, 60)).target.tolist())) == [2, 3, 6, 7]
    everything = radars(quiet(period_s=1.0, reference_km=300))
    assert set(everything.cover(fleet, Window(0, 60)).target.tolist()) == set(range(8))


def test_each_radar_is_off_by_its_own_bias_and_noisy_by_its_own_sigma() -> None:
    block = quiet(count=8, period_s=1.0, reference_km=500, bias_azimuth_deg=1.0, bias_range_m=200.0, false_alarm=1e-9)
    radar = radars(block)
    fleet = still(around(np.array([20e3]), np.array([1.0])), 300)
    distance = looked(radars(quiet(period_s=1.0)), fleet, 300)[0]
    plots = radar.plots(fleet, Window(0, 300))
    real = (np.abs(plots.distance - distance) < 1500) & (np.abs(plots.azimuth - 1.0) < 0.15)
    for k in range(8):
        mine = real & (plots.radar == k)
        off = plots.distance[mine] - distance - radar.fleet.bias_range[k]
        turned = plots.azimuth[mine] - 1.0 - radar.fleet.bias_azimuth[k]
        assert abs(off.mean()) < 3.5 * 30 / mine.sum() ** 0.5
        assert off.std() == pytest.approx(30, rel=0.15)
        assert turned.std() == pytest.approx(radians(0.15), rel=0.15)
        assert abs(turned.mean()) < 3.5 * radians(0.15) / mine.sum() ** 0.5 + 1e-3
    assert radar.fleet.bias_range.std() == pytest.approx(200, rel=0.6)
    assert all(s.range_bias_m == 0 and s.azimuth_bias_deg == 0 for s in radar.sensors)


def test_faint_echoes_are_measured_less_well() -> None:
    block = quiet(period_s=1.0, reference_km=30, false_alarm=1e-7)
    fleet = still(around(np.array([3e3, 22e3]), np.array([1.0, 2.0]), 500.0), 3000)
    radar = radars(block)
    plots = radar.plots(fleet, Window(0, 3000))
    spread = []
    for away, azimuth in ((3e3, 1.0), (22e3, 2.0)):
        mine = (np.abs(plots.azimuth - azimuth) < 0.03) & (np.abs(plots.distance - away) < 300)
        spread.append(plots.distance[mine].std())
    assert spread[0] == pytest.approx(30, rel=0.08)
    assert 1.15 * 30 < spread[1] < 1.54 * 30


def test_a_hill_hides_what_flies_behind_it() -> None:
    heights = np.zeros((200, 200))
    heights[:, 120] = 500.0
    step = 200 / 6.371e6
    ground = grid((HERE[0] - 100 * step, HERE[1] - 100 * step), (step, step), heights, 0.0)
    fleet = still(np.array([[8e3, 0, 300], [-8e3, 0, 300], [8e3, 0, 3000], [1.5e3, 0, 300.0]]), 30)
    radar = radars(quiet(period_s=1.0, reference_km=300), ground=ground)
    assert set(radar.cover(fleet, Window(0, 30)).target.tolist()) == {1, 2, 3}
    plots = radar.plots(fleet, Window(0, 30))
    assert near(plots, 8e3, 3 * np.pi / 2) > 20
    open_field = radars(quiet(period_s=1.0, reference_km=300))
    assert set(open_field.cover(fleet, Window(0, 30)).target.tolist()) == {0, 1, 2, 3}


def test_nothing_is_seen_in_the_cone_of_silence_or_beyond_the_reach() -> None:
    fleet = still(np.array([[500, 0, 2000], [5e3, 0, 2000], [30e3, 0, 2000.0]]), 10)
    radar = radars(quiet(reference_km=300, highest_deg=40.0, reach_km=25))
    assert set(radar.cover(fleet, Window(0, 10)).target.tolist()) == {1}


def crowd(seconds: int) -> Sky:
    rng = np.random.default_rng(11)
    place = np.concatenate([rng.uniform(-60e3, 60e3, (60, 2)), rng.uniform(50, 3000, (60, 1))], 1)
    velocity = np.concatenate([rng.normal(0, 60, (60, 2)), rng.normal(0, 1, (60, 1))], 1)
    return sky(place, velocity, seconds, (Kind.UAV_PISTON, Kind.AIRLINER, Kind.CRUISE, Kind.MULTIROTOR))


@pytest.mark.parametrize("mode", ["scan", "stare"])
def test_a_look_belongs_to_exactly_one_window(mode: str) -> None:
    fleet = crowd(120)
    radar = radars(quiet(count=9, mode=mode, extent_km=(80, 80), period_s=3.7), faults=Faults(outages=0.5))
    limit = limits(radar.fleet, echoes(fleet))

    def all_looks(*borders: float) -> F64:
        rows = []
        for window in pairwise(borders):
            for part in looks(radar.fleet, fleet, Window(*window), limit):
                rows.append(np.stack([part.radar, part.target, part.time, part.distance, part.turn], 1))
        table = np.concatenate(rows)
        return table[np.lexsort(table.T)]

    whole = all_looks(0.0, 120.0)
    assert len(whole) > 2000
    for borders in ((0.0, 61.3, 120.0), (0.0, 10.0, 20.0, 33.3, 100.0, 120.0)):
        assert np.allclose(all_looks(*borders), whole, rtol=0, atol=1e-9)


def test_a_window_does_not_depend_on_what_was_asked_before() -> None:
    fleet = crowd(60)
    block = Radars(name="r", count=9, extent_km=(80, 80), measures_height=True, measures_rate=True)
    one, other = radars(block, seed=5), radars(block, seed=5)
    first = [one.sent(fleet, Window(a, a + 20.0)) for a in (0.0, 20.0, 40.0)]
    last = [other.sent(fleet, Window(a, a + 20.0)) for a in (40.0, 20.0, 0.0)][::-1]
    for a, b in zip(first, last, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert not np.array_equal(first[0].data, radars(block, seed=6).sent(fleet, Window(0, 20)).data)


def test_cover_says_how_often_targets_are_seen() -> None:
    """Hills would make no difference: the same sight is asked. Blind speeds, outages and horizon are in it."""
    fleet = crowd(300)
    block = quiet(count=9, period_s=1.0, extent_km=(80, 80), blind_speed_m_s=90.0, false_alarm=1e-6, range_cell_m=1.0)
    radar = radars(block, faults=Faults(outages=0.5, lost=0.2))
    cover = radar.cover(fleet, Window(0, 300))
    order = np.lexsort((cover.sensor, cover.target, cover.second))
    assert np.array_equal(order, np.arange(len(order)))
    expected = cover.pd.sum()
    false = float(cells(radar.fleet)[0]) * 1e-6
    up = radar.fleet.up(np.repeat(np.arange(9), 300), np.tile(np.arange(300.0), 9)).sum()
    found = len(radar.plots(fleet, Window(0, 300)).time) - false * up
    spread = ((cover.pd * (1 - cover.pd)).sum() + false * up) ** 0.5
    assert expected > 10_000
    assert abs(found - expected) < 3.3 * spread + 0.005 * expected  # Pd under 0.01 is left out of the cover


def test_radars_are_refused_that_move_or_are_too_many() -> None:
    with pytest.raises(ConfigError, match="cannot move"):
        radars(quiet(moving=True, path_km=((0, 0), (1, 1))))
    with pytest.raises(ConfigError, match="1536"):
        radars(quiet(count=2000))
    assert len(radars().names) == 0
    assert len(radars().sent(crowd(10), Window(0, 10)).time) == 0
