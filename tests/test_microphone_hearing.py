"""Who hears whom, against a slow search over all pairs with formulas instead of tables."""

import numpy as np
import pytest
from scipy.optimize import brentq
from sound_world import nodes, quiet, sky_of, straight

from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Faults, Weather
from skywarden.sim.sky import Window
from skywarden.sim.sound.air import air_of
from skywarden.sim.sound.detect import detection
from skywarden.sim.sound.level import Place, held, weak_deflection

HEARD = [Kind.UAV_PISTON, Kind.UAV_JET, Kind.CRUISE, Kind.MULTIROTOR, Kind.HELICOPTER, Kind.GLIDER]
WEATHER = Weather(wind_m_s=6.0, wind_from_deg=200.0)


def world():
    rng = np.random.default_rng(8)
    fliers = []
    for k in range(20):
        kind = HEARD[k % len(HEARD)]
        heading, speed = rng.uniform(0, 2 * np.pi), KINDS[kind].speed[1]
        velocity = (speed * np.sin(heading), speed * np.cos(heading), rng.uniform(-3, 3))
        at = (*rng.uniform(-8_000, 8_000, 2), rng.uniform(100, 1200))
        fliers.append(straight(kind, at, velocity, int(rng.integers(20, 60)), int(rng.integers(0, 60))))
    block = quiet(count=60, layout="random", extent_km=(16, 16))
    other = quiet(name="town", count=20, layout="random", extent_km=(16, 16), ambient_dba=45.0, height_m=4.0)
    return sky_of(fliers), nodes(block, other, weather=WEATHER, faults=Faults(lost=0.2), seconds=120)


def slow_pd(sky, sense, flier, node, second):
    """Return the Pd of one look: retarded time by bisection, level by formula."""
    of, medium = sense.world.ears, sense.world.medium
    now, fliers = sense._now(second), sense._fliers(sky)
    voice = KINDS[sky.targets[flier].kind].voice
    first, last = float(sky.first[flier]), float(sky.first[flier] + sky.count[flier] - 1)
    if voice is None or not now.up[node] or second < first:
        return 0.0

    def early(when):
        place = sky.at(np.array([flier]), np.array([when]))[0][0] + medium.wind * (second - when)
        return np.linalg.norm(place - of.position[node]) - medium.speed * (second - when)

    high = min(float(second), last)
    if early(first) > 0 or early(high) < 0:
        return 0.0
    distance = medium.speed * (second - brentq(early, first, high, xtol=1e-10))
    ambient = (35.0, 45.0)[of.ambient[node]]
    place = Place(air_of(WEATHER), ambient, now.wind[node], now.excess[node])
    weak = weak_deflection(voice, np.array([distance]), place) * 10 ** (fliers.louder[flier] / 10)
    return float(detection(held(weak), 1e-4)[0])


def test_coverage_is_that_of_a_search_over_all_pairs():
    sky, sense = world()
    compared = 0
    for second in (31, 61):
        cover = sense.cover(sky, Window(second, second + 1))
        found = {(t, s): pd for t, s, pd in zip(cover.target, cover.sensor, cover.pd, strict=True)}
        assert len(found) == len(cover.pd)
        assert list(found) == sorted(found)
        for flier in range(len(sky)):
            for node in range(0, len(sense.names), 2):
                expected = slow_pd(sky, sense, flier, node, second)
                pd = found.get((flier, node), 0.0)
                assert pd == pytest.approx(expected, abs=0.04)
                compared += expected > 0.1
    assert compared > 40


def test_a_window_has_the_coverage_of_its_seconds():
    sky, sense = world()
    whole = sense.cover(sky, Window(20, 40))
    parts = [sense.cover(sky, Window(*w)) for w in ((20, 20.5), (20.5, 33.2), (33.2, 40))]
    for name in whole._fields:
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(p, name) for p in parts]))
    assert whole.pd.min() >= 0.01
    assert len(whole.pd) > 100
