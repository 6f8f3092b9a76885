"""Looks now and then at what changes outside of us: the computer's clock, certificates' files, and that of people."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from skywarden.service import sync, tls

PERIOD = 2.0  # s between two looks at the clock
FILES_PERIOD = 60.0  # s between two looks at the files: a renewed certificate is used after that

logger = logging.getLogger(__name__)


class Host:
    """A thread of its own, since files may lie on a disk that does not answer. Others read `sync`, `tls`, `people`."""

    def __init__(
        self, ends: Callable[[], Sequence[tls.Tls]], bound_s: float | None, people: Callable[[], str | None]
    ) -> None:
        """ends: what has TLS now. bound_s: s, of the clock's estimated error; None: the clock is not used.

        people: looks at their file, and returns what is wrong with it.
        """
        self.sync = sync.Sync()
        self.people: str | None = None
        self._ends, self._bound, self._look = ends, bound_s, people
        self._stop = threading.Event()
        self._renewed = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="host", daemon=True)

    @property
    def tls(self) -> tuple[tls.Row, ...]:
        """Return each end's TLS as it is now."""
        now = time.time_ns()
        return tuple(end.row(now) for end in self._ends())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it. One that waits for a disk is left behind."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(PERIOD)

    def renew(self) -> None:
        """Use certificates that have been written anew for connections to come; what is wrong stands in `tls`."""
        for end in self._ends():
            before = end.problem
            if not end.renew() and end.problem != before:
                logger.warning("tls_not_renewed where=%s problem=%s", end.where, end.problem)

    def _run(self) -> None:
        asked = self._bound is not None and sync.allowed()
        said = ""
        while True:
            if asked and self._bound is not None:
                self.sync = sync.read(self._bound)
                if self.sync.state != said:
                    said = self.sync.state
                    logger.info("clock state=%s estimated_s=%s", said, self.sync.estimated_s)
            self.people = self._look()
            if time.monotonic() - self._renewed >= FILES_PERIOD:
                self._renewed = time.monotonic()
                self.renew()
            if self._stop.wait(PERIOD):
                return
