"""The table of commands."""

from typing import Annotated

import typer

from skywarden.cli import config, decode, live, outbox, record, replay, score, shift, simulate, track, user, why

EXAMPLES = """
[bold]Examples[/bold]

[cyan]skywarden demo[/cyan]: a small raid over a made-up coast

[cyan]skywarden config init site.toml[/cyan]: a commented configuration

[cyan]skywarden run --config site.toml[/cyan]: the live picture

[cyan]skywarden decode asterix capture.pcap[/cyan]: what a recording says

[cyan]skywarden replay record --verify[/cyan]: the same events again, compared
"""

app = typer.Typer(
    name="skywarden",
    help="One air picture from whatever sensors there are, and early warning for the sites under it.",
    epilog=EXAMPLES,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
)


def _show(wanted: bool) -> None:
    if wanted:
        show_version()
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Put the help and the version above all commands."""


@app.command("version")
def show_version() -> None:
    """Print the version."""
    from skywarden import __version__

    typer.echo(f"skywarden {__version__}")


app.command("run")(live.run)
app.command("demo")(live.demo)
app.command("decode")(decode.decode)
app.command("replay")(replay.replay)
app.command("why")(why.why)
app.command("shift")(shift.shift)
app.command("simulate")(simulate.simulate)
app.command("score")(score.score)
app.command("track")(track.track)
app.add_typer(record.app, name="record")
app.add_typer(user.app, name="user")
app.add_typer(config.app, name="config")
app.add_typer(outbox.app, name="outbox")
