"""`skywarden shift`: what happened in a shift and what stands at its end, on one page to hand over."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skywarden.cli.why import Language

if TYPE_CHECKING:
    from skywarden.record.reading import SqliteRecord

SHIFT = 12 * 3600 * 1_000_000_000  # ns; how long one is unless it is said


def shift(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="Directory of the record; it may be in use.")],
    begin: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="20:00, 2026-11-02T20:00:00Z, or ns; else 12 h earlier."),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Left out: the record's end.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write a page to print.")] = None,
    language: Language = None,
) -> None:
    """Sum a shift up: raids, alerts, announcements, acts, what stands at its end. As text, and as a page to print."""
    from skywarden.cli.moment import ending, language_of, time_of
    from skywarden.cli.terminal import note, printable, progress, while_read, whole_file
    from skywarden.review.one_pass import shift as summed
    from skywarden.review.shift_print import html, lines
    from skywarden.review.shift_rows import page
    from skywarden.review.shift_words import SHIFT as WORDS
    from skywarden.review.words import of
    from skywarden.service.frames import record_in

    words = language_of(language)
    opened: SqliteRecord = record_in(record)
    last = ending(opened)
    to = last if end is None else time_of(end, last, "--to")
    since = to - SHIFT if begin is None else time_of(begin, to, "--from")
    if since >= to:
        raise typer.BadParameter("it must be before --to", param_hint="--from")
    with progress("reading", opened.last(), printing=False) as told:
        found = summed(opened, since, to, told)
    made, say = page(found, record.name, words), of(WORDS, words)
    with while_read():
        for line in lines(made, say):
            typer.echo(printable(line))
    if out is not None:
        with whole_file(out) as file:
            file.write(html(made, say, words))
        note(f"wrote {out}")
