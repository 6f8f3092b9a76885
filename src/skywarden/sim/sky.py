"""The truth of a scenario in arrays, and what every simulated sensor keeps to.

Time here is float64 seconds since the scenario's start, place ECEF metres. No clock, no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64, Sensor
from skywarden.sim.kinds import Kind

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]


class Target(NamedTuple):
    """One flier. name: in truth.csv; raid: it comes to do harm; site: the one it is sent to, "" none; wave: "" none.

    address: claimed 24-bit address, -1 without a transponder; serial: of its Remote ID, "" if it sends none; radio: it
    transmits something else, a link or a video.
    """

    name: str
    kind: Kind
    raid: bool
    site: str = ""
    wave: str = ""
    address: int = -1
    callsign: str = ""
    squawk: str = "7000"
    serial: str = ""
    radio: bool = False


@dataclass(frozen=True, slots=True)
class Sky:
    """Where every flier is at every whole second, all one after another.

    targets: n. first: (n,) int64 the second of a flier's first row; count: (n,) its rows, at least 2; base: (n,) where
    they begin. position, velocity: (N, 3) ECEF m, m/s.
    """

    targets: tuple[Target, ...]
    first: I64
    count: I64
    base: I64
    position: F64
    velocity: F64

    def __len__(self) -> int:
        return len(self.targets)

    def flying(self, start: float, end: float) -> I64:
        """Return the rows of the fliers that exist at some time in [start, end)."""
        return np.flatnonzero((self.first < end) & (self.first + self.count - 1 >= start))

    def at(self, rows: I64, times: F64) -> tuple[F64, F64]:
        """Return position and velocity, (m, 3) each, of fliers `rows` (m,) at `times` (m,) s; NaN when not flying.

        Cubic Hermite between whole seconds.
        """
        offset = times - self.first[rows]
        exists = (offset >= 0) & (offset <= self.count[rows] - 1)
        step = np.clip(np.floor(offset), 0, self.count[rows] - 2).astype(np.int64)
        u = np.where(exists, offset - step, np.nan)[:, None]
        k = self.base[rows] + step
        p0, p1, v0, v1 = self.position[k], self.position[k + 1], self.velocity[k], self.velocity[k + 1]
        d = p1 - p0
        position = p0 + u * (v0 + u * ((3 * d - 2 * v0 - v1) + u * (v0 + v1 - 2 * d)))
        velocity = v0 + u * (2 * (3 * d - 2 * v0 - v1) + u * 3 * (v0 + v1 - 2 * d))
        return position, velocity


class Window(NamedTuple):
    """A part of the scenario, [start, end) s. A sensor's output for one depends on nothing outside the arguments."""

    start: float
    end: float


class Sent(NamedTuple):
    """m messages of one source, in the order of `time`.

    time: (m,) int64 ns since 1970, when each comes in. lengths: (m,) uint32 bytes; data: their bytes, joined.
    sender: (m,) int64 which sensor of the source sent it.
    """

    time: I64
    lengths: U32
    data: U8
    sender: I64


class Cover(NamedTuple):
    """True probability of detection, k rows, sorted by (second, target, sensor). Rows under 0.01 are left out.

    second: (k,) whole s since the start; target: (k,) row of the Sky; sensor: (k,) index in `names`; pd: (k,) of one
    look at that second (a look is a turn of a radar, a second of a microphone); a sensor that is down has none.
    """

    second: I64
    target: I64
    sensor: I64
    pd: F64


class Sense(Protocol):
    """All sensors of one kind. Made once for a scenario; then asked window by window, in any order, in any process.

    source, format, transport: of the [[sources]] block that its messages come to; transport is "udp" or "tcp".
    names: of its sensors; revisit: (len(names),) s between two looks; sensors: the [[sensors]] blocks to be written.
    stands: (len(names), 3) latitude, longitude rad and height m above the ellipsoid, at the start.
    """

    @property
    def source(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def transport(self) -> str: ...
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def revisit(self) -> F64: ...
    @property
    def sensors(self) -> Sequence[Sensor]: ...
    @property
    def stands(self) -> F64: ...

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return all messages that come in from looks within the window."""
        ...

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the true Pd at each whole second in the window."""
        ...


def nothing_sent() -> Sent:
    """Return no messages."""
    return Sent(np.empty(0, np.int64), np.empty(0, np.uint32), np.empty(0, np.uint8), np.empty(0, np.int64))
