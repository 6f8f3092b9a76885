"""Frames (bytes as received), detections (what they say) and the reasons for refusing them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import TypedDict, Unpack
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.model.assessment import CLASSES, Family
from skywarden.model.place import F64, I64, Coverage, Place, TrackPolicy

NO_ADDRESS = -1
NO_SUBJECT = -1


class Frame(msgspec.Struct, frozen=True):
    """Whole messages of one source, exactly as they came in one read.

    received: UTC, ns since 1970, stamped where the bytes entered the system.
    lengths: bytes of each message in `data`, little-endian uint32; their sum is len(data).
    peer: the connection, for formats that answer; 0 for the others. Its last frame has no messages: it has ended.
    over: messages of the source that were not taken in, because their sender is too fast; the frame has no others then.
    """

    source: str
    received: int
    data: bytes
    lengths: bytes
    peer: int = 0
    over: int = 0

    @classmethod
    def of(cls, source: str, received: int, *messages: bytes, peer: int = 0) -> "Frame":
        """Pack messages into one frame."""
        lengths = np.array([len(m) for m in messages], "<u4").tobytes()
        return cls(source, received, b"".join(messages), lengths, peer)

    def __len__(self) -> int:
        return len(self.lengths) // 4

    def bounds(self) -> I64:
        """Return (n + 1,) int64: message k is data[bounds[k] : bounds[k + 1]]."""
        return np.concatenate(([0], np.cumsum(np.frombuffer(self.lengths, "<u4").astype(np.int64))))

    def messages(self) -> Iterator[bytes]:
        """Yield each message's bytes."""
        start = 0
        for length in np.frombuffer(self.lengths, "<u4").tolist():
            yield self.data[start : start + length]
            start += length


class Kind(IntEnum):
    """What a measurement is; it fixes the width of z (DESIGN section 3). Radians, metres, m/s; NaN is missing."""

    POSITION = 0  # x, y, z ECEF m
    PLANE = 1  # latitude, longitude rad; its covariance is that of east and north, m^2
    POLAR = 2  # slant range m, azimuth, elevation, range rate m/s (away is positive)
    DIRECTION = 3  # azimuth, elevation
    SOUND = 4  # azimuth, elevation of a past position, tone Hz
    PRESENCE = 5  # level dB, fundamental Hz
    SILENCE = 6  # noise floor dB, wind m/s
    DELAY = 7  # time difference between two nodes, s
    TRACK = 8  # x, y, z ECEF m, velocity m/s: another system's track


WIDTH: Mapping[Kind, int] = {
    Kind.POSITION: 3,
    Kind.PLANE: 2,
    Kind.POLAR: 4,
    Kind.DIRECTION: 2,
    Kind.SOUND: 3,
    Kind.PRESENCE: 2,
    Kind.SILENCE: 2,
    Kind.DELAY: 1,
    Kind.TRACK: 6,
}


BARE = 2  # components of SOUND without its tone


class TimeKind(StrEnum):
    """What the time of a detection means."""

    MEASURED = "measured"
    SENT = "sent"
    ARRIVAL = "arrival of sound"
    RESOLVED = "resolved"
    RECEIPT = "receipt"


class Reporter(IntEnum):
    """Who says what a batch holds: a device, or a person, who may mean something else altogether."""

    DEVICE = 0
    OBSERVER = 1  # trained
    CITIZEN = 2


class ErrorMeaning(StrEnum):
    """What the source meant by its error; R is always converted to 1 sigma."""

    SIGMA = "1 sigma"
    PERCENT_95 = "95 %"
    BOUND = "bound"
    RESOLUTION = "resolution"
    ASSUMED = "assumed"


