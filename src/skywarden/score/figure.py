"""One figure of a verdict, and lists of them as text and as JSON."""

from collections.abc import Iterable, Sequence
from math import isfinite

import msgspec

from skywarden.score.bootstrap import Interval
from skywarden.score.lacking import why
from skywarden.score.measure import Reason
from skywarden.score.measures import MEASURES


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One figure. of: site, baseline, class, horizon ..., "" all together. value: None where there is none.

    reason: why there is none. low, high: its 95 % interval, and of what the bootstrap drew how many ("12 waves"), where
    there is one.
    """

    name: str
    value: float | None
    unit: str
    definition: str
    source: str
    of: str = ""
    low: float | None = None
    high: float | None = None
    drawn: str = ""
    reason: str = ""


def figure(name: str, value: float, of: str = "", error: Interval | None = None) -> Figure:
    """Return a figure with the unit, definition and source of its row in MEASURES; NaN is no value."""
    row = MEASURES[name]
    low, high, drawn = None, None, ""
    if error is not None and isfinite(error.low):
        low, high, drawn = error.low, error.high, f"{error.blocks} {error.unit}"
    known, reason = (float(value), "") if isfinite(value) else (None, row.empty[0])
    return Figure(name, known, row.unit, row.english, row.source, of, low, high, drawn, reason)


def told(one: Figure, lack: Iterable[Reason]) -> Figure:
    """Return the same figure, without a value where it needs what is lacking (`lacking`): it was counted of nothing."""
    reason = why(one.name, lack)
    if reason is None:
        return one
    return Figure(one.name, None, one.unit, one.definition, one.source, one.of, reason=reason[0])


def to_json(found: Sequence[Figure]) -> bytes:
    """Return the figures as one JSON object, `{"figures": [...]}`."""
    return msgspec.json.format(msgspec.json.encode({"figures": found}), indent=1)
