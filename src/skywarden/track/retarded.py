"""When the sound left that comes now."""

from math import sqrt

from skywarden.kernel import inner

FASTEST = 0.95  # of the speed of sound, relative to the air; the sound of who is faster comes from ahead of it
LEAST = 1e-300  # that is divided by


@inner
def retarded(dd: float, du: float, uu: float, sound: float) -> float:
    """Return how many s ago it left, -1 for none: the positive root of (c^2 - u.u) tau^2 + 2 (d.u) tau - d.d = 0.

    Without a difference of near numbers. d: from the ear to where the target is now, m; u: its velocity through the
    air, m/s. dd, du, uu: their products; sound: c, m/s.
    """
    c2 = sound * sound
    if not uu < FASTEST * FASTEST * c2:
        return -1.0
    root = sqrt(du * du + (c2 - uu) * dd)
    return dd / (du + root + LEAST) if du > 0.0 else (root - du) / (c2 - uu)
