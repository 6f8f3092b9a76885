"""How each class flies: learn src/skywarden/data/motion.json, and how good a guess by motion alone is.

    python bench/motion_table.py            learn from parts of the flights, judge on the others, print
    python bench/motion_table.py --write    the same, and write the table learned from all flights

Needs the recordings in ../shared/data. Takes about three minutes. Figures: docs/identity.md.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from motion_flights import FOLDS, Flight, assumed, recorded, simulated, strangers

from skywarden.identify.motion import FACTORS, KNOWN, Table, likelihoods, table
from skywarden.model.assessment import Class

FILE = Path(__file__).resolve().parents[1] / "src" / "skywarden" / "data" / "motion.json"
# scale m/s or m, width in asinh(value / scale), bins; the first edge is 0, but climb has one bin around 0
BINS = {"speed": (10.0, 0.1, 63), "height": (50.0, 0.2, 42), "climb": (2.0, 0.3, 53)}
# Share of each row that is spread evenly over all bins (Dirichlet's prior): as if 2 of 20 flights were not seen yet.
# Every class counts as 20 flights, however many were simulated: their number is ours, not the world's. Log loss on
# flights not learned from hardly depends on it (1.60 to 1.62 from 0.05 to 0.15), but with 0.3 a height of 10 km hardly
# speaks against a cruise missile.
SPREAD = 0.1
CASES = {  # sigma of speed m/s, of height m, of climb m/s
    "a radar with heights": (1.0, 30.0, 0.7),
    "a poor one": (4.0, 200.0, 3.0),
    "no heights": (2.0, np.nan, np.nan),
}
N = 2000  # tracks that are timed
HARM = (Class.UAV_PISTON, Class.UAV_JET, Class.DECOY, Class.CRUISE, Class.BALLISTIC)
SAME = {Class.DECOY.value: Class.UAV_PISTON.value}  # who flies alike


class Judged(NamedTuple):
    """n looks: their class, sort and weight, the weights of each sort of a class together alike; nats: (n, 11)."""

    word: np.ndarray
    sort: np.ndarray
    weight: np.ndarray
    nats: np.ndarray


def edges(name: str) -> np.ndarray:
    """Return the edges of a factor's bins, m/s or m."""
    scale, width, bins = BINS[name]
    first = -0.5 * bins * width if name == "climb" else 0.0
    return np.asarray(scale * np.sinh(first + width * np.arange(bins + 1)))


def weights(flights: Sequence[Flight]) -> list[float]:
    """Return the weight of each flight: those of a sort share it evenly, and so do the sorts of a class; 1 a class."""
    count = Counter((flight.word, flight.sort) for flight in flights)
    sorts = Counter(word for word, _ in count)
    return [1.0 / sorts[flight.word] / count[flight.word, flight.sort] for flight in flights]


def shares(flights: Sequence[Flight], factor: int) -> np.ndarray:
    """Return (bins,) how often flights of one class are in each bin. A look whose value nobody knows does not count."""
    limits = edges(FACTORS[factor])
    told = [flight for flight in flights if np.isfinite(flight.looks[:, factor]).any()]
    found = np.zeros(len(limits) - 1)
    for flight, weight in zip(told, weights(told), strict=True):
        value = flight.looks[:, factor]
        value = np.clip(value[np.isfinite(value)], limits[0], np.nextafter(limits[-1], 0))
        found += weight * np.histogram(value, limits)[0] / len(value)
    return found


def learned(flights: Sequence[Flight], spread: float = SPREAD) -> dict[str, np.ndarray]:
    """Return factor -> (11, bins) frequencies."""
    found = {}
    for factor, name in enumerate(FACTORS):
        rows = []
        for word in KNOWN:
            mine = [flight for flight in flights if flight.word == SAME.get(word.value, word.value)]
            rows.append((1 - spread) * shares(mine, factor) + spread / BINS[name][2])
        found[name] = np.round(rows, 6)
    return found


