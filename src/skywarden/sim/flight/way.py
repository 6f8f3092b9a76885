"""Routes as they are planned: legs on a chart, and how each kind moves along them.

The chart: metres east and north of the scenario's origin (`sim.raid.on_earth`), heights in metres.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.sky import Target


class Mode(IntEnum):
    """What is done at the end of a leg."""

    PASS = 0  # go on to the next
    CIRCLE = 1  # fly circles around it for a while
    HOVER = 2  # stand still there for a while
    END = 3  # the flight ends there, on the ground


class Leg(NamedTuple):
    """One leg. height: m above the ground, or above the ellipsoid for kinds that keep a level.

    It changes evenly along the leg, or while circling or hovering. hold: s to circle or hover; radius: m, of circles.
    """

    east: float
    north: float
    height: float
    mode: Mode = Mode.PASS
    hold: float = 0.0
    radius: float = 0.0


class Route(NamedTuple):
    """One flier's plan. begin: s since the scenario's start; start: east, north, height; speed: m/s over the ground.

    phase: rad, of its slow changes of speed and heading; fliers of a group have the same. wind: m/s east, north, that
    carries it. The flier exists until the last leg is flown. target: its name is what it will be called after, an
    address of 0 or a serial of "?" are to be given.
    """

    target: Target
    begin: float
    start: tuple[float, float, float]
    legs: tuple[Leg, ...]
    speed: float
    phase: float = 0.0
    wind: tuple[float, float] = (0.0, 0.0)


class Manner(NamedTuple):
    """How a kind moves, besides its traits. acceleration: m/s^2 along its way. meander: rad, off its heading.

    wander: change of speed, a share. dive: m/s, at the very end. smooth: s before and after over which its height is
    smoothed. level: heights count from the ellipsoid.
    """

    acceleration: float
    meander: float
    wander: float
    dive: float
    smooth: int
    level: bool


MANNERS: Mapping[Kind, Manner] = {
    Kind.UAV_PISTON: Manner(0.5, 0.03, 0.02, 20.0, 4, False),
    Kind.UAV_JET: Manner(1.5, 0.03, 0.02, 40.0, 4, False),
    Kind.DECOY: Manner(0.5, 0.04, 0.03, 20.0, 4, False),
    Kind.MULTIROTOR: Manner(2.0, 0.1, 0.1, 5.0, 2, False),
    Kind.CRUISE: Manner(3.0, 0.02, 0.01, 25.0, 3, False),
    Kind.AIRLINER: Manner(0.5, 0.0, 0.01, 12.0, 10, True),
    Kind.HELICOPTER: Manner(1.5, 0.05, 0.05, 6.0, 4, False),
    Kind.LIGHT: Manner(0.7, 0.05, 0.03, 4.0, 6, False),
    Kind.GLIDER: Manner(1.0, 0.1, 0.05, 4.0, 6, False),
    Kind.BIRDS: Manner(1.0, 0.8, 0.1, 2.0, 4, False),
    Kind.BIRD: Manner(1.0, 0.8, 0.1, 2.0, 4, False),
}


def cruise_speed(kind: Kind, share: float, speed: tuple[float, float] = (0.0, 0.0)) -> float:
    """Return m/s, `share` of the way from lowest to highest, so that slow changes stay within. speed: (0, 0) usual."""
    low, high = speed if speed != (0.0, 0.0) else KINDS[kind].speed
    wander = MANNERS[kind].wander if kind in MANNERS else 0.0
    low, high = low / (1 - wander), high / (1 + wander)
    return low + share * max(high - low, 0.0)
