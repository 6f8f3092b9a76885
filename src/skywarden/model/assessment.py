"""What we conclude: class, identity, threat, alert."""

from enum import IntEnum, StrEnum

import msgspec


class Class(StrEnum):
    """What a target may be. The order is that of the columns of `Detections.evidence` and never changes."""

    UAV_PISTON = "one-way UAV piston"
    UAV_JET = "one-way UAV jet"
    MULTIROTOR = "multirotor"
    FIXED_WING = "small fixed-wing"
    DECOY = "decoy"  # never asserted from motion alone
    CRUISE = "cruise missile"
    BALLISTIC = "ballistic"
    AEROPLANE = "aeroplane"
    HELICOPTER = "helicopter"
    BIRD = "bird"
    NOISE = "ground vehicle or other noise"
    UNKNOWN = "unknown"


CLASSES = tuple(Class)
EARLY, MEDIAN, LATE = 1, 3, 5  # of `Threat.times`: 0.1, 0.5, 0.9


class Family(IntEnum):
    """By what a target is told: kinds of evidence that have no sensor, place, clock or way of erring in common."""

    RADAR = 0
    ACOUSTIC = 1
    CAMERA = 2
    RADIO = 3  # its emissions, not what they say
    PEOPLE = 4
    MOTION = 5  # how the track flies
    OTHER = 6
    CLAIM = 7  # what it says itself: who it is and where


class Category(StrEnum):
    """The words of STANAG 1241. The system proposes up to SUSPECT; HOSTILE is a named person's entry only."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    ASSUMED_FRIEND = "assumed friend"
    FRIEND = "friend"
    NEUTRAL = "neutral"
    SUSPECT = "suspect"
    HOSTILE = "hostile"


FRIENDS = (Category.FRIEND, Category.ASSUMED_FRIEND)
ALARMING = (Category.SUSPECT, Category.HOSTILE)  # whatever its classes are, such a track counts as a whole threat


class Identity(msgspec.Struct, frozen=True, array_like=True):
    """What a track probably is. claims: what it says of itself, name -> value; nothing is believed by that.

    odds: probability of each of CLASSES, () before it was judged. why: the rule that gave the category, in words.
    claimed_only: nobody but itself has said lately where it is. flight: of ours that it is, by name, "" none. doubts:
    what cannot be true of what it says, in words. stake: 0 to 1, what it would do if it came, by what not everybody
    can say (`identify.weigh.stake`); 1 before it was judged. by: the person who says so, with `why` as his reason; ""
    it is the system's own proposal, which is `proposed` in any case. perhaps_friend: it would be one, or an assumed
    one, if who is in quarantine were believed.
    """

    track: int  # public number
    category: Category = Category.UNKNOWN
    claims: dict[str, str] = {}
    odds: tuple[float, ...] = ()
    why: str = ""
    claimed_only: bool = False
    flight: str = ""
    doubts: tuple[str, ...] = ()
    stake: float = 1.0
    proposed: Category = Category.UNKNOWN
    by: str = ""
    perhaps_friend: bool = False

    @property
    def likeliest(self) -> Class | None:
        """Return the likeliest class, which may be unknown; None before it was judged."""
        return CLASSES[self.odds.index(max(self.odds))] if self.odds else None


class Threat(msgspec.Struct, frozen=True, array_like=True):
    """One track measured against one site, as people read it: a row of `model.threats.Threats`.

    probability: of coming within the site's radius. times: s from the time asked for until then, if it comes: quantiles
    at `threat.course.LEVELS`, never negative. miss: m, by which the straight way passes the site, inf if it flies away
    from it. vague: only a wide region is known of the track, see `TrackKind`; then its middle's way is no way.
    stake: as in `Identity`, as far as it counts.
    """

    track: int
    site: str
    probability: float
    times: tuple[float, float, float, float, float, float, float]
    miss: float
    vague: bool = False
    stake: float = 1.0

    @property
    def arrival(self) -> float:
        """The median, s."""
        return self.times[MEDIAN]

    @property
    def early(self) -> float:
        """One of ten that come is here before, s."""
        return self.times[EARLY]

    @property
    def late(self) -> float:
        """Nine of ten that come are here before, s."""
        return self.times[LATE]


class Alert(msgspec.Struct, frozen=True, array_like=True):
    """A warning that stands for one site and one track.

    raised: ns. arrival: ns, expected; early, late: ns, the 80 % interval. updated: ns, last time a threat supported it.
    """

    site: str
    track: int
    raised: int
    arrival: int
    early: int
    late: int
    probability: float
    updated: int
    stake: float = 1.0
