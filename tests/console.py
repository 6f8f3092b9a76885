"""Runs the `console` blocks of the documentation: lines after "$ " are typed, the others are what is expected.

Each document has its own empty directory with the repository's `tests` in it. "..." stands for any text. A command
without lines after it must only succeed; one after "$! " must fail.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sybil import Example

ROOT = Path(__file__).parent.parent
SECONDS = 180  # a command that hangs; the longest takes 20 on two free cores


def enter(namespace: dict[str, Any]) -> None:
    """Make a document's directory and work in it."""
    namespace["directory"] = tempfile.TemporaryDirectory()
    namespace["before"] = Path.cwd()
    here = Path(namespace["directory"].name)
    (here / "tests").symlink_to(ROOT / "tests")
    os.chdir(here)


def leave(namespace: dict[str, Any]) -> None:
    """Go back and remove it."""
    os.chdir(namespace["before"])
    namespace["directory"].cleanup()


def run(example: Example) -> str | None:
    """Run one block; return what is wrong, None if nothing is."""
    for command, expected in commands(example.parsed):
        must_fail = command.startswith("! ")
        typed = command.removeprefix("! ")
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {typed}"],
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if (done.returncode != 0) != must_fail:
            return f"$ {typed}\nended with {done.returncode}:\n{done.stdout}"
        if expected.strip() and not matches(expected, done.stdout):
            return f"$ {typed}\nwas expected to print:\n{expected}\nand printed:\n{done.stdout}"
    return None


def commands(block: str) -> list[tuple[str, str]]:
    """Return (command, expected output) of a block."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if re.match(r"\$!? ", line):
            found.append((line.removeprefix("$").lstrip(" "), ""))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
    return found


def matches(expected: str, printed: str) -> bool:
    """Return whether text is as expected; "..." stands for any text."""
    parts = [re.escape(part) for part in expected.strip().split("...")]
    return re.fullmatch("[\\s\\S]*?".join(parts), printed.strip()) is not None
