"""The outbox: takes warnings from the engine, keeps them in a file of its own, and delivers each to its recipients.

A thread takes in, one more for each recipient delivers: who is dead delays nobody else, and the engine waits for none.
A message is in the file before it is sent, as far as the disk lets it: a disk that fails delays no warning.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from skywarden.config import Settings
from skywarden.errors import RecordError
from skywarden.model.event import AreaWarned, Event, decode
from skywarden.model.mode import Mode
from skywarden.model.recipient import Recipient
from skywarden.model.warning import AreaWarning
from skywarden.outputs.checks import ENCODERS, problems
from skywarden.outputs.message import Message
from skywarden.outputs.outline import Outline, outline
from skywarden.record.log import Record, kind
from skywarden.service.deliver import deliver
from skywarden.service.outbox_queue import Queue, Row, State
from skywarden.service.outbox_rows import RecipientRow, recipient_row
from skywarden.service.outbox_store import OtherFormatError, Store, set_aside, spoilt
from skywarden.service.parcel import Parcel, Undelivered
from skywarden.warn import areas

logger = logging.getLogger(__name__)

LOOK = 0.5  # s between two looks at what was asked for, and at what the disk did not take
MARK_EVERY = 5.0  # s between two marks of how far the record was read, while nothing is told
STOP_WITHIN = 3.0  # s that attempts under way have to end

Note = Callable[[str, str, str, str], None]  # recipient, message, state, reason


class _Passed(NamedTuple):
    """What one pass of the engine gave. seq: of the record's last entry."""

    warnings: tuple[AreaWarning, ...]
    seq: int


def outlines(settings: Settings) -> dict[str, Outline]:
    """Return how each area is told."""
    sites = {site.name: site for site in settings.sites}
    districts = {district.name: district for district in settings.districts}
    found = areas(settings.sites, settings.districts)
    mine = {area: [sites[name] for name in names if name in sites] for area, names in found.items()}
    return {area: outline(area, some, districts.get(area)) for area, some in mine.items() if some}


