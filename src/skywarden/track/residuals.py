"""What a sensor with a bias, or a cooperative target with an offset, should say of a place, and how that follows.

A clock's bias is reported minus true, a latency likewise: what is stamped t was so at t - bias. Whoever compares brings
the state to that time, so clocks are not asked for here; how much a later clock would change is `by_time`, negative.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64
from skywarden.track.biases import CLAIMED, CLOCK, EAST, LATENCY, OWN

NEAR = 200.0  # m, level; nearer to a radar its azimuth is no linear matter


class Expected(NamedTuple):
    """k measurements as they should be. z (k, 3); by_place (k, 3, 3): derivative by ECEF position.

    by_bias (k, 3, 6 or 4): by the columns of the sensor or of the cooperative target. by_time (k, 3): of z, per s.
    near (k,): whether the target is so near that none of this holds.
    """

    z: F64
    by_place: F64
    by_bias: F64
    by_time: F64
    near: NDArray[np.bool_]


def plots(state: F64, position: F64, rotation: F64, bias: F64) -> Expected:
    """Return range m, azimuth, elevation rad of k targets as radars with biases should report them.

    state (k, 6): ECEF, m and m/s, when it was measured. position (k, 3), rotation (k, 3, 3): enrolled places, ECEF, to
    east, north, up. bias (k, 6): columns of `biases`.
    """
    e = np.einsum("kij,kj->ki", rotation, state[:, :3] - position)
    e[:, :2] -= bias[:, EAST:]
    slant = np.maximum(np.sqrt((e**2).sum(1)), 1.0)
    level = np.maximum(np.hypot(e[:, 0], e[:, 1]), 1.0)
    z = np.stack([slant, np.arctan2(e[:, 0], e[:, 1]), np.arctan2(e[:, 2], level)], -1) + bias[:, :CLOCK]
    inner = np.zeros((len(e), 3, 3))
    inner[:, 0] = e / slant[:, None]
    inner[:, 1, 0], inner[:, 1, 1] = e[:, 1] / level**2, -e[:, 0] / level**2
    inner[:, 2, :2] = -e[:, :2] * (e[:, 2] / (slant**2 * level))[:, None]
    inner[:, 2, 2] = level / slant**2
    H = inner @ rotation
    by_time = np.einsum("kij,kj->ki", H, state[:, 3:])
    by_bias = np.zeros((len(e), 3, OWN))
    by_bias[:, :, :CLOCK] = np.eye(3)
    by_bias[:, :, CLOCK], by_bias[:, :, EAST:] = -by_time, -inner[:, :, :2]
    return Expected(z, H, by_bias, by_time, level < NEAR)


def fixes(state: F64, bias: F64) -> Expected:
    """Return the places, ECEF m, that k cooperative targets should report. state (k, 6): when they were there.

    bias (k, 4): columns of `biases`.
    """
    one = np.broadcast_to(np.eye(3), (len(state), 3, 3))
    by_bias = np.zeros((len(state), 3, CLAIMED))
    by_bias[:, :, :LATENCY], by_bias[:, :, LATENCY] = one, -state[:, 3:]
    return Expected(state[:, :3] + bias[:, :LATENCY], one, by_bias, state[:, 3:], np.zeros(len(state), bool))


def placed(z: F64, position: F64, rotation: F64, bias: F64) -> F64:
    """Return where (k, 3), ECEF m, radars saw what they report as z (k, 3), without their biases (k, 6)."""
    r, azimuth, elevation = (z - bias[:, :CLOCK]).T
    level = r * np.cos(elevation)
    e = np.stack([level * np.sin(azimuth), level * np.cos(azimuth), r * np.sin(elevation)], -1)
    e[:, :2] += bias[:, EAST:]
    return np.asarray(position + np.einsum("kji,kj->ki", rotation, e))
