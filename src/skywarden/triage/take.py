"""Reports of people, from batches of detections to rows: where the thing probably was, how well that is known.

A direction says nothing of the range. But nobody hears or sees a low thing from far away, so where the reporter stands
says most: the thing is put NEAR metres away, give or take as much.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from skywarden import geo
from skywarden.geo.earth import SEMI_MAJOR
from skywarden.model.detection import Detections, Kind, Reporter
from skywarden.model.place import F64, I64
from skywarden.model.triage import Mark, Told

NEAR = 2000.0  # m from who hears or sees it; assumed
ROUGH = 500.0  # m; where people say that they stand
ROUNDED = 20.0  # s, 1 sigma beside what the decoder takes: people round times, and write later
LEAST_CIRCLE = 800.0  # m, 1 sigma; nobody knows better on a map, whatever the circle
KINDS = (Kind.DIRECTION, Kind.SOUND, Kind.PLANE)


def reported(batches: Sequence[Detections]) -> list[Detections]:
    """Return those batches that people sent, of kinds that say where."""
    return [batch for batch in batches if batch.reporter is not Reporter.DEVICE and batch.kind in KINDS]


def rows(batches: Sequence[Detections]) -> tuple[F64, I64]:
    """Return (n, Told) and (n, Mark) of all reports, in an order that does not depend on theirs."""
    told, marks = [], []
    for batch in batches:
        for k in range(len(batch)):
            where = _circle(batch, k) if batch.kind is Kind.PLANE else _pointed(batch, k)
            told.append((*where, float(np.hypot(batch.time_sigma[k], ROUNDED))))
            word = -1 if batch.evidence is None else int(batch.evidence[k].argmax())
            word = -1 if batch.evidence is None or batch.evidence[k, word] <= 0 else word
            time, number = int(batch.time[k]), int(batch.number[k])
            marks.append((0, time, batch.received, _who(batch), word, 0, number))
    return sorted_rows(np.array(told).reshape(-1, len(Told)), np.array(marks, np.int64).reshape(-1, len(Mark)))


def sorted_rows(told: F64, marks: I64) -> tuple[F64, I64]:
    """Return rows by time, then by everything else they say."""
    keys = [told[:, column] for column in range(len(Told))] + [marks[:, column] for column in range(len(Mark))]
    order = np.lexsort((*keys, marks[:, Mark.WHO], marks[:, Mark.TIME]))
    return told[order], marks[order]


def _who(batch: Detections) -> int:
    """Return a number for who reports: his pseudonym, on the line that he uses."""
    text = "\n".join((batch.sensor, *batch.roots))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _pointed(batch: Detections, k: int) -> tuple[float, ...]:
    assert batch.place is not None
    latitude, longitude, _ = (float(value) for value in geo.geodetic(batch.place.position))
    said, sigma = float(batch.z[k, 0]), float(np.sqrt(batch.covariance[k, 0, 0]))
    way = geo.east_north_up(latitude, longitude) @ batch.place.rotation.T @ [np.sin(said), np.cos(said), 0.0]
    east, north = (float(part) for part in way[:2] / np.hypot(*way[:2]))
    along, across = NEAR**2 + ROUGH**2, (NEAR * np.tan(min(sigma, 1.0))) ** 2 + ROUGH**2
    covariance = along * east * east + across * north * north, (along - across) * east * north
    there = latitude + NEAR * north / SEMI_MAJOR, longitude + NEAR * east / SEMI_MAJOR / _cos(latitude)
    turned = along * north * north + across * east * east
    return (*there, *covariance, turned, latitude, longitude, float(np.arctan2(east, north)), sigma)


def _circle(batch: Detections, k: int) -> tuple[float, ...]:
    latitude, longitude = (float(value) for value in batch.z[k])
    sigma = max(float(np.sqrt(batch.covariance[k, 0, 0])), LEAST_CIRCLE)
    return (latitude, longitude, sigma**2, 0.0, sigma**2, latitude, longitude, np.nan, sigma)


def _cos(latitude: float) -> float:
    return max(float(np.cos(latitude)), 1e-3)
