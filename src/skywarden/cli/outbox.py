"""`skywarden outbox`: what was told to whom, what waits, and whether a recipient can be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skywarden.config import Settings
    from skywarden.service.outbox_store import Store

app = typer.Typer(help="See what was told to whom, try again, test a recipient.", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")]
SHOWN = 100


@app.command("list")
def list_(
    config: Config,
    json: Annotated[bool, typer.Option("--json", help="One JSON object in each line.")] = False,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="So many of the newest.")] = SHOWN,
) -> None:
    """List messages, oldest first: recipient, message, what became of it, and why."""
    import msgspec

    from skywarden.cli.terminal import printable, while_read
    from skywarden.config import load
    from skywarden.outputs.iso import iso

    with while_read(), _store(load(config)) as store:
        for row in store.rows(last):
            said = {
                "recipient": row.recipient,
                "message": row.message,
                "area": row.warning.area,
                "move": row.warning.move,
                "mode": row.warning.mode,
                "sent": iso(row.warning.sent),
                "state": row.state,
                "attempts": row.attempts,
                "next": iso(row.due) if row.state.pending and row.due else None,
                "reason": row.reason,
            }
            if json:
                typer.echo(msgspec.json.encode(said).decode())
                continue
            then = f", next at {said['next']}" if said["next"] else ""
            tries = f", {row.attempts} attempts" if row.attempts > 1 else ""
            why = f": {row.reason}" if row.reason else ""
            head = f"{said['sent']} {row.message} {row.warning.area} {row.warning.move} to {row.recipient}"
            typer.echo(printable(f"{head}: {row.state}{tries}{then}{why}"))


@app.command("retry")
def retry(
    config: Config,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A recipient; left out: all.")] = None,
) -> None:
    """Try what waits for its next attempt now: the running skywarden does it within a second."""
    from skywarden.config import load
    from skywarden.service.outbox_trial import recipient_of

    settings = load(config)
    names = [recipient_of(settings, name).name] if name is not None else [one.name for one in settings.recipients]
    with _store(settings) as store:
        for one in names:
            store.ask(one)
    typer.echo(f"asked for {len(names)} recipients")


@app.command("test")
def test(name: Annotated[str, typer.Argument(metavar="NAME", help="The recipient.")], config: Config) -> None:
    """Send one message, marked as a test, to a recipient, and say what came back. Exit 1 when it was not taken."""
    import time

    from skywarden.cli.terminal import complain, printable
    from skywarden.config import load
    from skywarden.service.outbox_trial import send_test
    from skywarden.service.parcel import Undelivered

    try:
        answer = send_test(load(config), name, time.time_ns())  # noqa: TID251 - a command of its own, no core
    except Undelivered as error:
        complain(f"{name}: {error.reason}")
        raise typer.Exit(1) from None
    typer.echo(printable(f"{name}: {answer}"))


@contextmanager
def _store(settings: "Settings") -> Iterator["Store"]:
    """Open the outbox of a configuration. Raises ConfigError when there is none yet."""
    from skywarden.errors import ConfigError
    from skywarden.service.outbox_store import Store, beside

    path = beside(Path(settings.record.path))
    if not path.exists():
        raise ConfigError(f"there is no {path} yet; skywarden run makes it when there are [[recipients]]")
    store = Store(path)
    try:
        yield store
    finally:
        store.close()
