"""What registration knows between two ticks: of each group of sensors, and which corrections hold from when."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64, Registration

Columns = tuple[NDArray[np.generic], ...]


def _none() -> I64:
    return np.zeros((0, 4), np.int64)


class Stray(NamedTuple):
    """A sensor that shares hardly a target with others of its group. time: ns, when it last did so; fault: as below."""

    sensor: str
    time: int
    fault: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a group saw in the last minutes, kept while one strays. at (k, 2): m east and north of its first sensor.

    who (k, 3): ns, sensor of the group or -1 a fix, target.
    """

    who: I64 = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    at: F64 = field(default_factory=lambda: np.zeros((0, 2)))


@dataclass(frozen=True, slots=True)
class Group:
    """Sensors that are registered together, and what is known of them. time: ns, up to when.

    names: of the sensors. columns: of `track.register.Register`, in the order of `track.group`. aliases (k, 4): label
    of the tracker, of which target it is, ns when it was last seen, and whether it has been told from another; tries
    (k, 4): label, label, of which windows in a row might be one target, and 1 where only if its sensor had jumped.
    failed: steps one after another that broke. strays, seen: see `track.strays`. heard: ns, the end of the last window
    that had something of each sensor.
    """

    names: tuple[str, ...]
    columns: Columns
    time: int
    aliases: I64 = field(default_factory=_none)
    tries: I64 = field(default_factory=_none)
    failed: int = 0
    strays: tuple[Stray, ...] = ()
    seen: Seen = field(default_factory=Seen)
    heard: tuple[int, ...] = ()


class Standing(NamedTuple):
    """How well the biases of a sensor are known. sigma: range m, azimuth, elevation rad, clock s, 1 sigma, rounded.

    relative: only what it differs from others of its group by is known. fault: what is wrong and no bias, or "".
    """

    sensor: str
    sigma: tuple[float, float, float, float]
    relative: bool
    fault: str


@dataclass(frozen=True, slots=True)
class Registered:
    """What registration knows. versions: that hold or will, by sensor and version; those configured are version 1.

    since: ns, measurements before were corrected by another configuration. until: ns, windows before it are taken in;
    done: groups that have taken in the one after it. heard: records of `track.overheard` from there on, as bytes.
    left: sensors that no group had room for. digest: over what people and measurements get to see of it.
    """

    versions: tuple[Registration, ...] = ()
    standing: tuple[Standing, ...] = ()
    since: int = 0
    until: int = 0
    done: int = 0
    groups: tuple[Group, ...] = ()
    heard: tuple[NDArray[np.void], ...] = ()
    left: tuple[str, ...] = ()
    digest: str = ""
