"""What people do, and what follows from it: events of the record, beside those of `event`."""

import msgspec

from skywarden.model.act import Act, Person
from skywarden.model.advice import Task
from skywarden.model.decision import Cue, HandOver
from skywarden.model.raid import Heading
from skywarden.model.trust import Word


class Acted(msgspec.Struct, frozen=True, tag=True):
    """A named person did something. Input. `Taken` follows from it."""

    time: int
    person: Person
    act: Act


class Decided(msgspec.Struct, frozen=True, tag=True):
    """A named person hands one cue to one partner. Input of a live picture only. `Taken` follows from it."""

    time: int
    person: Person
    hand_over: HandOver


class Suspended(msgspec.Struct, frozen=True, tag=True):
    """All that was handed over stands no more, and why: a fault outside of the picture. Input."""

    time: int
    reason: str


class Taken(msgspec.Struct, frozen=True, tag=True):
    """What a person did holds from now on; or does not, and why: refused."""

    time: int
    refused: str = ""


class ShelfEnded(msgspec.Struct, frozen=True, tag=True):
    """A group is announced at a position again: its time on the shelf is over, or the position is gone."""

    time: int
    position: str
    heading: Heading


class CategoryEnded(msgspec.Struct, frozen=True, tag=True):
    """What a person said of a track holds no more, for there is no such track any more."""

    time: int
    track: int


class SensorTrust(msgspec.Struct, frozen=True, tag=True):
    """The word on a sensor or source is another one: in quarantine, out of it, doubtful, or a person says so: by."""

    time: int
    sensor: str
    word: Word
    reasons: tuple[str, ...] = ()
    by: str = ""


class FeedEnded(msgspec.Struct, frozen=True, tag=True):
    """A partner gets the surveillance picture no more: its time is over, or the partner is gone."""

    time: int
    partner: str


class Escalated(msgspec.Struct, frozen=True, tag=True):
    """Nobody has acknowledged what was announced at a position: another one is told. raid: number."""

    time: int
    position: str
    raid: int
    to: str


class Cued(msgspec.Struct, frozen=True, tag=True):
    """A partner is told where to look: at a hand-over, and once a second while it stands. number: of the hand-over.

    by: who decided. until: ns.
    """

    time: int
    number: int
    partner: str
    by: str
    until: int
    cue: Cue


class CueEnded(msgspec.Struct, frozen=True, tag=True):
    """A hand-over stands no more: its time is over, or it is suspended, and why. Only a decision begins another."""

    time: int
    number: int
    partner: str
    reason: str


class Advised(msgspec.Struct, frozen=True, tag=True):
    """A unit could meet a group, or look at it. number: of the advice; unit: "" nobody any more.

    wait: ns, until when it can wait.
    """

    time: int
    number: int
    heading: Heading
    unit: str
    wait: int
    task: Task = Task.MEET


class AdviceEnded(msgspec.Struct, frozen=True, tag=True):
    """There is no such group any more."""

    time: int
    number: int


class Delivered(msgspec.Struct, frozen=True, tag=True):
    """What became of a warning at a recipient, by its name. Input; it changes nothing.

    message: identifier of the warning. state: "sent", or one of those in which it was not. reason: in words.
    """

    time: int
    recipient: str
    message: str
    state: str
    reason: str = ""
