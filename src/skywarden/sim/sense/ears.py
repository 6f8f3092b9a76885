"""All microphone nodes of a scenario in arrays: where they stand, what each does not know of its own hearing."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo import east_north_up, ecef
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64
from skywarden.sim.scene.settings import Microphones, Scene
from skywarden.sim.sense.placing import places
from skywarden.sim.sound.air import wind_at

CELL_M = 2000.0  # of the grid in which nodes are looked up; larger where the area is
MOST_CELLS = 512  # a side
GUST = 0.35  # of ln wind, 1 sigma, over minutes (assumption)
GUST_S = ((15.0, 60.0), (120.0, 600.0))  # periods of a gust's two waves, drawn per node

PLACES, HOURS = 61, 62  # second word of a seed; the first is the scenario's


class Ears(NamedTuple):
    """n nodes. position: (n, 3) ECEF m; level: (n, 2) m east and north of the origin; turn: (n, 3, 3) to its own ENU.

    ambient: (n,) row of the table; mean_wind: (n,) m/s; gust: (n, 2, 2) angular speed and phase of two waves;
    excess: (n, 2) dB, lowest and highest; the rest (n,) as in `Microphones`.
    """

    position: F64
    level: F64
    turn: F64
    latitude: F64  # rad
    longitude: F64
    height: F64
    ambient: I64
    mean_wind: F64
    gust: F64
    excess: F64
    false_alarm: F64
    array: F64  # 1 or 0
    bearing_sigma: F64  # rad
    tone_sigma: F64
    rate: F64  # disturbances, 1/s
    latency: F64


class Now(NamedTuple):
    """One second at n nodes. up: works; wind: m/s; excess: dB."""

    second: int
    up: NDArray[np.bool_]
    wind: F64
    excess: F64


class Grid(NamedTuple):
    """Nodes by cells. corner: (2,) m east and north; size: of a cell, m; first: (rows * columns + 1,) into nodes."""

    corner: F64
    size: float
    rows: int
    columns: int
    first: I64
    nodes: I64


def ears(blocks: tuple[Microphones, ...], scene: Scene, ground: Ground, seed: int) -> tuple[list[str], Ears]:
    """Return the names and the arrays of all nodes, block after block."""
    rng = np.random.default_rng([seed, PLACES])
    origin = scene.scenario.origin
    placed = [places(block, origin, ground, rng) for block in blocks]
    nowhere = np.empty(0)  # a scenario may have no nodes
    latitude = np.concatenate([nowhere, *(p.latitude for p in placed)])
    longitude = np.concatenate([nowhere, *(p.longitude for p in placed)])
    height = np.concatenate([nowhere, *(p.height for p in placed)])
    counts = np.array([len(p.names) for p in placed], np.int64)
    position, turn = ecef(latitude, longitude, height), east_north_up(latitude, longitude)
    middle = np.radians(origin)
    level = (position - ecef(middle[0], middle[1], 0.0)) @ east_north_up(middle[0], middle[1])[:2].T

    def column(values: list[float]) -> F64:
        return np.repeat(np.asarray(values, float), counts)

    n = len(latitude)
    periods = np.stack([rng.uniform(*limits, n) for limits in GUST_S], 1)
    gust = np.stack([2 * np.pi / periods, rng.uniform(0, 2 * np.pi, (n, 2))], 2)
    return [name for p in placed for name in p.names], Ears(
        position,
        np.ascontiguousarray(level),
        turn,
        latitude,
        longitude,
        height,
        np.repeat(np.arange(len(blocks)), counts),
        column([wind_at(scene.weather, b.height_m) for b in blocks]),
        gust,
        np.repeat(np.array([b.excess_db for b in blocks], float).reshape(-1, 2), counts, axis=0),
        column([b.false_alarm for b in blocks]),
        column([b.array for b in blocks]),
        np.radians(column([b.bearing_sigma_deg for b in blocks])),
        column([b.tone_sigma for b in blocks]),
        column([b.disturbances_per_h / 3600 for b in blocks]),
        column([b.latency_s for b in blocks]),
    )


def grid(level: F64) -> Grid:
    """Return the grid of nodes at (n, 2) m east and north."""
    low, high = (level.min(0), level.max(0)) if len(level) else (np.zeros(2), np.zeros(2))
    size = max(CELL_M, float((high - low).max()) / MOST_CELLS)
    columns, rows = (int(extent // size) + 1 for extent in high - low)
    cell = ((level - low) // size).astype(np.int64)
    index = cell[:, 1] * columns + cell[:, 0]
    first = np.concatenate([[0], np.cumsum(np.bincount(index, minlength=rows * columns))])
    return Grid(low, size, rows, columns, first, np.argsort(index, kind="stable"))


def wind(of: Ears, time: float) -> F64:
    """Return (n,) m/s at the nodes' screens: the mean with slow gusts, each node its own."""
    waves = np.sin(of.gust[:, :, 0] * time + of.gust[:, :, 1]).sum(1)
    speed: F64 = of.mean_wind * np.exp(GUST * waves)
    return speed


def excess(of: Ears, time: float, seed: int) -> F64:
    """Return (n,) dB: one draw for each node and hour."""
    share = np.random.default_rng([seed, HOURS, int(time // 3600)]).random(len(of.height))
    return of.excess[:, 0] + share * (of.excess[:, 1] - of.excess[:, 0])
