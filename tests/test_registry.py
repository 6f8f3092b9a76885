"""Registration in the running system: what it finds, from when it holds, and that nothing else changes it."""

from dataclasses import replace

import numpy as np
import pytest
from registry_sky import (
    DEGREE,
    EAST,
    SECOND,
    START,
    WEST,
    begun,
    last,
    run,
    settings,
    sky,
    tracks_each,
    truth,
)

from skywarden.model.event import Failed, Refused, SensorFault, SensorRegistered
from skywarden.model.place import Registration, Sensor
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.service.sensor_rows import LeftRow, left
from skywarden.track import group as group_of
from skywarden.track import registry
from skywarden.track.group import MOST, NEAR, packed, unpacked
from skywarden.track.registration import correct, corrected
from skywarden.track.registry import anew
from skywarden.track.versions import matters, needed, sured

BOTH = [WEST, EAST]
RADARS = {"west": WEST, "east": EAST}
ON, OFF = settings(), settings(register_sensors=False)


def off(picture):
    """Return how far off the newest versions are, (2, 4): m, rad, rad, s."""
    found = last(picture)
    rows = [(found[n].range_m, found[n].azimuth, found[n].elevation, found[n].time_s) for n in RADARS]
    return np.array(rows) - [radar.bias for radar in RADARS.values()]


@pytest.mark.parametrize("fixes", [True, False])
def test_two_radars_that_are_off_in_opposite_ways_are_found_in_five_minutes(fixes):
    made = sky(BOTH, 300.0, fixes=fixes)
    each = []
    picture, events = run(begun(ON), made.batches, 300.0, ON, each=lambda p: each.append(tracks_each(p, made.flown)))
    away = np.abs(off(picture))
    assert (away[:, 0] < (15.0 if fixes else 30.0)).all()
    assert (away[:, 1] < 0.05 * DEGREE).all()
    assert {row.relative for row in picture.chains.registered.standing} == {not fixes}
    assert not [one for one in events if isinstance(one, Failed | Refused | SensorFault)]
    told = [one for one in events if isinstance(one, SensorRegistered)]
    assert {one.sensor for one in told} == {"west", "east"}
    assert all(one.since - one.time > 60 * SECOND for one in told)
    assert np.mean(each[120:180]) > 1.7  # before any version holds an aircraft has a track for each radar, and its own
    assert np.mean(each[-40:]) < 1.3


def test_without_it_the_tracks_of_each_aircraft_stay_split():
    made = sky(BOTH, 300.0)
    each = []
    run(begun(OFF), made.batches, 300.0, OFF, each=lambda p: each.append(tracks_each(p, made.flown)))
    assert np.mean(each[-40:]) > 2.5


def test_a_plot_is_corrected_by_what_was_found():
    made = sky(BOTH, 300.0)
    picture, _ = run(begun(ON), made.batches, 300.0, ON)
    plots = next(one for one in reversed(made.batches) if one.sensor == "west")
    (plain,) = corrected(plots, picture.registrations)
    at = truth(made.flown, int(plain.time[0]))
    e = (at - plots.place.position) @ plots.place.rotation.T
    away = np.abs(np.linalg.norm(e, axis=1)[:, None] - plain.z[:, 0]).min(0)
    assert np.median(away) < 100.0
    assert plain.registration > 1
    assert (plain.raw == plots.z)[:, :3].all()


@pytest.mark.parametrize("fixes", [True, False])
def test_a_mast_that_is_knocked_is_found_and_corrected_within_five_minutes(fixes):
    knocked = WEST._replace(knock=200.0, added=(0.0, 0.5 * DEGREE, 0.0, 0.0))
    made = sky([knocked, EAST], 500.0, fixes=fixes)
    picture, events = run(begun(ON), made.batches, 500.0, ON)
    west = last(picture)["west"]
    assert abs(west.azimuth - 1.0 * DEGREE) < 0.05 * DEGREE
    assert west.since < START + 500 * SECOND
    assert abs(last(picture)["east"].azimuth + 0.5 * DEGREE) < 0.05 * DEGREE
    assert not [one for one in events if isinstance(one, SensorFault | Failed)]


def late(batches, rng, most):
    """Return the batches as they come, each up to `most` s late."""
    found = [replace(one, received=one.received + int(rng.uniform(0.0, most) * SECOND)) for one in batches]
    return sorted(found, key=lambda one: one.received)


