"""Simulated frames as the source of a running installation: `skywarden run --from`.

It stands where the inbox stands, so that engine, record, page and view are those of a live run. No socket of a source
is opened. Each frame comes when its time has come: the first at once, the others as much later as they were received
later, divided by the speed. Messages and frames keep the times of the scenario, and so does the clock: it is the data
clock, led by the frames. Ticks lie between the frames by these times, whatever the speed, so that two runs see the
same; they are counted from the first frame, not from the scenario's start as those in the record of the frames are.
Where nothing comes for a second the picture waits with it.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from skywarden.config import Settings
from skywarden.errors import ConfigError
from skywarden.model.detection import Frame
from skywarden.model.event import Answered
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.service.clock import DataClock
from skywarden.service.frames import frames_of, record_in
from skywarden.service.sources import Change
from skywarden.service.tls import Tls
from skywarden.service.wire import FINISHED, READING, Wire, size

MOST = 2000  # frames taken at once; people want to see and stop it
MOST_BYTES = 16 << 20
SECOND = 1_000_000_000


class Play(NamedTuple):
    """What is to be played. path: a simulated directory or its record; speed: times its own, None: all there is."""

    path: Path
    speed: float | None = 1.0


class Playback:
    """The frames of a record, each in its time. The engine's thread takes them; others read `wires`."""

    def __init__(self, play: Play, settings: Settings) -> None:
        """Open it. Raises RecordError; ConfigError when the settings are for a live picture or lack its sources."""
        if settings.run.mode is Mode.LIVE:
            raise ConfigError('simulated frames make no live picture; write mode = "sim" below [run]', "run.mode")
        self._record = record_in(play.path)
        strangers = [name for name in self._record.recorded() if name not in {s.name for s in settings.sources}]
        if strangers:
            raise ConfigError(
                f"there is no source {', '.join(strangers)} in the configuration, and {play.path} has its messages; "
                f"use the skywarden.toml that is beside them"
            )
        self.clock = DataClock()
        self._speed = play.speed
        self._names = [source.name for source in settings.sources]
        self._counts = dict.fromkeys(self._names, (0, 0, 0))  # messages, bytes, ns of the last
        self._frames: Iterator[Frame] = frames_of(self._record.entries())
        self._next = next(self._frames, None)
        self._began: int | None = None  # ns, steady
        self._first = self._next.received if self._next else 0
        if self._first:
            self._lead(self._first)  # the run starts at the scenario's time, also in a record with a later one

    @property
    def tls(self) -> tuple[Tls, ...]:
        """Return none: nothing is opened."""
        return ()

    def start(self) -> None:
        """Nothing is to be opened; the time of the first frame is when it is asked for."""

    def stop(self) -> None:
        """Give out nothing more."""
        self._next = None

    def plan(self, sources: Sequence[Source]) -> Change:
        """Refuse. Raises ConfigError."""
        raise ConfigError("a run over simulated frames is not reloaded; end it, and start again")

    def close(self, change: Change) -> None:
        """Never called: `plan` refuses."""

    def open(self, change: Change) -> None:
        """Never called: `plan` refuses."""

    def take(self, timeout: float) -> list[Frame]:
        """Return the frames whose time has come; never waits, whatever `timeout` is."""
        now = time.monotonic_ns()
        self._began = now if self._began is None else self._began
        frames: list[Frame] = []
        held = 0
        while (frame := self._next) is not None and len(frames) < MOST and held < MOST_BYTES:
            if self._speed is not None and frame.received - self._first > (now - self._began) * self._speed:
                break
            self._lead(frame.received)
            self._count(frame)
            frames.append(frame)
            held += size(frame)
            self._next = next(self._frames, None)
        return frames

    def answer(self, answers: Sequence[Answered]) -> None:
        """Drop them: nobody listens."""

    def wires(self) -> tuple[Wire, ...]:
        """Return what was given out of each source, in the order of the configuration."""
        state = FINISHED if self.finished() else READING
        counts = [(name, *self._counts[name]) for name in self._names]
        return tuple(Wire(name, state, n, b, 0, last, 0, str(self._record.path)) for name, n, b, last in counts)

    def finished(self) -> bool:
        """Say whether all frames were taken."""
        return self._next is None

    def _lead(self, received: int) -> None:
        """Set the clock. Twice: it doubts a leap of minutes until a second one agrees, and these frames are all one."""
        self.clock.observe(received)
        self.clock.observe(received)

    def _count(self, frame: Frame) -> None:
        messages, held, _ = self._counts[frame.source]
        self._counts[frame.source] = messages + len(frame), held + len(frame.data), frame.received