class Outbox:
    """Messages on their way. `take` and `renew` may be called by any thread, and wait for nobody."""

    def __init__(self, path: Path, settings: Settings, record: Record, note: Note) -> None:
        """Open the file, and read on in the record where it was read last. Raises OtherFormatError, a RecordError.

        Whatever else is wrong with the file, it delays no warning: `fault` says that nothing can be kept, or `doubts`
        that a damaged one was set aside. note: is told what became of each message, from `start` on and by any thread.
        """
        self.doubts: list[str] = []
        self.rows: tuple[RecipientRow, ...] = ()
        self.fault: str | None = None
        self._path, self._settings, self._note = path, settings, note
        self._early: list[tuple[str, str, str, str]] = []  # notes from before the start
        self._started = False
        self._outlines = outlines(settings)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._stop = False
        self._passed: SimpleQueue[_Passed | None] = SimpleQueue()
        self._queues: dict[str, Queue] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._unsaved: dict[tuple[str, str], Row] = {}
        self._standing: tuple[AreaWarning, ...] = ()
        self._read, self._saved_read, self._marked = record.last(), -1, 0.0
        self._store: Store | None = None
        self._feeder = threading.Thread(target=self._feed, name="outbox", daemon=True)
        if settings.recipients or path.exists():
            with self._lock:
                self._open(record)

    def _open(self, record: Record) -> None:
        last, read, rows = self._read, None, list[Row]()
        try:
            try:
                self._store, read, rows = _opened(self._path)
            except (RecordError, sqlite3.Error) as error:
                if isinstance(error, OtherFormatError) or not spoilt(error):
                    raise
                aside = set_aside(self._path, time.time_ns())
                self.doubts.append(f"{self._path} was damaged, and is {aside.name} now: who was told may be told again")
                self._store, read, rows = _opened(self._path)
        except OtherFormatError:
            raise
        except (RecordError, OSError, sqlite3.Error) as error:
            self.fault = str(error)
            logger.warning("outbox_not_kept fault=%s", error)
        self._read = last if read is None else min(read, last)  # a record may have lost its end
        kept: dict[str, list[Row]] = {}
        for row in rows:
            kept.setdefault(row.recipient, []).append(row)
        for recipient in self._settings.recipients:
            self._queues[recipient.name] = Queue(recipient, kept.pop(recipient.name, ()))
        for name, rows in kept.items():
            self._keep(Queue(Recipient(name=name, kind="cap"), rows).abandon(GONE, time.time_ns()))
        entries = record.entries(self._read)
        self._offer(_warnings(decode(e.payload) for e in entries if kind(e.payload) == AreaWarned.__name__))
        self._read = last

    def start(self, begun: Iterable[Event], standing: Sequence[AreaWarning]) -> None:
        """Deliver from now on. begun: what the engine's start gave; standing: warnings that stand.

        Those are known already but to recipients that are new.
        """
        with self._lock:
            self._started = True
            for said in self._early:
                self._note(*said)
            self._offer([*_warnings(begun), *standing])
            self._standing = tuple(standing)
            for name in self._queues:
                self._run(name)
            self._show()
        self._feeder.start()

    def take(self, events: Iterable[Event], standing: Sequence[AreaWarning], seq: int) -> None:
        """Take what a pass of the engine told. seq: of the last entry of the record then."""
        self._standing = tuple(standing)
        found = tuple(_warnings(events))
        now = time.monotonic()
        if self._queues and (found or now - self._marked > MARK_EVERY):
            self._marked = now
            self._passed.put(_Passed(found, seq))

    def renew(self, settings: Settings) -> None:
        """Go on under other settings. Recipients that are new are told what stands."""
        with self._lock:
            self._begin_file(settings)
            self._settings = settings
            self._outlines = outlines(settings)
            wanted = {one.name: one for one in settings.recipients}
            for name in [name for name in self._queues if name not in wanted]:
                self._keep(self._queues.pop(name).abandon(GONE, time.time_ns()))
            for name, recipient in wanted.items():
                if name in self._queues:
                    self._keep(self._queues[name].renew(recipient))
                else:
                    self._queues[name] = Queue(recipient, self._kept(name))
                    self._run(name)
            self._offer(self._standing)
            self._show()

    def _begin_file(self, settings: Settings) -> None:
        """Make the file for the first recipients; where that fails they are told all the same, and it is shown."""
        if self._store is not None or not settings.recipients:
            return
        try:
            self._store = Store(self._path)
        except RecordError as error:
            self.fault = str(error)

    def _kept(self, name: str) -> list[Row]:
        try:
            return [row for row in self._store.rows() if row.recipient == name] if self._store else []
        except RecordError as error:
            self.fault = str(error)
            return []

    def stop(self) -> None:
        """End all threads, keep what is left."""
        with self._changed:
            self._stop = True
            self._changed.notify_all()
        self._passed.put(None)
        until = time.monotonic() + STOP_WITHIN
        for thread in (self._feeder, *self._threads.values()):
            if thread.ident is not None:
                thread.join(max(until - time.monotonic(), 0.0))
        with self._lock:
            self._save()
            if self._store is not None:
                self._store.close()
                self._store = None

    def _feed(self) -> None:
        while True:
            passed = self._next()
            if passed is None:
                return
            with self._lock:
                self._offer(passed.warnings)
                self._read = max(self._read, passed.seq)
                self._save()
                self._asked()

    def _next(self) -> _Passed | None:
        while True:
            with suppress(Empty):
                return self._passed.get(timeout=LOOK)
            with self._lock:
                self._save()
                self._asked()

    def _offer(self, warnings: Iterable[AreaWarning]) -> None:
        now, run = time.time_ns(), self._settings.run
        host = run.clock == "host" and run.mode in (Mode.LIVE, Mode.EXERCISE)  # else their times are not ours
        for warning in warnings:
            made = min(warning.sent, now) if host else now
            for queue in self._queues.values():
                self._keep(queue.offer(warning, self._outlines.get(warning.area), made))

    def _asked(self) -> None:
        if self._store is None:
            return
        with suppress(sqlite3.Error):
            for name in self._store.asked():
                if name in self._queues:
                    self._keep(self._queues[name].again(time.time_ns()))

    def _keep(self, rows: Iterable[Row]) -> None:
        """Write down what has changed, as far as the disk lets us; show it, and wake who may have something to do."""
        rows = list(rows)
        if not rows:
            return
        self._unsaved |= {(row.recipient, row.message): row for row in rows}
        self._save()
        for row in rows:
            if (not row.state.pending or row.attempts == 1) and row.state is not State.WAITING:
                said = row.recipient, row.message, str(row.state), row.reason
                if self._started:
                    self._note(*said)
                else:
                    self._early.append(said)
        self._show()

    def _show(self) -> None:
        self.rows = tuple(recipient_row(queue) for queue in self._queues.values())
        self._changed.notify_all()

    def _save(self) -> None:
        if self._store is None or not (self._unsaved or self._read != self._saved_read):
            return
        try:
            self._store.put(list(self._unsaved.values()), self._read)
        except sqlite3.Error as error:
            if self.fault is None:
                logger.warning("outbox_not_kept fault=%s", error)
            self.fault = f"{self._path}: {error}"
            return
        self._unsaved.clear()
        self._saved_read, self.fault = self._read, None

    def _run(self, name: str) -> None:
        if name not in self._threads or not self._threads[name].is_alive():
            thread = threading.Thread(target=self._deliver, args=(name,), name=f"to {name}", daemon=True)
            self._threads[name] = thread
            thread.start()

    def _deliver(self, name: str) -> None:
        while True:
            with self._changed:
                queue = self._queues.get(name)
                if self._stop or queue is None:
                    return
                picked = self._pick(queue)
                if picked is None:
                    due = queue.due()
                    wait = LOOK if due is None else min(max((due - time.time_ns()) * 1e-9, 0.01), LOOK)
                    self._changed.wait(wait)
                    continue
            self._attempt(queue, *picked)

    def _pick(self, queue: Queue) -> tuple[Row, Row, Parcel] | None:
        """Return what to send now: the row as it was, as it is, and what goes out."""
        now = time.time_ns()
        self._keep(queue.settle(now, self._settings.run.mode))
        row = queue.next(now)
        if row is None:
            return None
        made = parcel(queue, row, self._settings.outputs.sender)
        if isinstance(made, str):
            logger.warning("outbox_refused recipient=%s message=%s why=%s", row.recipient, row.message, made)
            self._keep([queue.refused(row, made, now)])
            return None
        begun = queue.begin(row, made.body)
        self._keep([begun])
        return row, begun, made

    def _attempt(self, queue: Queue, before: Row, row: Row, made: Parcel) -> None:
        try:
            answer = deliver(queue.recipient, made)
        except Undelivered as error:
            with self._changed:
                after = queue.failed(row, error.reason, error.perhaps or before.perhaps, time.time_ns())
                self._keep([after])
            logger.warning(
                "outbox_retry recipient=%s message=%s attempt=%d why=%s",
                row.recipient, row.message, row.attempts, error.reason,
            )  # fmt: skip
            return
        with self._changed:
            self._keep([queue.sent(row, answer, time.time_ns())])


def _opened(path: Path) -> tuple[Store, int | None, list[Row]]:
    """Open the file and return it, up to where the record was read, and all rows. Raises RecordError, sqlite3.Error."""
    store = Store(path)
    try:
        store.prune(time.time_ns())
        return store, store.mark("read"), list(store.rows())
    except (RecordError, sqlite3.Error):
        store.close()
        raise


GONE = "the recipient is in the configuration no more"


def parcel(queue: Queue, row: Row, sender: str) -> Parcel | str:
    """Return a message as it goes out; or why it must not."""
    to, area = queue.recipient, row.warning.area
    encode, content_type = ENCODERS[to.kind]
    if row.outline is None:
        return "its area is in the configuration no more"
    message = Message(row.warning, row.outline, sender, to.actual, to.language, queue.references(row))
    try:
        body = row.body or encode(message)
    except ValueError as error:
        return str(error)
    found = [] if row.body else problems(to.kind, body, message)
    return "; ".join(found) or Parcel(row.message, area, content_type, body)


def _warnings(events: Iterable[Event]) -> list[AreaWarning]:
    return [event.warning for event in events if isinstance(event, AreaWarned)]
