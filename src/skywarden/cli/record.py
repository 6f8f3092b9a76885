"""`skywarden record`: what is in a record, and whether it is what was written."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skywarden.record.walk import Report

Place = Annotated[
    Path, typer.Argument(metavar="RECORD", help="Directory of the record, or of a simulation; it may be in use.")
]

app = typer.Typer(help="Look into a record.", no_args_is_help=True)


@app.command("verify")
def verify(
    record: Place,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="HEX", help="A public key that may have signed; else those in RECORD.key.pub."),
    ] = None,
) -> None:
    """Say whether a record is what was written: entries, order, tree, signed checkpoints. Exit 1 when it is not."""
    import msgspec

    from skywarden.cli.terminal import complain, progress
    from skywarden.record.checkpoint import beside, known
    from skywarden.record.pieces import workers
    from skywarden.record.reading import SqliteRecord
    from skywarden.record.verify import verify as check
    from skywarden.service.frames import place_of

    record = place_of(record)
    public = {_public(one) for one in key} if key else known(beside(record))
    size = SqliteRecord(record).last()
    with progress(f"verifying {record.name}", size, printing=False) as told, workers(size) as pool:
        found = check(record, public, told, pool)
    if json:
        typer.echo(msgspec.json.encode(_row(record, found, bool(public))).decode())
    else:
        for line in _lines(record, found, bool(public)):
            typer.echo(line)
    if found.fault is not None:
        if not json:
            complain(f"{record}: entry {found.fault.seq}: {found.fault.what}")
        raise typer.Exit(1)


def _public(text: str) -> bytes:
    try:
        public = bytes.fromhex(text)
    except ValueError:
        public = b""
    if len(public) != 32:
        raise typer.BadParameter("a public key is 64 hexadecimal digits", param_hint="--key")
    return public


def _row(record: Path, found: "Report", known: bool) -> dict[str, Any]:
    last = found.last
    return {
        "path": str(record),
        "ok": found.fault is None,
        "entries": found.entries,
        "first_seq": found.seqs[0],
        "last_seq": found.seqs[1],
        "covered_from": found.covered,
        "removed_to": found.removed,
        "checkpoints": found.checkpoints,
        "last_checkpoint": None if last is None else {"seq": last.seq, "time": last.time, "root": last.root.hex()},
        "key": None if last is None else last.key.hex(),
        "key_known": known,
        "keys": [key.hex() for key in found.signers],
        "uncovered": found.uncovered,
        "fault": None if found.fault is None else found.fault._asdict(),
    }


def _lines(record: Path, found: "Report", known: bool) -> Iterator[str]:
    yield f"{record}: entries {found.seqs[0]} to {found.seqs[1]}"
    if found.removed:
        yield f"entries up to {found.removed} were deleted by retention, as is stated and signed"
    if found.covered > found.seqs[0]:
        yield f"entries before {found.covered} were written by a version without a tree: nothing is known of them"
    if found.last is None:
        yield "no checkpoint: only damage is found, not a change by somebody who knows how"
        return
    yield f"{found.checkpoints} checkpoints fit, the last after entry {found.last.seq}, by key {found.last.key.hex()}"
    if len(found.signers) > 1:
        keys = ", ".join(key.hex() for key in found.signers)
        yield f"signed by {len(found.signers)} keys, one after the other: {keys}; was the key file lost in between?"
    if not known:
        yield "the key is not here: compare it with the one that you know (--key)"
    if found.uncovered:
        yield f"{found.uncovered} entries after it are not signed yet: were they changed or cut off, nobody could tell"


@app.command("backup")
def backup(
    record: Place,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Directory of the copy, new or an earlier copy.")],
) -> None:
    """Copy a record, also while it is written; run again, it copies only what is new."""
    from skywarden.cli.terminal import progress
    from skywarden.record import segment
    from skywarden.record.backup import backup as copy
    from skywarden.record.reading import SqliteRecord
    from skywarden.service.frames import place_of

    record = place_of(record)
    size = sum(file.stat().st_size for file in segment.files(SqliteRecord(record).path))
    with progress(f"copying {record.name}", size, printing=False) as told:
        done = copy(record, target, told)
    there = f", {done.there} were there" if done.there else ""
    typer.echo(f"{target}: {done.segments} segments copied ({done.bytes / 1e6:.1f} MB){there}; up to entry {done.last}")
    typer.echo(f"to check it: skywarden record verify {target}")


@app.command("info")
def info(
    record: Place,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say what is in a record: how long, how much, from whom."""
    import msgspec

    from skywarden.record.info import info as describe
    from skywarden.service.frames import place_of

    found = describe(place_of(record))
    if json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    typer.echo(f"{found['path']}: format {found['format']}, made by skywarden {found['version']}")
    typer.echo(f"{found['first_utc']} to {found['last_utc']}, {found['span_s']:.0f} s, {found['bytes'] / 1e6:.1f} MB")
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found["entries"].items()))
    typer.echo(f"entries {found['first_seq']} to {found['last_seq']}: {kinds or 'none'}")
    for name, traffic in found["sources"].items():
        typer.echo(f"source {name}: {traffic['messages']} messages, {traffic['bytes']} bytes")
    for start in found["starts"]:
        did = "read its configuration again" if start["reload"] else "started"
        typer.echo(f"{did} {start['utc']}, mode {start['mode']}, skywarden {start['version']}")
