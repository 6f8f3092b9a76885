"""The one loop around the straight line: take messages in, record them, tick, record what follows, publish."""

import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from skywarden import __version__
from skywarden.config import Settings, resolved
from skywarden.errors import RecordError, StoppedError
from skywarden.model.act import Act, Person
from skywarden.model.decision import HandOver
from skywarden.model.deed import Acted, Decided, Delivered, Suspended, Taken
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, ClockStepped, Input, Output, Started, Tick
from skywarden.model.track import Picture
from skywarden.pipeline import SECOND, Caused
from skywarden.record.log import Log
from skywarden.replay import recover
from skywarden.service.clock import Clock, DataClock, HostClock
from skywarden.service.delays import Delays
from skywarden.service.incoming import Incoming
from skywarden.service.recorder import Recorder

logger = logging.getLogger(__name__)

QUIET = 1.0  # s without a message on the data clock; then what came last is handled
SKIPPED = 300 * SECOND  # ns; a longer gap of a recording is one tick, or a wrong date would cost a year of ticks
PIECE = 500  # frames in one pass: a recording read from a file brings hours at once, and people want to see and stop it
WARM = 200  # passes
SNAPSHOT_RATE = 1e6  # bytes/s; larger states are saved less often, so that they fill no disk and wear none out
IDLE_TICK = SECOND  # ns; the longest tick while a recording has nothing to say


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pass of the loop gave. recorded, lost: source -> messages that are acknowledged, and in no record."""

    picture: Picture
    events: Sequence[Output]
    recorded: dict[str, int]
    lost: dict[str, int]
    latency_ms: tuple[float, float]  # p50, p99, from receipt to now; NaN before anything came
    fault: str | None  # why the record does not confirm; None: it does
    passes: int
    stepped: int  # ns that the host's clock jumped since the start, all in all; the picture's time did not
    stepped_at: int  # ns, when it last did, in the picture's time; 0: never
    seq: int = 0  # of the last entry of the record


class Effect(NamedTuple):
    """What came of a person's act. refused: why it does not hold, "" when it does. recorded: it is on the disk."""

    refused: str
    recorded: bool


