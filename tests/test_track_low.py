"""Who is said to be under the ground is followed where sensors say so, and comes up where nobody measures heights."""

import numpy as np
import pytest
from track_world import Adsb, Flight, Radar, Sky

from skywarden import geo
from skywarden.model.event import TrackConfirmed
from skywarden.track.settings import TrackerSettings

FLAT = Radar("flat", 5000.0, -9000.0, offset=1.0, sigma=(50.0, 0.002, np.nan, np.nan))  # sees no heights
SEES = [[Radar("tall", 0.0, 0.0)], [Adsb()], [Radar("tall", 0.0, 0.0), FLAT], [Adsb(), FLAT]]


@pytest.mark.parametrize("sensors", SEES, ids=["radar", "adsb", "radar and flat", "adsb and flat"])
@pytest.mark.parametrize("height", [-300.0, -1200.0])
def test_a_height_that_cannot_be_and_is_measured_keeps_its_one_track(sensors, height):
    """A radar that is tilted by two degrees, a wrong datum: the target is there all the same, and elsewhere."""
    flight = Flight(-14e3, 12e3, height, 60.0, 1.57, address=77)
    sky, seen = Sky([flight], sensors, settings=TrackerSettings(register_sensors=False)), []
    sky.run(120.0, lambda now: seen.append(len(now.shown())))
    assert len([event for event in sky.events if isinstance(event, TrackConfirmed)]) == 1
    assert np.mean(np.array(seen[len(seen) // 5 :]) == 1) > 0.95


def test_where_nobody_measures_heights_none_sinks_without_end():
    """They sank to -3,900 m. 500 m at each look, and what that look may push."""
    flights = [Flight(1500.0 + 700.0 * k, -1500.0 + 900.0 * k, 60.0, 50.0, 0.9 * k) for k in range(6)]
    lowest = []
    near = Radar("flat", 0.0, 0.0, revisit=2.0, sigma=(15.0, 0.01, np.nan, np.nan))
    sky = Sky(flights, [near], settings=TrackerSettings(register_sensors=False))
    sky.run(200.0, lambda now: lowest.extend(geo.geodetic(mean[:3])[2] for mean in now.shown().mean))
    assert len(lowest) > 2000
    assert -1000.0 < min(lowest) < -500.0
