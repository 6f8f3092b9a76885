"""The threads that write the record, so that a slow or full disk never delays a warning.

Everything that waits is written in one transaction (group commit). What could not be written is tried again, in order,
until it is written. When more waits than memory allows, new entries are refused; what was accepted stays. States are
written by a thread of their own, so that entries do not wait for one that is large.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Condition, Thread

from skywarden.errors import RecordError
from skywarden.model.event import Entry
from skywarden.record.log import Log, tally

LIMIT = 512 << 20  # bytes; four minutes of full disk at 2 MB/s
GROUP = 16 << 20  # bytes in one transaction: a long backlog is written, and acknowledged, in pieces
RETRY_S = 0.5
EASED = 0.75  # of the limit; recording goes on after a refusal when no more waits, so that holes are few and whole
OVERHEAD = 200  # bytes that an entry takes beside its payload


class Writer:
    """Writes entries to a log in its own thread. The log stays the caller's, to close after `close`.

    durable: everything up to this seq is on disk. backlog: bytes that wait.
    recorded: source -> messages on disk since the record began, through `durable`; a new dict with each group.
    """

    def __init__(self, log: Log, limit: int = LIMIT) -> None:
        self.durable = log.last()
        self.recorded = log.recorded()
        self.backlog = 0
        self._log = log
        self._limit = limit
        self._changed = Condition()  # guards all of this
        self._waiting: deque[Entry] = deque()
        self._snapshot: tuple[int, bytes] | None = None  # that waits for its entries
        self._state: tuple[int, bytes] | None = None  # that can be written
        self._accepted = self.durable
        self._fault: str | None = None
        self._snapshot_fault: str | None = None
        self._closing = self._abandoned = self._ended = False
        self._thread = Thread(target=self._run, name="record", daemon=True)
        self._keeper = Thread(target=self._keep, name="states", daemon=True)
        self._thread.start()
        self._keeper.start()

    @property
    def next(self) -> int:
        """The seq of the next entry that is accepted."""
        return self._accepted + 1

    @property
    def fault(self) -> str | None:
        """Why the last attempt to write failed, in words; None while all is well."""
        return self._fault or self._snapshot_fault

    @property
    def eased(self) -> bool:
        """Say whether there is room again for a good while."""
        return not self._ended and self.backlog <= self._limit * EASED

    def submit(self, entries: Sequence[Entry], *, beyond: bool = False) -> bool:
        """Queue entries; never waits for the disk. Returns False when they are refused.

        They are refused all together, when too much waits or when they do not go on from `next`: a record has no
        gaps in its numbers. beyond: take them however much waits; for the one entry that tells of a loss.
        """
        if not entries:
            return True
        size = _size(entries)
        with self._changed:
            full = self.backlog + size > self._limit and not beyond
            if full or entries[0].seq != self.next or self._closing or self._ended:
                return False
            self._waiting.extend(entries)
            self._accepted = entries[-1].seq
            self.backlog += size
            self._changed.notify_all()
            return True

    def snapshot(self, seq: int, payload: bytes) -> None:
        """Keep a snapshot once all entries up to `seq` are durable. A newer one replaces one that still waits."""
        with self._changed:
            self._snapshot = seq, payload
            self._changed.notify_all()

    def wait(self, seq: int, timeout: float) -> bool:
        """Wait up to `timeout` s; True when everything through `seq` is durable.

        Waits for a slow disk, not for one that refuses and not for a `seq` that was refused: then it returns at once.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.durable >= seq or self._fault or seq > self._accepted, timeout)
            return self.durable >= seq

    def close(self, timeout: float = 10.0) -> bool:
        """Write what waits and end the thread. False when something could not be written within `timeout` s."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._abandoned = not self._changed.wait_for(lambda: self._ended, timeout)
            self._changed.notify_all()
        self._thread.join(RETRY_S)
        self._keeper.join(RETRY_S if self._abandoned else timeout)
        return self.durable == self._accepted

    def _run(self) -> None:
        try:
            while self._wait_for_work():
                self._hand_over()  # first: after more entries it could not end a segment
                self._write_entries()
        finally:  # nobody may wait for a thread that is gone
            with self._changed:
                self._ended = True
                if not self._closing or self.durable != self._accepted:
                    self._fault = self._fault or "the writing thread ended by a fault in skywarden: restart"
                self._changed.notify_all()

    def _wait_for_work(self) -> bool:
        with self._changed:
            if self._fault:
                self._changed.wait_for(lambda: self._abandoned, RETRY_S)
            else:
                self._changed.wait_for(lambda: self._waiting or self._snapshot_is_due() or self._closing)
            return not self._abandoned and bool(self._waiting or self._snapshot_is_due() or not self._closing)

    def _snapshot_is_due(self) -> bool:
        return self._snapshot is not None and self._snapshot[0] <= self.durable

    def _write_entries(self) -> None:
        with self._changed:
            group = self._group()
        if not group:
            return
        held = self._log.last()  # after a failure the log knows best; mostly all of the group is new to it
        fault = None
        try:
            self._log.append([e for e in group if e.seq > held])
        except RecordError as error:
            fault = str(error)
        recorded = _added(self.recorded, group)
        with self._changed:
            self._fault = fault
            if fault is None:
                self.recorded = recorded
                for _ in group:
                    self._waiting.popleft()
                self.backlog -= _size(group)  # before `durable`, which others read without the lock
                self.durable = group[-1].seq
            self._changed.notify_all()

    def _group(self) -> list[Entry]:
        """Return what is written next. It ends where a state waits: only after its last entry can a segment end."""
        group: list[Entry] = []
        size = 0
        last = self._snapshot[0] if self._snapshot is not None else None
        for entry in self._waiting:
            group.append(entry)
            size += len(entry.payload) + OVERHEAD
            if size >= GROUP or entry.seq == last:
                break
        return group

    def _hand_over(self) -> None:
        """Begin the next segment with a state that is due, or let it be written beside this one."""
        with self._changed:
            if self._snapshot is None or not self._snapshot_is_due():
                return
            state, self._snapshot = self._snapshot, None
        with suppress(RecordError):  # the thread of states tries too, and tells
            if self._log.begins(*state):
                self._snapshot_fault = None
                return
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def _keep(self) -> None:
        """Write the newest state that waits, one after the other, until the entries have ended."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._state is not None or self._ended)
                state, self._state = self._state, None
            if state is None:
                return
            try:
                self._log.save_snapshot(*state)
            except RecordError as error:
                self._snapshot_fault = f"snapshot not kept: {error}"  # only a cache: the next one will do
            else:
                self._snapshot_fault = None


def _added(recorded: Mapping[str, int], entries: Sequence[Entry]) -> dict[str, int]:
    after = dict(recorded)
    for (kind, source), count in tally(entries).items():
        if kind == "Arrived":
            after[source] = after.get(source, 0) + count.messages
    return after


def _size(entries: Sequence[Entry]) -> int:
    return sum(len(e.payload) + OVERHEAD for e in entries)
