"""Fuzz of hand-overs: no byte of a cue without a named person's fresh decision, and no byte that is not on the list.

Half of the time the pure line: inputs of all kinds, right, wrong, old, told again, in pictures of every mode, with
clocks that jump, holes in the record, starts and reloads with random configurations. Half of it running installations:
every address and method of the interface, people of all roles who log in, give passwords, decide rightly and wrongly
and several times at once, while partners, clocks, people and configurations change; partners on loopback count every
byte. Judged for every input:

- a cue comes of an accepted decision only: a supervisor's, live, on what was shown, with a proof of the last minute
  that nothing else has used; each decision that lacks nothing is accepted; each hand-over ends when it must
- the partner gets the cues of the decisions that people made, at its place, and of no other
- feeds go where they were allowed, while they were; an independent parser knows all that warnings and answers hold

    python bench/fuzz_handover.py [--seconds 600] [--seed 1]
    python bench/fuzz_handover.py --break all      (break the code in each of the ways in `breaking.py`: is it seen?)
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import handover_door
import handover_line
from breaking import DOORS, LINES, Change, broken
from harness import progress, report

from skywarden.model.mode import Mode

DOOR_S = 40.0  # s of one installation
CASES, DOOR_BREAK_S, DOOR_TRIES = 400, 20.0, 3  # in which a break must be seen
MODES = (Mode.LIVE, Mode.LIVE, Mode.LIVE, Mode.SIM, Mode.LIVE, Mode.EXERCISE, Mode.LIVE, Mode.REPLAY)


def lines(seconds: float, seed: int) -> Counter[str]:
    """Fuzz the line for so long."""
    found, until = Counter[str](), time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            found += handover_line.case(seed)
        except AssertionError as error:
            raise AssertionError(f"case {seed}: {error}") from error
        seed += 1
    return found


def doors(seconds: float, seed: int) -> Counter[str]:
    """Fuzz installations, one after the other, for so long."""
    found, until = Counter[str](), time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        found += door(MODES[seed % len(MODES)], seed, min(DOOR_S, left))
        seed += 1
    return found


def door(mode: Mode, seed: int, seconds: float) -> Counter[str]:
    """Fuzz one installation."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            return handover_door.case(Path(directory), mode, seed, seconds)
        except AssertionError as error:
            raise AssertionError(f"{mode}, seed {seed}: {error}") from error


def seen(changes: tuple[Change, ...], fuzz: Callable[[int], object], seeds: Iterable[int]) -> str:
    """Return what the fuzz says of broken code; "" it says nothing."""
    with broken(changes):
        for seed in seeds:
            try:
                fuzz(seed)
            except Exception as error:  # noqa: BLE001 - it has been noticed, whatever it is
                return f"case {seed}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return ""


def breaks(wanted: str) -> dict[str, str]:
    """Break the code in the ways wanted; return what was seen of each."""
    ways: list[tuple[Mapping[str, tuple[Change, ...]], Callable[[int], object], Iterable[int]]] = [
        (LINES, handover_line.case, range(CASES)),
        (DOORS, lambda seed: door(Mode.LIVE, seed, DOOR_BREAK_S), range(DOOR_TRIES)),
    ]
    for mode in Mode:
        handover_line.begun(mode)  # by code that is whole
    found = {}
    for table, fuzz, seeds in ways:
        for name, changes in table.items():
            if wanted in ("all", name):
                found[name] = seen(changes, fuzz, seeds)
                progress(f"{name}: {found[name] or 'NOT SEEN'}")
    return found


@contextmanager
def quiet() -> Any:
    """Keep the installation's own words, one for each wrong password, out of what is shown."""
    import logging

    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="broken", help="all, or the name of one way")
    options = parser.parse_args()
    with quiet():
        if options.broken:
            told = breaks(options.broken)
            report({"breaks": told}, [(name, said or "not seen", bool(said)) for name, said in told.items()])
            return
        line = lines(options.seconds / 2, options.seed)
        there = doors(options.seconds / 2, options.seed)
    for name, counts in (("line", line), ("installations", there)):
        progress(f"{name}: {dict(counts.most_common())}")
    cues = f"{line['hand-overs']:,} hand-overs of {line['Decided']:,} decisions, {line['bytes']:,} bytes read"
    both = f"{there['hand-overs']:,} hand-overs, {there['requests']:,} requests, {there['bytes to partners']:,} bytes"
    report(
        {"line": dict(line), "installations": dict(there)},
        [(f"line, {line['cases']:,} cases: nothing found", cues, line["hand-overs"] > 0),
         (f"{there['installations']} installations: nothing found", both, there["hand-overs"] > 0)],
    )  # fmt: skip


if __name__ == "__main__":
    main()
