"""Claims that cannot be true: impossible motion, no such place, one identity in two places, contradicting frames.

A doubt is words beside an identity and its tracks. It removes nothing, hides nothing and lowers nothing: who is doubted
is shown as before. A doubt holds a minute after its last cause.

An identity has two places: where it was said to be last, and the one before the last step that no motion makes. Who
steps to a third place moves impossibly. Who goes back to the other one, and back again, is two transmitters.

Two faults of genuine traffic are no causes: a single height with wrong bits, and a place that a feed repeats while it
does not hear the aircraft, until it is far away.
"""

from collections.abc import Sequence
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from skywarden.identify.places import Places, claimed, upward
from skywarden.identify.table import DOUBTS, LAYOUT, Rows, entered, kept, opened, positions
from skywarden.model.detection import Detections
from skywarden.model.known import Known
from skywarden.model.place import F64, I64

__all__ = ["Doubt", "Known", "doubted", "on_tracks", "words"]
SECOND = 1_000_000_000  # ns
DRONE, AIRCRAFT = 350.0, 1100.0  # m/s; faster is nobody who sends Remote ID, or ADS-B
SIGMAS = 4.0
LATE, LATE_ELSEWHERE = 1.0, 10.0  # s; stamps of one sensor, and of two, are at most so far from when it was there
OTHER_HOLDS = 30.0  # s, the other place; later on motion may lead anywhere
TURNS = 2  # back to the other place and back again
STRAYS, STRAY_WITHIN = 3, 30.0  # claims of an impossible place, s from one to the next
HEIGHTS = 50e3  # m; two places in the air differ by less in height
STILL = 1.0  # m; a place within it is the same one said again, and as old as when it was said first
HOLDS = np.array([60, 60, 60, 10]) * SECOND  # ns, each doubt; the decoder itself holds what frames contradict
TOGETHER = 16  # steps of one identity that are looked at in a tick
LEAST = 100.0  # m; a shorter step from one claim of a tick to the next is none


class Doubt(IntFlag):
    """What cannot be true; bits of `doubts`."""

    MOTION = 1
    PLACE = 2
    TWO_PLACES = 4
    FRAMES = 8


WORDS = {
    Doubt.TWO_PLACES: "one identity in two places",
    Doubt.MOTION: "impossible motion",
    Doubt.PLACE: "impossible place",
    Doubt.FRAMES: "its radio frames contradict it",
}
PLACED = ("place", "level", "slack")  # columns of what was claimed
_MOTION, _PLACE, _TWO, _FRAMES = range(DOUBTS)  # columns of `caused`


def words(doubts: int) -> tuple[str, ...]:
    """Return the words for a set of doubts."""
    return tuple(said for doubt, said in WORDS.items() if doubts & doubt)


def doubted(known: Known, batches: Sequence[Detections], matches: Sequence[I64], time: int) -> Known:
    """Take in a tick's claims; return what is known of all identities then.

    matches: parallel to batches, (m,) int64 label of the track that each detection updated, 0 none. time: ns, the tick.
    """
    rows = opened(known.rows, known.layout)
    if time // SECOND != known.time // SECOND:
        rows = kept(rows, time)
    said, beyond = claimed(batches, matches), known.beyond
    if said is not None:
        rows = entered(rows, said, time)
        at = positions(rows, said.identity)
        beyond += int((at < 0).sum())
        _marked(rows, said, at, time)
        for some in _steps(said, at):
            _examine(rows, at[some], said.take(some), time)
    _conclude(rows, time)
    rows.flags.writeable = False
    return Known(time, rows, LAYOUT, beyond)


def on_tracks(known: Known, labels: I64) -> list[tuple[str, ...]]:
    """Return for each track, by its label, in words what cannot be true of the identities that it claims."""
    rows = opened(known.rows, known.layout)
    rows = rows[rows["doubts"] > 0]
    if not len(rows) or not len(labels):
        return [()] * len(labels)
    some = (rows["label"] != 0) & (known.time - rows["seen"] <= HOLDS[_TWO])
    marks = np.broadcast_to(rows["doubts"][:, None], some.shape)[some]
    order = np.argsort(labels, kind="stable")
    at = np.minimum(np.searchsorted(labels, rows["label"][some], sorter=order), len(labels) - 1)
    found = order[at]
    there = labels[found] == rows["label"][some]
    bits = np.zeros(len(labels), np.uint8)
    np.bitwise_or.at(bits, found[there], marks[there])
    said = [words(doubts) for doubts in range(1 << DOUBTS)]
    return [said[doubts] for doubts in bits.tolist()]


