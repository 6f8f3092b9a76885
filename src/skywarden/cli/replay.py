"""`skywarden replay`: a record run again through the same pipeline."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skywarden.model.event import Entry
    from skywarden.record.reading import SqliteRecord

TOLD = (  # kinds of events that are printed when there is no --out: what a watch officer would have been told
    "Started",
    "ClockStepped",
    "Lost",
    "TrackConfirmed",
    "TrackCoasting",
    "TrackDropped",
    "AlertRaised",
    "AlertUpdated",
    "AlertCleared",
    "SiteWatched",
    "Acted",
    "Decided",
    "CueEnded",
    "Advised",
    "Suspended",
    "FeedEnded",
    "Taken",
    "Escalated",
    "ShelfEnded",
    "CategoryEnded",
    "SensorRegistered",
    "SensorFault",
    "SensorTrust",
)


def replay(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="Directory of the record, or of a simulation.")],
    speed: Annotated[str, typer.Option(metavar="N|max", help="Times its own speed.")] = "max",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help='Every event as JSON lines; "-" is stdout.')] = None,
    tables: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write tracks.csv, past.csv, alerts.csv and arrivals.csv.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare with the record, byte for byte.")] = False,
) -> None:
    """Run a record again and print its tracks and alerts. With --verify exit code 1 where anything differs."""
    from skywarden.cli.pace import pace_of
    from skywarden.cli.terminal import while_read
    from skywarden.service.frames import record_in

    pace = pace_of(speed)
    if verify and out is None and tables is None and pace is not None:
        raise typer.BadParameter("--verify compares as fast as it can: leave --speed out", param_hint="--speed")
    opened = record_in(record)
    if verify:
        _verify(opened)
    if out is not None or tables is not None or not verify:
        with while_read():
            _play(opened, pace, out, tables)


def _entries(record: "SqliteRecord", printing: bool) -> "Iterator[Entry]":
    """Yield the entries of a record and show how far it is. printing: what follows goes to stdout meanwhile."""
    from skywarden.cli.terminal import progress

    last = record.last()
    with progress("replaying", last, printing=printing) as report:
        for entry in record.entries():
            if entry.seq % 1000 == 0:
                report(entry.seq)
            yield entry


def _verify(record: "SqliteRecord") -> None:
    from skywarden.cli.terminal import complain
    from skywarden.replay import beginning, compare

    found = compare(_entries(record, printing=False), beginning(record))
    for hole in found.holes:
        complain(str(hole))
    if found.difference is not None:
        complain(f"differs at {found.difference}")
        raise typer.Exit(1)
    tail = f"; the record ends before the last {found.missing} outputs" if found.missing else ""
    typer.echo(f"equal: {found.ticks} ticks, {found.outputs} outputs{tail}")


def _play(record: "SqliteRecord", pace: float | None, out: Path | None, tables: Path | None) -> None:
    """Print or write every tick's events; with tables alone nothing is printed."""
    from skywarden.replay import beginning, by_tick, to_json
    from skywarden.service.clock import HostClock
    from skywarden.service.tables import Tables

    clock = HostClock()
    begun, first = clock.now(), 0
    with ExitStack() as stack:
        written = stack.enter_context(Tables(tables)) if tables is not None else None
        silent = written is not None and out is None
        piped = not silent and (out is None or str(out) == "-")
        file = sys.stdout.buffer if silent or piped or out is None else stack.enter_context(out.open("wb"))
        line = beginning(record)
        for time, group in by_tick(_entries(record, piped), line):
            first = first or time
            if pace is not None:
                due = begun + round((time - first) / pace)
                sleep(max(0, due - clock.now()) * 1e-9)
                file.flush()
            if written is not None:
                written.take(group, line.picture, line.settings.tracker)
            if not silent:
                file.write(b"".join(to_json(entry) + b"\n" for entry in group if out is not None or _told(entry)))
        file.flush()


def _told(entry: "Entry") -> bool:
    from skywarden.record.log import kind

    return kind(entry.payload) in TOLD
