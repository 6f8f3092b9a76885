"""`skywarden run` and `skywarden demo`: the live engine."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skywarden.config import Settings

View = Annotated[bool | None, typer.Option("--view/--no-view", help="Live view; left out: if stdout is a terminal.")]
Seconds = Annotated[
    float | None, typer.Option("--for", metavar="SECONDS", min=0.1, help="Stop after this many seconds.")
]


def run(  # noqa: PLR0913 - the options of a command
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="The configuration (skywarden config init).")
    ] = None,
    expose: Annotated[bool, typer.Option("--expose", help="Allow addresses that other computers can reach.")] = False,
    view: View = None,
    seconds: Seconds = None,
    frames: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="A simulation's directory: its frames are what comes.")
    ] = None,
    speed: Annotated[
        str | None, typer.Option(metavar="N|max", help="With --from: times its own speed; left out: 1.")
    ] = None,
) -> None:
    """Take sources in, keep the record, show the air picture and warn, until Ctrl-C. SIGHUP: read FILE again."""
    from skywarden.cli.pace import pace_of
    from skywarden.cli.terminal import note
    from skywarden.config import parse, text_of
    from skywarden.errors import ConfigError

    file = config or (frames and frames / "skywarden.toml")
    if file is None:
        raise typer.BadParameter("name the configuration with --config, or a simulation with --from")
    if speed is not None and frames is None:
        raise typer.BadParameter("--speed needs --from", param_hint="--speed")
    pace = pace_of(speed or "1")
    text = text_of(file)
    settings = parse(text)
    if settings.outputs.jsonl == "-":
        if view:
            raise ConfigError('outputs.jsonl = "-" needs standard output for itself; leave --view out, or name a file')
        view = False
    _guard(settings, expose, opens=frames is None)
    from skywarden.service.app import run_live
    from skywarden.service.playback import Play

    if any(source.format == "sapient" for source in settings.sources):
        _look_at_protobuf()
    seen = _view(view)
    started, tell = (None, None) if seen else (partial(_tell, settings), note)
    play = Play(frames, pace) if frames is not None else None
    summary = run_live(
        text, expose=expose, view=seen, seconds=seconds, file=file.absolute(), started=started, tell=tell, play=play
    )
    if seconds is not None:
        _print(summary)


def _guard(settings: "Settings", expose: bool, *, opens: bool) -> None:
    """Refuse addresses that others can reach. opens: the sources' addresses are opened too. Raises ConfigError."""
    from msgspec.structs import replace

    from skywarden.config import exposed
    from skywarden.errors import ConfigError

    if not expose and (open_to_others := exposed(settings if opens else replace(settings, sources=()))):
        listed = ", ".join(open_to_others)
        raise ConfigError(f"other computers can reach {listed}; allow it with --expose, or listen on 127.0.0.1")


def _look_at_protobuf() -> None:
    from skywarden.cli.terminal import note
    from skywarden.sensors.sapient.proto import fast

    if not fast():
        note("protobuf runs without its compiled part here: SAPIENT is some fifty times slower. Reinstall protobuf.")


def demo(  # noqa: PLR0913 - the options of a command
    headless: Annotated[bool, typer.Option("--headless", help="No view; end with one line of JSON.")] = False,
    seconds: Seconds = None,
    targets: Annotated[int, typer.Option(min=1, max=1000, help="One-way UAVs in the raid.")] = 30,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the HTTP interface.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another raid.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the record in ./demo-record.")] = False,
) -> None:
    """Show a small built-in raid over a made-up coast, sent over loopback in the sensors' own formats."""
    from skywarden.service.demo import run_demo

    summary = run_demo(
        headless=headless,
        seconds=seconds,
        targets=targets,
        seed=seed,
        port=port,
        keep=keep,
        view=not headless and _view(None),
    )
    if headless:
        _print(summary)


def _tell(settings: "Settings") -> None:
    """Say on stderr where the page and the record are; the view would show that something runs."""
    from skywarden.cli.terminal import note
    from skywarden.config.address import address

    _, host, port, _ = address(settings.api.listen, "tcp")
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.api.tls_certificate else "http"
    page = f"{scheme}://{shown}:{port}/" if port else f"a free port of {shown}"
    note(f"page on {page}, record in {Path(settings.record.path).absolute()}; Ctrl-C ends it")


def _view(wanted: bool | None) -> bool:
    return sys.stdout.isatty() if wanted is None else wanted


def _print(summary: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(summary).decode())
