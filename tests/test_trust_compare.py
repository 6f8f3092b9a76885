"""Sensors compared with each other: who is off is put in quarantine, who sees alone never is."""

from dataclasses import replace

import numpy as np
import pytest
import registry_sky as sky
from hypothesis import given
from hypothesis import strategies as st

from skywarden.model.deed import SensorTrust
from skywarden.model.detection import Kind
from skywarden.model.place import Sensor
from skywarden.model.trust import Compared, Word
from skywarden.saved import digest
from skywarden.track import compare
from skywarden.track.compare import PATIENCE, RELEASE, decided
from skywarden.track.overheard import HEARD
from skywarden.track.residuals import placed
from skywarden.track.residuals import plots as measured
from skywarden.trust.stage import DIFFERS, ELSEWHERE

SECOND, DEGREE, SIGMA = sky.SECOND, sky.DEGREE, sky.SIGMA
SPOTS = ((-15e3, 0.0), (15e3, 5e3), (0.0, -15e3))


def radar(spot, bias=(0.0, 0.0, 0.0, 0.0), **rest):
    return sky.world.Radar(*spot, SIGMA, bias, turning=False, **rest)


def told(events):
    return [(one.time, one.sensor, one.word) for one in events if isinstance(one, SensorTrust)]


def run(radars, seconds, count=12, register=False, seed=0, fixes=False, each=None):
    made = sky.settings(register_sensors=register)
    world = sky.sky(radars, seconds, count=count, fixes=fixes, seed=seed)
    return sky.run(sky.begun(made), world.batches, seconds, made, each=each)


@pytest.mark.parametrize(("seed", "minute"), [(0, 5), (1, 1), (2, 1)])
def test_a_radar_that_turns_by_two_degrees_is_in_quarantine_in_150_s_and_the_good_ones_never_are(seed, minute):
    radars = [radar(SPOTS[0]), radar(SPOTS[1])]
    radars.append(radar(SPOTS[2], knock=60.0 * minute, added=(0.0, 2 * DEGREE, 0.0, 0.0)))
    _, events = run(radars, 60.0 * minute + 180.0, seed=seed)
    assert {name for _, name, _ in told(events)} <= {"south", "west", "east"}
    bad = [(time, name) for time, name, word in told(events) if word is Word.QUARANTINED]
    assert [name for _, name in bad] == ["south"]
    assert 60.0 < (bad[0][0] - sky.START) / SECOND - 60.0 * minute <= 150.0
    assert next(one.reasons for one in events if isinstance(one, SensorTrust) and one.word is Word.QUARANTINED) == (
        ELSEWHERE,
    )


def test_what_registration_has_corrected_is_out_of_quarantine_after_five_good_minutes():
    radars = [radar(SPOTS[0]), radar(SPOTS[1]), radar(SPOTS[2], knock=60.0, added=(0.0, 2 * DEGREE, 0.0, 0.0))]
    picture, events = run(radars, 900.0, register=True)
    words = [word for _, name, word in told(events) if name == "south"]
    assert [word for word in words if word in (Word.QUARANTINED, Word.CONSISTENT)] == [
        Word.QUARANTINED,
        Word.CONSISTENT,
    ]
    assert not picture.trust.quarantined


@pytest.mark.parametrize("count", [3, 12, 40])
def test_good_radars_are_consistent_and_their_innovations_are_as_large_as_they_claim(count):
    picture, events = run([radar(spot) for spot in SPOTS], 240.0, count=count)
    assert not told(events)
    for one in picture.trust.standing:
        assert one.word is Word.CONSISTENT
        assert 0.7 < one.ratio < 1.4
        assert one.outside < 0.05


def test_of_two_that_differ_nobody_says_which_is_off():
    _, events = run([radar(SPOTS[0]), radar(SPOTS[1], bias=(0.0, 2 * DEGREE, 0.0, 0.0))], 300.0)
    assert {(name, word) for _, name, word in told(events)} == {("west", Word.DOUBTFUL), ("east", Word.DOUBTFUL)}
    assert {one.reasons for one in events if isinstance(one, SensorTrust)} == {(DIFFERS,)}


def test_who_alone_sees_targets_has_nothing_that_is_compared():
    far = radar((150e3, 0.0))
    here = [sky.plots("west", far, *_seen(far, 240.0), rows) for rows in _turns(far, 240.0)]
    made = sky.settings(register_sensors=False)
    picture, events = sky.run(sky.begun(made), here, 240.0, made)
    assert len(picture.tracks) > 5
    assert not told(events)
    assert picture.chains.compared.names == ()


