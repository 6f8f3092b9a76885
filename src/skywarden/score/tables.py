"""The tables that are scored: truth, tracks, targets, sites, sensors, coverage, read from bytes.

Positions become Earth-centred (ECEF) m here, once; latitude and longitude in the files are degrees, height is above the
WGS 84 ellipsoid.
"""

from dataclasses import dataclass
from io import BytesIO
from tokenize import TokenError
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.errors import TableError
from skywarden.geo import ecef
from skywarden.model.place import F64, I64
from skywarden.score.columns import Columns, Form, Layout, read

FASTEST = 1e5  # m/s; beyond, it is a fault of units or of the writer
Item = TypeVar("Item")
_STATE = dict.fromkeys(("latitude", "longitude", "height_m", "v_east", "v_north", "v_up"), Form.REAL)
TRUTH = Layout(
    "truth.csv",
    {"time_ns": Form.WHOLE, "target": Form.WORD, "class": Form.WORD, **_STATE, "alive": Form.WHOLE},
)
SPREAD = ("ee_m2", "en_m2", "eu_m2", "nn_m2", "nu_m2", "uu_m2")
TRACKS = Layout(
    "tracks.csv",
    {
        "time_ns": Form.WHOLE,
        "track": Form.WORD,
        **_STATE,
        "class": Form.WORD,
        "category": Form.WORD,
        "sensor": Form.NAME,
        **dict.fromkeys(SPREAD, Form.REAL),
    },
    ("class", "category", "sensor", *SPREAD),
)
# what NumPy raises at a spoiled header
BROKEN = (ValueError, TypeError, EOFError, OSError, MemoryError, OverflowError, SyntaxError, TokenError)
NUMPY = b"\x93NUMPY"  # how an array file begins; NEP 1
COVERAGE = np.dtype([("second", "<u4"), ("target", "<u2"), ("sensor", "<u2"), ("pd", "<f2")])


@dataclass(frozen=True, slots=True)
class Points:
    """Where targets or tracks are, one row for each at each time; sorted by time, then id.

    time: (N,) int64 ns since 1970. id: (N,) int64 row of `names`. position, velocity: (N, 3) ECEF m, m/s; velocity is
    NaN where it is not known. word: (N,) int64 row of `words`, the class. alive: (N,) bool; False in a target's last
    row: that is where it ended, from then on it does not exist. category: (N,) int64 row of `categories`.
    sensor: (N,) int64 row of `sensors`, that saw it last. spread: (N, 6) covariance of the place, m^2, of east, north,
    up there, by rows of the upper half; NaN where not stated; None: nowhere.
    In the bench layout (`flat`) position and velocity are (N, 2) or (N, 3) in a plane of the scenario's own.
    """

    time: I64
    id: I64
    position: F64
    velocity: F64
    names: tuple[str, ...]
    word: I64
    words: tuple[str, ...]
    alive: NDArray[np.bool_]
    category: I64
    categories: tuple[str, ...] = ("",)
    sensor: I64 | None = None
    sensors: tuple[str, ...] = ("",)
    spread: F64 | None = None

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: I64 | NDArray[np.bool_]) -> "Points":
        """Return some rows, with the same names."""
        return Points(
            self.time[rows],
            self.id[rows],
            self.position[rows],
            self.velocity[rows],
            self.names,
            self.word[rows],
            self.words,
            self.alive[rows],
            self.category[rows],
            self.categories,
            None if self.sensor is None else self.sensor[rows],
            self.sensors,
            None if self.spread is None else self.spread[rows],
        )

    def living(self) -> "Points":
        """Return the rows in which the target exists: those that tracks are measured against."""
        return self if self.alive.all() else self.take(self.alive)


class Target(msgspec.Struct, frozen=True, rename={"name": "target", "kind": "class"}):
    """One flier of targets.json. raid: it comes to do harm; site: the one it is sent to, "" none; wave: "" none."""

    name: str
    kind: str
    raid: bool
    site: str = ""
    wave: str = ""


class Site(msgspec.Struct, frozen=True):
    """One protected place of sites.json. latitude, longitude: deg; a target within radius_m (level) has arrived."""

    name: str
    latitude: float
    longitude: float
    height_m: float = 0.0
    radius_m: float = 3000.0
    lead_time_s: float = 300.0
    importance: float = 1.0


class Sensor(msgspec.Struct, frozen=True):
    """One sensor of sensors.json, in the order of coverage. revisit_s: between two looks."""

    name: str
    kind: str
    source: str
    latitude: float
    longitude: float
    height_m: float
    revisit_s: float


class Coverage(NamedTuple):
    """True probability of detection by one look, where it is at least 0.01. All (k,), in the file's own narrow types.

    second: whole s since the first row of the truth's scenario; target: row of targets.json; sensor: row of
    sensors.json; pd: 0 to 1.
    """

    second: NDArray[np.uint32]
    target: NDArray[np.uint16]
    sensor: NDArray[np.uint16]
    pd: NDArray[np.float16]


def truth(data: bytes) -> Points:
    """Read truth.csv. Raises TableError with line and column."""
    columns = read(data, TRUTH)
    if not len(columns.rows):
        raise TableError("has no rows, only a header; there is nothing to judge by", "truth.csv")
    alive = columns.whole("alive")
    columns.require((alive == 0) | (alive == 1), "alive", "must be 0 or 1")
    if not alive.any():
        raise TableError("has no row with alive 1, so no target ever exists", "truth.csv", 0, "alive")
    return _points(columns, "target", alive == 1)


