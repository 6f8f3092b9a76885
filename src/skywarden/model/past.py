"""How tracks flew in the last minutes, as the picture keeps it."""

from dataclasses import dataclass, field

import numpy as np

from skywarden.model.place import F64, I64


@dataclass(frozen=True, slots=True)
class Past:
    """number: (n,) public numbers of tracks. mean: (n, 4): velocity, ECEF m/s, and speed m/s, fading means of both."""

    number: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    mean: F64 = field(default_factory=lambda: np.zeros((0, 4)))
