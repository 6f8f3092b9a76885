"""Flights that say how each class flies: real recordings, the simulator's own, and assumptions where there is neither.

Each is looked at once in 10 s: speed over the ground, height above it, climb. Nothing here is a measurement of what
the raid's classes do: those are flown by the simulator from public figures (src/skywarden/sim/kinds.py).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import harness
import numpy as np

from skywarden.geo import east_north_up, geodetic, geoid_height
from skywarden.model.assessment import Class
from skywarden.sim.flight.recording import flown
from skywarden.sim.generate import world
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.read import read
from skywarden.sim.scene.settings import Recording

EVERY = 10  # s between two looks at a flight
FOLDS = 4  # parts that flights are dealt into; a flight is judged by a table that was learned from the other parts
SEEDS = range(101, 117)  # of the simulated scenarios
DAY = 200_000  # s, longer than any recording
STANDING = 25.0  # m/s: an aeroplane that is slower stands, taxies or rolls
GLIDING = 10.0  # m/s: the same of a glider, which may fly against the wind
TRACKS = "tracks/aircraft/dev/"
MAP = "geo/coarse_topo_europe_east_5min.npz"

SCENE = """
[scenario]
name = "How each kind flies"
origin = [29.5, -45.75]
area_km = [200, 160]
duration_s = {duration}
[terrain]
kind = "hills"
relief_m = {relief}
[[sites]]
name = "A"
at_km = [9, 17]
[[sites]]
name = "B"
at_km = [-20, -30]
[[radars]]
name = "r"
count = 2
layout = "line"
extent_km = [60, 0]
bird_clutter = 3.0
"""
WAVE = (
    '[[waves]]\nname = "{kind} from {away}"\nkind = "{kind}"\ncount = {count}\nspread_s = 300.0\ndistance_km = {away}\n'
)
WAVES = (("uav-piston", 24, 60), ("uav-jet", 24, 120), ("multirotor", 24, 5), ("cruise-missile", 24, 200))
MORE = (("ballistic", 12, 100), ("ballistic", 12, 300), ("ballistic", 12, 450), ("decoy", 24, 60))
TRAFFIC = '[[traffic]]\nkind = "{kind}"\ncount = {count}\n'
CIVIL = (("airliner", 12), ("helicopter", 12), ("light-aircraft", 12), ("glider", 12), ("multirotor", 12))
BIRDS = (("birds", 12), ("bird", 12))


class Flight(NamedTuple):
    """One flight in m looks. sort: what part of its class it stands for; fold: that it belongs to.

    looks: (m, 3) speed m/s over the ground, height m above the ground (NaN where nobody knows the ground), climb m/s.
    """

    word: str
    sort: str
    name: str
    fold: int
    looks: np.ndarray


class Source(NamedTuple):
    """A recording. kind: whose limits and smoothness its positions have. slowest: m/s of who flies.

    ground: m above the sea, as the aircraft's own pressure height shows it; "map"; or "lowest" of the flight.
    """

    file: str
    word: str
    sort: str
    kind: Kind
    ground: float | str
    slowest: float = 0.0
    without: tuple[str, ...] = ()


AEROPLANE, HELICOPTER = Class.AEROPLANE.value, Class.HELICOPTER.value
REAL = (
    # -38 m: aircraft that stand at its airports show -250 to -50 ft, half of them -125 ft or less. F-HMAC flies from an
    # aerodrome at 30 m/s and 150 m, and nobody says what it is: left out.
    Source(
        "dense_213ac_first90min.csv.gz", AEROPLANE, "real traffic", Kind.AIRLINER, -38.0, STANDING, without=("FHMAC",)
    ),
    Source("noisy_noisy_ground.csv.gz", AEROPLANE, "real traffic", Kind.AIRLINER, "map", STANDING),
    Source("noisy_noisy_landing.csv.gz", AEROPLANE, "real traffic", Kind.AIRLINER, "map", STANDING),
    Source("noisy_noisy_time_issue.csv.gz", AEROPLANE, "real traffic", Kind.AIRLINER, "map", STANDING),
    Source("featured_thankyou.csv.gz", AEROPLANE, "real propeller aircraft", Kind.LIGHT, "map", STANDING),
    Source("surveys_liguria.csv.gz", AEROPLANE, "real propeller aircraft", Kind.LIGHT, "map", STANDING),
    Source("surveys_mecsek_mountains.csv.gz", AEROPLANE, "real propeller aircraft", Kind.LIGHT, "map", STANDING),
    Source("tv_relay_vasaloppet.csv.gz", AEROPLANE, "real propeller aircraft", Kind.AIRLINER, "map", STANDING),
    Source(
        "military_aircraft_carrier.csv.gz", AEROPLANE, "real propeller aircraft", Kind.AIRLINER, 0.0, STANDING
    ),  # at sea
    Source("gliders_alpi_italiane.csv.gz", AEROPLANE, "real gliders", Kind.GLIDER, "map", GLIDING),
    Source("gliders_alto_adige.csv.gz", AEROPLANE, "real gliders", Kind.GLIDER, "map", GLIDING),
    Source("gliders_cevennes.csv.gz", AEROPLANE, "real gliders", Kind.GLIDER, "map", GLIDING),
    Source("gliders_danube_valley.csv.gz", AEROPLANE, "real gliders", Kind.GLIDER, "map", GLIDING),
    Source("../../uav_slow/dev/paraglider_olsztyn.igc.gz", AEROPLANE, "real gliders", Kind.GLIDER, "map", GLIDING),
    Source("ambulances_rega_sg.csv.gz", HELICOPTER, "real helicopters", Kind.HELICOPTER, "map"),
    Source("ambulances_samu31.csv.gz", HELICOPTER, "real helicopters", Kind.HELICOPTER, 150.0),  # Toulouse lies so high
)
STRANGERS = (  # judged, never learned from: nobody says what they are, or they have no class
    Source("dense_213ac_first90min.csv.gz", "", "takes off at an aerodrome, not named", Kind.AIRLINER, -38.0),
    Source(
        "../../uav_slow/dev/stonesoup_UAV_Rot.csv.gz", "", "small unmanned aircraft", Kind.MULTIROTOR, "lowest", 2.0
    ),
    Source(
        "../../uav_slow/dev/paraglider_flight_with_middle_landing.igc.gz", "", "paraglider", Kind.GLIDER, "lowest", 2.0
    ),
)


def simulated(seeds: range = SEEDS, duration: int = 1800) -> list[Flight]:
    """Return the flights of scenarios, one a seed: as `skywarden simulate` makes their truth."""
    return [flight for seed in seeds for flight in _scenario(seed, duration)]


def _scenario(seed: int, duration: int) -> Iterator[Flight]:
    parts = [SCENE.format(duration=duration, relief=(30, 150, 400)[seed % 3])]
    parts += [WAVE.format(kind=kind, count=count, away=away) for kind, count, away in (*WAVES, *MORE)]
    parts += [TRAFFIC.format(kind=kind, count=count) for kind, count in (*CIVIL, *BIRDS)]
    made = world(read("".join(parts)), {}, seed)
    looks, rows = _looks(made.sky)
    latitude, longitude, height = rows
    looks[:, 1] = height - made.ground.height(latitude, longitude)
    for k, target in enumerate(made.sky.targets):
        sort = f"simulated {target.kind}" + (" in a raid" if target.raid and target.kind is Kind.MULTIROTOR else "")
        mine = looks[made.sky.base[k] : made.sky.base[k] + made.sky.count[k] : EVERY]
        yield Flight(KINDS[target.kind].words, sort, f"{seed} {target.name}", seed % FOLDS, mine)


def recorded() -> list[Flight]:
    """Return the real flights, dealt into the folds by aircraft, one after the other of each sort."""
    found: list[Flight] = []
    for source in REAL:
        for name, looks in _aircraft(source).items():
            fold = sum(flight.sort == source.sort for flight in found) % FOLDS
            if name not in source.without and len(looks):
                found.append(Flight(source.word, source.sort, name, fold, looks))
    return found


def strangers() -> list[Flight]:
    """Return real flights that are only judged."""
    found = [(source, _aircraft(source)) for source in STRANGERS]
    chosen = [(s, {n: looks for n, looks in f.items() if "dense" not in s.file or n == "FHMAC"}) for s, f in found]
    return [Flight("", s.sort, name, 0, looks) for s, flights in chosen for name, looks in flights.items()]


def assumed(count: int = 4000) -> list[Flight]:
    """Return what stands for classes that nobody has recorded or simulated: one flight of `count` looks each."""
    rng = np.random.default_rng(7)
    level = rng.random(count) < 0.5  # half of the time on the level
    climb = np.where(level, rng.normal(0.0, 0.5, count), rng.uniform(-4.0, 4.0, count))
    fixed = np.stack([rng.uniform(12, 40, count), np.exp(rng.uniform(*np.log([30, 1500]), count)), climb], axis=1)
    # a radar with poor elevation: 100 m and 3 m/s off, one sigma
    height = rng.uniform(0, 50, count) + rng.normal(0, 100.0, count)
    noise = np.stack([rng.uniform(0, 40, count), np.maximum(height, 0.0), rng.normal(0.0, 3.0, count)], axis=1)
    return [
        Flight(Class.FIXED_WING.value, "assumed", "assumed", -1, fixed),
        Flight(Class.NOISE.value, "assumed", "assumed", -1, noise),
    ]


def _looks(sky) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return (N, 3) looks with heights above the ellipsoid, and latitude, longitude rad, height m."""
    latitude, longitude, height = geodetic(sky.position)
    east, north, up = np.einsum("nij,nj->in", east_north_up(latitude, longitude), sky.velocity)
    return np.stack([np.hypot(east, north), height, up], axis=1), (latitude, longitude, height)