def _seen(one, seconds):
    rng = np.random.default_rng(3)
    return (sky.world.looks(rng, sky.world.sky(rng, 10, 150.0, seconds), [one], seconds),)


def _turns(one, seconds):
    (seen,) = _seen(one, seconds)
    return [np.flatnonzero(seen.time == time) for time in np.unique(seen.time)]


def test_radars_that_see_different_targets_of_one_formation_are_not_taken_for_one_that_is_off():
    """Each sees its own half: by chance, not by one shift of all."""
    rng = np.random.default_rng(5)
    flown = sky.world.sky(rng, 24, 150.0, 242.0)
    radars = [radar(spot) for spot in SPOTS]
    seen = sky.world.looks(rng, flown, radars, 240.0)
    half = np.where(seen.sensor == 2, seen.target % 2 == 0, seen.target % 2 == 1)
    batches = []
    for row, one in enumerate(radars):
        for time in np.unique(seen.time[seen.sensor == row]).tolist():
            rows = np.flatnonzero((seen.sensor == row) & (seen.time == time) & half)
            if len(rows):
                batches.append(sky.plots(sky.NAMES[row], one, seen, rows))
    made = sky.settings(register_sensors=False)
    ordered = sorted(batches, key=lambda one: (int(one.time[-1]), one.sensor))
    picture, events = sky.run(sky.begun(made), ordered, 240.0, made)
    assert not told(events)
    assert not picture.trust.quarantined


def test_equal_plots_give_the_same_whatever_the_ticks():
    radars = [radar(SPOTS[0]), radar(SPOTS[1]), radar(SPOTS[2], knock=20.0, added=(0.0, 2 * DEGREE, 0.0, 0.0))]
    world, made = sky.sky(radars, 120.0, count=8, fixes=False), sky.settings(register_sensors=False)
    found = [sky.run(sky.begun(made), world.batches, 120.0, made, tick=tick)[0].chains for tick in (0.5, 0.25)]
    one, other = (chains.compared for chains in found)
    assert one.until == other.until
    assert (one.digest, one.names) == (other.digest, other.names)
    assert one.digest
    picture = sky.run(sky.begun(made), world.batches, 120.0, made)[0]
    changed = replace(one, digest="another")
    assert digest(replace(picture, chains=replace(picture.chains, compared=changed))) != digest(picture)


def plots(rng, sensors, places, shift=0.0):
    """Return rows of `HEARD`: what sensors at SPOTS measure of targets 2 km up. places: (sensor, east, north) each."""
    rows = np.zeros(len(places), HEARD)
    for k, (sensor, east, north) in enumerate(places):
        stands, there = radar(SPOTS[sensor]).place(), sky.world.at(east, north, 2000.0)
        flies = there.rotation.T @ np.array([0.0, 150.0, 0.0])
        state = np.concatenate([there.position, flies])
        zero = np.zeros((1, 6))
        z = measured(state[None], stands.position[None], stands.rotation[None], zero).z[0] + rng.normal(size=3) * SIGMA
        z[1] += shift if sensor == 2 else 0.0
        row = rows[k]
        row["time"], row["sensor"], row["kind"], row["label"], row["name"] = END - SECOND, sensor, Kind.POLAR, k + 1, k
        row["z"], row["covariance"], row["state"], row["up"] = z, np.diag(np.square(SIGMA)), state, 500.0
        row["position"], row["rotation"] = stands.position, stands.rotation
    return rows


END = sky.START + 5 * SECOND