def test_equal_items_give_equal_corrections_in_any_order_and_ticks():
    made = sky(BOTH, 160.0)
    first, _ = run(begun(ON), made.batches, 200.0, ON)
    assert first.registrations
    for seed, tick in ((1, 0.5), (2, 0.2), (3, 0.8)):
        other, _ = run(begun(ON), late(made.batches, np.random.default_rng(seed), 9.0), 200.0, ON, tick)
        assert other.chains.settled.digest == first.chains.settled.digest
        assert other.registrations == first.registrations
        one, two = other.chains.registered, first.chains.registered
        assert (one.digest, one.standing, one.until) == (two.digest, two.standing, two.until)
        for mine, theirs in zip(one.groups[0].columns, two.groups[0].columns, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_saved_state_goes_on_as_if_nothing_had_been():
    made = sky(BOTH, 200.0)
    half, _ = run(begun(ON), made.batches, 95.0, ON)
    again = Line.restore(Line(settings=ON, picture=half).save()).picture
    assert again.chains.registered.groups[0].names == half.chains.registered.groups[0].names
    one, told = run(half, made.batches, 200.0, ON)
    two, same = run(again, made.batches, 200.0, ON)
    assert told == same
    assert digest(one) == digest(two)
    assert one.registrations == two.registrations


def test_where_it_is_off_only_what_is_configured_is_taken_off():
    made, sensor = sky(BOTH, 60.0), Sensor(name="west", source="s", azimuth_bias_deg=0.5)
    picture, events = run(anew(begun(OFF), [sensor], OFF.tracker), made.batches, 60.0, OFF)
    assert [one.version for one in picture.registrations] == [1]
    assert picture.chains.registered.digest == ""
    assert not [one for one in events if isinstance(one, SensorRegistered)]


def test_it_changes_nothing_before_a_version_holds():
    made = sky(BOTH, 90.0)
    with_it, _ = run(begun(ON), made.batches, 90.0, ON)
    without, _ = run(begun(OFF), made.batches, 90.0, OFF)
    assert with_it.registrations
    np.testing.assert_array_equal(with_it.tracks.mean, without.tracks.mean)
    assert with_it.chains.settled.digest == without.chains.settled.digest


def test_a_configured_bias_is_what_it_starts_from():
    made = sky(BOTH, 150.0)
    sensor = Sensor(name="west", source="s", range_bias_m=150.0, azimuth_bias_deg=0.5, time_bias_s=0.2)
    picture, _ = run(anew(begun(ON), [sensor], ON.tracker), made.batches, 150.0, ON)
    found = [one for one in picture.registrations if one.sensor == "west"]
    assert found[0].version == 1
    assert all(abs(one.azimuth - 0.5 * DEGREE) < 0.1 * DEGREE for one in found)
    assert "east" in last(picture)


def test_a_fault_of_ours_is_told_and_stops_no_tick(monkeypatch):
    made = sky(BOTH, 60.0)

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(registry.online, "step", broken)
    picture, events = run(begun(ON), made.batches, 60.0, ON)
    assert [one.source for one in events if isinstance(one, Refused)].count("registration") >= 3
    assert not [one for one in events if isinstance(one, Failed)]
    assert len(picture.tracks) > 0
    assert not picture.registrations


def test_aircraft_that_all_say_they_are_elsewhere_move_no_radar():
    made, random = sky(BOTH, 420.0), np.array([1500.0, 0.0, 0.0])
    moved = []
    for one in made.batches:
        away = (one.sensor == "adsb") & (one.time > START + 200 * SECOND)
        moved.append(replace(one, z=one.z + away[:, None] * random) if away.any() else one)
    picture, _ = run(begun(ON), moved, 420.0, ON)
    assert (np.abs(off(picture))[:, 1] < 0.05 * DEGREE).all()
    assert (np.abs(off(picture))[:, 0] < 30.0).all()


def test_one_aircraft_alone_moves_no_radar():
    made = sky([WEST], 200.0, count=1)
    picture, _ = run(begun(ON), made.batches, 200.0, ON)
    assert not picture.registrations


def test_a_batch_over_a_change_point_becomes_two():
    plots = next(one for one in sky([WEST], 20.0).batches if one.sensor == "west")
    plots = replace(plots, time=plots.time + np.arange(len(plots)) * SECOND)
    middle = int(plots.time[3])
    versions = [Registration("west", 3, middle, 20.0), Registration("west", 2, 0, 10.0)]
    before, after = corrected(plots, versions)
    assert (len(before), before.registration) == (3, 2)
    assert (len(after), after.registration) == (len(plots) - 3, 3)
    np.testing.assert_allclose(plots.z[:3, 0] - before.z[:, 0], 10.0)
    np.testing.assert_allclose(plots.z[3:, 0] - after.z[:, 0], 20.0)
    assert corrected(plots, [Registration("other", 2)])[0] is plots
    assert corrected(plots, [versions[0]])[0].registration == 0
    assert correct(plots, [versions[1]]).registration == 2


def test_versions_are_kept_while_something_late_may_need_them():
    ends = [0, 100 * SECOND, 300 * SECOND]
    versions = [Registration("a", k + 1, since) for k, since in enumerate(ends)] + [Registration("b", 1)]
    assert [one.version for one in needed(versions, 250 * SECOND)] == [1, 2, 3, 1]
    assert [one.version for one in needed(versions, 281 * SECOND)] == [2, 3, 1]
    assert [one.version for one in needed(versions, 900 * SECOND)] == [3, 1]


def test_what_is_not_surely_another_stays_and_the_others_are_what_they_are_then():
    none, now = np.zeros(4), np.array([100.0, 0.0, 0.0, 0.3])
    covariance = np.diag([100.0, 1.0, 1.0, 0.01])
    covariance[0, 3] = covariance[3, 0] = 0.9
    found = sured(now, none, none, covariance, none)
    np.testing.assert_allclose(found, [100.0 - 0.9 / 0.01 * 0.3, 0.0, 0.0, 0.0])
    applied = np.array([95.0, 0.0, 0.0, 0.25])
    np.testing.assert_allclose(sured(now, applied, none, covariance, none), now)
    assert (sured(np.full(4, 0.01), none, none, covariance, none) == none).all()


def test_a_clock_that_moves_slow_targets_by_a_few_metres_stays():
    none, covariance, least = np.zeros(4), np.diag([1.0, 1.0, 1.0, 0.0004]), np.array([0.0, 0.0, 0.0, 0.5])
    assert sured(np.array([9.0, 0.0, 0.0, 0.4]), none, none, covariance, least).tolist() == [9.0, 0.0, 0.0, 0.0]
    applied = sured(np.array([0.0, 0.0, 0.0, 0.6]), none, none, covariance, least)
    assert applied[3] == 0.6
    for now, kept in ((0.3, 0.3), (0.06, 0.06), (0.03, 0.0)):  # once applied it goes by what is believed alone
        assert sured(np.array([0.0, 0.0, 0.0, now]), applied, none, covariance, least)[3] == kept


def test_who_is_left_for_want_of_metres_moves_no_range():
    """A range and a clock that jets told of: left alone, the clock of slow targets is worth 2 m and not 40."""
    none, now, least = np.zeros(4), np.array([100.0, 0.0, 0.0, 0.2]), np.array([0.0, 0.0, 0.0, 0.5])
    covariance = np.diag([20.0, 1.0, 1.0, 0.0004])
    covariance[0, 3] = covariance[3, 0] = 200.0 * 0.0004
    assert sured(now, none, none, covariance, least).tolist() == [100.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("speed", [10.0, 150.0])
def test_how_much_a_clock_matters_goes_by_how_fast_targets_fly(speed):
    picture, _ = run(begun(ON), sky(BOTH, 60.0, speed=speed).batches, 60.0, ON)
    (group,) = picture.chains.registered.groups
    register = unpacked(group)
    *others, clock = matters(register, 1).tolist()
    assert others == [0.0, 0.0, 0.0]
    assert clock == pytest.approx(5.0 / speed, rel=0.2)
    unseen = register.paths.last.copy()
    unseen[:, 1] = 0
    free = np.full_like(register.paths.label, -1)
    for nobody in (register.paths._replace(label=free), register.paths._replace(last=unseen)):
        assert matters(register._replace(paths=nobody), 1).tolist() == [0.0, 0.0, 0.0, 0.0]


def test_sensors_are_grouped_and_a_group_grows_without_forgetting():
    made = sky(BOTH, 60.0)
    picture, _ = run(begun(ON), made.batches, 60.0, ON)
    (group,) = picture.chains.registered.groups
    register = unpacked(group)
    wider = registry.grown(register, WEST.place(), np.array([1.0, 0.0, 0.0, 0.1]), registry.SETTINGS)
    n = len(register.belief.mean)
    rows = np.r_[0:12, 18 : n + 6]
    np.testing.assert_array_equal(wider.belief.covariance[np.ix_(rows, rows)], register.belief.covariance)
    np.testing.assert_array_equal(wider.belief.mean[rows], register.belief.mean)
    assert wider.belief.mean[12] == 1.0
    full = replace(group, names=("x",) * MOST)
    near, far = register.position[0] + 10.0, register.position[0] + 2 * NEAR
    assert registry.joining(near, [group]) == 0
    assert registry.joining(near, [full]) == 1
    assert registry.joining(far, [group]) == 1
    assert registry.joining(far, [group] * 23) == 23
    assert registry.joining(far, [group] * 24) is None
    again = unpacked(replace(group, columns=packed(register)))
    np.testing.assert_array_equal(again.paths.slope, register.paths.slope)


def test_who_no_group_has_room_for_is_named(monkeypatch):
    made = sky(BOTH, 40.0)
    monkeypatch.setattr(group_of, "MOST", 1)
    whole, _ = run(begun(ON), made.batches, 40.0, ON)
    assert len(whole.chains.registered.groups) == 2
    assert left(whole) == LeftRow(0, ())
    monkeypatch.setattr(group_of, "MOST_GROUPS", 1)
    picture, events = run(begun(ON), made.batches, 40.0, ON)
    (one,) = picture.chains.registered.groups
    (out,) = {"west", "east"} - set(one.names)
    assert left(picture) == LeftRow(1, (out,))
    assert picture.chains.registered.digest != whole.chains.registered.digest
    assert not [one for one in events if isinstance(one, Failed | Refused)]
    line = Line(ON, picture)
    assert Line.restore(line.save()).picture.chains.registered.left == (out,)
