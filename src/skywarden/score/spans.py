"""Spans of time on one line: alarms that stand, seconds that are covered.

Spans are (k, 2) int64 ns, [start, end), sorted, apart from each other and not empty; `merged` makes them so.
"""

import numpy as np

from skywarden.model.place import F64, I64

NS = 1_000_000_000
NEVER = np.empty((0, 2), np.int64)


def merged(spans: I64) -> I64:
    """Return the union of (k, 2) spans in any order; spans that touch become one."""
    spans = spans[spans[:, 1] > spans[:, 0]]
    if not len(spans):
        return NEVER
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    begins = np.flatnonzero(np.r_[True, spans[1:, 0] > reach[:-1]])
    return np.column_stack([spans[begins, 0], reach[np.r_[begins[1:] - 1, len(spans) - 1]]])


def within(spans: I64, start: int, end: int) -> I64:
    """Return the parts of merged spans in [start, end)."""
    return merged(np.clip(spans, start, end))


def common(one: I64, other: I64) -> I64:
    """Return the intersection of two merged lists of spans."""
    parts = [within(one, int(start), int(end)) for start, end in other]
    return merged(np.concatenate([NEVER, *parts]))


def seconds(spans: I64) -> float:
    """Return the length of merged spans, s."""
    return float((spans[:, 1] - spans[:, 0]).sum()) / NS


def since(spans: I64, moments: I64) -> F64:
    """Return how long the span that holds until each moment has stood then, s; NaN where none holds until it.

    spans: merged. moments: (m,) ns. A span holds until a moment when start < moment <= end: an alarm that is cleared at
    the moment of arrival stood until arrival.
    """
    held = np.full(len(moments), np.nan)
    if len(spans):
        at = np.searchsorted(spans[:, 0], moments, side="left") - 1
        inside = (at >= 0) & (moments <= spans[np.maximum(at, 0), 1])
        held[inside] = (moments[inside] - spans[at[inside], 0]) / NS
    return held


def while_seen(moments: I64, hold: int) -> I64:
    """Return the spans of an alarm that goes on at each of the moments (ns) and off `hold` ns after the last."""
    return merged(np.column_stack([moments, moments + hold]).astype(np.int64).reshape(-1, 2))
