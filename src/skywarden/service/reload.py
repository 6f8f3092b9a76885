"""The configuration of a running installation and its file: when it was read, and what became of reading it again."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from skywarden.config import text_of
from skywarden.errors import ConfigError
from skywarden.service.hangup import Hangup

LOOK_EVERY = 1.0  # s between two looks at the file

logger = logging.getLogger(__name__)


class Configured(msgspec.Struct, frozen=True):
    """What /api/health says of the configuration.

    read: ns, when the settings in force were read; 0: unknown. changed: the file says something else since. refused:
    why it was not taken over when it was last read, None: it was. stays: settings of it that need a new start.
    """

    read: int = 0
    changed: bool = False
    refused: str | None = None
    stays: tuple[str, ...] = ()


UNKNOWN = Configured()


class Reloading:
    """Watches the file, and reads it again when the `hangup` asks. One thread calls `tend`; anyone reads `state`."""

    def __init__(
        self,
        file: Path | None,
        text: str,
        take: Callable[[str], tuple[str, ...]],
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Begin with the text in force. take: makes another one so; returns what of it needs a new start.

        file: None when there is none to read again. take raises ConfigError when the old one stays. tell: of success.
        """
        self.hangup: Hangup | None = None
        self.state = Configured(time.time_ns())
        self._file, self._text, self._take, self._tell = file, text, take, tell
        self._due = 0.0  # s, steady
        self._seen: tuple[int, int, int] | None = None

    def tend(self) -> None:
        """Do what is due."""
        if self._file is None:
            return
        if self.hangup is not None and self.hangup.asked:
            self.hangup.asked = False  # before it is read: what changes later will have to ask again
            self._again(self._file)
        elif time.monotonic() >= self._due:
            self._due = time.monotonic() + LOOK_EVERY
            self._look(self._file)

    def _again(self, file: Path) -> None:
        try:
            text = text_of(file)
            stays = self._take(text)
        except ConfigError as error:
            self.state = msgspec.structs.replace(self.state, refused=str(error))
            self._look(file)
            logger.warning("config_refused error=%s", str(error).replace("\n", "; "))
            return
        self._text = text
        self.state = Configured(time.time_ns(), stays=stays)
        if self._tell is not None:
            until = f"; a new start is needed for {', '.join(stays)}" if stays else ""
            self._tell(f"the configuration was read again and is in force{until}")

    def _look(self, file: Path) -> None:
        """See whether the file still says what is in force; read it only when its date, size or place is another."""
        try:
            found = file.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            seen = (0, 0, 0)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            changed = text_of(file) != self._text
        except ConfigError:
            changed = True
        refused = self.state.refused if changed else None
        self.state = msgspec.structs.replace(self.state, changed=changed, refused=refused)
