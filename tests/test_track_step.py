"""Rules of the tracker's tick: what is refused, late data, addresses, directions, floods, registration."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from track_world import START, Adsb, Flight, Radar, Sky, batch, where

from skywarden import geo
from skywarden.model.detection import WIDTH, Kind
from skywarden.model.event import Refused, TrackDropped
from skywarden.model.place import Registration, Sensor
from skywarden.model.track import Picture, Status
from skywarden.service.rows import tracks
from skywarden.track.beliefs import MOST_PLOTS
from skywarden.track.pool import LEAF
from skywarden.track.registration import configured, correct
from skywarden.track.states import at, states
from skywarden.track.step import TrackerSettings, track

RADAR = Radar("radar", 0.0, -20_000.0, detection=1.0)
PLACE = RADAR.place


def refused(events):
    return [e for e in events if isinstance(e, Refused)]


def flown(*flights, sensors=None, until=20.0):
    return Sky(list(flights), sensors or [Adsb()]).run(until)


def once(sky, *batches, after=0.0):
    """Step the sky by hand, `after` s on."""
    sky.t += after
    return sky.step(list(batches))


def fix(t, position, address=-1, sigma=10.0, sensor="adsb", **more):
    many = np.atleast_2d(position)
    return batch(
        Kind.POSITION,
        sensor,
        t,
        many,
        np.eye(3) * sigma**2,
        address=np.broadcast_to(np.asarray(address, np.int64), len(many)).copy(),
        revisit=1.0,
        **more,
    )


@pytest.mark.parametrize("kind", [Kind.DELAY])
def test_kinds_that_are_not_used_yet_are_counted(kind):
    w = WIDTH[kind]
    unused = batch(kind, "other", np.zeros(3), np.ones((3, w)), np.eye(w), place=PLACE)
    tracked = track(Picture(START), [unused], START, TrackerSettings())
    assert tracked.events == (Refused("other", "unsupported", 3),)
    assert len(tracked.tracks) == 0
    assert tracked.matches[0].tolist() == [0, 0, 0]


def pointed(t, position, sigma=100.0):
    """Return a report of a place on a map."""
    latitude, longitude, _ = geo.geodetic(position)
    return batch(Kind.PLANE, "people", t, [latitude, longitude], np.eye(2) * sigma**2, revisit=10.0)


def test_a_place_on_a_map_starts_a_track_and_more_of_them_confirm_it():
    flight, hits = Flight(0, 0, 1000, 50, 0.0), TrackerSettings().confirm_hits
    sky, seen = Sky([flight], []), []
    for k in range(hits + 3):
        tracked = once(sky, pointed(10.0 * k, flight.at(10.0 * k)), after=10.0 if k else 0.0)
        assert refused(tracked.events) == []
        assert tracked.matches[0][0] > 0
        seen.append((len(tracked.tracks), len(sky.shown())))
    assert seen[0] == (1, 0)
    assert [shown for _, shown in seen[: hits - 1]] == [0] * (hits - 1)
    assert seen[-1][1] == 1
    shown = sky.shown()
    local = geo.east_north_up(*geo.geodetic(flight.at(sky.t))[:2])
    assert np.linalg.norm(local[:2] @ (shown.mean[0, :3] - flight.at(sky.t))) < 300
    up = local[2]
    assert up @ shown.covariance[0, :3, :3] @ up > 1000.0**2  # nobody has measured its height


def test_a_radar_without_a_place_is_refused():
    plots = replace(RADAR.look([Flight(0, 0, 1000, 50, 0.0)] * 3, 0.0, np.random.default_rng(1)), place=None)
    tracked = track(Picture(START), [plots], START, TrackerSettings())
    assert tracked.events == (Refused("radar", "site unknown", 3),)


SPOILED = [
    (0, "z", np.nan),
    (1, "z", np.inf),
    (0, "covariance", np.nan),
    (1, "covariance", -1.0),
    (0, "covariance", 0.0),
    (1, "covariance", 1e30),
    (2, "covariance", np.nan),
]


@pytest.mark.parametrize("component, column, value", SPOILED)
def test_what_is_not_finite_is_refused_and_the_rest_used(component, column, value):
    plots = RADAR.look([Flight(3000.0 * k, 0, 1000, 50, 0.0) for k in range(6)], 0.0, np.random.default_rng(1))
    spoiled = {"z": plots.z.copy(), "covariance": plots.covariance.copy()}
    spoiled[column][(2, component, component)[: spoiled[column].ndim]] = value
    tracked = track(Picture(START), [replace(plots, **spoiled)], START, TrackerSettings())
    assert tracked.events == (Refused("radar", "not finite", 1),)
    match = tracked.matches[0].tolist()
    assert match.pop(2) == 0
    assert len(match) == len(plots) - 1
    assert sorted(match) == sorted(tracked.tracks.label.tolist())
    assert 0 not in match


def test_a_position_in_the_middle_of_the_earth_is_implausible():
    tracked = track(Picture(START), [fix(0.0, [0.0, 0.0, 1.0])], START, TrackerSettings())
    assert tracked.events == (Refused("adsb", "implausible", 1),)


ANY = st.floats(width=64) | st.floats(-1e5, 1e5)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.tuples(ANY, ANY, ANY, ANY), st.tuples(ANY, ANY, ANY, ANY), ANY), min_size=1, max_size=6))
def test_no_numbers_break_the_tracker(rows):
    sky = flown(Flight(0, 0, 1000, 50, 0.0), until=3.0)
    z, sigma = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    covariance = np.einsum("ij,jk->ijk", sigma, np.eye(4))
    with np.errstate(all="ignore"):
        polar = batch(Kind.POLAR, "radar", np.full(len(z), 3.0), z, covariance, place=PLACE)
        positions = batch(Kind.POSITION, "adsb", np.full(len(z), 3.0), z[:, :3], covariance[:, :3, :3])
        angles = batch(Kind.DIRECTION, "eye", np.full(len(z), 3.0), z[:, :2], covariance[:, :2, :2], place=PLACE)
    tracked = once(sky, polar, positions, angles, after=1.0)
    assert np.isfinite(tracked.tracks.mean).all()
    assert np.isfinite(tracked.tracks.covariance).all()
    assert (np.linalg.eigvalsh(tracked.tracks.covariance) > 0).all()
    for match, plots in zip(tracked.matches, (polar, positions, angles), strict=True):
        assert len(match) == len(plots)


def test_a_detection_a_second_late_is_used_without_moving_time_back():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    sky = flown(flight)
    before = sky.picture.tracks
    tracked = once(sky, fix(18.0, flight.at(18.0), 5))
    assert tracked.matches[0].tolist() == before.label.tolist()
    assert tracked.tracks.time.tolist() == before.time.tolist()
    assert refused(tracked.events) == []
    assert np.trace(tracked.tracks.covariance[0]) < np.trace(before.covariance[0])
    truth = flight.at(19.0)
    assert np.linalg.norm(tracked.tracks.mean[0, :3] - truth) < 30


def test_a_detection_five_seconds_late_says_where_the_track_was():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    sky = flown(flight)
    before = sky.picture.tracks
    tracked = once(sky, fix(14.0, flight.at(14.0), 5), fix(14.0, flight.at(14.0), sensor="other"))
    assert refused(tracked.events) == []
    assert [m.tolist() for m in tracked.matches] == [before.label.tolist()] * 2
    assert tracked.tracks.label.tolist() == before.label.tolist()
    assert tracked.tracks.time.tolist() == before.time.tolist()
    assert np.trace(tracked.tracks.covariance[0, :3, :3]) < np.trace(before.covariance[0, :3, :3])
    assert np.linalg.norm(tracked.tracks.mean[0, :3] - flight.at(19.0)) < 30


def test_a_detection_fifteen_seconds_late_is_refused_and_starts_nothing():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    sky = flown(flight)
    before = sky.picture.tracks
    tracked = once(sky, fix(4.0, flight.at(4.0), 5), fix(4.0, flight.at(4.0), sensor="other"))
    assert refused(tracked.events) == [Refused("adsb", "too late", 1), Refused("other", "too late", 1)]
    assert tracked.tracks.mean.tobytes() == before.mean.tobytes()
    assert [m.tolist() for m in tracked.matches] == [[0], [0]]


def test_an_address_far_from_its_track_starts_another_and_leaves_the_old_one():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    sky = flown(flight)
    before = sky.picture.tracks
    tracked = once(sky, fix(20.0, where(30_000, 0, 1000), 5))
    assert tracked.tracks.label.tolist() == [before.label[0], tracked.matches[0][0]]
    assert len(tracked.tracks) == 2
    assert tracked.tracks.mean[0].tobytes() == before.mean[0].tobytes()
    assert tracked.tracks.address.tolist() == [5, 5]


def test_an_address_widens_the_gate_after_a_gap():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    aside = where(0, 50 * 22.0, 1000) + 6.0 * 40.0 * geo.east_north_up(0.872, 0.531)[0]
    (label,) = flown(flight).labels
    with_address = once(flown(flight), fix(22.0, aside, 5), after=2.0)
    without = once(flown(flight), fix(22.0, aside), after=2.0)
    assert with_address.tracks.label.tolist() == [label]
    assert without.tracks.label.tolist() == [label, without.matches[0][0]]
    assert len(without.tracks) == 2


def test_another_address_never_updates_a_track():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    tracked = once(flown(flight), fix(20.0, flight.at(20.0), 6))
    assert tracked.tracks.address.tolist() == [5, 6]


def test_a_radar_plot_updates_a_track_with_an_address():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    sky = flown(flight)
    plots = RADAR.look([flight], 20.0, np.random.default_rng(1))
    tracked = once(sky, plots)
    assert tracked.tracks.label.tolist() == list(sky.labels)
    assert tracked.tracks.address.tolist() == [5]
    assert tracked.sensors == ("adsb", "radar")
    assert tracked.tracks.seen_by.tolist() == [[1, 0, -1, -1]]
    assert tracked.tracks.seen_at[0, 0] == START + 20_000_000_000
    assert tracked.tracks.revisit.tolist() == [1.0]


def test_two_detections_of_one_look_are_two_targets():
    flight = Flight(0, 0, 1000, 50, 0.0)
    sky = flown(flight, sensors=[replace(RADAR, revisit=1.0)])
    twins = np.stack([flight.at(20.0), flight.at(20.0) + 20.0])
    one_look = once(sky, fix(20.0, twins, sigma=50.0))
    assert len(set(one_look.matches[0].tolist())) == 2
    sky = flown(flight, sensors=[replace(RADAR, revisit=1.0)])
    two_looks = once(sky, fix(20.0, twins, sigma=50.0, subject=np.array([7, 7])))
    assert two_looks.matches[0].tolist() == [two_looks.tracks.label[0]] * 2


def test_targets_that_begin_beside_a_radar_with_range_rate_start_one_track_each():
    """There its direction turns by 20 degrees between two looks, and its range rate by far more than the noise."""
    radar = Radar("radar", 700, -700, revisit=4.0, detection=1.0, sigma=(50.0, 0.002, 0.004, 1.0))
    flights = [Flight(0, 0, 1000, 80, heading) for heading in np.linspace(0, 2 * np.pi, 12, endpoint=False)]
    skies = [flown(flight, sensors=[radar], until=40.0) for flight in flights]
    assert [len(states(sky.picture).number) for sky in skies] == [1] * 12
    assert sum(len(sky.labels) for sky in skies) <= 13


def bearing(t, position, elevation=True):
    e = PLACE.rotation @ (position - PLACE.position)
    z = [np.arctan2(e[0], e[1]), np.arctan2(e[2], np.hypot(e[0], e[1])) if elevation else np.nan]
    return batch(Kind.DIRECTION, "camera", t, z, np.eye(2) * 0.001**2, place=PLACE, revisit=1.0)


@pytest.mark.parametrize("elevation", [True, False])
def test_a_direction_corrects_a_track_and_starts_none(elevation):
    flight = Flight(0, 0, 1000, 50, 0.0)
    sky = flown(flight, sensors=[replace(RADAR, sigma=(50.0, 0.01, 0.01, np.nan))])
    before, _ = at(sky.picture.tracks, sky.picture.time)
    tracked = once(sky, bearing(20.0, flight.at(20.0), elevation), bearing(20.0, where(40_000, 9000, 500)))
    assert tracked.tracks.label.tolist() == list(sky.labels)
    assert [m.tolist() for m in tracked.matches] == [list(sky.labels), [0]]
    after = tracked.tracks.mean[0, :3]
    assert np.linalg.norm(after - flight.at(20.0)) < np.linalg.norm(before[0, :3] - flight.at(20.0)) + 1
    assert np.trace(tracked.tracks.covariance[0]) < np.trace(at(sky.picture.tracks, START)[1][0])


def test_a_slower_sensor_takes_over_without_flicker():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    sky = flown(flight, sensors=[Adsb(), replace(RADAR, revisit=10.0)])
    sky.sensors = sky.sensors[1:]
    status = []
    sky.run(90.0, lambda s: status.append(s.picture.tracks.status.tolist()))
    assert status[-80:] == [[Status.CONFIRMED]] * 80
    assert sky.picture.tracks.revisit.tolist() == [10.0]


def test_a_track_too_uncertain_is_dropped_in_plain_words():
    flight = Flight(0, 0, 1000, 50, 0.0, 5)
    limits = TrackerSettings(drop_sigma_m=200.0, calm_noise_m2_s3=40.0, busy_noise_m2_s3=40.0)
    sky = Sky([flight], [Adsb()], settings=limits).run(10.0)
    sky.sensors = []
    sky.run(30.0)
    assert [e.reason for e in sky.events if isinstance(e, TrackDropped)] == ["uncertainty over 0.2 km"]


@pytest.mark.parametrize("spread_m, sure", [(200_000.0, 0.95), (10.0, 0.5)])
def test_a_flood_in_one_scan_is_bounded(spread_m, sure):
    rng = np.random.default_rng(1)
    n = 20_000
    many = TrackerSettings(max_tracks=3 * n, max_tracks_per_sensor=3 * n, max_tentative_per_sensor=3 * n)
    sky = Sky([Flight(0, 0, 1000, 50, 0.0)], [RADAR], settings=many).run(20.0)
    for k in range(2):
        position = where(*rng.uniform(-spread_m, spread_m, (2, n)), rng.uniform(0, 9000, n))
        tracked = once(sky, fix(20.0 + k, position), after=1.0)
        assert refused(tracked.events) == [Refused("adsb", "quota", n - MOST_PLOTS)]  # a look holds so many
    used = tracked.matches[0] > 0
    assert used.sum() <= MOST_PLOTS
    assert used.sum() > sure * MOST_PLOTS  # in a crowd many are probably one of several targets', no one's for sure
    assert len(set(tracked.matches[0][used].tolist())) == used.sum()
    assert len(tracked.tracks) <= 2 * MOST_PLOTS + 1
    assert np.isfinite(tracked.tracks.mean).all()


def test_matches_name_the_tracks_of_each_batch_in_its_own_order():
    flights = [Flight(5000.0 * k, 0, 1000, 50, 0.0, 10 + k) for k in range(4)]
    sky = flown(*flights)
    label = dict(zip(sky.picture.tracks.address.tolist(), sky.picture.tracks.label.tolist(), strict=True))
    order = [2, 0, 3, 1]
    one = fix(20.0, np.array([flights[k].at(20.0) for k in order]), [10 + k for k in order])
    two = fix(19.9, flights[1].at(19.9), 11, sensor="second")
    tracked = once(sky, one, two)
    assert tracked.matches[0].tolist() == [label[10 + k] for k in order]
    assert tracked.matches[1].tolist() == [label[11]]


def test_a_tick_without_detections_keeps_everything_but_status():
    sky = flown(Flight(0, 0, 1000, 50, 0.0, 5))
    tracked = once(sky, after=0.5)
    assert tracked.matches == ()
    assert tracked.tracks.mean.tobytes() == sky.picture.tracks.mean.tobytes()
    assert not any(getattr(tracked.tracks, name).flags.writeable for name in tracked.tracks.__slots__)


def test_states_are_rounded_columns_of_the_shown_tracks():
    sky = flown(Flight(0, 0, 1000, 50, np.pi / 2, 5), Flight(9000, 0, 2000, 100, 0.0, 6))
    found = states(sky.picture)
    assert found.number == [1, 2]
    assert all(type(n) is int for n in found.number)
    assert found.time == sky.picture.time
    latitude, longitude, height = geo.geodetic(sky.truth())
    np.testing.assert_allclose(found.latitude, np.degrees(latitude), atol=2e-4)
    np.testing.assert_allclose(found.longitude, np.degrees(longitude), atol=3e-4)
    np.testing.assert_allclose(found.height_m, height, atol=30)
    np.testing.assert_allclose(found.east_m_s, [50, 0], atol=8)
    np.testing.assert_allclose(found.north_m_s, [0, 100], atol=8)
    assert found.up_m_s == np.round(found.up_m_s, 1).tolist()
    assert found.latitude == np.round(found.latitude, 7).tolist()


def test_rows_take_the_vertical_noise_of_the_settings():
    sky = flown(Flight(0, 0, 1000, 50, 0.0, 5), until=10.0)
    later = replace(sky.picture, time=sky.picture.time + 2_000_000_000)
    noise = 300.0
    rows = tracks(later, states(later), vertical_noise=noise)
    _, wanted = at(later.tracks, later.time, noise)
    turn = np.kron(np.eye(2), geo.east_north_up(*geo.geodetic(later.tracks.mean[0, :3])[:2]))
    np.testing.assert_allclose(rows[0].covariance, turn @ wanted[0] @ turn.T, rtol=1e-3, atol=0.05)
    assert tracks(later, states(later))[0].covariance != rows[0].covariance


def test_states_of_an_empty_sky_are_empty():
    assert states(Picture(START)).number == []
    assert at(Picture(START).tracks, START)[0].shape == (0, 6)


def test_the_configured_bias_is_taken_off_and_the_raw_value_kept():
    sensor = Sensor(
        name="radar", source="s", range_bias_m=100.0, azimuth_bias_deg=0.5, elevation_bias_deg=-0.2, time_bias_s=0.25
    )
    found = configured([Sensor(name="other", source="s"), sensor])
    assert [(r.sensor, r.version) for r in found] == [("radar", 1)]
    plots = RADAR.look([Flight(0, 0, 1000, 50, 0.0)] * 4, 3.0, np.random.default_rng(1))
    corrected = correct(plots, found)
    wanted = plots.z - [100.0, np.radians(0.5), np.radians(-0.2), 0.0]
    np.testing.assert_allclose(corrected.z, wanted, rtol=1e-15)
    assert corrected.raw.tobytes() == plots.z.tobytes()
    assert (plots.time - corrected.time).tolist() == [250_000_000] * len(plots)
    assert corrected.registration == 1


def test_a_batch_without_registration_comes_back_as_it_is():
    plots = RADAR.look([Flight(0, 0, 1000, 50, 0.0)] * 4, 3.0, np.random.default_rng(1))
    assert correct(plots, ()) is plots
    assert correct(plots, (Registration("radar"), Registration("other", version=1, range_m=1.0))) is plots


LOST = "lost by fault: its numbers are none any more"


@pytest.mark.parametrize("spoiled", ["mean", "covariance"])
def test_a_track_that_is_no_number_any_more_ends_and_is_never_shown(spoiled):
    sky = flown(Flight(0, 0, 3000, 60, 0.0), sensors=[RADAR])
    assert len(states(sky.picture).number) == 1
    broken = getattr(sky.picture.tracks, spoiled).copy()
    broken[0] = np.nan
    picture = replace(sky.picture, tracks=replace(sky.picture.tracks, **{spoiled: broken}))
    tracked = track(picture, [], picture.time + 10**8, TrackerSettings())
    assert len(tracked.tracks) == len(tracked.beliefs.targets) == len(tracked.beliefs.leaves) == 0
    assert [e.reason for e in tracked.events] == [LOST]


@pytest.mark.parametrize("spoiled", ["mean", "covariance"])
def test_a_belief_that_is_no_number_any_more_ends_and_spoils_no_other(spoiled):
    flights = [Flight(0, 0, 3000, 60, 0.0), Flight(9000, 0, 3000, 60, 0.0)]
    sky = flown(*flights, sensors=[RADAR])
    second = sky.picture.tracks.label[1]
    leaves = sky.picture.beliefs.leaves.view(LEAF).copy()
    leaves[spoiled][leaves["target"] == 0] = np.nan
    beliefs = replace(sky.picture.beliefs, leaves=leaves.view(sky.picture.beliefs.leaves.dtype))
    sky.picture = replace(sky.picture, beliefs=beliefs)
    tracked = once(sky, RADAR.look(flights[1:], 20.0, np.random.default_rng(1)), after=0.5)
    assert [e.reason for e in tracked.events] == [LOST]
    assert tracked.tracks.label.tolist() == [second]
    assert np.isfinite(tracked.tracks.mean).all()
    assert np.linalg.norm(tracked.tracks.mean[0, :3] - flights[1].at(20.0)) < 100
