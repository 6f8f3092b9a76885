"""Detections of any sensors side by side, each with a name that follows from its content alone.

What a target is called (its label) is the name of the plot that founded it. So it is the same however late or in what
order its detections came, and equal detections that come twice are found out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import NO_SUBJECT, Detections, Kind
from skywarden.model.place import I64
from skywarden.track.measure import PER_KM2, ROWS
from skywarden.track.pool import SENSE, WIDTH, Rows
from skywarden.track.settings import TrackerSettings

ITEM = np.dtype(
    [
        ("z", "f8", (WIDTH,)),
        ("covariance", "f8", (WIDTH, WIDTH)),
        ("time_sigma", "f8"),
        ("time", "i8"),
        ("address", "i8"),
        ("subject", "i8"),
        ("name", "i8"),
        ("sense", "i8"),
    ]
)
SHORTEST = 0.05  # s; no sensor looks more often
WIDE = 1e12  # m; how far a sensor reaches, which nobody says
BITS = 12  # a name has the 52 upper ones of 64: every JSON reader keeps these
MULTIPLIER, FINAL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd


@dataclass(frozen=True, slots=True)
class Items:
    """rows (n,): `ITEM`, each with the row of `senses` that measured it. senses: `SENSE`, each with a row of `names`,

    of sensors.
    """

    rows: Rows
    senses: Rows
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: I64 | NDArray[np.bool_]) -> "Items":
        """Return some of them."""
        return Items(self.rows[which], self.senses, self.names)


def items(batches: Sequence[Detections], settings: TrackerSettings) -> Items:
    """Lay batches side by side, all as wide as the widest kind."""
    names = tuple(sorted({batch.sensor for batch in batches}))
    senses = np.zeros(len(batches), SENSE)
    for batch, sense in zip(batches, senses, strict=True):
        _describe(sense, batch, names, settings)
    rows = np.zeros(sum(map(len, batches)), ITEM)
    z, covariance, begin = rows["z"], rows["covariance"], 0
    z[:] = np.nan
    for batch in batches:
        end, w = begin + len(batch), batch.z.shape[1]
        z[begin:end, :w], covariance[begin:end, :w, :w] = batch.z, batch.covariance
        begin = end
    rows["sense"] = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
    for column in ("time_sigma", "time", "address", "subject"):
        rows[column] = np.concatenate([np.zeros(0, rows[column].dtype), *(getattr(b, column) for b in batches)])
    rows["subject"] = np.where(rows["subject"] == NO_SUBJECT, rows["address"], rows["subject"])
    rows["name"] = _named(rows, np.array([_salt(batch) for batch in batches], np.uint64))
    return Items(rows, senses, names)


def together(parts: Sequence[Items]) -> Items:
    """Return all items of several."""
    names = tuple(sorted({name for part in parts for name in part.names}))
    rows, senses, before = list[Rows](), list[Rows](), 0
    for part in parts:
        mine, theirs = part.rows.copy(), part.senses.copy()
        mine["sense"] += before
        if len(theirs):
            theirs["sensor"] = np.array([names.index(name) for name in part.names])[theirs["sensor"]]
        before += len(theirs)
        rows.append(mine)
        senses.append(theirs)
    return Items(_stacked(rows, ITEM), _stacked(senses, SENSE), names)


def _stacked(parts: Sequence[Rows], kind: "np.dtype[np.void]") -> Rows:
    """Return records one after the other; as bytes, which takes a tenth of the time."""
    plain = np.dtype((np.void, kind.itemsize))
    return np.concatenate([np.zeros(0, plain), *(np.ascontiguousarray(part).view(plain) for part in parts)]).view(kind)


def _describe(row: "np.void", batch: Detections, names: tuple[str, ...], settings: TrackerSettings) -> None:
    """Write what the filter is told of the sensor of a batch, but for its looks."""
    row["kind"], row["sensor"] = batch.kind, names.index(batch.sensor)
    row["missable"] = ROWS[batch.kind].missable
    row["revisit"] = max(batch.revisit, SHORTEST)
    if batch.place is not None:
        row["position"], row["rotation"] = batch.place.position, batch.place.rotation
    row["ground"], row["reach"], row["detection"] = 1, WIDE, settings.detection_probability
    row["clutter"] = 1.0 if batch.kind == Kind.DIRECTION else settings.false_alarms_per_km2 * PER_KM2


def _salt(batch: Detections) -> int:
    """Return 64 bits of who measured what."""
    return int.from_bytes(blake2b(f"{batch.kind} {batch.sensor}".encode(), digest_size=8).digest(), "little")


def _named(rows: Rows, salt: NDArray[np.uint64]) -> I64:
    """Return (n,) 52 bits over all that a row says and who says it: a sum of mixed words, each times an odd number."""
    words = rows.view(np.uint64).reshape(len(rows), ITEM.itemsize // 8).copy()
    words[:, -2] = 0  # its name
    words[:, -1] = salt[rows["sense"]]
    words ^= words >> np.uint64(31)
    words *= FINAL
    words ^= words >> np.uint64(29)
    factors = (MULTIPLIER * np.arange(1, words.shape[1] + 1, dtype=np.uint64)) | np.uint64(1)
    total = words @ factors
    total ^= total >> np.uint64(32)
    total *= FINAL
    return np.maximum((total >> np.uint64(BITS)).astype(np.int64), 1)
