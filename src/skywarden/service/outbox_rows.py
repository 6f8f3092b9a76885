"""What /api/health, the terminal and `skywarden outbox list` say of the outbox."""

import msgspec

from skywarden.service.outbox_queue import Queue, State

OK, WAITING, FAILING = "ok", "waiting", "failing"
WRONG = (State.REFUSED, State.GAVE_UP)


class RecipientRow(msgspec.Struct, frozen=True):
    """One recipient. state: "failing" when it does not take what it should, or the last message was never sent.

    The counts are of messages of the last days. reason: of what fails. next: ns, of the next attempt, None: nothing
    waits. oldest: ns, from when the oldest is that waits. sent_at: ns, when it last took one.
    """

    recipient: str
    kind: str
    actual: bool
    state: str
    waiting: int
    retrying: int
    sent: int
    refused: int
    superseded: int
    gave_up: int
    reason: str
    next: int | None
    oldest: int | None
    sent_at: int | None


def recipient_row(queue: Queue) -> RecipientRow:
    """Return a queue as it is."""
    pending, counts = queue.pending, queue.counts
    failing = [row for row in pending if row.state is State.RETRYING]
    wrong = queue.last is not None and queue.last.state in WRONG
    reason = failing[-1].reason if failing else queue.last.reason if queue.last is not None and wrong else ""
    return RecipientRow(
        recipient=queue.recipient.name,
        kind=queue.recipient.kind,
        actual=queue.recipient.actual,
        state=FAILING if failing or wrong else WAITING if pending else OK,
        waiting=counts[State.WAITING],
        retrying=counts[State.RETRYING],
        sent=counts[State.SENT],
        refused=counts[State.REFUSED],
        superseded=counts[State.SUPERSEDED],
        gave_up=counts[State.GAVE_UP],
        reason=reason,
        next=queue.due(),
        oldest=min((row.made for row in pending), default=None),
        sent_at=queue.sent_at or None,
    )
