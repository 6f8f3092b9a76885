"""The track table and the air picture."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.advice import Advices
from skywarden.model.assessment import Alert, Identity
from skywarden.model.decision import Handovers
from skywarden.model.detection import Node
from skywarden.model.evidence import Evidence
from skywarden.model.held import Held
from skywarden.model.mode import Mode as Mode
from skywarden.model.past import Past
from skywarden.model.place import F64, I64, Registration
from skywarden.model.raid import Raids
from skywarden.model.registered import Registered
from skywarden.model.threats import Threats
from skywarden.model.triage import Triage
from skywarden.model.trust import Compared, Trust
from skywarden.model.warning import Warnings
from skywarden.model.watched import Watch

SEEN_BY = 4  # sensors remembered per track


class Status(IntEnum):
    """Life of a track. Confirmed and coasting tracks are shown; a dropped one may be found again, with its number."""

    TENTATIVE = 0
    CONFIRMED = 1
    COASTING = 2
    DROPPED = 3


class TrackKind(IntEnum):
    """What is known of where a track is. Of a wedge and a field the mean is only the middle of a wide region."""

    POINT = 0
    WEDGE = 1  # several ranges are open, or the range is known worse than to a fifth of it: bearings alone began it
    FIELD = 2  # begun by what microphones without bearings hear or not


@dataclass(frozen=True, slots=True)
class Tracks:
    """All tracks as arrays of equal length n, those found first before others.

    label: (n,) int64, what the tracker calls it: 52 bits that follow from the plot that founded it. number: (n,) int64,
    public, given once at confirmation, 0 before.
    status: (n,) int8. time: (n,) int64 ns, when mean and covariance hold: the last look that could have seen it.
    heard: (n,) int64 ns, the tick at which something measured it last; later than that by the latency of the data.
    mean: (n, 6) ECEF m and m/s. covariance: (n, 6, 6). noise: (n,) m^2/s^3, level white acceleration, as it flies now.
    born: (n,) int64 ns, of the first plot. hits: (n,) int64. existence: (n,) probability that there is such a target.
    revisit: (n,) s, the quickest look that sees it. address: (n,) int64 claimed address, -1 none.
    seen_by: (n, SEEN_BY) int64 index into Picture.sensors, latest first, -1 none; seen_at: same shape, ns.
    since: (n,) int64 ns, the tick from which on it is shown without a break; 0 before it is shown for the first time.
    kind: (n,) int8, `TrackKind`.
    """

    label: I64
    number: I64
    status: NDArray[np.int8]
    time: I64
    heard: I64
    mean: F64
    covariance: F64
    noise: F64
    born: I64
    hits: I64
    existence: F64
    revisit: F64
    address: I64
    seen_by: I64
    seen_at: I64
    since: I64
    kind: NDArray[np.int8]

    @classmethod
    def empty(cls) -> "Tracks":
        i, f, small = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int8)
        pair = np.zeros((0, SEEN_BY), np.int64)
        mean, covariance = np.zeros((0, 6)), np.zeros((0, 6, 6))
        return cls(i, i, small, i, i, mean, covariance, f, i, i, f, f, i, pair, pair, i, small)

    def __len__(self) -> int:
        return len(self.label)

    def shown(self) -> NDArray[np.bool_]:
        """Return (n,) which tracks people see."""
        return np.asarray((self.status == Status.CONFIRMED) | (self.status == Status.COASTING), bool)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Tracks":
        """Return the rows named, in that order."""
        return Tracks(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What the tracker's filter knows between two ticks: records of `track.pool`, which alone knows what is in them.

    targets, leaves, groups: those in use. sensors: (s, 3) int64, s as in Picture.sensors; clutter: (s, columns);
    fits: (s, kinds, 3). feeds: what other systems said last of their tracks. layout: of the records; another version's
    cannot be read. nodes: single microphones, where they stand and what they heard. air: wind and speed of sound.
    """

    targets: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    leaves: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    groups: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    sensors: I64 = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    clutter: F64 = field(default_factory=lambda: np.zeros((0, 0)))
    fits: F64 = field(default_factory=lambda: np.zeros((0, 0, 3)))
    feeds: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    layout: str = ""
    nodes: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    air: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))


