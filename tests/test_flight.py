"""What flies keeps to the limits of its kind, arrives where it is sent, and is the same for the same seed."""

from functools import cache

import numpy as np
import pytest

from skywarden.geo import east_north_up, ecef, geodetic
from skywarden.model.place import F64
from skywarden.sim.flight import Flat, drawn, fly, planned, sky
from skywarden.sim.flight.way import MANNERS
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.raid import on_earth
from skywarden.sim.reported import SIZES, drawn_hour, drawn_size, quantile
from skywarden.sim.scene import Scene, read
from skywarden.sim.sky import Sky, Target

ORIGIN = (29.5, -45.75)
HEAD = f"[scenario]\nname = 'Test'\norigin = {list(ORIGIN)}\narea_km = [300, 300]\n"
SITES = '[[sites]]\nname = "A"\nat_km = [10, 0]\n[[sites]]\nname = "B"\nat_km = [-20, 30]\n'
RAID = """
[[waves]]
name = "slow"
kind = "uav-piston"
count = 21
decoys = 0.4
group = 3
loiter = 0.5
[[waves]]
name = "jet"
kind = "uav-jet"
count = 8
distance_km = 90
[[waves]]
name = "low"
kind = "cruise-missile"
count = 8
distance_km = 150
spread_s = 100
[[waves]]
name = "arc"
kind = "ballistic"
count = 4
distance_km = 200
[[waves]]
name = "near"
kind = "multirotor"
count = 6
radio = 1.0
"""
PEACEFUL = [kind for kind in Kind if not KINDS[kind].raid or kind is Kind.MULTIROTOR]
TRAFFIC = "".join(f'[[traffic]]\nkind = "{kind.value}"\ncount = 6\n' for kind in PEACEFUL)
FLOWN = [kind for kind in Kind if kind is not Kind.BALLISTIC]


class Hills:
    """Ridges some hundred metres high, in closed form."""

    def height(self, latitude: F64, longitude: F64) -> F64:
        north, east = latitude * 6.37e6, longitude * 5.5e6
        ridges = 300 + 200 * np.sin(north / 3000) * np.cos(east / 4000)
        return np.asarray(ridges + 40 * np.sin(north / 900 + east / 1200))


def scene(text: str = RAID + TRAFFIC, seconds: int = 2400) -> Scene:
    return read(HEAD + f"duration_s = {seconds}\n" + SITES + text)


@cache
def flown() -> Sky:
    return sky(scene(), Hills(), {}, 3)


def rows(fliers: Sky, row: int) -> slice:
    return slice(int(fliers.base[row]), int(fliers.base[row] + fliers.count[row]))


def motion(fliers: Sky, row: int) -> tuple[F64, F64, F64]:
    """Return ECEF position, velocity east, north, up, and height above the hills of one flier."""
    position = fliers.position[rows(fliers, row)]
    latitude, longitude, height = geodetic(position)
    turn = east_north_up(latitude, longitude)
    local = np.einsum("nij,nj->ni", turn, fliers.velocity[rows(fliers, row)])
    return position, local, height - Hills().height(latitude, longitude)


def of(fliers: Sky, kind: Kind) -> list[int]:
    return [row for row, target in enumerate(fliers.targets) if target.kind is kind]


def site_away(target: Target, position: F64) -> float:
    """Return m over the ground from a position to the middle of the target's site."""
    place = {site.name: site for site in scene().sites}[target.site]
    latitude, longitude = on_earth(ORIGIN, np.array([*place.at_km, 0.0]) * 1e3)
    away = position - ecef(np.radians(latitude), np.radians(longitude), 0.0)
    return float(np.hypot(*(east_north_up(np.radians(latitude), np.radians(longitude)) @ away)[:2]))


@pytest.mark.parametrize("kind", FLOWN)
def test_speeds_turns_and_climbs_keep_to_the_limits_of_the_kind(kind: Kind) -> None:
    fliers, traits = flown(), KINDS[kind]
    assert of(fliers, kind)
    for row in of(fliers, kind):
        _, local, _ = motion(fliers, row)
        level = np.hypot(local[:, 0], local[:, 1])
        carried = 10.0 if kind is Kind.GLIDER else 0.0  # by the wind
        assert level.max() < traits.speed[1] * 1.003 + carried
        hovers = kind in (Kind.MULTIROTOR, Kind.HELICOPTER)
        assert hovers or level.min() > traits.speed[0] * 0.997 - carried
        assert local[:, 2].max() < traits.climb * 1.001
        assert local[:, 2].min() > -max(traits.climb, MANNERS[kind].dive) * 1.001
        before_the_end = local[: -int(6000 / traits.climb), 2] if traits.raid else local[:, 2]
        assert before_the_end.min(initial=0.0) > -traits.climb * 1.001
        if kind is not Kind.GLIDER:  # whose heading is that in the moving air
            heading = np.unwrap(np.arctan2(local[:, 0], local[:, 1]))
            moving = np.minimum(level[1:], level[:-1]) > 0.5
            assert np.abs(np.diff(heading))[moving].max(initial=0.0) < traits.turn * 1.01


