"""How bad it is at a site and what to start by when: limits, what holds them, and times that a person can act on."""

import numpy as np
import pytest

from skywarden.model.assessment import Alert
from skywarden.model.place import Action, Site
from skywarden.model.raid import Level
from skywarden.raid.levels import state
from skywarden.raid.settings import RaidSettings
from skywarden.raid.spans import ahead, coming

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
SHELTER = Action(name="shelter", lead_s=240.0, probability=0.2)
COUPLER = Action(name="open a coupler", lead_s=900.0, probability=0.6)
PLANT = Site(name="plant", latitude=0.0, longitude=0.0, actions=(SHELTER, COUPLER), critical_probability=0.5)
SETTINGS = RaidSettings()


def at(second, before, probability, left=400.0):
    """The state at a second, of one alert of that probability which is `left` s away, give or take a tenth."""
    time = NOW + round(second * SECOND)
    early, arrival, late = (time + round(left * part * SECOND) for part in (0.9, 1.0, 1.1))
    one = Alert("plant", 1, time, arrival, early, late, probability, time)
    return state(before, PLANT, (ahead(coming([one], time), np.zeros(1, int), 1), 0), SETTINGS)


def names(found):
    return [start.action for start in found.starts]


def test_a_level_is_critical_from_the_sites_own_probability_on():
    assert at(0, None, 0.49).level is Level.WARN
    assert at(0, None, 0.51).level is Level.CRITICAL


def test_a_level_is_held_and_falls_after_a_while():
    now = at(0, None, 0.6)
    assert now.since == NOW
    now = at(10, now, 0.35)  # over 0.6 times the limit
    assert (now.level, now.since, now.under) == (Level.CRITICAL, NOW, 0)
    now = at(20, now, 0.2)
    now = at(49, now, 0.2)
    assert now.level is Level.CRITICAL
    now = at(50, now, 0.2)
    assert (now.level, now.since) == (Level.WARN, NOW + 50 * SECOND)


def test_noise_does_not_switch_it():
    now, switched = at(0, None, 0.52), 0
    for second in range(1, 200):
        after = at(second, now, 0.52 if second % 2 else 0.4)
        switched += after.level is not now.level
        now = after
    assert switched == 0


def test_an_action_begins_with_its_own_probability_and_says_by_when():
    assert names(at(0, None, 0.19)) == []
    now = at(0, None, 0.3)
    assert names(now) == ["shelter"]
    (start,) = now.starts
    assert (start.by - NOW) / SECOND == pytest.approx(0.9 * 400 - 240, rel=0.05)
    assert start.since == NOW
    assert names(at(0, None, 0.7)) == ["shelter", "open a coupler"]


def test_waiting_costs_what_is_said():
    early = at(0, None, 0.3, left=900.0).starts[0]
    assert (early.too_late, early.in_a_minute) == (0.0, 0.0)
    close = at(0, None, 0.3, left=240.0).starts[0]  # half of those that come are here before it is done
    assert close.too_late == pytest.approx(0.15, abs=0.02)
    assert close.in_a_minute == pytest.approx(0.3, abs=0.01)
    assert close.by < NOW


def test_an_action_is_held_like_a_level_and_keeps_when_it_was_advised():
    now = at(0, None, 0.3)
    now = at(5, now, 0.13)
    assert [(start.action, start.since, start.under) for start in now.starts] == [("shelter", NOW, 0)]
    now = at(10, now, 0.1)
    now = at(39, now, 0.1)
    assert names(now) == ["shelter"]
    assert names(at(40, now, 0.1)) == []


def test_a_site_without_actions_and_one_that_needs_longer_than_its_lead():
    plain = Site(name="plain", latitude=0.0, longitude=0.0)
    assert plain.need_s == plain.lead_time_s == 300.0
    assert PLANT.need_s == 900.0
