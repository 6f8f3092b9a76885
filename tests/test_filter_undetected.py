"""Targets that nobody has seen yet: how many are expected, and what looks teach about that."""

import numpy as np
import pytest
from filter_memory import (
    NOW,
    POSITIONS,
    RADAR,
    SECOND,
    SITE,
    appear,
    bear,
    covered,
    empty,
    fill,
    given,
    learned,
    searched,
)
from scipy.optimize import minimize_scalar

from skywarden.model.detection import Kind
from skywarden.track.pmb import FilterSettings, Sensor, evenly

DENSITY, BIRTHS = 1e-9, 1e-12
SCOPE = Sensor(Kind.POLAR, detection=0.9, clutter=30.0, volume=60e3 * 2 * np.pi, reach_m=60e3)
SIGMA = np.diag([30.0, 0.004, 1.0, 1.0]) ** 2


def plots(rng, count, far=60e3):
    """Return so many detections of range and azimuth, evenly spread over both."""
    z = np.full((count, 4), np.nan)
    z[:, 0], z[:, 1] = rng.uniform(100.0, far, count), rng.uniform(-np.pi, np.pi, count)
    return given(z, np.tile(SIGMA, (count, 1, 1)))


def test_what_is_unseen_grows_with_time_and_never_backwards():
    life = 2000.0
    memory = empty(RADAR, FilterSettings(end_after_s=life), density=DENSITY, births=BIRTHS)
    appear(memory, 100.0)
    left = np.exp(-100.0 / life)  # those that were there end too
    there = np.full((8, 8), DENSITY * left + BIRTHS * life * (1.0 - left))
    assert memory.unseen[0] == pytest.approx(there, rel=1e-12)
    appear(memory, -50.0)
    appear(memory, 0.0)
    assert memory.unseen[0] == pytest.approx(there, rel=1e-12)
    assert memory.grid[0].time == NOW + 100 * SECOND


def test_what_is_unseen_does_not_pass_what_may_be_there_at_all():
    settings = FilterSettings(end_after_s=2000.0)
    memory = empty(RADAR, settings, density=0.0, births=BIRTHS)
    for _ in range(100):
        appear(memory, 1000.0)
    assert memory.unseen[0].max() <= 1.01 * BIRTHS * settings.end_after_s  # as many end as appear


@pytest.mark.parametrize("reach, cell", [(60e3, 25e3), (100e3, 25e3), (40e3, 10e3)])
def test_expected_new_targets_are_density_times_area_in_reach_times_detection(reach, cell):
    memory = empty(Sensor(Kind.POLAR, detection=0.5, clutter=1e-9, reach_m=reach), density=DENSITY, cell=cell)
    assert covered(memory) == pytest.approx(0.5 * DENSITY * np.pi * reach**2, rel=0.15)


def test_a_disc_of_so_many_targets_holds_so_many():
    unseen = evenly(SITE, 40e3, 30.0, 15.0)
    memory = empty(Sensor(Kind.POLAR, detection=1.0, clutter=1e-9, reach_m=40e3))
    memory = memory._replace(unseen=np.stack([unseen.density, unseen.births]))
    memory.grid["size"] = unseen.cell_m
    assert covered(memory) == pytest.approx(30.0, rel=0.02)
    assert unseen.births.sum() * unseen.cell_m**2 * np.pi / 4 == pytest.approx(15.0 / 60.0, rel=1e-9)


def test_a_look_that_finds_nothing_leaves_what_it_would_have_missed():
    memory = empty(SCOPE, density=DENSITY)
    usual = covered(memory)
    searched(memory, fill(memory, plots(np.random.default_rng(0), 0)))
    factor = 0.5 / (0.5 + usual)  # of the Gamma distribution of shape 0.5: no plot, so no new target
    inside = memory.unseen[0, 3:5, 3:5]
    assert inside == pytest.approx(np.full((2, 2), DENSITY * factor * 0.1), rel=1e-9)
    assert memory.unseen[0, 0, 0] == DENSITY  # out of reach


