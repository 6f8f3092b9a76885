"""Life of a track: tentative, confirmed, coasting, dropped. Once a tick, on all targets at once.

The filter confirms a target: by `confirm_hits` looks at different times, and existence that false alarms do not reach.
A confirmed one coasts when it was not seen for 2 looks of the quickest sensor that sees it, and is dropped later. It
is known for a while yet: seen again in time where it may have got to, it is shown again with its number. "Seen" is when
we heard of it, so that a feed that comes late is no worse than a prompt one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import NO_ADDRESS
from skywarden.model.event import TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import F64, I64
from skywarden.model.track import Status, Tracks
from skywarden.track.motion import level_sigma, seconds
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at

BROKEN = "lost by fault: its numbers are none any more"
MISSED = "missed where it should be seen"
WIDER = 2.0  # times the spread at which microphones alone show a track; then it is not shown any more


class Life(NamedTuple):
    """keep: (n,) bool, of the tracks given, that live on. tracks: these, with status and number. events: by birth.

    crowded: rows of the tracks given that had to go for lack of room.
    """

    keep: NDArray[np.bool_]
    tracks: Tracks
    crowded: I64
    next_number: int
    events: list[TrackConfirmed | TrackCoasting | TrackDropped]


def age(tracks: Tracks, confirmed: I64, time: int, next_number: int, settings: TrackerSettings) -> Life:
    """Decide about all tracks at `time`, ns. confirmed: (n,) 1 where the filter is sure."""
    fate = _fate(tracks, confirmed, time, settings)
    status, number, since = tracks.status.copy(), tracks.number.copy(), tracks.since.copy()
    events: list[TrackConfirmed | TrackCoasting | TrackDropped] = []
    for i in np.flatnonzero(fate.confirm | fate.found | fate.coast | fate.drop).tolist():
        if fate.confirm[i]:
            number[i], next_number = next_number, next_number + 1
        if fate.confirm[i] or fate.found[i]:
            since[i] = time
            events.append(TrackConfirmed(time, int(number[i]), int(tracks.label[i])))
        elif fate.coast[i]:
            events.append(TrackCoasting(time, int(number[i])))
        else:
            events.append(TrackDropped(time, int(number[i]), fate.why(i, settings)))
    status[fate.confirm | fate.found | ((status == Status.COASTING) & ~fate.quiet)] = Status.CONFIRMED
    status[fate.coast], status[fate.drop] = Status.COASTING, Status.DROPPED
    known = {"status": status, "number": number, "since": since}
    columns = {name: getattr(tracks, name) for name in Tracks.__slots__} | known
    keep = ~fate.gone
    return Life(keep, Tracks(**columns).take(keep), fate.crowded, next_number, events)


class _Fate(NamedTuple):
    """What becomes of n tracks, each (n,): confirm, found (again), coast, drop: the events; gone: is none any more.

    quiet, broken, missed, wide: why. limit: s, after which one that is not seen is dropped. lost: it is, or too wide.
    crowded: rows.
    """

    confirm: NDArray[np.bool_]
    found: NDArray[np.bool_]
    coast: NDArray[np.bool_]
    drop: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    quiet: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    missed: NDArray[np.bool_]
    wide: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    limit: F64
    crowded: I64

    def why(self, i: int, settings: TrackerSettings) -> str:
        """Return why track i is dropped."""
        if self.broken[i]:
            return BROKEN
        if self.missed[i]:
            return MISSED
        if self.wide[i]:
            return f"only microphones know of it, and that to over {WIDER * settings.microphone_known_m / 1000:g} km"
        if self.lost[i]:
            return f"not seen for {self.limit[i]:.0f} s"
        return f"uncertainty over {settings.drop_sigma_m / 1000:g} km"


def _fate(tracks: Tracks, confirmed: I64, time: int, settings: TrackerSettings) -> _Fate:
    status, unseen = tracks.status, seconds(tracks.heard, time)
    shown = tracks.shown()
    known = shown | (status == Status.DROPPED)
    ready = ~known & (confirmed == 1)
    finite = np.isfinite(tracks.mean).all(1) & np.isfinite(tracks.covariance).all((1, 2))
    broken: NDArray[np.bool_] = np.asarray(~finite)
    sigma = _sigma(tracks, (known | ready) & ~broken, time, settings)
    field = np.where(tracks.hits == 0, sigma / settings.microphone_known_m, 0.0)  # nothing has measured it
    confirm, wide = ready & (field <= 1.0), np.asarray(field > WIDER, bool)
    limit = _limit(tracks, known, settings)
    lost: NDArray[np.bool_] = np.asarray((unseen > limit) | wide)
    missed = (known | ready) & (tracks.existence < settings.drop_existence)
    gone = (
        broken
        | missed
        | (sigma > settings.drop_sigma_m)
        | (unseen > np.where(known, np.maximum(settings.forget_after_s, limit), limit))
    )
    crowded = _crowded(tracks, np.flatnonzero(~gone), settings.max_tracks)
    gone[crowded] = True
    quiet = unseen > np.maximum(settings.coast_looks * tracks.revisit, settings.coast_min_s)
    found = (status == Status.DROPPED) & ~lost & ~gone & (field <= 1.0)
    coast = (status == Status.CONFIRMED) & quiet & ~lost & ~gone
    return _Fate(
        confirm & ~gone, found, coast, shown & (lost | gone), gone, quiet, broken, missed, wide, lost, limit, crowded
    )


def _limit(tracks: Tracks, known: NDArray[np.bool_], settings: TrackerSettings) -> F64:
    """Return (n,) s for which each track may go unseen. known: (n,) which are or were shown.

    Who was seen briefly since it is shown, for the first time or again, is shown unseen for no longer: nine of ten such
    tracks are nowhere near a target by then, docs/tracker.md. An address makes a target likelier.
    """
    addressed = tracks.address != NO_ADDRESS
    seen = np.maximum((tracks.heard - tracks.since) * 1e-9, settings.coast_min_s)
    limit = np.where(known, np.minimum(settings.drop_after_s, seen), settings.drop_after_s)
    limit = np.where(addressed, settings.drop_address_after_s, limit)
    return np.asarray(np.maximum(limit, settings.drop_looks * tracks.revisit))


def _crowded(tracks: Tracks, rows: I64, most: int) -> I64:
    """Return which of `rows` are too many: unconfirmed ones, the least likely first, the oldest of these first."""
    if len(rows) <= most:
        return rows[:0]
    tentative = rows[tracks.status[rows] == Status.TENTATIVE]
    order = np.argsort(tracks.existence[tentative], kind="stable")
    return np.asarray(tentative[order[: len(rows) - most]], np.int64)


def _sigma(tracks: Tracks, wanted: NDArray[np.bool_], time: int, settings: TrackerSettings) -> F64:
    """Return (n,) m, how uncertain each of the wanted tracks is on the level, now; 0 of others."""
    sigma = np.zeros(len(tracks))
    sigma[wanted] = level_sigma(*at(tracks.take(wanted), time, settings.vertical_noise_m2_s3))
    return sigma
