"""One tick's batches -> records: detections side by side, in groups that exclude each other, groups in time order."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.detection import Detections
from skywarden.model.place import I64
from skywarden.track.table import PLOT, SPOT, Rows


class Gathered(NamedTuple):
    """plots, spots: records as in `table`. start: (g + 1,) where groups begin. sensors: names, old ones first."""

    plots: Rows
    spots: Rows
    start: I64
    sensors: tuple[str, ...]


def gather(batches: Sequence[Detections], sensors: tuple[str, ...]) -> Gathered:
    """Lay the batches side by side. A group is one scan of one batch; groups go by the middle of their times.

    Groups of equal time go by sensor name, then the sensor's own message number; the order in which batches were
    handed in only decides between batches that are equal in all this.
    """
    flat = _flat(batches)
    names = sorted({batch.sensor for batch in batches})
    rank = np.array([names.index(batch.sensor) for batch in batches], np.int64)
    scan = np.concatenate([b.scan for b in batches])
    number = np.concatenate([b.number for b in batches])
    order, start = _grouped(flat, scan, rank[flat["place"]], number)
    plots = flat[order]
    plots["origin"] = order
    heads = plots["place"][start[:-1]].tolist()
    sensors += tuple(name for name in dict.fromkeys(batches[k].sensor for k in heads) if name not in sensors)
    numbers = {name: k for k, name in enumerate(sensors)}
    plots["sensor"] = np.array([numbers[b.sensor] for b in batches])[plots["place"]]
    return Gathered(plots, _spots(batches), start, sensors)


def _flat(batches: Sequence[Detections]) -> Rows:
    """Return records in the batches' own order; `place` is the batch's number."""
    plots = np.zeros(sum(map(len, batches)), PLOT)
    plots["z"] = np.nan
    begin = 0
    for k, batch in enumerate(batches):
        rows = plots[begin : begin + len(batch)]
        w = batch.z.shape[1]
        rows["z"][:, :w] = batch.z
        rows["covariance"][:, :w, :w] = batch.covariance
        for name in ("time", "address", "time_sigma", "revisit", "kind"):
            rows[name] = getattr(batch, name)
        rows["place"] = k
        begin += len(batch)
    return plots


def _spots(batches: Sequence[Detections]) -> Rows:
    spots = np.zeros(len(batches), SPOT)
    for k, batch in enumerate(batches):
        if batch.place is not None:
            spots["position"][k] = batch.place.position
            spots["rotation"][k] = batch.place.rotation
    return spots


def _grouped(flat: Rows, scan: I64, rank: I64, number: I64) -> tuple[I64, I64]:
    """Return the order of the detections and (g + 1,) where each group starts in it."""
    owner, time = flat["place"], flat["time"]
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
