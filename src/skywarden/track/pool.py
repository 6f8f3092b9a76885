"""The filter's memory: targets, hypotheses about them, and what one look makes of them, as arrays of records.

Kernels take whole records (one pointer each), so they have few arguments, compile fast and make no object per
measurement. A protocol and a dtype describe each record; the protocol is for people and mypy.

target: what may exist. leaf: one hypothesis about one target. look: one scan of one sensor; its detections, plots,
come from different targets. view: a leaf as the sensor expects it. pair: a leaf and a plot that fits it. group:
targets whose associations hang together, with joint hypotheses.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import AZIMUTHS, F64, I64
from skywarden.model.track import SEEN_BY

MODELS = 2  # of motion: calm, manoeuvring
WIDTH = 4  # components of the widest measurement
MEMBERS, HYPOTHESES = 12, 24  # of a group, at most
GROUPED_PLOTS = 32  # of one joint association, at most

Rows = NDArray[np.void]  # an array of records


class Target(Protocol):
    """What may exist. leaf: row of the leaf that is shown for it, -1 none.

    born, seen: ns, of its first and latest plot. hits: looks at different times. address: claimed, -1 none. revisit: s,
    the quickest look that sees it. confirmed: 1 since it was sure to be more than false alarms.
    seen_by (SEEN_BY,): sensors, latest first, -1 none; seen_at: ns; looked_at: ns, until when each is known to have
    seen it or missed it; in_view: probability that the sensor could see it then.
    """

    label: int
    leaf: int
    born: int
    seen: int
    hits: int
    address: int
    confirmed: int
    revisit: float
    seen_by: I64
    seen_at: I64
    looked_at: I64
    in_view: F64


class Leaf(Protocol):
    """One hypothesis about one target: whether it exists, and where if it does.

    existence: probability r. weight: (MODELS,) probability of each model of motion; the second is 0 while the leaf is
    young and has only the first. mean: (MODELS, 6) ECEF m and m/s; covariance (MODELS, 6, 6); time: ns, of these.
    target: row of its target. group: row of its group, -1 none. kept: scratch.
    """

    existence: float
    time: int
    target: int
    group: int
    kept: int
    weight: F64
    mean: F64
    covariance: F64


class View(Protocol):
    """A leaf as one sensor expects it, for each model of motion.

    z (MODELS, WIDTH); HP (MODELS, WIDTH, 6): Jacobian times covariance; S (MODELS, WIDTH, WIDTH): H P H^T,
    lower half; rate (MODELS, WIDTH): dz/dt. detection: probability that this look detects it if it exists; missed: the
    part of it that a look without its plot tells. first, last: its pairs. now: existence after the look; miss: of that
    the part without a plot. ahead: s, how much later than the look the leaf is; growth: m^2, of
    its place's variance on the way back. address: claimed, -1 none. crowded: 1 if a plot lies just where it is.
    """

    detection: float
    missed: float
    now: float
    miss: float
    ahead: float
    growth: float
    first: int
    last: int
    address: int
    crowded: int
    z: F64
    HP: F64
    S: F64
    rate: F64


class Pair(Protocol):
    """A leaf and a plot that fits it.

    odds: r Pd L / (1 - r Pd). told: message from plot to leaf, asked: from leaf to plot. share: probability of this
    association. likelihood (MODELS,); L (MODELS, WIDTH, WIDTH): lower Cholesky factor of S + R with the diagonal
    inverted; white (MODELS, WIDTH): L^-1 innovation.
    """

    leaf: int
    plot: int
    odds: float
    told: float
    asked: float
    share: float
    likelihood: F64
    white: F64
    L: F64


class Plot(Protocol):
    """One detection of a look. z (WIDTH,), covariance (WIDTH, WIDTH): see `measure`; a missing component is no row.

    rows (WIDTH,): the `d` components that are there. key: what the look is sorted by; side: a second key. lag: s after
    the look's time; time_sigma: s. clutter, born: false alarms and new targets expected per unit of z. total: of all
    that compete for it. free: probability that no joint hypothesis has it. place: scratch. origin: its row in `Given`.
    label: of the target that it belongs to, 0 none. address: claimed, -1 none. late: 1 if it fits a target that has
    moved on further than can be undone. claimed: 1 if it is that of a target that exists.
    volume: root of the determinant of its covariance.
    """

    key: float
    side: float
    lag: float
    time_sigma: float
    clutter: float
    born: float
    total: float
    free: float
    d: int
    place: int
    origin: int
    label: int
    address: int
    late: int
    claimed: int
    volume: float
    rows: I64
    z: F64
    covariance: F64


class Group(Protocol):
    """Joint hypotheses about `size` targets. member (MEMBERS,): rows of targets. count: of hypotheses; weight:

    (HYPOTHESES,) their probabilities; choice (HYPOTHESES, MEMBERS): leaf of each member, -1 does not exist.
    """

    size: int
    count: int
    member: I64
    weight: F64
    choice: I64


class Sense(Protocol):
    """One look: its sensor, and which rows of `Given` are its detections, begin to end. time: ns.

    kind: Kind. parts: how many of its components any plot has. whole: the look covers all that the sensor can see, so
    no plot tells something; missable: what this sensor has seen it should see again, within its revisit, s. sensor:
    number. position (3,), rotation (3, 3): where it stands, ECEF -> its east, north, up. detection: probability; reach:
    m. clutter: false alarms per unit of z where `ground` is 0, else per m^2 of level surface. axis, blur, second,
    side_blur: of the sort keys, see `pairs`; lag, doubt: the greatest of any plot, s. addressed: some plot has one.
    limited: 1 if it cannot see everywhere; nearest to ridge: where it can, see `cover`.
    """

    detection: float
    reach: float
    clutter: float
    revisit: float
    blur: float
    side_blur: float
    lag: float
    doubt: float
    volume: float
    kind: int
    parts: int
    whole: int
    missable: int
    ground: int
    sensor: int
    axis: int
    second: int
    begin: int
    end: int
    time: int
    addressed: int
    limited: int
    nearest: float
    sector: float
    sector_width: float
    lowest: float
    highest: float
    position: F64
    rotation: F64
    horizon: NDArray[np.int16]
    ridge: NDArray[np.int16]


class Parameters(Protocol):
    """Settings as bare numbers, SI. noise (MODELS, 2): level, vertical; leave (MODELS,): 1/s, rate of leaving a model.

    gate (5,): chi-square limit by dimension. end: 1/s. least: existence under which a leaf is dropped. begun: share
    of a plot, beside other targets, from which it begins one. faint: odds of a pair, relative to "false or new",
    under which it is not kept. strong, tied: existence and share from which a pair can make a joint association.
    alike: chi-square of leaves that say the same. light: weight under which a joint hypothesis is dropped. keep: how
    many at most. level_speed .. height_sigma: of a new target, see `birth`. ceiling: m; speeds: m/s; the width of
    heights and range rates that false alarms and new targets spread over. address_gate: on chi-square. late: s.
    confirm, confirm_hits: existence and looks of a target that is confirmed. brief, brief_least: revisits, s; then
    what is not confirmed is forgotten. most, most_new: targets that only one sensor has seen.
    """

    end: float
    least: float
    begun: float
    faint: float
    strong: float
    tied: float
    alike: float
    light: float
    keep: int
    level_speed: float
    vertical_speed: float
    height: float
    height_sigma: float
    ceiling: float
    speeds: float
    address_gate: float
    shape: float
    late: float
    confirm: float
    brief: float
    brief_least: float
    confirm_hits: int
    most: int
    most_new: int
    noise: F64
    leave: F64
    gate: F64


class Work(Protocol):
    """Scratch space: up (3,), a (6,), b (6,), y (WIDTH,) and W (WIDTH, 6), C (6, 6), noise (WIDTH, WIDTH) hold what the

    function that writes them says. slopes (MODELS, WIDTH, 6): H of the leaf at hand. dt .. back: see `models.pace`.
    state .. white: for `birth`. six: 6, read from memory, since a number that the compiler knows makes it unroll the
    products, which takes several times as long to compile.
    """

    d: int
    six: int
    dt: float
    live: float
    off: float
    back: float
    up: F64
    a: F64
    b: F64
    y: F64
    W: F64
    C: F64
    noise: F64
    state: F64
    other: F64
    P: F64
    H: F64
    slopes: F64
    jacobian: F64
    A: F64
    B: F64
    vertical: F64
    white: F64


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

    fits (s, kinds, 3): how well each sensor is what it claims, see `monitor`.

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
    "revisit",
    "label leaf born seen hits address confirmed",
    i_seen_by=SEEN_BY,
    i_seen_at=SEEN_BY,
    i_looked_at=SEEN_BY,
    in_view=SEEN_BY,
)
LEAF = record("existence", "time target group kept", weight=MODELS, mean=(MODELS, 6), covariance=(MODELS, 6, 6))
VIEW = record(
    "detection missed now miss ahead growth",
    "first last address crowded",
    z=(MODELS, WIDTH),
    HP=(MODELS, WIDTH, 6),
    S=(MODELS, WIDTH, WIDTH),
    rate=(MODELS, WIDTH),
)
PAIR = record("odds told asked share", "leaf plot", likelihood=MODELS, white=(MODELS, WIDTH), L=(MODELS, WIDTH, WIDTH))
PLOT = record(
    "key side lag time_sigma clutter born total free volume",
    "d place origin label address late claimed",
    i_rows=WIDTH,
    z=WIDTH,
    covariance=(WIDTH, WIDTH),
)
GROUP = record("", "size count", i_member=MEMBERS, weight=HYPOTHESES, i_choice=(HYPOTHESES, MEMBERS))
SENSE = record(
    "detection reach clutter revisit blur side_blur lag doubt volume nearest sector sector_width lowest highest",
    "kind parts whole missable ground sensor axis second begin end time addressed limited",
    position=3,
    rotation=(3, 3),
    h_horizon=AZIMUTHS,
    h_ridge=AZIMUTHS,
)
PARAMETERS = record(
    "end least begun faint strong tied alike light level_speed vertical_speed height height_sigma ceiling speeds "
    "address_gate shape late confirm brief brief_least",
    "keep confirm_hits most most_new",
    noise=(MODELS, 2),
    leave=MODELS,
    gate=5,
)
GRID = record("size", "time", position=3, rotation=(3, 3))
WORK = record(
    "dt live off back",
    "d six",
    up=3,
    a=6,
    b=6,
    y=WIDTH,
    W=(WIDTH, 6),
    C=(6, 6),
    noise=(WIDTH, WIDTH),
    state=6,
    other=6,
    P=(6, 6),
    H=(WIDTH, 6),
    slopes=(MODELS, WIDTH, 6),
    jacobian=(WIDTH, 6),
    A=(6, 6),
    B=(6, 6),
    vertical=3,
    white=WIDTH,
)
