"""Each node over time: when it hears, is silent or absent, and what its false alarms teach."""

import numpy as np
import pytest
from ears import standing

from skywarden.track.cells import rows
from skywarden.track.nodes import (
    AHEAD,
    DEAD,
    LASTS,
    LATE,
    NEVER,
    PAUSE,
    RATE,
    SECOND,
    WEIGHT_S,
    Book,
    Messages,
    empty,
    learn,
    look,
    occupancy,
    onto,
    rates,
    take,
    turns,
)
from skywarden.track.presence import ABSENT, HEARD, SILENT

NOW = 1_800_000_000 * SECOND
NOBODY = np.zeros(3)
GRID = np.column_stack([9e3 * np.arange(8.0), -5e3 * np.arange(8.0), np.full(8, 2.0)])


def messages(*rows: tuple[int, float, int]) -> Messages:
    """Return messages of (node, s from NOW, heard)."""
    node, time, heard = (np.array(column) for column in zip(*rows, strict=True))
    return Messages(node, NOW + np.round(time * SECOND).astype(np.int64), heard)


def taken(*rows: tuple[int, float, int], now: float = 0.0) -> tuple[Book, list[int], int]:
    """Return what three nodes are after messages, all at once."""
    book, fresh, refused = take(empty(3), messages(*rows), NOW + round(now * SECOND))
    return book, fresh.tolist(), refused


def test_a_node_hears_from_its_first_report_to_its_last() -> None:
    book, fresh, _ = taken((0, -30, 0), (0, -9, 1), (0, -8, 1), (0, -6, 1))
    assert fresh == [0]
    assert (book.begun[0], book.last[0]) == (NOW - 9 * SECOND, NOW - 6 * SECOND)
    assert book.free[0] == book.up[0] == NOW - 30 * SECOND
    for second, state in ((-10, SILENT), (-9, HEARD), (-4, HEARD), (-3, SILENT)):
        _, looks = look(book, NOW + second * SECOND, NOBODY)
        assert looks.now[0] == state


def test_after_a_pause_it_hears_something_new() -> None:
    pause = PAUSE / SECOND
    book, fresh, _ = taken((1, -100, 1), (1, -100 + pause, 1))
    assert fresh == [1]
    assert book.begun[1] == NOW - 100 * SECOND
    book, fresh, _ = take(book, messages((1, -99 + 2 * pause, 1)), NOW)
    assert fresh.tolist() == [1]
    assert book.free[1] == NOW + round((-100 + pause + 2) * SECOND)


def test_a_node_of_which_nothing_comes_is_absent_and_not_silent() -> None:
    book, _, _ = taken((0, -200, 0), (1, -20, 0), (1, -5, 1))
    _, looks = look(book, NOW, NOBODY)
    assert looks.now.tolist() == [ABSENT, SILENT, ABSENT]
    assert book.up[2] == NEVER


def test_a_node_that_comes_back_has_not_been_silent_meanwhile() -> None:
    dead = DEAD / SECOND
    book, _, refused = taken((0, -100, 0), now=0.0)
    book, _, again = take(book, messages((0, dead, 0)), NOW + round(dead * SECOND))
    assert book.up[0] == NOW + DEAD
    assert refused == again == 0


def test_what_is_late_changes_when_it_began_but_not_what_was_heard_long_before() -> None:
    book, _, _ = taken((0, -60, 0), (0, -10, 1))
    book, fresh, _ = take(book, messages((0, -12, 1)), NOW)
    assert (book.begun[0], fresh.tolist()) == (NOW - 12 * SECOND, [])
    book, fresh, _ = take(book, messages((0, -50, 1)), NOW)
    assert (book.begun[0], fresh.tolist()) == (NOW - 12 * SECOND, [])


