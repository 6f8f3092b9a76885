"""A record of many hours in minutes: the real engine and record, on a clock that is set by hand.

The built-in raid again and again, without its SAPIENT nodes: some 20 targets, three radars, a receiver. A tick is
two seconds instead of a tenth of one, or making it would take hours.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness import progress
from power import memory

from skywarden.config import parse
from skywarden.model.detection import Frame
from skywarden.record.checkpoint import beside, key_at
from skywarden.record.sqlite import SqliteLog
from skywarden.service import recorder
from skywarden.service.engine import Engine
from skywarden.sim.blocks import Timed
from skywarden.sim.scenario import LENGTH_S, Scenario, coast, messages

SECOND = 1_000_000_000
TICK = 2 * SECOND  # ns
UAVS = 12
TOLD = 600 * SECOND  # ns between two words about how far it is


class Clock:
    """A clock that is set. time: ns, UTC."""

    def __init__(self, time: int) -> None:
        self.time = time

    def now(self) -> int:
        return self.time

    def stepped(self) -> int:
        return 0


def ordinary(seed: int, seconds: float = LENGTH_S) -> Scenario:
    """Return a raid as it is sent here, for any part of the hours."""
    return replace(coast(seed, uavs=UAVS, seconds=seconds), posts=())


def traffic(start: int, end: int) -> Iterator[Timed]:
    """Yield what the sensors send from start to end, ns: one raid after the other."""
    for seed, begin in enumerate(range(start, end, int(LENGTH_S) * SECOND), 1):
        seconds = min(LENGTH_S, (end - begin) / SECOND)
        yield from messages(ordinary(seed, seconds), begin)


def make(path: Path, text: str, hours: float, end: int) -> tuple[int, bytes]:
    """Make the record of the hours before `end`, ns. Return its last seq and the state after it, `Line.save()`.

    text: the configuration; it must have the sources of `ordinary`.
    """
    with memory() as directory:
        made = directory / "record"
        before, recorder.RECORD_WAIT = recorder.RECORD_WAIT, 0.0  # nobody acknowledges anything here
        try:
            found = _run(SqliteLog(made, key_at(beside(path))), text, end - round(hours * 3600) * SECOND, end)
        finally:
            recorder.RECORD_WAIT = before
        shutil.copytree(made, path)
    return found


def copy(record: Path, path: Path) -> tuple[int, bytes]:
    """Copy a record that was made before, with its key. Return what `make` does; it has the present format then."""
    shutil.copytree(record, path)
    for end in (".key", ".key.pub"):
        shutil.copy(record.with_name(record.name + end), path.with_name(path.name + end))
    log = SqliteLog(path, key_at(beside(path)))
    found = log.snapshot()
    log.close()
    assert found is not None
    return found


def _run(log: SqliteLog, text: str, start: int, end: int) -> tuple[int, bytes]:
    clock, waiting = Clock(start), traffic(start, end)
    engine = Engine(parse(text), text, log, clock, lambda outcome: None)
    ahead = next(waiting, None)
    while clock.time < end:
        clock.time += TICK
        frames: dict[str, list[Timed]] = {}
        while ahead is not None and ahead.time < clock.time:
            frames.setdefault(ahead.source, []).append(ahead)
            ahead = next(waiting, None)
        engine.turn([Frame.of(name, part[-1].time, *(m.data for m in part)) for name, part in frames.items()])
        if (clock.time - start) % TOLD < TICK:
            progress(f"{(clock.time - start) / 3600 / SECOND:.1f} h, {log.last()} entries")
    engine.close()
    found = log.snapshot()
    log.close()
    assert found is not None
    assert found[0] == log.last()
    return found
