"""Everything the record can hold, and its encoding.

Adding a field: give it a default. Adding an event, removing or changing a field: raise SCHEMA.
"""

from typing import Any, NamedTuple

import msgspec

from skywarden.model.act import Person
from skywarden.model.assessment import Alert
from skywarden.model.deed import (
    Acted,
    AdviceEnded,
    Advised,
    CategoryEnded,
    Cued,
    CueEnded,
    Decided,
    Delivered,
    Escalated,
    FeedEnded,
    SensorTrust,
    ShelfEnded,
    Suspended,
    Taken,
)
from skywarden.model.detection import Frame
from skywarden.model.raid import Heading, Level, News, Span
from skywarden.model.track import Mode
from skywarden.model.triage import Gathered
from skywarden.model.warning import AreaWarning

# 4: segments, Started.reload, Frame.over, 5: SensorRegistered, SensorFault, 6: raids, 7: acts, warnings, reports, trust
SCHEMA = 7


class Started(msgspec.Struct, frozen=True, tag=True):
    """From here on these settings hold: a process took the record up, or read its configuration again. Input."""

    time: int
    mode: Mode
    settings: str  # the configuration file's text
    version: str
    resolved: str = ""  # what it meant, all of it: `config.resolved`; "" in records of format 1
    reload: bool = False  # the process and its connections live on


class Arrived(msgspec.Struct, frozen=True, tag=True):
    """Messages came in from a source. Input."""

    frame: Frame


class Tick(msgspec.Struct, frozen=True, tag=True):
    """Everything recorded since the last tick is handled as one batch, up to this time. Input."""

    time: int


class ClockStepped(msgspec.Struct, frozen=True, tag=True):
    """The host's clock jumped by `step` ns against the steady one; the picture's time did not. Input."""

    time: int
    step: int


class Lost(msgspec.Struct, frozen=True, tag=True):
    """Here the record has a hole: the disk took nothing for so long that memory was full too. Input.

    since, time: ns, of the first entry that is missing and of the picture after the last. entries: how many are
    missing, inputs and outputs. messages: source -> how many. state: `Line.save()` after the hole, to go on from.
    """

    time: int
    since: int
    entries: int
    messages: dict[str, int]
    state: bytes


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Messages of a source were not used, by reason."""

    source: str
    reason: str
    count: int


class TrackConfirmed(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """It is shown. beside: number of the track that it parted from, 0 none."""

    time: int
    number: int
    label: int
    beside: int = 0


class TrackCoasting(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """No sensor has seen it for a while; shown by prediction. beside: number of the track it closed up with, 0 none."""

    time: int
    number: int
    beside: int = 0


class TrackDropped(msgspec.Struct, frozen=True, tag=True):
    time: int
    number: int
    reason: str


class TrackStates(msgspec.Struct, frozen=True, tag=True):
    """Where every shown track is, as columns; once a second. deg (1e-7), m, m/s."""

    time: int
    number: list[int]
    latitude: list[float]
    longitude: list[float]
    height_m: list[float]
    east_m_s: list[float]
    north_m_s: list[float]
    up_m_s: list[float]


class SensorRegistered(msgspec.Struct, frozen=True, tag=True):
    """What a sensor adds to its measurements is taken to be this from `since`, ns, on: a new version of its correction.

    Reported minus true: m, deg, deg, s, and 1 sigma of each. relative: only what it differs from others by is known.
    """

    time: int
    sensor: str
    version: int
    since: int
    range_m: float
    azimuth_deg: float
    elevation_deg: float
    time_s: float
    range_sigma_m: float
    azimuth_sigma_deg: float
    elevation_sigma_deg: float
    time_sigma_s: float
    relative: bool


class SensorFault(msgspec.Struct, frozen=True, tag=True):
    """What is wrong with a sensor and no bias: "place", "clock", "does not fit", "implausible"; "": nothing more."""

    time: int
    sensor: str
    fault: str


class AlertRaised(msgspec.Struct, frozen=True, tag=True):
    alert: Alert


class AlertUpdated(msgspec.Struct, frozen=True, tag=True):
    """The expected arrival moved by more than a tenth of what was left, or by 10 s."""

    alert: Alert


class AlertCleared(msgspec.Struct, frozen=True, tag=True):
    time: int
    site: str
    track: int
    reason: str


class LevelChanged(msgspec.Struct, frozen=True, tag=True):
    """It got worse or better at a site. span: of all who may come; 0 where nobody does."""

    time: int
    site: str
    level: Level
    span: Span


class ActionAdvised(msgspec.Struct, frozen=True, tag=True):
    """A site should start an action. by: ns. too_late: probability that somebody comes before it is done."""

    time: int
    site: str
    action: str
    by: int
    too_late: float


class ActionEnded(msgspec.Struct, frozen=True, tag=True):
    """It is not worth it any more."""

    time: int
    site: str
    action: str


class Announced(msgspec.Struct, frozen=True, tag=True):
    """People at a position are told what is new. raid: number. aloud: it is announced, else it is listed only."""

    time: int
    position: str
    raid: int
    aloud: bool
    news: tuple[News, ...]


class RaidEnded(msgspec.Struct, frozen=True, tag=True):
    """No alert stands for any site of a position."""

    time: int
    position: str
    raid: int


class AreaWarned(msgspec.Struct, frozen=True, tag=True):
    """An area's warning was raised, is another one, or has ended: to be told to all recipients."""

    time: int
    warning: AreaWarning


