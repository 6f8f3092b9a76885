"""Experiment: targets from presence only by an intensity grid, DESIGN.md 4.6, beside the lines of `track/lines`.

    PYTHONPATH=src:bench python design/2026-11-presence-grid.py [singles] [hours] [cell m]

The grid: cells of some km x 8 headings x 20, 50, 140, 230 m/s, each with an expected number of unknown targets. Each
4 s it moves on, grows by what flies in over the border, and is multiplied by how likely what the nodes say is with one
more target there over without (heard, silent; two-state processes, sound at p(t - tau)). A target is begun where the
intensity of a cell and its neighbours, all headings and speeds, passes a threshold. Both are run on the same worlds;
the grid has no claps, so there is no thunder. Many thresholds are tried at once: for each what is found and how many
false ones there are.

Result, November 2026, 60 targets, 10 h, 3 km cells (found over three heard, within 60, 90 and 120 s; false in 10 h):
threshold 0.43: 1.06, 1.04, 1.00; 5. 0.69: 1.04, 1.02, 0.98; 3. 1.1: 0.98, 0.96, 0.95; 1. 1.8: 0.87, 0.86, 0.88; 0.
Found means within 8 km here, and two nodes are enough, so over 1 is possible. The lines on the same 60, within 4 km:
0.96, 0.98, 1.00, with 5 false in 100 h of another night, thunder and all. Decided: lines.
"""

import sys
from typing import NamedTuple

import numpy as np
from presence_world import COLUMNS, ROWS, Flight, Heard, Nodes, false, inbound, joined, mopeds, nodes, passing
from scipy.ndimage import maximum_filter, shift, uniform_filter
from scipy.sparse import csr_matrix
from scipy.special import ndtr

from skywarden.model.place import F64

STEP = 4.0  # s
MARGIN = 16e3  # m around the nodes
HEADINGS, SPEEDS = 8, np.array([20.0, 50.0, 140.0, 230.0])
SHARE = np.array([0.1, 0.6, 0.15, 0.15])  # of targets by speed
SPREAD, PD, REACH, SOUND, MEMORY = 0.21, 0.9, 4000.0, 340.0, 60.0
FALSE, TURN = 3.3e-3, 60.0  # share of the time, and s
FLOW = 1.0 / (3600.0 * 500e3)  # 1/(s m), as in `Rules`
THRESHOLDS = np.geomspace(0.01, 30.0, 18)  # of the number of targets in 3 x 3 cells
NEAR = 5000.0  # m, of a target that is found


class Grid(NamedTuple):
    """now, was, both: (nodes, bins) sparse: ln(1 - Pd) now and a step before, ln of silence at both less the latter.

    velocity: (32, 2) m/s. shape: rows and columns of cells. low: (2,) m, the corner. size: m. quiet: (bins,) sum of
    `both`, what it counts that all nodes stay silent.
    """

    now: csr_matrix
    was: csr_matrix
    both: csr_matrix
    velocity: F64
    shape: tuple[int, int]
    low: F64
    size: float
    quiet: F64


def chance(distance: F64) -> F64:
    """Return Pd at a distance."""
    return PD * ndtr(np.log(REACH / np.maximum(distance, 1.0)) / SPREAD)


def heard(d: F64, v: F64) -> F64:
    """Return Pd of targets d (k, 2) m off with velocity v (2,), retarded."""
    vv, dv, dd = v @ v, d @ v, (d**2).sum(1) + 500.0**2
    root = np.sqrt(dv**2 + (SOUND**2 - vv) * dd)
    return chance(SOUND * (root - dv) / (SOUND**2 - vv))


def build(field: Nodes, size: float) -> Grid:
    """Return the grid around a field."""
    half = 2000.0 * np.array([COLUMNS, ROWS]) + MARGIN
    columns, rows = (int(np.ceil(2 * h / size)) for h in half)
    x, y = -half[0] + size * (np.arange(columns) + 0.5), -half[1] + size * (np.arange(rows) + 0.5)
    cells = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    turn = np.arange(HEADINGS) * 2 * np.pi / HEADINGS
    velocity = np.concatenate([s * np.stack([np.sin(turn), np.cos(turn)], -1) for s in SPEEDS])
    live = np.flatnonzero(~field.down)
    parts: list[list[F64]] = [[], [], [], [], []]
    stays = np.exp(-STEP / MEMORY)
    for k, v in enumerate(velocity):
        for j in live:
            middle = field.place[j] + 0.5 * v * 15.0
            near = np.flatnonzero(np.hypot(*(cells - middle).T) < 9000.0)
            now = heard(cells[near] - field.place[j], v)
            was = heard(cells[near] - STEP * v - field.place[j], v)
            both = stays * np.minimum(1 - now, 1 - was) + (1 - stays) * (1 - now) * (1 - was)
            values = (
                np.full(len(near), j),
                k * len(cells) + near,
                np.log1p(-now),
                np.log1p(-was),
                np.log(both / (1 - was)),
            )
            for part, value in zip(parts, values, strict=True):
                part.append(value)
    node, which, *logs = (np.concatenate(part) for part in parts)
    shape = (len(field.place), len(velocity) * len(cells))
    now, was, both = (csr_matrix((values, (node.astype(int), which.astype(int))), shape) for values in logs)
    quiet = np.asarray(both.sum(axis=0)).ravel()
    return Grid(now, was, both, velocity, (rows, columns), -half, size, quiet)


