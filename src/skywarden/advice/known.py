"""What advice is worked out from."""

from collections.abc import Sequence
from typing import NamedTuple

from skywarden.model.assessment import Alert, Identity
from skywarden.model.raid import Raids
from skywarden.model.track import Tracks


class Known(NamedTuple):
    """What advice is worked out from, at `time`, ns. sensors: names, by which tracks say who sees them."""

    raids: Raids
    alerts: Sequence[Alert]
    tracks: Tracks
    time: int
    identities: Sequence[Identity] = ()
    sensors: Sequence[str] = ()
