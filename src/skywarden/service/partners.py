"""The way out to partners: cues while a hand-over stands, the picture while a feed does. Each has its own thread.

Nothing is sent late: what could not be sent is replaced by what comes after it. Cues have a sender of their own, which
is made for a live picture only: in a simulation, an exercise or a replay there is none.
"""

import logging
import socket
import threading
import time
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
KEPT = 4000  # messages that wait for a partner

logger = logging.getLogger(__name__)


class State(NamedTuple):
    """How a partner is reached. sent: messages; fault: why not, in words, "" nothing is wrong or nothing was tried."""

    partner: str
    sent: int
    fault: str


class Outlet:
    """Sends messages to one address, the latest of each key only. `put` never waits."""

    def __init__(self, partner: Partner) -> None:
        self.name, self.sent, self.fault = partner.name, 0, ""
        self._to: Address = address(partner.address)
        self._waiting: dict[str, bytes] = {}
        self._lock, self._wake, self._closing = threading.Lock(), threading.Event(), False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name=f"partner {partner.name}", daemon=True)
        self._thread.start()

    def put(self, messages: Mapping[str, bytes]) -> None:
        """Hand messages over, by their keys; each takes the place of an older one that still waits."""
        with self._lock:
            for key, message in messages.items():
                self._waiting.pop(key, None)
                self._waiting[key] = message
            while len(self._waiting) > KEPT:
                self._waiting.pop(next(iter(self._waiting)))
        self._wake.set()

    def drop(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._waiting.clear()

    def close(self) -> None:
        """Send what waits if the partner takes it at once, and end."""
        self._closing = True
        self._wake.set()
        self._thread.join(WITHIN)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                while (first := self._first()) is not None:
                    self._send(first[1])
                    self._sent(*first)
            except OSError as error:
                self._hang_up(error)
                if not self._closing:
                    time.sleep(AGAIN)
                    self._wake.set()
            if self._closing:
                break
        if self._socket is not None:
            self._socket.close()

    def _first(self) -> tuple[str, bytes] | None:
        with self._lock:
            return next(iter(self._waiting.items()), None)

    def _sent(self, key: str, message: bytes) -> None:
        self.sent, self.fault = self.sent + 1, ""
        with self._lock:
            if self._waiting.get(key) is message:  # else a newer one has come meanwhile
                del self._waiting[key]

    def _send(self, message: bytes) -> None:
        if self._socket is None:
            kind = socket.SOCK_DGRAM if self._to.scheme == "udp" else socket.SOCK_STREAM
            self._socket = socket.socket(self._to.family, kind)
            self._socket.settimeout(WITHIN)
            self._socket.connect((self._to.host, self._to.port))
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

    def know(self, partners: Iterable[Partner]) -> None:
        """Take the partners of a configuration; those that are gone or have moved get nothing more."""
        known = {one.name: one for one in partners}
        for name in [name for name in self._open if known.get(name) != self._partners.get(name)]:
            self._open.pop(name).close()
        self._partners = known

    def to(self, name: str) -> Outlet | None:
        """Return the outlet to a partner; None where there is no such one."""
        if name in self._partners and name not in self._open:
            self._open[name] = Outlet(self._partners[name])
        return self._open.get(name)

    @property
    def states(self) -> list[State]:
        return [State(one.name, one.sent, one.fault) for one in self._open.values()]

    def close(self) -> None:
        for outlet in self._open.values():
            outlet.close()
        self._open.clear()


class Cues(_Way):
    """Tells partners where to look, as the engine's events say. Only for a live picture."""

    def __init__(self, mode: Mode) -> None:
        """Raises ValueError for any other mode: there is no such thing."""
        if mode is not Mode.LIVE:
            raise ValueError(f"a {mode} picture hands nothing over")
        super().__init__()

    def take(self, events: Iterable[Output]) -> None:
        """Send what a tick's events tell partners."""
        for event in events:
            if isinstance(event, Cued | CueEnded) and (outlet := self.to(event.partner)) is not None:
                message = messages_of.cued(event) if isinstance(event, Cued) else messages_of.ended(event)
                outlet.put({str(event.number): message})


class Feeds(_Way):
    """Sends the picture, once a second, to those whom a person has allowed it."""

    def __init__(self) -> None:
        super().__init__()
        self._second = 0

    def take(self, picture: Picture, states: TrackStates) -> None:
        """Send a tick's picture. states: its shown tracks."""
        second, feeds = picture.time // SECOND, picture.held.feeds
        if second == self._second:
            return
        self._second = second
        wanted = {one.partner for one in feeds}
        for name in [name for name in self._open if name not in wanted]:
            ended = self._open.pop(name)
            ended.drop()
            ended.close()
        if not feeds:
            return
        messages = dict(zip(map(str, states.number), messages_of.feed(states, picture), strict=True))
        for one in feeds:
            if (outlet := self.to(one.partner)) is not None:
                outlet.drop()  # what is older is not sent any more
                outlet.put(messages)


class Partners:
    """Everything that goes to partners: feeds, and in a live picture cues."""

    def __init__(self, mode: Mode) -> None:
        self._feeds = Feeds()
        self._cues = Cues(mode) if mode is Mode.LIVE else None
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

    @property
    def states(self) -> list[State]:
        """How those are reached that get anything, cues first."""
        return [*(self._cues.states if self._cues else ()), *self._feeds.states]

    def close(self) -> None:
        """End all threads."""
        self._feeds.close()
        if self._cues is not None:
            self._cues.close()
