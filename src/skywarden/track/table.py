"""The tracker's working memory: records of tracks, detections, places, settings and scratch space.

Kernels take whole records (one pointer each), so they have few arguments, compile fast and make no object per
measurement. A protocol and a dtype describe each record; the protocol is for people and mypy.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.track import SEEN_BY, Tracks
from skywarden.track.pool import record

USED, NOT_FINITE, IMPLAUSIBLE, TOO_LATE, QUOTA = 0, 1, 2, 3, 4  # Plot.code

Rows = NDArray[np.void]  # an array of records


class Track(Protocol):
    """One row of `Tracks`. state is its mean, (6,) ECEF m and m/s; covariance (6, 6)."""

    label: int
    number: int
    status: int
    time: int
    heard: int
    state: F64
    covariance: F64
    born: int
    hits: int
    score: float
    revisit: float
    address: int
    seen_by: I64
    seen_at: I64


class Plot(Protocol):
    """One detection. z (4,), covariance (4, 4), NaN-padded on the right; see Kind for units.

    kind, sensor, place: numbers. clutter: log of the false alarms expected per unit of z. code: USED or why not.
    label: of the track that it corrected or started. origin: its row in the order of the batches.
    """

    time: int
    z: F64
    covariance: F64
    kind: int
    sensor: int
    place: int
    clutter: float
    address: int
    revisit: float
    time_sigma: float
    code: int
    label: int
    origin: int


class Spot(Protocol):
    """A sensor's place: position (3,) ECEF m, rotation (3, 3) ECEF -> its own east, north, up."""

    position: F64
    rotation: F64


class Parameters(Protocol):
    """Settings as bare numbers. gate: (5,) chi-square limit by dimension; the rest as in TrackerSettings, SI."""

    level_noise: float
    vertical_noise: float
    gate: F64
    address_gate: float
    detection: float
    clutter: float
    new_targets: float
    level_speed: float
    vertical_speed: float
    height: float
    height_sigma: float
    late: float
    tentative_looks: float
    tentative_min: float


class Work(Protocol):
    """Scratch space.

    state (6,), P (6, 6): a predicted or new track; other (6,): a second state. expected (4,), jacobian (4, 6): the
    polar model. d: dimension of the present measurement. The first d rows of innovation, H, R, rows, L (lower
    Cholesky factor of S), white (L^-1 innovation) and the first d columns of PH, K belong to it. A, B: (6, 6) for
    products. vertical: (3,) local up. room: how many more tracks may start. six: 6, read from memory, since a
    number that the compiler knows makes it unroll the products, which takes several times as long to compile.
    """

    d: int
    room: int
    six: int
    state: F64
    other: F64
    P: F64
    expected: F64
    jacobian: F64
    innovation: F64
    H: F64
    R: F64
    rows: I64
    L: F64
    white: F64
    PH: F64
    K: F64
    A: F64
    B: F64
    vertical: F64


class Job(NamedTuple):
    """What all groups of a tick work on; one record each of parameters and work."""

    tracks: Rows
    spots: Rows
    parameters: Rows
    work: Rows


TRACK = record(
    "score revisit",
    "label number status time heard born hits address",
    state=6,
    covariance=(6, 6),
    i_seen_by=SEEN_BY,
    i_seen_at=SEEN_BY,
)
PLOT = record(
    "clutter revisit time_sigma",
    "time kind sensor place address code label origin",
    z=4,
    covariance=(4, 4),
)
SPOT = record("", "", position=3, rotation=(3, 3))
PARAMETERS = record(
    "level_noise vertical_noise address_gate detection clutter new_targets level_speed vertical_speed height "
    "height_sigma late tentative_looks tentative_min",
    "",
    gate=5,
)
WORK = record(
    "",
    "d room six",
    state=6,
    other=6,
    P=(6, 6),
    expected=4,
    jacobian=(4, 6),
    innovation=4,
    H=(4, 6),
    R=(4, 4),
    i_rows=4,
    L=(4, 4),
    white=4,
    PH=(6, 4),
    K=(6, 4),
    A=(6, 6),
    B=(6, 6),
    vertical=3,
)


def work() -> Rows:
    """Make scratch space."""
    rows = np.zeros(1, WORK)
    rows["six"] = 6
    return rows


def opened(tracks: Tracks, room: int) -> Rows:
    """Copy tracks into records, with `room` free ones after them."""
    n = len(tracks)
    rows = np.zeros(n + room, TRACK)
    for name in Tracks.__slots__:
        rows["state" if name == "mean" else name][:n] = getattr(tracks, name)
    rows["seen_by"][n:] = -1
    return rows


def closed(rows: Rows) -> Tracks:
    """Copy records into read-only tracks."""
    columns = []
    for name in Tracks.__slots__:
        column = np.ascontiguousarray(rows["state" if name == "mean" else name])
        column = column.astype(np.int8) if name == "status" else column.copy()
        column.flags.writeable = False
        columns.append(column)
    return Tracks(*columns)
