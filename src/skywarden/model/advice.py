"""Advice: which unit could meet which group, or look at it, why, and what else; and what a person made of it."""

from enum import StrEnum
from typing import NamedTuple

from skywarden.model.raid import Heading


class Verdict(StrEnum):
    """What a person made of an advice."""

    OPEN = "open"  # nobody has answered
    ACCEPTED = "accepted"
    CHANGED = "changed"  # another unit than the advised one
    REFUSED = "refused"


class Task(StrEnum):
    """What a unit is asked to do about a group."""

    MEET = "meet"
    LOOK = "look"  # with the sensor that it points


class Option(NamedTuple):
    """A unit that could meet a group in time. wait: ns, until when it can wait; meets: ns, from when it can be there.

    spare: s between the two that are left now. busy: another group that it is advised for, or on, None none.
    """

    unit: str
    wait: int
    meets: int
    spare: float
    busy: Heading | None = None


class Advice(NamedTuple):
    """What is advised for one group, at most once for each task. number: never used again in a record. since: ns.

    unit: "" nobody: then nobody is in time, or all are needed more elsewhere. options: the best first, those of who is
    busy too. verdict, by, reason, at: what a person made of it; then the unit is his choice, and stays.
    told: ns, until when it can wait, as it was last told. doubt: of LOOK, what is not known of the group, in words.
    """

    number: int
    heading: Heading
    unit: str
    options: tuple[Option, ...]
    since: int
    verdict: Verdict = Verdict.OPEN
    by: str = ""
    reason: str = ""
    at: int = 0
    told: int = 0
    task: Task = Task.MEET
    doubt: str = ""

    @property
    def about(self) -> tuple[Heading, Task]:
        """Return what tells it from all others that stand."""
        return self.heading, self.task


class Advices(NamedTuple):
    """All that stand. time: ns, when they were last worked out."""

    time: int = 0
    standing: tuple[Advice, ...] = ()
    next_number: int = 1
