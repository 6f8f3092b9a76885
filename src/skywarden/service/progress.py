"""How far something is, in lines, where there is no terminal for a bar: a log, a file."""

import time
from collections.abc import Callable

LINE_S = 10.0  # between two lines


def now_and_then(say: Callable[[str], None], every: float = LINE_S) -> Callable[[str], None]:
    """Return what says a text when the last one was said `every` s ago, and leaves out all others."""
    last = time.monotonic()

    def line(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            last = time.monotonic()
            say(text)

    return line
