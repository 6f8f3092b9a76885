"""TCP: streams cut into messages. A server for several clients; a client that connects again."""

import errno
import selectors
import socket
import time

from skywarden.service.address import is_literal, parse
from skywarden.service.held import Held
from skywarden.service.lookup import Lookup
from skywarden.service.places import gives_way
from skywarden.service.receive import Receiver
from skywarden.service.terminate import Inside, Secure
from skywarden.service.wire import LISTENING, PARTIAL, POLL_BYTES, RETRY, Feed, Way, why

CLIENTS = 64  # of one address to listen at; who comes then takes the place of another
BURST = CLIENTS // 4  # new ones in one poll: each is read before so many come that it would make room again
BACKLOG = 1024  # connections that wait to be taken; a flood that fills it makes real ones try again after 1 s
UNSENT = 256 << 10  # bytes of answers that may wait for one peer
DRAINS = 64  # reads of a connection that is closed by a reload; its buffers hold no more
LEAST = 16 << 10  # bytes, a connection's share of one poll however many there are
BACKOFF = (0.5, 10.0)  # s until the next try to connect: doubled from the first to the second
CONNECT_WITHIN = 10.0  # s
KEEPALIVE = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))  # s, s, probes: dead after 25 s
CONNECTED = "connected"
CONNECTING = "connecting"


class _Peer:
    """The other end of a connection. host: its address; heard: s, steady, its last whole message; 0.0: none yet."""

    def __init__(self, sock: socket.socket, host: str, connection: int, inside: Inside | None) -> None:
        self.sock, self.host, self.heard, self.connection = sock, host, 0.0, connection
        self.inside = inside  # with TLS
        self.partial = b""  # of an unfinished message
        self.held = Held()
        self.watched = False  # is read when something comes
        self.unsent = b""  # of answers
        self.leaving = False  # once all answers are sent

    @property
    def ready(self) -> bool:
        """Say whether the other end can be heard: with TLS when the handshake is done."""
        return self.inside is None or self.inside.open


