"""Whom to believe: what settled measurements of common targets say of each sensor, and what people say."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64


class Word(StrEnum):
    """What is said of a sensor or source."""

    UNKNOWN = "unknown"  # nothing can be compared
    CONSISTENT = "consistent"
    DOUBTFUL = "doubtful"
    QUARANTINED = "quarantined"
    TRUSTED = "trusted"  # a person says so, against the statistics


@dataclass(frozen=True, slots=True)
class Compared:
    """What plots of common targets have come to, by pairs of sensors, window by window of the settled chain.

    enrolled: sensors of the configuration; only these say who is off, or all, where there are none. names: sensors.
    who (p, 2): rows of names, the smaller first. sums (p, 3): plots compared, those far from where the other has
    the target, and their normalised innovations squared, each fading. worse, well (s,): ns, since when most say
    that it is off, and since when nobody does, 0 not now; out (s,): ns, since when it is in quarantine by this, 0
    not. until: ns, windows before are in. heard: records of `track.overheard` from there on, as bytes. digest: over
    all but `heard`.
    """

    names: tuple[str, ...] = ()
    who: I64 = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    sums: F64 = field(default_factory=lambda: np.zeros((0, 3)))
    worse: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    well: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    out: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    until: int = 0
    heard: tuple[NDArray[np.void], ...] = ()
    digest: str = ""
    enrolled: tuple[str, ...] = ()


class Ruling(NamedTuple):
    """What a person says of a sensor or source. good: it is to be believed; else not. until, at: ns. by: his name."""

    name: str
    good: bool
    until: int
    reason: str
    by: str
    at: int


class Standing(NamedTuple):
    """What is known of one sensor or source. since: ns, of this word. by: the person who says so, "" the statistics.

    plots: compared with others' lately, fading; outside: share of them far from where others have the target; ratio:
    mean of normalised innovations squared, over the number of components, each at most 25; about 1 is as claimed.
    alone: share of its targets that two others or more should see and none does; of so many looked at, `asked`.
    """

    name: str
    word: Word
    since: int
    reasons: tuple[str, ...] = ()
    by: str = ""
    plots: float = 0.0
    outside: float = 0.0
    ratio: float = 0.0
    alone: float = 0.0
    asked: float = 0.0


class Wire(NamedTuple):
    """Of one source: messages as counted a second ago, and what came lately, fading. flood, clock: see `trust.wires`.

    good, over, late: in all so far: understood, too many, at an impossible time. came, much, wrong: the same, fading.
    flooded, timed: ns, since when most of it is one of these; 0 not. calm, right: ns, since when hardly any is, 0 not.
    flood, clock: it is in quarantine for it.
    """

    name: str
    good: int = -1
    over: int = 0
    late: int = 0
    came: float = 0.0
    much: float = 0.0
    wrong: float = 0.0
    flooded: int = 0
    timed: int = 0
    calm: int = 0
    right: int = 0
    flood: bool = False
    clock: bool = False


class Trust(NamedTuple):
    """All of it, between two ticks. Names are those of sensors and of sources."""

    standing: tuple[Standing, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    wires: tuple[Wire, ...] = ()

    @property
    def quarantined(self) -> frozenset[str]:
        """Return who is believed least: what they say is kept and used for harm, and clears nothing."""
        return frozenset(one.name for one in self.standing if one.word is Word.QUARANTINED)
