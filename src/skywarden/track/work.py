"""Settings as bare numbers and scratch space for the filter's kernels: records as in `pool`."""

from typing import Protocol

from skywarden.model.place import F64
from skywarden.track.pool import EARS, MODELS, WHOLE, WIDTH, record


class Parameters(Protocol):
    """Settings as bare numbers, SI. noise (MODELS, 2): level, vertical; leave (MODELS,): 1/s, rate of leaving a model.

    gate (5,): chi-square limit by dimension. end: 1/s. least: existence under which a leaf is dropped. begun: share
    of a plot, beside other targets, from which it begins one. faint: odds of a pair, relative to "false or new",
    under which it is not kept. strong, tied: existence and share from which a pair can make a joint association.
    alike: chi-square of leaves that say the same. light: weight under which a joint hypothesis is dropped. keep: how
    many at most. level_speed .. height_sigma: of a new target, see `birth`. ceiling: m; speeds: m/s; the width of
    heights and range rates that false alarms and new targets spread over. address_gate: on chi-square. late: s.
    confirm, confirm_hits: existence and looks of a target that is confirmed. heard: s, so long sounds alone keep one.
    turn, turn_fades: rad/s and s, of a manoeuvre's turn rate; turning: m^2/s^3, level, beside it.
    brief, brief_least: revisits, s; then what is not confirmed is forgotten. most, most_new, most_wedges: targets that
    only one sensor has seen.
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
    heard: float
    brief: float
    brief_least: float
    turn: float
    turn_fades: float
    turning: float
    confirm_hits: int
    most: int
    most_new: int
    most_wedges: int
    noise: F64
    leave: F64
    gate: F64


class Work(Protocol):
    """Scratch space: up (3,), a (6,), b (6,), y (WIDTH,) and W (WIDTH, 6), C (6, 6), noise (WIDTH, WIDTH) hold what the

    function that writes them says. slopes (MODELS, WIDTH, 6): H of the leaf at hand. dt .. back: see `models.pace`.
    state .. white: for `birth`. six: 6, read from memory, since a number that the compiler knows makes it unroll the
    products, which takes several times as long to compile. ears, whole: EARS and WHOLE, for the same reason.
    F (6, 6), g (6,), wind (3,), e (EARS,), U (6, EARS), ear_H (WIDTH, EARS), V (WIDTH, EARS), D (EARS, WHOLE): for
    targets that are heard, see `ear`, `turning`, `sound`.
    """

    d: int
    six: int
    ears: int
    whole: int
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
    F: F64
    g: F64
    wind: F64
    e: F64
    U: F64
    ear_H: F64
    V: F64
    D: F64


PARAMETERS = record(
    "end least begun faint strong tied alike light level_speed vertical_speed height height_sigma ceiling speeds "
    "address_gate shape late confirm heard brief brief_least turn turn_fades turning",
    "keep confirm_hits most most_new most_wedges",
    noise=(MODELS, 2),
    leave=MODELS,
    gate=5,
)
WORK = record(
    "dt live off back",
    "d six ears whole",
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
    F=(6, 6),
    g=6,
    wind=3,
    e=EARS,
    U=(6, EARS),
    ear_H=(WIDTH, EARS),
    V=(WIDTH, EARS),
    D=(EARS, WHOLE),
)
