"""Evidence for tests: looks, rows and tracks made by hand."""

from dataclasses import replace

import numpy as np

from skywarden.identify.rows import K, Looks
from skywarden.identify.weigh import factor
from skywarden.model.assessment import CLASSES, Class, Family
from skywarden.model.place import F64
from skywarden.model.track import Status, Tracks

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
LATER = START + 86_400 * SECOND  # after all that tests say
ABOVE = np.array([6_371_000.0, 0.0, 0.0])  # ECEF m, a place on the equator


def nats(**said: float) -> F64:
    """Return (K,) nats; keywords are names of `Class`."""
    found = np.zeros(K)
    for name, value in said.items():
        found[CLASSES.index(Class[name])] = value
    return found


def look(
    key: int,
    says: F64,
    *,
    family: Family = Family.CAMERA,
    source: int = 1,
    node: int = 0,
    at: float = 0.0,
    anybody: bool = False,
    calm: bool = False,
    echo: float = np.nan,
) -> Looks:
    """Return one statement. at: s."""
    i = lambda value: np.array([value], np.int64)  # noqa: E731
    flags = np.array([anybody]), np.array([calm])
    time = i(START + round(at * SECOND))
    harm = np.maximum(factor(says[None]), 0.0) * anybody
    return Looks(i(key), i(source), i(node), i(int(family)), *flags, time, says[None], np.array([echo]), harm)


def flying(n: int, *, time: int = START, speed: float = 50.0) -> Tracks:
    """Return n confirmed tracks with the labels 101 ... and numbers 1 ..., 20 km from each other, 1 km up."""
    filled = {name: np.zeros((n, *getattr(Tracks.empty(), name).shape[1:])) for name in Tracks.__slots__}
    known = Tracks(**filled)
    mean = np.zeros((n, 6))
    mean[:, 0], mean[:, 1], mean[:, 5] = ABOVE[0] + 1000.0, 20_000.0 * np.arange(n), speed
    some = np.arange(n, dtype=np.int64)
    return replace(
        known,
        label=101 + some,
        number=1 + some,
        status=np.full(n, Status.CONFIRMED, np.int8),
        time=np.full(n, time),
        heard=np.full(n, time),
        mean=mean,
        covariance=np.tile(np.diag([100.0**2] * 3 + [2.0**2] * 3), (n, 1, 1)),
        existence=np.ones(n),
        since=np.full(n, START - 60 * SECOND),
        born=np.full(n, START - 70 * SECOND),
        address=np.full(n, -1),
        seen_by=np.full((n, 4), -1),
        seen_at=np.zeros((n, 4), np.int64),
        kind=np.zeros(n, np.int8),
    )
