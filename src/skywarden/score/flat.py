"""The layouts of other benchmarks: positions in a plane or a box of the scenario's own, not on the Earth.

Bench layout: meta.json; truth.csv `t,id,x,vx,y,vy,z,vz`; tracks.csv `scan,t,track,x,vx,y,vy,z,vz`; s, m, m/s. In two
dimensions z is passed over. Layout of the crossing scenario (Williams 2015): meta.json; truth.csv `k,target,x,vx,y,vy`;
tracks.csv `mc,k,track,x,vx,y,vy` for several runs `mc` over the same truth.
"""

from dataclasses import replace
from typing import NamedTuple

import msgspec
import numpy as np

from skywarden.errors import TableError
from skywarden.model.place import F64, I64
from skywarden.score.assign import compare
from skywarden.score.columns import Columns, Form, Layout, read
from skywarden.score.gospa import Gospa, Means, gospa, means
from skywarden.score.ospa import Least, ospa
from skywarden.score.siap import Siap, siap
from skywarden.score.tables import Points

_AXES = ("x", "y", "z")
_STATE = dict.fromkeys(("x", "vx", "y", "vy"), Form.REAL)
_BOX = {**_STATE, "z": Form.REAL, "vz": Form.REAL}
_NO_HEIGHT = ("z", "vz")
TRUTH = Layout("truth.csv", {"t": Form.REAL, "id": Form.WORD, **_BOX}, _NO_HEIGHT)
TRACKS = Layout("tracks.csv", {"t": Form.REAL, "track": Form.WORD, **_BOX}, _NO_HEIGHT)
RUN_TRUTH = Layout("truth.csv", {"k": Form.WHOLE, "target": Form.WORD, **_STATE})
RUN_TRACKS = Layout("tracks.csv", {"mc": Form.WHOLE, "k": Form.WHOLE, "track": Form.WORD, **_STATE})
SKIPPED = {2: 5, 3: 12}  # first times that are not scored, by dimensions: no tracker can have tracks yet
SECOND = 1_000_000_000  # ns
RUN = 1_000_000 * SECOND  # between the first steps of two runs that are scored as one


class Cut(msgspec.Struct, frozen=True):
    """Cutoff c, m, and power p of GOSPA."""

    c: float
    p: float


class Meta(msgspec.Struct, frozen=True):
    """What scoring needs of meta.json. dim: 2 or 3."""

    gospa: Cut
    dim: int = 2


class FlatScores(NamedTuple):
    """The judge's figures. gospa: RMS and parts; per_target: mean over times of GOSPA / number of targets^(1/p), m.

    ospa: mean, as Stone Soup 1.9.1 assigns. scans: times that were scored. result: GOSPA at each time.
    """

    scans: int
    result: Gospa
    gospa: Means
    per_target: float
    ospa: float
    siap: Siap


def meta(data: bytes) -> Meta:
    """Read meta.json. Raises TableError."""
    try:
        found = msgspec.json.decode(data, type=Meta)
    except msgspec.MsgspecError as problem:
        example = 'write "dim": 2 or 3 and "gospa": {"c": 500, "p": 2}, the cutoff in m and the power'
        raise TableError(f"{problem}; {example}", "meta.json") from problem
    if found.dim not in SKIPPED or not found.gospa.c > 0 or not found.gospa.p >= 1:
        raise TableError("dim must be 2 or 3, gospa.c over 0, gospa.p at least 1", "meta.json")
    return found


def truth(data: bytes, dimensions: int) -> Points:
    """Read truth.csv of the bench layout; time in ns from its zero."""
    columns = read(data, TRUTH)
    return _points(columns, "id", _nanoseconds(columns), dimensions)


def tracks(data: bytes, dimensions: int) -> Points:
    """Read tracks.csv of the bench layout; time in ns from its zero."""
    columns = read(data, TRACKS)
    return _points(columns, "track", _nanoseconds(columns), dimensions)


def flat_scores(
    settings: Meta, true: Points, found: Points, skip: int | None = None, last: float | None = None
) -> FlatScores:
    """Score as the bench's own judge: from the truth's time number `skip` to time `last`, s (the tracks' last)."""
    end = (int(found.time.max()) if len(found) else 0) if last is None else round(last * SECOND)
    times = np.unique(true.time[true.time <= end + 1])
    first = min(SKIPPED[settings.dim], len(times) // 2) if skip is None else skip
    times = times[first:]
    true, found = (points.take(np.isin(points.time, times)) for points in (true, found))
    comparison = compare(true, found, settings.gospa.c)
    result = gospa(comparison, settings.gospa.p)
    share = result.distance / np.maximum(result.targets, 1) ** (1 / settings.gospa.p)
    distances = ospa(comparison, settings.gospa.p, Least.DISTANCE)
    none = float("nan")
    per_target, mean = (float(x.mean()) if len(times) else none for x in (share, distances))
    return FlatScores(len(times), result, means(result), per_target, mean, siap(comparison))


def runs(truth_data: bytes, tracks_data: bytes, numbers: I64 | None = None) -> tuple[Points, Points]:
    """Read several runs over one truth as if they came one after another.

    numbers: of the runs; those in tracks.csv if not given, but a run without any track is not in there.
    """
    columns = read(tracks_data, RUN_TRACKS)
    run = columns.whole("mc")
    numbers = np.unique(run) if numbers is None else numbers
    found = _points(columns, "track", run * RUN + columns.whole("k") * SECOND, 2)
    columns = read(truth_data, RUN_TRUTH)
    once = _points(columns, "target", columns.whole("k") * SECOND, 2)
    rows = np.tile(np.arange(len(once)), len(numbers))
    true = once.take(rows)
    return replace(true, time=true.time + np.repeat(numbers * RUN, len(once))), found


def _nanoseconds(columns: Columns) -> I64:
    t = columns.real("t")
    columns.require(np.abs(t) < 9e9, "t", "must be a number of seconds under 9e9")
    return np.rint(t * SECOND).astype(np.int64)


def _points(columns: Columns, key: str, time: I64, dimensions: int) -> Points:
    axes = _AXES[:dimensions]
    for axis in axes:
        if not columns.has(axis) or not columns.has("v" + axis):
            raise TableError(
                f"the header has no {axis},v{axis}, but the scenario has {dimensions} dimensions",
                columns.layout.file,
                1,
            )
        columns.require(np.isfinite(columns.real(axis)), axis, "must be finite")
    number, names = columns.words(key)
    order = np.lexsort((number, time))
    twice = (np.diff(time[order]) == 0) & (np.diff(number[order]) == 0)
    if twice.any():
        row = int(order[1:][twice].min())
        raise columns.fault(row, key, f"{names[number[row]]} stands twice at one time")
    rows = len(time)
    zero = np.zeros(rows, np.int64)

    def stacked(prefix: str) -> F64:
        return np.stack([columns.real(prefix + axis) for axis in axes], -1)

    points = Points(time, number, stacked(""), stacked("v"), names, zero, ("",), np.ones(rows, bool), zero)
    return points.take(order)
