"""Life of a track: tentative, confirmed, coasting, dropped. Once a tick, on all targets at once.

The filter confirms a target: by `confirm_hits` looks at different times, and existence that false alarms do not reach.
A confirmed one coasts when it was not seen for 2.5 looks of the quickest sensor that sees it. "Seen" is when we heard
of it, so that a feed that comes late is no worse than a prompt one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import NO_ADDRESS
from skywarden.model.event import TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import F64, I64
from skywarden.model.track import Status, Tracks
from skywarden.track.motion import level_sigma, predict_all, seconds
from skywarden.track.settings import TrackerSettings

BROKEN = "lost by fault: its numbers are none any more"
MISSED = "missed where it should be seen"


class Life(NamedTuple):
    """keep: (n,) bool, of the tracks given, that live on. tracks: these, with status and number. events: by label.

    crowded: rows of the tracks given that had to go for lack of room.
    """

    keep: NDArray[np.bool_]
    tracks: Tracks
    crowded: I64
    next_number: int
    events: list[TrackConfirmed | TrackCoasting | TrackDropped]


def age(tracks: Tracks, confirmed: I64, time: int, next_number: int, settings: TrackerSettings) -> Life:
    """Decide about all tracks at `time`, ns. confirmed: (n,) 1 where the filter is sure."""
    status, number = tracks.status.copy(), tracks.number.copy()
    shown = status != Status.TENTATIVE
    confirm = ~shown & (confirmed == 1)
    unseen = seconds(tracks.heard, time)
    limit = np.where(tracks.address != NO_ADDRESS, settings.drop_address_after_s, settings.drop_after_s)
    limit = np.maximum(limit, settings.drop_looks * tracks.revisit)
    quiet = unseen > np.maximum(settings.coast_looks * tracks.revisit, settings.coast_min_s)
    lost: NDArray[np.bool_] = np.asarray(unseen > limit)
    missed = (shown | confirm) & (tracks.existence < settings.drop_existence)
    finite = np.isfinite(tracks.mean).all(1) & np.isfinite(tracks.covariance).all((1, 2))
    broken: NDArray[np.bool_] = np.asarray(~finite)
    vague = _sigma(tracks, np.where(broken, 0.0, seconds(tracks.time, time)), settings) > settings.drop_sigma_m
    dropped = lost | broken | missed | (vague & (shown | confirm))
    crowded = _crowded(tracks, np.flatnonzero(~dropped), settings.max_tracks)
    dropped[crowded] = True
    confirm &= ~dropped
    coast = (status == Status.CONFIRMED) & quiet & ~dropped
    events: list[TrackConfirmed | TrackCoasting | TrackDropped] = []
    for i in np.flatnonzero(confirm | coast | (dropped & shown)).tolist():
        if confirm[i]:
            number[i] = next_number
            events.append(TrackConfirmed(time, next_number, int(tracks.label[i])))
            next_number += 1
        elif coast[i]:
            events.append(TrackCoasting(time, int(number[i])))
        else:
            reason = BROKEN if broken[i] else MISSED if missed[i] else _reason(bool(lost[i]), float(limit[i]), settings)
            events.append(TrackDropped(time, int(number[i]), reason))
    status[confirm | ((status == Status.COASTING) & ~quiet)] = Status.CONFIRMED
    status[coast] = Status.COASTING
    columns = {name: getattr(tracks, name) for name in Tracks.__slots__} | {"status": status, "number": number}
    return Life(~dropped, Tracks(**columns).take(~dropped), crowded, next_number, events)


def _crowded(tracks: Tracks, rows: I64, most: int) -> I64:
    """Return which of `rows` are too many: unconfirmed ones, the least likely first, the oldest of these first."""
    if len(rows) <= most:
        return rows[:0]
    tentative = rows[tracks.status[rows] == Status.TENTATIVE]
    order = np.lexsort((tracks.label[tentative], tracks.existence[tentative]))
    return np.asarray(tentative[order[: len(rows) - most]], np.int64)


def _sigma(tracks: Tracks, since: F64, settings: TrackerSettings) -> F64:
    """Return (n,) m, the level uncertainty of each track `since` s after its own time."""
    now = predict_all(tracks.mean, tracks.covariance, since, tracks.noise, settings.vertical_noise_m2_s3)
    return level_sigma(*now)


def _reason(lost: bool, limit: float, settings: TrackerSettings) -> str:
    if lost:
        return f"not seen for {limit:g} s"
    return f"uncertainty over {settings.drop_sigma_m / 1000:g} km"
