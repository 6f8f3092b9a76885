"""What one recipient is told, in which order, and what is not told: without any clock, file or network."""

from areas_told import PLANT, SECOND, T0, ending, following, warning
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.mode import Mode
from skywarden.model.raid import Level
from skywarden.model.recipient import Recipient
from skywarden.model.warning import Move
from skywarden.outputs.outline import outline
from skywarden.service.outbox_queue import GIVE_UP, LATE, Queue, State

SHAPE = outline(PLANT.name, (PLANT,), None)
TO = Recipient(name="x", kind="webhook", url="http://127.0.0.1:1")
ONE = warning()
TWO = following(ONE)
OVER = ending(TWO)


def queue(**changes):
    return Queue(Recipient(name="x", kind="webhook", **changes))


def offer(of, *ones):
    return [row for one in ones for row in of.offer(one, SHAPE, one.sent)]


def send(of, now, ok=True, perhaps=False):
    """Settle, and try what is next; return its identifier."""
    of.settle(now, Mode.LIVE)
    row = of.next(now)
    if row is None:
        return None
    begun = of.begin(row, b"x")
    if ok:
        of.sent(begun, "ok", now)
    else:
        of.failed(begun, "no", perhaps or row.perhaps, now)
    return row.message


def test_a_message_is_taken_once():
    of = queue()
    assert len(offer(of, ONE, ONE, ONE)) == 1
    assert send(of, T0) == ONE.identifier
    assert offer(of, ONE) == []
    assert send(of, T0) is None


def test_messages_of_an_area_go_in_order_and_refer_to_those_before():
    of = queue()
    offer(of, ONE, TWO)
    assert send(of, T0, ok=False) == ONE.identifier
    assert send(of, T0) is None  # the second waits for the first, which waits a second
    assert [send(of, T0 + SECOND) for _ in range(2)] == [ONE.identifier, TWO.identifier]
    (row,) = offer(of, OVER)
    assert [one.identifier for one in of.references(row)] == [ONE.identifier, TWO.identifier]
    send(of, T0 + SECOND)
    (again,) = offer(of, warning(number=2, sent=T0 + 9 * SECOND))
    assert of.references(again) == ()


def test_a_message_that_fails_does_not_hold_up_another_area():
    of = queue()
    other = warning(area="B", number=2)
    offer(of, ONE, other)
    send(of, T0, ok=False)
    assert send(of, T0) == other.identifier


