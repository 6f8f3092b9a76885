"""The fast way in, second half: fields of many records as arrays.

A field is named by its path: "040/RHO", "020/SIM", "120/CAL/CAL". Fields of repeated items have no path; they are
read record by record with `codec`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64
from skywarden.sensors.asterix.layout import Extended, Field, Fixed
from skywarden.sensors.asterix.program import I32, U8, Program

Flags = NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True)
class Columns:
    """n records of one category. data: (m,) octets; offsets: (n, k) of `program.records`; owner: (n,) any index."""

    data: U8
    offsets: I32
    owner: I32
    spots: Mapping[str, Spot]

    def __len__(self) -> int:
        return len(self.offsets)

    def take(self, rows: Flags | I64 | slice) -> "Columns":
        """Return some of the records."""
        return replace(self, offsets=self.offsets[rows], owner=self.owner[rows])

    def there(self, path: str) -> Flags:
        """Return (n,) whether the field is in the record."""
        return self._read(path)[1]

    def raw(self, path: str) -> I64:
        """Return (n,) the whole number in the field, two's complement resolved; 0 where it is not there."""
        return self._read(path)[0]

    def value(self, path: str) -> F64:
        """Return (n,) the field in its unit; NaN where it is not there."""
        number, there = self._read(path)
        return np.where(there, number * (self.spots[path].field.lsb or 1.0), np.nan)

    def flag(self, path: str) -> Flags:
        """Return (n,) whether the field is there and not 0."""
        found: Flags = self.raw(path) != 0
        return found

    def _read(self, path: str) -> tuple[I64, Flags]:
        spot = self.spots[path]
        number, there = np.empty(len(self), np.int64), np.empty(len(self), np.bool_)
        where = (spot.row, spot.bit, spot.field.bits, spot.part, spot.field.kind == "s")
        _field(self.data, self.offsets, where, number, there)
        return number, there


@kernel
def _field(data: U8, offsets: I32, where: tuple[int, int, int, int, bool], number: I64, there: Flags) -> None:
    """Read one field of all records. where: row, first bit, bits, part of an extended item, two's complement."""
    row, bit, bits, part, signed = where
    octets = (bit % 8 + bits + 7) // 8
    shift = octets * 8 - bit % 8 - bits
    for i in range(len(offsets)):
        at = offsets[i, row]
        found = at >= 0
        for k in range(part):
            found = found and data[at + k] & 1 == 1
        word = np.int64(0)
        if found:
            first = at + bit // 8
            for k in range(octets):
                word = (word << 8) | np.int64(data[first + k])
            word = (word >> shift) & ((np.int64(1) << bits) - 1)
            if signed and word >> (bits - 1):
                word -= np.int64(1) << bits
        number[i], there[i] = word, found
