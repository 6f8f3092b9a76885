"""What a power cut leaves on a disk: of the writes since a file's last sync any, in any order, torn; of names too.

A `Disk` watches the files below a directory (sqlite_layer.py) and knows of each what is safe and what waits. At the
cut nothing goes on; `left` then draws one of the many states that a disk which keeps its word may be found in:
- all, none, the first so many, or any of the writes since the last sync, in any order, in pieces of 512-byte sectors,
  one of them torn inside; what a dropped write would have added to a file is missing, zeros or noise
- names (made, removed, moved) since the last sync of their directory: the first so many, or of each name apart

Two things that SQLite relies on are kept: a write changes no byte outside of its range (SQLite's "powersafe
overwrite"), and what was synced stays.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import numpy as np
from sqlite_layer import Passing, refuse

SECTOR = 512  # bytes
SHARED = 32_768  # bytes of an SQLite -shm file: it is never synced, and read by nobody after a start
Change = tuple[int, bytes] | int  # offset and what was written, or a new size


class File:
    """A file, or with `data` None a directory. data: what is safe; waiting: since the last sync."""

    def __init__(self, data: bytes | None = b"") -> None:
        self.data = None if data is None else bytearray(data)
        self.waiting: list[Change] = []

    def sync(self) -> None:
        if self.data is not None:
            _apply(self.data, self.waiting)
            self.waiting = []

    def left(self, rng: np.random.Generator | None) -> bytes | None:
        """Draw what a cut leaves of it; rng: None for nothing but what is safe."""
        if self.data is None or rng is None:
            return None if self.data is None else bytes(self.data)
        found, whole = bytearray(self.data), bytearray(self.data)
        _apply(whole, self.waiting)
        match rng.integers(4):
            case 0:
                return bytes(whole)
            case 1:
                pass  # nothing of it
            case 2:
                count = int(rng.integers(len(self.waiting) + 1))
                _apply(found, [*self.waiting[:count], *_first(self.waiting[count : count + 1], rng)])
            case _:
                _apply(found, _some(self.waiting, rng))
        if len(found) < len(whole) and rng.random() < 0.5:  # the size is safe, what should be there is not
            missing = len(whole) - len(found)
            found += rng.bytes(missing) if rng.random() < 0.5 else bytes(missing)
        return bytes(found)


def _apply(data: bytearray, writes: Sequence[Change]) -> None:
    for write in writes:
        end = write if isinstance(write, int) else write[0]
        if len(data) < end:
            data.extend(bytes(end - len(data)))
        if isinstance(write, int):
            del data[write:]
        else:
            data[write[0] : write[0] + len(write[1])] = write[1]


def _sectors(writes: Sequence[Change]) -> list[Change]:
    pieces: list[Change] = []
    for write in writes:
        if isinstance(write, int):
            pieces.append(write)
            continue
        offset, data = write
        at = 0
        while at < len(data):
            size = SECTOR - (offset + at) % SECTOR
            pieces.append((offset + at, data[at : at + size]))
            at += size
    return pieces


def _tear(piece: Change, rng: np.random.Generator) -> Change:
    """Return the first bytes of a sector that was to be written."""
    return piece if isinstance(piece, int) else (piece[0], piece[1][: int(rng.integers(len(piece[1]) + 1))])


def _first(write: Sequence[Change], rng: np.random.Generator) -> list[Change]:
    """Return the first so many sectors of one write, the last of them torn inside."""
    pieces = _sectors(write)
    count = int(rng.integers(len(pieces) + 1))
    return [*pieces[: count - 1], *(_tear(piece, rng) for piece in pieces[count - 1 : count])] if count else []


def _some(writes: Sequence[Change], rng: np.random.Generator) -> list[Change]:
    """Return any of the sectors in any order; a truncation stands between those before and after it, or is dropped."""
    share = float(rng.choice([0.02, 0.5, 0.98]))
    found: list[Change] = []
    group: list[Change] = []
    for write in [*_sectors(writes), -1]:
        if not isinstance(write, int):
            group.append(write)
            continue
        kept = [group[k] for k in rng.permutation(len(group)) if rng.random() < share]
        torn = int(rng.integers(len(kept) + 1))
        found += [_tear(piece, rng) if k == torn else piece for k, piece in enumerate(kept)]
        if write >= 0 and rng.random() < 0.5:
            found.append(write)
        group = []
    return found


class Disk(Passing):
    """Watches the files below a directory until the power is cut. root: everything there now is safe.

    sync, sync_directory: whether the disk does what it says when it is asked to; a test of the test sets them False.
    """

    def __init__(self, root: Path, *, sync: bool = True, sync_directory: bool = True) -> None:
        self.root = root.resolve()
        self.operations = self.syncs = 0
        self.failing_sync = 0  # number of the sync that fails; as in Linux the next one knows nothing of its writes
        self.dead = False
        self.cut_in = "nothing"  # before which operation the power was cut
        self._sync, self._sync_directory = sync, sync_directory
        self._turn = RLock()
        self._open: dict[int, tuple[Path, File]] = {}
        below = {p: File(None if p.is_dir() else p.read_bytes()) for p in self.root.rglob("*")}
        self._names: dict[Path, File] = dict(below)
        self._safe: dict[Path, File | None] = dict(below)
        self._waiting: dict[Path, list[tuple[Path, File | None]]] = defaultdict(list)  # directory -> name, what it is
        self._left: int | None = None  # operations to the cut
        self._counts: Callable[[Path], bool] = lambda path: True

    def cut(self) -> None:
        """Cut the power now."""
        with self._turn:
            self.dead = True

    def go_on(self) -> None:
        """Let the disk live on: only the process was killed, and what waited for a sync still waits."""
        with self._turn:
            self.dead, self._left, self.cut_in = False, None, "nothing"

    def cut_after(self, operations: int, suffix: str | tuple[str, ...] = "") -> None:
        """Cut the power before the so manieth operation on a file whose name ends like this; 1: the next."""
        with self._turn:
            self._left, self._counts = operations, lambda path: path.name.endswith(suffix)

    def left(self, rng: np.random.Generator | None) -> dict[Path, bytes | None]:
        """Draw what is found after the cut: path relative to root -> content, None: a directory.

        rng: None for the harshest cut, of what waits nothing is left.
        """
        with self._turn:
            names = dict(self._safe)
            for directory in sorted(self._waiting) if rng is not None else ():
                names.update(_names_left(self._waiting[directory], rng))
            there = {path: file for path, file in sorted(names.items()) if file is not None}
            whole = {p: f for p, f in there.items() if all(a in there for a in p.parents if self.root in a.parents)}
            return {path.relative_to(self.root): file.left(rng) for path, file in whole.items()}

    def opened(self, handle: int, path: Path, made: bool) -> None:
        with self._turn:
            if made:
                self._name(path, File())
            if path not in self._names:  # made by somebody whom we do not watch
                self._names[path] = self._safe[path] = File(path.read_bytes())
            self._open[handle] = path, self._names[path]

    def wrote(self, handle: int, offset: int, data: bytes) -> None:
        with self._turn:
            path, file = self._open[handle]
            self._step("write", path)
            file.waiting.append((offset, data))

    def truncated(self, handle: int, size: int) -> None:
        with self._turn:
            path, file = self._open[handle]
            self._step("truncation", path)
            file.waiting.append(size)

    def synced(self, handle: int) -> None:
        with self._turn:
            path, file = self._open[handle]
            self._step("sync", path)
            self.syncs += 1
            if self.syncs == self.failing_sync:
                file.waiting = []
                refuse()
            if self._sync:
                file.sync()

    def closed(self, handle: int) -> None:
        with self._turn:
            self._open.pop(handle, None)

    def made(self, path: Path, directory: bool) -> None:
        self._name(path, File(None if directory else b""))

    def removed(self, path: Path) -> None:
        if path in self._names:
            self._name(path, None)

    def renamed(self, path: Path, to: Path) -> None:
        with self._turn:
            file = self._names.get(path)
            if file is not None:
                self._name(to, file)
                self._name(path, None)

    def synced_directory(self, path: Path) -> None:
        with self._turn:
            self._step("sync", path)
            if self._sync_directory:
                self._safe.update(self._waiting.pop(path, []))

    def _name(self, path: Path, file: File | None) -> None:
        with self._turn:
            self._step("making" if file else "removal", path)
            self._waiting[path.parent].append((path, file))
            if file is None:
                self._names.pop(path, None)
            else:
                self._names[path] = file

    def _step(self, what: str, path: Path) -> None:
        if self._left is not None and self._counts(path) and not self.dead:
            self._left -= 1
            if self._left <= 0:
                self.dead = True
                self.cut_in = f"{what} of {path.suffix or 'directory'}"
        if self.dead:
            refuse()
        self.operations += 1


def _names_left(waiting: list[tuple[Path, File | None]], rng: np.random.Generator) -> list[tuple[Path, File | None]]:
    if rng.random() < 0.5:  # as a file system with a journal does it
        return waiting[: int(rng.integers(len(waiting) + 1))]
    parts: dict[Path, list[tuple[Path, File | None]]] = defaultdict(list)
    for name, file in waiting:
        parts[name].append((name, file))
    return [change for part in parts.values() for change in part[: int(rng.integers(len(part) + 1))]]


@contextmanager
def memory() -> Iterator[Path]:
    """A directory in memory, if there is such a place: a simulated disk gains nothing from what a real one takes."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() else None) as directory:
        yield Path(directory)


def restore(found: dict[Path, bytes | None], root: Path, rng: np.random.Generator) -> None:
    """Write what was found after a cut into a new directory. Beside a WAL there may be an old -shm file, or noise."""
    root.mkdir(parents=True)
    for path, data in found.items():
        if data is None:
            (root / path).mkdir(exist_ok=True)
        else:
            (root / path).write_bytes(data)
            if path.name.endswith("-wal") and rng.random() < 0.5:
                (root / path.with_name(path.name[:-3] + "shm")).write_bytes(rng.bytes(SHARED))
