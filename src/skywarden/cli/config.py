"""`skywarden config`: write a commented configuration, check one."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write and check configurations.", no_args_is_help=True)


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
    from skywarden.config import exposed, load
    from skywarden.config.write import summary

    settings = load(file)
    for line in summary(settings):
        typer.echo(line)
    for address in exposed(settings):
        typer.echo(f"reachable by other computers: {address}; skywarden run needs --expose")
    typer.echo(f"{file} is right")
