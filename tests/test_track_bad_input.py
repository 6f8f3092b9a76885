"""One sensor that is wrong in every way there is: others' tracks stay, room is bounded, and it is named."""

from time import process_time

import numpy as np
import pytest
from track_world import Adsb, Flight, Radar, Sky

from skywarden.model.event import Refused
from skywarden.track.monitor import fits
from skywarden.track.settings import TrackerSettings

FLIGHTS = [Flight(-9_000.0 + 6_000.0 * k, -12_000.0, 900.0, 60.0, 0.2 * k, address=0x100 + k) for k in range(4)]
SETTINGS = TrackerSettings(settle_s=1.0)


def spoiled(kind, spoil, **settings):
    """Return a sensor whose batches `spoil(batch, t)` writes over."""

    class Spoiled(kind):
        def look(self, flights, t, rng):
            made = super().look(flights, t, rng)
            if made is not None:
                for column in (made.time, made.z, made.covariance):
                    column.flags.writeable = True
                spoil(made, t)
            return made

    return Spoiled("bad", **settings)


def boasting(factor):
    def spoil(made, _):
        made.covariance[:] /= factor**2

    return spoil


def jumping(seconds):
    def spoil(made, t):
        made.time[:] += round(seconds * 1e9) if t > 20.0 else 0

    return spoil


def senseless(value, covariance=False):
    def spoil(made, _):
        (made.covariance if covariance else made.z)[:] = value

    return spoil


NEAR = {"east": 10_000.0, "north": 5_000.0, "revisit": 2.0}
SENSORS = {
    "radar that claims 3 times the precision it has": (Radar, boasting(3), NEAR),
    "radar that claims 100 times the precision it has": (Radar, boasting(100), NEAR),
    "positions that claim 1 m and have 100": (Adsb, boasting(100), {"sigma": 100.0}),
    "clock that jumps back by 20 s": (Radar, jumping(-20.0), NEAR),
    "clock that jumps back by an hour": (Radar, jumping(-3600.0), NEAR),
    "numbers that are none": (Radar, senseless(np.nan), NEAR),
    "covariance that is none": (Radar, senseless(np.nan, covariance=True), NEAR),
    "covariance of nothing": (Radar, senseless(0.0, covariance=True), NEAR),
    "covariance of everything": (Radar, senseless(1e30, covariance=True), NEAR),
    "its own noise everywhere": (Radar, lambda made, t: None, NEAR | {"detection": 0.0, "false_alarms": 2_000}),
}


def flown(sensors, until, watch=None):
    sky = Sky(FLIGHTS, [Adsb(), Radar("good", -20_000.0, 0.0, revisit=2.0), *sensors], 3, SETTINGS)
    return sky.run(until, watch)


def named(sky):
    """Return who is named: for what was refused, or as too sure of itself."""
    refused = {event.source for event in sky.events if isinstance(event, Refused)}
    return refused | {fit.sensor for fit in fits(sky.picture.chains.settled) if fit.too_sure}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", SENSORS)
def test_others_tracks_stay_room_is_bounded_and_it_is_named(name):
    kind, spoil, settings = SENSORS[name]
    most = []
    sky = flown([spoiled(kind, spoil, **settings)], 100.0, lambda sky: most.append(len(sky.picture.tracks)))
    addresses = sky.shown().address.tolist()
    assert [flight.address for flight in FLIGHTS if flight.address in addresses] == [f.address for f in FLIGHTS]
    shown = sky.shown()
    off = np.linalg.norm(shown.mean[:, None, :3] - sky.truth(), axis=2).min(axis=0)
    assert off.max() < 200.0  # their time is up to a second ago
    assert max(most) <= SETTINGS.max_tentative_per_sensor + 100
    assert named(sky) == {"bad"}


def test_without_it_nobody_is_named():
    assert named(flown([Radar("bad", **NEAR)], 100.0)) == set()


def test_a_hundred_thousand_detections_in_one_look_end_in_time():
    flood = Radar("bad", 5_000.0, 5_000.0, revisit=20.0, offset=20.0, detection=0.0, false_alarms=100_000)
    took = []

    def watch(sky):
        if sky.t > 30.0:  # of the second flood: on a new machine kernels are compiled in the first
            took.append(process_time())

    sky = flown([flood], 45.0, watch)
    assert 0.05 < np.diff(took).max() < 5.0  # of processor time; 0.8 s, also beside much else
    assert len(sky.picture.tracks) <= SETTINGS.max_tentative_per_sensor + 100
    assert sorted(sky.shown().address.tolist())[-4:] == [f.address for f in FLIGHTS]
    assert named(sky) == {"bad"}
    refused = sum(event.count for event in sky.events if isinstance(event, Refused) and event.reason == "quota")
    assert refused > 150_000
