"""Single birds near radars: as many as asked for, no faster than birds, and the same ones for every sensor."""

from functools import cache

import numpy as np
import pytest
from scipy import stats
from skies import HEAD

from skywarden.errors import ConfigError
from skywarden.geo import east_north_up, ecef, geodetic
from skywarden.model.place import F64
from skywarden.sim.flight import Flat
from skywarden.sim.flight.wildlife import inhabited, wildlife
from skywarden.sim.generate import part, world
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.read import read
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sense import radar as radar_sense
from skywarden.sim.sky import Sky, Target, Window

SURE = 0.999
ORIGIN = np.radians([29.5, -45.75])
EARTH = 6.371e6
HOUR = 3600
LIFE_S = 360.0  # mean
CALM = "[weather]\nwind_m_s = 0\n"


class Slopes:
    """Ground with ridges 400 m high, in closed form."""

    def height(self, latitude: F64, longitude: F64) -> F64:
        return np.asarray(200 + 200 * np.sin(latitude * 6.37e6 / 2500) * np.cos(longitude * 5.5e6 / 4000))


def scene(text: str = CALM, seconds: int = HOUR) -> Scene:
    return read(HEAD.format(seconds=seconds) + text)


def stands(*east_north_km: tuple[float, float]) -> F64:
    place = 1e3 * np.array(east_north_km, float)
    return np.column_stack(
        [
            ORIGIN[0] + place[:, 1] / EARTH,
            ORIGIN[1] + place[:, 0] / (EARTH * np.cos(ORIGIN[0])),
            np.full(len(place), 10.0),
        ]
    )


@cache
def hour(wind_m_s: float = 0.0) -> Sky:
    text = f"[weather]\nwind_m_s = {wind_m_s}\nwind_from_deg = 270\n"
    return wildlife(stands((-60, 0), (60, 0)), np.array([30.0, 10.0]), scene(text), Slopes(), 5)


def rows(sky: Sky, bird: int) -> slice:
    return slice(int(sky.base[bird]), int(sky.base[bird] + sky.count[bird]))


def near(sky: Sky, stand: F64, times: F64) -> F64:
    """Return how many birds are within 8 km over the ground at each time, by asking for every bird's place."""
    here = ecef(stand[0], stand[1], 0.0)
    counts = []
    for time in times:
        position, _ = sky.at(np.arange(len(sky)), np.full(len(sky), time))
        latitude, longitude, _ = geodetic(position)
        counts.append((np.linalg.norm(ecef(latitude, longitude, 0.0) - here, axis=1) < 8e3).sum())
    return np.array(counts, float)


def plausible(counts: F64, mean: float, seconds: float = HOUR) -> bool:
    """Return whether counts over some time may have this mean. Lives make counts alike for about their length."""
    independent = seconds / LIFE_S
    low, high = stats.norm.interval(SURE, mean, (mean / independent) ** 0.5)
    return bool(low < counts.mean() < high)


def test_there_are_as_many_birds_near_each_radar_as_it_says_from_the_first_second_to_the_last() -> None:
    sky, places = hour(), stands((-60, 0), (60, 0))
    times = np.arange(0.0, HOUR + 1, 60)
    for place, mean in zip(places, (30.0, 10.0), strict=True):
        counts = near(sky, place, times)
        assert plausible(counts, mean), counts.mean()
        assert counts.min() > 0
        for some in (counts[:20], counts[20:40], counts[40:]):
            assert plausible(some, mean, HOUR / 3), some
        assert 0.3 < counts.var() / mean < 3  # they come and go as they like


def test_where_circles_overlap_there_are_no_more_birds() -> None:
    places = stands((0, 0), (3, 0), (0, 3))
    for means in (np.array([20.0, 20.0, 20.0]), np.array([20.0, 2.0, 0.0])):
        sky = wildlife(places, means, scene(), Flat(), 6)
        times = np.arange(0.0, HOUR + 1, 60)
        assert plausible(near(sky, places[0], times), 20.0)
    together = wildlife(places[:2], np.array([20.0, 20.0]), scene(), Flat(), 6)
    alone = wildlife(places[:1], np.array([20.0]), scene(), Flat(), 6)
    assert len(together) < 1.5 * len(alone)


def test_birds_keep_to_the_speeds_heights_turns_and_climbs_of_birds() -> None:
    sky, traits = hour(), KINDS[Kind.BIRD]
    latitude, longitude, height = geodetic(sky.position)
    local = np.einsum("nij,nj->ni", east_north_up(latitude, longitude), sky.velocity)
    speed = np.hypot(local[:, 0], local[:, 1])
    assert traits.speed[0] * 0.999 < speed.min() < 9
    assert 17 < speed.max() < traits.speed[1] * 1.001
    above = height - Slopes().height(latitude, longitude)
    assert above.min() > traits.height[0] * 0.95
    assert np.median(above) < 300
    assert np.quantile(above, 0.99) < traits.height[1] * 1.1  # on a slope too steep to follow down a little higher
    assert np.abs(local[:, 2]).max() < traits.climb * 1.001
    heading = np.arctan2(local[:, 0], local[:, 1])
    turn = (np.diff(heading) + np.pi) % (2 * np.pi) - np.pi
    turn = np.delete(turn, sky.base[1:] - 1)  # from one bird to the next
    assert 0.1 < np.abs(turn).max() < traits.turn


def test_places_and_velocities_belong_together() -> None:
    sky = hour(6.0)
    step = np.diff(sky.position, axis=0) - (sky.velocity[1:] + sky.velocity[:-1]) / 2
    off = np.delete(np.linalg.norm(step, axis=1), sky.base[1:] - 1)
    assert off.max() < 0.35  # an arc of 0.29 rad at 18 m/s against its chord, and the change of a climb


