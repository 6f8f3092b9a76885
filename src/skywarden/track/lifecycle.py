"""Life of a track: tentative, confirmed, coasting, dropped. Once a tick, on all tracks at once.

A tentative track is confirmed by `confirm_hits` looks at different times and a likelihood ratio (score) that clutter
does not reach. A confirmed one coasts when it was not seen for 2.5 looks of the quickest sensor that sees it.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.model.event import TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import I64
from skywarden.model.track import Status
from skywarden.track.motion import level_sigma, predict_all, seconds
from skywarden.track.table import Table


class LifeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The part of TrackerSettings that decides about life; see there."""

    confirm_hits: int = 3
    confirm_score: float = 5.0
    tentative_looks: float = 2.2
    tentative_min_s: float = 2.0
    coast_looks: float = 2.5
    coast_min_s: float = 3.0
    drop_s: float = 30.0
    drop_address_s: float = 60.0
    drop_looks: float = 3.5
    drop_sigma_m: float = 10_000.0


class Life(NamedTuple):
    """rows: of the table, that live on. events: in label order."""

    rows: I64
    next_number: int
    events: list[TrackConfirmed | TrackCoasting | TrackDropped]


def age(table: Table, n: int, time: int, next_number: int, settings: LifeSettings, noise: tuple[float, float]) -> Life:  # noqa: PLR0913 - one call a tick
    """Decide about the first n tracks at `time`, ns; writes status and number in place."""
    status, address = table.status[:n], table.address[:n]
    unseen, revisit = seconds(table.time[:n], time), table.revisit[:n]
    shown = status != Status.TENTATIVE
    confirm = ~shown & (table.hits[:n] >= settings.confirm_hits) & (table.score[:n] >= settings.confirm_score)
    limit = np.where(address >= 0, settings.drop_address_s, settings.drop_s)
    limit = np.maximum(limit, settings.drop_looks * revisit)
    brief = np.maximum(settings.tentative_looks * revisit, settings.tentative_min_s)
    lost = unseen > np.where(shown | confirm, limit, brief)
    vague = _sigma(table, n, unseen, noise) > settings.drop_sigma_m
    quiet = unseen > np.maximum(settings.coast_looks * revisit, settings.coast_min_s)
    dropped = lost | vague
    confirm &= ~dropped
    coast = (status == Status.CONFIRMED) & quiet & ~dropped
    events: list[TrackConfirmed | TrackCoasting | TrackDropped] = []
    for i in np.flatnonzero(confirm | coast | (dropped & shown)).tolist():
        number = int(table.number[i])
        if confirm[i]:
            number = table.number[i] = next_number
            next_number += 1
            events.append(TrackConfirmed(time, number, int(table.label[i])))
        elif coast[i]:
            events.append(TrackCoasting(time, number))
        else:
            events.append(TrackDropped(time, number, _reason(bool(lost[i]), float(limit[i]), settings)))
    status[confirm | ((status == Status.COASTING) & ~quiet)] = Status.CONFIRMED
    status[coast] = Status.COASTING
    return Life(np.flatnonzero(~dropped), next_number, events)


def _sigma(table: Table, n: int, unseen: NDArray[np.float64], noise: tuple[float, float]) -> NDArray[np.float64]:
    return level_sigma(*predict_all(table.mean[:n], table.covariance[:n], unseen, noise))


def _reason(lost: bool, limit: float, settings: LifeSettings) -> str:
    if lost:
        return f"not seen for {limit:.0f} s"
    return f"uncertainty over {settings.drop_sigma_m / 1000:.0f} km"
