"""A layer under the SQLite that Python itself uses: somebody watches, delays or refuses what goes to the disk.

It stands as the default VFS before SQLite's own, in this process: product code runs as it is, with its pragmas, its
WAL and its locks. Each write, truncation, sync, creation and deletion of a file below one directory is told to a
`Watcher` before it is done. Of what Python does by itself, making and syncing directories and removing and renaming
files is told too. `failing` is one step lower: the system's own calls fail under the unchanged VFS.
Source: sqlite.org/vfs.html and sqlite3.h (struct sqlite3_vfs, sqlite3_io_methods), 3.40.
"""

import _sqlite3
import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_size_t, c_ssize_t, c_void_p
from pathlib import Path
from typing import Any, Protocol

OK, IOERR = 0, 10
CREATE = 0x4
TEMPORARY = 0x8  # deleted when it is closed


class Watcher(Protocol):
    """Is told what is about to be done to a file; raises OSError when it must not be. handle: an open file."""

    def opened(self, handle: int, path: Path, made: bool) -> None: ...
    def wrote(self, handle: int, offset: int, data: bytes) -> None: ...
    def truncated(self, handle: int, size: int) -> None: ...
    def synced(self, handle: int) -> None: ...
    def closed(self, handle: int) -> None: ...
    def made(self, path: Path, directory: bool) -> None: ...
    def synced_directory(self, path: Path) -> None: ...
    def removed(self, path: Path) -> None: ...
    def renamed(self, path: Path, to: Path) -> None: ...


class Passing(Watcher):
    """A watcher that lets everything pass: to be told of some things only, override those."""


_METHODS = (
    "close read write truncate sync file_size lock unlock check_reserved_lock file_control sector_size "
    "device_characteristics shm_map shm_lock shm_barrier shm_unmap fetch unfetch"
)
_CALLS = (
    "open delete access full_pathname dl_open dl_error dl_sym dl_close randomness sleep current_time get_last_error "
    "current_time_int64 set_system_call get_system_call next_system_call"
)


class _IoMethods(ctypes.Structure):
    _fields_ = [("version", c_int), *((name, c_void_p) for name in _METHODS.split())]


class _Vfs(ctypes.Structure):
    _fields_ = [
        *[("version", c_int), ("file_size", c_int), ("longest_path", c_int)],
        *[("next", c_void_p), ("name", c_char_p), ("data", c_void_p)],
        *((name, c_void_p) for name in _CALLS.split()),
    ]


_FILE = CFUNCTYPE(c_int, c_void_p)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))  # a name has more behind its end: no str
_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_OPEN_DIRECTORY = CFUNCTYPE(c_int, c_char_p, POINTER(c_int))
_SET_CALL = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p)
_GET_CALL = CFUNCTYPE(c_void_p, c_void_p, c_char_p)
_PWRITE = CFUNCTYPE(c_ssize_t, c_int, c_void_p, c_size_t, c_int64, use_errno=True)


