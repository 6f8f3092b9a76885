"""Compiled loops: one typed decorator, so that every kernel has the same settings.

cache: compiled once a machine. nogil: the sockets go on while a kernel runs. No fastmath: it drops NaN checks,
and NaN is how a missing measurement is written.
"""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")
HERE = Path(__file__).parent
MARK = b"skywarden.kernel"  # every file with kernels imports it


def _version() -> str:
    """Return a word that changes with any line of a file that has kernels.

    Numba looks only at a kernel's own file: after an update it would go on with old code of kernels called from it.
    """
    sources = blake2b(digest_size=6)
    for file in sorted(HERE.rglob("*.py")):
        if MARK in (text := file.read_bytes()):
            sources.update(text)
    return sources.hexdigest()


# Where it cannot be written (an installation for all users) Numba falls back to a place of the user's own.
numba_config: Any = numba.config
numba_config.CACHE_DIR = str(Path(numba_config.CACHE_DIR or HERE / "__pycache__") / f"kernels-{_version()}")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` for arrays and numbers; `kernel(f).py_func` is the plain one."""
    compile_: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
    return cast(Callable[P, R], compile_(function))
