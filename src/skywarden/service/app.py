"""One running installation: clock, inbox, record, engine, web server and terminal view put together."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from skywarden.alert import AlertOn
from skywarden.config import RecordSettings, Settings, parse, renewed
from skywarden.config.address import address
from skywarden.errors import RecordError
from skywarden.model.act import Act, Person
from skywarden.model.decision import HandOver
from skywarden.model.event import AlertRaised, Answered, Output, Refused, TrackConfirmed
from skywarden.model.track import Mode
from skywarden.record.checkpoint import beside, key_at
from skywarden.record.retention import Keep
from skywarden.record.sqlite import SqliteLog
from skywarden.sensors import Reader
from skywarden.service.clock import Clock, DataClock, HostClock
from skywarden.service.compile import Compiling
from skywarden.service.engine import Effect, Engine, Outcome
from skywarden.service.hangup import Hangup
from skywarden.service.host import Host
from skywarden.service.incoming import Incoming
from skywarden.service.outbox import Note, Outbox
from skywarden.service.outbox_store import beside as outbox_beside
from skywarden.service.partners import Partners
from skywarden.service.people.desk import Desk
from skywarden.service.people.handing import Handing
from skywarden.service.people.routes import routes
from skywarden.service.people.users import beside_key
from skywarden.service.playback import Play, Playback
from skywarden.service.publish import Published, Publisher
from skywarden.service.reload import Reloading
from skywarden.service.room import Room
from skywarden.service.server import Server, serve
from skywarden.service.sources import Inbox
from skywarden.service.tls import Tls, of_api
from skywarden.service.view import View
from skywarden.service.wire import Wire
from skywarden.service.words import language
from skywarden.track.states import states

logger = logging.getLogger(__name__)

LOOK = 0.2  # s between two looks at whether the run is over


class App:
    """An installation from the text of its configuration. `start`, then `run` or wait, then `stop`."""

    def __init__(
        self,
        settings_text: str,
        *,
        expose: bool = False,
        file: Path | None = None,
        tell: Callable[[str], None] | None = None,
        play: Play | None = None,
    ) -> None:
        """Open the record and go on where it ends. Raises ConfigError, RecordError; leaves nothing open then.

        file: where the text stands, to be read again. tell: is told when that was done. play: simulated frames, which
        come instead of what the sources would bring.
        """
        self.settings: Settings = parse(settings_text)
        self._began = time.monotonic()
        self._expose = expose
        self._stop, self._over = threading.Event(), threading.Event()
        self._stopped = False
        self._tally = Tally()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._failure: BaseException | None = None
        self.server: Server | None = None
        self._view: View | None = None
        self._compiling = Compiling()
        self.reloading = Reloading(file, settings_text, self.reload, tell)
        with ExitStack() as undo:
            self.clock, self._inbox = _incoming(self.settings, play, expose)
            data = isinstance(self.clock, DataClock)
            self.publisher = Publisher(self.settings.outputs)
            undo.callback(self.publisher.close)
            self._tls = of_api(self.settings)
            self.host = Host(
                self._ends, None if data else self.settings.run.clock_error_ms * 1e-3, lambda: self._desk.fault()
            )
            record = Path(self.settings.record.path)
            named = self.settings.record.key
            key_file = Path(named) if named else beside(record)
            made = not key_file.exists()
            self._key = key_at(key_file)
            self._partners = Partners(self.settings.run.mode, self._key.public.hex()[:8])
            undo.callback(self._partners.close)
            keep = kept(self.settings.record)
            self._log = SqliteLog(record, self._key, keep)
            self._room = Room(record, keep, lambda: self._log.removed_bytes)
            undo.callback(self._log.close)
            if made and self._log.last():
                self._log.doubts.append(f"{key_file} was not there: a new key was made, and signs from here on")
            for doubt in self._log.doubts:
                logger.warning("record_doubt %s", doubt)
            if self._log.last() and any(source.file for source in self.settings.sources):
                raise RecordError(f"{self._log.path} holds a run already: name a new [record] path for this recording")
            note: Note = lambda *said: self._engine.note(*said)  # noqa: E731 - there is no engine yet
            self._outbox = Outbox(outbox_beside(record), self.settings, self._log, note)
            undo.callback(self._outbox.stop)
            self._log.doubts += self._outbox.doubts
            self._engine = Engine(self.settings, settings_text, self._log, self.clock, self._publish)
            self._before = self._engine.recorded()
            self._desk = Desk(beside_key(key_file), self._engine.act)
            undo.pop_all()

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The sources' wires as they are now, with the addresses really bound."""
        return self._inbox.wires()

    def start(self) -> None:
        """Listen, serve, and let the engine run. Raises ConfigError when the web address cannot be had."""
        _, host, port, _ = address(self.settings.api.listen, "tcp")
        handing = Handing(self._desk, self.publisher) if self.settings.run.mode is Mode.LIVE else None
        people = routes(self._desk, handing)
        self.server = serve(self.publisher, host, port, expose=self._expose, tls=self._tls, people=people)
        picture = self._engine.picture
        self._partners.know(self.settings.partners)
        self._partners.over(self._engine.begun)
        self._outbox.start(self._engine.begun, picture.warnings.told if picture else ())
        self.host.start()
        self._compiling.start()
        self._room.start()
        self._inbox.start()
        self._thread.start()

    def run(self, *, view: bool, seconds: float | None) -> dict[str, Any]:
        """Wait until the time is over, all recordings are read, or the user stops it; return what was seen."""
        until = float("inf") if seconds is None else self._began + seconds
        if not view:
            self._wait(until)
            return self.summary()
        screen = self._view = View(self.publisher, language(os.environ))
        screen.start()
        try:
            self._wait(until)
        finally:
            screen.stop()
        return self.summary()

    def reload(self, settings_text: str) -> tuple[str, ...]:
        """Go on under other settings; return the names of those that need a new start, and stay as they were.

        Tracks, and sources whose wire is the same, notice nothing. Raises ConfigError; nothing has changed then.
        """
        settings, stays = renewed(self.settings, parse(settings_text))
        Reader(settings.sources, settings.sensors, settings.run.mode)  # what it would refuse it refuses here
        change = self._inbox.plan(settings.sources)
        self._inbox.close(change)
        if self._done(change.closed) and self._done(self._engine.renew(settings, settings_text)):
            self._inbox.open(change)
            self.settings = settings
            self._outbox.renew(settings)
            self._done(change.opened)
        self.host.renew()
        return stays

    def act(self, person: Person, act: Act | HandOver) -> Future[Effect]:
        """Take what a named person does into the record; see `Engine.act`. Any thread may call."""
        return self._engine.act(person, act)

    def _ends(self) -> tuple[Tls, ...]:
        return (*self._inbox.tls, *((self._tls,) if self._tls else ()))

    def _done(self, step: threading.Event) -> bool:
        """Wait for another thread's step; False when the engine has ended, and nothing will come of it."""
        while not step.wait(LOOK):
            if self._over.is_set():
                return False
        return True

    @property
    def address(self) -> str:
        """Where the page is."""
        _, host, port, _ = address(self.settings.api.listen, "tcp")
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{host}:{self.server.port if self.server else port}/"

    def summary(self) -> dict[str, Any]:
        """Count what this process saw."""
        latest = self.publisher.latest
        p50, p99 = latest.latency_ms if latest else (float("nan"), float("nan"))
        first = self._tally.first_track
        return {
            "tracks_confirmed": self._tally.confirmed,
            "alerts": self._tally.alerts,
            "frames": sum(wire.received for wire in self.wires),
            "refused": self._tally.refused,
            "latency_ms": {"p50": round(p50, 1), "p99": round(p99, 1)},
            "first_track_s": None if first is None else round(first - self._began, 2),
        }

    def stop(self) -> None:
        """Stop receiving, handle and record what came, close everything. May be called twice."""
        if self._stopped:
            return
        self._stopped = True
        with ExitStack() as steps:  # the last line is the first to run; each runs whatever becomes of the others
            steps.callback(self._compiling.stop)
            steps.callback(self.host.stop)
            steps.callback(self._room.stop)
            steps.callback(self._log.close)
            steps.callback(self.publisher.close)
            steps.callback(self._partners.close)
            steps.callback(self._desk.close)
            if self.server is not None:
                steps.callback(self.server.stop)
            steps.callback(self._engine.close)
            steps.callback(self._outbox.stop)
            if self._thread.ident is not None:
                steps.callback(self._thread.join)
            steps.callback(self._stop.set)
            if self._inbox_started:
                steps.callback(self._inbox.stop)
        if self._failure is not None:
            raise self._failure

    @property
    def _inbox_started(self) -> bool:
        return self.server is not None

    def _wait(self, until: float) -> None:
        try:
            while (left := until - time.monotonic()) > 0:
                if self._over.wait(min(LOOK, left)):  # Python 3.11 takes a thread for ended when Ctrl-C ends a join
                    return
                self.reloading.tend()
        except KeyboardInterrupt:
            pass  # the usual way to end a run; `stop` does the rest

    def _work(self) -> None:
        try:
            self._engine.run(self._inbox, self._stop)
        except BaseException as failure:
            self._failure = failure  # `stop` raises it where somebody can see it
            raise
        finally:
            self._over.set()

    def _publish(self, outcome: Outcome) -> None:
        self._tally.take(outcome.events)
        self._outbox.take(outcome.events, outcome.picture.warnings.told, outcome.seq)
        self._inbox.answer([event for event in outcome.events if isinstance(event, Answered)])
        shown = outcome.picture, states(outcome.picture)
        self._partners.know(self._engine.settings.partners)  # not ours: a reload changes those a little later
        self._partners.take(shown, outcome.events, recorded=outcome.fault is None)
        published = Published(
            picture=shown[0],
            states=shown[1],
            partners=tuple(self._partners.states),
            wires=self._inbox.wires(),
            recorded=outcome.recorded,
            lost=outcome.lost,
            before=self._before,
            latency_ms=outcome.latency_ms,
            doubts=tuple(self._log.doubts),
            choosy=self.settings.alert.alert_on is AlertOn.SUSPECT,
            not_recorded=outcome.fault is not None,
            fault=outcome.fault,
            key=self._key.public.hex(),
            room=self._room.left,
            tick=outcome.passes,
            time=self.clock.now(),
            sites=self.settings.sites,
            districts=self.settings.districts,
            vertical_noise=self.settings.tracker.vertical_noise_m2_s3,
            stepped_s=round(outcome.stepped * 1e-9, 1),
            stepped_at=outcome.stepped_at,
            sync=self.host.sync,
            tls=self.host.tls,
            people=self.host.people,
            view=self._view.fault if self._view else None,
            config=self.reloading.state,
            outbox=self._outbox.rows,
            outbox_fault=self._outbox.fault,
        )
        self.publisher.publish(published, outcome.events)