def _aircraft(source: Source) -> Mapping[str, np.ndarray]:
    """Return the looks of each aircraft of a recording; its pieces between gaps are one flight."""
    path = harness.need(TRACKS + source.file)
    sky = flown(Recording(file=path.name, kind=source.kind), {path.name: path.read_bytes()}, (0.0, 0.0), DAY)
    looks, (latitude, longitude, height) = _looks(sky)
    above_sea = height - geoid_height(latitude, longitude)
    if source.ground == "map":
        looks[:, 1] = above_sea - _ground(np.degrees(latitude), np.degrees(longitude))
    else:
        looks[:, 1] = above_sea - (above_sea.min() if source.ground == "lowest" else float(source.ground))
    pieces: dict[str, list[np.ndarray]] = {}
    for k, target in enumerate(sky.targets):
        mine = looks[sky.base[k] : sky.base[k] + sky.count[k] : EVERY]
        pieces.setdefault(target.callsign or f"{target.address:06x}", []).append(mine[mine[:, 0] >= source.slowest])
    return {name: np.concatenate(found) for name, found in pieces.items()}


def _ground(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Return (n,) m above the sea from a map with one point in 9 km, NaN off the map; deg."""
    with np.load(harness.need(MAP)) as file:
        north, east, height = (file[name].astype(float) for name in ("lat", "lon", "height_m"))
    row, column = (north[0] - latitude) / (north[0] - north[1]), (longitude - east[0]) / (east[1] - east[0])
    there = (row >= 0) & (row < len(north) - 1) & (column >= 0) & (column < len(east) - 1)
    top, left = (np.where(there, place, 0).astype(int) for place in (row, column))
    down, right = row - top, column - left
    upper = height[top, left] * (1 - right) + height[top, left + 1] * right
    lower = height[top + 1, left] * (1 - right) + height[top + 1, left + 1] * right
    return np.where(there, np.maximum(upper * (1 - down) + lower * down, 0.0), np.nan)
