"""States of the whole picture, each in a file of its own beside the segments: short cuts for a restart, no evidence.

Not in the segments, since a state of several MB in the same file holds up the entries that come meanwhile: the longest
commit was 70 ms then and 5 ms with files of their own (design/2026-11-plan-tracker-first-half.md).

A file says after which entry its state is and that entry's mark: a record that was brought back from an older copy has
other entries under the same numbers. Layout: MAGIC, mark (MARK bytes), seal (16), state.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from skywarden.record.log import SNAPSHOTS_KEPT, seal
from skywarden.record.tree import MARK

MAGIC = b"skystate1\n"
SEAL = 16  # bytes
HEAD = len(MAGIC) + MARK + SEAL


class State(NamedTuple):
    """seq, mark: of the entry that it comes after."""

    seq: int
    mark: bytes
    payload: bytes


def files(directory: Path) -> list[Path]:
    """Return the state files of a record, newest first. Raises OSError."""
    found = (p for p in directory.iterdir() if p.name.startswith("state-") and p.suffix == ".bin")
    return sorted((p for p in found if _seq(p) > 0), key=_seq, reverse=True)


def named(directory: Path, seq: int) -> Path:
    """Return the file of the state after an entry."""
    return directory / f"state-{seq:012}.bin"


def write(directory: Path, state: State) -> None:
    """Keep a state; of the older ones the last few stay. It has its name only when it is whole. Raises OSError."""
    file = named(directory, state.seq)
    half = file.with_suffix(".new")
    try:
        with half.open("wb") as out:
            out.write(MAGIC + state.mark + seal(state.seq, state.payload))
            out.write(state.payload)
            out.flush()
            os.fsync(out.fileno())
        half.replace(file)
    except BaseException:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise
    for old in files(directory)[SNAPSHOTS_KEPT:]:
        old.unlink(missing_ok=True)


def read(file: Path) -> State | None:
    """Return the state in a file; None when it is damaged or gone."""
    with suppress(OSError, MemoryError):
        data = file.read_bytes()
        seq, payload = _seq(file), data[HEAD:]
        if data.startswith(MAGIC) and data[HEAD - SEAL : HEAD] == seal(seq, payload):
            return State(seq, data[len(MAGIC) : len(MAGIC) + MARK], payload)
    return None


def whole(directory: Path) -> Iterator[State]:
    """Yield the states that are whole, newest first."""
    for file in files(directory):
        if (state := read(file)) is not None:
            yield state


def tidy(directory: Path) -> None:
    """Remove what was not finished. Raises OSError."""
    for half in directory.glob("state-*.new"):
        half.unlink(missing_ok=True)


def _seq(file: Path) -> int:
    """Return the number in a file's name, 0 when there is none."""
    digits = file.stem.removeprefix("state-")
    return int(digits) if digits.isdecimal() else 0
