"""A scene -> the Sky: everything that flies in it, with names, addresses and serials."""

from collections.abc import Iterable, Iterator, Mapping
from math import ceil

import numpy as np
from msgspec.structs import replace

from skywarden.geo import ecef
from skywarden.model.place import F64
from skywarden.sim.flight import traffic, waves
from skywarden.sim.flight.ballistic import BURN_OUT, arc, flight_time
from skywarden.sim.flight.fly import Ground, fly, joined, renamed, stacked
from skywarden.sim.flight.recording import flown
from skywarden.sim.flight.way import Route, cruise_speed
from skywarden.sim.kinds import Kind
from skywarden.sim.raid import on_earth
from skywarden.sim.reported import drawn_hour
from skywarden.sim.scene.settings import Scene, Wave
from skywarden.sim.sky import Sky, Target

WAVES, TRAFFIC, START = 1, 2, 3  # what a generator is for; 4 is `traffic.area`
FIRST_ADDRESS = 0xF00000  # not given to any country
AIRLINES = ("AVL", "QLM", "TRW", "SLF")  # invented


def drawn(scene: Scene, seed: int) -> Scene:
    """Return the scene with its hour of start drawn, if it asks for that."""
    if not scene.scenario.start_drawn:
        return scene
    hour = drawn_hour(np.random.default_rng([seed, START]))
    start = scene.scenario.start.replace(hour=hour, minute=0, second=0, microsecond=0)
    return replace(scene, scenario=replace(scene.scenario, start=start, start_drawn=False))


def planned(scene: Scene, seed: int) -> list[int]:
    """Return how many fliers each wave has, with those that would appear after the end of the scenario."""
    return [waves.size(wave, np.random.default_rng((seed, WAVES, k))) for k, wave in enumerate(scene.waves)]


def sky(scene: Scene, ground: Ground, recordings: Mapping[str, bytes], seed: int) -> Sky:
    """Return where everything that flies is, at each whole second of the scenario.

    recordings: the `file` of each [[recordings]] block -> its bytes. Raises ConfigError for a recording that cannot be
    used. The order is that of the file: waves, traffic, recordings.
    A thousand fliers for an hour over hills took 2.5 s of one core and 0.55 GB, 0.17 GB of which is the Sky.
    """
    seconds, origin = ceil(scene.scenario.duration_s), scene.scenario.origin
    skies = [
        _ballistic(scene, wave, ground, (seed, WAVES, k))
        if wave.kind is Kind.BALLISTIC
        else fly(waves.routes(wave, scene.sites, (seed, WAVES, k)), origin, ground, seconds)
        for k, wave in enumerate(scene.waves)
    ]
    skies.append(fly(_traffic(scene, seed), origin, ground, seconds))
    skies += [flown(block, recordings, origin, seconds) for block in scene.recordings]
    whole = joined(skies)
    return renamed(whole, list(_named(whole.targets)))


def _traffic(scene: Scene, seed: int) -> list[Route]:
    where = traffic.area(scene, seed)
    return [r for k, block in enumerate(scene.traffic) for r in traffic.routes(block, where, (seed, TRAFFIC, k))]


def _ballistic(scene: Scene, wave: Wave, ground: Ground, seed: tuple[int, ...]) -> Sky:
    """Return a wave of ballistic missiles, each from burn-out to impact or to the end of the scenario."""
    rng = np.random.default_rng(seed)
    targets, firsts, places, speeds = [], [], [], []
    count = waves.size(wave, rng)
    for course in waves.courses(wave, scene.sites, count, rng):
        away = 1e3 * wave.distance_km * rng.uniform(0.9, 1.1)
        out = np.array([np.sin(course.bearing), np.cos(course.bearing)])
        aim = course.goal + rng.uniform(-0.5, 0.5, 2) * course.site.radius_m
        slowest = max(cruise_speed(wave.kind, 0.0, wave.speed_m_s), 1.02 * (9.8 * away) ** 0.5)
        time = flight_time(away, slowest * rng.uniform(1.0, 1.1), bool(rng.random() < 0.5))
        ends = np.array([[*(aim + away * out), BURN_OUT * away], [*aim, 0.0]])
        up, down = _standing(ends, scene.scenario.origin, ground)
        place, velocity = arc(up, down, time)
        begin = int(course.begin)
        stay = min(len(place), ceil(scene.scenario.duration_s) - begin + 1)
        if stay >= 2:
            targets.append(Target(wave.name, wave.kind, True, course.site.name, wave.name))
            firsts.append(begin)
            places.append(place[:stay])
            speeds.append(velocity[:stay])
    return stacked(targets, firsts, places, speeds)


def _standing(points: F64, origin: tuple[float, float], ground: Ground) -> F64:
    """Return (n, 3) ECEF m of chart points with heights above the ground."""
    latitude, longitude = (np.radians(angle) for angle in on_earth(origin, points))
    return ecef(latitude, longitude, points[:, 2] + ground.height(latitude, longitude))


def _named(targets: Iterable[Target]) -> Iterator[Target]:
    """Number the targets of each name, and give addresses, callsigns and serials to those that wait for one."""
    numbers: dict[str, int] = {}
    given = 0
    for target in targets:
        number = numbers[target.name] = numbers.get(target.name, 0) + 1
        named = target._replace(name=f"{target.name}-{number}")
        if named.address == 0:
            callsign = named.callsign or _callsign(named.kind, given)
            named = named._replace(address=FIRST_ADDRESS + given, callsign=callsign)
            given += 1
        if named.serial == "?":  # ANSI/CTA-2063-A: manufacturer, length of the rest, the rest
            named = named._replace(serial=f"SIMXA{number:010}")
        yield named


def _callsign(kind: Kind, number: int) -> str:
    return f"{AIRLINES[number % len(AIRLINES)] if kind is Kind.AIRLINER else 'SIM'}{100 + number}"
