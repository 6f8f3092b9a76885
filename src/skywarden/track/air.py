"""What sound travels through, as a look has it."""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from skywarden.model.place import F64


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """wind (3,): where the air moves, ECEF m/s. speed: of sound, m/s. What is not known of both, 1 sigma, m/s.

    The defaults say that nobody knows: winds to 10 m/s, and temperatures from 0 to 30 degrees.
    """

    wind: F64 = field(default_factory=lambda: np.zeros(3))
    speed: float = 340.0
    wind_sigma: float = 5.0
    speed_sigma: float = 5.0

    def __post_init__(self) -> None:
        """Raise ValueError for what no air can be."""
        wind = np.array(self.wind, float)
        if wind.shape != (3,) or not np.isfinite(wind).all():
            raise ValueError("wind must be three finite numbers, ECEF m/s")
        if not (isfinite(self.speed) and self.speed > 0):
            raise ValueError("speed, of sound, must be > 0 m/s")
        for name in ("wind_sigma", "speed_sigma"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must be a number, not negative")
        wind.flags.writeable = False
        object.__setattr__(self, "wind", wind)


def fill(row: Any, air: Air) -> None:
    """Write it to a `SENSE` record."""
    row["wind"], row["sound"] = air.wind, air.speed
    row["wind_sigma"], row["sound_sigma"] = air.wind_sigma, air.speed_sigma
