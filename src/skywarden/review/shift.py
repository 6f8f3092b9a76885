"""What is known of a shift: what happened in it, and what stands at its end. No place of a track is in it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from skywarden.model.event import Event
from skywarden.model.raid import Heading, Level
from skywarden.review.lists import Some
from skywarden.review.standing import Standing


class New(NamedTuple):
    """One thing that was new in an announcement. tracks: how many."""

    heading: Heading
    level: Level
    tracks: int


@dataclass
class Announcement:
    """Something announced aloud. acknowledged: ns, by `who`, 0 nobody has. escalated: ns, when `to` was told."""

    time: int
    position: str
    raid: int
    news: tuple[New, ...]
    acknowledged: int = 0
    who: str = ""
    escalated: int = 0
    to: str = ""


@dataclass
class Raid:
    """A raid at one position. first, last: ns, of what was announced or listed; ended: ns, 0 it is on.

    aloud, listed: how many announcements. level: the worst.
    """

    position: str
    number: int
    first: int
    last: int
    ended: int = 0
    aloud: int = 0
    listed: int = 0
    level: Level = Level.QUIET
    sites: dict[str, None] = field(default_factory=dict)
    kinds: dict[str, None] = field(default_factory=dict)


@dataclass
class SiteSum:
    """Alerts of one site within the span: how many were raised and cleared, the first and the last, ns; worst level."""

    raised: int = 0
    cleared: int = 0
    first: int = 0
    last: int = 0
    level: Level = Level.QUIET


@dataclass
class Done:
    """What a person did, or what ended by itself; then `who` is "". what: key of its words, filled with `said`.

    refused: why it was not taken, "" it was; None: the record ends before that is known.
    """

    time: int
    who: str
    role: str
    what: str
    said: dict[str, object]
    refused: str | None = ""


class Happened(NamedTuple):
    """Something about a sensor or the record itself. what: key of its words, filled with `said`."""

    time: int
    what: str
    said: dict[str, object]


@dataclass
class Shift:
    """What happened from `begin` to `end`, ns, and what stands at the end.

    known: what stood before the record's first entry is known. refused: (source, reason) -> messages.
    """

    begin: int
    end: int
    standing: Standing = field(default_factory=Standing)
    known: bool = True
    modes: dict[str, None] = field(default_factory=dict)
    raids: dict[tuple[str, int], Raid] = field(default_factory=dict)
    sites: dict[str, SiteSum] = field(default_factory=dict)
    announced: Some[Announcement] = field(default_factory=Some)
    escalations: Some[Happened] = field(default_factory=Some)
    acts: Some[Done] = field(default_factory=Some)
    unwatched: Some[Happened] = field(default_factory=Some)
    faults: Some[Happened] = field(default_factory=Some)
    record: Some[Happened] = field(default_factory=Some)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: dict[int, tuple[Done, Event]] = field(default_factory=dict)

    def within(self, time: int) -> bool:
        """Say whether a time is in the span."""
        return self.begin <= time <= self.end
