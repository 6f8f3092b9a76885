"""What other systems tell of their tracks, as people see it."""

from typing import NamedTuple

from skywarden.model.event import TrackStates


class Foreign(NamedTuple):
    """Tracks of other systems, as these tell them, n lists of one length. sensor: which system; subject: its number.

    states: where they are at the picture's time; `number` there is the subject. told: ns, when it was so. track: number
    of the track of ours that each is, 0 none.
    """

    sensor: list[str]
    states: TrackStates
    address: list[int]
    told: list[int]
    track: list[int]
