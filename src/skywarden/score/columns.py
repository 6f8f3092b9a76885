"""Columns of a CSV file as arrays: fast, and every fault with its line and column."""

import csv
from collections.abc import Mapping
from enum import StrEnum
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.errors import TableError
from skywarden.model.place import F64, I64

WIDTH = 40  # bytes of UTF-8 of a word; a UUID has 36
LONG_WIDTH = 128  # of a name that people give; twice 60 letters of Ukrainian
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that the product mixes all bits; Knuth, TAOCP 6.4


class Form(StrEnum):
    """What stands in a column."""

    WHOLE = "whole number"
    REAL = "number"
    WORD = "word"
    NAME = "name"  # a word that may be long


TYPES: Mapping[Form, str] = {
    Form.WHOLE: "i8",
    Form.REAL: "f8",
    Form.WORD: f"S{WIDTH}",
    Form.NAME: f"S{LONG_WIDTH}",
}


class Layout(NamedTuple):
    """A file's kind for messages ("tracks.csv"), its columns, and those that may be missing."""

    file: str
    columns: Mapping[str, Form]
    optional: tuple[str, ...] = ()


class Columns(NamedTuple):
    """What was read. rows: (N,) structured, one field a column that the file has. lines: (N,) of the file, from 1."""

    layout: Layout
    rows: NDArray[np.void]
    data: bytes

    def has(self, column: str) -> bool:
        """Return whether the file has an optional column."""
        return column in (self.rows.dtype.names or ())

    def real(self, column: str) -> F64:
        """Return (N,) float64."""
        return np.ascontiguousarray(self.rows[column], np.float64)

    def whole(self, column: str) -> I64:
        """Return (N,) int64."""
        return np.ascontiguousarray(self.rows[column], np.int64)

    def words(self, column: str) -> tuple[I64, tuple[str, ...]]:
        """Return (N,) codes and the words they stand for, in sorted order; one empty word without the column."""
        if not self.has(column):
            return np.zeros(len(self.rows), np.int64), ("",)
        return _coded(np.ascontiguousarray(self.rows[column]), self, column)

    def require(self, good: NDArray[np.bool_], column: str, message: str) -> None:
        """Raise TableError at the first row that is not good (N,)."""
        if not good.all():
            raise self.fault(int(np.argmin(good)), column, message)

    def fault(self, row: int, column: str, message: str) -> TableError:
        """Return the error of one row of the file."""
        filled = [line for line, text in enumerate(self.data.split(b"\n"), 1) if text.strip()]
        return TableError(message, self.layout.file, filled[row + 1], column)


def read(data: bytes, layout: Layout) -> Columns:
    """Read a CSV with a header. Columns may stand in any order, others are passed over, empty lines too.

    Raises TableError with line and column.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    head, _, body = data.partition(b"\n")
    if b"\r" in head.rstrip(b"\r"):  # lines end with it alone, as of old Macs
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        head, _, body = data.partition(b"\n")
    header = [name.strip() for name in head.decode("utf-8", "replace").split(",")]
    missing = [name for name in layout.columns if name not in header and name not in layout.optional]
    if missing:
        raise TableError(_of_header(head, missing, layout), layout.file, 1)
    names = [name for name in layout.columns if name in header]
    kind = np.dtype([(name, TYPES[layout.columns[name]]) for name in names])
    if not body.strip():
        return Columns(layout, np.empty(0, kind), data)
    places = [header.index(name) for name in names]
    try:  # latin-1 is UTF-8's own bytes one by one; they are decoded once for each word
        rows = np.loadtxt(BytesIO(body), kind, None, ",", usecols=places, ndmin=1, encoding="latin-1", quotechar='"')
    except (ValueError, OverflowError) as problem:
        raise _first_fault(data, layout, header) or TableError(str(problem), layout.file) from problem
    return Columns(layout, rows, data)


def _of_header(head: bytes, missing: list[str], layout: Layout) -> str:
    used = [word for mark, word in ((b";", "semicolons"), (b"\t", "tabs")) if mark in head]
    if used and b"," not in head:
        return f"columns are separated by commas, but the header has {used[0]}"
    return f"the header has no {', '.join(missing)}; it needs {','.join(layout.columns)}"


def _first_fault(data: bytes, layout: Layout, header: list[str]) -> TableError | None:
    text = data.decode("latin-1").split("\n")
    for line, fields in enumerate(csv.reader(text), 1):
        if line == 1 or not any(field.strip() for field in fields):
            continue
        if len(fields) < len(header):
            return TableError(f"{len(fields)} fields; the header has {len(header)}", layout.file, line)
        for name, field in zip(header, fields, strict=False):
            form = layout.columns.get(name, Form.WORD)
            try:
                _ = np.int64(int(field)) if form is Form.WHOLE else float(field) if form is Form.REAL else 0
            except (ValueError, OverflowError):
                return TableError(f"{field.strip()[:40]!r} is not a {form}", layout.file, line, name)
    return None


def _coded(column: NDArray[np.bytes_], columns: Columns, name: str) -> tuple[I64, tuple[str, ...]]:
    width = column.dtype.itemsize
    pieces = column.view(np.uint64).reshape(len(column), width // 8)
    columns.require(pieces[:, -1] >> np.uint64(56) == 0, name, f"longer than {width - 1} bytes")
    key = np.zeros(len(column), np.uint64)
    for piece in pieces.T:
        key = (key ^ piece) * MIX
        key ^= key >> np.uint64(29)
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    if not np.array_equal(pieces[first][code], pieces):  # two words with one key: never seen, but then the slow way
        _, first, code = np.unique(column, return_index=True, return_inverse=True)
    found = column[first]
    order = np.argsort(found)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[code], tuple(word.decode("utf-8", "replace").strip() for word in found[order].tolist())