class Reason(StrEnum):
    """Why a message was not used. Counted per source in /api/health; each has a row in docs/formats.md."""

    MALFORMED = "malformed"  # does not follow the format
    TRUNCATED = "truncated"
    OVERSIZE = "oversize"
    CHECKSUM = "checksum"
    WRONG_EDITION = "wrong edition"  # does not fit the layout of the edition that is configured
    IMPLAUSIBLE = "implausible"  # follows the layout, says something impossible
    NOT_FINITE = "not finite"
    PAST = "time in the past"
    FUTURE = "time in the future"
    TOO_LATE = "too late"  # its track has moved on further than can be undone
    QUOTA = "quota"  # there are as many tracks as there may be
    TOO_FAST = "too fast"  # over the rate that one sender may have; it is counted and not even kept
    DUPLICATE = "duplicate"  # the same bytes again, e.g. from a second network
    SIMULATED = "simulated"  # marked simulated, test or replay by its sender, in a live picture
    SITE_UNKNOWN = "site unknown"  # the place of this sensor is not configured and not reported yet
    MOVED = "moved"  # says it stands elsewhere than it is enrolled; used all the same, from the enrolled place
    NO_REFERENCE = "no reference"  # an ambiguous position that cannot be resolved yet
    OWN_TRACK = "our own track"  # another system's track that is one of ours, which has come back
    UNSUPPORTED = "unsupported"  # well formed, of a kind that is not used
    NOT_REGISTERED = "not registered"  # from a node that has not said on this connection what it is
    MISDIRECTED = "misdirected"  # meant for another than us
    DECODER_FAULT = "decoder fault"  # our own error; the message is in the record


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What a target says of itself. index: which detection of the batch."""

    index: int
    name: str  # "callsign", "squawk", "emergency"
    value: str
    authenticated: bool = False


@dataclass(frozen=True, slots=True)
class Detections:
    """n measurements of one kind by one sensor, as arrays of equal length.

    time: (n,) int64, UTC ns, when the target was there (not when we heard); time_sigma: (n,) s.
    z: (n, w), covariance: (n, w, w): see Kind for width, units and frame. A missing component is NaN in z.
    raw: (n, w) z before the sensor's bias was removed; registration: version of that correction, 0 is none.
    subject: (n,) as the sensor itself tells targets apart, NO_SUBJECT where it does not: an address, a track's number,
    a hash of a name. number: (n,) the sensor's own message number.
    address: (n,) claimed 24-bit aircraft address or NO_ADDRESS. A claim, like everything in `claims`.
    revisit: s, time between two looks of this sensor at one target.
    evidence: (n, len(CLASSES)) log-likelihood ratios in nats, 0 says nothing; the columns of model.assessment.CLASSES.
    policy: of TRACK, what they are used for. coverage: what the sensor can see, where that is enrolled.
    node: (n,) and origin: (n, 3) ECEF m, where many small sensors share a batch: which one measured each row, and
    where it stands. `sensor` is the source's name then and `place` None. reporter: where it is a person, `node` says
    which, and is the same for the same person.
    echo: (n,) radar cross section as measured, dB over 1 m^2, NaN where it is not. family: by what it tells what a
    target is; None: as usual for its kind, see `family_of`. enrolled: it is in the configuration, of all
    or (n,) of each; what others say can make a target look worse, never better.
    """

    kind: Kind
    sensor: str
    place: Place | None
    received: int
    sent: int
    time: I64
    time_sigma: F64
    time_kind: TimeKind
    z: F64
    covariance: F64
    error_meaning: ErrorMeaning
    raw: F64
    registration: int
    subject: I64
    number: I64
    address: I64
    revisit: float
    evidence: F64 | None = None
    claims: tuple[Claim, ...] = ()
    roots: tuple[str, ...] = ()  # root sensors it derives from; empty: this sensor itself
    policy: TrackPolicy = TrackPolicy.DISPLAY
    coverage: Coverage | None = None
    node: I64 | None = None
    origin: F64 | None = None
    reporter: Reporter = Reporter.DEVICE
    echo: F64 | None = None
    family: Family | None = None
    enrolled: bool | NDArray[np.bool_] = True

    def __len__(self) -> int:
        return len(self.time)


class Rest(TypedDict, total=False):
    """Fields of a batch that most have not."""

    evidence: F64 | None
    claims: tuple[Claim, ...]
    roots: tuple[str, ...]
    node: I64 | None
    origin: F64 | None
    reporter: Reporter
    echo: F64 | None
    family: Family | None
    enrolled: bool | NDArray[np.bool_]


def detections(  # noqa: PLR0913 - the one place where a batch is made; everything is named
    kind: Kind,
    sensor: str,
    received: int,
    time: I64,
    z: F64,
    covariance: F64,
    *,
    place: Place | None = None,
    sent: int = 0,
    time_sigma: F64 | float = 0.0,
    time_kind: TimeKind = TimeKind.MEASURED,
    error_meaning: ErrorMeaning = ErrorMeaning.SIGMA,
    subject: I64 | None = None,
    number: I64 | None = None,
    address: I64 | None = None,
    revisit: float = 5.0,
    **rest: Unpack[Rest],
) -> Detections:
    """Make one batch: fill in what was not said, check the shapes, make the arrays read-only.

    A SOUND without tones may come as (n, 2). Raises ValueError when the lengths do not fit: a fault of the decoder, not
    of the sensor.
    """
    n, w = len(time), WIDTH[kind]
    if kind is Kind.SOUND and np.shape(z) == (n, BARE) and np.shape(covariance) == (n, BARE, BARE):
        z, covariance = _toneless(z, covariance)
    batch = Detections(
        kind=kind,
        sensor=sensor,
        place=place,
        received=received,
        sent=sent,
        time=np.asarray(time, np.int64),
        time_sigma=np.broadcast_to(np.asarray(time_sigma, float), (n,)),
        time_kind=time_kind,
        z=np.asarray(z, float),
        covariance=np.asarray(covariance, float),
        error_meaning=error_meaning,
        raw=np.asarray(z, float),
        registration=0,
        subject=np.full(n, NO_SUBJECT) if subject is None else np.asarray(subject, np.int64),
        number=np.arange(n) if number is None else np.asarray(number, np.int64),
        address=np.full(n, NO_ADDRESS) if address is None else np.asarray(address, np.int64),
        revisit=revisit,
        **rest,
    )
    _seal(batch, n, w)
    return batch


def _toneless(z: F64, covariance: F64) -> tuple[F64, F64]:
    """Return bearings of sounds, (n, 2), with a tone that is missing."""
    wide = np.zeros((len(z), BARE + 1, BARE + 1))
    wide[:, :BARE, :BARE] = covariance
    return np.column_stack((z, np.full(len(z), np.nan))), wide


def _seal(batch: Detections, n: int, w: int) -> None:
    """Check the shapes of n rows of width w; make the arrays read-only."""
    shapes = {"z": (n, w), "covariance": (n, w, w), "subject": (n,), "number": (n,), "address": (n,)}
    shapes |= {"node": (n,), "origin": (n, 3), "evidence": (n, len(CLASSES)), "echo": (n,)}
    for name, shape in shapes.items():
        column = getattr(batch, name)
        if column is not None and column.shape != shape:
            raise ValueError(f"{batch.kind.name} {name} has shape {column.shape}, not {shape}")
    for name in ("time", "raw", *shapes):
        if (column := getattr(batch, name)) is not None:
            column.flags.writeable = False


def take(batch: Detections, keep: NDArray[np.bool_]) -> Detections:
    """Return the rows of a batch where `keep` is true."""
    index = np.cumsum(keep) - 1
    names = ["time", "time_sigma", "z", "covariance", "raw", "subject", "number", "address"]
    names += [name for name in ("evidence", "node", "origin", "echo") if getattr(batch, name) is not None]
    names += ["enrolled"] if isinstance(batch.enrolled, np.ndarray) else []
    columns = {name: getattr(batch, name)[keep] for name in names}
    for column in columns.values():
        column.flags.writeable = False
    claims = tuple(msgspec.structs.replace(c, index=int(index[c.index])) for c in batch.claims if keep[c.index])
    return replace(batch, claims=claims, **columns)


FAMILIES: Mapping[Kind, Family] = {
    Kind.POLAR: Family.RADAR,
    Kind.DIRECTION: Family.CAMERA,
    Kind.SOUND: Family.ACOUSTIC,
    Kind.PRESENCE: Family.ACOUSTIC,
    Kind.SILENCE: Family.ACOUSTIC,
    Kind.DELAY: Family.ACOUSTIC,
}


def enrolled_of(batch: Detections) -> NDArray[np.bool_]:
    """Return (n,) which rows come from devices in the configuration; people never do."""
    device = batch.reporter is Reporter.DEVICE and batch.family not in (Family.PEOPLE, Family.CLAIM)
    return np.asarray(np.broadcast_to(np.asarray(batch.enrolled) & device, (len(batch),)), bool)


def family_of(batch: Detections) -> Family:
    """Return by what a batch tells what its targets are."""
    if batch.reporter is not Reporter.DEVICE:
        return Family.PEOPLE
    return FAMILIES.get(batch.kind, Family.OTHER) if batch.family is None else batch.family


def named(names: Sequence[str]) -> I64:
    """Return (n,) `subject` of targets that a sensor tells apart by name. Equal by chance: no harm."""
    return np.array([crc32(name.encode()) for name in names], np.int64)


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """What a source is told. peer: on which connection; data: bytes for the wire; close: end the connection then."""

    peer: int
    data: bytes
    close: bool = False


class Node(msgspec.Struct, frozen=True, array_like=True):
    """One sensor behind a source that says itself what it is. Everything here is its own claim.

    state: "ok", "warning", "error", "goodbye", "gone". interval: s between its status messages, 0 unknown.
    last: ns, received stamp of its last message.
    """

    name: str
    id: str
    kind: str
    state: str
    mode: str
    interval: float
    last: int
    connected: bool


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one frame yields: batches, and for each message that yields none, the reason.

    messages: how many messages were used or need no use, those that carry no measurement included.
    refused: reason -> how many. A message that does not follow its format counts here and not in `messages`.
    DUPLICATE, SIMULATED, SITE_UNKNOWN, NO_REFERENCE, PAST and FUTURE are understood, kept in the record and not
    tracked; where a message holds several measurements they may set only some of them aside.
    replies: in the order in which they are to be sent. nodes: all that are known now; None: as before.
    useless: sensor -> why nothing was left of what it measured. marks: sensor of the configuration -> ns, by its own
    time, when it said last that it works, without measuring anything, and how often it said so.
    """

    source: str
    messages: int
    batches: tuple[Detections, ...] = ()
    refused: Mapping[str, int] = field(default_factory=dict)
    replies: tuple[Reply, ...] = ()
    nodes: tuple[Node, ...] | None = None
    useless: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, tuple[int, int]] = field(default_factory=dict)
