"""What people did that holds now, as their programs read it."""

import msgspec

from skywarden.model.decision import Handovers
from skywarden.model.held import Held


class WaitingRow(msgspec.Struct, frozen=True):
    """An announcement that nobody has acknowledged. Times are ns; critical, escalated: 0 not."""

    position: str
    raid: int
    since: int
    last: int
    critical: int
    escalated: int
    to: str


class ShelfRow(msgspec.Struct, frozen=True):
    """A group that is listed and not announced at a position. until, at: ns."""

    position: str
    site: str
    kind: str
    direction: str
    until: int
    reason: str
    by: str
    at: int


class SaidRow(msgspec.Struct, frozen=True):
    """What a person says that a track is. at: ns."""

    track: int
    category: str
    reason: str
    by: str
    at: int


class FeedRow(msgspec.Struct, frozen=True):
    """A partner that gets the surveillance picture. until, at: ns."""

    partner: str
    purpose: str
    until: int
    by: str
    at: int


class HandedRow(msgspec.Struct, frozen=True):
    """A hand-over that stands. at, until: ns."""

    number: int
    partner: str
    track: int
    category: str
    by: str
    at: int
    until: int


class HeldRow(msgspec.Struct, frozen=True):
    """All of it."""

    waiting: list[WaitingRow]
    shelves: list[ShelfRow]
    said: list[SaidRow]
    feeds: list[FeedRow]
    handed: list[HandedRow]


def row(held: Held, handovers: Handovers) -> HeldRow:
    """Return what holds."""
    return HeldRow(
        waiting=[WaitingRow(*one) for one in held.waiting],
        shelves=[
            ShelfRow(s.position, s.heading.site, s.heading.kind, s.heading.word, s.until, s.reason, s.by, s.at)
            for s in held.shelves
        ],
        said=[SaidRow(*one) for one in held.said],
        feeds=[FeedRow(*one[:-1]) for one in held.feeds],
        handed=[HandedRow(h.number, h.partner, h.track, h.category, h.by, h.at, h.until) for h in handovers.standing],
    )