def _marked(rows: Rows, said: Places, at: I64, time: int) -> None:
    """Note who was heard, and what a claim shows to be untrue without the one before."""
    known, strange = at >= 0, (at >= 0) & ~said.possible
    rows["seen"][at[known], 0] = time
    rows["caused"][at[known & said.doubted], _FRAMES] = time
    if not strange.any():
        return
    some, count = np.unique(at[strange], return_counts=True)
    own = rows[some]
    recent = time - own["strayed"] <= STRAY_WITHIN * SECOND
    own["strays"] = np.minimum(np.where(recent, own["strays"], 0) + count, STRAYS)
    own["strayed"] = time
    own["caused"][own["strays"] >= STRAYS, _PLACE] = time
    rows[some] = own
    matched = strange & (said.label != 0)  # the others' tracks go with their places
    rows["label"][at[matched], 0] = said.label[matched]


def _steps(said: Places, at: I64) -> list[I64]:
    """Return the claims to look at, in groups in which nobody is twice, the earlier ones first.

    What says the same place again is left out; and of an identity that is said to be in very many places in one tick
    some are, evenly.
    """
    some = np.flatnonzero((at >= 0) & said.possible)
    identity = said.identity[some]
    same = identity[1:] == identity[:-1]
    if not same.any():
        return [some] if len(some) else []
    near = np.abs(np.diff(said.place[some], axis=0)).max(1) < LEAST
    some = some[np.append(True, ~(same & near))]
    _, first, which, counts = np.unique(said.identity[some], return_index=True, return_inverse=True, return_counts=True)
    rank, stride = np.arange(len(some)) - first[which], -(-counts // TOGETHER)[which]
    turn = np.where(rank % stride == 0, rank // stride, -1)
    return [some[turn == k] for k in range(int(turn.max()) + 1)]


def _examine(rows: Rows, at: I64, said: Places, time: int) -> None:
    """Take in one claim each of some identities. at: (n,) their records."""
    own = rows[at]
    away = _away(own, said, 0)
    first = own["time"][:, 0] == 0
    joined = first | _joined(own, said, 0, away)
    label = own["label"][:, 0]
    if not joined.all():
        label = _step(own, ~joined, said, time)
    new = first | (away > STILL)
    for name in ("time", *PLACED):
        own[name][new, 0] = getattr(said, name)[new]
    own["sensor"][:, 0], own["label"][:, 0] = said.sensor, np.where(said.label != 0, said.label, label)
    rows[at] = own


def _step(own: Rows, moved: NDArray[np.bool_], said: Places, time: int) -> I64:
    """Take in that some have moved as nobody can: the last place is the other one now. Return (n,) their labels."""
    recent = (own["time"][:, 1] != 0) & (_apart(own["time"][:, 1], said.time) <= OTHER_HOLDS)
    back = moved & recent & _joined(own, said, 1, _away(own, said, 1))
    _turn(own, back, moved & ~back, time)
    label = np.where(back, own["label"][:, 1], np.where(moved, 0, own["label"][:, 0]))
    for name in ("seen", "time", "label", "sensor", *PLACED):
        own[name][moved, 1] = own[name][moved, 0]
    return label


def _turn(own: Rows, back: NDArray[np.bool_], jumps: NDArray[np.bool_], time: int) -> None:
    """Count who went back to the other place; note what that and what jumps show."""
    recent = time - own["turned"] <= OTHER_HOLDS * SECOND
    own["turns"] = np.where(back, np.where(recent, np.minimum(own["turns"], TURNS), 0) + 1, own["turns"])
    own["turns"][jumps] = 0
    own["turned"][back] = time
    own["caused"][jumps, _MOTION] = time
    own["caused"][back & (own["turns"] >= TURNS), _TWO] = time


def _away(own: Rows, said: Places, which: int) -> F64:
    """Return (n,) m along the ground to the last (0) or other (1) place; heights may be counted from elsewhere."""
    step = said.place - own["place"][:, which]
    square, vertical = np.einsum("ni,ni->n", step, step), np.einsum("ni,ni->n", step, upward(said.place))
    level = np.sqrt(np.maximum(square - vertical**2, 0.0))
    return np.asarray(np.maximum(level, np.sqrt(square) - HEIGHTS))  # through the Earth the ground is no way


def _joined(own: Rows, said: Places, which: int, away: F64) -> NDArray[np.bool_]:
    """Return (n,) whether one target can have been at that place and, `away` m, at the one that is said."""
    far = away - SIGMAS * np.sqrt(own["level"][:, which] + said.level)
    slack = SIGMAS * np.hypot(own["slack"][:, which], said.slack)
    slack += np.where(own["sensor"][:, which] == said.sensor, LATE, LATE_ELSEWHERE)
    speed = np.where(said.aircraft, AIRCRAFT, DRONE)
    return np.asarray(far <= speed * (_apart(own["time"][:, which], said.time) + slack))


def _apart(one: I64, other: I64) -> F64:
    """Return (n,) s between times in ns, whatever they are."""
    return np.asarray(np.abs(one.astype(float) - other.astype(float)) / SECOND)


def _conclude(rows: Rows, time: int) -> None:
    held = (rows["caused"] > 0) & (time - rows["caused"] <= HOLDS)
    rows["doubts"] = held @ (1 << np.arange(DOUBTS))
    rows["since"] = np.where(rows["doubts"] == 0, 0, np.where(rows["since"] == 0, time, rows["since"]))
