"""What a sensor with a bias, or a fix with a latency, should say of a target, and how that follows from both.

A clock's bias is reported minus true: what is stamped t was measured at t - bias, so it shows the target as it was
then. A fix that is stamped t says where its target was at t - latency. A path is kept in the time of one of those that
measure it, its frame: the target's state at t is that at which this one stamped t, so that what it measures depends on
no clock at all. With true time instead each of its measurements would depend on its clock by the velocity that is
believed at that moment, which differs from that of the moment before; what follows from such differences is nothing
but error, and the filter would take it for knowledge of what no measurement can tell, the clocks' common part.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64
from skywarden.track.biases import CLAIMED, CLOCK, EAST, LATENCY, OWN

NEAR = 200.0  # m, level; nearer to a radar its azimuth is no linear matter


class Expected(NamedTuple):
    """k measurements as they should be. z (k, 3); by_state (k, 3, 6): derivative by ECEF position and velocity.

    by_bias (k, 3, 6 or 4): by the columns of the sensor or of the cooperative target. by_time (k, 3): of z, per s.
    near (k,): whether the target is so near that none of this holds.
    """

    z: F64
    by_state: F64
    by_bias: F64
    by_time: F64
    near: F64


def plots(state: F64, position: F64, rotation: F64, bias: F64) -> Expected:
    """Return range m, azimuth, elevation rad of k targets as radars with biases should report them.

    state (k, 6): ECEF, m and m/s, at the reported time. position (k, 3), rotation (k, 3, 3): enrolled places, ECEF,
    to east, north, up. bias (k, 6): columns of `biases`, the clock's relative to that of the frame.
    """
    clock = bias[:, CLOCK]
    e = np.einsum("kij,kj->ki", rotation, state[:, :3] - clock[:, None] * state[:, 3:] - position)
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
    by_state = np.concatenate([H, -clock[:, None, None] * H], 2)
    return Expected(z, by_state, by_bias, by_time, level < NEAR)


def fixes(state: F64, bias: F64) -> Expected:
    """Return the places, ECEF m, that k cooperative targets should report. state (k, 6).

    bias (k, 4): columns of `biases`, the latency relative to the clock of the frame.
    """
    k, late = len(state), bias[:, LATENCY]
    z = state[:, :3] - late[:, None] * state[:, 3:] + bias[:, :LATENCY]
    one = np.broadcast_to(np.eye(3), (k, 3, 3))
    by_bias = np.zeros((k, 3, CLAIMED))
    by_bias[:, :, :LATENCY], by_bias[:, :, LATENCY] = one, -state[:, 3:]
    by_state = np.concatenate([one, -late[:, None, None] * one], 2)
    return Expected(z, by_state, by_bias, state[:, 3:], np.zeros(k, bool))


def placed(z: F64, position: F64, rotation: F64, bias: F64) -> F64:
    """Return where (k, 3), ECEF m, radars saw what they report as z (k, 3), without their biases (k, 6)."""
    r, azimuth, elevation = (z - bias[:, :CLOCK]).T
    level = r * np.cos(elevation)
    e = np.stack([level * np.sin(azimuth), level * np.cos(azimuth), r * np.sin(elevation)], -1)
    e[:, :2] += bias[:, EAST:]
    return np.asarray(position + np.einsum("kji,kj->ki", rotation, e))
