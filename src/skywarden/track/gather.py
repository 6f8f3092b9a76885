"""One tick's batches -> looks: detections side by side, cut into looks that each hold one instant, in time order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.detection import Detections, Kind
from skywarden.model.place import I64
from skywarden.track.measure import PER_KM2, ROWS
from skywarden.track.pool import SENSE, WIDTH, Rows
from skywarden.track.prepare import Given
from skywarden.track.settings import TrackerSettings

SLICE = 1_000_000_000  # ns; a look is one instant to the filter, and a turn of an antenna is not
SHORTEST = 0.05  # s; no sensor looks more often
WIDE = 1e12  # m; how far a sensor reaches, which nobody says


class Gathered(NamedTuple):
    """given: detections in the order of looks; owner (n,): batch of each; row (n,): its row there. looks: `Sense`.

    sensors: names, old ones first.
    """

    given: Given
    owner: I64
    row: I64
    looks: Rows
    sensors: tuple[str, ...]


def gather(batches: Sequence[Detections], sensors: tuple[str, ...], settings: TrackerSettings) -> Gathered:
    """Lay the batches side by side and cut them: a look is what one batch has of one scan within a second.

    Looks go by the middle of their times, those of equal time by sensor name, then the sensor's own message number;
    the order in which batches were handed in only decides between batches that are equal in all this.
    """
    owner = np.repeat(np.arange(len(batches)), [len(b) for b in batches])
    time, scan, number = (np.concatenate([getattr(b, name) for b in batches]) for name in ("time", "scan", "number"))
    rows, part = _parts(owner, scan, time)
    begin = np.flatnonzero(np.diff(part, prepend=-1))
    first, last = (reduce.reduceat(time[rows], begin) for reduce in (np.minimum, np.maximum))
    middle, head = first + (last - first) // 2, rows[begin]
    names = sorted({batch.sensor for batch in batches})
    rank = np.array([names.index(batch.sensor) for batch in batches])
    order = np.lexsort((owner[head], number[head], rank[owner[head]], middle))
    length = np.diff(np.append(begin, len(rows)))[order]
    start = np.concatenate(([0], np.cumsum(length)))
    inside = np.arange(len(rows)) - np.repeat(start[:-1], length)
    flat = rows[np.repeat(begin[order], length) + inside]
    heads = owner[head[order]]
    sensors += tuple(name for name in dict.fromkeys(batches[k].sensor for k in heads.tolist()) if name not in sensors)
    looks = _senses(batches, sensors, settings)[heads]
    looks["time"], looks["begin"], looks["end"] = middle[order], start[:-1], start[1:]
    offset = np.concatenate(([0], np.cumsum([len(b) for b in batches])))
    return Gathered(_given(batches, flat), owner[flat], flat - offset[owner[flat]], looks, sensors)


def _parts(owner: I64, scan: I64, time: I64) -> tuple[I64, I64]:
    """Return an order of the detections (n,) and, in that order, the number of the look that each belongs to."""
    rows = np.lexsort((time, scan, owner))
    new = (np.diff(owner[rows], prepend=-1) != 0) | (np.diff(scan[rows], prepend=scan[rows[0]]) != 0)
    group = np.cumsum(new) - 1
    first = time[rows[np.flatnonzero(new)]][group]
    second = (time[rows] - first) // SLICE
    new |= np.diff(second, prepend=0) != 0
    return rows, np.cumsum(new) - 1


def _given(batches: Sequence[Detections], flat: I64) -> Given:
    """Return the detections in the order `flat`, all as wide as the widest kind."""
    n = len(flat)
    z, covariance = np.full((n, WIDTH), np.nan), np.zeros((n, WIDTH, WIDTH))
    begin = 0
    for batch in batches:
        end, w = begin + len(batch), batch.z.shape[1]
        z[begin:end, :w], covariance[begin:end, :w, :w] = batch.z, batch.covariance
        begin = end
    time, sigma, address = (
        np.concatenate([getattr(b, name) for b in batches])[flat] for name in ("time", "time_sigma", "address")
    )
    return Given(z[flat], covariance[flat], time, sigma, address, np.zeros(n, np.int64), np.zeros(n, np.int64))


def _senses(batches: Sequence[Detections], sensors: tuple[str, ...], settings: TrackerSettings) -> Rows:
    """Return what the filter is told of the sensor of each batch, but for its looks."""
    rows = np.zeros(len(batches), SENSE)
    for k, batch in enumerate(batches):
        rows["kind"][k], rows["sensor"][k] = batch.kind, sensors.index(batch.sensor)
        rows["missable"][k] = ROWS[batch.kind].missable
        rows["revisit"][k] = max(batch.revisit, SHORTEST)
        if batch.place is not None:
            rows["position"][k], rows["rotation"][k] = batch.place.position, batch.place.rotation
    bearing = rows["kind"] == Kind.DIRECTION
    rows["ground"], rows["reach"], rows["detection"] = 1, WIDE, settings.detection_probability
    rows["clutter"] = np.where(bearing, 1.0, settings.false_alarms_per_km2 * PER_KM2)
    return rows
