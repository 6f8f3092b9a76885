"""Compiled loops: two typed decorators, so that every kernel has the same settings.

`kernel` makes one that Python calls. `inner` makes one that only kernels call: without a way in from Python it
compiles in less time, and what it becomes is kept in its callers' code.

Both are plain Python too, with results equal to the bit (tests/test_kernel.py), so that the first run on a machine
sees before the compiler is through: see `plain_while`.

Numba is imported when the first compiled kernel runs. cache: compiled once a machine. nogil: the sockets go on while
a kernel runs. No fastmath: it drops NaN checks, and NaN is how a missing measurement is written.
"""

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property, update_wrapper
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")
HERE = Path(__file__).parent
MARK = b"skywarden.kernel"  # every file with kernels imports it
KERNEL, IMPORT = re.compile(rb"^@(?:kernel|inner)\b", re.M), re.compile(rb"^from skywarden\.(\S+) import", re.M)
ALL = "all"  # file that says: this folder has all kernels
KEPT = 4  # folders of compiled kernels; several checkouts may share a place, and old processes go on for a while


@cache
def folder() -> Path:
    """Return where compiled kernels are kept; another place after a change of any file that they follow from.

    Numba looks only at a kernel's own file: after an update it would go on with old code of kernels called from it.
    Where it cannot be written (an installation for all users) Numba falls back to a place of the user's own.
    """
    sources = blake2b(f"Numba {version('numba')}, Python {sys.version}".encode(), digest_size=6)
    for text in origins().values():
        sources.update(text)
    return Path(os.environ.get("NUMBA_CACHE_DIR") or HERE / "__pycache__") / f"kernels-{sources.hexdigest()}"


def origins() -> dict[Path, bytes]:
    """Return the files that compiled kernels follow from: those that have some, and those with their constants."""
    texts = {file: text for file in sorted(HERE.rglob("*.py")) if MARK in (text := file.read_bytes())}
    needed = {name.decode() for text in texts.values() if KERNEL.search(text) for name in IMPORT.findall(text)}
    for name in sorted(needed):
        file = HERE.joinpath(*name.split(".")).with_suffix(".py")
        if file.exists():
            texts[file] = file.read_bytes()
    return texts


@cache
def compiler() -> Any:
    """Return Numba, which takes half a second to import, and lead it to `folder`."""
    import numba

    config: Any = numba.config
    config.CACHE_DIR = str(folder())
    tidy(folder())
    return numba


def tidy(used: Path) -> None:
    """Remove all folders beside `used` that hold compiled kernels but the latest used; so may another process."""
    try:
        used.mkdir(parents=True, exist_ok=True)
        os.utime(used)
        others = sorted({*used.parent.glob("kernels-*")} - {used}, key=os.path.getmtime)
    except OSError:  # another process removes too, or nothing can be written here
        return
    for old in others[: 1 - KEPT]:
        rmtree(old, ignore_errors=True)


def kept() -> bool:
    """Return whether all kernels are compiled and kept."""
    return (folder() / ALL).exists()


def keep() -> None:
    """Note that all kernels are compiled and kept."""
    with suppress(OSError):  # kept at a place of the user's own
        folder().mkdir(parents=True, exist_ok=True)
        (folder() / ALL).touch()


class Loop(Generic[P, R]):
    """A function as Python has it, `plain`, and as Numba makes it, `compiled`."""

    patient: ClassVar[Callable[[], bool]] = lambda: False  # whether the compiled ones are still waited for

    def __init__(self, plain: Callable[P, R], inner: bool) -> None:
        self.plain, self._inner = plain, inner
        self._kinds: dict[Any, Any] = {}  # of records -> the same with attributes
        update_wrapper(self, plain)

    @cached_property
    def compiled(self) -> Any:
        """The compiled one; it is compiled for the types of its arguments when it is first called."""
        ways = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True} if self._inner else {"cache": True}
        return compiler().njit(nogil=True, error_model="numpy", **ways)(self.plain)

    @property
    def _numba_type_(self) -> Any:
        return self.compiled._numba_type_  # how Numba finds it in a kernel that calls it

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._inner:
            return self.plain(*args, **kwargs)
        if Loop.patient():
            with np.errstate(all="ignore"):
                return self.plain(*(opened(arg, self._kinds) for arg in args), **kwargs)
        return cast(R, self.compiled(*args, **kwargs))


def _open(kind: "np.dtype[np.void]") -> Any:
    """Return a dtype whose records have their fields as attributes; NumPy's own such records are ten times slower."""

    def field(name: str) -> property:
        return property(lambda record: record[name], lambda record, value: record.__setitem__(name, value))

    return np.dtype((type("Record", (np.void,), {name: field(name) for name in kind.names or ()}), kind))


def opened(argument: Any, kinds: dict[Any, Any]) -> Any:
    """Return an argument whose records have their fields as attributes, as compiled code sees them.

    kinds: dtype -> the same with attributes; it grows.
    """
    if isinstance(argument, np.ndarray) and argument.dtype.names:
        if argument.dtype not in kinds:
            kinds[argument.dtype] = _open(argument.dtype)
        return argument.view(kinds[argument.dtype])
    return argument._make([opened(part, kinds) for part in argument]) if hasattr(argument, "_make") else argument


def plain_while(condition: Callable[[], bool]) -> None:
    """Let kernels be plain Python, some hundred times slower, as long as `condition()`.

    The one setting of this process that is not handed down: it changes no result.
    """
    Loop.patient = condition


def waiting() -> bool:
    """Say whether kernels are still plain Python, for who has a quicker way meanwhile with equal results."""
    return Loop.patient()


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` for arrays and numbers."""
    return Loop(function, inner=False)


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` into the kernels that call it. Called from Python it is plain; `kernel(f.plain)` is not."""
    return Loop(function, inner=True)
