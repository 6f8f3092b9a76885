"""The tracker's working arrays: tracks with room for births, one tick's detections side by side, scratch space.

Kernels take these as named tuples, so that a kernel has few arguments and no object is made per measurement.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.track import Tracks

USED, NOT_FINITE, IMPLAUSIBLE, TOO_LATE = 0, 1, 2, 3  # Plots.code


class Table(NamedTuple):
    """The columns of `Tracks`, writable, with free rows at the end for births."""

    label: I64
    number: I64
    status: NDArray[np.int8]
    time: I64
    mean: F64
    covariance: F64
    born: I64
    hits: I64
    score: F64
    revisit: F64
    address: I64
    seen_by: I64
    seen_at: I64


class Plots(NamedTuple):
    """m detections of all kinds, ordered by group; detections start[g] to start[g + 1] exclude each other.

    z: (m, 4), covariance: (m, 4, 4), NaN-padded on the right; see Kind for units. kind, sensor, place: (m,) indices.
    clutter: (m,) log of the false alarms and new targets expected per unit of z. address, revisit, time_sigma: as in
    Detections. code: (m,) USED or why not. label: (m,) the track it updated or started. origin: (m,) its place in the
    order of the batches. position (p, 3), rotation (p, 3, 3): the sensors' places, ECEF.
    """

    time: I64
    z: F64
    covariance: F64
    kind: I64
    sensor: I64
    place: I64
    clutter: F64
    address: I64
    revisit: F64
    time_sigma: F64
    code: I64
    label: I64
    origin: I64
    position: F64
    rotation: F64
    start: I64


class Parameters(NamedTuple):
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


class Work(NamedTuple):
    """Scratch space of one kernel call, so that no loop allocates.

    mean (6,), covariance (6, 6): a predicted or new state. expected (4,), jacobian (4, 6): all rows of the polar model.
    The first d rows of innovation, H, R, rows, L (lower Cholesky factor of S), white (L^-1 innovation) and the first d
    columns of PH, K belong to the present measurement. A, B: (6, 6) for products. vertical: (3,) local up.
    """

    mean: F64
    covariance: F64
    expected: F64
    jacobian: F64
    innovation: F64
    H: F64
    R: F64
    rows: I64
    L: F64
    PH: F64
    K: F64
    A: F64
    B: F64
    white: F64
    vertical: F64


class Job(NamedTuple):
    """Everything that the kernels of one tick work on."""

    table: Table
    plots: Plots
    parameters: Parameters
    work: Work


def work() -> Work:
    """Make scratch space."""
    shapes = ((6,), (6, 6), (4,), (4, 6), (4,), (4, 6), (4, 4), (4,), (4, 4), (6, 4), (6, 4), (6, 6), (6, 6), (4,), (3,))
    return Work(*(np.zeros(shape, np.int64 if k == 7 else float) for k, shape in enumerate(shapes)))


def opened(tracks: Tracks, room: int) -> Table:
    """Copy tracks into a table with `room` free rows."""
    n = len(tracks)
    columns = []
    for name in Table._fields:
        column = getattr(tracks, name)
        wide = np.zeros((n + room, *column.shape[1:]), column.dtype)
        wide[:n] = column
        columns.append(wide)
    table = Table(*columns)
    table.seen_by[n:] = -1
    return table


def closed(table: Table, rows: I64) -> Tracks:
    """Copy the rows named into read-only tracks."""
    columns = [column[rows] for column in table]
    for column in columns:
        column.flags.writeable = False
    return Tracks(*columns)


assert Table._fields == tuple(Tracks.__slots__)  # a new column of Tracks must get its rule here
