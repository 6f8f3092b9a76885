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
    share = np.linspace(0.0, 1.0, STEPS)
    begin, end = np.stack([way.begin for way in ways]), np.stack([way.end for way in ways])
    points = begin[:, None] + share[None, :, None] * (end - begin)[:, None]  # (g, STEPS, 3)
    times = np.array([max(way.left, 0.0) for way in ways])[:, None] * share  # (g, STEPS)
    angles = np.radians([[unit.latitude, unit.longitude] for unit in units])
    home = geo.ecef(angles[:, 0], angles[:, 1], np.zeros(len(units)))
    distance = np.linalg.norm(points[None] - home[:, None, None], axis=3)  # (u, g, STEPS)
    reach, ready, speed = (
        np.array([getattr(unit, name) for unit in units])[:, None, None]
        for name in ("reach_m", "readiness_s", "speed_m_s")
    )
    beyond = np.maximum(distance - reach, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = np.where(beyond > 0.0, beyond / speed, 0.0)  # no speed: inf where it would have to move
    slack = times[None] - (ready + moves)
    spare = slack.max(axis=2)
    in_time = slack >= 0.0
    first = in_time.argmax(axis=2)
    passes = np.broadcast_to(times[None], slack.shape)
    meets = np.take_along_axis(passes, first[..., None], 2)[..., 0]
    return Meeting(spare, np.where(in_time.any(axis=2), meets, np.inf))
