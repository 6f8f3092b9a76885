"""A table of flights by which a node may begin to hear something, spread evenly over what is expected."""

from functools import cache
from statistics import NormalDist
from typing import NamedTuple, Protocol

import numpy as np

from skywarden.model.place import F64

SLOWEST, FASTEST = 30.0, 250.0  # m/s
USUAL = (38.0, 75.0)  # m/s, of most targets: one-way UAVs with a piston engine (DESIGN.md, section 1)
USUALLY = 0.6  # of all targets
USUAL_COUNT = 4096  # flights that the engine asks with, at most
LOWEST, HIGHEST = 50.0, 2000.0  # m above the nodes; those that fly higher are heard by few


class Flights(NamedTuple):
    """s flights by which one node may begin to hear, each column (s,). sine, cosine: of the azimuth flown to. side: of

    the node, in parts of its reach; reach: in parts of the expected; speed: m/s; height: m.
    """

    sine: F64
    cosine: F64
    side: F64
    reach: F64
    speed: F64
    height: F64


class Flight(Protocol):
    """One of them, as kernels take it."""

    sine: float
    cosine: float
    side: float
    reach: float
    speed: float
    height: float


FLIGHT = np.dtype([(name, "f8") for name in Flights._fields])


def flights(count: int, spread: float) -> Flights:
    """Return `count` flights, spread evenly over what is expected. spread: of the logarithm of reach.

    Source: additive recurrence with the powers of the root of x^6 = x + 1 (Roberts 2018), for even filling without
    random numbers.
    """
    even = _even(count)
    turn, side, reach, speed, height = even.T
    usual, rare = speed < USUALLY, (speed - USUALLY) / (1.0 - USUALLY)
    among = np.where(usual, _between(*USUAL, speed / USUALLY), _between(SLOWEST, FASTEST, rare))
    return Flights(
        np.sin(2 * np.pi * turn),
        np.cos(2 * np.pi * turn),
        2.0 * side - 1.0,
        np.exp(spread * (_usual()[:count] if count <= USUAL_COUNT else _normal(reach))),
        among,
        _between(LOWEST, HIGHEST, height),
    )


def _even(count: int) -> F64:
    """Return (count, 5) numbers in 0 to 1; those of fewer are the first of those of more."""
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / 6.0)
    return np.asarray((0.5 + np.arange(1, count + 1)[:, None] * root ** -np.arange(1.0, 6.0)) % 1.0)


def _normal(part: F64) -> F64:
    """Return what a standard normal variable is below with these probabilities."""
    normal = NormalDist()  # of SciPy, which a first track should not have to wait for, one function would be used
    return np.array([normal.inv_cdf(each) for each in part.tolist()])


@cache
def _usual() -> F64:
    """Return the reaches of USUAL_COUNT flights as normal numbers: some ms, too much for each second."""
    return _normal(_even(USUAL_COUNT)[:, 2])


def _between(low: float, high: float, part: F64) -> F64:
    """Return values between two, evenly by their logarithms."""
    return np.asarray(low * (high / low) ** part)
