"""What one report of a person says of targets: the filter's look against the mixture that is written down."""

from itertools import product

import numpy as np
import pytest
from filter_memory import CAMERA, NOW, SITE, anywhere, believe, empty, fill, find, put
from filter_reference import compare, polar

from skywarden import geo
from skywarden.model.detection import Kind, Reporter, detections
from skywarden.track.gather import gather
from skywarden.track.items import items
from skywarden.track.settings import TrackerSettings

SETTINGS = TrackerSettings(observer_blunders=0.07, citizen_blunders=0.3, blunder_reach_m=8_000.0)
SHARE = {Reporter.OBSERVER: 0.07, Reporter.CITIZEN: 0.3}
UNIFORM = {
    "azimuth": 1 / (2 * np.pi),
    "both": 1 / (2 * np.pi) / (np.pi / 2),
    "place": 1 / (np.pi * 8_000.0**2),
}
WIDTH = 600.0  # m, 1 sigma of a place


def target(way, seed=3, **more):
    """Return a target, for places on the ellipsoid: the filter's axes of the level are exact there."""
    state = anywhere(np.random.default_rng(seed), sigma=30.0)._replace(**more)
    if way == "place":
        latitude, longitude, height = geo.geodetic(state.mean[0, :3])
        state.mean[:, :3] += geo.ecef(latitude, longitude, 0.0) - geo.ecef(latitude, longitude, height)
    return state


def said(way, state, off, reporter, settings=SETTINGS):
    """Return a report `off` sigmas beside a state, as a batch: its azimuth, azimuth and elevation, or a place."""
    if way == "place":
        latitude, longitude, _ = geo.geodetic(state.mean[0, :3])
        z, R = np.array([[latitude + off * WIDTH / 6.37e6, longitude]]), np.eye(2) * WIDTH**2
    else:
        z, R = polar(state.mean[0], SITE)[0][None, 1:3].copy(), np.diag(np.radians([8.0, 10.0])) ** 2
        z[0, 0] += off * np.radians(8.0)
        z[0, 1] = z[0, 1] if way == "both" else np.nan
    kind, who = Kind.PLANE if way == "place" else Kind.DIRECTION, np.array([7])
    more = {"place": SITE, "node": who, "reporter": reporter, "revisit": 60.0}
    return detections(kind, "phones", NOW, np.array([NOW]), z, R[None], **more)


def looked(report, states, settings=SETTINGS):
    """Return what the filter makes of a report as the tracker gives it to it: probabilities, per target."""
    found = gather(items([report], settings), ())
    memory = empty(CAMERA)
    memory.sense[0] = found.looks[0]
    for state in states:
        put(memory, state)
    m = fill(memory, found.given, 0.0)
    return believe(memory, m, len(find(memory, m)))


def likelihood(report, state):
    """Return the density of a report that is of a target, over its models of motion."""
    R = report.covariance[0]
    _, found = compare(report.kind, report.z[0], R, state, SITE)
    return found @ np.array(state.weight)


@pytest.mark.parametrize("reporter", SHARE)
@pytest.mark.parametrize("off", [0.0, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("way", UNIFORM)
def test_one_target_has_a_report_with_the_odds_of_the_mixture(way, off, reporter):
    state = target(way)
    report = said(way, state, off, reporter)
    r, b, u, right = state.existence, SHARE[reporter], UNIFORM[way], likelihood(report, state)
    whole = r * ((1 - b) * right + b * u) + (1 - r) * u
    found = looked(report, [state])
    assert found.association[0, 0] == pytest.approx(r * (1 - b) * right / whole, rel=0.0, abs=1e-9)
    assert found.free[0] == pytest.approx(1 - r * (1 - b) * right / whole, rel=0.0, abs=1e-9)


@pytest.mark.parametrize("way", UNIFORM)
def test_several_targets_share_a_report_as_all_cases_counted_out_do(way):
    """Each that exists is meant and rightly told of with 1 - b; a report that is of none of them is anywhere."""
    first = target(way, 5)
    along = np.array([-0.5, 1.0, 0.0, 0.0, 0.0, 0.0])
    states = [first._replace(mean=first.mean + 20.0 * k * along, existence=0.3 + 0.2 * k) for k in range(4)]
    report = said(way, first, 0.5, Reporter.OBSERVER)
    b, u = 0.07, UNIFORM[way]
    weight = np.zeros(len(states) + 1)  # of whom it is; the last: nobody
    for there in product((False, True), repeat=len(states)):
        prior = np.prod([s.existence if e else 1 - s.existence for s, e in zip(states, there, strict=True)])
        every = prior * b ** sum(there)
        weight[-1] += every * u
        for k in np.flatnonzero(there):
            weight[k] += every / b * (1 - b) * likelihood(report, states[k])
    found = looked(report, states)
    assert found.association[:, 0] == pytest.approx(weight[:-1] / weight.sum(), rel=0.0, abs=1e-9)


def test_what_is_four_sigma_off_is_a_blunder_and_what_is_two_off_is_not():
    for way in UNIFORM:
        state = target(way, existence=0.999)
        shares = [looked(said(way, state, off, Reporter.OBSERVER), [state]).association[0, 0] for off in (2.0, 4.0)]
        assert shares[0] > 0.9, way
        assert shares[1] < 0.4, way


def test_a_citizen_is_trusted_less_than_a_trained_observer_and_a_device_as_before():
    state = target("azimuth")
    rows = {who: items([said("azimuth", state, 0.0, who)], SETTINGS).senses[0] for who in Reporter}
    assert rows[Reporter.DEVICE]["detection"] == SETTINGS.detection_probability
    assert rows[Reporter.DEVICE]["clutter"] == 1.0
    assert rows[Reporter.OBSERVER]["detection"] == pytest.approx(0.93)
    assert rows[Reporter.CITIZEN]["detection"] == pytest.approx(0.7)
