"""`skywarden simulate`: a scenario file and a seed become frames, truth and a manifest; or go out over the network."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skywarden.service.simulate import Made, Order


def simulate(  # noqa: PLR0913 - the options of a command
    scenario: Annotated[
        Path | None, typer.Argument(metavar="SCENARIO", help="The scenario file; left out with --example.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where it is written; empty, or not there yet.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another raid on the same place.")] = 1,
    speed: Annotated[
        str, typer.Option(metavar="real|max", help="real: to a running system, at its own times (see the page).")
    ] = "max",
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="Begin then instead, e.g. 2030-03-14T20:00:00Z.")
    ] = None,
    pcap: Annotated[bool, typer.Option("--pcap", help="Write the radars' messages as asterix.pcap too.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print a small scenario to start from.")] = False,
) -> None:
    """Simulate a raid: sensors' messages in their own formats, the truth, and who could have seen what."""
    from skywarden.sim.scene.template import template

    if example:
        typer.echo(template(), nl=False)
        return
    if scenario is None or out is None:
        missing = "a scenario file" if scenario is None else "--out DIR"
        raise typer.BadParameter(f"{missing} is needed: skywarden simulate raid.toml --out raid")
    if speed not in ("real", "max"):
        raise typer.BadParameter(f'"{speed}" is not a speed; write real or max', param_hint="--speed")
    from skywarden.cli.terminal import note
    from skywarden.service.simulate import Order
    from skywarden.service.simulate import simulate as run

    order = Order(scenario, seed, out, begin=_begin(start), pcap=pcap, note=note)
    with ExitStack() as stack:
        if speed == "real":
            if start is not None:
                raise typer.BadParameter("with --speed real it begins when somebody listens: leave --start out")
            order = stack.enter_context(_played(order))
        made = run(order, stack.enter_context(_told()))
    _summary(made)


def _begin(text: str | None) -> "Callable[[Path], int] | None":
    """Return what gives the time (s since 1970) that was asked for."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f'"{text}" is not a time; write it like 2030-03-14T20:00:00Z', param_hint="--start"
        ) from None
    if moment.tzinfo is None or not 1980 <= moment.year < 2200:
        raise typer.BadParameter(
            f'"{text}" has no zone or is too far away; write it like 2030-03-14T20:00:00Z', param_hint="--start"
        )
    if moment.timestamp() % 1:
        whole = moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        raise typer.BadParameter(
            f'"{text}" has a part of a second; a scenario begins with a whole one: write {whole}', param_hint="--start"
        )
    return lambda _: int(moment.timestamp())


@contextmanager
def _played(order: "Order") -> "Iterator[Order]":
    """Let the scenario begin when a system listens, and its frames go there."""
    from skywarden.cli.terminal import note
    from skywarden.service.rehearse import connected, soon
    from skywarden.service.send import Sender

    senders: list[Sender] = []

    def begin(out: Path) -> int:
        senders.append(connected(out / "skywarden.toml", note))
        return soon()

    try:
        yield order._replace(begin=begin, sink=lambda frames: senders[0](frames))
    finally:
        for sender in senders:
            sender.close()


@contextmanager
def _told() -> "Iterator[Callable[[str, float, float], None]]":
    """Show how far it is: with a bar when a person is looking, else with a line now and then."""
    from skywarden.cli.terminal import note, progress
    from skywarden.service.progress import now_and_then

    line = now_and_then(lambda text: None if sys.stderr.isatty() else note(text))
    with progress("simulating", 1.0, printing=False) as report:

        def tell(what: str, done: float, total: float) -> None:
            report(done / total)
            line(f"{what}: {done:g} of {total:g} s, {100 * done / total:.0f} %")

        yield tell


def _summary(made: "Made") -> None:
    """Print what was made, source by source."""
    raid, traffic, birds = made.fliers
    sorts = f"{raid} of the raid, {traffic} of traffic, {birds} of birds"
    typer.echo(f"{made.directory}: {made.targets} targets ({sorts}), {made.seconds:g} s")
    for name, count in made.sources.items():
        typer.echo(
            f"{name}: {count.messages} messages in {count.frames} frames, {count.data} bytes, "
            f"{count.seconds:.1f} s of work"
        )
