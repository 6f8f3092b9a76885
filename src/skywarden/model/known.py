"""What is known of the identities that targets claim: where each was said to be last, and what cannot be true of it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Known:
    """Claimed identities, as `identify.doubts` keeps them.

    time: ns, of the last tick. rows: records of `identify.table`, in the order of the identities. layout: of the
    records; those of another version cannot be read. beyond: claims that were not looked at for want of room, since the
    start.
    """

    time: int = 0
    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    layout: str = ""
    beyond: int = 0
