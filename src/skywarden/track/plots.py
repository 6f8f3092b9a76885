"""One tick's batches -> `Plots`: detections side by side, in groups that exclude each other, groups in time order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.detection import NO_ADDRESS, Detections
from skywarden.model.place import F64, I64
from skywarden.track.table import Plots

WIDTH = 4  # of the widest kind in use


class Gathered(NamedTuple):
    """plots, and sensors: names in the order first seen, old ones first."""

    plots: Plots
    sensors: tuple[str, ...]


def gather(batches: Sequence[Detections], sensors: tuple[str, ...]) -> Gathered:
    """Lay the batches side by side. A group is one scan of one batch; groups go by the middle of their times.

    Groups of equal time go by sensor name, then the sensor's own message number; the order in which batches were
    handed in only decides between batches that are equal in all this.
    """
    sizes = [len(batch) for batch in batches]
    owner = np.repeat(np.arange(len(batches)), sizes)
    names = sorted({batch.sensor for batch in batches})
    rank = np.array([names.index(batch.sensor) for batch in batches], np.int64)[owner]
    time, scan = _joined([b.time for b in batches]), _joined([b.scan for b in batches])
    number = _joined([b.number for b in batches])
    order, start = _grouped(owner, scan, time, rank, number)
    sensors += tuple(_new([names[k] for k in rank[order[start[:-1]]]], sensors))
    known = {name: k for k, name in enumerate(sensors)}
    sensor = np.array([known[batch.sensor] for batch in batches], np.int64)
    z, covariance = _measurements(batches, sizes)
    columns = (
        sensor[owner],
        owner,
        np.array([int(b.kind) for b in batches], np.int64)[owner],
        np.array([b.revisit for b in batches], float)[owner],
        _joined([b.address for b in batches]),
        np.concatenate([b.time_sigma for b in batches]).astype(float),
    )
    sensor, place, kind, revisit, address, time_sigma = (column[order] for column in columns)
    m = len(order)
    places = [b.place for b in batches]
    return Gathered(
        Plots(
            time=time[order],
            z=z[order],
            covariance=covariance[order],
            kind=kind,
            sensor=sensor,
            place=place,
            clutter=np.zeros(m),
            address=np.maximum(address, NO_ADDRESS),
            revisit=revisit,
            time_sigma=time_sigma,
            code=np.zeros(m, np.int64),
            label=np.zeros(m, np.int64),
            origin=order,
            position=np.array([np.zeros(3) if p is None else p.position for p in places], float),
            rotation=np.array([np.eye(3) if p is None else p.rotation for p in places], float),
            start=start,
        ),
        sensors,
    )


def _joined(columns: list[I64]) -> I64:
    return np.concatenate(columns).astype(np.int64, copy=False)


def _new(names: list[str], old: tuple[str, ...]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in old]


def _measurements(batches: Sequence[Detections], sizes: list[int]) -> tuple[F64, F64]:
    z = np.full((sum(sizes), WIDTH), np.nan)
    covariance = np.zeros((sum(sizes), WIDTH, WIDTH))
    begin = 0
    for batch, size in zip(batches, sizes, strict=True):
        w = batch.z.shape[1]
        z[begin : begin + size, :w] = batch.z
        covariance[begin : begin + size, :w, :w] = batch.covariance
        begin += size
    return z, covariance


def _grouped(owner: I64, scan: I64, time: I64, rank: I64, number: I64) -> tuple[I64, I64]:
    """Return the order of the detections and (g + 1,) where each group starts in it."""
    rows = np.lexsort((scan, owner))  # stable: detections of a group keep their order in the batch
    edge = (np.diff(owner[rows]) != 0) | (np.diff(scan[rows]) != 0)
    begin = np.concatenate(([0], np.flatnonzero(edge) + 1))
    first, last = np.minimum.reduceat(time[rows], begin), np.maximum.reduceat(time[rows], begin)
    head = rows[begin]
    groups = np.lexsort((owner[head], number[head], rank[head], first + (last - first) // 2))
    length = np.diff(np.append(begin, len(rows)))[groups]
    start = np.concatenate(([0], np.cumsum(length)))
    inside = np.arange(len(rows)) - np.repeat(start[:-1], length)
    return rows[np.repeat(begin[groups], length) + inside], start
