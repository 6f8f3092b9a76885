"""The inbox: one thread that drains all sockets and recordings into frames, which the engine fetches."""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from functools import partial
from typing import Protocol

from skywarden.model.detection import Frame
from skywarden.model.event import Answered
from skywarden.model.place import Source
from skywarden.sensors import DECODERS
from skywarden.service.clock import Clock, DataClock
from skywarden.service.files import Files
from skywarden.service.plan import Plan, addresses_of, planned, same_wire
from skywarden.service.receive import Receiver
from skywarden.service.terminate import Secure, Terminator
from skywarden.service.tls import Tls
from skywarden.service.udp import UdpChannel
from skywarden.service.wire import POLL_BYTES, TOTAL, Feed, Framing, Load, Stamper, Way, Wire, size

POLL = 0.01  # s between two rounds over the sockets: many messages a round cost a tenth of one round each
TEND = 0.25  # s between two looks at what must be opened, retried or counted
REST = 10.0  # s that a way in stays closed after a fault of its code

logger = logging.getLogger(__name__)


class Channel(Protocol):
    """One of a source's ways in, served by the receiver thread."""

    feed: Feed
    way: Way

    def tend(self, now: float) -> None:
        """Open what is closed if it is due. now: s, steady."""
        ...

    def ready(self, sock: socket.socket) -> None:
        """Serve one socket that has something."""
        ...

    def say(self, connection: int, data: bytes, close: bool) -> bool:
        """Send bytes on a connection, and end it then; return whether it is one of this channel."""
        ...

    def admit(self, now: float) -> bool:
        """Let in what the quota allows of what was read; return whether some must wait. now: s, steady."""
        ...

    def leave(self) -> None:
        """Take in what has arrived, then close for good."""
        ...

    def close(self) -> None: ...


class Change:
    """Other sources for an inbox. staying: names of those whose sockets stay as they are.

    closed: the others are closed, and what they had brought can be fetched. opened: the new ones are there.
    """

    def __init__(self, plans: Sequence[Plan], staying: Set[str]) -> None:
        self.plans, self.staying = plans, staying
        self.closed, self.opened = threading.Event(), threading.Event()
        self.due = False  # to be opened


