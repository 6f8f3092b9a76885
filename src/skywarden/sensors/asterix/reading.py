"""What a frame holds, before anything is believed: its records as columns, and for each message whether it fits.

No memory here: `decoder` uses it to make detections, and to say in rows which messages are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Frame, Reason
from skywarden.model.place import I64
from skywarden.sensors.asterix.columns import Columns, Flags, Spot, spots
from skywarden.sensors.asterix.layout import Category
from skywarden.sensors.asterix.program import FINE, MALFORMED, TRUNCATED, U8, Blocks, Program, blocks, program, records

REASONS = tuple(Reason)
UNDERSTOOD = -1


class Verdicts:
    """One verdict a message: understood, or the first reason against it."""

    def __init__(self, messages: int) -> None:
        self.code = np.full(messages, UNDERSTOOD, np.int8)

    def refuse(self, messages: NDArray[np.integer] | Flags, reason: Reason) -> None:
        """Refuse messages (by index or flag) that nothing was said against so far."""
        if not len(messages):
            return
        named = np.zeros(len(self.code), bool)
        named[messages] = True
        self.code[named & (self.code == UNDERSTOOD)] = REASONS.index(reason)

    def good(self) -> Flags:
        """Return (m,) which messages are understood."""
        found: Flags = self.code == UNDERSTOOD
        return found

    def of(self, first: int, last: int) -> "Verdicts":
        """Return those of some of the messages."""
        some = Verdicts(0)
        some.code = self.code[first:last]
        return some

    def reason(self, message: int) -> Reason | None:
        """Return why a message is refused, None when it is not."""
        code = int(self.code[message])
        return None if code == UNDERSTOOD else REASONS[code]

    def counts(self) -> dict[str, int]:
        """Return reason -> how many messages."""
        codes, counts = np.unique(self.code[~self.good()], return_counts=True)
        return {REASONS[code]: count for code, count in zip(codes.tolist(), counts.tolist(), strict=True)}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A category, ready to read."""

    program: Program
    spots: Mapping[str, Spot]

    @classmethod
    def of(cls, table: Category) -> "Compiled":
        made = program(table)
        return cls(made, spots(made))


def read(frame: Frame, categories: Mapping[int, Compiled]) -> tuple[dict[int, Columns], Verdicts]:
    """Return category -> its records (owner is the message), and a verdict for each message.

    A message is refused as a whole: a block that does not fit says that the others are not what they seem.
    Records of refused messages may be among the columns; filter them by the verdicts.
    """
    data = np.frombuffer(frame.data, np.uint8)
    verdicts = Verdicts(len(frame))
    found = blocks(data, np.minimum(frame.bounds(), len(frame.data)))
    verdicts.refuse(found.state == MALFORMED, Reason.MALFORMED)
    verdicts.refuse(found.state == TRUNCATED, Reason.TRUNCATED)
    category = data[found.start]
    known = np.zeros(len(frame), bool)
    columns = {}
    for number, compiled in categories.items():
        mine = (category == number) & (found.state[found.message] == FINE)
        if mine.any():
            known[found.message[mine]] = True
            columns[number] = _columns(compiled, data, found, np.flatnonzero(mine), verdicts)
    verdicts.refuse(~known, Reason.UNSUPPORTED)
    return columns, verdicts


def _columns(compiled: Compiled, data: U8, found: Blocks, mine: I64, verdicts: Verdicts) -> Columns:
    offsets, owner, bad = records(compiled.program, data, found.start[mine], found.end[mine])
    message = found.message[mine]
    verdicts.refuse(message[bad == 1], Reason.WRONG_EDITION)
    columns = Columns(data, offsets, message[owner], compiled.spots)
    _gate(columns, compiled.program.table, verdicts)
    return columns


def _gate(columns: Columns, table: Category, verdicts: Verdicts) -> None:
    """Refuse messages with a record that lacks what every record has, or that says what cannot be."""
    for path in table.needed:
        verdicts.refuse(columns.owner[~columns.there(path)], Reason.WRONG_EDITION)
    for path, low, high in table.limits:
        value = columns.value(path)
        verdicts.refuse(columns.owner[(value < low) | (value > high)], Reason.IMPLAUSIBLE)