def test_birds_stay_for_minutes_and_wander() -> None:
    sky = hour()
    whole = (sky.first > 0) & (sky.first + sky.count - 1 < HOUR)
    assert sky.count[whole].min() >= 10
    assert sky.count.max() <= 601
    assert 200 < np.median(sky.count[whole]) < 400
    assert sky.first.min() == 0
    straightness = []
    for bird in np.flatnonzero(whole & (sky.count > 200)):
        place = sky.position[rows(sky, bird)]
        way = np.linalg.norm(np.diff(place, axis=0), axis=1).sum()
        straightness.append(np.linalg.norm(place[-1] - place[0]) / way)
    assert 0.3 < np.median(straightness) < 0.95
    assert 0.15 < np.mean(np.array(straightness) < 0.2) < 0.35  # a quarter circles


def test_birds_that_circle_are_carried_by_the_wind() -> None:
    """6 m/s from the west at 10 m is half of 6 + 6 x 100^0.15 = 9 m/s in the height of the air that carries."""
    drift = []
    for wind_m_s in (0.0, 6.0):
        sky, eastward = hour(wind_m_s), []
        for bird in np.flatnonzero(sky.count > 200):
            place = sky.position[rows(sky, bird)]
            axes = east_north_up(*geodetic(place[0])[:2])
            moves = np.diff(place, axis=0) @ axes[:2].T
            turns = np.unwrap(np.arctan2(*(moves - moves.mean(0)).T))
            if abs(turns[-1] - turns[0]) > 6 * np.pi:  # three circles or more
                eastward.append(moves.mean(0)[0])
        drift.append(float(np.median(eastward)))
    assert abs(drift[0]) < 1
    assert drift[1] == pytest.approx(9, abs=0.7)


def test_one_seed_gives_the_same_birds_and_another_others() -> None:
    place, mean = stands((0, 0)), np.array([3.0])
    one, same, other = (wildlife(place, mean, scene(), Flat(), seed) for seed in (1, 1, 2))
    assert one.position.tobytes() == same.position.tobytes()
    assert one.velocity.tobytes() == same.velocity.tobytes()
    assert one.position.tobytes() != other.position.tobytes()


def test_no_radar_no_birds_and_too_many_are_refused() -> None:
    assert len(wildlife(np.empty((0, 3)), np.empty(0), scene(), Flat(), 1)) == 0
    assert len(wildlife(stands((0, 0)), np.array([0.0]), scene(), Flat(), 1)) == 0
    assert len(wildlife(stands((0, 0)), np.array([1e-9]), scene(), Flat(), 1)) == 0
    with pytest.raises(ConfigError, match=r"write bird_clutter = \d"):
        wildlife(stands((0, 0)), np.array([10_000.0]), scene(), Flat(), 1)
    assert len(world(scene(), {}, 1).sky) == 0
    many = 70_000
    pairs = 2 * np.arange(many)
    crowd = (Target("t", Kind.BIRDS, False),) * many
    full = Sky(crowd, np.zeros(many, int), np.full(many, 2), pairs, *np.zeros((2, 2 * many, 3)))
    with pytest.raises(ConfigError, match=f"{many + len(hour())} targets are more than 65536"):
        inhabited(full, hour())


PAIR = """
[[radars]]
name = "r"
count = 2
layout = "line"
extent_km = [4, 0]
height_m = 30
period_s = 1
bird_clutter = {birds}
clutter = 0
false_alarm = 1e-9
highest_deg = 80
[[microphones]]
name = "ear"
[[traffic]]
kind = "bird"
count = 2
[[traffic]]
kind = "airliner"
count = 1
"""


def test_two_radars_see_the_same_bird_where_the_truth_has_it() -> None:
    made = world(scene(PAIR.format(birds=12), seconds=60), {}, 3)
    cover = part(made, Window(20.0, 40.0), lambda: 0.0).cover
    is_bird = np.array([target.kind is Kind.BIRD for target in made.sky.targets])
    seen = [set(cover.target[(cover.sensor == k) & (cover.pd > 0.5)].tolist()) for k in (0, 1)]
    both = sorted(row for row in seen[0] & seen[1] if is_bird[row])
    assert both
    radars = made.senses[0]
    assert isinstance(radars, radar_sense.RadarSense)
    plots = radars.plots(made.sky, Window(20.0, 40.0))
    for row in both:
        for k in (0, 1):
            mine = plots.take(plots.radar == k)
            position, _ = made.sky.at(np.full(len(mine.time), row), mine.time)
            local = (position - radars.fleet.position[k]) @ radars.fleet.rotation[k].T
            off = np.abs(np.linalg.norm(local, axis=1) - mine.distance)
            turned = (np.arctan2(local[:, 0], local[:, 1]) - mine.azimuth + np.pi) % (2 * np.pi) - np.pi
            assert ((off < 150) & (np.abs(turned) < 0.02)).sum() >= 5


def test_birds_come_last_and_leave_the_rows_of_others_as_they_are() -> None:
    with_birds, without = (world(scene(PAIR.format(birds=n), seconds=60), {}, 3) for n in (12, 0))
    names = [target.name for target in with_birds.sky.targets]
    assert [target.name for target in without.sky.targets] == names[:3] == ["bird-1", "bird-2", "airliner-1"]
    assert names[3:] == [f"bird-{k}" for k in range(3, len(names))]
    assert len(names) > 15
    before = len(without.sky.position)
    assert np.array_equal(with_birds.sky.position[:before], without.sky.position)
    assert not any(target.raid or target.address >= 0 for target in with_birds.sky.targets[3:])