def tracks(data: bytes) -> Points:
    """Read tracks.csv of the system under test. Raises TableError with line and column."""
    columns = read(data, TRACKS)
    return _points(columns, "track", np.ones(len(columns.rows), bool))


def targets(data: bytes) -> tuple[Target, ...]:
    """Read targets.json. Raises TableError."""
    return tuple(_items(data, list[Target], "targets.json"))


def sites(data: bytes) -> tuple[Site, ...]:
    """Read sites.json. Raises TableError."""
    return tuple(_items(data, list[Site], "sites.json"))


def sensors(data: bytes) -> tuple[Sensor, ...]:
    """Read sensors.json. Raises TableError."""
    return tuple(_items(data, list[Sensor], "sensors.json"))


def coverage(data: bytes) -> Coverage:
    """Read coverage.npy. Raises TableError."""
    if not data.startswith(NUMPY):
        raise TableError("not a NumPy array file; write it with numpy.save", "coverage.npy")
    try:
        rows = np.load(BytesIO(data), allow_pickle=False)
    except BROKEN as problem:
        said = f"a NumPy array file that is cut short or spoiled, or not of {COVERAGE.descr}"
        raise TableError(f"{said}; write it again with numpy.save", "coverage.npy") from problem
    if not isinstance(rows, np.ndarray) or rows.dtype != COVERAGE or rows.ndim != 1:
        raise TableError(f"must be one dimension of {COVERAGE.descr}", "coverage.npy")
    unsure = np.flatnonzero(~((rows["pd"] >= 0) & (rows["pd"] <= 1)))
    if len(unsure):
        said = f"row {unsure[0]} (from 0) has {rows['pd'][unsure[0]]}; must be a number from 0 to 1"
        raise TableError(said, "coverage.npy", 0, "pd")
    return Coverage(*(np.ascontiguousarray(rows[name]) for name in Coverage._fields))


def _items(data: bytes, kind: type[list[Item]], file: str) -> list[Item]:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as problem:
        raise TableError(str(problem), file) from problem


def _points(columns: Columns, key: str, alive: NDArray[np.bool_]) -> Points:
    for name, limit in (("latitude", 90.0), ("longitude", 360.0), ("height_m", 1e7)):
        columns.require(np.abs(columns.real(name)) <= limit, name, f"must be a number from {-limit:g} to {limit:g}")
    time = columns.whole("time_ns")
    number, names = columns.words(key)
    word, words = columns.words("class")
    category, categories = columns.words("category")
    for name in ("v_east", "v_north", "v_up"):  # nan: not known
        slow = ~(np.abs(columns.real(name)) > FASTEST)
        columns.require(slow, name, f"must be a number from {-FASTEST:g} to {FASTEST:g} m/s, or nan where not known")
    position, velocity = _earth_centred(columns)
    sensor, sensors = columns.words("sensor")
    spread = _spread(columns)
    found = Points(
        time, number, position, velocity, names, word, words, alive, category, categories, sensor, sensors, spread
    )
    step = np.diff(time)
    if not np.all((step > 0) | ((step == 0) & (np.diff(number) > 0))):
        order = np.lexsort((number, time))
        twice = (np.diff(time[order]) == 0) & (np.diff(number[order]) == 0)
        if twice.any():
            row = int(order[1:][twice].min())
            raise columns.fault(row, key, f"{names[number[row]]} stands twice at time_ns {time[row]}")
        found = found.take(order)
    for array in (found.time, found.id, found.position, found.velocity, found.word, found.alive, found.category):
        array.flags.writeable = False
    for told in (found.sensor, found.spread):
        if told is not None:
            told.flags.writeable = False
    return found


def _spread(columns: Columns) -> F64 | None:
    """Return (N, 6) covariances; None where the file has none. Raises TableError where one is none."""
    there = [name for name in SPREAD if columns.has(name)]
    if not there:
        return None
    if len(there) < len(SPREAD):
        lacking = ", ".join(name for name in SPREAD if name not in there)
        raise TableError(f"the header has {there[0]} but no {lacking}; give all six or none", columns.layout.file, 1)
    found = np.column_stack([columns.real(name) for name in SPREAD])
    finite = np.isfinite(found).all(axis=1)
    ee, en, eu, nn, nu, uu = np.where(finite, found.T, 0.0)
    level = ee * nn - en * en
    whole = level * uu - ee * nu * nu - nn * eu * eu + 2.0 * en * eu * nu  # determinant
    good = np.isnan(found).any(axis=1) | ((ee > 0) & (level > 0) & (whole > 0))
    columns.require(good, SPREAD[0], "with the next five must be a covariance matrix, m^2, or nan where not known")
    return found


def _earth_centred(columns: Columns) -> tuple[F64, F64]:
    """Return (N, 3) position and velocity, ECEF. Source of the turn: geo.east_north_up, without its (N, 3, 3)."""
    latitude, longitude = np.radians(columns.real("latitude")), np.radians(columns.real("longitude"))
    position = ecef(latitude, longitude, columns.real("height_m"))
    east, north, up = (columns.real(name) for name in ("v_east", "v_north", "v_up"))
    sin, cos = np.sin(longitude), np.cos(longitude)
    outward = np.cos(latitude) * up - np.sin(latitude) * north  # away from the Earth's axis
    velocity = np.empty_like(position)
    velocity[:, 0] = outward * cos - sin * east
    velocity[:, 1] = outward * sin + cos * east
    velocity[:, 2] = np.cos(latitude) * north + np.sin(latitude) * up
    return position, velocity