class SiteWatched(msgspec.Struct, frozen=True, tag=True):
    """What comes to a site is seen in time from now on, or is not, from where. blind: cells that are not watched.

    Before the first of these a site is not watched. A cell is a sector and a layer, "NE low"; from low to high.
    """

    time: int
    site: str
    watched: bool = False
    blind: tuple[str, ...] = ()


class ReportEventBegun(msgspec.Struct, frozen=True, tag=True):
    """Reports of several people, or one that a track supports, are of one thing: an event of reports."""

    time: int
    event: Gathered


class ReportEventUpdated(msgspec.Struct, frozen=True, tag=True):
    """It has moved, or it has become more or less likely; at most one in half a minute of each."""

    time: int
    event: Gathered


class ReportEventEnded(msgspec.Struct, frozen=True, tag=True):
    """Nobody has reported it for long; or it is one with another event: into, 0 none."""

    time: int
    number: int
    reason: str
    into: int = 0


class Answered(msgspec.Struct, frozen=True, tag=True):
    """What a source was told, on which connection; close: the connection was ended then."""

    source: str
    peer: int
    data: bytes
    close: bool


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A fault of ours: this tick changed nothing but the time. error: what kind. Please report it with the record."""

    time: int
    error: str


class Stepped(msgspec.Struct, frozen=True, tag=True):
    """The state after a tick: hash over the whole picture, 16 hexadecimal digits."""

    time: int
    digest: str


Input = Started | Arrived | Tick | ClockStepped | Lost | Acted | Decided | Suspended | Delivered
Output = (
    Refused
    | Taken
    | TrackConfirmed
    | TrackCoasting
    | TrackDropped
    | TrackStates
    | SensorRegistered
    | SensorFault
    | SensorTrust
    | AlertRaised
    | AlertUpdated
    | AlertCleared
    | LevelChanged
    | ActionAdvised
    | ActionEnded
    | Announced
    | RaidEnded
    | AreaWarned
    | ShelfEnded
    | CategoryEnded
    | FeedEnded
    | Escalated
    | Advised
    | AdviceEnded
    | Cued
    | CueEnded
    | SiteWatched
    | ReportEventBegun
    | ReportEventUpdated
    | ReportEventEnded
    | Answered
    | Failed
    | Stepped
)
Event = Input | Output
INPUTS = (Started, Arrived, Tick, ClockStepped, Lost, Acted, Decided, Suspended, Delivered)


class Entry(NamedTuple):
    """One event in the record. seq: 1, 2, 3 ...; cause: seq of the input it follows from, its own for an input."""

    seq: int
    time: int
    cause: int
    payload: bytes


def named(event: Event) -> dict[str, Any]:
    """Return an event's fields by name, and those of what is in it; without `beside` where it is nobody."""
    fields = msgspec.structs.asdict(event)
    if fields.get("beside") == 0:
        del fields["beside"]
    return {name: _named(value) for name, value in fields.items()}


def _named(value: Any) -> Any:
    if isinstance(value, Person):
        return {"name": value.name, "role": value.role.word, "session": value.session}
    if isinstance(value, msgspec.Struct):
        kind = {"type": type(value).__name__} if value.__struct_config__.tag else {}
        return kind | msgspec.structs.asdict(value)
    if isinstance(value, Level):
        return value.word
    if isinstance(value, Heading):
        return {"site": value.site, "kind": value.kind, "direction": value.word}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _named(one) for name, one in value._asdict().items()}
    return [_named(one) for one in value] if isinstance(value, tuple) else value


encode = msgspec.msgpack.Encoder(order="deterministic").encode
decode = msgspec.msgpack.Decoder(Event).decode
