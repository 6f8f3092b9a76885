"""What the network does to simulated messages, and how they are cut into ticks."""

from collections.abc import Sequence

import numpy as np
import pytest

from skywarden.sim.deliver import SECOND, Piece, Stream, _gather, deliver, joined
from skywarden.sim.scene.settings import Faults
from skywarden.sim.sky import Sent, nothing_sent

TICK = SECOND // 10


def sent(times_s: Sequence[float], first: int = 0) -> Sent:
    """Messages `m0`, `m1`, ... of growing length at some times."""
    messages = [f"m{first + k}".encode() * (1 + k % 3) for k in range(len(times_s))]
    time = np.round(np.array(times_s) * SECOND).astype(np.int64)
    lengths = np.array([len(m) for m in messages], np.uint32)
    return Sent(time, lengths, np.frombuffer(b"".join(messages), np.uint8), np.arange(len(messages)))


def messages(found: Sent) -> list[bytes]:
    ends = np.cumsum(found.lengths).tolist()
    data = found.data.tobytes()
    return [data[end - length : end] for end, length in zip(ends, found.lengths.tolist(), strict=True)]


def cut(pieces: Sequence[Piece]) -> list[bytes]:
    return [
        piece.data[end - length : end]
        for piece in pieces
        for lengths in [np.frombuffer(piece.lengths, "<u4")]
        for end, length in zip(np.cumsum(lengths).tolist(), lengths.tolist(), strict=True)
    ]


def test_a_good_network_changes_nothing() -> None:
    before = sent(np.arange(0, 5, 0.01))
    after = deliver(before, Faults(), np.random.default_rng(1))
    assert messages(after) == messages(before)
    assert np.array_equal(after.time, before.time)


def test_late_messages_come_later_and_none_is_lost() -> None:
    before = sent(np.arange(0, 50, 0.01))
    after = deliver(before, Faults(late=0.1, late_s=4.0), np.random.default_rng(1))
    assert sorted(messages(after)) == sorted(messages(before))
    assert (np.diff(after.time) >= 0).all()
    moved = after.time[np.argsort(after.sender)] - before.time
    assert (moved > 0).mean() == pytest.approx(0.1, abs=0.02)
    assert moved[moved > 0].mean() / SECOND == pytest.approx(4.0, rel=0.2)
    assert (moved >= 0).all()


def test_doubled_messages_come_twice_with_the_same_bytes() -> None:
    before = sent(np.arange(0, 20, 0.01))
    after = deliver(before, Faults(duplicated=0.05), np.random.default_rng(1))
    names, counts = np.unique(after.sender, return_counts=True)
    assert len(names) == len(before.time)
    assert (counts == 2).mean() == pytest.approx(0.05, abs=0.02)
    assert set(messages(after)) == set(messages(before))


def test_the_same_network_twice_gives_the_same_bytes() -> None:
    before, faults = sent(np.arange(0, 20, 0.01)), Faults(late=0.2, duplicated=0.1)
    one, other = (deliver(before, faults, np.random.default_rng(3)) for _ in range(2))
    assert one.data.tobytes() == other.data.tobytes()
    assert np.array_equal(one.time, other.time)


def test_gathering_pieces_compiled_equals_slicing() -> None:
    rng = np.random.default_rng(5)
    source = rng.integers(0, 256, 500).astype(np.uint8)
    begins, lengths = rng.integers(0, 400, 60), rng.integers(0, 90, 60)
    out = np.empty(int(lengths.sum()), np.uint8)
    _gather(source, begins, lengths, out)
    slices = [source[b : b + n] for b, n in zip(begins.tolist(), lengths.tolist(), strict=True)]
    assert out.tobytes() == b"".join(piece.tobytes() for piece in slices)


def test_parts_are_joined_in_the_order_of_their_times() -> None:
    whole = joined([sent([0.1, 0.5, 0.9]), sent([0.2, 0.5], first=10)])
    assert messages(whole) == [b"m0", b"m10", b"m1m1", b"m11m11", b"m2m2m2"]
    assert not len(joined([]).time)


def test_a_stream_cuts_messages_into_ticks_and_keeps_late_ones_for_their_own() -> None:
    stream = Stream(0, TICK)
    early = list(stream.push(sent([0.01, 0.02, 0.15, 2.05]), SECOND))
    found = [(p.tick, p.received, len(p.lengths) // 4) for p in early]
    assert found == [(0, SECOND // 50, 2), (1, 15 * SECOND // 100, 1)]
    assert stream.waiting == 1
    assert list(stream.push(nothing_sent(), 2 * SECOND)) == []
    last = list(stream.push(sent([2.01], first=7), 3 * SECOND))
    assert [p.tick for p in last] == [20]
    assert cut([*early, *last]) == [b"m0", b"m1m1", b"m2m2m2", b"m7", b"m3"]
    assert stream.waiting == 0


def test_no_message_is_lost_or_doubled_however_windows_are_cut() -> None:
    before = deliver(sent(np.arange(0, 30, 0.013)), Faults(late=0.3, late_s=5.0), np.random.default_rng(2))
    stream, pieces = Stream(0, TICK), []
    for begin in range(0, 70, 10):
        rows = np.flatnonzero((before.time >= begin * SECOND) & (before.time < (begin + 10) * SECOND))
        bounds = np.concatenate(([0], np.cumsum(before.lengths, dtype=np.int64)))
        part = Sent(
            before.time[rows],
            before.lengths[rows],
            before.data[bounds[rows[0]] : bounds[rows[-1] + 1]] if len(rows) else before.data[:0],
            before.sender[rows],
        )
        pieces += list(stream.push(part, (begin + 10) * SECOND))
    assert cut(pieces) == messages(before)
    assert all(p.tick == p.received // TICK for p in pieces)
    assert [p.tick for p in pieces] == sorted({p.tick for p in pieces})
