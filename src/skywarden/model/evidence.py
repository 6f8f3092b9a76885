"""What sources have said of what tracks are, as the picture keeps it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skywarden.model.known import Known
from skywarden.model.place import I64


@dataclass(frozen=True, slots=True)
class Evidence:
    """rows: records of `identify.rows`, which alone knows what is in them, one for each track and who spoke of it.

    names: of those who spoke -> the number that rows have of them. seen: (n, 4) int64, of each track: its key as in
    rows, and ns, when it was last measured by what is in the configuration, when it said itself where it is, and when
    anybody else told of it; 0 never. begun: flights of our own that have begun. claimed: identities that targets
    claim, and what cannot be true of them.
    """

    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    names: dict[str, int] = field(default_factory=dict)
    seen: I64 = field(default_factory=lambda: np.zeros((0, 4), np.int64))
    begun: tuple[str, ...] = ()
    claimed: Known = field(default_factory=Known)
