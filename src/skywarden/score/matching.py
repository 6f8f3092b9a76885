"""Tracks at the times of the truth: the rule by which a system that reports at other times is judged.

At a time of the truth a track is
1. where its row of exactly that time says;
2. else, between two rows of it not further apart than `longest_gap`: where the earlier row says, moved on with that
   row's velocity. That is what a person saw at that time; the later row tells only that the track went on. Where the
   velocity is not known: on the straight line between the two rows;
3. else nowhere: before its first row, after its last one, and in longer gaps it does not exist.
"""

from dataclasses import replace

import numpy as np

from skywarden.errors import MismatchError
from skywarden.model.place import I64
from skywarden.score.tables import Points

LONGEST_GAP = 10_000_000_000  # ns; a radar with a slow antenna reports this seldom
MARGIN = 60_000_000_000  # ns; a system may go on for a while after the last target ended
HOUR = 3_600_000_000_000  # ns
FAR = 2**62  # ns; the year 2116, and as far before 1970


def at_times(tracks: Points, times: I64, longest_gap: int = LONGEST_GAP) -> Points:
    """Return tracks at `times` (T,) ns, sorted and different. longest_gap: ns."""
    order = np.lexsort((tracks.time, tracks.id))
    time, number = tracks.time[order], tracks.id[order]
    follows = np.append((number[1:] == number[:-1]) & (time[1:] - time[:-1] <= longest_gap), False)[: len(order)]
    following = np.minimum(np.arange(len(order)) + 1, max(len(order) - 1, 0))
    until = np.where(follows, time[following] - 1, time)  # ns; the last one for which this row speaks
    first, after = np.searchsorted(times, time), np.searchsorted(times, until, "right")
    count = np.maximum(after - first, 0)
    row = np.repeat(np.arange(len(order)), count)
    at = times[np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]]
    source, later = order[row], order[following[row]]
    passed = ((at - time[row]) / 1e9)[:, None]
    velocity = tracks.velocity[source]
    step = np.maximum((time[following[row]] - time[row]) / 1e9, 1e-9)[:, None]
    line = (tracks.position[later] - tracks.position[source]) / step
    moved = np.where(passed > 0, passed * np.where(np.isfinite(velocity), velocity, line), 0.0)
    found = tracks.take(source)
    spread = None if found.spread is None else np.where(passed > 0, np.nan, found.spread)  # nobody stated it for then
    result = replace(found, time=at, position=found.position + moved, spread=spread)
    return result.take(np.lexsort((result.id, result.time)))


def matched(truth: Points, tracks: Points, longest_gap: int = LONGEST_GAP) -> Points:
    """Return tracks at all times of the truth.

    Raises MismatchError if there are tracks but none within half a step of any time of the truth. No track at all is
    no mismatch: then all targets are missed.
    """
    times = np.unique(truth.time)
    if len(tracks) == 0:
        return tracks
    span = (int(times[0]), int(times[-1])) if len(times) else (0, 0)
    given = (int(tracks.time.min()), int(tracks.time.max()))
    step = int(np.median(np.diff(times))) if len(times) > 1 else 1_000_000_000
    around = np.concatenate([[-FAR], times, [FAR]])
    after = np.searchsorted(around, tracks.time)
    off = np.minimum(tracks.time - around[after - 1], around[after] - tracks.time)
    if not (off * 2 <= step).any():
        said = "no track is within half a step of any time of the truth"
        raise MismatchError(f"{said}: {_what_to_do(span, given, 'tracks')}", span, given)
    return at_times(tracks, times, longest_gap)


def overlapping(truth: Points, times: I64, file: str) -> None:
    """Raise MismatchError if there are times (n,) ns of a table but all before the truth begins or after it ends.

    file: the table's kind ("alerts.csv").
    """
    if len(times) == 0 or len(truth) == 0:
        return
    span, given = (int(truth.time[0]), int(truth.time[-1])), (int(times.min()), int(times.max()))
    if given[1] < span[0] - MARGIN or given[0] > span[1] + MARGIN:
        said = "no row is in the time of the truth"
        raise MismatchError(f"{said}: {_what_to_do(span, given, file.partition('.')[0])}", span, given, file)


def _what_to_do(truth: tuple[int, int], table: tuple[int, int], what: str) -> str:
    shift = table[0] - truth[0]
    if HOUR <= abs(shift) <= 14 * HOUR and shift % HOUR == 0:
        guess = f"the {what} begin exactly {shift // HOUR:+d} h from the truth: was a time zone added?"
    elif table[1] < 10**16 < truth[1]:
        guess = f"the {what}' times are too small for ns since 1970: are they s or ms, or counted from the start?"
    else:
        guess = f"are these the {what} of another run?"
    return f"truth {truth[0]} to {truth[1]} ns, {what} {table[0]} to {table[1]} ns; {guess}"
