"""Whether others see what a sensor sees, where they should: a share that is shown and puts nobody in quarantine.

A sensor that alone sees somebody may be the only one that works.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.geo import geodetic
from skywarden.geo.earth import SEMI_MAJOR
from skywarden.kernel import kernel
from skywarden.model.place import F64
from skywarden.model.track import TrackKind, Tracks
from skywarden.model.watched import Watch
from skywarden.track.beliefs import records
from skywarden.track.cover import visible
from skywarden.track.looks import SENSE
from skywarden.track.pool import Rows

SECOND = 1_000_000_000
LATELY = 30 * SECOND  # ns; so long ago at most a sensor has seen a track
MOST = 128  # tracks that are looked at in one second, in turn
BEND = 8.0 / 3.0 * SEMI_MAJOR  # of rays, as in `watch.ways`
OTHERS = 2  # sensors that must be able to see it


class Alone(NamedTuple):
    """Of one sensor and second: tracks that others should see too, and those of them that none does."""

    asked: int
    alone: int


@kernel
def covering(place: F64, height: F64, senses: Rows, up: F64, found: NDArray[np.bool_]) -> None:
    """Write to found (n, k) whether sensors can see places, (n, 3) ECEF m.

    height (n,), up (k,): of places and sensors, m above the ellipsoid.
    """
    for i in range(len(place)):
        for k in range(len(senses)):
            sense = senses[k]
            away = 0.0
            for a in range(3):
                away += (place[i, a] - sense.position[a]) ** 2
            floor = min(height[i], up[k], 0.0)
            far = np.sqrt(BEND * (up[k] - floor)) + np.sqrt(BEND * (height[i] - floor))
            found[i, k] = away <= far * far and away <= sense.reach**2 and visible(place[i], sense)


def alone(watch: Watch, tracks: Tracks, names: Sequence[str], time: int) -> Mapping[str, Alone]:
    """Return what some of the tracks tell of sensors that count. names: to which `Tracks.seen_by` points. time: ns."""
    posts, turn = watch.posts, max(1, int(np.ceil(len(tracks) / MOST)))
    counts = np.flatnonzero(watch.why == 0)
    some = tracks.shown() & (tracks.kind == TrackKind.POINT) & (tracks.number % turn == time // SECOND % turn)
    rows = np.flatnonzero(some)
    if len(counts) <= OTHERS or not len(rows):
        return {}
    place = tracks.mean[rows, :3] + tracks.mean[rows, 3:] * ((time - tracks.time[rows]) * 1e-9)[:, None]
    height = geodetic(place)[2]
    sees = np.zeros((len(rows), len(counts)), bool)
    covering(place, height, records(posts.senses, SENSE)[counts], posts.heights[counts], sees)
    place_of = {name: k for k, name in enumerate(names)}
    number = np.array([place_of.get(posts.names[k], -2) for k in counts.tolist()])
    by, at = tracks.seen_by[rows], tracks.seen_at[rows]
    seen = ((by[:, :, None] == number) & (at > time - LATELY)[:, :, None]).any(1)
    asked = seen & ((sees.sum(1)[:, None] - sees) >= OTHERS)
    only = asked & (seen.sum(1) == 1)[:, None]
    columns = zip(counts.tolist(), asked.sum(0).tolist(), only.sum(0).tolist(), strict=True)
    return {posts.names[k]: Alone(some, none) for k, some, none in columns}
