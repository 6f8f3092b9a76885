"""A raid made by hand for the judge's tests: two sites in the open sea, straight flights, one radar and one listener.

`files(...)` gives the files of a scenario's directory and the tables of a made-up system as bytes; run with a directory
and a number of fliers, they are written.
"""

import json
import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from skywarden.geo.earth import east_north_up, ecef, geodetic
from skywarden.score import notices as notice_tables
from skywarden.score import tables
from skywarden.score.case import Case, Known
from skywarden.score.case import case as make_case
from skywarden.score.notices import LEVELS, QUANTILES
from skywarden.score.tables import COVERAGE

START = 1_790_000_000_000_000_000
NS = 1_000_000_000
SITES = [
    {"name": "Alpha", "latitude": 45.0, "longitude": -30.0, "radius_m": 3000, "lead_time_s": 300},
    {"name": "Bravo", "latitude": 45.3, "longitude": -29.6, "radius_m": 2000, "lead_time_s": 240},
]
SENSORS = [
    {
        "name": "radar",
        "kind": "radar",
        "source": "a",
        "latitude": 45.1,
        "longitude": -29.9,
        "height_m": 20,
        "revisit_s": 4,
    },
    {
        "name": "ears",
        "kind": "sound",
        "source": "b",
        "latitude": 44.9,
        "longitude": -30.2,
        "height_m": 2,
        "revisit_s": 1,
    },
]


class Flight(NamedTuple):
    """One straight flight to a site. bearing, distance: where it begins, rad and m from the site; begin: s."""

    name: str
    site: int
    bearing: float
    distance: float
    speed: float
    begin: int = 0
    height: float = 400.0
    kind: str = "one-way UAV piston"
    raid: bool = True
    wave: str = "first"
    miss: float = 0.0  # m, passes the site this far to its right and flies on for two minutes


def east_north(site: int) -> tuple[float, float]:
    return np.radians(SITES[site]["latitude"]), np.radians(SITES[site]["longitude"])