class Engine:
    """Owns the Line and the record. One thread calls `run`; nobody else touches what is inside."""

    def __init__(
        self,
        settings: Settings,
        settings_text: str,
        log: Log,
        clock: Clock,
        publish: Callable[[Outcome], None],
    ) -> None:
        """Go on where the record ends: its newest snapshot, then the inputs after it."""
        self.settings = settings
        self._clock = clock
        self._publish = publish
        self._line, _, missing = recover(log)
        self._record = Recorder(log)
        self._stepped = self._stepped_at = 0
        self._delays = Delays()
        self._passes = 0
        self._next_tick = 0
        self._snapshot_due = 0.0
        self._record.outputs([(m.time, Caused(m.cause, m.event)) for m in missing])
        self._renewals: deque[tuple[Settings, str, threading.Event]] = deque()
        self._acts: deque[tuple[Person, Act | HandOver, Future[Effect]]] = deque()
        self._ended = False
        self._notes: deque[tuple[str, str, str, str]] = deque()
        started = self._handle([self._started(settings, settings_text)])
        self.begun: Sequence[Output] = [*(m.event for m in missing), *started]  # before anybody looked

    @property
    def picture(self) -> Picture | None:
        """The latest; to be asked for while `run` does not run."""
        return self._line.picture

    def note(self, recipient: str, message: str, state: str, reason: str) -> None:
        """Take into the record what became of a message. Any thread may call."""
        self._notes.append((recipient, message, state, reason))

    def renew(self, settings: Settings, settings_text: str) -> threading.Event:
        """Go on under other settings after what has come so far. What is returned is set then. Any thread may call."""
        done = threading.Event()
        self._renewals.append((settings, settings_text, done))
        return done

    def act(self, person: Person, act: Act | HandOver) -> Future[Effect]:
        """Take what a person does into the record. Any thread may call, and may cancel while nothing was done.

        The result comes within a tick; it is StoppedError when the engine has ended before it.
        """
        done: Future[Effect] = Future()
        if isinstance(act, HandOver) and self._record.fault:
            refused = f"nothing is handed over while the record does not confirm: {self._record.fault}"
            done.set_result(Effect(refused, recorded=False))
            return done
        self._acts.append((person, act, done))
        if self._ended:
            self._end()
        return done

    def run(self, inbox: Incoming, stop: threading.Event) -> None:
        """Loop until `stop` is set or every source is a file that has ended."""
        try:
            self._run(inbox, stop)
        finally:
            self._end()

    def _end(self) -> None:
        """Let nobody wait for what will not come. `act` looks after it has added, so none slips through."""
        self._ended = True
        while self._acts:
            with suppress(IndexError):  # another thread was quicker
                _, _, done = self._acts.popleft()
                if done.set_running_or_notify_cancel():
                    done.set_exception(StoppedError("skywarden is ending, and nothing was done"))

    def _run(self, inbox: Incoming, stop: threading.Event) -> None:
        ended, quiet = False, 0.0
        while not stop.is_set() and not ended:
            tick = self.settings.run.tick_ms * 1e-3
            begun = self._clock.now() * 1e-9 if isinstance(self._clock, HostClock) else 0.0
            ended = inbox.finished()
            renewals = len(self._renewals)  # asked for before these frames are fetched: they came under the old ones
            frames = inbox.take(0.0)
            for first in range(0, max(len(frames), 1), PIECE):
                self.turn(frames[first : first + PIECE])
                if stop.is_set():
                    break  # what was not handled was not acknowledged
            for _ in range(renewals):
                self._renew(*self._renewals.popleft())
            quiet = 0.0 if frames else quiet + tick
            if QUIET <= quiet < QUIET + tick:
                self._finish()
            if isinstance(self._clock, HostClock):
                # A pass that took longer than a tick is followed by the next at once.
                pause = max(tick - begun % tick - (self._clock.now() * 1e-9 - begun), 0.0)
            else:
                pause = tick
            stop.wait(0.0 if frames and ended else min(pause, tick))
            ended = ended and not frames
        self.turn(inbox.take(0.0))
        self._finish()

    def _renew(self, settings: Settings, settings_text: str, done: threading.Event) -> None:
        self._show(self._handle([self._started(settings, settings_text, reload=True)]))
        self.settings = settings
        done.set()

    def _started(self, settings: Settings, settings_text: str, *, reload: bool = False) -> Started:
        now = self._clock.now() or (self._line.picture.time if self._line.picture else 0)
        return Started(now, settings.run.mode, settings_text, __version__, resolved(settings), reload)

    def _finish(self) -> None:
        """A recording pauses or has ended: handle what came after its last tick."""
        if isinstance(self._clock, DataClock) and self._next_tick:
            self._show(self._handle([Tick(self._next_tick)]))
            self._next_tick += self.settings.run.tick_ms * SECOND // 1000

    def turn(self, frames: Sequence[Frame]) -> None:
        """One pass: record the inputs, wait for the disk a while, handle them, publish."""
        waiting = [self._acts.popleft() for _ in range(len(self._acts))]
        acts = [one for one in waiting if one[2].set_running_or_notify_cancel()]
        try:
            outputs = self._handle([*self._acted(acts), *self._noted(), *self._inputs(frames)])
        except BaseException:
            for _, _, done in acts:
                done.set_exception(StoppedError("skywarden has failed; the record says whether this was taken"))
            raise
        recorded = self._record.confirmed
        for (_, _, done), refused in zip(acts, (e.refused for e in outputs if isinstance(e, Taken)), strict=True):
            done.set_result(Effect(refused, recorded))
        if isinstance(self._clock, HostClock):
            self._delays.add(frames, self._clock.now())
        self._show(outputs)
        self._snapshot()

    def _show(self, outputs: Sequence[Output]) -> None:
        picture = self._line.picture
        assert picture is not None  # Started came first
        self._passes += 1
        if self._passes == WARM:  # what is loaded by now stays; looking through it for garbage takes 60 ms each time
            gc.collect()
            gc.freeze()
        state = (self._delays.percentiles(), self._record.fault, self._passes, self._stepped, self._stepped_at)
        self._publish(Outcome(picture, outputs, self.recorded(), dict(self._record.lost), *state, self._record.last))
        self._line.prepare()

    def recorded(self) -> dict[str, int]:
        """Return source -> messages that are acknowledged, since the record began."""
        return self._record.recorded()

    def close(self) -> None:
        """Write down what is left and a last snapshot. Raises RecordError when the disk does not take it."""
        self._end()
        if notes := self._noted():
            self._handle(notes)
        if not self._record.close(self._line):
            raise RecordError(f"the record lacks what came last: {self._record.fault}")

    def _noted(self) -> list[Delivered]:
        now = self._line.picture.time if self._line.picture else 0
        return [Delivered(now, *self._notes.popleft()) for _ in range(len(self._notes))]

    def _acted(self, acts: Sequence[tuple[Person, Act | HandOver, Future[Effect]]]) -> list[Input]:
        picture = self._line.picture
        assert picture is not None  # Started came first
        fault, inputs = self._record.fault, list[Input]()
        if fault and picture.handovers.standing:
            inputs.append(Suspended(picture.time, f"the record does not confirm: {fault}"))
        for person, act, _ in acts:
            if isinstance(act, HandOver):
                inputs.append(Decided(picture.time, person, act))
            else:
                inputs.append(Acted(picture.time, person, act))
        if fault and any(isinstance(act, HandOver) for _, act, _ in acts):  # asked for just before the fault
            inputs.append(Suspended(picture.time, f"the record does not confirm: {fault}"))
        return inputs

    def _inputs(self, frames: Sequence[Frame]) -> list[Input]:
        if isinstance(self._clock, DataClock):
            return self._inputs_by_data(frames)
        inputs: list[Input] = [Arrived(frame) for frame in frames]
        if step := self._clock.stepped():
            logger.warning("clock_stepped seconds=%.1f", step * 1e-9)
            self._stepped += step
            self._stepped_at = self._clock.now()
            inputs.append(ClockStepped(self._stepped_at, step))
        return [*inputs, Tick(self._clock.now())]

    def _inputs_by_data(self, frames: Sequence[Frame]) -> list[Input]:
        """Put ticks between the messages of a recording, by their own times."""
        period = self.settings.run.tick_ms * SECOND // 1000
        inputs: list[Input] = []
        for frame in frames:
            if self._next_tick == 0:
                self._next_tick = frame.received + period
            while frame.received >= self._next_tick:
                inputs.append(Tick(self._next_tick))
                gap = frame.received - self._next_tick
                if gap > SKIPPED:  # nothing is shown of the time between; every track has ended
                    self._next_tick = frame.received
                else:
                    self._next_tick += IDLE_TICK if gap > 2 * IDLE_TICK else period
            inputs.append(Arrived(frame))
        return inputs

    def _handle(self, inputs: Sequence[Input]) -> list[Output]:
        """Record inputs before they are handled; what follows from them is recorded after."""
        self._record.mend(self._line)
        outputs: list[tuple[int, Caused]] = []
        for seq, event in zip(self._record.inputs(inputs), inputs, strict=True):
            self._line.prepare()  # a recording has several ticks in a pass
            caused = self._line.feed(seq, event)
            at = self._line.picture.time if self._line.picture else 0
            outputs += [(at, c) for c in caused]
        self._record.outputs(outputs)
        return [c.event for _, c in outputs]

    def _snapshot(self) -> None:
        now = time.monotonic()
        if now >= self._snapshot_due:
            size = self._record.snapshot(self._line)
            self._snapshot_due = now + max(self.settings.record.snapshot_s, size / SNAPSHOT_RATE)
