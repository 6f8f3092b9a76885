"""Raids: alerts put together by site, kind and direction; how bad it is at each site; what people were told of it."""

from enum import IntEnum, StrEnum
from typing import NamedTuple

from skywarden.model.assessment import Class
from skywarden.model.place import SECTORS

NOWHERE = -1  # a direction that is not known


class Level(IntEnum):
    """How bad it is at a site."""

    QUIET = 0  # no alert stands
    WARN = 1  # an alert stands
    CRITICAL = 2  # somebody comes as likely as the site says that it stops its work for

    @property
    def word(self) -> str:
        return self.name.lower()


class Kind(StrEnum):
    """What a raid is made of, as coarse as people act on it."""

    DRONES = "drones"  # and decoys, which nobody tells from them in time
    JETS = "jet drones"
    CRUISE = "cruise missiles"
    BALLISTIC = "ballistic missiles"
    SMALL = "small drones"
    AIRCRAFT = "aircraft"
    UNKNOWN = "not known"


KIND_OF = {
    Class.UAV_PISTON: Kind.DRONES,
    Class.DECOY: Kind.DRONES,
    Class.UAV_JET: Kind.JETS,
    Class.CRUISE: Kind.CRUISE,
    Class.BALLISTIC: Kind.BALLISTIC,
    Class.MULTIROTOR: Kind.SMALL,
    Class.FIXED_WING: Kind.SMALL,
    Class.AEROPLANE: Kind.AIRCRAFT,
    Class.HELICOPTER: Kind.AIRCRAFT,
}
KINDS = tuple(Kind)


class Member(NamedTuple):
    """A standing alert's place among the groups. direction: of SECTORS, as seen from the site, or NOWHERE.

    other_kind, other_way: ns, since when it has been another kind, or come from another direction; 0 it has not.
    """

    site: str
    track: int
    kind: Kind
    direction: int
    other_kind: int = 0
    other_way: int = 0

    @property
    def heading(self) -> "Heading":
        return Heading(self.site, self.kind, self.direction)


class Span(NamedTuple):
    """When the first and the last of several may come, if any does: ns. probability: that any does.

    early, first: one of ten, and half, of all first arrivals are before; last: nine of ten of all last ones are.
    """

    probability: float
    early: int
    first: int
    last: int


class Heading(NamedTuple):
    """What makes a group: the site that is headed for, by what, and from where. direction: as of Member."""

    site: str
    kind: Kind
    direction: int

    @property
    def word(self) -> str:
        """The direction, "" where it is not known."""
        return "" if self.direction == NOWHERE else SECTORS[self.direction]


class Group(NamedTuple):
    """Alerts of one site for one kind from one direction. tracks: public numbers."""

    heading: Heading
    tracks: tuple[int, ...]
    span: Span


class Start(NamedTuple):
    """A protective action that should be started. action: its name. by: ns; later it ends too late in one of ten cases.

    too_late, in_a_minute: probability that somebody comes before it is done, if it is started now, or a minute later.
    since: ns. under: ns, since when it has not been worth it any more, 0 it is. told: ns, `by` as it was last told.
    """

    action: str
    by: int
    too_late: float
    in_a_minute: float
    since: int
    under: int = 0
    told: int = 0


class SiteState(NamedTuple):
    """One site with alerts. since: ns, of the level. under: ns, since when it would be a lower level, 0 it would not.

    span: of all its groups together. starts: actions, in the order of the configuration.
    """

    site: str
    level: Level
    since: int
    span: Span
    under: int = 0
    starts: tuple[Start, ...] = ()


class News(NamedTuple):
    """One thing that people are told: a group, and how bad it is at its site. tracks: how many."""

    heading: Heading
    level: Level
    tracks: int
    span: Span


class Listed(NamedTuple):
    """A group that people were told of. stood: ns, when it last did. tracks, aloud: how many were listed, announced."""

    heading: Heading
    stood: int
    tracks: int
    aloud: int


class Told(NamedTuple):
    """What was told at one position of the raid that is on. number: of the raid, 0 none is on.

    levels: of sites, as listed; loud: the same as announced; kinds: that were announced. left: routine announcements
    that might be made at `counted`, ns. last: ns, of those of the last ten minutes.
    """

    position: str
    number: int = 0
    levels: tuple[tuple[str, Level], ...] = ()
    listed: tuple[Listed, ...] = ()
    loud: tuple[tuple[str, Level], ...] = ()
    kinds: tuple[Kind, ...] = ()
    left: float = 0.0
    counted: int = 0
    last: tuple[int, ...] = ()


class Raids(NamedTuple):
    """Everything of this between two ticks. time: ns, when it was last worked out, which is once a second."""

    time: int = 0
    members: tuple[Member, ...] = ()
    groups: tuple[Group, ...] = ()
    sites: tuple[SiteState, ...] = ()
    told: tuple[Told, ...] = ()
    next_number: int = 1
