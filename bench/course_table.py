"""What comes of courses: learn src/skywarden/data/courses.json from made-up raids, and judge it on others.

    python bench/course_table.py                learn from raids 1 to 100, judge on 101 to 200 and on 60 steered ones
    python bench/course_table.py --write        the same, and write the table
    python bench/course_table.py --shipped      judge the table that is there
    python bench/course_table.py --raids 8      a tenth of it, to see that it works
    python bench/course_table.py --draw FILE    a drawing besides: docs/images/arrivals.svg

Raids: route_world.py; cases: course_cases.py. Learned with radii from 0.5 to 20 km. Takes half an hour and 4 GB.
Figures: docs/alerts.md.
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
from course_cases import Cases, of_raids
from course_draw import draw
from course_judge import judged
from route_shapes import F64

from skywarden.threat.course import LEVELS, MEDIAN, SOON, Table, forecast, late, table

FILE = Path(__file__).resolve().parents[1] / "src" / "skywarden" / "data" / "courses.json"
NODES = (
    (0.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1800.0, 2700.0),
    (-70.0, -40.0, -20.0, -10.0, -5.0, -2.0, 0.0, 2.0, 5.0, 9.0, 14.0, 20.0, 30.0, 50.0, 90.0, 170.0),
    (-0.8, -0.2, 0.3, 0.6, 0.8, 0.92, 1.0),
    (50.0, 110.0, 230.0),
)
SHAPE = tuple(len(some) for some in NODES)
MEDIANS = (30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 2400.0)  # s, at which intervals are drawn together
FIRST, LAST, BINS = -2.5, 4.5, 400  # logarithms of ratios, as they are counted
PRIOR = 30.0  # cases, as which the mean over speeds counts in a cell, and that over ways flown before in the mean
FEWEST = 200.0  # cases of all pasts and speeds, below which a time and an angle count as not seen
HELD_OUT = 3  # one raid in so many says how much intervals are drawn together
DIGITS = 4


def learned(cases: Cases, usual: Cases, made: str) -> str:
    """Return the file learned from cases; intervals are drawn together by those of the usual radius."""
    rest = cases.take(np.flatnonzero(cases.raid % HELD_OUT != 0))
    rough = written(*counted(rest), np.ones((len(MEDIANS), len(NODES[3]))), made)
    came = np.flatnonzero((usual.raid % HELD_OUT == 0) & np.isfinite(usual.arrival))
    return written(*counted(cases), drawn_together(usual.take(came), table(rough)), made)


def counted(cases: Cases) -> tuple[F64, F64]:
    """Return (cells,) the chance of arriving at each node and (cells, LEVELS) logarithms of ratios of times.

    A case counts at the nodes around it as much as it lies near them: the table's own interpolation, turned round.
    """
    came, size = np.isfinite(cases.arrival), int(np.prod(SHAPE))
    ratio = late(np.where(came, cases.arrival, 0.0)) - late(cases.course.time)
    cell = np.clip((ratio - FIRST) / (LAST - FIRST) * BINS, 0, BINS - 1).astype(np.int64)
    every, arrived, ratios = np.zeros(size), np.zeros(size), np.zeros(size * BINS)
    for node, weight in around(cases):
        every += np.bincount(node, weight, size)
        arrived += np.bincount(node[came], weight[came], size)
        ratios += np.bincount(node[came] * BINS + cell[came], weight[came], size * BINS)
    every, arrived, ratios = every.reshape(SHAPE), arrived.reshape(SHAPE), ratios.reshape(*SHAPE, BINS)
    chance = (0.5 + arrived.sum((2, 3), keepdims=True)) / (5.0 + every.sum((2, 3), keepdims=True))
    share = ratios.sum((2, 3), keepdims=True) + 1e-3
    for axes in ((3,), ()):  # over speeds, then each cell
        chance = (arrived.sum(axes, keepdims=True) + PRIOR * chance) / (every.sum(axes, keepdims=True) + PRIOR)
        share = ratios.sum(axes, keepdims=True) + PRIOR * share / share.sum(-1, keepdims=True)
    below = np.cumsum(share, -1).reshape(size, BINS)
    edges = np.linspace(FIRST, LAST, BINS + 1)
    found = [np.interp(LEVELS, np.concatenate([[0.0], row / row[-1]]), edges) for row in below]
    ratio = np.array(found).reshape(*SHAPE, len(LEVELS))
    for off in reversed(range(SHAPE[1] - 1)):  # where nobody flew, as where somebody did and led in less deeply
        empty = every[:, off].sum((1, 2)) < FEWEST
        chance[empty, off], ratio[empty, off] = chance[empty, off + 1], ratio[empty, off + 1]
    return chance.reshape(size), ratio.reshape(size, len(LEVELS))


def around(cases: Cases):
    """Yield (n,) a node and (n,) its weight for each case, for the 16 nodes around them."""
    nodes = late(np.array(NODES[0])), np.array(NODES[1]), np.array(NODES[2]), np.log(NODES[3])
    course = cases.course
    values = late(course.time), course.off, course.nearer, np.log(course.speed)
    places, shares = [], []
    for some, value in zip(nodes, values, strict=True):
        place = np.clip(np.searchsorted(some, value, side="right") - 1, 0, len(some) - 2)
        places.append(place)
        shares.append(np.clip((value - some[place]) / np.diff(some)[place], 0.0, 1.0))
    for corner in product((0, 1), repeat=len(NODES)):
        at = [place + up for place, up in zip(places, corner, strict=True)]
        weight = np.prod([share if up else 1.0 - share for share, up in zip(shares, corner, strict=True)], axis=0)
        yield np.ravel_multi_index(at, SHAPE), weight


def drawn_together(cases: Cases, rough: Table) -> F64:
    """Return factors at MEDIANS and speeds by which the 80 % interval holds 80 % of cases that were not learned from.

    Source: split conformal prediction; Papadopoulos et al. 2002.
    """
    times = late(forecast(cases.course, rough)[1])
    low, middle, high = times[:, 1], times[:, MEDIAN], times[:, 5]
    error = late(cases.arrival) - middle
    scaled = np.where(error > 0.0, error / (high - middle), error / (low - middle))
    median = np.searchsorted(between(MEDIANS), np.exp(middle) - SOON)
    speed = np.searchsorted(between(NODES[3]), cases.course.speed)
    return np.array(
        [
            [np.quantile(scaled[(median == m) & (speed == s)], 0.8) for s in range(len(NODES[3]))]
            for m in range(len(MEDIANS))
        ]
    )


def between(nodes) -> F64:
    """Return where one node is as far as the next, in ratios."""
    return np.sqrt(np.array(nodes[1:]) * np.array(nodes[:-1]))


def written(comes: F64, ratio: F64, sharp: F64, made: str) -> str:
    """Return the file."""
    names = dict(zip(("time", "off", "nearer", "speed"), NODES, strict=True))
    factors = {str(median): np.round(row, 3).tolist() for median, row in zip(MEDIANS, sharp, strict=True)}
    values = {"comes": np.round(comes, DIGITS).tolist(), "ratio": np.round(ratio, 3).reshape(-1).tolist()}
    return json.dumps({"made": made, **names, "sharp": factors, **values}, indent=0).replace(",\n", ",") + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raids", type=int, default=100, help="to learn from, and as many to judge on")
    parser.add_argument("--others", type=int, default=101, help="the first of those to judge on")
    parser.add_argument("--steered", type=int, default=60)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--shipped", action="store_true")
    parser.add_argument("--draw", type=Path, metavar="FILE")
    given = parser.parse_args()
    known = of_raids(range(1, given.raids + 1))
    made = f"bench/course_table.py: {len(known.arrival)} cases of raids 1 to {given.raids} of bench/route_world.py"
    varied = of_raids(range(1, given.raids + 1), varied=True)
    text = FILE.read_text() if given.shipped else learned(varied, known, made)
    del varied
    if given.write:
        FILE.write_text(text)
    found = table(text)
    print(f"{len(known.arrival)} cases to learn from; {len(text) // 1024} kB; {np.round(found.sharp, 2).tolist()}")
    seeds = range(given.others, given.others + given.raids)
    print(judged("radii from 0.5 to 20 km", of_raids(seeds, varied=True), known, found).text, flush=True)
    others = of_raids(seeds)
    every = {"other raids": judged("others", others, known, found)}
    print(every["other raids"].text, flush=True)
    del others
    steered = of_raids(range(201, 201 + given.steered), steered=True)
    every["steered"] = judged("steered", steered, known, found)
    print(every["steered"].text)
    if given.draw:
        draw(given.draw, every)


if __name__ == "__main__":
    main()