@pytest.mark.parametrize("sensor", [Sensor(Kind.POLAR, 0.9, 1e-9, whole=False), POSITIONS])
def test_who_does_not_cover_all_takes_nothing_off(sensor):
    memory = empty(sensor, density=DENSITY)
    searched(memory, 0)
    assert (memory.unseen[0] == DENSITY).all()


@pytest.mark.parametrize("shape", [0.5, 5.0, 1e9])
@pytest.mark.parametrize("seed", range(5))
def test_the_factor_goes_to_the_most_likely_one(seed, shape):
    rng = np.random.default_rng(seed)
    memory = empty(SCOPE, FilterSettings(birth_shape=shape), density=DENSITY * rng.uniform(0.2, 5.0))
    m = fill(memory, plots(rng, 40))
    usual, born = covered(memory), memory.plots["born"][:m].copy()
    claimed = np.where(rng.random(m) < 0.3, born.mean() * 1e4, 0.0)  # other targets ask for some
    rest = memory.plots["clutter"][:m] + claimed
    memory.plots["total"][:m] = rest + born

    def cost(logarithm):
        """Poisson likelihood of the plots, and a Gamma prior whose mode is 1."""
        f = np.exp(logarithm)
        return -(np.log(rest + f * born).sum() - f * usual + shape * (np.log(f) - f))

    best = np.exp(minimize_scalar(cost, bounds=(-8.0, 8.0), method="bounded", options={"xatol": 1e-10}).x)
    wanted = 1.0
    for _ in range(8):
        wanted = (shape + (wanted * born / (rest + wanted * born)).sum()) / (shape + usual)
    found = learned(memory, m)
    assert found == pytest.approx(wanted, rel=1e-9)
    assert abs(np.log(found / best)) < 0.25  # where it stops, after eight rounds
    assert min(best, 1.0) * 0.9999 < found < max(best, 1.0) * 1.0001
    assert memory.plots["born"][:m] == pytest.approx(found * born, rel=1e-12)
    assert memory.plots["total"][:m] == pytest.approx(rest + found * born, rel=1e-9)


def test_more_plots_than_false_alarms_say_that_there_are_more_new_targets():
    factors = []
    for extra in (0, 10, 30):
        memory = empty(SCOPE, density=DENSITY)
        m = fill(memory, plots(np.random.default_rng(1), 30 + extra))
        memory.plots["total"][:m] = memory.plots["clutter"][:m] + memory.plots["born"][:m]
        factors.append(learned(memory, m))
    assert factors[0] < factors[1] < factors[2]
    assert factors[2] > 1.5


def test_false_alarms_alone_teach_nothing_in_the_long_run():
    memory, rng, expected = empty(SCOPE, density=DENSITY, births=BIRTHS), np.random.default_rng(11), []
    area, looks = np.pi * SCOPE.reach_m**2, 70
    for k in range(looks):
        memory.grid["time"] = NOW - 5 * SECOND
        m = fill(memory, plots(rng, rng.poisson(SCOPE.clutter)))  # five seconds have passed
        memory.plots["total"][:m] = memory.plots["clutter"][:m] + memory.plots["born"][:m]
        expected.append(covered(memory))
        searched(memory, m)
        assert np.isfinite(memory.unseen).all(), k
    appeared = BIRTHS * 5.0 * area  # in the time of a look
    assert np.mean(expected[20:]) < 1.5 * appeared
    assert memory.unseen[0].min() > 0.0


def test_existence_of_a_new_target_is_its_share_of_the_plot():
    memory = empty(SCOPE, density=DENSITY)
    m = fill(memory, plots(np.random.default_rng(2), 5))
    memory.plots["total"][:m] = memory.plots["clutter"][:m] + memory.plots["born"][:m]
    bear(memory, m)
    wanted = memory.plots["born"][:m] / memory.plots["total"][:m]
    keep = wanted > 5e-4
    assert memory.leaves["existence"][: keep.sum()] == pytest.approx(wanted[keep], rel=1e-12)
    assert memory.counts[1] == keep.sum() > 0
