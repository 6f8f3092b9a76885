"""The tracker over small skies: what must be tracked is, once, and nothing else."""

import numpy as np
import pytest
import reference
from track_world import START, Adsb, Flight, Radar, Sky, batch, where

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.model.event import TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.track import Status
from skywarden.track import motion
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at

SEEDS = (1, 2, 3)
NOISE = 5.0  # m^2/s^3, of the wanderer
MATCHED = TrackerSettings(calm_noise_m2_s3=NOISE, busy_noise_m2_s3=NOISE)  # whichever model it is in
TWO_RADARS = (("north", 0.0, 30_000.0, 0.0), ("south", 10_000.0, -30_000.0, 1.3))


def radars(**more):
    return [Radar(name, east, north, offset=offset, **more) for name, east, north, offset in TWO_RADARS]


def straight(seed, count=20):
    rng = np.random.default_rng(seed + 100)
    return [
        Flight(*rng.uniform(-40_000, 40_000, 2), rng.uniform(300, 6000), rng.uniform(45, 230), rng.uniform(0, 6.28))
        for _ in range(count)
    ]


def nearest(sky):
    """Return for each flight its nearest shown track's number and the distance, m."""
    shown = sky.shown()
    mean, _ = at(shown, sky.picture.time)
    distance = np.linalg.norm(sky.truth()[:, None] - mean[None, :, :3], axis=2)
    return shown.number[distance.argmin(1)], distance.min(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_twenty_straight_flights_are_each_one_track(seed):
    sky = Sky(straight(seed), radars(false_alarms=10.0), seed).run(30.0)
    numbers, distance = nearest(sky)
    assert len(set(numbers)) == 20
    assert distance.max() < 1000
    sky.run(60.0)
    later, distance = nearest(sky)
    assert len(sky.shown()) <= 21
    assert (numbers == later).all()
    assert np.sqrt((distance**2).mean()) < 250


@pytest.mark.parametrize("seed", SEEDS)
def test_false_alarms_are_not_confirmed(seed):
    sky = Sky([], radars(false_alarms=30.0), seed).run(240.0)
    confirmed = [e for e in sky.events if isinstance(e, TrackConfirmed)]
    assert len(confirmed) <= 1  # 3,600 false alarms
    assert len(sky.picture.tracks) < 200


@pytest.mark.parametrize("seed", SEEDS)
def test_parallel_flights_keep_their_numbers(seed):
    flights = [Flight(500.0 * k, -20_000, 1000, 50, 0.0) for k in range(4)]
    sky = Sky(flights, radars(), seed).run(40.0)
    numbers, _ = nearest(sky)
    assert len(set(numbers)) == 4
    sky.run(160.0)
    later, distance = nearest(sky)
    assert (numbers == later).all()
    assert distance.max() < 400


@pytest.mark.parametrize("seed", SEEDS)
def test_crossing_aircraft_keep_their_numbers_by_their_addresses(seed):
    pair = [Flight(-6000, 0, 9000, 200, np.pi / 2, 0xA1), Flight(6000, 0, 9000, 200, -np.pi / 2, 0xB2)]
    sky = Sky(pair, [Adsb(), *radars()], seed).run(10.0)
    numbers, _ = nearest(sky)
    assert len(set(numbers)) == 2
    sky.run(60.0)
    later, distance = nearest(sky)
    assert (numbers == later).all()
    assert distance.max() < 100
    assert sorted(sky.shown().address) == [0xA1, 0xB2]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("elevation", [0.004, np.nan])
def test_radar_and_adsb_make_one_track(seed, elevation):
    airliner = [Flight(-30_000, 20_000, 10_500, 230, 2.0, 0xC3)]
    sensors = [*radars(sigma=(50.0, 0.002, elevation, np.nan)), Adsb(offset=20.0)]
    sky = Sky(airliner, sensors, seed)
    sky.run(19.0)
    assert len(sky.shown()) == 1
    sky.run(120.0)
    assert len(sky.shown()) == 1
    assert len([e for e in sky.events if isinstance(e, TrackConfirmed)]) == 1
    assert sky.shown().address.tolist() == [0xC3]
    assert nearest(sky)[1] < 60


TURNS = [(230.0, 1.2, 0xD4), (120.0, 3.0, 0xD5), (50.0, 6.0, -1), (230.0, 1.2, -1), (120.0, 3.0, -1)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("speed, degrees, address", TURNS)
def test_a_turning_target_is_kept(seed, speed, degrees, address):
    flight = Flight(-10_000, 0, 3000, speed, 0.5, address, np.radians(degrees), (20.0, 20.0 + 180 / degrees))
    sky = Sky([flight], [Adsb(revisit=0.5)] if address >= 0 else radars(), seed).run(19.0)
    numbers, _ = nearest(sky)
    sky.run(20.0 + 180 / degrees + 20.0)
    later, distance = nearest(sky)
    assert numbers == later
    assert len(sky.shown()) == 1
    assert distance < 400


@pytest.mark.parametrize("seed", SEEDS)
def test_the_covariance_is_honest(seed):
    chi2 = []

    def collect(sky):
        if sky.t > 40:
            mean, covariance = at(sky.shown(), sky.picture.time)
            truth = sky.truth()
            for x, P in zip(mean, covariance, strict=True):
                error = (truth - x[:3])[np.linalg.norm(truth - x[:3], axis=1).argmin()]
                chi2.append(error @ np.linalg.solve(P[:3, :3], error))

    Sky(straight(seed, 12), radars(), seed).run(90.0, collect)
    assert 0.8 < np.mean(chi2) < 4.0  # 3 when the noise fits; straight flights need less of it
    assert np.mean(np.array(chi2) > 16.3) < 0.01  # 99.9 % of a chi-square with 3 degrees


def test_two_runs_are_equal_to_the_bit_in_any_order_of_batches():
    skies = [Sky(straight(5), [Adsb(), *radars(false_alarms=20.0)], 5, shuffle=k == 2).run(40.0) for k in range(3)]
    for other in skies[1:]:
        assert other.events == skies[0].events
        assert other.picture.sensors == skies[0].picture.sensors
        for name in skies[0].picture.tracks.__slots__:
            one, two = getattr(skies[0].picture.tracks, name), getattr(other.picture.tracks, name)
            assert one.dtype == two.dtype
            assert one.tobytes() == two.tobytes(), name


def test_a_silent_target_coasts_then_is_dropped_in_plain_words():
    flight = Flight(0, 0, 1000, 50, 0.0)
    sky = Sky([flight], radars()).run(30.0)
    sky.sensors = []
    sky.run(40.0)
    assert sky.picture.tracks.status.tolist() == [Status.COASTING]
    sky.run(45.0)
    assert len(sky.shown()) == 0
    kinds = [type(e) for e in sky.events]
    assert kinds == [TrackConfirmed, TrackCoasting, TrackDropped]
    assert sky.events[-1].reason == "not seen for 12 s"
    assert len({e.number for e in sky.events}) == 1
    sky.run(155.0)
    assert len(sky.picture.tracks) == 0


def test_who_was_seen_briefly_is_shown_for_no_longer_and_may_come_back():
    sky = Sky([Flight(0, 0, 1000, 50, 0.0)], [Radar("quick", 0, -20_000, revisit=1.0, detection=1.0)]).run(8.0)
    sensors, sky.sensors = sky.sensors, []
    tracks = sky.shown()
    seen = float(tracks.heard[0] - tracks.since[0]) * 1e-9
    assert 4.0 < seen < (tracks.heard[0] - tracks.born[0]) * 1e-9  # since it is shown, not since its first plot
    sky.run(7.5 + seen)
    assert sky.picture.tracks.status.tolist() == [Status.COASTING]
    sky.run(9.5 + seen)
    assert sky.picture.tracks.status.tolist() == [Status.DROPPED]
    assert sky.events[-1].reason == f"not seen for {seen:.0f} s"
    sky.sensors = sensors
    sky.run(seen + 10.5)
    sky.sensors = []
    assert sky.shown().number.tolist() == [1]
    sky.run(seen + 15.0)
    assert sky.picture.tracks.status.tolist() == [Status.DROPPED]  # one plot more is no better than the first few
    sky.sensors = sensors
    sky.run(seen + 25.0)
    assert sky.shown().number.tolist() == [1]


def test_an_address_keeps_what_was_seen_briefly():
    sky = Sky([Flight(0, 0, 1000, 50, 0.0, address=7)], [Adsb()]).run(8.0)
    sky.sensors = []
    sky.run(50.0)
    assert sky.picture.tracks.status.tolist() == [Status.COASTING]


def test_a_dropped_target_that_is_seen_again_in_time_has_its_number_back():
    flight = Flight(0, 0, 1000, 50, 0.0)
    sky = Sky([flight], radars()).run(40.0)
    sensors, sky.sensors = sky.sensors, []
    sky.run(110.0)
    assert len(sky.shown()) == 0
    sky.sensors = sensors
    sky.run(130.0)
    assert sky.shown().number.tolist() == [1]
    assert [type(e) for e in sky.events] == [TrackConfirmed, TrackCoasting, TrackDropped, TrackConfirmed]
    assert nearest(sky)[1] < 300


def test_a_target_seen_again_is_the_same_track():
    flight = Flight(0, 0, 1000, 50, 0.0)
    sky = Sky([flight], radars()).run(40.0)
    sensors, sky.sensors = sky.sensors, []
    sky.run(48.0)
    assert sky.picture.tracks.status.tolist() == [Status.COASTING]
    sky.sensors = sensors
    sky.run(65.0)
    assert sky.shown().number.tolist() == [1]
    assert sky.shown().status.tolist() == [Status.CONFIRMED]


def test_numbers_are_given_in_order_and_never_again():
    rows = {}

    def placed(sky):
        rows.update({(START + round(sky.t * 1e9), label): row for row, label in enumerate(sky.picture.tracks.label)})

    sky = Sky(straight(7, 6), radars()).run(30.0, placed)
    sky.sensors = []
    sky.run(155.0)
    assert len(sky.picture.tracks) == 0
    sky.sensors, sky.flights = radars(), straight(8, 6)
    sky.run(185.0, placed)
    confirmed = [e for e in sky.events if isinstance(e, TrackConfirmed)]
    assert [e.number for e in confirmed] == list(range(1, len(confirmed) + 1))
    assert len(confirmed) >= 12
    for time in {e.time for e in confirmed}:
        order = [rows[time, e.label] for e in confirmed if e.time == time]
        assert order == sorted(order)


def wanderer(rng, ticks, dt):
    """Return a truth whose level and vertical acceleration are the filter's own model: states (ticks, 6), ECEF."""
    position = where(20_000.0, 20_000.0, 3000.0)
    turn = geo.east_north_up(*geo.geodetic(position)[:2])
    state = np.concatenate([position, np.array([60.0, 40.0, 0.0]) @ turn])
    root = np.linalg.cholesky([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
    sigma = np.sqrt([NOISE, NOISE, motion.VERTICAL_NOISE])
    states = [state]
    for _ in range(ticks):
        noise = (root @ rng.normal(size=(2, 3))) * sigma @ turn
        mean, _ = motion.predict_all(states[-1][None], np.eye(6)[None], np.array([dt]), np.zeros(1), 0.0)
        states.append(mean[0] + noise.ravel())
    return np.array(states)


@pytest.mark.parametrize("kind", [Kind.POSITION, Kind.POLAR])
def test_the_errors_of_a_matched_target_are_as_large_as_the_covariance_says(kind):
    chi2, strayed = [], 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        sky, truth, first = Sky([], [], settings=MATCHED), wanderer(rng, 20, 4.0), []
        radar = Radar("r", 0.0, 0.0)
        for k, state in enumerate(truth):
            sky.t = 4.0 * k
            if kind == Kind.POLAR:
                z = reference.polar(state, radar.place) + [50, 0.002, 0.004, 2] * rng.normal(size=4)
                R = np.diag([50, 0.002, 0.004, 2]) ** 2
                tracked = sky.step([batch(kind, "r", sky.t, z, R, place=radar.place, revisit=4.0)])
            else:
                z = state[:3] + 100 * rng.normal(size=3)
                tracked = sky.step([batch(kind, "r", sky.t, z, np.eye(3) * 100**2, revisit=4.0)])
            first = first or tracked.tracks.label.tolist()
            strayed += tracked.matches[0].tolist() != first
            error = state - tracked.tracks.mean[0]
            if k >= 3:
                chi2.append(error @ np.linalg.solve(tracked.tracks.covariance[0], error))
    assert strayed <= 1  # of 525; one in 10,000 may be outside of its gate
    assert 5.0 < np.mean(chi2) < 7.2  # 6 expected; 25 runs of some 6 independent samples
    assert np.mean(np.array(chi2) > 22.5) < 0.015  # 99.9 % of a chi-square with 6 degrees
