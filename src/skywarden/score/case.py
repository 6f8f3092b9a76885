"""One raid to be judged: all of its tables, and the true entries into the sites' radii that follow from them."""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.errors import TableError
from skywarden.geo.earth import ecef, geodetic
from skywarden.model.place import F64, I64
from skywarden.score.level import ground
from skywarden.score.matching import matched, overlapping
from skywarden.score.notices import NO_FORECASTS, Alerts, Forecasts
from skywarden.score.tables import Coverage, Points, Sensor, Site, Target


@dataclass(frozen=True, slots=True)
class Case:
    """One raid. start: ns since 1970, second 0 of the coverage table. coverage, alerts: None where there is no such
    table; one of alerts without rows is a system that never warned.

    truth: only rows in which the target exists (`Points.living`). tracks: at the truth's times (`matching`). below,
    seen: (N, 3), (M, 3) ECEF m on the ground straight below truth and tracks. Targets bear the names of truth.names.
    """

    name: str
    start: int
    truth: Points
    tracks: Points
    below: F64
    seen: F64
    targets: tuple[Target, ...]
    sites: tuple[Site, ...]
    sensors: tuple[Sensor, ...] = ()
    coverage: Coverage | None = None
    alerts: Alerts | None = None
    forecasts: Forecasts = NO_FORECASTS

    def span(self) -> tuple[int, int]:
        """Return the truth's first and last time, ns; everything is counted between them."""
        return int(self.truth.time[0]), int(self.truth.time[-1])

    def middle(self) -> tuple[float, float]:
        """Return latitude and longitude, rad, of the middle of the sites; without any, of where the targets flew."""
        if not self.sites:
            latitude, longitude, _ = geodetic(self.below.mean(axis=0))
            return float(latitude), float(longitude)
        degrees = np.array([[site.latitude, site.longitude] for site in self.sites])
        return float(np.radians(np.mean(degrees[:, 0]))), float(np.radians(np.mean(degrees[:, 1])))

    def target_rows(self) -> I64:
        """Return for each of truth.names the row of targets.json, -1 where it has none."""
        rows = {target.name: row for row, target in enumerate(self.targets)}
        return np.array([rows.get(name, -1) for name in self.truth.names], np.int64)


class Known(NamedTuple):
    """What is known of a raid before any system is judged on it: the tables of DIR."""

    name: str
    truth: Points
    targets: tuple[Target, ...]
    sites: tuple[Site, ...]
    sensors: tuple[Sensor, ...] = ()
    coverage: Coverage | None = None
    start: int | None = None


def checked(known: Known) -> Known:
    """Return the same tables. Raises TableError where one names what another lacks."""
    listed = {target.name for target in known.targets}
    lacking = [name for name in known.truth.names if name not in listed]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise TableError(f"has no {lacking[0]}{more}, but truth.csv has; list every target of it", "targets.json")
    if known.coverage is not None and known.sensors:
        _rows_exist(known.coverage.target, len(known.targets), "target", "targets.json")
        _rows_exist(known.coverage.sensor, len(known.sensors), "sensor", "sensors.json")
    return known


def _rows_exist(number: NDArray[np.uint16], count: int, column: str, file: str) -> None:
    outside = np.flatnonzero(number >= count)
    if len(outside):
        row = int(outside[0])
        said = f"row {row} (from 0) is of {column} {number[row]}, but {file} has {count}, counted from 0"
        raise TableError(said, "coverage.npy", 0, column)


def case(known: Known, tracks: Points, alerts: Alerts | None = None, forecasts: Forecasts = NO_FORECASTS) -> Case:
    """Return a case, with tracks at the truth's times and the places on the ground worked out once.

    Raises MismatchError where no track has a time of the truth, or all alerts or forecasts are outside its time.
    """
    if alerts is not None:
        overlapping(known.truth, alerts.times(), "alerts.csv")
    overlapping(known.truth, forecasts.time, "arrivals.csv")
    truth = known.truth.living()
    tracks = matched(truth, tracks)
    start = int(known.truth.time[0]) if known.start is None else known.start
    below, seen = ground(truth.position), ground(tracks.position)
    return Case(
        known.name, start, truth, tracks, below, seen, known.targets, known.sites, known.sensors, known.coverage,
        alerts, forecasts,
    )  # fmt: skip


def same_raid(one: Case, other: Case) -> bool:
    """Return whether two cases are of the same raid: their targets flew the same paths at the same times."""
    first, second = one.truth, other.truth
    return (
        first.names == second.names
        and np.array_equal(first.time, second.time)
        and np.array_equal(first.id, second.id)
        and np.array_equal(first.position, second.position)
    )


class Manifest(msgspec.Struct, frozen=True):
    """What is read of manifest.json. start_ns: second 0, ns since 1970; scenario: its name."""

    start_ns: int | None = None
    scenario: str = ""


def manifest(data: bytes) -> Manifest:
    """Return what a manifest.json says. Raises TableError."""
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as problem:
        raise TableError(str(problem), "manifest.json") from problem


class Entries(NamedTuple):
    """First entries of targets into sites' radii, sorted by (target, site). All (n,).

    target: row of truth.names; site: row of sites.json. time: ns, when the level distance first is the radius.
    """

    target: I64
    site: I64
    time: I64


def entries(given: Case) -> Entries:
    """Return the first entry of every target into every site's radius, by level distance.

    Between two rows of the truth the distance is taken to change evenly, so the time is good to milliseconds at rows
    of one second. A target that begins inside enters when it begins.
    """
    found = []
    order = np.lexsort((given.truth.time, given.truth.id))
    target, time, below = given.truth.id[order], given.truth.time[order], given.below[order]
    for row, site in enumerate(given.sites):
        place = ecef(np.radians(site.latitude), np.radians(site.longitude), 0.0)
        over = np.linalg.norm(below - place, axis=1) - site.radius_m
        inside = np.flatnonzero(over <= 0)
        names, first = np.unique(target[inside], return_index=True)
        at = inside[first]
        before = np.maximum(at - 1, 0)
        same = (target[before] == target[at]) & (before < at)
        part = np.where(same, over[at] / np.where(same, over[at] - over[before], 1.0), 0.0)
        moment = time[at] - np.rint(part * (time[at] - time[before])).astype(np.int64)
        found.append(np.column_stack([names, np.full(len(names), row), moment]))
    table = np.concatenate([np.empty((0, 3), np.int64), *found])
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return Entries(table[:, 0], table[:, 1], table[:, 2])