@pytest.mark.parametrize("seed", range(5))
def test_tracks_beside_each_other_are_of_one_target_only_where_one_shift_explains_them(seed):
    rng = np.random.default_rng(seed)
    spots = [(25e3 * (k % 4) - 40e3, 25e3 * (k // 4) + 20e3) for k in range(12)]
    beside = rng.uniform(1e3, 3e3, 12), rng.uniform(0, 2 * np.pi, 12)
    chance = [(2, e + r * np.sin(a), n + r * np.cos(a)) for (e, n), r, a in zip(spots, *beside, strict=True)]
    seen = [(0, *spot) for spot in spots]
    assert not len(compare.compared(plots(rng, SPOTS, seen + chance), END).one)
    turned = plots(rng, SPOTS, seen + [(2, *spot) for spot in spots], 2 * DEGREE)
    stands = radar(SPOTS[2]).place()
    axes = (one[None].repeat(12, 0) for one in (stands.position, stands.rotation))
    turned["state"][12:, :3] = placed(turned["z"][12:], *axes, np.zeros((12, 6)))
    found = compare.compared(turned, END)
    assert len(found.one) >= 9
    assert found.outside.all()
    assert {*found.one.tolist(), *found.other.tolist()} == {0, 2}
    late = turned.copy()
    late["label"] = 100 - turned["label"]  # whose track is older does not matter
    assert len(compare.compared(late, END).one) == len(found.one)
    few = np.concatenate([turned[:2], turned[12:14]])
    assert not len(compare.compared(few, END).one)  # two may be by chance


def known(n, pairs, **columns):
    """Return comparisons of n sensors. pairs: (a, b): (plots, outside)."""
    who = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    sums = np.array([(*pairs[tuple(pair)], 0.0) for pair in who.tolist()]).reshape(-1, 3)
    zero = np.zeros(n, np.int64)
    columns = {"worse": zero, "well": zero, "out": zero} | columns
    return Compared(tuple("abcdefgh"[:n]), who, sums, **columns)


GOOD, BAD = (200.0, 2.0), (200.0, 190.0)


def after(before, minutes=2.0):
    """Return it after so long in which nothing changes."""
    now = sky.START
    for step in range(int(minutes * 12) + 1):
        before = decided(before, now + step * compare.WINDOW)
    return dict(zip(before.names, (before.out > 0).tolist(), strict=True))


def test_who_is_off_is_decided_by_many_that_agree():
    assert after(known(3, {(0, 1): GOOD, (0, 2): BAD, (1, 2): BAD})) == {"a": False, "b": False, "c": True}
    assert not any(after(known(2, {(0, 1): BAD})).values())
    assert not any(after(known(3, {(0, 1): BAD, (0, 2): BAD, (1, 2): BAD})).values())  # nobody agrees
    two_and_two = {(0, 1): GOOD, (2, 3): GOOD, (0, 2): BAD, (0, 3): BAD, (1, 2): BAD, (1, 3): BAD}
    assert after(known(4, two_and_two)) == dict.fromkeys("abcd", False)
    three_and_two = two_and_two | {(0, 4): GOOD, (1, 4): GOOD, (2, 4): BAD, (3, 4): BAD}
    assert after(known(5, three_and_two)) == {"a": False, "b": False, "c": True, "d": True, "e": False}
    few = (49.0, 49.0)
    assert not any(after(known(3, {(0, 1): GOOD, (0, 2): few, (1, 2): few})).values())
    assert not any(after(known(3, {(0, 1): GOOD, (0, 2): BAD, (1, 2): BAD}), 0.9).values())  # not for long enough


def test_only_who_is_in_the_configuration_is_asked():
    pairs = {(0, 1): GOOD, (0, 2): BAD, (1, 2): BAD, (2, 3): GOOD, (2, 4): GOOD, (3, 4): GOOD}
    pairs |= {(a, b): BAD for a in (0, 1) for b in (3, 4)}
    assert after(known(5, pairs)) == {"a": True, "b": True, "c": False, "d": False, "e": False}
    asked = replace(known(5, pairs), enrolled=("a", "b", "c"))
    assert after(asked) == {"a": False, "b": False, "c": True, "d": False, "e": False}  # with d agree c and itself
    assert not any(after(replace(known(5, pairs), enrolled=("a", "c"))).values())
    picture = sky.anew(sky.Picture(sky.START), (Sensor(name="a", source="x"), Sensor(name="m", source="y", node=3)),
                       sky.TrackerSettings())  # fmt: skip
    assert picture.chains.compared.enrolled == ("a",)


def test_who_is_out_stays_until_others_have_agreed_with_it_for_five_minutes():
    out = np.array([0, 0, sky.START], np.int64)
    again = known(3, {(0, 1): GOOD, (0, 2): GOOD, (1, 2): GOOD}, out=out)
    assert after(again, 4.9)["c"]
    assert not after(again, RELEASE / 60e9 + 0.1)["c"]
    assert after(known(3, {(0, 1): GOOD}, out=out), 60.0)["c"]  # nobody can tell
    assert PATIENCE < RELEASE


@given(st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda p: p[0] < p[1]),
       st.tuples(st.floats(0.0, 300.0), st.floats(0.0, 1.0)), max_size=10))  # fmt: skip
def test_nobody_is_out_whom_less_than_two_speak_against(pairs):
    found = after(known(5, {pair: (n, n * share) for pair, (n, share) in pairs.items()}))
    for k, name in enumerate("abcde"):
        against = sum(1 for pair, (n, share) in pairs.items() if k in pair and n >= 50.0 and share > 0.5)
        assert not found[name] or against >= 2
