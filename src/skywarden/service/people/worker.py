"""Passwords are compared beside the loop: one at a time, after the engine, and so many may wait and no more."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from skywarden.service.people.password import nobodys, verify

AT_ONCE = 1  # each takes 64 MiB, and a core for 150 ms
WAITING = 16  # so whoever is let in waits 3 s at most
KNOWN = 8  # more, for who is logged in or has been here: strangers who try without end do not keep them from acting
POLITE = 10  # niceness: the engine goes first


class Worker:
    """Compares passwords in a thread. The loop's thread calls it."""

    def __init__(self, verify: Callable[[str, str], bool] = verify) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, "passwords", initializer=_give_way)
        self._verify = verify
        self._nobodys = ""
        self._waiting = 0

    def full(self, *, known: bool) -> bool:
        """Say whether so many wait that another one must come later. known: it is somebody who was let in before."""
        return self._waiting >= WAITING + (KNOWN if known else 0)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Say whether a password is the one of which that was kept; None: nobody's, which takes as long."""
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._compare, kept, password)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let go of the thread; what waits is not compared any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _compare(self, kept: str | None, password: str) -> bool:
        self._nobodys = self._nobodys or nobodys()  # by the first, whoever it is
        return self._verify(kept or self._nobodys, password) and kept is not None


def _give_way() -> None:
    with suppress(OSError):  # on Linux a thread has its own niceness, and the threads of argon2 inherit it
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), POLITE)
