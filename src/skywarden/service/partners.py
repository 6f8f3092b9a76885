"""The way out to partners: cues while a hand-over stands, the picture while a feed does. Each has its own thread.

Nothing is sent late: what could not be sent is replaced by what comes after it. Cues have a sender of their own, which
is made for a live picture only: in a simulation, an exercise or a replay there is none.
"""

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from skywarden.config.address import Address, address
from skywarden.model.deed import Cued, CueEnded
from skywarden.model.event import Output, TrackStates
from skywarden.model.place import Partner
from skywarden.model.track import Mode, Picture
from skywarden.outputs import cues as messages_of

SECOND = 1_000_000_000  # ns
WITHIN = 3.0  # s for a connection, and for what is sent on it
AGAIN = 5.0  # s until the next try
HOLDS, END_HOLDS = 2.0, 120.0  # s that a cue or a track may wait, and the end of a cue: later it is not sent
KEPT = 4000  # messages that wait for a partner

logger = logging.getLogger(__name__)


class State(NamedTuple):
    """How a partner is reached. sent: messages; fault: why not, in words, "" nothing is wrong or nothing was tried."""

    partner: str
    sent: int
    fault: str


class Outlet:
    """Sends messages to one address, the latest of each key only, and none that is old. `put` never waits."""

    def __init__(self, partner: Partner) -> None:
        self.name, self.sent, self.fault = partner.name, 0, ""
        self._to: Address = address(partner.address)
        self._waiting: dict[str, tuple[bytes, float]] = {}  # with the time after which it is not sent any more
        self._lock, self._wake, self._closing = threading.Lock(), threading.Event(), threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name=f"partner {partner.name}", daemon=True)
        self._thread.start()

    def put(self, messages: Mapping[str, bytes], holds: float = HOLDS) -> None:
        """Hand messages over by keys, each in the place of an older one. holds: s, after which it is not sent."""
        until = time.monotonic() + holds
        with self._lock:
            for key, message in messages.items():
                self._waiting.pop(key, None)
                self._waiting[key] = message, until
            while len(self._waiting) > KEPT:
                self._waiting.pop(next(iter(self._waiting)))
        self._wake.set()

    def drop(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._waiting.clear()

    def end(self) -> None:
        """Send what waits if the partner takes it at once, and end. Waits for nothing."""
        self._closing.set()
        self._wake.set()

    def join(self, within: float) -> None:
        """Wait until it has ended, so many s at most."""
        self._thread.join(max(within, 0.0))

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                while self._any():
                    self._connect()  # before a message is taken: a newer one may come meanwhile
                    if (first := self._first()) is not None:
                        self._send(first[1])
                        self._sent(*first)
            except OSError as error:
                self._hang_up(error)
                self._closing.wait(AGAIN)
                self._wake.set()
            if self._closing.is_set():
                break
        if self._socket is not None:
            self._socket.close()

    def _any(self) -> bool:
        """Say whether anything waits; what is too old does not."""
        now = time.monotonic()
        with self._lock:
            for key in [key for key, (_, until) in self._waiting.items() if until < now]:
                del self._waiting[key]
            return bool(self._waiting)

    def _first(self) -> tuple[str, bytes] | None:
        if not self._any():
            return None
        with self._lock:
            return next(((key, message) for key, (message, _) in self._waiting.items()), None)

    def _sent(self, key: str, message: bytes) -> None:
        self.sent, self.fault = self.sent + 1, ""
        with self._lock:
            if self._waiting.get(key, (b"", 0.0))[0] is message:  # else a newer one has come meanwhile
                del self._waiting[key]

    def _connect(self) -> None:
        if self._socket is None:
            kind = socket.SOCK_DGRAM if self._to.scheme == "udp" else socket.SOCK_STREAM
            self._socket = socket.socket(self._to.family, kind)
            self._socket.settimeout(WITHIN)
            self._socket.connect((self._to.host, self._to.port))

    def _send(self, message: bytes) -> None:
        assert self._socket is not None  # `_connect` comes first
        self._socket.sendall(message)

    def _hang_up(self, error: OSError) -> None:
        if not self.fault:
            logger.warning("partner_unreachable partner=%s fault=%s", self.name, error)
        self.fault = error.strerror or str(error) or type(error).__name__
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Way:
    """Outlets to the partners that are told something, opened when they are first."""

    def __init__(self) -> None:
        self._partners: dict[str, Partner] = {}
        self._open: dict[str, Outlet] = {}
        self._ended: deque[Outlet] = deque(maxlen=KEPT)

    def know(self, partners: Iterable[Partner]) -> None:
        """Take the partners of a configuration; those that are gone or have moved get nothing more."""
        known = {one.name: one for one in partners}
        for name in [name for name in self._open if known.get(name) != self._partners.get(name)]:
            self._let_go(name)
        self._partners = known

    def to(self, name: str) -> Outlet | None:
        """Return the outlet to a partner; None where there is no such one."""
        if name in self._partners and name not in self._open:
            self._open[name] = Outlet(self._partners[name])
        return self._open.get(name)

    @property
    def states(self) -> list[State]:
        return [State(one.name, one.sent, one.fault) for one in self._open.values()]

    def _let_go(self, name: str) -> None:
        """End an outlet; nobody waits for it but `close`."""
        outlet = self._open.pop(name)
        outlet.end()
        self._ended.append(outlet)

    def close(self, until: float) -> None:
        """End all. until: monotonic s, to which it is waited for them, all together."""
        for name in list(self._open):
            self._let_go(name)
        for outlet in self._ended:
            outlet.join(until - time.monotonic())
        self._ended.clear()


class Cues(_Way):
    """Tells partners where to look, as the engine's events say. Only for a live picture."""

    def __init__(self, mode: Mode, house: str) -> None:
        """house: which installation this is. Raises ValueError for any other mode: there is no such thing."""
        if mode is not Mode.LIVE:
            raise ValueError(f"a {mode} picture hands nothing over")
        super().__init__()
        self._house = house

    def take(self, events: Iterable[Output]) -> None:
        """Send what a tick's events tell partners."""
        for event in events:
            if isinstance(event, Cued | CueEnded) and (outlet := self.to(event.partner)) is not None:
                if isinstance(event, Cued):
                    outlet.put({str(event.number): messages_of.cued(event, self._house)})
                else:
                    outlet.put({str(event.number): messages_of.ended(event, self._house)}, END_HOLDS)


class Feeds(_Way):
    """Sends the picture, once a second, to those whom a person has allowed it."""

    def __init__(self, house: str) -> None:
        """house: which installation this is."""
        super().__init__()
        self._second, self._house = 0, house

    def take(self, picture: Picture, states: TrackStates) -> None:
        """Send a tick's picture. states: its shown tracks."""
        second, feeds = picture.time // SECOND, picture.held.feeds
        if second == self._second:
            return
        self._second = second
        wanted = {one.partner for one in feeds}
        for name in [name for name in self._open if name not in wanted]:
            self._open[name].drop()
            self._let_go(name)
        if not feeds:
            return
        messages = dict(zip(map(str, states.number), messages_of.feed(states, picture, self._house), strict=True))
        for one in feeds:
            if (outlet := self.to(one.partner)) is not None:
                outlet.drop()  # what is older is not sent any more
                outlet.put(messages)


class Partners:
    """Everything that goes to partners: feeds, and in a live picture cues."""

    def __init__(self, mode: Mode, house: str) -> None:
        """house: which installation this is, so that partners of several keep them apart."""
        self._feeds = Feeds(house)
        self._cues = Cues(mode, house) if mode is Mode.LIVE else None
        self._partners: Sequence[Partner] = ()

    def know(self, partners: Sequence[Partner]) -> None:
        """Take the partners of the configuration that holds now."""
        if partners is not self._partners:
            self._partners = partners
            self._feeds.know(partners)
            if self._cues is not None:
                self._cues.know(partners)

    def take(self, shown: tuple[Picture, TrackStates], events: Iterable[Output], *, recorded: bool) -> None:
        """Send what a tick gives. recorded: else cues are not sent, but that they have ended is."""
        self._feeds.take(*shown)
        if self._cues is not None:
            self._cues.take(event for event in events if recorded or isinstance(event, CueEnded))

    def over(self, events: Iterable[Output]) -> None:
        """Tell partners which cues a new start has ended."""
        if self._cues is not None:
            self._cues.take(event for event in events if isinstance(event, CueEnded))

    @property
    def states(self) -> list[State]:
        """How those are reached that get anything, cues first."""
        return [*(self._cues.states if self._cues else ()), *self._feeds.states]

    def close(self) -> None:
        """End all threads, and wait a moment for them."""
        until = time.monotonic() + WITHIN
        self._feeds.close(until)
        if self._cues is not None:
            self._cues.close(until)