class Part(NamedTuple):
    """Items of the tracker that came in one tick, in time order: records of `track.items`, as bytes.

    times: (n,) ns, of measurements; told: (m,) ns, of reports; called: (k,) ns, of calls of single microphones. senses:
    of the sensors that they come from; names: of these sensors.
    """

    rows: NDArray[np.void]
    times: I64
    senses: NDArray[np.void]
    names: tuple[str, ...]
    reports: NDArray[np.void]
    told: I64
    calls: NDArray[np.void]
    called: I64

    def __len__(self) -> int:
        return len(self.times) + len(self.told)


@dataclass(frozen=True, slots=True)
class Chain:
    """What follows from items before `until`, ns, each in its place in time. sensors: names, as in Picture.

    digest: of all this, the same for the same items in whatever order they came.
    """

    beliefs: Beliefs = field(default_factory=Beliefs)
    sensors: tuple[str, ...] = ()
    until: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Chains:
    """What the tracker knows besides the head, which is the picture.

    settled: some seconds behind. waiting: items that are not in it yet, by tick. patient: ns, until when it waits for
    feeds that are very late. rebuilt: what will be the head, under way from the settled chain; begun: ns, when the last
    of these was begun; late: something has come late since. missed: ns, of the latest item that came too late for the
    settled chain. came: items, in the last tick. busy: some were settled then. registered: what sensors
    add to their measurements, by what has settled.
    """

    settled: Chain = field(default_factory=Chain)
    waiting: tuple[Part, ...] = ()
    patient: int = 0
    rebuilt: Chain | None = None
    begun: int = 0
    late: bool = False
    missed: int = 0
    came: int = 0
    busy: bool = False
    registered: Registered = field(default_factory=Registered)
    compared: Compared = field(default_factory=Compared)


class Use(NamedTuple):
    """When something of a node was last used, and when, and why, nothing of a message was. ns, received stamps."""

    used: int = 0
    spurned: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Counters of one source since the start of the record. refused: reason -> messages.

    nodes: sensors behind it that say themselves what they are. used: ns, the tick at which a detection of it was last
    used; spurned, why: ns, the tick at which messages were last refused for a reason that is a fault, and that reason.
    uses: the same of each of these nodes, by its name, as far as it is known which one it was. marks: ns, when a sensor
    of the configuration last said that it works, by its own time, and how often it has said so.
    """

    name: str
    decoded: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    last: int = 0  # ns, received stamp of the last message that was understood
    nodes: tuple[Node, ...] = ()
    used: int = 0
    spurned: int = 0
    why: str = ""
    uses: dict[str, Use] = field(default_factory=dict)
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole state of the system between two ticks. Frozen: `step` returns a new one.

    time: ns, the last tick. sensors: names in the order first seen; Tracks.seen_by points here.
    """

    time: int
    mode: Mode = Mode.LIVE
    tracks: Tracks = field(default_factory=Tracks.empty)
    beliefs: Beliefs = field(default_factory=Beliefs)
    next_number: int = 1
    sensors: tuple[str, ...] = ()
    chains: Chains = field(default_factory=Chains)
    registrations: tuple[Registration, ...] = ()
    identities: tuple[Identity, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    past: Past = field(default_factory=Past)
    threats: Threats = field(default_factory=Threats)
    alerts: tuple[Alert, ...] = ()
    raids: Raids = field(default_factory=Raids)
    health: tuple[Health, ...] = ()
    watch: Watch = field(default_factory=Watch)
    advices: Advices = field(default_factory=Advices)
    held: Held = field(default_factory=Held)
    handovers: Handovers = field(default_factory=Handovers)
    warnings: Warnings = field(default_factory=Warnings)
    triage: Triage = field(default_factory=Triage)
    trust: Trust = field(default_factory=Trust)