def moved(grid: Grid, density: F64) -> F64:
    """Return the numbers in bins a step later; at the border new ones fly in."""
    rows, columns = grid.shape
    slabs = density.reshape(len(grid.velocity), rows, columns)
    out = np.empty_like(slabs)
    for k, v in enumerate(grid.velocity):
        usual = FLOW * SHARE[k // HEADINGS] / HEADINGS / np.hypot(*v) * grid.size**2
        out[k] = shift(slabs[k], v[::-1] * STEP / grid.size, order=1, mode="constant", cval=usual, prefilter=False)
    return out.ravel()


def told(grid: Grid, density: F64, state: F64, before: F64, live: F64) -> F64:
    """Return the numbers in bins after a look. state, before: (n,) 1 heard; live: (n,) whether a node works."""
    ratio = grid.quiet.copy()
    for j in np.flatnonzero((state + before > 0) & live):
        row = slice(grid.now.indptr[j], grid.now.indptr[j + 1])
        bins = grid.now.indices[row]
        now, was, both = np.exp(grid.now.data[row]), np.exp(grid.was.data[row]), np.exp(grid.both.data[row])
        silent = (1 - FALSE) * np.exp(-(density[bins] * (1 - now)).sum())  # without one more
        again = (1 - FALSE / TURN * STEP) * np.exp(-(density[bins] * (1 - both)).sum())
        if before[j] == 0:
            factor = (1 - again * both) / (1 - again)
        else:
            ends, ended = silent * now - silent * again * was * both, silent - silent * again
            factor = ends / ended if state[j] == 0 else (1 - silent * was - ends) / (1 - silent - ended)
            factor = factor * (1 - silent) / (1 - silent * was)
        ratio[bins] += np.log(np.maximum(factor, 1e-12)) - grid.both.data[row]
    return density * np.exp(np.clip(ratio, -30.0, 30.0))


def peaks(grid: Grid, density: F64) -> tuple[F64, F64]:
    """Return numbers of targets in 3 x 3 cells, at the places where they are largest, and the places (k, 2)."""
    total = density.reshape(len(grid.velocity), *grid.shape).sum(0)
    around = 9.0 * uniform_filter(total, 3, mode="constant")
    row, column = np.nonzero((around == maximum_filter(around, 5)) & (around > THRESHOLDS[0]))
    return around[row, column], grid.low + grid.size * (np.stack([column, row], -1) + 0.5)


def run(grid: Grid, field: Nodes, hears: Heard, end: float, flights: list[Flight]) -> tuple[F64, list[F64]]:
    """Return (flights, thresholds) s at which each is found, and for each threshold the times of false ones."""
    density = moved(grid, np.zeros(len(grid.quiet)))
    for _ in range(60):  # what flies in has spread
        density = told(grid, moved(grid, density), np.zeros(len(field.place)), np.zeros(len(field.place)), ~field.down)
    found, wrong = np.full((len(flights), len(THRESHOLDS)), np.inf), [np.zeros((0, 3)) for _ in THRESHOLDS]
    order = np.argsort(hears.on)
    on, off, node = hears.on[order], hears.off[order], hears.node[order]
    before = np.zeros(len(field.place))
    for time in np.arange(0.0, end, STEP):
        state = np.zeros(len(field.place))
        first = np.searchsorted(on, time - 900.0)
        last = np.searchsorted(on, time - 1.5)
        rows = np.arange(first, last)[off[first:last] > time - 1.5]
        state[node[rows]] = 1.0
        density = told(grid, moved(grid, density), state, before, ~field.down)
        before = state
        height, place = peaks(grid, density)
        for h, at in zip(height, place, strict=True):
            own = [
                k
                for k, f in enumerate(flights)
                if f.begin <= time <= f.end and np.hypot(*(f.at(time) - at)) < NEAR + grid.size
            ]
            for t in np.flatnonzero(h > THRESHOLDS):
                for k in own:
                    found[k, t] = min(found[k, t], time)
                recent = wrong[t][wrong[t][:, 0] > time - 600.0] if len(wrong[t]) else wrong[t]
                if not own and not np.any(np.hypot(*(recent[:, 1:] - at).T) < 20e3):  # one false track lasts on
                    wrong[t] = np.vstack([wrong[t], [time, *at]])
    return found, wrong


def main() -> None:
    """Print for each threshold what is found within 60, 90 and 120 s, over the ceiling, and the false ones per 10 h."""
    singles, hours, size = (float(word) for word in [*sys.argv[1:], *("60", "10", "3000")[len(sys.argv) - 1 :]])
    late, third = [], []
    for k in range(int(singles)):
        rng = np.random.default_rng([2, 1, k])
        field, crossing = nodes(rng), 490.0
        flight = inbound(rng, 50.0, crossing, 150.0)
        hears = passing(flight, field, rng)
        noise = [false(field, flight.end, rng), mopeds(field, flight.end, rng)]
        found, _ = run(build(field, size), field, joined([hears, *noise]), crossing + 122.0, [flight])
        late.append(found[0] - crossing)
        on = np.sort(hears.on) - crossing
        third.append(on[2] if len(on) > 2 else np.inf)
        print(f"\rsingle {k + 1}", end="", file=sys.stderr, flush=True)
    rng = np.random.default_rng([2, 3])
    field, end = nodes(rng), 3600.0 * hours
    hears = joined([false(field, end, rng), mopeds(field, end, rng)])
    _, wrong = run(build(field, size), field, hears, end, [])
    ceiling = [np.mean(np.array(third) <= s) for s in (60, 90, 120)]
    print(f"\r{len(late)} targets, {hours:.0f} h, cells of {size:.0f} m; three heard {np.round(ceiling, 3)}")
    for t, threshold in enumerate(THRESHOLDS):
        ratio = [np.mean(np.array(late)[:, t] <= s) / c for s, c in zip((60, 90, 120), ceiling, strict=True)]
        per = 10 * len(wrong[t]) / hours
        print(f"  over {threshold:6.3f}: found / heard {np.round(ratio, 3)}, {per:.2f} false per 10 h")


if __name__ == "__main__":
    main()
