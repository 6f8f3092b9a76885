"""Targets from a field of 1,000 single microphones without bearing: how soon found, and how many are none.

    python bench/presence_field.py [--singles 600] [--waves 10] [--inside 100] [--hours 100]
        [--speed 50] [--seed 1]

A target is found when a track is within 4 km of it (each track is one target's). At best it can be found when the
third node hears it: the ceiling ("three heard"). In a wave nodes hear another one already, so that fewer begin to hear
something because of it ("three began"). All are counted at 60, 90 and 120 s after it crossed the outermost line of
nodes. In the hours without raid there are false alarms, mopeds, storms, some helicopters and three flights.
"""

import argparse
import sys
from time import process_time
from typing import NamedTuple

import numpy as np
from presence_watch import Step, watch
from presence_world import (
    HELICOPTERS,
    Flight,
    Heard,
    Nodes,
    edge,
    false,
    inbound,
    joined,
    launched,
    local,
    mopeds,
    nodes,
    passing,
    said,
    thunder,
)
from scipy.optimize import linear_sum_assignment

from skywarden.model.place import F64
from skywarden.track.newcomers import Rules
from skywarden.track.nodes import PAUSE

GATE = 4000.0  # m between a track and its target
FAR = 8000.0  # m; what begins further from every flight is false
WITHIN = (60, 90, 120)  # s
QUIET = 300.0  # s of false alarms alone before a target can be heard
AFTER = 150.0  # s that a target goes on for after it crossed
ABREAST, WAVE_S, WAVE = 60e3, 600.0, 10  # m, s and targets of a wave


class Score(NamedTuple):
    """Of m targets, each column (m,), s after crossing, inf never: when the third node heard it, when the third began

    to hear something because of it, and when it was found. off: (k, 2) m and m/s, in place and velocity, of those
    found, then. begun: tracks; spare: those that were never a target's.
    """

    third: F64
    began: F64
    found: F64
    off: F64
    begun: int = 0
    spare: int = 0


def progress(text: str) -> None:
    """Show on one line how far it is."""
    print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def third(heard: Heard, crossing: float) -> float:
    """Return s after its crossing at which the third node hears a target."""
    on = np.sort(heard.on)
    return float(on[2] - crossing) if len(on) > 2 else np.inf


def began(heard: Heard, everything: Heard, crossing: float) -> float:
    """Return s after its crossing at which the third node that was silent begins to hear a target."""
    on = [
        at
        for node, at in zip(heard.node, heard.on, strict=True)
        if not np.any((everything.node == node) & (everything.on < at) & (everything.off > at - PAUSE * 1e-9))
    ]
    return third(Heard(heard.node, np.array(on), heard.off), crossing)


def found(steps: list[Step], flights: list[Flight]) -> tuple[F64, F64, set[int]]:
    """Return s (m,) when each flight has a track of its own first, inf never, how far off that was, and which tracks

    were one's at some time.
    """
    first, off, owned = np.full(len(flights), np.inf), np.full((len(flights), 2), np.nan), set()
    for step in steps:
        flying = [k for k, flight in enumerate(flights) if flight.begin <= step.time <= flight.end]
        if not len(step.number) or not flying:
            continue
        place = np.stack([flights[k].at(step.time) for k in flying])
        away = np.linalg.norm(place[:, None] - step.state[None, :, :2], axis=-1)
        for i, j in zip(*linear_sum_assignment(np.where(away < GATE, away, 1e6)), strict=True):
            if away[i, j] < GATE:
                owned.add(int(step.number[j]))
                if first[flying[i]] == np.inf:
                    first[flying[i]] = step.time
                    speed = np.linalg.norm(step.state[j, 2:] - flights[flying[i]].velocity)
                    off[flying[i]] = away[i, j], speed
    return first, off, owned


