"""Life of a track: tentative, confirmed, coasting, dropped. Once a tick, on all tracks at once.

A tentative track is confirmed by `confirm_hits` looks at different times and a likelihood ratio (score) that clutter
does not reach. A confirmed one coasts when it was not seen for 2.5 looks of the quickest sensor that sees it.
"Seen" is when we heard of it, so that a feed that comes late is no worse than a prompt one.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.event import TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import F64, I64
from skywarden.model.track import Status
from skywarden.track.motion import level_sigma, predict_all, seconds
from skywarden.track.settings import TrackerSettings
from skywarden.track.table import Rows

BROKEN = "lost by fault: its numbers are none any more"


class Life(NamedTuple):
    """rows: of the table, that live on. events: in label order. crowded: rows that had to go for lack of room."""

    rows: I64
    crowded: I64
    next_number: int
    events: list[TrackConfirmed | TrackCoasting | TrackDropped]


def age(tracks: Rows, time: int, next_number: int, settings: TrackerSettings) -> Life:
    """Decide about all tracks at `time`, ns; writes status and number in place."""
    status, address, revisit = tracks["status"], tracks["address"], tracks["revisit"]
    unseen = seconds(tracks["heard"], time)
    shown = status != Status.TENTATIVE
    confirm = ~shown & (tracks["hits"] >= settings.confirm_hits) & (tracks["score"] >= settings.confirm_score)
    limit = np.where(address >= 0, settings.drop_address_after_s, settings.drop_after_s)
    limit = np.maximum(limit, settings.drop_looks * revisit)
    brief = np.maximum(settings.tentative_looks * revisit, settings.tentative_min_s)
    lost = unseen > np.where(shown | confirm, limit, brief)
    quiet = unseen > np.maximum(settings.coast_looks * revisit, settings.coast_min_s)
    since = np.where(shown | confirm, seconds(tracks["time"], time), unseen)
    broken = ~(np.isfinite(tracks["state"]).all(1) & np.isfinite(tracks["covariance"]).all((1, 2)))
    dropped = lost | broken | (_sigma(tracks, since, settings) > settings.drop_sigma_m)
    crowded = _crowded(tracks, np.flatnonzero(~dropped), settings.max_tracks)
    dropped[crowded] = True
    confirm &= ~dropped
    coast = (status == Status.CONFIRMED) & quiet & ~dropped
    events: list[TrackConfirmed | TrackCoasting | TrackDropped] = []
    for i in np.flatnonzero(confirm | coast | (dropped & shown)).tolist():
        if confirm[i]:
            tracks["number"][i] = next_number
            events.append(TrackConfirmed(time, next_number, int(tracks["label"][i])))
            next_number += 1
        elif coast[i]:
            events.append(TrackCoasting(time, int(tracks["number"][i])))
        else:
            reason = BROKEN if broken[i] else _reason(bool(lost[i]), float(limit[i]), settings)
            events.append(TrackDropped(time, int(tracks["number"][i]), reason))
    status[confirm | ((status == Status.COASTING) & ~quiet)] = Status.CONFIRMED
    status[coast] = Status.COASTING
    return Life(np.flatnonzero(~dropped), crowded, next_number, events)


def _crowded(tracks: Rows, rows: I64, most: int) -> I64:
    """Return which of `rows` are too many: unconfirmed ones, those of least score first, the oldest of these first."""
    if len(rows) <= most:
        return rows[:0]
    tentative = rows[tracks["status"][rows] == Status.TENTATIVE]
    order = np.lexsort((tracks["label"][tentative], tracks["score"][tentative]))
    return np.asarray(tentative[order[: len(rows) - most]], np.int64)


def _sigma(tracks: Rows, since: F64, settings: TrackerSettings) -> F64:
    """Return (n,) m, the level uncertainty of each track `since` s after its own time."""
    noise = (settings.level_noise_m2_s3, settings.vertical_noise_m2_s3)
    state, covariance = np.ascontiguousarray(tracks["state"]), np.ascontiguousarray(tracks["covariance"])
    return level_sigma(*predict_all(state, covariance, since, noise))


def _reason(lost: bool, limit: float, settings: TrackerSettings) -> str:
    if lost:
        return f"not seen for {limit:g} s"
    return f"uncertainty over {settings.drop_sigma_m / 1000:g} km"
