"""Registration as it must show: biases of 0.5 deg, 150 m and 200 ms found in five minutes, jumps, faults, split tracks.

    python bench/registration.py [--runs 100] [--seed 2026] [--hours 100] [parts]

Parts: accuracy, relative, knock, quiet, spoofed, split, displaced, rough; all of them if none is named. What flies and
what measures is in registration_world.py. Latencies: "own", each aircraft has one of its own, even from 0 to 600 ms, as
long as it is there; "each", each message has one of its own. Nobody is told either, only that they are between 0 and
600 ms; of "each" also that messages scatter. Signs of all biases are drawn.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from registration_split import split
from registration_world import SECOND, START, Radar, between, fixes, looks, sky

from skywarden.track.biases import BiasSettings
from skywarden.track.corrections import believed, difference, known
from skywarden.track.displaced import shift
from skywarden.track.measured import FIX, Measured, together
from skywarden.track.register import Register, begun, step

SETTINGS = BiasSettings()
DEGREE = np.radians(1.0)
BIAS = np.array([150.0, 0.5 * DEGREE, 0.0, 0.2])
TENTH = 0.1 * BIAS[:2]
PACE = 10  # s, of a step
UNITS = np.array([1.0, 1.0 / DEGREE, 1.0 / DEGREE, 1e3])  # m, deg, deg, ms
LATENCY = 0.6  # s, the most
FAR, FINE, COARSE = (50.0, 0.3), (10.0, 0.3), (50.0, 1.0)  # m, deg
PLACES = ((-15e3, 0.0), (15e3, 5e3), (5e3, -15e3))


def radar(rng: np.random.Generator, row: int = 0, sigma: tuple[float, float] = FAR, **other: object) -> Radar:
    """Return a radar at one of the places with biases of drawn signs."""
    bias = BIAS * rng.choice([-1.0, 1.0], 4)
    return Radar(*PLACES[row], (sigma[0], sigma[1] * DEGREE, 0.5 * DEGREE), tuple(bias), **other)  # type: ignore[arg-type]


def seen(
    rng: np.random.Generator, radars: list[Radar], traffic: tuple[int, float], seconds: float, by: str
) -> Measured:
    """Return all that is measured of so many aircraft at so many m/s; by: "exact", "own", "each" or "none"."""
    count, speed = traffic
    flown = sky(rng, count, speed, seconds + 2.0)
    plots = looks(rng, flown, radars, seconds)
    if by == "none":
        return plots
    own, spread = np.zeros(count), np.full(count, LATENCY if by == "each" else 0.0)
    if by == "own":
        own = rng.uniform(0.0, LATENCY, count)
    return together([plots, fixes(rng, flown, seconds, own, spread, by == "exact")])


def run(radars: list[Radar], measured: Measured, seconds: float) -> Iterator[Register]:
    """Yield what is known after each step."""
    register = begun([one.place() for one in radars], SETTINGS, START)
    for _ in range(round(seconds / PACE)):
        until = register.time + PACE * SECOND
        register = step(register, between(measured, register.time, until), until, SETTINGS)
        yield register


def last(known: Iterator[Register]) -> Register:
    """Return the last one."""
    *_, end = known
    return end


CASES = (  # radar's sigma, revisit s, aircraft, m/s, reference
    (FAR, 4.0, 5, 200.0, "exact"),
    (FAR, 4.0, 20, 50.0, "exact"),
    (FINE, 1.0, 5, 200.0, "exact"),
    (FINE, 1.0, 20, 50.0, "exact"),
    (COARSE, 4.0, 5, 200.0, "exact"),
    (COARSE, 4.0, 20, 50.0, "exact"),
    (FAR, 4.0, 5, 200.0, "own"),
    (FAR, 4.0, 8, 200.0, "own"),
    (FAR, 4.0, 20, 50.0, "own"),
    (FINE, 1.0, 5, 200.0, "own"),
    (FINE, 1.0, 20, 50.0, "own"),
    (FAR, 4.0, 5, 200.0, "each"),
    (FAR, 4.0, 20, 50.0, "each"),
)


def accuracy(runs: int, seed: int) -> None:
    """Print how far off biases are after five minutes."""
    print("after 5 minutes, one radar: within 10 % | errors at 95 % | claimed 1 sigma | NEES / 4")
    for number, (sigma, revisit, count, speed, by) in enumerate(CASES):
        off, claimed, nees = [], [], []
        for k in range(runs):
            rng = np.random.default_rng([seed, 1, number, k])
            one = radar(rng, 0, sigma, revisit=revisit)
            end = last(run([one], seen(rng, [one], (count, speed), 300.0, by), 300.0))
            belief = believed(end, SETTINGS)
            off.append(belief.mean[:4] - one.bias)
            claimed.append(np.sqrt(np.diag(belief.covariance)[:4]))
            nees.append(off[-1] @ np.linalg.solve(belief.covariance[:4, :4], off[-1]) / 4.0)
        off = np.abs(off)
        good, clock = (off[:, :2] < TENTH).mean(0), off[:, 3]
        print(
            f"{sigma[0]:3.0f} m {sigma[1]} deg {revisit:.0f} s, {count:2d} x {speed:3.0f} m/s, {by:5s}: "
            f"range {good[0]:4.0%} azimuth {good[1]:4.0%} both {(off[:, :2] < TENTH).all(1).mean():4.0%} "
            f"clock < 20 ms {(clock < 0.02).mean():4.0%} < 100 ms {(clock < 0.1).mean():4.0%} | "
            f"{text(np.quantile(off, 0.95, 0))} | {text(np.mean(claimed, 0))} | {np.mean(nees):.2f}",
            flush=True,
        )


def text(values: np.ndarray) -> str:
    """Return range, azimuth, elevation, clock with their units."""
    r, a, e, t = values * UNITS
    return f"{r:5.1f} m {a:.3f} {e:.3f} deg {t:5.1f} ms"


def relative(runs: int, seed: int) -> None:
    """Print how far off the differences between two radars are where nothing is a reference, and what is claimed."""
    print(
        "no reference, two radars, after 5 minutes: difference within 10 % | error at 95 % | claimed 1 sigma | NEES / 4"
    )
    for number, (count, speed) in enumerate(((5, 200.0), (20, 50.0))):
        off, claimed, common, nees, flags = [], [], [], [], 0
        for k in range(runs):
            rng = np.random.default_rng([seed, 2, number, k])
            radars = [radar(rng, 0), radar(rng, 1)]
            end = last(run(radars, seen(rng, radars, (count, speed), 300.0, "none"), 300.0))
            step, covariance = difference(end, 0, 1)
            off.append(step - (np.array(radars[0].bias) - radars[1].bias))
            claimed.append(np.sqrt(np.diag(covariance)))
            common.append(np.sqrt(np.diag(end.belief.covariance)[:4]))
            nees.append(off[-1] @ np.linalg.solve(covariance, off[-1]) / 4.0)
            flags += all(one.relative for one in known(end, "ab", SETTINGS))
        good = (np.abs(off)[:, :2] < TENTH).mean(0)
        print(
            f"{count:2d} x {speed:3.0f} m/s: range {good[0]:4.0%} azimuth {good[1]:4.0%} | "
            f"{text(np.quantile(np.abs(off), 0.95, 0))} | {text(np.mean(claimed, 0))} | {np.mean(nees):.2f}\n"
            f"    of one alone {text(np.mean(common, 0))}; said to be relative {flags} of {runs}",
            flush=True,
        )


def knock(runs: int, seed: int) -> None:
    """Print how soon a mast that was knocked by 0.5 deg after ten minutes is found, of two radars."""
    print("a mast knocked by 0.5 deg: found within 5 minutes, by the right sensor | after s: median, 95 % | others")
    for number, (count, speed, by) in enumerate(((5, 200.0, "exact"), (20, 50.0, "own"), (10, 150.0, "none"))):
        after, wrong, off = [], 0, []
        for k in range(runs):
            rng = np.random.default_rng([seed, 3, number, k])
            when, turn = 600.0 + rng.uniform(0.0, 10.0), 0.5 * DEGREE * rng.choice([-1.0, 1.0])
            radars = [radar(rng, 0, knock=when, added=(0.0, turn, 0.0, 0.0)), radar(rng, 1)]
            found = np.inf
            for end in run(radars, seen(rng, radars, (count, speed), 910.0, by), 910.0):
                for jump in end.jumped:
                    late = (end.time - START) / SECOND - when
                    right = jump.column == 1 and late > 0.0
                    found, wrong = (min(found, late), wrong) if right else (found, wrong + 1)
            after.append(found)
            off.append(abs(end.belief.mean[1] - radars[0].bias[1] - turn))
        print(
            f"{count:2d} x {speed:3.0f} m/s, {by:5s}: {(np.array(after) <= 300.0).mean():4.0%} | "
            f"{np.median(after):3.0f} {np.quantile(after, 0.95):3.0f} | {wrong} others; "
            f"then within 0.05 deg {(np.array(off) < TENTH[1]).mean():4.0%}",
            flush=True,
        )


def quiet(hours: int, seed: int) -> None:
    """Print how often a jump is found where there is none, in runs of an hour."""
    print("jumps found where there is none, two radars, runs of an hour")
    for number, (count, speed, by) in enumerate(((6, 150.0, "exact"), (12, 80.0, "own"), (8, 150.0, "none"))):
        share, found = (hours + 2 - number) // 3, []
        for k in range(share):
            rng = np.random.default_rng([seed, 4, number, k])
            radars = [radar(rng, 0), radar(rng, 1)]
            for end in run(radars, seen(rng, radars, (count, speed), 3600.0, by), 3600.0):
                found += [jump.column for jump in end.jumped]
        print(f"{count:2d} x {speed:3.0f} m/s, {by:5s}: {len(found)} in {share} h {found or ''}", flush=True)


def spoofed(runs: int, seed: int) -> None:
    """Print whether a radar whose place (1 to 5 km) or clock (1 to 60 s) is spoofed from the beginning is found."""
    print("one of three radars spoofed, 10 x 150 m/s, 3 minutes: a fault | taken for a bias, right | others accused")
    for number, (what, by) in enumerate((w, b) for b in ("own", "none") for w in ("place", "clock", "both")):
        found = accused = right = 0
        for k in range(runs):
            rng = np.random.default_rng([seed, 5, number, k])
            away, towards = rng.uniform(1e3, 5e3) * (what != "clock"), rng.uniform(-np.pi, np.pi)
            late = rng.uniform(1.0, 60.0) * rng.choice([-1.0, 1.0]) * (what != "place")
            bad = radar(rng, 2, shift=(away * np.sin(towards), away * np.cos(towards)))
            bad = bad._replace(bias=(*bad.bias[:3], bad.bias[3] + late))
            radars = [radar(rng, 0), radar(rng, 1), bad]
            end = last(run(radars, seen(rng, radars, (10, 150.0), 180.0, by), 180.0))
            faults = [one.fault for one in known(end, "abc", SETTINGS)]
            found, accused = found + bool(faults[2]), accused + any(faults[:2])
            off = np.abs(end.belief.mean[12:16] - bad.bias)
            right += not faults[2] and bool((off < [50.0, 0.1 * DEGREE, 0.2 * DEGREE, 0.3]).all())
        print(f"{what:5s}, {by:4s}: {found / runs:4.0%} | {right / runs:4.0%} | {accused / runs:4.0%}", flush=True)


def displaced(runs: int, seed: int) -> None:
    """Print whether a radar is found whose plots nobody joins to targets, by a minute of them and others' fixes."""
    print("a radar off by 1 to 5 km or 1 to 60 s, or both, plots without labels, 60 s, fixes: found | labels right")
    for number, (what, count) in enumerate((w, n) for n in (5, 12) for w in ("neither", "place", "clock", "both")):
        found, right = 0, []
        for k in range(runs):
            rng = np.random.default_rng([seed, 8, number, k])
            away, towards = rng.uniform(1e3, 5e3) * (what in ("place", "both")), rng.uniform(-np.pi, np.pi)
            late = rng.uniform(1.0, 60.0) * rng.choice([-1.0, 1.0]) * (what in ("clock", "both"))
            bad = radar(rng, 2, shift=(away * np.sin(towards), away * np.cos(towards)))
            flown = sky(rng, count, 150.0, 182.0)
            own, none = rng.uniform(0.0, LATENCY, count), np.zeros(count)
            reference = fixes(rng, flown, 180.0, own, none, False)
            plots = between(looks(rng, flown, [bad], 180.0), START + 60 * SECOND, START + 120 * SECOND)
            plots = plots._replace(time=plots.time + round(late * SECOND))
            apart = shift(*level(bad, plots, reference, count))
            off = [-bad.shift[0], -bad.shift[1], bad.bias[3] + late]  # who stands east sees all too far west
            if apart and (np.abs(np.subtract(apart[:3], off)) < [700.0, 700.0, 4.0]).all():
                found += 1
                right.append((apart.target == plots.target).mean())
        print(f"{what:7s}, {count:2d} targets: {found / runs:4.0%} | {np.mean(right):4.0%}", flush=True)