def scored(field: Nodes, flights: list[Flight], crossing: F64, rng: np.random.Generator, rules: Rules) -> Score:
    """Let flights come into a field with false alarms, and score."""
    end = float(max(flight.end for flight in flights))
    heard = [passing(flight, field, rng) for flight in flights]
    noise = [false(field, end, rng), mopeds(field, end, rng)]
    everything = joined([*heard, *noise])
    steps, state = watch(field, said(field, everything, (0.0, end), rng), (0, int(end)), rules)
    first, off, owned = found(steps, flights)
    late = np.array([third(one, at) for one, at in zip(heard, crossing, strict=True)])
    begins = np.array([began(one, everything, at) for one, at in zip(heard, crossing, strict=True)])
    return Score(late, begins, first - crossing, off[np.isfinite(first)], state.begun, state.begun - len(owned))


def singles(count: int, speed: float, seed: int, rules: Rules) -> Score:
    """Score targets one at a time, each in a field of its own."""
    parts = []
    for k in range(count):
        rng = np.random.default_rng([seed, 1, k])
        crossing = QUIET + 8000.0 / speed + 30.0
        field = nodes(rng)
        parts.append(scored(field, [inbound(rng, speed, crossing, AFTER)], np.array([crossing]), rng, rules))
        progress(f"single {k + 1} of {count}")
    return together(parts)


def inside(count: int, speed: float, seed: int, rules: Rules) -> Score:
    """Score targets that begin to fly inside the field, one at a time; they cross when they begin."""
    parts = []
    for k in range(count):
        rng, begins = np.random.default_rng([seed, 4, k]), QUIET
        field = nodes(rng)
        parts.append(scored(field, [launched(rng, speed, begins, 2 * AFTER)], np.array([begins]), rng, rules))
        progress(f"inside {k + 1} of {count}")
    return together(parts)


def waves(count: int, speed: float, seed: int, rules: Rules) -> Score:
    """Score waves: ten targets each over 60 km and ten minutes, on about the same course, over one side."""
    parts = []
    for k in range(count):
        rng = np.random.default_rng([seed, 2, k])
        field, (low, high) = nodes(rng), edge()
        course = rng.normal(0.0, np.radians(5.0), WAVE)
        first = QUIET + 8000.0 / speed + 30.0
        crossing = first + rng.uniform(0.0, WAVE_S, WAVE)
        middle = rng.uniform(low[0] + 0.5 * ABREAST, high[0] - 0.5 * ABREAST)
        east = middle + rng.uniform(-0.5, 0.5, WAVE) * ABREAST
        flights = []
        for at, x, turn in zip(crossing, east, course, strict=True):
            velocity, before = speed * np.array([np.sin(turn), np.cos(turn)]), 8000.0 / speed + 30.0
            start = np.append(np.array([x, low[1]]) - before * velocity, rng.uniform(80.0, 1200.0))
            flights.append(Flight(at - before, first + WAVE_S + AFTER, start, velocity))
        parts.append(scored(field, flights, crossing, rng, rules))
        progress(f"wave {k + 1} of {count}")
    return together(parts)


def together(parts: list[Score]) -> Score:
    """Return several scores as one."""
    columns = [np.concatenate([part[c] for part in parts]) for c in range(4)]
    return Score(*columns, sum(part.begun for part in parts), sum(part.spare for part in parts))


class Night(NamedTuple):
    """Hours without raid: tracks begun that are no flight, that are a helicopter, a flight, or a flight again."""

    false: list[tuple[float, float]]  # s and odds
    helicopters: int
    heard_helicopters: int
    flights: F64  # s after crossing at which each of the real ones was found
    third: F64  # and at which the third node heard it
    again: int


