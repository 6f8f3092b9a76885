"""Who claims to be where: what the claims of a tick say, as arrays."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from skywarden.geo.earth import ECCENTRICITY2, SEMI_MINOR
from skywarden.model.assessment import Family
from skywarden.model.detection import NO_ADDRESS, Claim, Detections, Kind, family_of
from skywarden.model.place import F64, I64

FIRST_NAME, SECOND_NAME = "remote_id", "radio_address"  # claims that say who it is, the better one first
DOUBT = "doubt"  # claim that says what its radio frames contradict
NOBODY = -1
_NAMED = 1 << 56  # above every 24-bit address
DIGEST = 7  # bytes
LOWEST, HIGHEST = -600.0, 30e3  # m above the ellipsoid; the Dead Sea lies at -410
LEVEL_MOST, UP_MOST, TIME_MOST = 10e3, 3e3, 10.0  # m, m, s; a claim is not taken to be vaguer than this
FAR = 1e8  # m; what is farther from the middle of the Earth is no place


class Places(NamedTuple):
    """n claims of a place, as columns. identity: who; sensor: hash of the name of who heard it.

    label: of the track that it updated, 0 none. aircraft: by a 24-bit address. time: ns. slack: s, 1 sigma. place:
    (n, 3) ECEF m. level: m^2, variance along the ground. possible: there is such a place in the air. doubted: by what
    its radio frames contradict.
    """

    identity: I64
    sensor: I64
    label: I64
    aircraft: NDArray[np.bool_]
    time: I64
    slack: F64
    place: F64
    level: F64
    possible: NDArray[np.bool_]
    doubted: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Places":
        """Return the rows named, in that order."""
        return Places._make(column[rows] for column in self)


def claimed(batches: Sequence[Detections], matches: Sequence[I64]) -> Places | None:
    """Return what a tick's batches claim, by identity, then time, then sensor; None if nobody claims a place.

    matches: parallel to batches, (m,) int64 label of the track that each detection updated, 0 none.
    """
    found = [
        _places(batch, matched)
        for batch, matched in zip(batches, matches, strict=True)
        if batch.kind is Kind.POSITION and len(batch) and family_of(batch) is Family.CLAIM
    ]
    if not found:
        return None
    said = found[0]
    if len(found) > 1:
        said = Places._make(np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((said.sensor, said.time, said.identity))
    return said.take(order[said.identity[order] != NOBODY])


def _places(batch: Detections, matched: I64) -> Places:
    n = len(batch)
    names, doubted = _said(batch)
    aircraft = batch.address != NO_ADDRESS
    sensor = np.full(n, crc32(batch.sensor.encode()), np.int64)
    identity = np.where(aircraft, batch.address, names)
    level, possible = _earthly(batch.z, batch.covariance)
    slack = np.fmax(np.fmin(batch.time_sigma, TIME_MOST), 0.0)
    return Places(identity, sensor, matched, aircraft, batch.time, slack, batch.z, level, possible, doubted)


def _said(batch: Detections) -> tuple[I64, NDArray[np.bool_]]:
    """Return (n,) whose name a detection bears, NOBODY without one, and (n,) whether its radio frames are in doubt."""
    who, doubted = dict[int, Claim](), np.zeros(len(batch), bool)
    for claim in batch.claims:
        if claim.name == FIRST_NAME:
            who[claim.index] = claim
        elif claim.name == SECOND_NAME:
            who.setdefault(claim.index, claim)
        elif claim.name == DOUBT:
            doubted[claim.index] = True
    identity = np.full(len(batch), NOBODY)
    identity[list(who)] = [_NAMED | _hash(claim) for claim in who.values()]
    return identity, doubted


def _hash(claim: Claim) -> int:
    said = f"{claim.name} {claim.value}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(said, digest_size=DIGEST).digest())


def upward(place: F64) -> F64:
    """Return (n, 3) ECEF unit vectors away from the ground; at 30 km height they are 0.001 deg off."""
    normal = place / (1.0, 1.0, 1.0 - ECCENTRICITY2)
    return np.asarray(normal / np.sqrt(np.einsum("ni,ni->n", normal, normal))[:, None])


def _earthly(place: F64, covariance: F64) -> tuple[F64, NDArray[np.bool_]]:
    """Return (n,) m^2 variance along the ground, the mean of its two directions, and (n,) whether one can fly there.

    Heights are counted along the line to the middle of the Earth: at 30 km that is 0.2 m off.
    """
    with np.errstate(all="ignore"):
        radius = np.sqrt(np.einsum("ni,ni->n", place, place))
        ground = SEMI_MINOR / np.sqrt(1.0 - ECCENTRICITY2 * (1.0 - (place[:, 2] / radius) ** 2))
        up = upward(place)
        vertical = np.einsum("ni,nij,nj->n", up, covariance, up)
        level = 0.5 * (np.einsum("nii->n", covariance) - vertical)
        sigma = np.sqrt(np.fmax(np.fmin(vertical, UP_MOST**2), 0.0))
        height = radius - ground
        possible = (radius < FAR) & (height + 4 * sigma >= LOWEST) & (height - 4 * sigma <= HIGHEST)
        return np.fmax(np.fmin(level, LEVEL_MOST**2), 0.0), possible