def path(flight: Flight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return seconds (n,), place (n, 3) ECEF and level velocity (2,), east and north, of a flight."""
    until = flight.distance / flight.speed + (120 if flight.miss else 0)
    second = np.arange(int(until) + 1)
    outward = np.array([np.sin(flight.bearing), np.cos(flight.bearing)])
    aside = np.array([outward[1], -outward[0]]) * flight.miss
    flat = outward * (flight.distance - flight.speed * second)[:, None] + aside
    latitude, longitude = east_north(flight.site)
    tangent = np.column_stack([flat, np.zeros(len(flat))])
    place = ecef(latitude, longitude, 0.0) + tangent @ east_north_up(latitude, longitude)
    lat, lon, _ = geodetic(place)
    return flight.begin + second, ecef(lat, lon, flight.height), -outward * flight.speed


def rows(second: np.ndarray, name: str, place: np.ndarray, velocity: np.ndarray, rest: Iterable[str]) -> list[str]:
    lat, lon, height = geodetic(place)
    columns = zip(
        (START + np.rint(second * NS).astype(int)).tolist(), np.degrees(lat), np.degrees(lon), height, rest, strict=True
    )
    moving = f"{velocity[0]:.2f},{velocity[1]:.2f},0"
    return [f"{time},{name},{a:.7f},{b:.7f},{c:.1f},{moving},{end}" for time, a, b, c, end in columns]


def truth_csv(flights: list[Flight]) -> bytes:
    found = ["time_ns,target,latitude,longitude,height_m,v_east,v_north,v_up,class,alive"]
    for flight in flights:
        second, place, velocity = path(flight)
        found += rows(second, flight.name, place, velocity, [f"{flight.kind},{int(s < second[-1])}" for s in second])
    return "\n".join(found).encode()


def targets_json(flights: list[Flight]) -> bytes:
    return json.dumps(
        [
            {"target": f.name, "class": f.kind, "raid": f.raid, "site": SITES[f.site]["name"], "wave": f.wave}
            for f in flights
        ]
    ).encode()


def coverage_npy(flights: list[Flight], reach: tuple[float, float] = (45_000.0, 5_000.0)) -> bytes:
    """Return coverage: the radar sees with Pd 0.8 up to reach[0] m, the listener with 0.6 up to reach[1] m."""
    found = []
    for row, flight in enumerate(flights):
        second, place, _ = path(flight)
        for sensor, (limit, pd) in enumerate(zip(reach, (0.8, 0.6), strict=True)):
            at = ecef(np.radians(SENSORS[sensor]["latitude"]), np.radians(SENSORS[sensor]["longitude"]), 0.0)
            seen = second[np.linalg.norm(place - at, axis=1) < limit]
            found += [(s, row, sensor, pd) for s in seen.tolist()]
    file = BytesIO()
    np.save(file, np.array(sorted(found), COVERAGE))
    return file.getvalue()


def tracks_csv(
    flights: list[Flight], generator: np.random.Generator, first: float = 40_000.0, noise: float = 80.0
) -> bytes:
    """Return tracks T1, T2 ... of the flights, from `first` m before their sites on; every seventh has two numbers,
    every eleventh none."""
    found = ["time_ns,track,latitude,longitude,height_m,v_east,v_north,v_up,class,ee_m2,en_m2,eu_m2,nn_m2,nu_m2,uu_m2"]
    spread = ",{0:g},0,0,{0:g},0,{0:g}".format(max(noise, 1.0) ** 2)
    for number, flight in enumerate(flights, 1):
        second, place, velocity = path(flight)
        if number % 11 == 0:
            continue
        left = flight.distance - flight.speed * (second - flight.begin)
        seen = (left < first) & (second < second[-1])
        place = place + generator.normal(0, noise, place.shape)
        half = second[seen].mean() if number % 7 == 0 and seen.any() else np.inf
        for name, part in ((f"T{number}", seen & (second < half)), (f"T{number}b", seen & (second >= half))):
            told = rows(second[part], name, place[part], velocity, [flight.kind] * int(part.sum()))
            found += [row + spread for row in told]
    return "\n".join(found).encode()


def notices(flights: list[Flight], generator: np.random.Generator, ahead: float = 500.0) -> tuple[bytes, bytes]:
    """Return alerts.csv and arrivals.csv: alerts `ahead` s before arrival, every sixth 150 s, every eleventh never.

    Forecasts come every 10 s and are 8 % wrong.
    """
    alerts = ["time_ns,site,track,event,arrival_ns"]
    arrivals = ["time_ns,track,site,probability," + ",".join(QUANTILES)]
    scale = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    for number, flight in enumerate(flights, 1):
        if not flight.raid or number % 11 == 0:
            continue
        site = SITES[flight.site]
        whole = (flight.distance - site["radius_m"]) / flight.speed
        arrival = START + round((flight.begin + whole) * NS)
        raised = arrival - round(
            min(150.0 if number % 6 == 0 else ahead, whole, (40_000 - site["radius_m"]) / flight.speed) * NS
        )
        alerts.append(f"{raised},{site['name']},T{number},raised,{arrival}")
        alerts.append(f"{arrival + 60 * NS},{site['name']},T{number},cleared,")
        error = float(generator.normal(0, 0.08))
        for left in np.arange(20, min(whole, (40_000 - site["radius_m"]) / flight.speed), 10)[::-1]:
            median = left * (1 + error)
            values = ",".join(f"{max(value, 0):.1f}" for value in median * (1 + 0.08 * scale))
            probability = float(np.clip(generator.beta(8, 2), 0, 1))
            arrivals.append(f"{arrival - round(left * NS)},T{number},{site['name']},{probability:.3f},{values}")
    return "\n".join(alerts).encode(), "\n".join(arrivals).encode()


def raid(seed: int, count: int) -> list[Flight]:
    """Return a raid of `count` fliers in three waves, a tenth of them missiles, some that pass, and traffic."""
    generator = np.random.default_rng(seed)
    found = []
    for k in range(count):
        missile = k % 10 == 9
        wave = k * 3 // count
        found.append(
            Flight(
                f"{'missile' if missile else 'uav'}-{k}",
                int(generator.integers(2)),
                float(generator.normal(0.6 + wave, 0.5)),
                float(generator.uniform(55_000, 70_000)),
                220.0 if missile else float(generator.uniform(45, 55)),
                int(generator.integers(600)) + wave * 1500,
                kind="cruise missile" if missile else "one-way UAV piston",
                wave=f"wave {wave + 1}",
                miss=float(generator.uniform(4000, 9000)) if k % 8 == 5 else 0.0,
            )
        )
    found.append(Flight("liner", 0, 2.2, 90_000, 230, 300, 10_000.0, "aeroplane", False, "", 20_000.0))
    return found


def files(flights: list[Flight], seed: int = 1) -> dict[str, bytes]:
    """Return the files of a scenario's directory and, as tables of a system, tracks, alerts and arrivals."""
    generator = np.random.default_rng(seed)
    alerts, arrivals = notices(flights, generator)
    return {
        "truth.csv": truth_csv(flights),
        "targets.json": targets_json(flights),
        "sites.json": json.dumps(SITES).encode(),
        "sensors.json": json.dumps(SENSORS).encode(),
        "coverage.npy": coverage_npy(flights),
        "tracks.csv": tracks_csv(flights, generator),
        "alerts.csv": alerts,
        "arrivals.csv": arrivals,
    }


def case(given: dict[str, bytes], name: str = "small") -> Case:
    """Return the files of a directory as the judge reads them."""
    sites = tables.sites(given["sites.json"])
    known = Known(
        name,
        tables.truth(given["truth.csv"]),
        tables.targets(given["targets.json"]),
        sites,
        tables.sensors(given["sensors.json"]),
        tables.coverage(given["coverage.npy"]),
        START,
    )
    alerts, arrivals = (
        notice_tables.alerts(given["alerts.csv"], sites),
        notice_tables.forecasts(given["arrivals.csv"], sites),
    )
    return make_case(known, tables.tracks(given["tracks.csv"]), alerts, arrivals)


def main(directory: str, count: str) -> None:
    """Write a raid of `count` fliers into a directory, and the tables of a made-up system into `tables` in it."""
    given = files(raid(1, int(count)))
    place = Path(directory)
    (place / "tables").mkdir(parents=True, exist_ok=True)
    for name, data in given.items():
        (place / "tables" / name if name in {"tracks.csv", "alerts.csv", "arrivals.csv"} else place / name).write_bytes(
            data
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