def level(
    bad: Radar, plots: Measured, reference: Measured, count: int
) -> tuple[np.ndarray, Callable[[float], np.ndarray]]:
    """Return plots, m east and north of a radar, and the places there of targets at their times less some clock."""
    place, t = bad.place(), (plots.time - START) / SECOND
    away = plots.z[:, 0] * np.cos(plots.z[:, 2])
    seen = away[:, None] * np.column_stack([np.sin(plots.z[:, 1]), np.cos(plots.z[:, 1])])
    paths = []
    for one in range(count):
        rows = reference.target == one
        e = (reference.z[rows] - place.position) @ place.rotation.T
        paths.append(((reference.time[rows] - START) / SECOND, e[:, :2]))

    def where(clock: float) -> np.ndarray:
        at = [[np.interp(t - clock, when, e[:, axis], np.nan, np.nan) for axis in range(2)] for when, e in paths]
        return np.moveaxis(np.array(at), -1, 0)

    return seen, where


def rough(hours: int, seed: int) -> None:
    """Print jumps that are none and errors where one plot in fifty is another target's and heights are 80 m off."""
    print("one plot in fifty joined to any target, all fixes 80 m too high (told 100 m), two radars, runs of an hour")
    for number, by in enumerate(("own", "none")):
        found, off, share = 0, [], max(1, hours // 10)
        for k in range(share):
            rng = np.random.default_rng([seed, 7, number, k])
            radars = [radar(rng, 0), radar(rng, 1)]
            measured = seen(rng, radars, (8, 150.0), 3600.0, by)
            wrong, fix = (rng.random(len(measured.time)) < 0.02) & (measured.sensor >= 0), measured.sensor == FIX
            z, covariance, target = measured.z.copy(), measured.covariance.copy(), measured.target.copy()
            target[wrong] = rng.integers(0, 8, wrong.sum())
            up = z[fix] / np.linalg.norm(z[fix], axis=1, keepdims=True)
            z[fix] += 80.0 * up
            covariance[fix] += 100.0**2 * up[:, :, None] * up[:, None]
            for end in run(radars, measured._replace(z=z, covariance=covariance, target=target), 3600.0):
                found += len(end.jumped)
                if end.time == START + 300 * SECOND:
                    both = (
                        end.belief.mean[:4] - radars[0].bias,
                        difference(end, 0, 1)[0] - np.subtract(*biases(radars)),
                    )
                    off.append(both[by == "none"])
        print(
            f"{by:5s}: {found} in {share} h; at 5 minutes RMS {text(np.sqrt(np.mean(np.square(off), 0)))}", flush=True
        )


def biases(radars: list[Radar]) -> tuple[np.ndarray, np.ndarray]:
    """Return those of two radars."""
    return np.array(radars[0].bias), np.array(radars[1].bias)


PARTS: dict[str, Callable[[int, int], None]] = {
    "accuracy": accuracy,
    "relative": relative,
    "knock": knock,
    "quiet": quiet,
    "spoofed": spoofed,
    "split": split,
    "displaced": displaced,
    "rough": rough,
}


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="part", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--hours", type=int, default=100)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    for part in asked.parts:
        PARTS[part](asked.hours if part in ("quiet", "rough") else asked.runs, asked.seed)


if __name__ == "__main__":
    main()
