"""How likely a microphone without bearing hears a target, from where the target was when the sound left.

A node hears what comes nearer than its reach, and its reach is known to some tens of per cent only: that of a node and
of each pass. The sound that comes at t left tau before, with |d - u tau| = c tau where d goes from the node to the
target at t, and u is its velocity relative to the air. So a target nears the node as its sound has it, at distance
c tau, and a node is never silent about one whose sound cannot have come yet. Source: DESIGN.md, sections 4.6 and 4.7.
"""

from math import erfc, exp, log, pi, sqrt
from typing import NamedTuple

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.retarded import retarded

LEAST = 1.0  # m; nearer than that is as near
FAINT = 3.0  # standard deviations of reach beyond which nothing is heard


class Hearing(NamedTuple):
    """What nodes hear of targets. detection: of a target right beside. spread: 1 sigma of the logarithm of reach.

    memory: s, how long a node that hears or misses a target goes on so for the same reason; the default makes ten
    looks, 1 s apart, worth about two. sound: m/s. wind: (3,) ECEF m/s.
    """

    detection: float = 0.9
    spread: float = 0.21
    memory: float = 5.0
    sound: float = 340.0
    wind: tuple[float, float, float] = (0.0, 0.0, 0.0)


@inner
def came(d: F64, u: F64, sound: float) -> float:
    """Return s since the sound left that comes now, -1 for none. d (3,) m: node to target; u (3,): through the air."""
    dd = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    du = d[0] * u[0] + d[1] * u[1] + d[2] * u[2]
    uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    return retarded(dd, du, uu, sound)


@inner
def chance(distance: float, reach: float, detection: float, spread: float) -> float:
    """Return the probability that a node hears a target `distance` m away: a lognormal reach with median `reach`."""
    z = log(max(distance, LEAST) / reach) / spread
    if z > FAINT:
        return 0.0
    return 0.5 * detection * erfc(z / sqrt(2.0))


@inner
def dawning(distance: float, reach: float, detection: float, spread: float) -> float:
    """Return by how much `chance` grows for each m that a target comes nearer, 1/m."""
    near = max(distance, LEAST)
    z = log(near / reach) / spread
    if z > FAINT:
        return 0.0
    return detection * exp(-0.5 * z * z) / (sqrt(2.0 * pi) * spread * near)
