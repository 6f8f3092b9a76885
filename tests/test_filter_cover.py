"""What a sensor can see: its limits as they are enrolled, and what they change for targets that it does not see."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from track_world import LATITUDE, LONGITUDE, START, Flight, Radar, Sky

from skywarden import geo
from skywarden.geo.earth import SEMI_MAJOR
from skywarden.model.detection import Frame, Kind, detections
from skywarden.model.event import TrackDropped
from skywarden.model.place import AZIMUTHS, Sensor, Source
from skywarden.model.track import Mode, Status
from skywarden.sensors import Reader
from skywarden.sensors.asterix import encode_block
from skywarden.track import pmb
from skywarden.track.cover import HIDDEN, visible
from skywarden.track.items import items
from skywarden.track.settings import TrackerSettings

PLACE = geo.place(LATITUDE, LONGITUDE, 100.0)


def enrolled(**limits):
    return Sensor(name="r", source="r", **limits).coverage


def sees(coverage, azimuth, elevation, slant):
    """Return whether a point in that direction is seen. deg, deg, m."""
    a, e = np.radians([azimuth, elevation])
    local = slant * np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])
    sense = pmb.Sensor(Kind.POLAR, 0.9, 1e-9, coverage=coverage).record.view(np.recarray)[0]
    sense["position"], sense["rotation"] = PLACE.position, PLACE.rotation
    return visible(PLACE.position + local @ PLACE.rotation, sense)


def test_nothing_said_is_no_limit():
    assert enrolled() is None
    assert enrolled(detection_probability=0.5).whole
    assert enrolled(false_alarms_per_km2=0.0).clutter == 0.0


@pytest.mark.parametrize(
    ("limits", "inside", "outside"),
    [
        ({"max_range_m": 30e3}, [(10, 1, 29.9e3)], [(10, 1, 30.1e3)]),
        ({"min_range_m": 2e3}, [(10, 1, 2.1e3)], [(10, 1, 1.9e3)]),
        (
            {"azimuth_from_deg": 300.0, "azimuth_to_deg": 60.0},
            [(301, 1, 9e3), (0, 1, 9e3), (59, 1, 9e3)],
            [(61, 1, 9e3), (180, 1, 9e3), (299, 1, 9e3)],
        ),
        (
            {"azimuth_from_deg": -90.0, "azimuth_to_deg": 90.0},
            [(271, 1, 9e3), (89, 1, 9e3)],
            [(91, 1, 9e3), (269, 1, 9e3)],
        ),
        ({"azimuth_from_deg": 10.0, "azimuth_to_deg": 10.0}, [(k, 1, 9e3) for k in range(0, 360, 45)], []),
        (
            {"min_elevation_deg": 0.5, "max_elevation_deg": 40.0},
            [(5, 0.6, 9e3), (5, 39, 9e3)],
            [(5, 0.4, 9e3), (5, 41, 9e3)],
        ),
        (
            {"horizon_deg": (1.0, 5.0, 2.0, 0.0)},
            [(0, 1.1, 9e3), (90, 5.1, 9e3), (270, 0.1, 9e3)],
            [(0, 0.9, 9e3), (90, 4.9, 9e3), (180, 1.9, 9e3)],
        ),
        (
            {"horizon_deg": (1.0, 5.0), "horizon_m": (4e3, 20e3)},
            [(0, 0.5, 3.9e3), (180, 1, 19e3)],
            [(0, 0.5, 4.1e3), (180, 1, 21e3)],
        ),
    ],
)
def test_each_limit_is_where_it_is_said_to_be(limits, inside, outside):
    coverage = enrolled(**limits)
    assert not coverage.whole
    assert all(sees(coverage, *point) for point in inside)
    assert not any(sees(coverage, *point) for point in outside)


@given(st.floats(0.0, 359.99), st.floats(0.001, 3.0), st.floats(5e3, 150e3))
def test_a_horizon_is_an_apparent_one_and_radio_bends(azimuth, apparent, slant):
    """A ray of 4/3 of the Earth that leaves at an elevation is higher than a straight one by r^2 / 8 R."""
    straight = apparent - np.degrees(slant / (8.0 * SEMI_MAJOR))
    assert sees(enrolled(horizon_deg=(apparent - 0.01,)), azimuth, straight, slant)
    assert not sees(enrolled(horizon_deg=(apparent + 0.01,)), azimuth, straight, slant)


@pytest.mark.parametrize("n", [1, 4, 36, 72, 360])
def test_a_diagram_of_any_length_is_read_by_azimuth_and_the_highest_counts(n):
    values = np.random.default_rng(n).permutation(n) * 0.01
    found = enrolled(horizon_deg=tuple(values), horizon_m=tuple(1000.0 * values))
    for k in range(AZIMUTHS):
        off = (np.arange(n) / n - k / AZIMUTHS + 0.5) % 1.0 - 0.5
        near = (
            values[(off >= -0.5 / AZIMUTHS - 1e-9) & (off < 0.5 / AZIMUTHS - 1e-9)]
            if n >= AZIMUTHS
            else values[[round(k * n / AZIMUTHS) % n]]
        )
        assert found.horizon[k] == near.max()
        assert found.ridge[k] == 1000.0 * near.max()


class Limited(Radar):
    """A radar that is enrolled with what it can see, and sees just that."""

    limits: dict
    told = True

    def look(self, flights, t, rng):
        coverage = Sensor(name="r", source="r", **self.limits).coverage
        seen = [f for f in flights if self.covers(coverage, f.at(t))]
        made = super().look(seen, t, rng)
        return replace(made, coverage=coverage) if made is not None and self.told else made

    def covers(self, coverage, position):
        sense = pmb.Sensor(Kind.POLAR, 0.9, 1e-9, coverage=coverage).record.view(np.recarray)[0]
        sense["position"], sense["rotation"] = self.place.position, self.place.rotation
        return visible(position, sense)


def flown(told, limits, until, each=None):
    """Four flights that stay in view, and one that leaves it at 20 s."""
    stay = [Flight(4000.0 + 1500.0 * k, 6000.0, 1000, 40, np.pi / 2, address=-1) for k in range(4)]
    leaves = Flight(-1000.0, 20_000.0, 1000, 100, 0.0)
    radar = Limited("r", 0.0, 0.0, revisit=2.0, detection=0.98)
    radar.limits, radar.told = limits, told
    sky = Sky([*stay, leaves], [radar], settings=TrackerSettings(drop_after_s=120.0, forget_after_s=200.0), seed=4)
    return sky.run(until, each)


def test_what_has_left_the_view_is_not_missed():
    """Beyond its range a target is still there. Not told of that range, the tracker takes it that it may be gone."""
    odds = {}
    for told in (False, True):
        sky = flown(told, {"max_range_m": 22_020.0}, 60.0)
        far = np.linalg.norm(sky.picture.tracks.mean[:, :3] - sky.truth()[-1], axis=1).argmin()
        existence = sky.picture.tracks.existence[far]
        odds[told] = existence / (1.0 - existence)
        dropped = [event for event in sky.events if isinstance(event, TrackDropped)]
        assert [event.reason for event in dropped] == ["not seen for 16 s"]  # for as long as it was shown
        assert sky.picture.tracks.status[far] == Status.DROPPED
        assert len(sky.shown()) == 4
    assert odds[True] > 5.0 * odds[False]


def test_a_plot_from_where_nothing_can_be_seen_is_used_all_the_same():
    """A diagram may be wrong."""
    flight = Flight(0.0, 20_000.0, 1000, 100, 0.0)
    radar = Limited("r", 0.0, 0.0, revisit=2.0)
    radar.limits = {}
    sky = Sky([flight], [radar], seed=1)
    sky.run(20.0)
    coverage = enrolled(max_range_m=15_000.0)
    made = [replace(Radar.look(radar, [flight], t, sky.rng), coverage=coverage) for t in np.arange(20.0, 50.0, 2.0)]
    for one in made:
        sky.t = (int(one.time[0]) - START) * 1e-9
        sky.step([one])
    assert sky.shown().number.tolist() == [1]
    assert len(sky.picture.tracks) == 1
    assert int(sky.shown().seen_at.max()) == int(made[-1].time[0])
    assert 0.0 < HIDDEN < 0.5


@pytest.mark.parametrize("probability", [0.3, 0.95])
def test_each_sensor_has_its_own_probability_and_false_alarms(probability):
    coverage = enrolled(detection_probability=probability, false_alarms_per_km2=0.02)
    plain, time = np.ones((1, 4)), np.array([START])
    polar = detections(Kind.POLAR, "r", START, time, plain * 1e3, np.eye(4)[None], place=PLACE)
    other = detections(Kind.POLAR, "s", START, time, plain * 1e3, np.eye(4)[None], place=PLACE)
    senses = items([replace(polar, coverage=coverage), other], TrackerSettings()).senses
    assert senses["detection"].tolist() == [probability, TrackerSettings().detection_probability]
    assert senses["clutter"] == pytest.approx([2e-8, TrackerSettings().false_alarms_per_km2 * 1e-6])
    assert senses["limited"].tolist() == [0, 0]


def test_a_sensor_whose_place_is_not_known_has_no_limits():
    coverage = enrolled(max_range_m=10.0)
    fix = detections(Kind.POSITION, "r", START, np.array([START]), PLACE.position[None], np.eye(3)[None])
    assert items([replace(fix, coverage=coverage)], TrackerSettings()).senses["limited"].tolist() == [0]


def test_the_batches_of_an_enrolled_sensor_say_what_it_can_see():
    source = Source(name="net", format="asterix")
    place = {"sac": 25, "sic": 12, "latitude": 46.2, "longitude": 31.5}
    noon = 1_789_992_000 * 10**9
    plot = {
        "010": {"SAC": 25, "SIC": 12},
        "140": {"TOD_s": 43200},
        "020": {"TYP": 3},
        "040": {"RHO_NM": 30, "THETA_deg": 75},
    }
    for limits in ({}, {"max_range_m": 60e3}):
        sensor = Sensor(name="hill", source="net", **place, **limits)
        reader = Reader([source], [sensor], Mode.LIVE)
        (batch,) = reader.read(Frame.of("net", noon, encode_block(48, [plot]))).batches
        assert (batch.coverage is None) == (not limits)
        assert not limits or batch.coverage.farthest == 60e3


def test_a_filter_of_ones_own_knows_too():
    """A whole look that does not cover a target says nothing of it."""
    state = np.concatenate((PLACE.position + np.array([0.0, 20e3, 1e3]) @ PLACE.rotation, np.zeros(3)))
    found, plain = [], pmb.Sensor(Kind.POLAR, 0.9, 1e-9)
    for limits in ({}, {"max_range_m": 15e3}):
        sensor = pmb.Sensor(Kind.POLAR, 0.9, 1e-9, coverage=enrolled(**limits))
        mine = pmb.Filter(pmb.FilterSettings(), pmb.evenly(PLACE, 50e3, 1.0, 0.1), capacity=256)
        polar = np.array([[np.linalg.norm(state[:3] - PLACE.position), 0.0, 0.05, 0.0]])
        for k in range(6):
            some = polar if k < 3 else polar[:0]
            look = detections(
                Kind.POLAR,
                "r",
                START,
                np.full(len(some), START + k * 10**9),
                some,
                np.tile(np.diag([100.0, 1e-6, 1e-6, 4.0]), (len(some), 1, 1)),
                place=PLACE,
            )
            mine.look(look, sensor if k >= 3 else plain, START + k * 10**9)
        found.append(mine.targets(0.0).existence.max(initial=0.0))
    assert found[0] < 0.7 < found[1]
