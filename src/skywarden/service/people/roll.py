"""The people as their file has them now, for a process that runs: each change of the file takes effect at once."""

import logging
import os
import threading
from pathlib import Path

from skywarden.errors import PeopleError
from skywarden.service.people.users import People, User, key_of, read

logger = logging.getLogger(__name__)

Signature = tuple[int, ...]


class Roll:
    """Who may log in. Any thread asks; the file is looked at each time, and read when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Signature | None = None
        self._people: People = {}
        self._fault: PeopleError | None = None
        self._lock = threading.Lock()

    def people(self) -> People:
        """Return all people, by key. Raises PeopleError while the file cannot be used."""
        with self._lock:
            seen = self._signature()
            if seen != self._seen or self._fault is not None:
                self._read()
                self._seen = seen  # looked at before it was read: a change in between is read once more
            if self._fault is not None:
                raise self._fault
            return self._people

    def find(self, name: str) -> User | None:
        """Return the person of a name, unless disabled. Raises PeopleError."""
        user = self.people().get(key_of(name))
        return None if user is None or user.disabled else user

    def _read(self) -> None:
        before = str(self._fault)
        try:
            self._people, self._fault = read(self._path), None
        except PeopleError as error:
            self._people, self._fault = {}, error
            if str(error) != before:
                logger.warning("users_refused %s", error)

    def _signature(self) -> Signature:
        try:
            found = os.stat(self._path)
        except OSError:
            return ()
        return (found.st_ino, found.st_dev, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)
