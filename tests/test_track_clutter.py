"""False alarms as a radar's plots teach them: the right rate from the first minute on, and after a pause."""

from dataclasses import replace

import numpy as np
import pytest
from filter_memory import empty

from skywarden.model.detection import Kind
from skywarden.track import clutter, reach
from skywarden.track.looks import PLOT
from skywarden.track.pmb import Sensor

TOLD, REVISIT, RANGE = 1e-12, 4.0, 2_000.0  # TOLD: false alarms, 1/m^2
RADAR = Sensor(Kind.POLAR, detection=0.9, clutter=TOLD, whole=False, missable=True, revisit_s=REVISIT)


def radar():
    """Return a memory that has heard nothing of one radar."""
    memory = empty(RADAR)
    memory.clutter[:] = 0.0
    return memory


def look(memory, plots, gap, slant=RANGE, claimed=0):
    """Let a radar have some plots in one ring, `gap` s after its last look, 0: at the time that the memory says."""
    memory.sense[0].time += round(gap * 1e9)
    rows = np.zeros(plots, PLOT).view(np.recarray)
    rows["z"][:, 0], rows["claimed"] = slant, claimed
    clutter.learn(memory, rows, memory.sense[0])


def known(memory, slant=RANGE):
    """Return how many false alarms a look the radar is said to have at a range, 1/m^2."""
    return clutter.known(memory, slant, memory.sense[0])


@pytest.fixture(name="ring")
def ring_of_range():
    """Return the ground of the ring that RANGE lies in."""
    k = clutter.ring(RANGE)
    outer = 500.0 * 1.35**k
    assert outer / 1.35 <= RANGE < outer
    return np.pi * (outer**2 - (outer / 1.35) ** 2)


@pytest.mark.parametrize("minutes", [1, 2, 5, 10, 60])
def test_the_rate_is_right_from_the_first_minute_on(minutes, ring):
    memory = radar()
    for _ in range(int(minutes * 60 / REVISIT)):
        look(memory, 3, REVISIT)
    assert known(memory) == pytest.approx(3.0 / ring, rel=0.05)


def test_of_a_turn_in_many_messages_the_same_is_learned(ring):
    memory = radar()
    for k in range(40 * 60):
        look(memory, 3 if k % 40 == 0 else 0, REVISIT / 40)
    assert known(memory) == pytest.approx(3.0 / ring, rel=0.05)


def test_in_the_first_looks_little_is_said_since_all_may_be_targets(ring):
    memory = radar()
    look(memory, 3, 1e9)  # what came before the first look was not looked at
    assert known(memory) == pytest.approx(3.0 / ring * REVISIT / 60.0, rel=0.05)


@pytest.mark.parametrize("pause", [900.0, 4 * 3600.0])
def test_after_a_pause_it_is_as_before_and_not_as_if_nothing_had_been_there(pause, ring):
    memory = radar()
    for _ in range(300):
        look(memory, 3, REVISIT)
    look(memory, 3, pause)
    assert known(memory) == pytest.approx(3.0 / ring, rel=0.12)  # a minute of it may have been looks without a plot


@pytest.mark.parametrize("every", [3, 10])
def test_looks_without_a_plot_of_which_nobody_hears_count(every, ring):
    memory = radar()
    for _ in range(2000):
        look(memory, 1, every * REVISIT)
    assert known(memory) == pytest.approx(1.0 / every / ring, rel=0.05)


def test_looks_of_another_kind_by_the_same_sensor_do_not_matter(ring):
    memory, bearings = radar(), empty(replace(RADAR, kind=Kind.DIRECTION)).sense[0]
    for _ in range(900):
        bearings.time = memory.sense[0].time + round(REVISIT * 1e9) - 2_000_000
        clutter.learn(memory, memory.plots[:0], bearings)
        reach.wake(memory, bearings)
        look(memory, 3, REVISIT)
    assert known(memory) == pytest.approx(3.0 / ring, rel=0.05)


@pytest.mark.parametrize("width", [0.1, 0.5, 1.0])
def test_a_radar_that_sees_a_sector_has_its_false_alarms_there(width, ring):
    memory = radar()
    memory.sense[0].limited, memory.sense[0].sector_width = 1, width
    for _ in range(300):
        look(memory, 3, REVISIT)
    assert known(memory) == pytest.approx(3.0 / (ring * width), rel=0.05)


def test_an_hour_without_them_makes_them_few():
    memory = radar()
    for _ in range(300):
        look(memory, 3, REVISIT)
    for _ in range(900):
        look(memory, 0, REVISIT)
    assert known(memory) == pytest.approx(TOLD, abs=1e-8)


def test_plots_of_targets_are_none():
    memory = radar()
    for _ in range(300):
        look(memory, 3, REVISIT, claimed=1)
    assert known(memory) == TOLD


def test_late_looks_count_their_plots_and_no_time(ring):
    memory = radar()
    for _ in range(300):
        look(memory, 2, REVISIT)
        look(memory, 1, -1.0)
        memory.sense[0].time += 1_000_000_000
    assert known(memory) == pytest.approx(3.0 / ring, rel=0.05)


@pytest.mark.parametrize("slant", [10.0, 499.0, 501.0, 5e3, 60e3, 4e5, 9e6])
def test_other_rings_are_left_alone(slant):
    memory = radar()
    for _ in range(100):
        look(memory, 3, REVISIT, slant)
    assert known(memory, slant) > TOLD or clutter.ring(slant) == clutter.BINS - 1
    for k in range(clutter.BINS):
        assert (memory.clutter[0, k] > 0.0) == (k == clutter.ring(slant))
