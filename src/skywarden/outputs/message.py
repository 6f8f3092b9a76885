"""One message of the warning class before it is written in a format: what is said, to whom, and how seriously."""

import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from skywarden.model.mode import Mode
from skywarden.model.warning import AreaWarning, Move
from skywarden.outputs.iso import EPOCH
from skywarden.outputs.outline import Outline

LONGEST = 100  # characters of a name
MINUTE = 60_000_000_000  # ns
EXERCISE, TEST = "EXERCISE / НАВЧАННЯ", "TEST / ТЕСТ"


class Status(StrEnum):
    """How a message is meant: the words of CAP 1.2, section 3.2.1."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


# (mode of the picture, the recipient's `actual`) -> status. The only way to Actual is through this table.
STATUS: Mapping[tuple[Mode, bool], Status] = MappingProxyType(
    {
        (Mode.LIVE, True): Status.ACTUAL,
        (Mode.LIVE, False): Status.TEST,
        (Mode.EXERCISE, True): Status.EXERCISE,
        (Mode.EXERCISE, False): Status.EXERCISE,
        (Mode.SIM, True): Status.TEST,
        (Mode.SIM, False): Status.TEST,
        (Mode.REPLAY, True): Status.TEST,
        (Mode.REPLAY, False): Status.TEST,
    }
)


class Reference(NamedTuple):
    """An earlier message to the same recipient. sent: ns."""

    identifier: str
    sent: int


class Message(NamedTuple):
    """A warning for one recipient. references: what it got of the same area since that was last quiet, oldest first."""

    warning: AreaWarning
    outline: Outline
    sender: str
    actual: bool = False
    language: str = "en"
    references: tuple[Reference, ...] = ()

    @property
    def status(self) -> Status:
        return STATUS[self.warning.mode, self.actual]

    @property
    def mark(self) -> str:
        """What every text begins with, in both languages; "" when it is meant."""
        if self.warning.mode is not Mode.LIVE:
            return EXERCISE
        return "" if self.status is Status.ACTUAL else TEST

    @property
    def move(self) -> Move:
        """What it is for this recipient: the first that it gets is the one that raises."""
        if self.warning.move is Move.ENDED:
            return Move.ENDED
        return Move.UPDATED if self.references else Move.RAISED


def clean(text: str) -> str:
    """Return a name as it goes out: one line, nothing that cannot be seen, not too long."""
    shown = (" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    line = " ".join("".join(shown).split())
    return line[: LONGEST - 1] + "…" if len(line) > LONGEST else line or "?"


def minute(time: int, *, up: bool = False) -> int:
    """Return ns, down to a whole minute, or up to one."""
    return -(-time // MINUTE) * MINUTE if up else time // MINUTE * MINUTE


def clock(time: int) -> str:
    """Return "14:26 UTC" of ns."""
    return f"{EPOCH + timedelta(microseconds=time // 1000):%H:%M} UTC"


def stamp(time: int, zone: str) -> str:
    """Return ISO 8601 in whole seconds of ns, with what is written for UTC."""
    return f"{EPOCH + timedelta(seconds=time // 1_000_000_000):%Y-%m-%dT%H:%M:%S}{zone}"