def _incoming(settings: Settings, play: Play | None, expose: bool) -> tuple[Clock, Incoming]:
    """Return the clock, and where frames come from."""
    if play is not None:
        playback = Playback(play, settings)
        return playback.clock, playback
    clock: Clock = DataClock() if settings.run.clock == "data" else HostClock()
    return clock, Inbox(settings.sources, clock, expose=expose)


def kept(settings: RecordSettings) -> Keep:
    """Return what [record] says about retention."""
    return Keep(settings.keep_days, None if settings.max_gb is None else round(settings.max_gb * 1e9))


class Tally:
    """What a run has brought, for its summary."""

    def __init__(self) -> None:
        self.confirmed = self.alerts = self.refused = 0
        self.first_track: float | None = None

    def take(self, events: Sequence[Output]) -> None:
        """Count one pass's events."""
        for event in events:
            if isinstance(event, TrackConfirmed):
                self.confirmed += 1
                self.first_track = self.first_track or time.monotonic()
            elif isinstance(event, AlertRaised):
                self.alerts += 1
            elif isinstance(event, Refused):
                self.refused += event.count


def run_live(  # noqa: PLR0913 - one argument for each option of the command, and the file they came from
    settings_text: str,
    *,
    expose: bool,
    view: bool,
    seconds: float | None,
    file: Path | None = None,
    started: Callable[[], None] | None = None,
    tell: Callable[[str], None] | None = None,
    play: Play | None = None,
) -> dict[str, Any]:
    """Run an installation until it is stopped; return what was seen. started: is called when it runs.

    file: is read again at SIGHUP, if `Hangup` takes that signal; tell: is told then. play: see `App`.
    """
    app = App(settings_text, expose=expose, file=file, tell=tell, play=play)
    handler = signal.getsignal(signal.SIGHUP)
    app.reloading.hangup = handler if isinstance(handler, Hangup) else None
    try:
        app.start()
        if started is not None:
            started()
        return app.run(view=view, seconds=seconds)
    finally:
        with patience():
            app.stop()


@contextmanager
def patience() -> Iterator[None]:
    """Let no second signal interrupt the closing of a record."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
