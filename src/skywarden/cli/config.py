"""`skywarden config`: write a commented configuration, check one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skywarden.cli.horizon import horizon

if TYPE_CHECKING:
    from skywarden.config import Settings

app = typer.Typer(help="Write and check configurations.", no_args_is_help=True)
app.command("horizon")(horizon)


@app.command("init")
def init(
    path: Annotated[Path | None, typer.Argument(metavar="PATH", help="Left out: stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Write a commented configuration with every setting, its unit and its default."""
    from skywarden.cli.terminal import note
    from skywarden.config.write import initial
    from skywarden.errors import ConfigError

    if path is None:
        typer.echo(initial(), nl=False)
        return
    if path.exists() and not force:
        raise ConfigError(f"{path} exists already; choose another name, or write over it with --force")
    path.write_text(initial(), encoding="utf-8")
    note(f"wrote {path}; change it, then: skywarden config check {path}")


@app.command("check")
def check(file: Annotated[Path, typer.Argument(metavar="FILE", help="The configuration.")]) -> None:
    """Check a configuration: every mistake with its line, or a summary of what it does."""
    from skywarden.cli.terminal import printable
    from skywarden.config import exposed, load
    from skywarden.config.address import absent
    from skywarden.config.write import summary

    settings = load(file)
    for line in summary(settings):
        typer.echo(printable(line))
    for address in exposed(settings):
        typer.echo(printable(f"reachable by other computers: {address}; skywarden run needs --expose"))
    for name, source in absent(settings):
        typer.echo(printable(f"source {source}: this computer has no interface {name} now; it waits for one"))
    _look_at_certificates(settings)
    typer.echo(f"{file} is right")


def _look_at_certificates(settings: "Settings") -> None:
    """Say until when they hold. Raises ConfigError when one cannot be used; `run` would go on with one that has ended,
    since a restart must not be worse than no restart.
    """
    import time
    from datetime import UTC, datetime

    from skywarden.cli.terminal import printable
    from skywarden.errors import ConfigError
    from skywarden.service.tls import HOW, all_of

    faults = []
    for end in all_of(settings):
        if isinstance(end, ConfigError):
            faults.append(str(end))
            continue
        row = end.row(time.time_ns())  # noqa: TID251 - a command of its own, no core
        whose = "interface" if row.source is None else f"source {row.source}"
        if row.expires is None:
            typer.echo(printable(f"TLS of {whose}: believes the authorities that this computer trusts"))
            continue
        date = f"{datetime.fromtimestamp(row.expires * 1e-9, UTC):%Y-%m-%d}"
        if row.expired:
            faults.append(f"{end.where}: {row.file} ended on {date}, and others refuse it; make a new one as in {HOW}")
        else:
            typer.echo(printable(f"TLS of {whose}: {row.file} ends on {date}, in {row.left_d:.0f} days"))
    if faults:
        raise ConfigError("\n".join(faults))
