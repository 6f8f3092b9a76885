"""What kind of picture there is."""

from enum import StrEnum


class Mode(StrEnum):
    """What kind of picture this is. Only LIVE may ever become the ground for a real warning."""

    LIVE = "live"
    EXERCISE = "exercise"
    SIM = "sim"
    REPLAY = "replay"