class Connections:
    """The open connections of one way in, in order of arrival. fault: why TLS ended the last one; "": it did not."""

    def __init__(
        self, feed: Feed, way: Way, selector: selectors.BaseSelector, receiver: Receiver, secure: Secure | None
    ) -> None:
        self._way, self._secure, self.fault = way, secure, ""
        self._feed, self._selector, self._receiver = feed, selector, receiver
        self._peers: dict[socket.socket, _Peer] = {}
        self._paused = False
        self._channel: TcpServer | TcpClient | None = None

    def __len__(self) -> int:
        return len(self._peers)

    def __contains__(self, sock: socket.socket) -> bool:
        return sock in self._peers

    def add(self, sock: socket.socket, channel: "TcpServer | TcpClient", host: str) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE:
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        try:
            inside = self._secure(sock, host) if self._secure else None
        except OSError:
            sock.close()
            return
        sock = inside.sock if inside else sock
        self._peers[sock] = _Peer(sock, host, self._feed.connection(), inside)
        self._way.peers = len(self)
        self._look()
        self._channel = channel
        self._watch(self._peers[sock])

    def read(self, sock: socket.socket) -> bool:
        """Read a connection's share of one poll; return False when it has ended. `admit` lets in what it has brought.

        Of one that had to wait less is read at once: it could not be let in, and would only take memory.
        """
        peer = self._peers[sock]
        try:
            chunk = self._receiver.stream(sock, LEAST if peer.held.waited else max(LEAST, POLL_BYTES // len(self)))
        except OSError:
            chunk = None
        if chunk is None:
            self._end(peer)
            return False
        if chunk:
            self._look()
            data, lengths, peer.partial = self._feed.cut(peer.partial, chunk)
            if lengths:
                peer.heard = self._way.heard = time.monotonic()
            peer.held.put(data, lengths)
            if len(peer.partial) > PARTIAL:
                peer.held.put(peer.partial, [len(peer.partial)])
                peer.partial = b""
        return True

    def _look(self) -> None:
        """Say that somebody is connected, with TLS once the handshake is done."""
        if self._way.state != CONNECTED and any(peer.ready for peer in self._peers.values()):
            self._way.state = CONNECTED

    def admit(self, now: float) -> bool:
        """Let in what the quota allows; return whether some must wait. now: s, steady.

        Who has some left is not read until it is in, so TCP makes its sender wait. Nothing is lost, whoever else is
        behind the same connection.
        """
        asking = {peer: len(peer.held) for peer in self._peers.values() if len(peer.held)}
        if not asking or self._paused:
            return False
        allowed = self._feed.quota.share(asking, now)
        for peer in asking:
            self._let_in(peer, allowed[peer])
            left = len(peer.held)
            if left:
                self._feed.slow(peer.host, delayed=left if peer.held.fresh else 0)
            peer.held.settle()
            self._watch(peer)
        return allowed != asking

    def drain(self) -> None:
        """Take in what has arrived, whatever the quota: it is the last that is read."""
        for peer in list(self._peers.values()):
            for _ in range(DRAINS):
                before = peer.partial
                if not self.read(peer.sock) or (not len(peer.held) and peer.partial == before):
                    break
                self._let_in(peer, len(peer.held))

    def _let_in(self, peer: _Peer, count: int) -> None:
        if count:
            self._feed.add(*peer.held.take(count), peer.connection)

    def _watch(self, peer: _Peer) -> None:
        """Read a peer when something comes, unless the engine is behind, or the peer ahead of its quota."""
        wanted = not self._paused and not len(peer.held)
        if wanted and not peer.watched:
            self._selector.register(peer.sock, selectors.EVENT_READ, self._channel)
        elif peer.watched and not wanted:
            self._selector.unregister(peer.sock)
        peer.watched = wanted

    def _end(self, peer: _Peer) -> None:
        """Take in what a peer has sent so far: it has left, or has to."""
        self._let_in(peer, len(peer.held))
        self._feed.end(peer.partial, peer.connection)
        self._drop(peer.sock)

    def make_room(self, host: str) -> None:
        """Send one away, as if it had left, for a newcomer from `host`. What it has sent so far is taken in."""
        peer = gives_way(self._peers.values(), host)
        if self.read(peer.sock):
            self._end(peer)
            self._way.displaced += 1

    def say(self, connection: int, data: bytes, close: bool) -> bool:
        """Answer on a connection, and end it then; return whether it is one of ours. Never waits."""
        peer = next((peer for peer in self._peers.values() if peer.connection == connection), None)
        if peer is None:
            return False
        peer.unsent += data
        peer.leaving |= close
        self._send(peer)
        return True

    def send(self) -> None:
        """Go on with what could not be sent at once."""
        self._look()
        for peer in [peer for peer in self._peers.values() if peer.unsent or peer.leaving]:
            self._send(peer)

    def _send(self, peer: _Peer) -> None:
        """Send what the peer takes now. Who does not take his answers is sent away: they would wait for ever."""
        try:
            peer.unsent = peer.unsent[peer.sock.send(peer.unsent) :] if peer.unsent else b""
        except BlockingIOError:
            pass
        except OSError:
            peer.unsent = b""  # the connection is gone; who reads it will see, after what was sent before
        if (peer.leaving and not peer.unsent) or len(peer.unsent) > UNSENT:
            self._drop(peer.sock)

    def balance(self) -> None:
        """Stop reading when too much waits for the engine; go on when it has caught up."""
        full = self._feed.full  # read once: the engine may fetch at any moment
        if full != self._paused:
            self._paused = full
            for peer in self._peers.values():
                self._watch(peer)

    def close(self) -> None:
        """End all connections ourselves. What is unfinished was never a message, and its sender knows."""
        for sock in list(self._peers):
            self._drop(sock)

    def _drop(self, sock: socket.socket) -> None:
        peer = self._peers.pop(sock)
        self.fault = peer.inside.fault if peer.inside else ""
        self._let_in(peer, len(peer.held))
        self._feed.ended(peer.connection)
        self._feed.quota.forget(peer)
        if peer.watched:
            self._selector.unregister(sock)
        sock.close()
        self._way.peers = len(self)


class TcpServer:
    """Listens; everything that its clients send is one source."""

    def __init__(
        self, feed: Feed, way: Way, selector: selectors.BaseSelector, receiver: Receiver, secure: Secure | None = None
    ) -> None:
        self.feed, self.way = feed, way
        self._address, self._selector = parse(way.address, "source"), selector
        self._secure = secure
        self._connections = Connections(feed, way, selector, receiver, secure)
        self._socket: socket.socket | None = None
        self._due = 0.0

    def tend(self, now: float) -> None:
        """Listen, if that is due. now: s, steady."""
        self._connections.send()
        if self.way.state == CONNECTED and not self._connections:
            self.way.state = LISTENING
        self._connections.balance()
        if self._socket is None and now >= self._due:
            self._due = now + RETRY
            try:
                self._socket = socket.create_server(
                    (self._address.host, self._address.port), family=self._address.family, backlog=BACKLOG
                )
            except OSError as e:
                self.way.state = f"cannot listen: {why(e)}"
                return
            self._socket.setblocking(False)
            self.way.state = LISTENING
            self.way.address = str(self._address._replace(port=self._socket.getsockname()[1]))
            self._selector.register(self._socket, selectors.EVENT_READ, self)

    def ready(self, sock: socket.socket) -> None:
        """Read one connection, or take new ones."""
        if sock is self._socket:
            self._accept(sock)
        elif sock in self._connections and not self._connections.read(sock) and not self._connections:
            self.way.state = LISTENING
        self._connections.balance()

    def say(self, connection: int, data: bytes, close: bool) -> bool:
        """Answer on a connection; return whether it is one of ours."""
        return self._connections.say(connection, data, close)

    def admit(self, now: float) -> bool:
        """Let in what the quota allows; return whether some must wait. now: s, steady."""
        return self._connections.admit(now)

    def leave(self) -> None:
        """Take in what has arrived, then close for good."""
        self._connections.drain()
        self.close()

    def close(self) -> None:
        self._connections.close()
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(BURST):
            if self._secure is not None and self._secure.crowded:
                return
            if len(self._connections) >= CLIENTS and self.feed.full:
                return  # nobody is read now: what waits in the sockets of those sent away would be lost
            try:
                sock, (host, *_) = listener.accept()
            except OSError:  # no more, or too many open files: the next poll tries again
                return
            if len(self._connections) >= CLIENTS:
                self._connections.make_room(host)
            self._connections.add(sock, self, host)


class TcpClient:
    """Connects to one server, and again after every failure."""

    def __init__(
        self, feed: Feed, way: Way, selector: selectors.BaseSelector, receiver: Receiver, secure: Secure | None = None
    ) -> None:
        self.feed, self.way = feed, way
        self._address, self._selector = parse(way.address, "source"), selector
        self._connections = Connections(feed, way, selector, receiver, secure)
        self._pending: socket.socket | None = None
        self._lookup: Lookup | None = None
        self._due, self._delay, self._before = 0.0, BACKOFF[0], 0
        self._now = 0.0

    def tend(self, now: float) -> None:
        """Connect, if that is due. now: s, steady."""
        self._now = now
        self._connections.send()
        self._connections.balance()
        if self._connections:
            return
        if self._pending is not None and now >= self._due:
            self._fail("no answer")
        elif self._lookup is not None:
            self._looked_up(self._lookup)
        elif self._pending is None and now >= self._due:
            self.way.state = CONNECTING
            self._due = now + CONNECT_WITHIN
            if is_literal(self._address.host):
                self._connect(self._address.host)
            else:
                self._lookup = Lookup(self._address.host)

    def ready(self, sock: socket.socket) -> None:
        """Read the connection, or see how the attempt to connect ended."""
        if sock is self._pending:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._fail(why(OSError(error, "")))
            else:
                self._selector.unregister(sock)
                self._pending = None
                self._before = self.feed.received
                self._connections.add(sock, self, self._address.host)
        elif sock in self._connections and not self._connections.read(sock):
            if self.feed.received > self._before:
                self._delay = BACKOFF[0]
            fault = self._connections.fault
            self._fail(f"TLS: {fault}" if fault else "connection closed")
        self._connections.balance()

    def say(self, connection: int, data: bytes, close: bool) -> bool:
        """Answer on the connection; return whether it is ours."""
        return self._connections.say(connection, data, close)

    def admit(self, now: float) -> bool:
        """Let in what the quota allows; return whether some must wait. now: s, steady."""
        return self._connections.admit(now)

    def leave(self) -> None:
        """Take in what has arrived, then close for good."""
        self._connections.drain()
        self.close()

    def close(self) -> None:
        self._connections.close()
        self._drop_pending()

    def _looked_up(self, lookup: Lookup) -> None:
        if lookup.is_alive() and self._now < self._due:
            return
        self._lookup = None
        if lookup.found:
            self._connect(lookup.found)
        else:
            self._fail("host name not found")

    def _connect(self, host: str) -> None:
        address = self._address._replace(host=host)
        self._pending = socket.socket(address.family, socket.SOCK_STREAM)
        self._pending.setblocking(False)
        self._selector.register(self._pending, selectors.EVENT_WRITE, self)
        error = self._pending.connect_ex((address.host, address.port))
        if error not in (0, errno.EINPROGRESS):
            self._fail(why(OSError(error, "")))

    def _fail(self, reason: str) -> None:
        self._drop_pending()
        self.way.state = f"waiting: {reason}"
        self._due = self._now + self._delay
        self._delay = min(2 * self._delay, BACKOFF[1])

    def _drop_pending(self) -> None:
        if self._pending is not None:
            self._selector.unregister(self._pending)
            self._pending.close()
            self._pending = None
