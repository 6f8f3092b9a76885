"""Skies for the tests of sound."""

import numpy as np

from skywarden.sim.sky import Sky, Target


def flat_sky(kind, position, velocity, first=0):
    """Return a sky of one flier; position, velocity (n, 3)."""
    count = len(position)
    target = Target("t1", kind, True)
    return Sky(
        (target,), np.array([first]), np.array([count]), np.array([0]), np.asarray(position), np.asarray(velocity)
    )