def test_gliders_turn_no_tighter_in_the_air_that_carries_them() -> None:
    fliers = flown()
    wind = np.array([0.5 * 4 * (1 + 100**0.15), 0.0])  # from the west, as the scenario has it by default
    for row in of(fliers, Kind.GLIDER):
        air = motion(fliers, row)[1][:, :2] - wind
        assert np.hypot(*air.T).min() > 0.99 * KINDS[Kind.GLIDER].speed[0]
        heading = np.unwrap(np.arctan2(air[:, 0], air[:, 1]))
        assert np.abs(np.diff(heading)).max() < KINDS[Kind.GLIDER].turn * 1.02


def off_by(kind: Kind) -> float:
    """Return m that a second's way is off the mean of the velocities before and after, at most.

    Vertical acceleration a changes within a second: a / 4. An arc of w rad against its chord: v w^2 / 12.
    """
    if kind is Kind.BALLISTIC:
        return 0.01
    traits, manner = KINDS[kind], MANNERS[kind]
    vertical = (traits.climb + max(traits.climb, manner.dive)) / (2 * manner.smooth + 1)
    return vertical / 4 + traits.speed[1] * traits.turn**2 / 12 + manner.acceleration / 8


def test_positions_go_on_as_the_velocities_say() -> None:
    fliers = flown()
    for row in range(len(fliers)):
        position, velocity = fliers.position[rows(fliers, row)], fliers.velocity[rows(fliers, row)]
        step = np.linalg.norm(np.diff(position, axis=0) - (velocity[1:] + velocity[:-1]) / 2, axis=1)
        assert step.max() < off_by(fliers.targets[row].kind)
        times = fliers.first[row] + np.linspace(0.25, fliers.count[row] - 1.25, 50)
        many = np.full(50, row)
        difference = (fliers.at(many, times + 1e-3)[0] - fliers.at(many, times - 1e-3)[0]) / 2e-3
        assert np.abs(difference - fliers.at(many, times)[1]).max() < 1e-3 * max(1.0, float(np.abs(velocity).max()))


def test_one_way_fliers_end_on_the_ground_in_their_site_and_decoys_near_it() -> None:
    fliers, ended = flown(), 0
    for row, target in enumerate(fliers.targets):
        if not target.raid or target.kind is Kind.BALLISTIC or not target.wave:
            continue
        if fliers.first[row] + fliers.count[row] > 2400:
            continue  # still on its way when the scenario ends
        position, _, above = motion(fliers, row)
        assert site_away(target, position[-1]) < (1.6 if target.kind is Kind.DECOY else 1.0) * 2500
        assert -1 < above[-1] < 150
        ended += 1
    assert ended > 30


def test_missiles_keep_above_the_hills_and_not_far_above() -> None:
    for row in of(flown(), Kind.CRUISE):
        position, local, above = motion(flown(), row)
        way = above[:-40]
        assert way.min() > 29
        assert np.median(way) < 220
        assert way.max() < 400
        assert np.abs(np.diff(local[:, 2])).max() < 9.9  # m/s^2: within 1 g
        heights = np.linalg.norm(position, axis=1)
        assert np.ptp(heights) > 100  # it follows them


def test_what_flies_low_never_flies_into_the_ground() -> None:
    fliers = flown()
    for row, target in enumerate(fliers.targets):
        if target.kind is not Kind.BALLISTIC:
            assert motion(fliers, row)[2].min() > -2, target


def test_groups_fly_in_formation() -> None:
    fliers = flown()
    names = {target.name: row for row, target in enumerate(fliers.targets)}
    one, two, three = (fliers.position[rows(fliers, names[f"slow-{k}"])][:600] for k in (1, 2, 3))
    for a, b in ((one, two), (one, three)):
        away = np.linalg.norm(a - b, axis=1)
        assert 100 < away.min() < 150.5
        assert away.max() < 250  # until they part near the site


def test_the_same_seed_gives_the_same_arrays_and_another_seed_others() -> None:
    again, other = sky(scene(), Hills(), {}, 3), sky(scene(), Hills(), {}, 4)
    assert again.targets == flown().targets
    assert again.position.tobytes() == flown().position.tobytes()
    assert again.velocity.tobytes() == flown().velocity.tobytes()
    assert len(other) == len(again)
    assert other.position.tobytes() != again.position.tobytes()


def test_a_change_of_one_wave_leaves_the_others_as_they_are() -> None:
    other = sky(scene(RAID.replace("count = 8", "count = 2") + TRAFFIC), Hills(), {}, 3)
    names = {target.name: row for row, target in enumerate(other.targets)}
    for row, target in enumerate(flown().targets):
        if target.wave == "slow" or not target.wave:
            same = other.position[rows(other, names[target.name])]
            assert np.array_equal(same, flown().position[rows(flown(), row)])


