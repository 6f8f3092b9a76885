"""Triage of 500 reports an evening: how many of twelve things are found, and how many that are not there.

python bench/triage.py 101 120         the seeds that are published in docs/triage.md
"""

import sys
from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

import numpy as np
import triage_world as world
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from skywarden.model.detection import Frame
from skywarden.model.event import ReportEventEnded
from skywarden.model.place import Source
from skywarden.model.track import Mode, Tracks
from skywarden.model.triage import Event, Gathered, Mark, Triage
from skywarden.sensors import Reader
from skywarden.triage import gathered, triaged

SECOND = 1_000_000_000
CLOSE, SOON = 5_000.0, 180.0  # m, s


class Claimed(NamedTuple):
    """One event as it was told last: m, s."""

    number: int
    time: float
    place: NDArray[np.float64]
    reports: int


class Outcome(NamedTuple):
    """matched: of the twelve, in the order of `things`. extra: events that are nothing, or a second one of a thing."""

    matched: list[bool]
    extra: list[Claimed]
    claimed: int
    left: int
    seconds: float


def ticks(lines: list[tuple[float, bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (s, lines): each second in which lines come, and every fifth of the others until all has ended."""
    rows: dict[int, list[bytes]] = {}
    for sent, line in lines:
        rows.setdefault(int(sent) + 1, []).append(line)
    for second in range(int(lines[0][0]), int(lines[-1][0]) + 1500):
        if second in rows or second % 5 == 0:
            yield second, rows.get(second, [])


def told(lines: list[tuple[float, bytes]]) -> tuple[dict[int, Gathered], Triage, float]:
    """Return number -> each event of reports as it was told last, those that became one left out."""
    reader = Reader((Source(name="people", format="reports", max_age_s=900.0),), (), Mode.LIVE)
    picture, found = Triage(), dict[int, Gathered]()
    tracks = Tracks.empty()
    begin = perf_counter()
    for second, some in ticks(lines):
        time = world.START + second * SECOND
        batches = reader.read(Frame.of("people", time, *some)).batches if some else ()
        picture, events = triaged(picture, batches, (tracks, np.zeros(0, np.int64)), time)
        for event in events:
            if isinstance(event, ReportEventEnded):
                if event.into:
                    found.pop(event.number, None)
            else:
                found[event.event.number] = event.event
        for row in np.flatnonzero(picture.events[:, Event.TOLD] > 0).tolist():  # as it stands, told again or not
            marks = picture.marks[picture.marks[:, Mark.EVENT] == picture.events[row, Event.NUMBER]]
            of = marks, picture.people, picture.trust
            one = gathered(picture.events[row], picture.figures[row], of, time)
            found[one.number] = one
    return found, picture, perf_counter() - begin


def judged(made: world.World, found: dict[int, Gathered], seconds: float = 0.0) -> Outcome:
    """Match events to things one to one: within 5 km of where it was at some time within 3 minutes of the event's."""
    claims = [
        Claimed(one.number, (one.at - world.START) / SECOND, world.metres(one.latitude, one.longitude), one.reports)
        for one in sorted(found.values(), key=lambda one: -one.reports)
    ]
    close = np.full((len(claims), len(made.things)), np.inf)
    for row, claim in enumerate(claims):
        times = claim.time + np.arange(-SOON, SOON + 1.0, 2.0)
        for column, thing in enumerate(made.things):
            away = np.hypot(*(thing.at(times) - claim.place).T)
            close[row, column] = np.nanmin(away) if np.isfinite(away).any() else np.inf
    rows, columns = linear_sum_assignment(np.where(close <= CLOSE, close - 1e6, 0.0))
    pairs = [(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if close[r, c] <= CLOSE]
    taken = {row for row, _ in pairs}
    matched = [column in {c for _, c in pairs} for column in range(len(made.things))]
    return Outcome(matched, [c for k, c in enumerate(claims) if k not in taken], len(claims), 0, seconds)


def main() -> None:
    first, last = int(sys.argv[1]), int(sys.argv[2])
    well = 0
    for seed in range(first, last + 1):
        made = world.world(seed)
        found, _, seconds = told(made.lines)
        outcome = judged(made, found, seconds)
        good = sum(outcome.matched) >= 11 and len(outcome.extra) <= 2
        well += good
        missed = [thing.kind for thing, yes in zip(made.things, outcome.matched, strict=True) if not yes]
        extra = [f"{c.number}: {c.reports} at {c.time:.0f} s" for c in outcome.extra]
        print(f"| {seed} | {sum(outcome.matched)} | {len(outcome.extra)} | {'yes' if good else 'no'} |", missed, extra)
    print(f"{well} of {last - first + 1}")


if __name__ == "__main__":
    main()
