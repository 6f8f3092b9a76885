"""Whose sound a bearing of an array may be although it does not fit: who is known to fly in about that direction.

An echo, a second source of noise, an array that claims more than it can: all that is near the direction of somebody
whom the array hears anyway. A target begun there would live on the other's sounds. Who flies there indeed is heard
by another array in another direction.
"""

from math import atan2, cos, pi, sqrt

from skywarden.kernel import inner
from skywarden.track.looks import Plot, Sense
from skywarden.track.pool import Leaf, Memory
from skywarden.track.reach import turned
from skywarden.track.spots import earshot, unheard
from skywarden.track.view import POLAR

BESIDE = 25.0 * pi / 180.0  # rad of azimuth
RECENT, SURE = 10_000_000_000, 0.5  # ns since it was seen, and existence: of whom a shadow falls
STEEP = cos(60.0 * pi / 180.0)  # of the elevation, from which on a target is in every direction


@inner
def beside(leaf: Leaf, plot: Plot, sense: Sense) -> bool:
    """Return whether a leaf is within earshot of the array and about where a sound comes from, as it was then."""
    dt, x, p, turn = (sense.time - leaf.time) * 1e-9, leaf.mean[0], sense.position, sense.rotation
    d0, d1, d2 = x[0] + dt * x[3] - p[0], x[1] + dt * x[4] - p[1], x[2] + dt * x[5] - p[2]
    away = sqrt(d0 * d0 + d1 * d1 + d2 * d2)
    speed = sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
    if away > sense.reach * (1.0 + speed / sense.sound):
        return False
    late = away / sense.sound
    d0, d1, d2 = d0 - late * x[3], d1 - late * x[4], d2 - late * x[5]
    east = turn[0, 0] * d0 + turn[0, 1] * d1 + turn[0, 2] * d2
    north = turn[1, 0] * d0 + turn[1, 1] * d1 + turn[1, 2] * d2
    flat, slant = sqrt(east * east + north * north), sqrt(d0 * d0 + d1 * d1 + d2 * d2)
    azimuth = plot.z[1] % (2.0 * pi)
    return bool(flat < STEEP * slant or turned(azimuth - atan2(east, north) % (2.0 * pi), POLAR) < BESIDE)


@inner
def shadowed(memory: Memory, plot: Plot) -> bool:
    """Return whether a shown target that is heard anyway is about where a sound of one of many arrays comes from."""
    sense, n, spots = memory.sense[0], memory.counts[1], memory.spots
    far, flown = earshot(sense, sqrt(memory.parameters[0].gate[4]))
    for i in range(n):
        if unheard(spots[i], sense, far, flown):
            continue
        leaf = memory.leaves[i]
        target = memory.targets[leaf.target]
        there = target.confirmed == 1 and target.wedge == 0 and leaf.existence > SURE
        if there and sense.time - target.seen < RECENT and beside(leaf, plot, sense):
            return True
    return False
