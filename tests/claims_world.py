"""Invented claims of who is where, and short ways to let them be doubted. For the tests of `identify.doubts`."""

from collections.abc import Iterable, Iterator, Sequence
from math import cos, radians
from typing import NamedTuple

import numpy as np

from skywarden.geo import ecef
from skywarden.identify.doubts import doubted, words
from skywarden.model.assessment import Family
from skywarden.model.detection import NO_ADDRESS, Claim, Detections, Kind, detections
from skywarden.model.known import Known
from skywarden.model.place import I64

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
DEGREE = 111_195.0  # m
HOME = (49.0, 2.5)


class Said(NamedTuple):
    """One claim. who: an address or a serial number; at: s; east, north: m from HOME; up: m; label: matched track."""

    who: int | str
    at: float
    east: float = 0.0
    north: float = 0.0
    up: float = 500.0
    label: int = 0
    sensor: str = "mast"
    doubt: str = ""


def batches(said: Sequence[Said], sigma: float = 5.0, slack: float = 0.2) -> tuple[list[Detections], list[I64]]:
    """Return what one tick's claims are as batches, one for each sensor, and the labels beside them."""
    found, matches = [], []
    for sensor in sorted({one.sensor for one in said}):
        mine = [one for one in said if one.sensor == sensor]
        latitude = [radians(HOME[0] + one.north / DEGREE) for one in mine]
        longitude = [radians(HOME[1] + one.east / DEGREE / cos(radians(HOME[0]))) for one in mine]
        claims = [Claim(k, "remote_id", one.who) for k, one in enumerate(mine) if isinstance(one.who, str)]
        claims += [Claim(k, "doubt", one.doubt) for k, one in enumerate(mine) if one.doubt]
        batch = detections(
            Kind.POSITION,
            sensor,
            START,
            np.array([START + round(one.at * SECOND) for one in mine], np.int64),
            ecef(np.array(latitude), np.array(longitude), np.array([one.up for one in mine])),
            np.tile(np.eye(3) * sigma**2, (len(mine), 1, 1)),
            time_sigma=slack,
            address=np.array([NO_ADDRESS if isinstance(one.who, str) else one.who for one in mine], np.int64),
            claims=tuple(claims),
            family=Family.CLAIM,
        )
        found.append(batch)
        matches.append(np.array([one.label for one in mine], np.int64))
    return found, matches


def told(said: Iterable[Said], until: float = 0.0, known: Known | None = None, slack: float = 0.2) -> Iterator[Known]:
    """Yield what is known after each tick of 0.1 s with a claim in it, and once more at `until`."""
    known = Known() if known is None else known
    ticks: dict[int, list[Said]] = {}
    for one in said:
        ticks.setdefault(int(one.at * 10) + 1, []).append(one)
    for tick, mine in sorted(ticks.items()):
        known = doubted(known, *batches(mine, slack=slack), START + tick * SECOND // 10)
        yield known
    if until:
        yield doubted(known, [], [], START + round(until * SECOND))


def of(known: Known) -> list[tuple[str, ...]]:
    """Return the words of each identity."""
    return [words(int(doubts)) for doubts in known.rows["doubts"]]
