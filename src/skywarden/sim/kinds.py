"""What flies in a scenario, one row per kind: how it moves, what a radar sees of it, what a microphone hears of it.

Sources: DESIGN.md sections 1 and 9 (speeds, heights, source levels: reported or derived figures, not measurements of
ours); Skolnik, Introduction to Radar Systems, 3rd ed., table 2.1 (orders of magnitude of radar cross sections).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What flies. The words are those of scenario files and of the column `class` of truth.csv."""

    UAV_PISTON = "uav-piston"  # one-way, piston engine
    UAV_JET = "uav-jet"  # one-way, jet engine
    DECOY = "decoy"
    MULTIROTOR = "multirotor"
    CRUISE = "cruise-missile"
    BALLISTIC = "ballistic"
    AIRLINER = "airliner"
    HELICOPTER = "helicopter"
    LIGHT = "light-aircraft"
    GLIDER = "glider"
    BIRDS = "birds"  # a flock
    BIRD = "bird"  # a single one


class Voice(NamedTuple):
    """How something sounds. level_db: re 20 uPa at 1 m, all lines together; broadband_db: above or below that.

    fundamental_hz: lowest and highest; lines: number of harmonics; slope_db: a line's level per octave above the first.
    """

    level_db: float
    fundamental_hz: tuple[float, float]
    lines: int
    slope_db: float
    broadband_db: float


class Traits(NamedTuple):
    """One kind. speed: m/s, lowest and highest; height: m above the ground or sea; turn: rad/s; climb: m/s.

    section_m2: mean radar cross section, m^2; swerling: 1 (large, slow) or 3; voice: None if it cannot be heard.
    raid: it comes to do harm; words: its class in the words of DESIGN section 5.
    """

    speed: tuple[float, float]
    height: tuple[float, float]
    turn: float
    climb: float
    section_m2: float
    swerling: int
    voice: Voice | None
    raid: bool
    words: str


VOICES: Mapping[Kind, Voice] = {
    Kind.UAV_PISTON: Voice(120, (85, 125), 40, -4.5, -10),
    Kind.UAV_JET: Voice(112, (500, 850), 6, -6, 12),
    Kind.DECOY: Voice(116, (90, 130), 40, -4.5, -10),
    Kind.MULTIROTOR: Voice(82, (160, 230), 30, -3, -5),
    Kind.CRUISE: Voice(115, (350, 600), 6, -6, 15),
    Kind.HELICOPTER: Voice(128, (15, 25), 40, -4, 0),
    Kind.LIGHT: Voice(118, (70, 90), 40, -5, -6),
}


KINDS: Mapping[Kind, Traits] = {
    Kind.UAV_PISTON: Traits((45, 55), (50, 4900), 0.05, 4, 0.1, 1, VOICES[Kind.UAV_PISTON], True, "one-way UAV piston"),
    Kind.UAV_JET: Traits((90, 165), (100, 4000), 0.05, 10, 0.1, 1, VOICES[Kind.UAV_JET], True, "one-way UAV jet"),
    Kind.DECOY: Traits((40, 55), (100, 3000), 0.06, 4, 0.1, 1, VOICES[Kind.DECOY], True, "decoy"),
    Kind.MULTIROTOR: Traits((5, 20), (20, 150), 0.8, 5, 0.02, 1, VOICES[Kind.MULTIROTOR], True, "multirotor"),
    Kind.CRUISE: Traits((200, 250), (30, 150), 0.1, 25, 0.1, 1, VOICES[Kind.CRUISE], True, "cruise missile"),
    Kind.BALLISTIC: Traits((1000, 2200), (0, 90_000), 0.0, 2000, 0.3, 1, None, True, "ballistic"),
    Kind.AIRLINER: Traits((200, 250), (8000, 12_000), 0.026, 12, 50, 1, None, False, "aeroplane"),
    Kind.HELICOPTER: Traits((40, 70), (60, 600), 0.07, 6, 3, 1, VOICES[Kind.HELICOPTER], False, "helicopter"),
    Kind.LIGHT: Traits((40, 70), (300, 2500), 0.06, 4, 2, 1, VOICES[Kind.LIGHT], False, "aeroplane"),
    Kind.GLIDER: Traits((22, 40), (500, 3000), 0.3, 4, 0.5, 1, None, False, "aeroplane"),
    Kind.BIRDS: Traits((9, 20), (20, 1500), 0.3, 2, 0.02, 1, None, False, "bird"),
    Kind.BIRD: Traits((8, 18), (20, 600), 0.3, 2, 0.003, 1, None, False, "bird"),
}