def test_targets_are_called_after_wave_or_kind_and_have_what_they_send() -> None:
    targets = flown().targets
    assert len({target.name for target in targets}) == len(targets)
    assert {"slow-21", "jet-8", "low-8", "arc-4", "near-6", "airliner-6", "birds-6"} <= {t.name for t in targets}
    sending = [t.address for t in targets if t.address >= 0]
    assert sending == list(range(0xF00000, 0xF00000 + 24))  # airliners, helicopters, light aircraft, gliders
    assert all(t.callsign and len(t.callsign) <= 8 for t in targets if t.address >= 0)
    assert all(t.radio for t in targets if t.wave == "near")
    assert [bool(t.serial) for t in targets if t.kind is Kind.MULTIROTOR] == [False] * 6 + [True] * 6
    assert all(t.raid == bool(t.wave) and bool(t.site) == bool(t.wave) for t in targets)


def test_waves_come_from_where_they_are_told_and_start_when_they_are_told() -> None:
    wave = '[[waves]]\nname = "w"\nkind = "uav-jet"\ncount = 20\nsites = ["A"]\nfrom_deg = [90, 270]\nspread_s = 300\n'
    wave += "start_s = 100\ndistance_km = 80\nheight_m = [150, 200]\nspeed_m_s = [100, 110]\n"
    fliers = sky(scene(wave), Flat(), {}, 1)
    assert (fliers.first.min(), fliers.first.max()) == (100, 400)
    latitude, longitude = (np.radians(angle) for angle in on_earth(ORIGIN, np.array([10e3, 0.0, 0.0])))
    start = (fliers.position[fliers.base] - ecef(latitude, longitude, 0.0)) @ east_north_up(latitude, longitude).T
    bearing = np.degrees(np.arctan2(start[:, 0], start[:, 1])) % 360
    assert np.abs(np.abs(bearing - 180) - 90).max() < 10
    assert np.sum(bearing < 180) == 10
    assert np.abs(np.hypot(start[:, 0], start[:, 1]) - 80e3).max() < 1000
    speed = np.linalg.norm(fliers.velocity[fliers.base], axis=1)
    assert 99 < speed.min() < speed.max() < 111


def test_drawn_sizes_have_the_reported_quantiles() -> None:
    rng = np.random.default_rng(1)
    sizes = [drawn_size(Kind.UAV_PISTON, "2026Q2", rng) for _ in range(4000)]
    assert 160 < np.median(sizes) < 184  # reported: 172
    assert 470 < np.quantile(sizes, 0.9) < 530  # reported: 501
    assert max(sizes) <= 753
    assert min(drawn_size(Kind.BALLISTIC, "", rng) for _ in range(50)) >= 1
    for values in SIZES.values():
        assert list(values) == sorted(values)
        assert quantile(values, 0.5) == values[1]
    assert len(sky(scene('[[waves]]\nname = "w"\nkind = "uav-piston"\nquarter = "2022Q4"\n'), Flat(), {}, 1)) <= 35


def test_the_hour_of_a_raid_is_drawn_only_when_asked() -> None:
    plain = scene()
    assert drawn(plain, 1) is plain
    hours = [drawn_hour(np.random.default_rng(k)) for k in range(300)]
    assert np.mean([18 <= hour <= 23 for hour in hours]) > 0.8  # 612 of 677 reported waves
    asked = read(HEAD + "start = 2031-05-06T11:22:33Z\nstart_drawn = true\n" + SITES + RAID)
    start = drawn(asked, 1).scenario.start
    assert start == drawn(asked, 1).scenario.start
    assert (start.year, start.month, start.day, start.minute) == (2031, 5, 6, 0)


def test_local_traffic_stays_in_its_area_however_small() -> None:
    text = HEAD.replace("[300, 300]", "[2, 1]") + "duration_s = 600\n" + TRAFFIC.replace("count = 6", "count = 2")
    fliers = sky(read(text), Flat(), {}, 1)
    middle = ecef(np.radians(ORIGIN[0]), np.radians(ORIGIN[1]), 0.0)
    for kind in (Kind.HELICOPTER, Kind.MULTIROTOR, Kind.BIRDS):
        for row in of(fliers, kind):
            assert np.linalg.norm(fliers.position[rows(fliers, row)] - middle, axis=1).max() < 5000


def test_a_scene_without_fliers_is_an_empty_sky() -> None:
    empty = sky(scene(""), Flat(), {}, 1)
    assert len(empty) == 0
    assert empty.position.shape == (0, 3)


def test_fliers_flown_a_few_at_a_time_fly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fly, "AT_ONCE", 5000)  # two of them, for up to 2400 s each
    few, all_of_them = sky(scene(), Hills(), {}, 3), flown()
    assert few.targets == all_of_them.targets
    for name in ("first", "count", "base", "position", "velocity"):
        assert np.array_equal(getattr(few, name), getattr(all_of_them, name)), name


def test_what_is_planned_is_what_flies_when_nobody_is_late() -> None:
    there = [sum(target.wave == wave.name for target in flown().targets) for wave in scene().waves]
    assert planned(scene(), 3) == there
    drawn_wave = '[[waves]]\nname = "w"\nkind = "uav-piston"\nspread_s = 60\n'
    one = scene(drawn_wave)
    assert planned(one, 5) == [len(sky(one, Hills(), {}, 5))]
