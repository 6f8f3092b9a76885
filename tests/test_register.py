"""Registration at work: biases found, honest about what is not known, and what does not fit is not believed."""

import numpy as np
import pytest
from register_sky import (
    DEGREE,
    EAST,
    SECOND,
    SETTINGS,
    SOUTH,
    START,
    WEST,
    bias,
    measured,
    only,
    registered,
    sigma,
)
from scipy.stats import chi2

from skywarden import geo
from skywarden.model.detection import Kind, detections
from skywarden.track.biases import BiasSettings
from skywarden.track.corrections import changed, difference, known
from skywarden.track.follow import FAST
from skywarden.track.measured import EXACT, FIX, ORDINARY, Measured, together
from skywarden.track.measured import measured as told
from skywarden.track.register import begun, step
from skywarden.track.registration import correct
from skywarden.track.versions import SURE

NAMES = ("west", "east", "south")
TENTH = np.array([15.0, 0.05 * DEGREE])  # of 150 m and 0.5 deg


def test_biases_are_found_from_fixes_within_a_tenth_in_five_minutes():
    for seed in range(3):
        found = registered([WEST], measured([WEST], seed, latency="exact"))
        off = bias(found, 0) - WEST.bias
        assert (np.abs(off[:2]) < TENTH).all()
        assert (np.abs(off) < 4.0 * sigma(found, 0)).all()
        assert found.jumped == ()


def test_two_radars_are_joined_by_what_both_see_and_claim_only_what_they_differ_by():
    radars = [WEST, EAST]
    found = registered(radars, measured(radars, 1))
    step, covariance = difference(found, 0, 1)
    off = step - (np.array(WEST.bias) - EAST.bias)
    assert (np.abs(off[:2]) < TENTH).all()
    assert (np.abs(off) < 4.0 * np.sqrt(np.diag(covariance))).all()
    assert sigma(found, 0)[3] > 0.3  # s: the prior of both together, half a second over the root of two
    assert np.sqrt(covariance[3, 3]) < 0.06
    both = known(found, NAMES[:2], SETTINGS)
    assert [one.relative for one in both] == [True, True]
    assert [one.group for one in both] == ["west", "west"]
    tied = registered(radars, measured(radars, 1, latency="exact"))
    assert not any(one.relative for one in known(tied, NAMES[:2], SETTINGS))


def test_who_shares_no_target_is_in_a_group_of_its_own():
    radars = [WEST, EAST, SOUTH]
    seen = measured(radars, 1, seconds=100.0)
    apart = seen._replace(target=np.where(seen.sensor == 2, seen.target + 100, seen.target))
    settings = BiasSettings(targets=32)
    found = known(registered(radars, apart, 100.0, settings=settings), NAMES, settings)
    assert [one.group for one in found] == ["west", "west", "south"]


def drift(rng, count, seconds, pace):
    """Return states (steps, count, 6) of targets that move as the paths believe, each `pace` s."""
    settings, state = SETTINGS, np.zeros((count, 6))
    here = geo.place(np.radians(33.5), np.radians(-41.25), 0.0)
    local = np.column_stack([rng.uniform(-3e4, 3e4, (2, count)).T, rng.uniform(3e3, 6e3, count)])
    heading = rng.uniform(-np.pi, np.pi, count)
    state[:, :3] = here.position + local @ here.rotation
    state[:, 3:] = 150.0 * np.column_stack([np.sin(heading), np.cos(heading), 0.0 * heading]) @ here.rotation
    states = [state]
    for _ in range(round(seconds / pace)):
        level = settings.claimed_noise_m2_s3 * np.clip((state[:, 3:] ** 2).sum(1) / FAST**2, 1 / 16, 4.0)
        q = np.column_stack([level, level, np.full(count, settings.vertical_noise_m2_s3)])
        one, other = rng.normal(size=(2, count, 3))
        speed = np.sqrt(q * pace) * one
        place = np.sqrt(q * pace**3) * (one / 2 + other / np.sqrt(12.0))
        moved = state[:, :3] + pace * state[:, 3:] + place @ here.rotation
        state = np.hstack([moved, state[:, 3:] + speed @ here.rotation])
        states.append(state)
    return np.array(states)


