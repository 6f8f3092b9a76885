"""How well sensors are what they claim: sums beside a plain twin, and what is said of honest and boastful ones."""

from dataclasses import replace

import filter_memory
import numpy as np
import pytest
from track_world import Adsb, Flight, Radar, Sky, batch

from skywarden.model.detection import Kind
from skywarden.service.notices import notices
from skywarden.service.publish import Published
from skywarden.service.words import LANGUAGES
from skywarden.track import monitor
from skywarden.track.beliefs import opened
from skywarden.track.chain import taken
from skywarden.track.items import items
from skywarden.track.models import predict
from skywarden.track.monitor import ENOUGH, Fit, fits
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import states

FLIGHTS = [Flight(-9_000.0 + 6_000.0 * k, -12_000.0, 900.0, 60.0, 0.2 * k, address=0x100 + k) for k in range(4)]


def flown(sensors, seconds, flights=FLIGHTS, settings=None):
    sky = Sky(flights, sensors, 3, settings or TrackerSettings(settle_s=1.0))
    sky.run(seconds)
    return sky.picture


def known(picture):
    return {(fit.sensor, fit.kind): fit for fit in fits(picture.chains.settled)}


@pytest.mark.parametrize("flights", [FLIGHTS[:1], FLIGHTS], ids=["one", "four"])
def test_what_is_counted_is_chi_square_by_hand(flights):
    picture, settings = flown([Adsb()], 20.0, flights), TrackerSettings()
    at, sigma = 20.7, 10.0
    z = np.array([flight.at(at) for flight in flights]) + np.array([3.0, -9.0, 14.0])
    new = items([batch(Kind.POSITION, "adsb", at, z, np.eye(3) * sigma**2, revisit=1.0)], settings)
    memory = taken(picture.beliefs, picture.sensors, new, settings).memory
    expected = []
    before = filter_memory.opened(opened(picture.beliefs, (len(z), len(z)), 1, settings))
    sums = before.fits[0, Kind.POSITION].copy()
    for leaf in before.leaves[: before.counts[1]]:
        predict(leaf, int(new.rows["time"][0]), before.parameters[0], before.work[0])
        off = z - leaf.mean[:, None, :3]  # (models, plots, 3)
        nearest = np.linalg.norm(off[0], axis=1).argmin()
        chi2 = [
            y @ np.linalg.solve(P[:3, :3] + np.eye(3) * sigma**2, y)
            for y, P in zip(off[:, nearest], leaf.covariance, strict=True)
        ]
        expected.append(np.average(chi2, weights=leaf.weight))
    assert len(expected) == len(flights)
    for chi2 in expected:
        sums = sums * (1.0 - 1.0 / monitor.REMEMBERED) + [1.0, 3.0, chi2]
    assert memory.fits[0, Kind.POSITION] == pytest.approx(sums, rel=1e-9)


def test_an_honest_sensor_fits_and_one_that_boasts_is_named():
    honest = Radar("honest", -20_000.0, 0.0, revisit=2.0)
    picture = flown([honest, Adsb()], 90.0)
    found = known(picture)
    assert set(found) == {("honest", "polar"), ("adsb", "position")}
    assert Published(picture=picture, states=states(picture)).state == "ok"
    assert all(fit.plots > 100 and 0.6 < fit.ratio < 1.4 and not fit.too_sure for fit in found.values())

    class Boaster(Radar):
        """Scatters three times as far as it says."""

        def look(self, flights, t, rng):
            made = super().look(flights, t, rng)
            if made is not None:
                made.covariance.flags.writeable = True
                made.covariance[:] /= 9.0
            return made

    picture = flown([Boaster("boaster", -20_000.0, 0.0, revisit=2.0), Adsb()], 150.0)
    found = known(picture)
    assert found["boaster", "polar"].too_sure
    assert not found["adsb", "position"].too_sure
    shown = Published(picture=picture, states=states(picture))
    assert [(row.sensor, row.kind, row.state) for row in shown.sensors] == [
        ("adsb", "position", "ok"),
        ("boaster", "polar", "errors larger than claimed"),
    ]
    assert (shown.boasting, shown.state) == (["boaster"], "degraded")
    for words in LANGUAGES.values():
        assert [line for line in notices(shown, words) if "boaster" in line]


def test_turns_are_no_fault_of_a_sensor_and_one_that_looks_no_more_is_not_spoken_of():
    turning = [replace(flight, turn=0.05, turning=(15.0, 140.0)) for flight in FLIGHTS]
    radar = Radar("honest", -20_000.0, 0.0, revisit=4.0)
    sky = Sky(turning, [radar, Adsb()], 3, TrackerSettings(settle_s=1.0))
    sky.run(150.0)
    assert not any(fit.too_sure for fit in known(sky.picture).values())
    assert len(known(sky.picture)) == 2
    chain = sky.picture.chains.settled
    assert {fit.sensor for fit in fits(replace(chain, until=chain.until + monitor.RECENT))} == set()


def test_little_is_known_of_what_has_said_little():
    assert not Fit("r", "polar", ENOUGH - 1.0, 9.0).too_sure
    assert Fit("r", "polar", 10.0, 4.0).too_sure
    assert not Fit("r", "polar", 10.0, 3.9).too_sure
    assert Fit("r", "polar", 1000.0, 2.02).too_sure
    assert not Fit("r", "polar", 1000.0, 2.01).too_sure
    picture = flown([Adsb()], 2.0)
    assert fits(picture.chains.settled) == []
    picture = flown([Adsb()], 6.0, FLIGHTS[:1])
    assert [row.state for row in Published(picture=picture, states=states(picture)).sensors] == ["not known yet"]
