"""Whether a unit can be where a group comes by, in time: geometry, for all units and groups at once.

A group is taken to fly from where its soonest track is now straight to its site, so as to be there when one of ten
such are (`Alert.early`): who is in time for that is in time in nine of ten cases. A unit leaves after its readiness and
moves in a straight line until the group's way is within its reach.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden import geo
from skywarden.model.place import F64, Unit

STEPS = 24  # points of a way
CLOSE = 1e-3  # m


class Way(NamedTuple):
    """How a group comes. begin, end: (3,) ECEF m, its soonest track now, and its site; left: s until it is there."""

    begin: F64
    end: F64
    left: float


class Meeting(NamedTuple):
    """(u, g) for units and groups. spare: s by which a unit could leave later, under 0 it comes too late, -inf never.

    meets: s from now, when it could first be in reach of the way with the group still to come; inf never.
    """

    spare: F64
    meets: F64


def meeting(units: Sequence[Unit], ways: Sequence[Way]) -> Meeting:
    """Return who can meet whom."""
    if not units or not ways:
        empty = np.zeros((len(units), len(ways)))
        return Meeting(empty, empty)
    angles = np.radians([[unit.latitude, unit.longitude] for unit in units])
    home = geo.ecef(angles[:, 0], angles[:, 1], np.zeros(len(units)))
    level = geo.east_north_up(angles[:, 0], angles[:, 1])[:, :2]  # (u, 2, 3): heights do not count
    begin, end = (np.stack([getattr(way, name) for way in ways]) for name in ("begin", "end"))
    first, last = (np.einsum("uij,ugj->ugi", level, point[None] - home[:, None]) for point in (begin, end))
    reach, ready, speed = (
        np.array([getattr(unit, name) for unit in units])[:, None, None]
        for name in ("reach_m", "readiness_s", "speed_m_s")
    )
    share = _looked_at(first, last - first, reach)
    distance = np.linalg.norm(first[:, :, None] + share[..., None] * (last - first)[:, :, None], axis=3)
    times = np.array([max(way.left, 0.0) for way in ways])[None, :, None] * share  # (u, g, points)
    beyond = np.maximum(distance - reach - CLOSE, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.where(beyond > 0.0, beyond / speed, 0.0)  # no speed: inf where it would have to move
    slack = times - (ready + moves)
    return Meeting(slack.max(axis=2), np.where(slack >= 0.0, times, np.inf).min(axis=2))


def _looked_at(first: F64, along: F64, reach: F64) -> F64:
    """Return (u, g, points) shares of ways at which to look: evenly, nearest to the unit, into and out of its reach.

    first, along: (u, g, 2) m, where ways begin as seen from units, and where they lead.
    """
    even = np.broadcast_to(np.linspace(0.0, 1.0, STEPS), (*first.shape[:2], STEPS))
    a, b = (along**2).sum(2), (first * along).sum(2)
    c = (first**2).sum(2) - reach[:, :, 0] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(b * b - a * c)
        special = np.stack([-b / a, (-b - root) / a, (-b + root) / a], axis=2)
    return np.concatenate([even, np.clip(np.nan_to_num(special), 0.0, 1.0)], axis=2)