def matched(rng, radar, truth, count=4, seconds=100.0):
    """Return what one radar and exact fixes say of targets in a world that is as registration believes."""
    states, place = drift(rng, count, seconds, 0.5), radar.place()
    k = np.arange(2, len(states), 2)
    offset = rng.normal(scale=10.0, size=(count, 3))
    parts = []
    for sensor, rows in ((FIX, k), (0, k + 1 - 2)):
        x = states[rows].reshape(-1, 6)
        target = np.tile(np.arange(count), len(rows))
        if sensor == FIX:
            z, R = x[:, :3] + offset[target] + rng.normal(scale=10.0, size=(len(x), 3)), np.eye(3) * 100.0
        else:
            x = x.copy()
            x[:, :3] -= truth[3] * x[:, 3:]
            e = (x[:, :3] - place.position) @ place.rotation.T
            r, level = np.linalg.norm(e, axis=1), np.hypot(e[:, 0], e[:, 1])
            z = np.stack([r, np.arctan2(e[:, 0], e[:, 1]), np.arctan2(e[:, 2], level)], -1) + truth[:3]
            z, R = z + rng.normal(size=z.shape) * radar.sigma, np.diag(np.square(radar.sigma))
        n, none = len(x), np.zeros(len(x))
        time = START + np.repeat(rows, count) * (SECOND // 2)
        parts.append(Measured(time, none, np.full(n, sensor), target, z, np.tile(R, (n, 1, 1)), none, none + 1e-3))
    whole = Measured(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return only(whole, np.argsort(whole.time, kind="stable"))


def test_the_covariance_is_honest_where_the_world_is_as_believed():
    runs, nees = 40, []
    for seed in range(runs):
        rng = np.random.default_rng([17, seed])
        truth = rng.normal(size=4) * [300.0, 0.0175, 0.0175, 0.2]  # the clock's square matters beyond that
        settings = BiasSettings(targets=4, prior=(300.0, 0.0175, 0.0175, 0.2, 0.01, 0.01))
        found = registered([WEST], matched(rng, WEST, truth), 100.0, settings=settings)
        off = bias(found, 0) - truth
        nees.append(off @ np.linalg.solve(found.belief.covariance[:4, :4], off))
    low, high = (chi2.ppf(p, 4 * runs) / runs for p in (0.0025, 0.9975))
    assert low < np.mean(nees) < high


def test_a_latency_that_nobody_told_leaves_the_clock_less_sure_but_right():
    found = [registered([WEST], measured([WEST], seed, latency="ordinary")) for seed in range(4)]
    for one in found:
        (west,) = known(one, NAMES[:1], SETTINGS)
        assert (np.abs(west.bias - WEST.bias)[:2] < TENTH).all()
        assert 0.1 < west.sigma[3] < 0.15
        assert abs(west.bias[3] - WEST.bias[3]) < 3.0 * west.sigma[3]
        assert not west.relative


def test_where_all_latencies_are_alike_and_others_than_is_believed_no_clock_is_moved_by_that():
    right = WEST._replace(bias=(*WEST.bias[:3], 0.0))
    for seed in range(4):
        found = registered([right], measured([right], seed, latency="none"))
        (west,) = known(found, NAMES[:1], SETTINGS)
        assert west.bias[3] > 0.15  # it is believed to be late, since fixes are
        assert west.bias[3] < SURE * west.sigma[3]
        assert (np.abs(west.bias - right.bias)[:2] < TENTH).all()


def test_a_mast_that_is_knocked_is_found_with_its_time():
    knocked = WEST._replace(knock=400.0, added=(0.0, 0.5 * DEGREE, 0.0, 0.0))
    radars, jumps = [knocked, EAST], []
    seen = measured(radars, 2, seconds=700.0, latency="exact")
    found = registered(radars, seen, 700.0, lambda one: jumps.extend((one.time, jump) for jump in one.jumped))
    ((when, jump),) = jumps
    assert (jump.column, jump.gross) == (1, False)
    assert 400.0 < (when - START) / SECOND < 460.0
    assert abs((jump.since - START) / SECOND - 400.0) < 30.0
    assert abs(bias(found, 0)[1] - DEGREE) < TENTH[1]


@pytest.mark.parametrize("column, size", [(0, 2000.0), (1, 5.0 * DEGREE), (3, 1.5)])
def test_a_jump_that_nothing_fits_any_more_is_found_too(column, size):
    added = tuple(size if k == column else 0.0 for k in range(4))
    radars, jumps = [WEST._replace(knock=200.0, added=added), EAST], []
    seen = measured(radars, 3, seconds=420.0, latency="exact")
    found = registered(radars, seen, 420.0, lambda one: jumps.extend(one.jumped))
    assert [jump.column for jump in jumps] == [column]
    assert (np.abs(bias(found, 0) - WEST.bias - added) < [*TENTH, TENTH[1], 0.1]).all()


def test_a_radar_that_stands_elsewhere_is_found_by_the_others_and_not_corrected():
    radars = [WEST, EAST, SOUTH._replace(shift=(2000.0, -1500.0))]
    found = registered(radars, measured(radars, 4, seconds=200.0, latency="exact"), 200.0)
    assert [one.fault for one in known(found, NAMES, SETTINGS)] == ["", "", "place"]
    assert found.belief.mean[16:18] == pytest.approx([2000.0, -1500.0], abs=150.0)
    assert {one.sensor for one in changed((), found, NAMES, SETTINGS)} == {"west", "east"}
    assert (np.abs(bias(found, 0) - WEST.bias)[:2] < 2.0 * TENTH).all()


@pytest.mark.parametrize("latency", ["exact", None])
def test_a_clock_that_is_20_s_off_is_a_fault_and_spoils_nobody_else(latency):
    radars = [WEST, EAST, SOUTH._replace(bias=(0.0, 0.0, 0.0, 20.0))]
    found = registered(radars, measured(radars, 5, seconds=300.0, latency=latency))
    assert known(found, NAMES, SETTINGS)[2].fault in ("clock", "place", "does not fit")
    assert "south" not in {one.sensor for one in changed((), found, NAMES, SETTINGS)}
    step, covariance = difference(found, 0, 1)
    assert (np.abs(step - np.array(WEST.bias) + EAST.bias)[:2] < 1.5 * TENTH).all()
    assert np.sqrt(covariance[3, 3]) < 0.07


def test_one_that_comes_back_to_its_senses_is_trusted_again():
    radars = [WEST, EAST, SOUTH._replace(bias=(60.0, 0.0, 0.0, 20.0), knock=150.0, added=(0.0, 0.0, 0.0, -20.0))]
    seen, faults = measured(radars, 5, seconds=400.0, latency="exact"), []
    found = registered(radars, seen, 400.0, lambda one: faults.append(known(one, NAMES, SETTINGS)[2].fault))
    assert faults[12] != ""
    assert faults[-1] == ""
    assert abs(bias(found, 2)[0] - 60.0) < 20.0


@pytest.mark.parametrize("missing, kept", [((2,), (0, 1)), ((0, 2), (1,))], ids=["no elevation", "only azimuth"])
def test_what_is_not_measured_has_no_bias_and_the_rest_is_found(missing, kept):
    seen = measured([WEST], 13, latency="exact")
    z = seen.z.copy()
    for column in missing:
        z[seen.sensor == 0, column] = np.nan
    found = registered([WEST], seen._replace(z=z))
    for column in missing:
        assert (bias(found, 0)[column], sigma(found, 0)[column]) == (
            0.0,
            pytest.approx(SETTINGS.prior[column], rel=1e-3),
        )
    for column in kept:
        assert abs(bias(found, 0)[column] - WEST.bias[column]) < TENTH[column]
    assert {one.elevation for one in changed((), found, NAMES[:1], SETTINGS)} == {0.0}


def test_a_mast_is_found_without_any_reference_too_and_nobody_else_is_accused():
    knocked = WEST._replace(knock=400.0, added=(0.0, 0.5 * DEGREE, 0.0, 0.0))
    radars, jumps = [EAST, knocked, SOUTH], []
    registered(radars, measured(radars, 14, seconds=700.0), 700.0, lambda one: jumps.extend(one.jumped))
    assert [jump.column for jump in jumps] == [7]


def test_wrong_associations_do_little():
    rng = np.random.default_rng(8)
    seen = measured([WEST], 6, latency="exact")
    wrong = (rng.random(len(seen.time)) < 0.05) & (seen.sensor == 0)
    mixed = seen._replace(target=np.where(wrong, rng.integers(0, 8, len(wrong)), seen.target))
    good, found = registered([WEST], seen), registered([WEST], mixed)
    assert (np.abs(bias(found, 0) - WEST.bias)[:2] < TENTH).all()
    assert (np.abs(bias(found, 0) - bias(good, 0)) < 2.0 * sigma(good, 0)).all()
    assert found.strange.refused[0] > 1.0


def test_what_is_no_measurement_changes_nothing_to_the_bit():
    seen = measured([WEST], 7, seconds=60.0, latency="exact")
    bad = only(seen, np.arange(0, len(seen.time), 5))
    bad = bad._replace(z=np.full_like(bad.z, np.nan))
    order = np.argsort(np.concatenate([seen.time, bad.time]), kind="stable")
    both = Measured(*(np.concatenate(pair)[order] for pair in zip(seen, bad, strict=True)))
    one, other = registered([WEST], seen, 60.0), registered([WEST], both, 60.0)
    assert one.belief.mean.tobytes() == other.belief.mean.tobytes()
    assert one.belief.covariance.tobytes() == other.belief.covariance.tobytes()


def test_absurd_measurements_leave_a_belief_that_is_one():
    rng = np.random.default_rng(15)
    seen = measured([WEST, EAST], 15, seconds=60.0, latency="ordinary")
    n = len(seen.time)
    wild = rng.random(n) < 0.3
    scale = 10.0 ** rng.uniform(-20.0, 20.0, (n, 3))
    covariance = np.where(wild[:, None, None], np.einsum("ni,ij->nij", scale, np.eye(3)), seen.covariance)
    z = np.where(wild[:, None], seen.z * 10.0 ** rng.uniform(-6.0, 6.0, (n, 3)), seen.z)
    time = np.where(rng.random(n) < 0.05, rng.integers(0, 2**62, n), seen.time)
    odd = seen._replace(z=z, covariance=covariance, time=time, time_sigma=np.where(wild, 1e6, 0.0))
    found = begun([WEST.place(), EAST.place()], SETTINGS, START)
    for k in range(6):
        part = only(odd, (seen.time >= START + 10 * k * SECOND) & (seen.time < START + 10 * (k + 1) * SECOND))
        found = step(found, part, found.time + 10 * SECOND, SETTINGS)
    assert np.isfinite(found.belief.mean).all()
    assert np.linalg.eigvalsh(found.belief.covariance).min() > 0.0
    assert np.isfinite(found.paths.mean).all()


def test_a_batch_of_detections_is_told_as_it_was_before_its_correction():
    seen = measured([WEST], 11, latency="exact")
    (one,) = changed((), registered([WEST], seen), NAMES[:1], SETTINGS)
    z, time = np.array([[20_000.0, 1.0, 0.1, np.nan]]), np.array([START])
    plot = detections(Kind.POLAR, "west", START, time, z, np.eye(4)[None], place=WEST.place())
    label = np.array([4])
    raw, again = told(plot, 0, label), told(correct(plot, [one]), 0, label, applied=one)
    assert all(np.array_equal(a, b) for a, b in zip(raw, again, strict=True))
    angle = detections(Kind.DIRECTION, "west", START, time, z[:, 1:3], np.eye(2)[None], place=WEST.place())
    assert np.isnan(told(angle, 0, label).z[0]).tolist() == [True, False, False]
    fix = detections(Kind.POSITION, "adsb", START, time, z[:, :3], np.eye(3)[None])
    both = together([told(fix, 3, label, EXACT), raw])
    assert both.sensor.tolist() == [FIX, 0]
    assert both.latency_sigma.tolist() == [EXACT[1], ORDINARY[1]]
    with pytest.raises(ValueError, match="PRESENCE"):
        told(detections(Kind.PRESENCE, "n", START, time, z[:, :2], np.eye(2)[None]), 0, label)


def test_equal_measurements_give_equal_results_and_what_is_given_stays_as_it_is():
    seen = measured([WEST, EAST], 8, seconds=60.0, latency="ordinary")
    copies = [column.copy() for column in seen]
    known_before = registered([WEST, EAST], seen, 60.0)
    frozen = known_before.belief.mean.copy(), known_before.paths.mean.copy()
    step(known_before, only(seen, slice(0, 0)), known_before.time + SECOND, SETTINGS)
    assert (known_before.belief.mean == frozen[0]).all()
    assert (known_before.paths.mean == frozen[1]).all()
    assert all(np.array_equal(a, b) for a, b in zip(seen, copies, strict=True))
    turned = only(seen, np.random.default_rng(1).permutation(len(seen.time)))
    shuffled = only(turned, np.argsort(turned.time, kind="stable"))
    again = registered([WEST, EAST], shuffled, 60.0)
    assert again.belief.mean.tobytes() == known_before.belief.mean.tobytes()


def test_an_hour_without_any_measurement_only_makes_less_sure():
    found = registered([WEST], measured([WEST], 9, latency="exact"))
    later = step(found, only(measured([WEST], 9), slice(0, 0)), found.time + 3600 * SECOND, SETTINGS)
    assert (later.belief.mean == found.belief.mean).all()
    assert (np.diag(later.belief.covariance)[:4] > np.diag(found.belief.covariance)[:4]).all()
    assert (later.paths.label < 0).all()


def test_a_new_version_comes_with_a_change_and_not_with_noise():
    knocked = WEST._replace(knock=700.0, added=(0.0, 0.5 * DEGREE, 0.0, 0.0))
    applied, versions = {}, []

    def each(one):
        for new in changed(tuple(applied.values()), one, NAMES[:1], SETTINGS):
            applied[new.sensor] = new
            versions.append(((one.time - START) // SECOND, new.version))

    registered([knocked], measured([knocked], 10, seconds=1200.0, latency="exact"), 1200.0, each)
    assert [version for _, version in versions] == list(range(2, 2 + len(versions)))
    assert len([when for when, _ in versions if when <= 300]) <= 8
    assert len([when for when, _ in versions if 300 < when <= 700]) <= 3
    assert any(700 < when <= 760 for when, _ in versions)
    last = applied["west"]
    assert abs(last.azimuth - DEGREE) < TENTH[1]
    assert len(last.covariance) == 16
    assert last.covariance[5] == pytest.approx(last.covariance[5])


def test_what_is_changed_is_what_is_corrected():
    found = registered([WEST], measured([WEST], 11, latency="exact"))
    (one,) = changed((), found, NAMES[:1], SETTINGS)
    assert (one.sensor, one.version, one.since) == ("west", 2, found.time)
    z = np.array([[20_000.0 + WEST.bias[0], 1.0 + WEST.bias[1], 0.1, np.nan]])
    time = np.array([found.time])
    plot = detections(Kind.POLAR, "west", found.time, time, z, np.eye(4)[None], place=WEST.place())
    plain = correct(plot, [one])
    assert abs(plain.z[0, 0] - 20_000.0) < TENTH[0]
    assert abs(plain.z[0, 1] - 1.0) < TENTH[1]
    assert abs((time[0] - plain.time[0]) * 1e-9 - WEST.bias[3]) < 0.15
    assert (plain.registration, plain.raw.tolist()[0][:3]) == (2, z.tolist()[0][:3])
    assert changed((one,), found, NAMES[:1], SETTINGS) == ()


def test_what_is_configured_is_where_it_begins():
    wanted = np.array([[150.0, 0.5 * DEGREE, 0.0, 0.2]])
    found = begun([WEST.place()], SETTINGS, START, wanted)
    assert bias(found, 0) == pytest.approx(wanted[0])
    far = WEST._replace(bias=(150.0, 20.0 * DEGREE, 0.0, 0.2), knock=60.0, added=(0.0, 0.0, 0.0, 20.0))
    seen = measured([far], 16, seconds=120.0, latency="exact")
    found = begun([far.place()], SETTINGS, START, np.array([[0.0, 20.0 * DEGREE, 0.0, 0.0]]))
    azimuths, faults = [], []
    for k in range(12):
        until = START + 10 * (k + 1) * SECOND
        here = only(seen, (seen.time >= found.time) & (seen.time < until))
        found = step(found, here, until, SETTINGS)
        azimuths.append(bias(found, 0)[1])
        faults.append(known(found, NAMES[:1], SETTINGS)[0].fault)
    assert azimuths == pytest.approx(np.full(12, 20.0 * DEGREE), abs=0.3 * DEGREE)  # it is not begun from nothing again
    assert (faults[5], bool(faults[-1])) == ("", True)


def test_more_targets_than_there_is_room_for_do_no_harm():
    small = BiasSettings(targets=2)
    found = registered([WEST], measured([WEST], 12, count=9, latency="exact"), settings=small)
    assert (found.paths.label >= 0).sum() == 2
    assert (np.abs(bias(found, 0) - WEST.bias) < 4.0 * sigma(found, 0)).all()


def test_what_cannot_be_is_refused():
    found = begun([WEST.place()], SETTINGS, START)
    with pytest.raises(ValueError, match="older"):
        step(found, only(measured([WEST]), slice(0, 0)), START - 1, SETTINGS)
    with pytest.raises(ValueError, match="one sensor or more"):
        begun([], SETTINGS, START)
    with pytest.raises(ValueError, match="prior"):
        BiasSettings(prior=(1.0, 2.0))
    with pytest.raises(ValueError, match="least_change"):
        BiasSettings(least_change=(1.0, 2.0, 3.0, -1.0))
    with pytest.raises(ValueError, match="targets"):
        BiasSettings(targets=0)


@pytest.mark.parametrize("latency, ordinary", [("ordinary", True), ("exact", False)])
def test_whose_latency_lies_between_limits_is_known(latency, ordinary):
    found = registered([WEST], measured([WEST], 1, latency=latency, seconds=60.0), 60.0)
    fixed = found.paths.label >= 0
    assert fixed.any()
    assert (found.ordinary[fixed] == ordinary).all()
