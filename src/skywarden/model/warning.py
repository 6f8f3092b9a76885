"""Warnings as they go out: of an area, in the words that people act on, and without any track's place or way."""

from enum import StrEnum
from typing import NamedTuple

from skywarden.model.mode import Mode
from skywarden.model.raid import Kind, Level

SECOND = 1_000_000_000  # ns


class Move(StrEnum):
    """What becomes of an area's warning."""

    RAISED = "raised"
    UPDATED = "updated"
    ENDED = "ended"


class Likely(StrEnum):
    """How likely it is that anybody comes at all, in words: a number would be taken to be more exact than it is."""

    VERY = "very likely"  # 0.8 and more
    LIKELY = "likely"  # 0.5
    POSSIBLE = "possible"  # 0.2
    UNLIKELY = "unlikely"


class Begin(NamedTuple):
    """A protective action of a site that should be started. by: ns."""

    action: str
    by: int


class SiteWarned(NamedTuple):
    """One site of an area for which an alert stands."""

    site: str
    level: Level
    begins: tuple[Begin, ...] = ()


class AreaWarning(NamedTuple):
    """All that is said of one area at one time. It is all that any output of the warning class is made of.

    area: name of a district, or of a site that is in none. number: of the warning; part: 0 when it is raised, then one
    more each time. mode: of the picture that it was made from. raised, sent: ns. until: ns, how long it holds unless
    something else is said. level: of the worst site. kinds: in the order of `Kind`. first, last: ns, half of all first
    arrivals are before, and nine of ten of all last ones; 0 where nobody comes any more.
    """

    area: str
    number: int
    part: int
    move: Move
    mode: Mode
    raised: int
    sent: int
    until: int
    level: Level
    likely: Likely
    kinds: tuple[Kind, ...]
    sites: tuple[SiteWarned, ...]
    first: int
    last: int

    @property
    def identifier(self) -> str:
        """Return a name that no other message of this installation has; the same whenever it is worked out again.

        It has no seq of the record in it: in a hole of the record many entries have the same one.
        """
        return f"{self.sent // SECOND}-{self.number}-{self.part}"


class Standing(NamedTuple):
    """A warning that has not ended. told: as it was last told. left: updates that might be told at `counted`, ns."""

    told: AreaWarning
    left: float
    counted: int


class Warnings(NamedTuple):
    """Everything of this between two ticks. time: ns, when it was last worked out, which is once a second."""

    time: int = 0
    standing: tuple[Standing, ...] = ()
    next_number: int = 1

    @property
    def told(self) -> tuple[AreaWarning, ...]:
        """Return what stands, as it was last told."""
        return tuple(one.told for one in self.standing)