def night(hours: float, seed: int, rules: Rules) -> Night:
    """Return what is begun in hours of false alarms, mopeds, storms and helicopters, with three flights among them."""
    rng = np.random.default_rng([seed, 3])
    field, seconds = nodes(rng), hours * 3600.0
    crossing = (np.arange(3) + 0.5) / 3.0 * seconds
    real = [inbound(rng, 50.0, at, 1800.0) for at in crossing]
    count = rng.poisson(HELICOPTERS * hours)
    rotors = [inbound(rng, rng.uniform(55, 70), at, 1800.0) for at in rng.uniform(0, seconds, count)]
    rotors = [flight._replace(loud=1.3) for flight in rotors]
    heard = [passing(flight, field, rng) for flight in (*real, *rotors)]
    noise = [false(field, seconds, rng), mopeds(field, seconds, rng), thunder(field, seconds, rng)]
    progress(f"{hours:.0f} h without raid")
    messages = said(field, joined([*heard, *noise]), (0.0, seconds), rng)
    steps, _ = watch(field, messages, (0, int(seconds)), rules)
    begun = [(step.time, local(one.mean)[:2], one.existence) for step in steps for one in step.newcomers]
    wrong, seen, again = [], set(), 0
    for time, place, existence in begun:
        flying = [k for k, flight in enumerate((*real, *rotors)) if flight.begin <= time <= flight.end + 30.0]
        away = [float(np.hypot(*((*real, *rotors)[k].at(time) - place))) for k in flying]
        if not away or min(away) > FAR:
            wrong.append((time, existence / (1.0 - existence)))
            continue
        whose = flying[int(np.argmin(away))]
        again += whose in seen
        seen.add(whose)
    first, _, _ = found(steps, real)
    helicopters = sum(k >= len(real) for k in seen)
    audible = sum(len(one.on) > 2 for one in heard[len(real) :])
    late = np.array([third(one, at) for one, at in zip(heard, crossing, strict=False)])
    return Night(wrong, helicopters, audible, first - crossing, late, again)


def table(name: str, score: Score) -> None:
    """Print how many were found in time."""
    print(f"\r{name}: {len(score.third)} targets, {score.begun} tracks, {score.spare} of them never a target's")
    print("  within   three heard   three began   found   found / heard")
    for s in WITHIN:
        heard, begins, share = (np.mean(column <= s) for column in (score.third, score.began, score.found))
        print(f"  {s:4d} s   {heard:11.3f}   {begins:11.3f}   {share:5.3f}   {share / max(heard, 1e-9):13.3f}")
    both = np.isfinite(score.found) & np.isfinite(score.third)
    late = score.found[both] - score.third[both]
    print("  after the third node heard: median {:.1f}, nine of ten {:.1f} s".format(*np.quantile(late, [0.5, 0.9])))
    place, speed = np.quantile(score.off, [0.5, 0.9], axis=0).T
    print(f"  off when found: median {place[0]:.0f} m, {speed[0]:.0f} m/s;", end=" ")
    print(f"nine of ten {place[1]:.0f} m, {speed[1]:.0f} m/s")


def quiet(hours: float, seen: Night) -> None:
    """Print what was begun in hours without raid."""
    count = len(seen.false)
    print(f"\r{hours:.0f} h without raid: {count} false tracks ({10 * count / hours:.2f} per 10 h)")
    print(f"  their odds: {[round(float(odds), 1) for _, odds in seen.false]}")
    print(f"  {seen.helicopters} of {seen.heard_helicopters} helicopters that three nodes heard")
    print(f"  three flights found {np.round(seen.flights, 1).tolist()} s after crossing,", end=" ")
    print(f"third node heard {np.round(seen.third, 1).tolist()}")
    print(f"  {seen.again} tracks begun of what had one before")


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--singles", type=int, default=600)
    parser.add_argument("--waves", type=int, default=10)
    parser.add_argument("--inside", type=int, default=100)
    parser.add_argument("--hours", type=float, default=100.0)
    parser.add_argument("--speed", type=float, default=50.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--odds", type=float, default=Rules().odds)
    asked = parser.parse_args()
    rules, begin = Rules(odds=asked.odds), process_time()
    parts = []
    for name, play, count in (("one at a time", singles, asked.singles), ("in waves", waves, asked.waves)):
        if count:
            parts.append(play(count, asked.speed, asked.seed, rules))
            table(f"{name}, {asked.speed:.0f} m/s", parts[-1])
    if len(parts) > 1:
        table("both together", together(parts))
    if asked.inside:
        table("launched inside the field", inside(asked.inside, asked.speed, asked.seed, rules))
    if asked.hours:
        quiet(asked.hours, night(asked.hours, asked.seed, rules))
    print(f"{process_time() - begin:.0f} s of processor time")


if __name__ == "__main__":
    main()
