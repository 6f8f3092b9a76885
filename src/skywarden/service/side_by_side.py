"""Work that processes do side by side, in order, and how they end: quietly, with the one that started them or before.

A signal to a whole group (Ctrl-C in a terminal, a service manager's stop) reaches the workers too. They leave it to the
process that started them, which ends them; and where that one was killed, they see its end of a pipe close.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import active_children, get_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from skywarden.errors import WorkError

AHEAD = 2  # pieces of work for each process that may wait to be taken
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Given = TypeVar("Given")
Found = TypeVar("Found")


def in_order(work: Callable[[Given], Found], given: Iterable[Given], processes: int) -> Generator[Found, None, None]:
    """Yield `work` of each of `given` in their order, done by forks of this process. Close it, and they are gone.

    work: anything; the forks have it with all that it holds. Raises WorkError when one of them was ended by others.
    """
    left, waiting = iter(given), deque[Future[Found]]()
    ready, done = SimpleQueue[Future[Found]](), set[Future[Found]]()
    others = set(active_children())
    lifeline = os.pipe()
    pool = ProcessPoolExecutor(processes, get_context("fork"), _begin, (work, *lifeline))
    try:
        with undisturbed():  # they begin with the same mask: no handler of ours runs in them
            _fill(pool, left, waiting, ready, AHEAD * processes)
        while waiting:
            while waiting[0] not in done:
                done.add(ready.get())  # a signal may come here: a future it comes upon keeps its lock, and all hangs
            with undisturbed():
                found = waiting[0].result()
                done.remove(waiting.popleft())
                _fill(pool, left, waiting, ready, AHEAD * processes)
            yield found
    except BrokenExecutor:
        raise WorkError("a process was ended before its work was done; is there enough memory?") from None
    finally:
        with undisturbed():
            for child in active_children() if waiting else ():
                if child not in others:
                    child.kill()  # what it makes is not taken any more
            pool.shutdown(cancel_futures=True)
            for end in lifeline:
                os.close(end)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that would stop this thread wait until the block is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fill(
    pool: ProcessPoolExecutor,
    left: Iterator[Given],
    waiting: deque[Future[Found]],
    ready: "SimpleQueue[Future[Found]]",
    most: int,
) -> None:
    """Give the processes more to do, until so many pieces wait. Each piece is put into `ready` when it is done."""
    for one in islice(left, max(0, most - len(waiting))):
        waiting.append(pool.submit(_do, one))
        waiting[-1].add_done_callback(ready.put)


_work: list[Callable[[Any], Any]] = []  # of a process that works: handed over once, when it starts


def _do(one: Any) -> Any:
    return _work[0](one)


def _begin(work: Callable[[Any], Any], reading: int, writing: int) -> None:
    """Runs first in each process. The ends of the lifeline; the one for writing must be open in the first one only."""
    _work[:] = [work]
    os.close(writing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    Thread(target=_with_the_other, args=(reading,), daemon=True).start()


def _with_the_other(reading: int) -> None:
    """End this process when the one that has the other end of the pipe ends."""
    with suppress(OSError):
        os.read(reading, 1)
    os._exit(1)
