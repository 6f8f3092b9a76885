"""`skywarden why`: a warning followed back to the raw frames that it rests on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skywarden.record.reading import SqliteRecord
    from skywarden.review.find import Asked
    from skywarden.review.why import Explained

FRAMES = 20  # measurements that are listed unless more are wanted
Language = Annotated[
    str | None, typer.Option("--language", metavar="en|uk", help="Left out: SKYWARDEN_LANG, or the locale's.")
]


def why(  # noqa: PLR0913 - one argument for each option of the command
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="Directory of the record; it may be in use.")],
    alert: Annotated[
        str | None, typer.Option("--alert", metavar="SITE:TRACK", help="Which alert; left out: the newest.")
    ] = None,
    track: Annotated[
        int | None, typer.Option("--track", metavar="N", min=1, help="A track, whether it was warned of or not.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="As it was then: 21:30, 2026-11-02T21:30:00Z, or ns.")
    ] = None,
    frames: Annotated[
        str, typer.Option("--frames", metavar="N|all", help="How many measurements are listed, the latest.")
    ] = str(FRAMES),
    quick: Annotated[
        bool, typer.Option("--quick", help="Run from the newest state before it; older measurements are left out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    language: Language = None,
) -> None:
    """Say why an alert was given: run the record up to it again, compare, and list the frames that it rests on.

    Exit 1 when the run does not give what is recorded, byte for byte.
    """
    from skywarden.cli.moment import ending, language_of, time_of
    from skywarden.cli.terminal import complain, while_read
    from skywarden.review.find import Asked
    from skywarden.review.why_text import lines, to_json
    from skywarden.service.frames import record_in

    if alert is not None and track is not None:
        raise typer.BadParameter("name an alert or a track, not both", param_hint="--track")
    words, most = language_of(language), _most(frames)
    opened = record_in(record)
    asked = Asked(track=track, alone=True) if track is not None else _alert(alert)
    if at is not None:
        asked = asked._replace(at=time_of(at, ending(opened), "--at"))
    found = _explained(opened, asked, quick)
    with while_read():
        if as_json:
            typer.echo(to_json(found, most))
        else:
            from skywarden.cli.terminal import printable

            for line in lines(found, words, most):
                typer.echo("\n".join(map(printable, line.split("\n"))))
    for hole in found.compared.holes:
        complain(str(hole))
    if not found.equal:
        raise typer.Exit(1)


def _most(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise typer.BadParameter(f'"{text}" is no number; write how many are listed, or all', param_hint="--frames")
    return int(text)


def _alert(text: str | None) -> "Asked":
    from skywarden.review.find import Asked

    if text is None:
        return Asked()
    site, _, track = text.rpartition(":")
    if not track.isdecimal() or not int(track):
        raise typer.BadParameter(f'"{text}" names no alert; write site and track: "Plant A:7"', param_hint="--alert")
    return Asked(site, int(track))


def _explained(record: "SqliteRecord", asked: "Asked", quick: bool) -> "Explained":
    from skywarden.cli.terminal import progress
    from skywarden.review.why import explain, sought

    last = record.last()
    with progress("looking", last, printing=False) as told:
        found = sought(record, asked, told)
    with progress("running", found.moment.last, printing=False) as told:
        return explain(record, found, told, quick)
