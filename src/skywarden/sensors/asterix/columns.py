"""The fast way in, second half: fields of many records as arrays.

A field is named by its path: "040/RHO", "020/SIM", "120/CAL/CAL". Fields of repeated items have no path; they are
read record by record with `codec`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.sensors.asterix.layout import Extended, Field, Fixed
from skywarden.sensors.asterix.program import I32, U8, Program

Flags = NDArray[np.bool_]
SLACK = 8  # octets after the data, so that a field of an absent item can be read and thrown away


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field is: row of its item, first bit after the item's start, part of an extended item."""

    row: int
    bit: int
    part: int
    field: Field


def spots(compiled: Program) -> dict[str, Spot]:
    """Return path -> spot, for every field that has a fixed place in its item."""
    found: dict[str, Spot] = {}
    for row, (name, item) in enumerate(zip(compiled.names, compiled.items, strict=True)):
        shape = item.shape if item else None
        parts = shape.parts if isinstance(shape, Extended) else (shape.fields,) if isinstance(shape, Fixed) else ()
        for part, fields in enumerate(parts):
            bit = part * 8
            for field in fields:
                if field.name:
                    found[f"{name}/{field.name}"] = Spot(row, bit, part, field)
                bit += field.bits
    return found


def padded(data: bytes) -> U8:
    """Return the octets as an array with room behind."""
    return np.frombuffer(data + bytes(SLACK), np.uint8)


@dataclass(frozen=True, slots=True)
class Columns:
    """n records of one category. data: `padded` octets; offsets: (n, k) of `program.records`; owner: (n,) any index."""

    data: U8
    offsets: I32
    owner: I32
    spots: Mapping[str, Spot]

    def __len__(self) -> int:
        return len(self.offsets)

    def take(self, rows: Flags | I64) -> "Columns":
        """Return some of the records."""
        return replace(self, offsets=self.offsets[rows], owner=self.owner[rows])

    def there(self, path: str) -> Flags:
        """Return (n,) whether the field is in the record."""
        spot = self.spots[path]
        at = self.offsets[:, spot.row]
        found = at >= 0
        for part in range(spot.part):
            found = found & (self.data[np.where(found, at + part, 0)] & 1 == 1)
        return found

    def raw(self, path: str) -> I64:
        """Return (n,) the whole number in the field, two's complement resolved; 0 where it is not there."""
        spot = self.spots[path]
        return np.where(self.there(path), self._bits(spot), 0)

    def _bits(self, spot: Spot) -> I64:
        field = spot.field
        at = np.maximum(self.offsets[:, spot.row], 0) + spot.bit // 8
        octets = (spot.bit % 8 + field.bits + 7) // 8
        # part 0 is at the start of the item; a later one may lie beyond the data where it is not there
        at = np.minimum(at, len(self.data) - octets)
        word = self.data[at].astype(np.int64)
        for i in range(1, octets):
            word = (word << 8) | self.data[at + i]
        bits = (word >> (octets * 8 - spot.bit % 8 - field.bits)) & ((1 << field.bits) - 1)
        sign = bits >> (field.bits - 1) if field.kind == "s" else np.zeros_like(bits)
        whole: I64 = bits - (sign << field.bits)
        return whole

    def value(self, path: str) -> F64:
        """Return (n,) the field in its unit; NaN where it is not there."""
        spot = self.spots[path]
        scaled = self._bits(spot) * (spot.field.lsb or 1.0)
        return np.where(self.there(path), scaled, np.nan)

    def flag(self, path: str) -> Flags:
        """Return (n,) whether the field is there and not 0."""
        found: Flags = self.raw(path) != 0
        return found