def test_pauses_grow_to_a_minute_and_are_the_same_each_time():
    of, now, pauses = queue(), T0, []
    offer(of, ONE)
    for _ in range(9):
        assert send(of, now, ok=False) == ONE.identifier
        pauses.append((of.due() - now) // SECOND)
        now = of.due()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_clock_that_is_set_back_delays_nothing_by_more_than_a_pause():
    of = queue()
    offer(of, ONE)
    send(of, T0, ok=False)
    assert send(of, T0 - 3600 * SECOND) == ONE.identifier


def test_what_is_late_is_told_only_if_it_is_the_newest():
    of = queue()
    offer(of, ONE)
    send(of, T0, ok=False)
    offer(of, TWO)
    now = T0 + LATE + SECOND
    assert send(of, now) == TWO.identifier
    assert (of.counts[State.SUPERSEDED], of.counts[State.SENT]) == (1, 1)
    alone = queue()
    offer(alone, ONE)
    assert send(alone, T0 + LATE * 30) == ONE.identifier


def test_an_end_is_told_to_who_was_told_or_may_have_been_and_to_nobody_else():
    never = queue()
    offer(never, ONE, OVER)
    assert send(never, T0 + SECOND) is None
    assert never.counts[State.SUPERSEDED] == 2
    maybe = queue()
    offer(maybe, ONE)
    send(maybe, T0, ok=False, perhaps=True)
    offer(maybe, OVER)
    assert send(maybe, OVER.sent) == OVER.identifier
    known = queue()
    offer(known, ONE)
    send(known, T0)
    offer(known, OVER)
    assert send(known, OVER.sent + 5 * 3600 * SECOND) == OVER.identifier


def test_an_attempt_that_surely_failed_after_one_that_perhaps_did_not_may_still_have_arrived():
    of = queue()
    offer(of, ONE)
    send(of, T0, ok=False, perhaps=True)
    send(of, of.due(), ok=False)
    offer(of, OVER)
    assert send(of, OVER.sent) == OVER.identifier


def test_nobody_tries_for_ever():
    of = queue()
    offer(of, ONE)
    send(of, T0, ok=False)
    assert send(of, T0 + GIVE_UP + SECOND) is None
    assert of.counts[State.GAVE_UP] == 1
    assert of.last.reason == "it was not taken: no"


def test_exercises_go_only_to_who_wants_them_and_never_into_another_picture():
    for mode in (Mode.EXERCISE, Mode.SIM, Mode.REPLAY):
        assert offer(queue(), warning(mode=mode)) == []
        of = queue(in_exercise=True)
        assert len(offer(of, warning(mode=mode))) == 1
        of.settle(T0, Mode.LIVE)
        assert of.next(T0) is None
        assert of.counts[State.SUPERSEDED] == 1


def test_areas_and_levels_that_a_recipient_has_not_asked_for_are_not_told():
    assert offer(queue(areas=("North",)), ONE) == []
    assert len(offer(queue(areas=("Plant A",)), ONE)) == 1
    of = queue(least="critical")
    low = warning(level=Level.WARN)
    assert offer(of, low, ending(low)) == []
    high = following(low, level=Level.CRITICAL)
    assert len(offer(of, high)) == 1
    send(of, high.sent)
    lower = following(high, level=Level.WARN)
    assert len(offer(of, lower)) == 1  # it must know that it is better
    send(of, lower.sent)
    assert len(offer(of, ending(lower))) == 1


def test_after_a_restart_it_goes_on_where_it_was():
    of, kept = queue(), {}

    def keep(rows):
        kept.update({row.message: row for row in rows})

    keep(offer(of, ONE))
    begun = of.begin(of.next(T0), b"body")
    keep([begun])  # and here the power fails: nobody knows whether it arrived
    again = Queue(of.recipient, kept.values())
    assert again.next(T0).body == b"body"
    assert offer(again, ONE) == []
    (over,) = again.offer(OVER, None, OVER.sent)
    assert over.outline == SHAPE
    again.settle(OVER.sent, Mode.LIVE)
    assert again.next(OVER.sent).message == OVER.identifier


STEPS = st.lists(
    st.tuples(st.sampled_from(["raise", "update", "end", "send", "fail", "maybe", "restart"]), st.integers(0, 40)),
    max_size=60,
)


@given(STEPS)
@settings(deadline=None, max_examples=200)
def test_whatever_happens_nothing_is_lost_and_nothing_taken_twice(steps):
    of, kept, made, now, arrived, standing, number = queue(), {}, [], T0, [], None, 0
    reached = set()
    for what, seconds in [*steps, ("end", 1), *[("send", 61)] * 80]:
        now += seconds * SECOND
        before = len(made)
        if what == "raise" and standing is None:
            number += 1
            standing = warning(number=number, sent=now, raised=now)
            made.append(standing)
        elif what in ("update", "end") and standing is not None:
            step = following if what == "update" else ending
            after = step(standing, seconds=max((now - standing.sent) // SECOND, 0))
            standing = None if what == "end" else after
            made.append(after)
        if len(made) > before:
            kept |= {row.message: row for row in offer(of, made[-1])}
        kept |= {row.message: row for row in of.settle(now, Mode.LIVE)}
        if what == "restart":
            of = Queue(of.recipient, kept.values())
        row = of.next(now) if what in ("send", "fail", "maybe") else None
        if row is not None:
            begun = of.begin(row, b"x")
            if what == "send":
                arrived.append(row.message)
                reached.add(row.message)
                kept[row.message] = of.sent(begun, "", now)
            else:
                reached |= {row.message} if what == "maybe" else set()
                kept[row.message] = of.failed(begun, "", what == "maybe" or row.perhaps, now)
    assert of.pending == []
    assert len(arrived) == len(set(arrived))
    assert set(kept) == {one.identifier for one in made}
    assert sum(of.counts.values()) == len(made)
    order = [one.identifier for one in made]
    assert [order.index(one) for one in arrived] == sorted(order.index(one) for one in arrived)
    for one in made:  # who may have been told of one was told of its end
        if one.move is Move.ENDED:
            of_it = {other.identifier for other in made if other.number == one.number and other is not one}
            assert not (of_it & reached) or one.identifier in arrived
