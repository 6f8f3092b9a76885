"""How good forecasts of arrival are: intervals, CRPS beside a straight line's, and probabilities."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from course_cases import KINDS, Cases
from route_shapes import F64

from skywarden.threat.course import LEVELS, MEDIAN, Table, forecast

HORIZONS = {1: (45, 75), 2: (90, 150), 5: (225, 375), 10: (450, 750), 20: (900, 1500)}  # min -> s of the median
INTERVALS = {50: (2, 4), 80: (1, 5), 95: (0, 6)}
FLOOR = 0.02  # probability below which no pair is listed
DRAWS = 1000  # of raids, with replacement
PARTS = 30  # of a straight line's forecasts, in which its spread is recalibrated
BLOCK = 2_000_000
EDGES = (0.0, 0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FEWEST = 400  # arrivals of a kind at a horizon, of which a share is told


class Judged(NamedTuple):
    """text: tables. inside: minutes -> shares in the INTERVALS. reliability: what was said and what came, 0 to 1."""

    text: str
    inside: dict[int, list[float]]
    reliability: list[tuple[float, float]]


def judged(name: str, cases: Cases, known: Cases, table: Table) -> Judged:
    """Return figures of cases. known: those that a straight line's spread is recalibrated on."""
    some = cases.take(np.flatnonzero(np.isfinite(cases.arrival)))
    chance, times = forecast(some.course, table)
    base = recalibrated(known, some)
    head = "| min | cases | arrivals | 50, 80, 95 % | CRPS | straight | less |"
    rows, inside = [f"## {name}", head, "|---|---|---|---|---|---|---|"], {}
    for minutes, (low, high) in HORIZONS.items():
        mine = (times[:, MEDIAN] >= low) & (times[:, MEDIAN] < high) & (chance >= FLOOR)
        inside[minutes] = held(times[mine], some.arrival[mine])
        rows.append(row(minutes, some.take(np.flatnonzero(mine)), times[mine], base[mine]))
        rows += by_kind(some, mine, times)
    every = np.concatenate([chances(cases, table, at) for at in range(0, len(cases.arrival), BLOCK)])
    came = np.isfinite(cases.arrival)
    brier, share = np.mean((every - came) ** 2), came.mean()
    rows.append(f"P(arrival): Brier {brier:.4f}, of the share alone {share * (1 - share):.4f}; said -> came (cases):")
    bins = [(every >= low) & (every < high) for low, high in pairwise(EDGES)]
    said = [(float(every[one].mean()), float(came[one].mean())) for one in bins if one.any()]
    rows += [f"  {a:.3f} -> {b:.3f} ({one.sum():,})" for (a, b), one in zip(said, filter(np.any, bins), strict=True)]
    return Judged("\n".join([*rows, ""]), inside, said)


def chances(cases: Cases, table: Table, at: int) -> F64:
    return forecast(cases.take(np.arange(at, min(at + BLOCK, len(cases.arrival)))).course, table, np.inf)[0]


def row(minutes: int, cases: Cases, times: F64, base: F64) -> str:
    """Return a row of one horizon; CRPS where a straight line has a forecast too."""
    both = np.isfinite(base[:, MEDIAN])
    ours, theirs = crps(times[both], cases.arrival[both]), crps(base[both], cases.arrival[both])
    raid = np.unique(cases.raid[both], return_inverse=True)[1]
    sums = np.stack([np.bincount(raid, ours), np.bincount(raid, theirs)])
    rng = np.random.default_rng(1)
    drawn = sums[:, rng.integers(0, sums.shape[1], (DRAWS, sums.shape[1]))].sum(2)
    low, high = np.quantile(100 * (1 - drawn[0] / drawn[1]), (0.025, 0.975))
    less = 100 * (1 - ours.sum() / theirs.sum())
    arrivals = len(np.unique(np.stack([cases.raid, cases.flight, cases.site]), axis=1).T)
    return (
        f"| {minutes} | {len(times):,} | {arrivals:,} | {told(held(times, cases.arrival))} | {ours.mean():.1f} s "
        f"| {theirs.mean():.1f} s | {less:.0f} % ({low:.0f} to {high:.0f}) |"
    )


def by_kind(cases: Cases, mine: F64, times: F64) -> list[str]:
    """Return rows of the kinds of which there are enough independent arrivals."""
    found = []
    for k, word in enumerate(KINDS):
        rows = np.flatnonzero(mine & (cases.kind == k))
        some = cases.take(rows)
        arrivals = len(np.unique(np.stack([some.raid, some.flight, some.site]), axis=1).T)
        if arrivals >= FEWEST:
            found.append(f"| {word} | {len(rows):,} | {arrivals:,} | {told(held(times[rows], some.arrival))} | | | |")
    return found


def told(shares: list[float]) -> str:
    return ", ".join(f"{100 * share:.1f}" for share in shares)


def held(times: F64, arrival: F64) -> list[float]:
    """Return the shares that lie in the 50, 80 and 95 % intervals."""
    ends = INTERVALS.values()
    return [float(np.mean((arrival >= times[:, low]) & (arrival <= times[:, high]))) for low, high in ends]


def crps(times: F64, arrival: F64) -> F64:
    """Return (n,) s: the mean of twice the quantile losses, which is CRPS as seven quantiles know it."""
    levels = np.array(LEVELS)
    error = arrival[:, None] - times
    return 2.0 * np.maximum(levels * error, (levels - 1.0) * error).mean(1)


def recalibrated(known: Cases, cases: Cases) -> F64:
    """Return (n, LEVELS) s of straight lines, with what lay about their forecasts among known arrivals."""
    usable = np.isfinite(known.straight) & np.isfinite(known.arrival)
    told, error = known.straight[usable], known.arrival[usable] - known.straight[usable]
    edges = np.quantile(told, np.linspace(0.0, 1.0, PARTS + 1)[1:-1])
    part = np.searchsorted(edges, told)
    spread = np.array([np.quantile(error[part == k], LEVELS) for k in range(PARTS)])
    return np.maximum(cases.straight[:, None] + spread[np.searchsorted(edges, cases.straight)], 0.0)