def test_messages_at_once_may_come_in_any_order() -> None:
    rng = np.random.default_rng(1)
    rows = [(int(rng.integers(3)), float(t), int(rng.random() < 0.5)) for t in rng.uniform(-100, 0, 80)]
    one, fresh, _ = taken(*rows)
    rng.shuffle(rows)
    other, again, _ = taken(*rows)
    assert fresh == again
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "row, second", [(3, 0), (-1, 0), (0, 1e4), (0, -1e4), (0, AHEAD / SECOND + 1), (0, -1 - LATE / SECOND)]
)
def test_unknown_nodes_and_clocks_that_are_off_are_refused_and_counted(row: int, second: float) -> None:
    book, fresh, refused = taken((row, second, 1), (1, -5, 1))
    assert refused == 1
    assert fresh == [1]
    assert np.all(book.alive[[0, 2]] == NEVER)


def test_a_book_goes_over_to_a_field_with_more_nodes() -> None:
    old, new = standing(GRID[[1, 3, 5]]), standing(GRID)
    old = old._replace(node=np.array([1, 3, 5])[old.node])
    book, _, _ = take(empty(3), messages(*[(k, -float(k + 3), 1) for k in range(3)]), NOW)
    after = onto(book, old, new)
    for k, node in enumerate(old.node):
        assert after.begun[rows(new, np.array([node]))[0]] == book.begun[k]
    assert (after.begun == NEVER).sum() == len(GRID) - 3
    assert rows(new, np.array([99, 2])).tolist() == [-1, int(np.flatnonzero(new.node == 2)[0])]
    assert rows(standing(GRID[:0]), np.array([1])).tolist() == [-1]


def test_a_look_knows_the_one_before() -> None:
    book, _, _ = taken((0, -60, 0), (0, -9, 1), (1, -50, 0))
    book, first = look(book, NOW - 20 * SECOND, NOBODY)
    assert first.before.tolist() == [ABSENT] * 3
    assert np.all(np.isinf(first.gap))
    book, then = look(book, NOW - 8 * SECOND, NOBODY)
    assert (then.before[0], then.now[0], then.gap[0]) == (SILENT, HEARD, 12.0)
    for second in (-8, -30):  # the same time again, and a clock that goes back
        same, none = look(book, NOW + second * SECOND, NOBODY)
        assert none.now.tolist() == [ABSENT] * 3
        assert np.array_equal(same.at, book.at)


def test_before_anything_is_learned_false_alarms_are_as_expected() -> None:
    book = empty(3)
    assert rates(book) == pytest.approx(0.2 / 3600.0)
    assert occupancy(book) == pytest.approx(0.2 / 60.0, rel=1e-9)
    assert turns(book) == pytest.approx(60.0)


def run(seconds: int, hears: list[bool], explained: float = 0.0, dt: float = 1.0) -> Book:
    """Return what nodes have taught that hear always, or begin every ten minutes for one, or never."""
    book, states = empty(3), np.array([ABSENT] * 3)
    _, looks = look(book, NOW, NOBODY)
    for k in range(int(seconds / dt)):
        on = np.array([hears[0], hears[1] and (k * dt) % 600 < 60, False])
        now = np.where(on, HEARD, SILENT)
        book = learn(book, looks._replace(now=now, before=states, gap=np.full(3, dt)), np.full(3, explained))
        states = now
    return book


def test_false_alarms_are_learned_for_each_node() -> None:
    day = 24 * 3600
    book = run(8 * day, [True, True], dt=30.0)
    assert occupancy(book)[0] > 0.7  # and then what it says says nothing
    assert occupancy(book)[1] == pytest.approx(0.1, abs=0.03)
    assert rates(book)[1] > 10 * RATE
    assert turns(book)[1] == pytest.approx(LASTS, rel=0.5)
    assert occupancy(book)[2] < RATE * LASTS
    assert rates(book)[2] < 0.7 * RATE


def test_what_known_targets_explain_teaches_nothing_of_false_alarms() -> None:
    book = run(WEIGHT_S // 24, [True, True], explained=1.0, dt=10.0)  # type: ignore[arg-type]
    assert book.runs.tolist() == book.loud.tolist() == [0.0] * 3
