"""The gate: what it leaves out would not have been listed, and plain and compiled it leaves out the same."""

from dataclasses import replace

import numpy as np
import pytest
from flights import PLANT, SECOND, TIME, flying
from plain import both

from skywarden.alert import AlertSettings
from skywarden.model.past import Past
from skywarden.model.place import Site
from skywarden.model.track import TrackKind
from skywarden.threat import Seen, evaluate, stage
from skywarden.threat.course import Passing, courses, forecast, shipped, turns
from skywarden.threat.near import Looked, near, places
from skywarden.threat.past import flown, recalled

SITES = (PLANT, *(Site(name=f"s{k}", latitude=36.3 + 0.3 * k, longitude=-33.1 - 0.2 * k) for k in range(1, 6)))
OF = places(SITES, 1800.0)


def scattered(seed, count=300):
    """Return tracks near the plant and what they did before, which is another course."""
    rng = np.random.default_rng(seed)

    def states():
        place, speed = rng.uniform(-80e3, 80e3, (count, 2)), rng.uniform(0.0, 250.0, count)
        course = rng.uniform(0.0, 2 * np.pi, count)
        level = np.stack([speed * np.sin(course), speed * np.cos(course)], 1)
        return np.hstack([place, np.full((count, 1), 500.0), level, np.zeros((count, 1))])

    now = flying(*states())
    return now, flown(flown(Past(), flying(*states()), TIME, 0.0), now, TIME + 100 * SECOND, 100.0)


def pairs(tracks, past, anywhere, least=0.05):
    """Return the pairs that pass the gate. anywhere: whether courses count as unknown."""
    turn = np.full(len(tracks), 100.0 if anywhere else 0.0)
    looked = Looked(tracks, np.arange(len(tracks)), recalled(past, tracks), turn, 0 * turn)
    return near(looked, TIME, OF, turns(shipped(), least))


def named(some):
    return {*zip(some.track.tolist(), some.site.tolist(), strict=True)}


@pytest.mark.parametrize(("least", "kept"), [(0.02, 0.95), (0.05, 0.8), (0.3, 0.6)])
@pytest.mark.parametrize("seed", range(3))
def test_what_the_gate_leaves_out_would_not_have_been_listed(seed, least, kept):
    tracks, past = scattered(seed)
    every, some = pairs(tracks, past, True), pairs(tracks, past, False, least)
    outside = (every.offset**2).sum(1) > every.radius**2
    moves = (every.velocity**2).sum(1) >= 1.0
    of = Passing(every.offset, every.velocity, every.mean, every.steady, every.radius)
    chance, _ = forecast(courses(of), shipped())
    needed = named(every.take(np.flatnonzero(~outside | ((chance >= least) & moves))))
    assert needed <= named(some) < named(every)
    assert len(some.track) < kept * len(every.track)


@pytest.mark.parametrize("radius", [100.0, 3000.0, 60_000.0])
@pytest.mark.parametrize("sigma", [(60.0, 2.0), (290.0, 2.0), (50.0, 9.0), (900.0, 20.0)])
def test_with_an_open_gate_the_same_is_listed(sigma, radius, monkeypatch):
    rng = np.random.default_rng(7)
    states = [
        [*rng.uniform(-2 * radius - 9e3, 2 * radius + 9e3, 2), 500, *rng.uniform(-90, 90, 2), 0] for _ in range(300)
    ]
    tracks = flying(*states, sigma=sigma)
    past = flown(Past(), flying(*rng.permutation(states)), TIME, 0.0)
    site = Site(name="site", latitude=PLANT.latitude, longitude=PLANT.longitude, radius_m=radius)

    def listed():
        return evaluate(Seen(tracks, past=past), TIME, (site,), AlertSettings()).at(TIME)

    closed = listed()
    monkeypatch.setattr(stage, "turns", lambda of, _: turns(of, 0.0))
    assert listed() == closed
    assert closed


def test_a_region_and_whoever_is_inside_pass_whatever_they_do():
    tracks = flying(
        [9000, 0, 500, 50, 0, 0], [2000, 0, 500, 50, 0, 0], [2000, 0, 500, 0, 0, 0], [9000, 0, 500, 50, 0, 0]
    )
    region = replace(tracks, kind=np.array([TrackKind.WEDGE, 0, 0, 0], np.int8))
    assert {track for track, site in named(pairs(region, Past(), False)) if site == 0} == {0, 1, 2}


def test_the_gate_is_the_same_plain_and_compiled():
    tracks, past = scattered(9, 60)
    plain, compiled = both(lambda: [column.tobytes() for column in pairs(tracks, past, False)])
    assert plain == compiled


def test_a_site_that_needs_longer_is_looked_at_from_farther_off():
    slow = Site(name="slow", latitude=36.3, longitude=-33.1, lead_time_s=1500.0)
    assert places((PLANT, slow), 1800.0).horizon.tolist() == [1800.0, 3000.0]