class Inbox:
    """All sources of one configuration; `plan`, `close` and `open` exchange them while it runs."""

    def __init__(
        self,
        sources: Sequence[Source],
        clock: Clock,
        *,
        expose: bool = False,
        decoders: Mapping[str, type[Framing]] = DECODERS,
        total: int = TOTAL,
    ) -> None:
        """Check all addresses; open nothing yet. total: bytes that may wait in all. Raises ConfigError."""
        self._load, self._taken = Load(len(sources), total), 0
        self._decoders, self._expose = decoders, expose
        self._plans = planned(sources, self._decoders, self._expose)
        self._tls = {plan.source.name: plan.tls for plan in self._plans}
        self._terminator: Terminator | None = None
        self._clock = clock
        self._feeds = [self._feed(source) for source in sources]
        self._known = {feed.source.name: feed for feed in self._feeds}  # those of earlier configurations too
        self._channels: list[Channel] = []
        self._resting: dict[Channel, float] = {}  # until when, s, steady
        self._receiver = Receiver()
        self._change: Change | None = None
        recordings = [feed for feed, plan in zip(self._feeds, self._plans, strict=True) if not plan.kinds]
        self._files = Files(recordings, clock)
        self._stamper = Stamper(clock) if isinstance(clock, DataClock) else None
        self._arrived = threading.Condition()
        self._frames: list[Frame] = []
        self._answers: list[Answered] = []
        self._finished = not sources
        self._stopping = self._failed = self._waiting = False
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def start(self) -> None:
        """Open everything and begin to receive. What cannot be opened says so in its state and is tried again."""
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        for feed, plan in zip(self._feeds, self._plans, strict=True):
            self._channels += self._channels_of(feed, plan)
        self._tend()
        self._thread.start()

    def stop(self) -> None:
        """Stop receiving and close everything; what came before can still be taken. Nothing if it never started."""
        if self._stopping or self._thread.ident is None:
            return
        self._stopping = True
        self._rouse()
        self._thread.join()
        self._files.close()
        for channel in self._channels:
            channel.close()
        if self._terminator is not None:
            self._terminator.stop()
        self._put(self._collect())
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def plan(self, sources: Sequence[Source]) -> Change:
        """Check other sources; nothing changes yet. Raises ConfigError.

        Those stay open whose wire is the same, though what is made of their messages may differ.
        """
        before = {feed.source.name: feed.source for feed in self._feeds}
        staying = {s.name for s in sources if s.name in before and same_wire(before[s.name], s)}
        return Change(planned(sources, self._decoders, self._expose), staying)

    def close(self, change: Change) -> None:
        """Begin a change: close what does not stay. What it had brought can be taken once `change.closed` is set.

        One change at a time: the one before must be opened.
        """
        self._change = change
        self._rouse()

    def open(self, change: Change) -> None:
        """Complete a change, once nothing that came before is left to take: open what is new."""
        change.due = True
        self._rouse()

    def take(self, timeout: float) -> list[Frame]:
        """Return all frames since the last call in the order of arrival; wait up to `timeout` s for the first.

        Raises RuntimeError when the receiver has died: a fault of ours, and nothing will come any more.
        """
        with self._arrived:
            if not self._frames and timeout > 0 and not self._finished and not self._failed:
                self._arrived.wait(timeout)
            frames, self._frames = self._frames, []
            waiting = sum(feed.waiting for feed in self._feeds)
            self._load.waiting -= self._taken  # what was fetched before has been worked on
            self._taken = waiting
            for feed in self._feeds:
                feed.waiting = 0
            if self._failed and not frames:
                raise RuntimeError("the receiver thread has stopped; see its error above")
        return frames

    def answer(self, answers: Sequence[Answered]) -> None:
        """Send answers to connections of sources; those to connections that are gone are dropped. Never waits."""
        if not answers or self._thread.ident is None:
            return
        with self._arrived:
            self._answers += answers
        self._rouse()

    def wires(self) -> tuple[Wire, ...]:
        """Return the state and counters of each source, in the order of the configuration."""
        return tuple(feed.wire() for feed in self._feeds)

    @property
    def tls(self) -> tuple[Tls, ...]:
        """Return the TLS of the sources that have it now."""
        return tuple(one for one in list(self._tls.values()) if one is not None)

    def finished(self) -> bool:
        """Say whether all sources are recordings that have been read and fetched to their end."""
        with self._arrived:
            return self._finished and not self._frames

    def _run(self) -> None:
        try:
            due = 0.0
            while not self._stopping:
                began = time.monotonic()
                if began >= due or any(channel.feed.full for channel in self._channels):
                    self._tend()
                    due = began + TEND
                self._poll(POLL if self._busy() else TEND)
                self._quota()
                self._say()
                change = self._change  # another thread sets it
                leaving = self._leave(change)
                self._put(self._collect(), not self._channels and self._files.done and change is None)
                self._exchange(change, leaving)
                spent = time.monotonic() - began
                if spent < POLL and not self._stopping:
                    time.sleep(POLL - spent)
        finally:
            with self._arrived:
                self._failed = not self._stopping
                self._arrived.notify_all()

    def _rouse(self) -> None:
        with suppress(OSError):  # it is full: the receiver will wake; or it is closed: nobody is left to wake
            self._wake.send(b"x")

    def _feed(self, source: Source) -> Feed:
        """Make a feed. On the data clock senders have no quotas: recordings may be sent as fast as they are taken."""
        limited = not isinstance(self._clock, DataClock)
        return Feed(source, self._decoders[source.format], addresses_of(source), self._load, limited)

    def _channels_of(self, feed: Feed, plan: Plan) -> list[Channel]:
        found: list[Channel] = []
        for kind, way in zip(plan.kinds, feed.ways, strict=False):  # a recording has no kind
            if issubclass(kind, UdpChannel):
                found.append(kind(feed, way, self._selector, self._receiver))
                continue
            secure = self._secure(plan.tls, plan.source) if plan.tls and way.address.startswith("tls://") else None
            found.append(kind(feed, way, self._selector, self._receiver, secure))
        return found

    def _secure(self, tls: Tls, source: Source) -> Secure:
        self._terminator = self._terminator or Terminator()
        return Secure(self._terminator, tls, source.tls_name)

    def _leave(self, change: Change | None) -> list[Channel]:
        """Close the channels that a change does not leave open; what they had brought is still to be collected."""
        if change is None or change.closed.is_set():
            return []
        leaving = [channel for channel in self._channels if channel.feed.source.name not in change.staying]
        for channel in leaving:
            self._guard(channel, channel.leave)
        return leaving

    def _exchange(self, change: Change | None, leaving: Sequence[Channel]) -> None:
        """Go on with a change, after what came so far can be taken."""
        if change is None:
            return
        if not change.closed.is_set():
            self._channels = [channel for channel in self._channels if channel not in leaving]
            for channel in leaving:
                self._resting.pop(channel, None)
            change.closed.set()
        elif change.due:
            self._change = None
            self._open_new(change)
            self._tend()
            change.opened.set()

    def _open_new(self, change: Change) -> None:
        feeds = []
        tls = {plan.source.name: plan.tls for plan in change.plans}
        self._tls = tls | {name: one for name, one in self._tls.items() if name in change.staying}
        for plan in change.plans:
            source = plan.source
            feed = self._known.get(source.name)
            if feed is not None and source.name in change.staying:
                feed.mean(source)
            else:
                if feed is None:
                    feed = self._known[source.name] = self._feed(source)
                else:
                    feed.begin(source, self._decoders[source.format], addresses_of(source))
                self._channels += self._channels_of(feed, plan)
            feeds.append(feed)
        self._load.divide(len(feeds))
        self._feeds = feeds

    def _busy(self) -> bool:
        return self._waiting or not self._files.done or any(channel.feed.full for channel in self._channels)

    def _tend(self) -> None:
        now = time.monotonic()
        for channel in self._channels:
            if now >= self._resting.get(channel, 0.0):
                self._guard(channel, partial(channel.tend, now))

    def _poll(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                self._woken.recv(POLL_BYTES)
            elif key.data not in self._resting:
                self._guard(key.data, partial(key.data.ready, key.fileobj))

    def _quota(self) -> None:
        now = time.monotonic()
        serving = [channel for channel in self._channels if channel not in self._resting]
        held = [self._guard(channel, partial(channel.admit, now)) for channel in serving]  # each is asked
        self._waiting = any(held)

    def _say(self) -> None:
        with self._arrived:
            answers, self._answers = self._answers, []
        for a in answers:
            for channel in self._channels:
                if channel.feed.source.name == a.source:
                    self._guard(channel, partial(channel.say, a.peer, a.data, a.close))

    def _guard(self, channel: Channel, serve: Callable[[], object]) -> object:
        """Serve a channel. A fault of its code closes it for a while; the others go on."""
        try:
            found = serve()
            self._resting.pop(channel, None)
            return found
        except Exception as error:  # meant: `split` may be other people's, and all sources share this thread
            logger.exception("channel_failed source=%s address=%s", channel.feed.source.name, channel.way.address)
            channel.close()
            channel.way.state = f"cannot read: {error or type(error).__name__}"
            self._resting[channel] = time.monotonic() + REST
        return None

    def _collect(self) -> list[Frame]:
        frames: list[Frame] = []
        now = self._clock.now()
        for channel in self._channels:
            if self._stamper is None:
                frames += channel.feed.flush(now)
            else:
                frames += self._stamper.frames(channel.feed, channel.feed.messages())
        if not self._files.done and not self._stopping:
            frames += self._files.read()
        return frames

    def _put(self, frames: list[Frame], last: bool = False) -> None:
        if not frames and not last:
            return
        feeds = {feed.source.name: feed for feed in self._feeds}
        with self._arrived:
            self._finished = self._finished or last
            self._frames += frames
            for frame in frames:
                feeds[frame.source].waiting += size(frame)
                self._load.waiting += size(frame)
            self._arrived.notify_all()
