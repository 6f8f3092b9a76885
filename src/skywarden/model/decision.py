"""A hand-over: one decision of one named person, one recipient, one cue; what was shown is part of it."""

from typing import NamedTuple

import msgspec

from skywarden.model.assessment import Category


class Coming(msgspec.Struct, frozen=True, array_like=True):
    """When a track may reach a site, as its alert says: ns; early, late: the 80 % interval."""

    site: str
    early: int
    arrival: int
    late: int


class Cue(msgspec.Struct, frozen=True, array_like=True):
    """Where to look for one track: what a person is shown, and what the recipient gets. No velocity, no order.

    label: of the tracker. time: ns, for which the place holds. likeliest: class, "" not judged. latitude, longitude:
    deg, WGS 84; height_m: above the ellipsoid; level_m, height_error_m: m, 95 % of the level error in the worst
    direction, and of the height's.
    """

    track: int
    label: int
    time: int
    category: Category
    likeliest: str
    latitude: float
    longitude: float
    height_m: float
    level_m: float
    height_error_m: float
    coming: tuple[Coming, ...] = ()


class HandOver(msgspec.Struct, frozen=True, tag=True):
    """What a person decided. shown: the cue as it was displayed; digest: of it, as the person's program sent it.

    partner: name of the recipient. proved: ns, when the person last proved who he is.
    """

    partner: str
    shown: Cue
    digest: str
    proved: int


class Handed(NamedTuple):
    """A hand-over that stands. number: never used again in a record. at, until: ns. by: the person."""

    number: int
    partner: str
    track: int
    label: int
    category: Category
    by: str
    at: int
    until: int


class Handovers(NamedTuple):
    """Those that stand, between two ticks. used: sessions, and when each proved who he was, of the last decisions."""

    standing: tuple[Handed, ...] = ()
    next_number: int = 1
    used: tuple[tuple[str, int], ...] = ()
