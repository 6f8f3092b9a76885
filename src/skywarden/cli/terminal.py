"""What people see on stderr: mistakes, notes, progress. stdout is for data only."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Protocol, TextIO


class Report(Protocol):
    """Take how much is done."""

    def __call__(self, done: float) -> None: ...


def complain(text: str) -> None:
    """Print a mistake in red on stderr."""
    _say(text, "bold red")


def note(text: str) -> None:
    """Print something worth knowing on stderr."""
    _say(text, "dim")


def printable(text: str) -> str:
    """Return text that cannot steer the terminal: what is no letter, mark or space is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _say(text: str, style: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True, markup=False, highlight=False).print(
        "\n".join(printable(line) for line in text.split("\n")), style=style
    )


@contextmanager
def progress(label: str, total: float, *, printing: bool = True) -> Iterator[Report]:
    """Show a bar on stderr while the block runs, when a person is looking and no lines come in between.

    printing: the block writes to stdout, so it must go elsewhere.
    """
    if not sys.stderr.isatty() or (printing and sys.stdout.isatty()) or total <= 0:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


def in_folder(path: Path) -> None:
    """Raise ConfigError for a file whose folder is not there, before anything long begins."""
    from skywarden.errors import ConfigError

    folder = path.parent
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{path} cannot be written: {folder} is a file and no folder; write another one")
    if not folder.exists():
        raise ConfigError(f"{path} cannot be written: there is no folder {folder}; mkdir -p {quote(str(folder))}")


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Write a file that is there when it is whole: who is stopped before leaves what was there. Not so a pipe."""
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    in_folder(path)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def while_read() -> Iterator[None]:
    """Stop quietly and well when the reader of stdout, e.g. `head`, has seen enough."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
