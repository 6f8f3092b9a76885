"""What one recipient is to be told, in order, and what became of it. No clock and no file: times are arguments, ns.

Nothing is forgotten and nothing is told twice: every message ends as sent, superseded, refused by the checks, or given
up, and is known by its identifier for ever after.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from skywarden.model.mode import Mode
from skywarden.model.raid import Level
from skywarden.model.recipient import Recipient
from skywarden.model.warning import SECOND, AreaWarning, Move
from skywarden.outputs.message import Reference
from skywarden.outputs.outline import Outline

LATE = 120 * SECOND  # ns; what is older is told only if it is the newest of its area
GIVE_UP = 6 * 3600 * SECOND  # ns
PAUSES = (1, 2, 4, 8, 16, 32, 60)  # s after each attempt that failed; the last one for all that follow
REFERENCES = 20  # of one message at most: the first and the latest


class State(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    RETRYING = "retrying"
    SENT = "sent"
    REFUSED = "refused by the checks"
    SUPERSEDED = "superseded"
    GAVE_UP = "gave up"

    @property
    def pending(self) -> bool:
        return self in (State.WAITING, State.RETRYING)


class Row(msgspec.Struct, frozen=True):
    """One message for one recipient. made: ns, as old as it is. due, done: ns, of the next attempt and the last one.

    outline: None where nobody knows it any more. perhaps: it may have arrived. body: as it goes out, from the first
    attempt on: it is the same each time.
    """

    recipient: str
    message: str
    warning: AreaWarning
    outline: Outline | None
    made: int
    state: State = State.WAITING
    attempts: int = 0
    due: int = 0
    reason: str = ""
    perhaps: bool = False
    body: bytes = b""
    done: int = 0


class Queue:
    """The messages for one recipient. Methods return the rows that are others now, to be kept."""

    def __init__(self, recipient: Recipient, rows: Iterable[Row] = ()) -> None:
        """Go on with the rows that were kept, oldest first."""
        self.recipient = recipient
        self.counts: Counter[State] = Counter()
        self.last: Row | None = None  # of those that have ended, the latest
        self.sent_at = 0  # ns
        self._pending: dict[str, Row] = {}
        self._known: set[str] = set()
        self._outlines: dict[str, Outline] = {}
        self._got: dict[str, list[Reference]] = {}  # area -> what it has, or may have, since that was quiet
        for row in rows:
            self._known.add(row.message)
            self._keep(row)
            if row.state is State.SENT or row.perhaps:
                self._note(row)

    def renew(self, recipient: Recipient) -> list[Row]:
        """Go on under other settings: what was not sent yet is written anew."""
        changed = recipient != self.recipient
        self.recipient = recipient
        return [self._put(row, body=b"", due=0) for row in self.pending] if changed else []

    @property
    def pending(self) -> list[Row]:
        """What is not done yet, oldest first."""
        return list(self._pending.values())

    def offer(self, warning: AreaWarning, outline: Outline | None, made: int) -> list[Row]:
        """Take a warning in, if the recipient is to be told of it and does not know it yet.

        outline: of its area; None: it is in the configuration no more, and as it was told before.
        """
        to, area = self.recipient, warning.area
        if warning.identifier in self._known or (warning.mode is not Mode.LIVE and not to.in_exercise):
            return []
        begun = bool(self._got.get(area)) or any(row.warning.area == area for row in self._pending.values())
        if (to.areas and area not in to.areas) and not begun:
            return []
        low = warning.level < (Level.CRITICAL if to.least == "critical" else Level.WARN)
        if low and not begun:  # an end too, of what it was not told of
            return []
        self._known.add(warning.identifier)
        row = Row(to.name, warning.identifier, warning, outline or self._outlines.get(area), made)
        self._keep(row)
        return [row]

    def settle(self, now: int, mode: Mode) -> list[Row]:
        """End what is not to be sent any more. mode: of the picture that there is now."""
        newest = {row.warning.area: row for row in self._pending.values()}
        found = []
        for row in self.pending:
            why, last = "", newest[row.warning.area]
            state = State.SUPERSEDED
            if row.warning.move is Move.ENDED:
                first = next(one for one in self._pending.values() if one.warning.area == row.warning.area)
                why = "" if self._got.get(row.warning.area) or first is not row else "nothing was told before"
            elif last is not row and last.warning.move is Move.ENDED:
                why = "it has ended"
            elif last is not row and now - row.made > LATE:
                why = "a later one waits"
            elif row.warning.mode is not mode:
                why = f"the picture is {mode} now"
            if not why and now - row.made > GIVE_UP:
                state, why = State.GAVE_UP, f"it was not taken: {row.reason}" if row.reason else "it was not sent"
            if why:
                found.append(self._put(row, state=state, reason=why, done=now))
        return found

    def next(self, now: int) -> Row | None:
        """Return what is to be sent now, if anything is: the oldest of an area before others, the less tried first."""
        firsts: dict[str, Row] = {}
        for row in self._pending.values():
            firsts.setdefault(row.warning.area, row)
        never = now + (PAUSES[-1] + 1) * SECOND  # so late is nothing: the clock was set back
        ready = [row for row in firsts.values() if not now < row.due < never]
        return min(ready, key=lambda row: row.attempts, default=None)

    def due(self) -> int | None:
        """Return ns, when something is to be sent; None: nothing waits."""
        return min((row.due for row in self._pending.values()), default=None)

    def references(self, row: Row) -> tuple[Reference, ...]:
        """Return what a message refers to."""
        got = [one for one in self._got.get(row.warning.area, []) if one.identifier != row.message]
        return tuple(got if len(got) <= REFERENCES else [got[0], *got[1 - REFERENCES :]])

    def begin(self, row: Row, body: bytes) -> Row:
        """Note, before it happens, that a message is sent: from here on it may have arrived."""
        row = self._put(row, body=body, attempts=row.attempts + 1, perhaps=True)
        self._note(row)
        return row

    def sent(self, row: Row, answer: str, now: int) -> Row:
        """Note that it arrived."""
        self.sent_at = now
        if row.warning.move is Move.ENDED:
            self._got.pop(row.warning.area, None)
        return self._put(row, state=State.SENT, reason=answer, done=now)

    def failed(self, row: Row, reason: str, perhaps: bool, now: int) -> Row:
        """Note that it did not arrive, or that nobody knows. perhaps: it may have, now or at an earlier attempt."""
        if not perhaps:
            got = self._got.get(row.warning.area, [])
            self._got[row.warning.area] = [one for one in got if one.identifier != row.message]
        due = now + PAUSES[min(row.attempts, len(PAUSES)) - 1] * SECOND
        return self._put(row, state=State.RETRYING, reason=reason, perhaps=perhaps, due=due, done=now)

    def refused(self, row: Row, reason: str, now: int) -> Row:
        """Note that it must not be sent."""
        return self._put(row, state=State.REFUSED, reason=reason, done=now)

    def again(self, now: int) -> list[Row]:
        """Try at once what waits for its next attempt."""
        return [self._put(row, due=now) for row in self.pending]

    def abandon(self, reason: str, now: int) -> list[Row]:
        """Give up whatever waits."""
        return [self._put(row, state=State.GAVE_UP, reason=reason, done=now) for row in self.pending]

    def _put(self, row: Row, **changes: object) -> Row:
        after = msgspec.structs.replace(row, **changes)
        self.counts[row.state] -= 1
        self._keep(after)
        return after

    def _keep(self, row: Row) -> None:
        if row.outline is not None:
            self._outlines[row.warning.area] = row.outline
        self.counts[row.state] += 1
        if row.state.pending:
            self._pending[row.message] = row
        else:
            self._pending.pop(row.message, None)
            self.last = row
            self.sent_at = max(self.sent_at, row.done if row.state is State.SENT else 0)

    def _note(self, row: Row) -> None:
        got = self._got.setdefault(row.warning.area, [])
        if row.state is State.SENT and row.warning.move is Move.ENDED:
            got.clear()
        elif row.message not in [one.identifier for one in got]:
            got.append(Reference(row.message, row.warning.sent))
