"""What sources have said of what tracks are, as the picture keeps it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skywarden.model.known import Known


@dataclass(frozen=True, slots=True)
class Evidence:
    """rows: records of `identify.rows`, which alone knows what is in them, one for each track and who spoke of it.

    names: of those who spoke -> the number that rows have of them. claimants: sensors, in the order of their names,
    that tell what targets say themselves. claimed: the identities that they claim, and what cannot be true of them.
    """

    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    names: dict[str, int] = field(default_factory=dict)
    claimants: tuple[str, ...] = ()
    claimed: Known = field(default_factory=Known)
