"""The inbox: one thread that drains all sockets and recordings into frames, which the engine fetches."""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Protocol

from skywarden.errors import ConfigError
from skywarden.model.detection import Frame
from skywarden.model.event import Answered
from skywarden.model.place import Source
from skywarden.sensors import DECODERS
from skywarden.service.address import parse, require_loopback
from skywarden.service.clock import Clock, DataClock
from skywarden.service.files import Files
from skywarden.service.receive import Receiver
from skywarden.service.tcp import TcpClient, TcpServer
from skywarden.service.terminate import Secure, Terminator
from skywarden.service.tls import Tls, of_source
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

    def close(self) -> None: ...


class Inbox:
    """All sources of one configuration."""

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
        kinds = [_kinds(source, decoders, expose, f"sources[{i}]") for i, source in enumerate(sources)]
        self._planned = [
            _Plan(
                Feed(source, decoders[source.format], _addresses(source), self._load),
                kind,
                of_source(source, f"sources[{i}]"),
            )
            for i, (source, kind) in enumerate(zip(sources, kinds, strict=True))
        ]
        self._terminator: Terminator | None = None
        self._clock = clock
        self._feeds = [plan.feed for plan in self._planned]
        self._channels: list[Channel] = []
        self._resting: dict[Channel, float] = {}  # until when, s, steady
        self._files = Files([plan.feed for plan in self._planned if not plan.kinds], clock)
        self._stamper = Stamper(clock) if isinstance(clock, DataClock) else None
        self._arrived = threading.Condition()
        self._frames: list[Frame] = []
        self._answers: list[Answered] = []
        self._finished = not sources
        self._stopping = self._failed = False
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def start(self) -> None:
        """Open everything and begin to receive. What cannot be opened says so in its state and is tried again."""
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        receiver = Receiver()
        for feed, kinds, tls in self._planned:
            for kind, way in zip(kinds, feed.ways, strict=False):  # a recording has no kind
                if issubclass(kind, UdpChannel):
                    self._channels.append(kind(feed, way, self._selector, receiver))
                    continue
                secure = self._secure(tls, feed.source) if tls and way.address.startswith("tls://") else None
                self._channels.append(kind(feed, way, self._selector, receiver, secure))
        self._tend()
        self._thread.start()

    def stop(self) -> None:
        """Stop receiving and close everything; what came before can still be taken. Nothing if it never started."""
        if self._stopping or self._thread.ident is None:
            return
        self._stopping = True
        with suppress(BlockingIOError):  # it is awake
            self._wake.send(b"x")
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
        with suppress(OSError):  # it is full: the receiver will wake; or it is closed: nobody is left to answer
            self._wake.send(b"x")

    def wires(self) -> tuple[Wire, ...]:
        """Return the state and counters of each source, in the order of the configuration."""
        return tuple(feed.wire() for feed in self._feeds)

    @property
    def tls(self) -> tuple[Tls, ...]:
        """Return the TLS of the sources that have it."""
        return tuple(plan.tls for plan in self._planned if plan.tls is not None)

    def finished(self) -> bool:
        """Say whether all sources are recordings that have been read and fetched to their end."""
        with self._arrived:
            return self._finished and not self._frames

    def _secure(self, tls: Tls, source: Source) -> Secure:
        terminator = self._terminator = self._terminator or Terminator()
        return Secure(terminator, tls, source.tls_name)

    def _run(self) -> None:
        try:
            due = 0.0
            while not self._stopping:
                began = time.monotonic()
                if began >= due or any(channel.feed.full for channel in self._channels):
                    self._tend()
                    due = began + TEND
                self._poll(POLL if self._busy() else TEND)
                self._say()
                self._put(self._collect(), not self._channels and self._files.done)
                spent = time.monotonic() - began
                if spent < POLL and not self._stopping:
                    time.sleep(POLL - spent)
        finally:
            with self._arrived:
                self._failed = not self._stopping
                self._arrived.notify_all()

    def _busy(self) -> bool:
        return not self._files.done or any(channel.feed.full for channel in self._channels)

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

    def _say(self) -> None:
        with self._arrived:
            answers, self._answers = self._answers, []
        for a in answers:
            for channel in self._channels:
                if channel.feed.source.name == a.source:
                    self._guard(channel, partial(channel.say, a.peer, a.data, a.close))

    def _guard(self, channel: Channel, serve: Callable[[], object]) -> None:
        """Serve a channel. A fault of its code closes it for a while; the others go on."""
        try:
            serve()
            self._resting.pop(channel, None)
        except Exception as error:  # meant: `split` may be other people's, and all sources share this thread
            logger.exception("channel_failed source=%s address=%s", channel.feed.source.name, channel.way.address)
            channel.close()
            channel.way.state = f"cannot read: {error or type(error).__name__}"
            self._resting[channel] = time.monotonic() + REST

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


Kind = type[TcpServer | TcpClient | UdpChannel]


class _Plan(NamedTuple):
    """How a source will be opened. kinds: of each address; none: a recording."""

    feed: Feed
    kinds: list[Kind]
    tls: Tls | None = None


def _addresses(source: Source) -> list[str]:
    listens = [str(parse(listen, "listen").joined(source.interface)) for listen in source.listens]
    return listens or [source.connect or source.file or ""]


def _kinds(source: Source, decoders: Mapping[str, type[Framing]], expose: bool, where: str) -> list[Kind]:
    """Return how to open each address. Raises ConfigError when one cannot be."""
    if source.format not in decoders:
        raise ConfigError(f'unknown format "{source.format}"; there are {", ".join(decoders)}', f"{where}.format")
    ways = [way for way in (source.listens or None, source.connect, source.file) if way is not None]
    if len(ways) != 1:
        raise ConfigError(f'source "{source.name}" needs exactly one of listen, connect and file', where)
    if source.file is not None:
        return []
    if source.connect is not None:
        address = parse(source.connect, f"{where}.connect")
        if address.scheme not in ("tcp", "tls") or address.port == 0:
            raise ConfigError('connect needs an address like "tcp://host:30005"', f"{where}.connect")
        return [TcpClient]
    kinds: list[Kind] = []
    for listen in source.listens:
        address = parse(listen, f"{where}.listen").joined(source.interface)
        require_loopback(address, expose, f"{where}.listen")
        if decoders[source.format].answers and address.scheme == "udp":
            raise ConfigError(f'{source.format} answers its nodes, so it needs "tcp://..."', f"{where}.listen")
        kinds.append(UdpChannel if address.scheme == "udp" else TcpServer)
    return kinds
