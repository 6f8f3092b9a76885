"""The filter's memory: targets and hypotheses about them, as arrays of records.

Kernels take whole records (one pointer each), so they have few arguments, compile fast and make no object per
measurement. A protocol and a dtype describe each record; the protocol is for people and mypy.

target: what may exist. leaf: one hypothesis about one target. group: targets whose associations hang together, with
joint hypotheses. What one look makes of them is in `looks`, settings and scratch space in `work`.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.track import SEEN_BY

MODELS = 2  # of motion: calm, manoeuvring
WIDTH = 4  # components of the widest measurement
EARS = 5  # what hearing a target teaches beside its state: see `ear`
WHOLE = 6 + EARS
MEMBERS, HYPOTHESES = 12, 24  # of a group, at most
GROUPED_PLOTS = 32  # of one joint association, at most

Rows = NDArray[np.void]  # an array of records


class Target(Protocol):
    """What may exist. leaf: row of the leaf that is shown for it, -1 none.

    born, seen, placed: ns, of its first plot, its latest, and the latest of a device that was no sound, 0 none. hits:
    looks at different times, told: ns, of the last of these; turns, turned: the same of arrays, each another than the
    last. address: claimed, -1 none. revisit: s, the quickest look that sees it. confirmed: 1 since it was sure to be
    more than false alarms. wedge: 1 while several ranges are open. loud: logarithm of the odds that single microphones
    can hear it at all. witness: who alone told of it, a person or an array, 0: several did, or a device.
    array: the last one that heard it, see `notes`.
    seen_by (SEEN_BY,): sensors, latest first, -1 none; seen_at: ns; looked_at: ns, until when each is known to have
    seen it or missed it; in_view: probability that the sensor could see it then. origin (3,): ECEF m, from where a
    bearing began it; zeros where it has begun with a range.
    """

    label: int
    leaf: int
    born: int
    seen: int
    placed: int
    told: int
    turned: int
    hits: int
    turns: int
    address: int
    confirmed: int
    wedge: int
    witness: int
    array: int
    revisit: float
    loud: float
    seen_by: I64
    seen_at: I64
    looked_at: I64
    in_view: F64
    origin: F64


class Leaf(Protocol):
    """One hypothesis about one target: whether it exists, and where if it does.

    existence: probability r. weight: (MODELS,) probability of each model of motion; the second is 0 while the leaf is
    young and has only the first. mean: (MODELS, 6) ECEF m and m/s; covariance (MODELS, 6, 6); time: ns, of these.
    target: row of its target. group: row of its group, -1 none. kept: scratch.
    heard: ns, arrival of the latest sound of it, 0 none: then its ear block is empty. ear (MODELS, EARS): mean of the
    block; tail (MODELS, EARS, WHOLE): its covariance with the state, then with itself. Last, so that who is not heard
    never loads them.
    """

    existence: float
    time: int
    target: int
    group: int
    kept: int
    heard: int
    weight: F64
    mean: F64
    covariance: F64
    ear: F64
    tail: F64


class Group(Protocol):
    """Joint hypotheses about `size` targets. member (MEMBERS,): rows of targets. count: of hypotheses; weight:

    (HYPOTHESES,) their probabilities; choice (HYPOTHESES, MEMBERS): leaf of each member, -1 does not exist.
    """

    size: int
    count: int
    member: I64
    weight: F64
    choice: I64


class Grid(Protocol):
    """Where the cells of `Memory.unseen` are: squares of `size` m around position (3,), in the axes of rotation

    (3, 3), ECEF -> east, north, up. time: ns, when the numbers in them hold.
    """

    size: float
    time: int
    position: F64
    rotation: F64


class Memory(NamedTuple):
    """All records. sense, parameters, work, grid: one each. counts (4,): targets and leaves in use, groups that were

    ever in use, labels that were counted. sensors (s, 3): ns, when each sensor's latest look was, since when it has
    looked without a pause, and when it was last asked whom it missed. clutter (s, columns): false alarms a second, see
    `clutter`. active (leaves,): 0 for leaves that a look does not reach, see `reach.near`.

    fits (s, kinds, 3): how well each sensor is what it claims, see `monitor`. spots (leaves,): where each leaf is,
    roughly, see `spots`.

    unseen (2, cells, cells), by north and east: targets per m^2 that nobody has seen yet, and how many per m^2 and s
    appear.
    """

    targets: Rows
    leaves: Rows
    groups: Rows
    views: Rows
    pairs: Rows
    plots: Rows
    sense: Rows
    parameters: Rows
    work: Rows
    grid: Rows
    unseen: F64
    sensors: I64
    clutter: F64
    fits: F64
    spots: Rows
    active: I64
    counts: I64


SHAPED = {"i_": "i8", "h_": "i2"}


def record(floats: str, integers: str, **shaped: tuple[int, ...] | int) -> np.dtype[np.void]:
    """Return a record of float64 and int64 scalars and of arrays; those that begin with i_ hold int64, h_ int16."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int, ...] | int]] = []
    fields += [(name, "f8") for name in floats.split()] + [(name, "i8") for name in integers.split()]
    fields += [
        (name.removeprefix("i_").removeprefix("h_"), SHAPED.get(name[:2], "f8"), shape)
        for name, shape in shaped.items()
    ]
    return np.dtype(fields)


TARGET = record(
    "revisit loud",
    "label leaf born seen placed told turned hits turns address confirmed wedge witness array",
    i_seen_by=SEEN_BY,
    i_seen_at=SEEN_BY,
    i_looked_at=SEEN_BY,
    in_view=SEEN_BY,
    origin=3,
)
LEAF = record(
    "existence",
    "time target group kept heard",
    weight=MODELS,
    mean=(MODELS, 6),
    covariance=(MODELS, 6, 6),
    ear=(MODELS, EARS),
    tail=(MODELS, EARS, WHOLE),
)
GROUP = record("", "size count", i_member=MEMBERS, weight=HYPOTHESES, i_choice=(HYPOTHESES, MEMBERS))
SPOT = np.dtype([(name, "f4") for name in ("x", "y", "z", "wide", "speed", "known")] + [("since", "i8")])
GRID = record("size", "time", position=3, rotation=(3, 3))
