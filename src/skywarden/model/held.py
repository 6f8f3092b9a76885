"""What people have done that holds now: what they said of tracks, what they shelved, what waits for them."""

from typing import NamedTuple

from skywarden.model.assessment import Category
from skywarden.model.raid import Heading


class Said(NamedTuple):
    """What a person says that a track is. by: his name. at: ns."""

    track: int
    category: Category
    reason: str
    by: str
    at: int


class Shelf(NamedTuple):
    """A group that is listed and not announced at a position. until, at: ns."""

    position: str
    heading: Heading
    until: int
    reason: str
    by: str
    at: int


class Waiting(NamedTuple):
    """An announcement that nobody has acknowledged. since: ns, of the first such one of a raid; last: of the last.

    critical: ns, of the first of a critical level, 0 none. escalated: ns, when `to`, another
    position, was told; 0 none was.
    """

    position: str
    raid: int
    since: int
    last: int
    critical: int = 0
    escalated: int = 0
    to: str = ""


class Feed(NamedTuple):
    """A partner that gets the surveillance picture. until, at: ns. purpose: in the words of who allowed it, `by`.

    address: where it was when that was allowed; at another one it gets nothing.
    """

    partner: str
    purpose: str
    until: int
    by: str
    at: int
    address: str = ""


class Held(NamedTuple):
    """All of it, between two ticks."""

    said: tuple[Said, ...] = ()
    shelves: tuple[Shelf, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    feeds: tuple[Feed, ...] = ()
