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


def run(
    config: Annotated[
        Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration (skywarden config init).")
    ],
    expose: Annotated[bool, typer.Option("--expose", help="Allow addresses that other computers can reach.")] = False,
    view: View = None,
    seconds: Seconds = None,
) -> None:
    """Take sources in, keep the record, show the air picture and warn, until Ctrl-C. SIGHUP: read FILE again."""
    from skywarden.cli.terminal import note
    from skywarden.config import exposed, parse, text_of
    from skywarden.errors import ConfigError

    text = text_of(config)
    settings = parse(text)
    if settings.outputs.jsonl == "-":
        if view:
            raise ConfigError('outputs.jsonl = "-" needs standard output for itself; leave --view out, or name a file')
        view = False
    if not expose and (open_to_others := exposed(settings)):
        listed = ", ".join(open_to_others)
        raise ConfigError(f"other computers can reach {listed}; allow it with --expose, or listen on 127.0.0.1")
    from skywarden.service.app import run_live

    if any(source.format == "sapient" for source in settings.sources):
        _look_at_protobuf()
    seen = _view(view)
    started, tell = (None, None) if seen else (partial(_tell, settings), note)
    summary = run_live(
        text, expose=expose, view=seen, seconds=seconds, file=config.absolute(), started=started, tell=tell
    )
    if seconds is not None:
        _print(summary)


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