def text(frequencies: Mapping[str, np.ndarray], sources: Mapping[str, str]) -> str:
    """Return the file."""
    made = (
        "bench/motion_table.py --write: speed over the ground m/s, height above the ground m, climb m/s; bins evenly "
        f"wide in asinh(value / scale); one look in 10 s; each flight has the same weight among its sort, each sort in "
        f"its class; {SPREAD:.0%} of every row is spread evenly. "
        "Positions of real aircraft, but for one glider: OpenSky Network"
    )
    parts = [f'"made": {json.dumps(made)}', f'"sources": {json.dumps(dict(sources), indent=1)}']
    parts.append(f'"classes": {json.dumps([word.value for word in KNOWN])}')
    for name, rows in frequencies.items():
        limits = ", ".join(f"{edge:.6g}" for edge in edges(name))
        lines = ",\n".join("[" + ", ".join(f"{share:.6f}" for share in row) + "]" for row in rows.tolist())
        parts.append(f'"{name}": {{"scale": {BINS[name][0]}, "edges": [{limits}], "frequencies": [\n{lines}\n]}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def sources(flights: Sequence[Flight]) -> dict[str, str]:
    """Return class -> sorts and how many flights of each."""
    found = {}
    for word in KNOWN:
        sorts = [flight.sort for flight in flights if flight.word == SAME.get(word.value, word.value)]
        counts = [f"{sort} ({sorts.count(sort)})" for sort in dict.fromkeys(sorts)]
        found[word.value] = "as piston" if word.value in SAME else ", ".join(counts)
    return found


def judged(flights: Sequence[Flight], of: Table, case: tuple[float, float, float], seed: int) -> Judged:
    """Return what a table says of flights whose states are as uncertain as the case says, and as wrong."""
    looks = np.concatenate([flight.looks for flight in flights])
    count = [len(flight.looks) for flight in flights]
    rng = np.random.default_rng(seed)
    sigma = np.broadcast_to(case, looks.shape)
    value = looks + np.nan_to_num(sigma) * rng.standard_normal(looks.shape)
    return Judged(
        np.repeat([flight.word for flight in flights], count),
        np.repeat([flight.sort for flight in flights], count),
        np.repeat(np.array(weights(flights)) / count, count),
        likelihoods(*value.T, *sigma.T, of),
    )


def held_out(flights: Sequence[Flight], case: tuple[float, float, float], spread: float = SPREAD) -> Judged:
    """Return what tables say of flights that they were not learned from."""
    parts, order = [], sorted((flight for flight in flights if flight.fold >= 0), key=lambda flight: flight.fold)
    for fold in range(FOLDS):
        of = table(text(learned([f for f in flights if f.fold != fold], spread), {}))
        parts.append(judged([f for f in order if f.fold == fold], of, case, fold))
    found = Judged(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    count = [len(flight.looks) for flight in order]
    return found._replace(weight=np.repeat(np.array(weights(order)) / count, count))


def winners(found: Judged) -> np.ndarray:
    """Return the most likely class of each look; a decoy is called as whom it flies like."""
    return np.array([word.value for word in KNOWN])[found.nats.argmax(axis=1)]


def losses(found: Judged) -> np.ndarray:
    """Return -ln of the probability of each look's class, if all 11 are as likely beforehand."""
    odds = np.exp(found.nats)
    own = [[word.value for word in KNOWN].index(word) for word in found.word]
    return np.asarray(-np.log(odds[np.arange(len(own)), own] / odds.sum(axis=1)))


def report(flights: Sequence[Flight], name: str) -> None:
    """Print one case: by class, and by real sort."""
    found = held_out(flights, CASES[name])
    won, lost = winners(found), losses(found)
    right = won == [SAME.get(word, word) for word in found.word.tolist()]
    words = [word.value for word in KNOWN if (found.word == word.value).any()]
    mean = np.mean([[np.average(of[found.word == w], weights=found.weight[found.word == w]) for w in words]
                    for of in (right, lost)], axis=1)  # fmt: skip
    print(f"\n{name}: right {mean[0]:.1%}, log loss {mean[1]:.3f} of ln 11 = {np.log(11):.3f}")
    for word in words:
        _line(word, found.word == word, found.weight, (right, lost, won))
    for sort in dict.fromkeys(sort for sort in found.sort.tolist() if sort.startswith("real")):
        rows = found.sort == sort
        _line(f"  {sort}", rows, found.weight, (right, lost, won))
        column = [word.value for word in KNOWN].index(found.word[rows][0])
        over = found.nats[rows][:, [KNOWN.index(word) for word in HARM]].max(axis=1) - found.nats[rows, column]
        some = np.percentile(over, [5, 50, 95, 100])
        print(f"    the likeliest of what does harm, less its own class: 5, 50, 95 %, most: {np.round(some, 2)} nats")


def _line(name: str, rows: np.ndarray, weight: np.ndarray, of: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    right, lost, won = of
    share = {word: float(weight[rows & (won == word)].sum() / weight[rows].sum()) for word in set(won[rows].tolist())}
    taken = sorted(share.items(), key=lambda item: -item[1])
    taken_for = ", ".join(f"{word} {part:.1%}" for word, part in taken if part >= 0.005)
    good, loss = (np.average(column[rows], weights=weight[rows]) for column in (right, lost))
    print(f"{name:30} right {good:6.1%}  log loss {loss:.3f}  taken for: {taken_for}")


def _time(of: Table) -> float:
    """Return ms that N tracks take."""
    rng, took = np.random.default_rng(1), []
    state = [rng.uniform(0, 300, N), rng.uniform(0, 12e3, N), rng.normal(0, 5, N)]
    sigma = [rng.uniform(0.5, 20, N), rng.uniform(5, 2000, N), rng.uniform(0.5, 20, N)]
    for _ in range(200):
        begun = time.process_time()
        likelihoods(*state, *sigma, of)
        took.append(1e3 * (time.process_time() - begun))
    return float(np.median(took))


def main() -> None:
    """Learn, judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table learned from all flights")
    given = parser.parse_args()
    flights = [*recorded(), *simulated(), *assumed()]
    for name in CASES:
        report(flights, name)
    whole = text(learned(flights), sources(flights))
    print("\nnobody says what they are; no heights / a radar with heights:")
    for flight in strangers():
        for case in ("no heights", "a radar with heights"):
            won = winners(judged([flight], table(whole), CASES[case], 9))
            names, counts = np.unique(won, return_counts=True)
            print(
                f"{flight.sort:40} " + ", ".join(f"{n} {c / len(won):.0%}" for n, c in zip(names, counts, strict=True))
            )
    print(f"\n{N} tracks: {_time(table(whole)):.2f} ms of processor time, median of 200")
    if given.write:
        FILE.write_text(whole)
        print(f"\nwritten: {FILE}, {len(whole) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
