"""Compiled loops: one typed decorator, so that every kernel has the same settings.

cache: compiled once a machine. nogil: the sockets go on while a kernel runs. No fastmath: it drops NaN checks,
and NaN is how a missing measurement is written.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` for arrays and numbers; `kernel(f).py_func` is the plain one."""
    compile_: Any = njit(cache=True, nogil=True, error_model="numpy")
    return cast(Callable[P, R], compile_(function))
