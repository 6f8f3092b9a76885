"""A copy of a record that may be in use: whole segments, each as it is at one moment, and nothing twice."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from skywarden.errors import RecordError
from skywarden.record import segment
from skywarden.record.checkpoint import beside, public_at
from skywarden.record.heads import Head, head
from skywarden.record.lock import claim
from skywarden.record.reading import SqliteRecord
from skywarden.record.states import States


class Copied(NamedTuple):
    """What a backup did. there: segments that the copy had already. bytes: of the copied ones. last: its last entry."""

    segments: int
    there: int
    bytes: int
    last: int


def backup(path: Path, target: Path, progress: Callable[[int], None] | None = None) -> Copied:
    """Bring a copy of a record up to date; make it when it is not there. Raises RecordError.

    Segments that retention has deleted from the record stay in the copy. The private key is not copied. progress: is
    told the number of bytes copied. The process that writes is never waited for and does not wait.
    """
    record = SqliteRecord(path)
    if target.resolve().is_relative_to(path.resolve()):
        raise RecordError(f"{target} is inside the record: name another directory")
    with segment.in_words(target), closing(claim(target)):
        files, copied, there, size = segment.files(path), 0, 0, 0
        _require_goes_on(files[0], target)
        while files:
            file = files.pop(0)
            if _same(file, target / file.name):
                there += 1
            else:
                size += _copy(file, target / file.name)
                copied += 1
            if progress is not None:
                progress(size)
            if not files and _head(target / file.name).closed:  # the next one was begun meanwhile
                files = [later for later in segment.files(path) if later.name > file.name]
        if (state := record.state()) is not None and SqliteRecord(target).mark(state.seq) == state.mark:
            copy = States(target)
            copy.save(state)
            copy.close()
        segment.settle(target)
        _copy_public(record.path, target)
    return Copied(copied, there, size, SqliteRecord(target).last())


def _head(file: Path) -> Head:
    with segment.in_words(file), closing(segment.open_for_reading(file)) as connection:
        try:
            return head(connection)
        except ValueError as error:
            raise RecordError(f"{file}: {error}: see `skywarden record verify`") from None


def _require_goes_on(first: Path, target: Path) -> None:
    """Raise RecordError when the copy is of another record, or when segments between it and this one are gone."""
    held = segment.files(target)
    if not held:
        return
    begin, last = _head(first).begin, SqliteRecord(target).last()
    if begin is not None and begin.seq > last:
        words = f"ends with entry {last}, and the record begins after {begin.seq} now"
        raise RecordError(f"{target} {words}: name a new directory")
    ours = {file.name for file in segment.files(first.parent)}
    if held[-1].name > max(ours):
        raise RecordError(f"{target} is a copy of another record: name a new directory")
    both = [file for file in held if file.name in ours]
    if both and _origin(both[0]) != _origin(first.with_name(both[0].name)):
        raise RecordError(f"{target} is a copy of another record: name a new directory")


def _origin(file: Path) -> tuple[object, ...]:
    """Return what two copies of a segment have in common, whenever they were made."""
    with closing(segment.open_for_reading(file)) as connection:
        created = connection.execute("SELECT value FROM meta WHERE key = 'created'").fetchone()
        begin = segment.begin(connection)
    return created, begin.seq, begin.size, begin.edge


def _same(file: Path, copy: Path) -> bool:
    """Say whether a closed segment is there already."""
    if not copy.exists():
        return False
    with suppress(RecordError):
        ours, theirs = _head(file), _head(copy)
        return ours.closed and theirs.closed and ours._replace(removal=None) == theirs._replace(removal=None)
    return False


def _copy(file: Path, copy: Path) -> int:
    half = copy.with_suffix(".new")
    segment.discard(half)
    try:
        with closing(segment.open_for_reading(file)) as source, closing(sqlite3.connect(half)) as target:
            target.execute("PRAGMA synchronous = FULL")
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read where nothing may be written
        size = half.stat().st_size
        half.rename(copy)
    except BaseException:
        segment.discard(half)
        raise
    return size


def _copy_public(path: Path, target: Path) -> None:
    """Put the known public keys beside the copy, so that it can be verified."""
    source, copy = public_at(beside(path)), public_at(beside(target))
    if source.exists():
        lines = dict.fromkeys([*(copy.read_text().split() if copy.exists() else ()), *source.read_text().split()])
        copy.write_text("".join(f"{line}\n" for line in lines))
