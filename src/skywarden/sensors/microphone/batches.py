"""Columns -> Detections: one batch of each kind for all nodes of a frame."""

from collections.abc import Iterator
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Detections, ErrorMeaning, Frame, Kind, TimeKind, detections
from skywarden.model.place import F64, I64
from skywarden.sensors.microphone.layout import HEARTBEAT, NO_ANGLE, NO_AZIMUTH, NO_WIND, REPORT, Flags
from skywarden.sensors.microphone.reading import Said

TIME_SIGMA, LOOSE_TIME_SIGMA = 0.05, 2.0  # s; assumed, the second without a synchronised clock
LEVEL_SIGMA, CLIPPED_SIGMA = 3.0, 10.0  # dB; assumed
F0_SIGMA = 1.0  # Hz, where the node says none
NOISE_SIGMA, WIND_SIGMA = 3.0, 1.0  # dB, m/s; assumed
LOOK, ALIVE_EVERY = 1.0, 60.0  # s
STEP = np.radians(0.01)  # rad; azimuth, elevation and their errors


class Measured(NamedTuple):
    """Messages that are used. rows: (m,) which of `said`; origin: (m, 3) ECEF m, where each node stands.

    known: nodes that are in the configuration.
    """

    source: str
    received: int
    said: Said
    rows: I64
    origin: F64
    known: I64

    def take(self, keep: NDArray[np.bool_]) -> "Measured":
        """Return the messages where `keep` is true."""
        return self._replace(rows=self.rows[keep], origin=self.origin[keep])


class Common(TypedDict):
    """What batches of all kinds have alike."""

    time_sigma: F64
    time_kind: TimeKind
    subject: I64
    number: I64
    node: I64
    origin: F64
    enrolled: NDArray[np.bool_]


def batches(frame: Frame, said: Said, good: NDArray[np.bool_], origin: F64, known: I64) -> Iterator[Detections]:
    """Yield SOUND, PRESENCE and SILENCE of the good messages, in their order.

    origin: (n, 3) ECEF m. known: nodes that are in the configuration.
    """
    rows = np.flatnonzero(good)
    measured = Measured(frame.source, frame.received, said, rows, origin[rows], known)
    heard = measured.take(said.type[rows] == REPORT)
    pointed = heard.take(said.heard["azimuth"][heard.rows] != NO_AZIMUTH)
    alive = measured.take(said.type[rows] == HEARTBEAT)
    if len(pointed.rows):
        yield sound(pointed)
    if len(heard.rows):
        yield presence(heard)
    if len(alive.rows):
        yield silence(alive)


def sound(measured: Measured) -> Detections:
    """Return azimuth, elevation rad (NaN none) of where each sound came from, and its fundamental Hz (NaN none)."""
    heard, rows = measured.said.heard, measured.rows
    elevation = heard["elevation"][rows]
    f0, f0_sigma = tones(heard, rows)
    sigma_azimuth = heard["sigma_azimuth"][rows] * STEP
    sigma_elevation = np.maximum(heard["sigma_elevation"][rows], 1) * STEP
    covariance = _covariance(sigma_azimuth, sigma_elevation, f0_sigma)
    covariance[:, 0, 1] = covariance[:, 1, 0] = heard["correlation"][rows] * 1e-4 * sigma_azimuth * sigma_elevation
    up = np.where(elevation == NO_ANGLE, np.nan, elevation * STEP)
    z = np.stack([heard["azimuth"][rows] * STEP, up, f0], -1)
    return _batch(Kind.SOUND, measured, z, covariance, LOOK)


def presence(measured: Measured) -> Detections:
    """Return level dB, fundamental Hz (NaN none) and the evidence of each look."""
    heard, rows = measured.said.heard, measured.rows
    clipped = (heard["flags"][rows] & Flags.CLIPPED) != 0
    f0, f0_sigma = tones(heard, rows)
    covariance = _covariance(np.where(clipped, CLIPPED_SIGMA, LEVEL_SIGMA), f0_sigma)
    z = np.stack([heard["level"][rows] * 0.01, f0], -1)
    return _batch(Kind.PRESENCE, measured, z, covariance, LOOK, measured.said.llr[rows])


def tones(heard: NDArray[np.void], rows: I64) -> tuple[F64, F64]:
    """Return the fundamental of each report, Hz (NaN none), and its error, 1 sigma."""
    f0, sigma = heard["f0"][rows], heard["f0_sigma"][rows]
    return np.where(f0 == 0, np.nan, f0 * 1e-3), np.where(sigma == 0, F0_SIGMA, sigma * 0.01)


def silence(measured: Measured) -> Detections:
    """Return noise floor dB, wind m/s (NaN not measured)."""
    alive, rows = measured.said.alive, measured.rows
    wind = alive["wind"][rows]
    sigma = np.full(len(wind), 1.0)
    z = np.stack([alive["noise"][rows] * 0.01, np.where(wind == NO_WIND, np.nan, wind * 0.1)], -1)
    return _batch(Kind.SILENCE, measured, z, _covariance(NOISE_SIGMA * sigma, WIND_SIGMA * sigma), ALIVE_EVERY)


def _covariance(*sigmas: F64) -> F64:
    found = np.zeros((len(sigmas[0]), len(sigmas), len(sigmas)))
    for k, sigma in enumerate(sigmas):
        found[:, k, k] = sigma**2
    return found


def _batch(  # noqa: PLR0913 - what differs between the kinds
    kind: Kind, measured: Measured, z: F64, covariance: F64, revisit: float, evidence: F64 | None = None
) -> Detections:
    said, rows = measured.said, measured.rows
    head = said.alive if kind is Kind.SILENCE else said.heard
    loose = (head["flags"][rows] & Flags.CLOCK) != 0
    common = Common(
        time_sigma=np.where(loose, LOOSE_TIME_SIGMA, TIME_SIGMA),
        time_kind=TimeKind.ARRIVAL,
        subject=head["node"][rows].astype(np.int64),
        number=head["number"][rows].astype(np.int64),
        node=head["node"][rows].astype(np.int64),
        origin=measured.origin,
        enrolled=np.isin(head["node"][rows], measured.known),
    )
    return detections(
        kind,
        measured.source,
        measured.received,
        head["time"][rows].astype(np.int64),
        z,
        covariance,
        error_meaning=ErrorMeaning.SIGMA if kind is Kind.SOUND else ErrorMeaning.ASSUMED,
        revisit=revisit,
        evidence=evidence,
        **common,
    )
