"""What people say to the system. Every act is an input of the record, with who did it; `acts` says what comes of it."""

from enum import IntEnum

import msgspec

from skywarden.model.advice import Verdict
from skywarden.model.assessment import Category
from skywarden.model.raid import Kind


class Role(IntEnum):
    """What a person may do; each may do what those before may."""

    OBSERVER = 0  # sees
    OPERATOR = 1  # acknowledges, shelves, says what a track is
    SUPERVISOR = 2  # enables feeds, hands over
    ADMINISTRATOR = 3  # adds and disables people

    @property
    def word(self) -> str:
        return self.name.lower()


class Person(msgspec.Struct, frozen=True, array_like=True):
    """A named person in an interactive session. session: which one, not its secret."""

    name: str
    role: Role
    session: str


class Acknowledge(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What was announced at a position has been understood. seen: ns, of the last announcement that the person saw."""

    position: str
    raid: int
    seen: int


class Shelve(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Growth and return of a group are not announced at a position until a time, ns; they are listed.

    What is critical, of another kind or at another site is never kept back by this.
    """

    position: str
    site: str
    kind: Kind
    direction: str  # of `place.SECTORS`, "" not known
    until: int
    reason: str


class Unshelve(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A group is announced again as any other."""

    position: str
    site: str
    kind: Kind
    direction: str


class Categorise(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A person says what a track is. label: of the tracker, as it was shown; after a change of it this is refused."""

    track: int
    label: int
    category: Category
    reason: str


class Uncategorise(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a person said of a track holds no more."""

    track: int
    reason: str


class AllowFeed(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A partner of the configuration gets the surveillance picture until a time, ns, for a purpose."""

    partner: str
    purpose: str
    until: int


class EndFeed(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A partner gets the picture no more."""

    partner: str


class Quarantine(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A sensor or source clears nothing until a time, ns: it does not count for what is watched."""

    sensor: str
    until: int
    reason: str


class Unquarantine(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a person put in quarantine is judged by the system again."""

    sensor: str
    reason: str


class Trust(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A sensor or source is believed until a time, ns, whatever the system says of it."""

    sensor: str
    until: int
    reason: str


class Untrust(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a person said is to be believed is judged by the system again."""

    sensor: str
    reason: str


class AnswerAdvice(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A person accepts or refuses what is advised, or sends another unit. unit: that one; "" with a refusal."""

    advice: int
    verdict: Verdict
    unit: str
    reason: str = ""


Act = (
    Acknowledge
    | Shelve
    | Unshelve
    | Categorise
    | Uncategorise
    | AllowFeed
    | EndFeed
    | AnswerAdvice
    | Quarantine
    | Unquarantine
    | Trust
    | Untrust
)

LEAST: dict[type, Role] = {
    Acknowledge: Role.OPERATOR,
    Shelve: Role.OPERATOR,
    Unshelve: Role.OPERATOR,
    Categorise: Role.OPERATOR,
    Uncategorise: Role.OPERATOR,
    AllowFeed: Role.SUPERVISOR,
    EndFeed: Role.OPERATOR,
    AnswerAdvice: Role.OPERATOR,
    Quarantine: Role.OPERATOR,
    Unquarantine: Role.SUPERVISOR,
    Trust: Role.SUPERVISOR,
    Untrust: Role.OPERATOR,
}
