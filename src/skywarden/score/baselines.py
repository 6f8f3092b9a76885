"""Three plain ways to raise alarms from the same tracks: district cells, a disc of 30 km, a disc of tuned radius."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo.earth import ecef
from skywarden.model.place import F64, I64
from skywarden.score.case import Case
from skywarden.score.level import level_velocity, plane
from skywarden.score.spans import NS, merged, since, while_seen

UAV_CELL_M2 = 4_400e6  # m^2, a district
MISSILE_CELL_M2 = 24_000e6  # m^2, a region
MISSILE_SPEED = 180.0  # m/s; faster tracks count as missiles, since a class may be missing
HEADING_S = 600.0  # s; a track heads into a cell if its straight line enters it within this time
CELL_HOLD = 25 * 60 * NS  # ns after the last track
DISC_RADIUS = 30_000.0  # m
DISC_HOLD = 60 * NS  # ns; bridges the gaps between the rows of a track
STEP = 5 * NS  # ns; tracks are looked at once in this time
RADII: tuple[float, ...] = tuple(
    1000.0 * radius for radius in (*range(1, 20), *range(20, 60, 2), *range(60, 155, 5))
)  # m, tried


class Flown(NamedTuple):
    """Tracks on a plane. time: (n,) ns; at: (n, 2) m east, north of the middle of the sites; speed: (n, 2) m/s.

    missile: (n,) bool. sites: (k, 2) m.
    """

    time: I64
    at: F64
    speed: F64
    missile: NDArray[np.bool_]
    sites: F64


def flown(given: Case) -> Flown:
    """Return the tracks of a case on the plane that touches the Earth in the middle of the sites, every STEP."""
    latitude, longitude = given.middle()
    order = np.lexsort((given.tracks.time, given.tracks.id))
    slot, track = given.tracks.time[order] // STEP, given.tracks.id[order]
    rows = order[np.r_[True, (np.diff(slot) != 0) | (np.diff(track) != 0)]] if len(order) else order
    at = plane(given.seen[rows], latitude, longitude)
    velocity = np.nan_to_num(given.tracks.velocity[rows])
    missile = np.linalg.norm(velocity, axis=1) > MISSILE_SPEED
    places = plane(_site_places(given), latitude, longitude)
    return Flown(given.tracks.time[rows], at, level_velocity(velocity, latitude, longitude), missile, places)


def _site_places(given: Case) -> F64:
    degrees = np.array([[site.latitude, site.longitude] for site in given.sites], float).reshape(-1, 2)
    return ecef(np.radians(degrees[:, 0]), np.radians(degrees[:, 1]), 0.0)


def districts(tracks: Flown) -> list[I64]:
    """Return for each site the spans of its district's alarm.

    Cells are squares of UAV_CELL_M2, and of MISSILE_CELL_M2 for missiles, on the plane, side by side from its middle. A
    cell's alarm is on from the first confirmed track inside it or heading in until CELL_HOLD after the last.
    """
    found = []
    for place in tracks.sites:
        both = []
        for area, kind in ((UAV_CELL_M2, ~tracks.missile), (MISSILE_CELL_M2, tracks.missile)):
            side = area**0.5
            low = np.floor(place / side) * side
            meets = kind & enters(tracks.at, tracks.speed * HEADING_S, low, low + side)
            both.append(while_seen(tracks.time[meets], CELL_HOLD))
        found.append(merged(np.concatenate(both)))
    return found


def enters(begin: F64, way: F64, low: F64, high: F64) -> NDArray[np.bool_]:
    """Return (n,) whether the straight lines begin + u way, 0 <= u <= 1, meet the box from low (2,) to high (2,).

    begin, way: (n, 2). Source: the slab method, Kay and Kajiya 1986, in two dimensions.
    """
    still = way == 0
    divisor = np.where(still, 1.0, way)
    one, other = (low - begin) / divisor, (high - begin) / divisor
    inside = (begin >= low) & (begin <= high)
    into = np.where(still, np.where(inside, -np.inf, np.inf), np.minimum(one, other))
    out = np.where(still, np.where(inside, np.inf, -np.inf), np.maximum(one, other))
    return np.asarray(np.maximum(into.max(axis=1), 0.0) <= np.minimum(out.min(axis=1), 1.0))


def discs(tracks: Flown, radius: float) -> list[I64]:
    """Return for each site the spans in which a confirmed track is within a radius (m), and DISC_HOLD after it."""
    found = []
    for place in tracks.sites:
        within = np.hypot(*(tracks.at - place).T) <= radius
        found.append(while_seen(tracks.time[within], DISC_HOLD))
    return found


class Training(NamedTuple):
    """A raid on which a disc is tuned. site, arrival (ns), need (s): (n,) of its attacks."""

    tracks: Flown
    site: I64
    arrival: I64
    need: F64

    def late(self, radius: float) -> int:
        """Return how many attacks a disc of a radius (m) warns of late or not."""
        total = 0
        for site, standing in enumerate(discs(self.tracks, radius)):
            at = self.site == site
            total += int((~(since(standing, self.arrival[at]) >= self.need[at])).sum())
        return total


def tuned(raids: Sequence[Training], missed: float) -> float:
    """Return the smallest radius (m, of RADII) whose discs miss no greater part of all attacks than `missed`.

    Where none does, the one that misses least; of these the smallest.
    """
    allowed = missed * sum(len(raid.site) for raid in raids) + 1e-9
    late = np.array([sum(raid.late(radius) for raid in raids) for radius in RADII])
    enough = np.flatnonzero(late <= allowed)
    return RADII[int(enough[0] if len(enough) else late.argmin())]