def _sqlite() -> Any:
    """Return the library that Python's sqlite3 module is linked with, whether it is in it or beside it."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [c_char_p]
    return library


_LEFT: list[object] = []  # layers that somebody's open files still point to, after an error


class _Layer:
    def __init__(self, watcher: Watcher, root: Path) -> None:
        self._watcher, self._root = watcher, root
        self._library = _sqlite()
        self._real = self._library.sqlite3_vfs_find(None)
        self._vfs = _Vfs.from_buffer_copy(self._real.contents)
        self._files: dict[int, _IoMethods] = {}  # address of an open file -> what SQLite's own VFS does with it
        self._tables: dict[int, _IoMethods] = {}  # address of such methods -> the same, told to the watcher
        self._back = [_OPEN(self._open), _DELETE(self._delete), _OPEN_DIRECTORY(self._open_directory)]
        self._inner = [_FILE(self._close), _WRITE(self._write), _TRUNCATE(self._truncate), _SYNC(self._sync)]
        self._vfs.name, self._vfs.next = b"watched", None
        self._vfs.open, self._vfs.delete = (ctypes.cast(one, c_void_p).value for one in self._back[:2])
        get = _GET_CALL(self._vfs.get_system_call)(ctypes.addressof(self._real.contents), b"openDirectory")
        self._real_open_directory = _OPEN_DIRECTORY(get)

    def stand(self) -> None:
        assert self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == OK
        self._system_call(ctypes.cast(self._back[2], c_void_p))

    def leave(self) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))
        self._library.sqlite3_vfs_register(self._real, 1)
        self._system_call(None)
        if self._files:  # SQLite will call us when they are closed, so we must stay
            _LEFT.append(self)
            raise RuntimeError(f"{len(self._files)} files of the record are still open")

    def _system_call(self, function: c_void_p | None) -> None:
        _SET_CALL(self._vfs.set_system_call)(ctypes.addressof(self._real.contents), b"openDirectory", function)

    def watches(self, path: Path | None) -> bool:
        return path is not None and self._root in path.parents

    def _open(self, _: int, name: int | None, file: int, flags: int, out: Any) -> int:
        path = Path(os.fsdecode(ctypes.string_at(name))) if name else None
        watched = self.watches(path) and not flags & TEMPORARY
        made = watched and bool(flags & CREATE) and not path.exists()
        if made and (code := self._told(self._watcher.opened, file, path, True)):
            return code
        code = _OPEN(self._real.contents.open)(ctypes.addressof(self._real.contents), name, file, flags, out)
        if code == OK and watched:
            if not made:
                self._watcher.opened(file, path, False)
            self._files[file], table = self._table(file)
            c_void_p.from_address(file).value = ctypes.addressof(table)
        elif made:
            self._watcher.closed(file)
        return int(code)

    def _table(self, file: int) -> tuple[_IoMethods, _IoMethods]:
        address = c_void_p.from_address(file).value or 0
        real = _IoMethods.from_address(address)
        if address not in self._tables:
            table = _IoMethods.from_buffer_copy(real)
            for name, function in zip(("close", "write", "truncate", "sync"), self._inner, strict=True):
                setattr(table, name, ctypes.cast(function, c_void_p).value)
            self._tables[address] = table
        return real, self._tables[address]

    def _told(self, tell: Callable[..., None], *what: Any) -> int:
        try:
            tell(*what)
        except OSError:
            return IOERR
        return OK

    def _delete(self, _: int, name: int, sync: int) -> int:
        path = Path(os.fsdecode(ctypes.string_at(name)))
        if self.watches(path) and path.exists() and (code := self._told(self._watcher.removed, path)):
            return code
        return int(_DELETE(self._real.contents.delete)(ctypes.addressof(self._real.contents), name, sync))

    def _open_directory(self, name: bytes, out: Any) -> int:
        """SQLite opens the directory of a file for one reason: to sync it."""
        path = Path(os.fsdecode(name))
        if self.watches(path):
            self._told(self._watcher.synced_directory, path.parent)
        return int(self._real_open_directory(name, out))

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        code = self._told(self._watcher.wrote, file, offset, ctypes.string_at(data, size))
        return code or int(_WRITE(self._files[file].write)(file, data, size, offset))

    def _truncate(self, file: int, size: int) -> int:
        code = self._told(self._watcher.truncated, file, size)
        return code or int(_TRUNCATE(self._files[file].truncate)(file, size))

    def _sync(self, file: int, flags: int) -> int:
        code = self._told(self._watcher.synced, file)
        return code or int(_SYNC(self._files[file].sync)(file, flags))

    def _close(self, file: int) -> int:
        self._watcher.closed(file)
        return int(_FILE(self._files.pop(file).close)(file))


@contextmanager
def watching(watcher: Watcher, root: Path) -> Iterator[None]:
    """Tell `watcher` what is done to files below `root`. All connections to them must be closed inside."""
    root = root.resolve()
    layer = _Layer(watcher, root)
    layer.stand()
    try:
        with _python(layer, watcher, root):
            yield
    finally:
        layer.leave()


@contextmanager
def _python(layer: _Layer, watcher: Watcher, root: Path) -> Iterator[None]:  # noqa: C901 - a function for each call
    """Tell also what Python itself does to names."""
    own = {name: getattr(os, name) for name in ("fsync", "open", "mkdir", "unlink", "remove", "rename", "replace")}

    def fsync(handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        path = Path(os.readlink(f"/proc/self/fd/{number}"))
        if stat.S_ISDIR(os.fstat(number).st_mode) and (path == root or layer.watches(path)):
            watcher.synced_directory(path)
        own["fsync"](handle)

    def open_(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        full = _full(path)
        if flags & os.O_CREAT and layer.watches(full) and not full.exists():
            watcher.made(full, False)
        return int(own["open"](path, flags, *rest, **more))

    def mkdir(path: Any, *rest: Any, **more: Any) -> None:
        full = _full(path)
        if layer.watches(full) and full.parent.exists() and not full.exists():
            watcher.made(full, True)
        own["mkdir"](path, *rest, **more)

    def unlink(path: Any, **more: Any) -> None:
        full = _full(path)
        if layer.watches(full) and full.exists():
            watcher.removed(full)
        own["unlink"](path, **more)

    def rename(path: Any, to: Any, **more: Any) -> None:
        full = _full(path)
        if layer.watches(full) and full.exists():
            watcher.renamed(full, _full(to))
        own["replace"](path, to, **more)

    ours = {"fsync": fsync, "open": open_, "mkdir": mkdir, "unlink": unlink, "remove": unlink}
    ours |= {"rename": rename, "replace": rename}
    for name, call in ours.items():
        setattr(os, name, call)
    try:
        yield
    finally:
        for name, call in own.items():
            setattr(os, name, call)


def _full(path: Any) -> Path:
    return Path(os.path.abspath(os.fsdecode(path)))


@contextmanager
def failing(answer: Callable[[Path, int, int], int]) -> Iterator[None]:
    """Let the system's write to a file fail, under SQLite's own VFS and its reading of errors.

    answer(path, size, offset): how many bytes are written, all of them: `size`; or minus the errno.
    """
    library = _sqlite()
    vfs = library.sqlite3_vfs_find(None)
    get, put = _GET_CALL(vfs.contents.get_system_call), _SET_CALL(vfs.contents.set_system_call)
    name = next(one for one in (b"pwrite64", b"pwrite") if get(ctypes.addressof(vfs.contents), one))
    real = _PWRITE(get(ctypes.addressof(vfs.contents), name))

    def write(handle: int, data: int, size: int, offset: int) -> int:
        count = answer(Path(os.readlink(f"/proc/self/fd/{handle}")), size, offset)
        if count < 0:
            ctypes.set_errno(-count)
            return -1
        return int(real(handle, data, count, offset)) if count else 0

    ours = _PWRITE(write)
    put(ctypes.addressof(vfs.contents), name, ctypes.cast(ours, c_void_p))
    try:
        yield
    finally:
        put(ctypes.addressof(vfs.contents), name, None)


def refuse() -> None:
    """Raise what a watcher raises when nothing may be done."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))
