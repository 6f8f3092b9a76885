"""What something gives with kernels as plain Python and with compiled ones, and tables as bytes to compare."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from skywarden.kernel import plain_while


def both(do: Callable[[], Any]) -> list[Any]:
    """Return what `do` gives with plain and with compiled kernels."""
    found = []
    try:
        for plain in (True, False):
            plain_while(lambda plain=plain: plain)  # type: ignore[misc]
            found.append(do())
    finally:
        plain_while(lambda: False)
    return found


def exactly(tracks: Any) -> list[Any]:
    """Return a table's columns, arrays as bytes: equal NaNs are equal, two zeros are not."""
    columns = [getattr(tracks, f.name) for f in fields(tracks)]
    return [c.tobytes() if isinstance(c, np.ndarray) else c for c in columns]
