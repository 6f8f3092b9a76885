"""`skywarden record`: what is in a record."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look into a record.", no_args_is_help=True)


@app.command("info")
def info(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="Directory of the record; it may be in use.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say what is in a record: how long, how much, from whom."""
    import msgspec

    from skywarden.record.info import info as describe

    found = describe(record)
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
        typer.echo(f"started {start['utc']}, mode {start['mode']}, skywarden {start['version']}")
