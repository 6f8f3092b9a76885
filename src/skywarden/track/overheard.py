"""What registration overhears of a chain: plots of sure targets, and fixes of aircraft that say who they are.

It is put down as it was corrected, with the version of that: registration puts it back, see `before`; `compare`
takes it as it is.
"""

from collections.abc import Sequence

import numpy as np

from skywarden.model.detection import Kind
from skywarden.model.place import F64, I64, Registration
from skywarden.track.beliefs import plain
from skywarden.track.items import Items
from skywarden.track.mixture import combined
from skywarden.track.pool import Rows, record
from skywarden.track.table import rows_of
from skywarden.track.take import Taken

HEARD = record(
    "time_sigma up",
    "time name label sensor kind version address",
    z=3,
    covariance=(3, 3),
    position=3,
    rotation=(3, 3),
    state=6,
)
MOST = 512  # fixes of a tenth of a second, and plots; what is more tells little more
PLOTS = (Kind.POLAR, Kind.DIRECTION)


def overheard(some: Items, found: Taken) -> Rows:
    """Return what a chain took in within one quantum as `HEARD`, as bytes, in an order of its own: by time and name.

    Fixes are cooperative if they have an address: what people or other systems say has none, or is no fix. Plots that
    came twice are in it once.
    """
    rows, senses = some.rows, some.senses[some.rows["sense"]]
    kind, label = senses["kind"], found.label[: len(rows)]
    fix = (kind == Kind.POSITION) & (rows["address"] >= 0)
    placed = senses["position"].any(1) & ~rows["origin"].any(1)
    at = np.flatnonzero(fix | (np.isin(kind, PLOTS) & placed & np.isin(label, found.sure())))
    order = at[np.lexsort((-label[at], rows["name"][at], rows["time"][at]))]
    order = order[np.diff(rows["name"][order], prepend=-1) != 0]
    order = order[np.where(fix[order], np.cumsum(fix[order]), np.cumsum(~fix[order])) <= MOST]
    heard = np.zeros(len(order), HEARD)
    for name in ("time_sigma", "time", "name", "address"):
        heard[name] = rows[name][order]
    for name in ("kind", "version", "position", "rotation"):
        heard[name] = senses[name][order]
    number = {name: k for k, name in enumerate(found.sensors)}
    numbers = np.array([number.get(name, -1) for name in some.names], np.int64)
    heard["sensor"], heard["label"] = numbers[senses["sensor"][order]], label[order]
    _measured(heard, rows[order])
    _known(heard, found)
    return plain(heard)


def _measured(heard: Rows, rows: Rows) -> None:
    """Write what was measured: angles of a bearing in their places, its range missing."""
    bearing = heard["kind"] == Kind.DIRECTION
    heard["z"], heard["covariance"] = rows["z"][:, :3], rows["covariance"][:, :3, :3]
    heard["z"][bearing, 0], heard["z"][bearing, 1:] = np.nan, rows["z"][bearing, :2]
    heard["covariance"][bearing] = np.eye(3)
    heard["covariance"][bearing, 1:, 1:] = rows["covariance"][bearing, :2, :2]


def _known(heard: Rows, found: Taken) -> None:
    """Write what is known of each target then: state (6,), ECEF m and m/s, and up, m, 1 sigma of its height.

    NaN of fixes and of targets that the heaviest joint hypothesis does not have.
    """
    heard["state"], heard["up"] = np.nan, np.nan
    targets = found.memory.targets[: found.memory.counts[0]]
    old, row = rows_of(targets["label"], heard["label"])
    good = (heard["kind"][old] != Kind.POSITION) & (targets["leaf"][row] >= 0)
    old, leaves = old[good], found.memory.leaves[targets["leaf"][row[good]]]
    if not len(old):
        return
    mean, covariance = combined(leaves["weight"], leaves["mean"], leaves["covariance"])
    mean[:, :3] += mean[:, 3:] * ((heard["time"][old] - leaves["time"]) * 1e-9)[:, None]
    up = heard["rotation"][old, 2]
    heard["state"][old] = mean
    heard["up"][old] = np.sqrt(np.maximum(np.einsum("ki,kij,kj->k", up, covariance[:, :3, :3], up), 0.0))


def before(heard: Rows, names: Sequence[str], versions: Sequence[Registration]) -> tuple[I64, F64]:
    """Return times (n,), ns, and measurements (n, 3) as they were reported. names: of sensors, by number.

    What was corrected by a version that is not among `versions` any more has the time -1.
    """
    time, z = heard["time"].copy(), heard["z"].copy()
    corrected, polar = heard["version"] > 0, heard["kind"] != Kind.POSITION
    for sensor, version in np.unique(np.stack([heard["sensor"], heard["version"]], 1)[corrected], axis=0).tolist():
        mine = corrected & (heard["sensor"] == sensor) & (heard["version"] == version)
        one = next((v for v in versions if (v.sensor, v.version) == (names[sensor], version)), None)
        time[mine] = -1 if one is None else time[mine] + round(one.time_s * 1e9)
        if one is not None:
            z[mine & polar] += [one.range_m, one.azimuth, one.elevation]
    return time, z
