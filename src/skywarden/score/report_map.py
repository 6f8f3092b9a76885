"""What the map of the report page moves: targets and tracks thinned out, sites with their alarms, sensors."""

from collections import Counter

import msgspec
import numpy as np

from skywarden.geo.earth import ecef
from skywarden.model.place import F64, I64
from skywarden.score.case import Case
from skywarden.score.level import plane
from skywarden.score.notices import NO_ALERTS
from skywarden.score.spans import NS, within
from skywarden.score.verdict import Judged

MOST_PLACES = 180_000  # kept, of targets and tracks together; about 5 bytes of the page each
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120)  # s, between kept places
UNIT = 25  # m; places are whole numbers of it
MOST_SENSORS = 3000  # shown
CROWD = 60  # sensors of one kind; more than these are small dots, so that the others can be seen


class Shown(msgspec.Struct, frozen=True):
    """The map's data. dt: s between kept places; steps: how many; middle, reach: of the whole view, m.

    targets, tracks: each [first step, kind, then differences of east and north from place to place, in `unit` m]; kind
    is 1 for a target of the raid and for a track of a wanted target, 2 for a nuisance and for its tracks, else 0.
    sensors: east, north, and 1 for one of a crowd.
    """

    dt: int
    steps: int
    unit: int
    middle: tuple[float, float]
    reach: float
    targets: list[list[int]]
    tracks: list[list[int]]
    sites: list[dict[str, object]]
    sensors: list[tuple[int, int, int]]


def shown(one: Judged) -> bytes:
    """Return the map's data of a raid as JSON."""
    given = one.case
    latitude, longitude = given.middle()
    start, end = given.span()
    dt = _step(len(given.truth) + len(given.tracks))
    raid = np.array([row >= 0 and given.targets[row].raid for row in given.target_rows().tolist()], np.int64)
    nuisance = one.parts.nuisance
    owned = np.where(one.owner < 0, 0, np.where(np.append(nuisance, False)[one.owner], 2, 1))
    true = plane(given.below, latitude, longitude)
    found = plane(given.seen, latitude, longitude)
    spread = np.quantile(true, [0.02, 0.98], axis=0)
    reach = float((spread[1] - spread[0]).max()) / 2 * 1.1
    middle = (spread[0] + spread[1]) / 2
    return msgspec.json.encode(
        Shown(
            dt,
            int(-(-(end - start) // (dt * NS))),
            UNIT,
            (float(middle[0]), float(middle[1])),
            max(reach, 10_000.0),
            _things((given.truth.time - start, given.truth.id), true, np.where(nuisance, 2, raid), dt),
            _things((given.tracks.time - start, given.tracks.id), found, owned.astype(np.int64), dt),
            _sites(given, latitude, longitude),
            _sensors(given, latitude, longitude),
        )
    )


def _step(places: int) -> int:
    return next((step for step in STEPS if places / step <= MOST_PLACES), STEPS[-1])


def _things(of: tuple[I64, I64], place: F64, kind: I64, dt: int) -> list[list[int]]:
    """Return each target or track as a list. of: time since the start ns, and id; (n,) each. place: (n, 2) m."""
    time, number = of
    slot = np.rint(time / (dt * NS)).astype(np.int64)
    order = np.lexsort((time, number))
    first = np.r_[True, (np.diff(slot[order]) != 0) | (np.diff(number[order]) != 0)] if len(order) else order
    rows = order[first]
    whole = np.rint(place[rows] / UNIT).astype(np.int64)
    edges = np.flatnonzero(np.r_[True, np.diff(number[rows]) != 0, True]) if len(rows) else np.empty(0, np.int64)
    found = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        steps = slot[rows[low:high]]
        every = np.arange(steps[0], steps[-1] + 1)  # gaps are bridged by the last place before them
        path = whole[low + np.searchsorted(steps, every, "right") - 1]
        moves = np.diff(path, axis=0, prepend=np.zeros((1, 2), np.int64))
        found.append([int(steps[0]), int(kind[number[rows[low]]]), *moves.ravel().tolist()])
    return found


def _sites(given: Case, latitude: float, longitude: float) -> list[dict[str, object]]:
    start, end = given.span()
    found: list[dict[str, object]] = []
    for row, site in enumerate(given.sites):
        at = plane(ecef(np.radians(site.latitude), np.radians(site.longitude), 0.0)[None], latitude, longitude)[0]
        standing = NO_ALERTS if given.alerts is None else given.alerts
        alarm = (within(standing.standing(row), start, end) - start) / NS
        found.append(
            {
                "name": site.name,
                "x": round(float(at[0])),
                "y": round(float(at[1])),
                "radius": site.radius_m,
                "alarm": np.round(alarm).astype(int).tolist(),
            }
        )
    return found


def _sensors(given: Case, latitude: float, longitude: float) -> list[tuple[int, int, int]]:
    number = Counter(sensor.kind for sensor in given.sensors)
    crowded = [sensor for sensor in given.sensors if number[sensor.kind] > CROWD]
    few = [sensor for sensor in given.sensors if number[sensor.kind] <= CROWD]
    chosen = [*crowded[:: max(1, -(-len(crowded) // MOST_SENSORS))], *few]
    if not chosen:
        return []
    degrees = np.radians([[sensor.latitude, sensor.longitude] for sensor in chosen])
    at = plane(ecef(degrees[:, 0], degrees[:, 1], 0.0), latitude, longitude)
    crowd = [int(number[sensor.kind] > CROWD) for sensor in chosen]
    return [(round(east), round(north), one) for (east, north), one in zip(at.tolist(), crowd, strict=True)]
