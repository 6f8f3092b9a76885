"""A thread that speaks TLS for connections of sources and passes their plain bytes on.

Whoever reads a connection gets the end of a local pair of sockets instead, so a handshake that takes long, a flood of
them or rubbish costs only this thread. Each piece of TLS that OpenSSL reads gives the interpreter away (see
receive.py), which the thread that drains all sockets must not.
"""

import asyncio
import logging
import math
import socket
import ssl
import threading
import time
from collections.abc import Awaitable
from contextlib import suppress
from functools import partial

from skywarden.service.cutoff import cut_off
from skywarden.service.tls import HANDSHAKE_WITHIN, SHUTDOWN_WITHIN, Tls, outside

STOP_WITHIN = 1.0  # s to send what is left
SAY_AGAIN = 60.0  # s
CROWD = 96  # connections of one source, with those that are being ended; 64 have a place (tcp.CLIENTS)

logger = logging.getLogger(__name__)


class Inside:
    """A connection's plain end. open: its handshake is done; fault: why that, or what came later, failed."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.open = False
        self.fault = ""


class Secure:
    """How one source's connections get TLS. name: of a server, where its certificate has another than its address."""

    def __init__(self, terminator: "Terminator", tls: Tls, name: str | None) -> None:
        self._terminator, self._tls, self._name = terminator, tls, name

    def __call__(self, sock: socket.socket, host: str) -> Inside:
        """Take a connected socket to or from `host` over; return its plain end. Raises OSError: too many open files."""
        return self._terminator.wrap(sock, self._tls, self._name or host)

    @property
    def crowded(self) -> bool:
        """Say whether those who have left keep the thread busy, so that nobody should be taken now."""
        return self._tls.begun - self._tls.ended >= CROWD


class Terminator:
    """Does the TLS of many connections. `wrap` may be called by any thread and never waits."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tls", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._said = -math.inf
        self._thread.start()

    def wrap(self, sock: socket.socket, tls: Tls, host: str) -> Inside:
        """Take a connected socket over; return the plain end, which ends when the handshake fails. Raises OSError.

        host: the other end's address, or the name that a server's certificate must have.
        """
        near, far = socket.socketpair()
        tls.begun += 1
        for one in (sock, near, far):
            one.setblocking(False)
        inside = Inside(near)
        self._loop.call_soon_threadsafe(self._begin, sock, far, tls, host, inside)
        return inside

    def stop(self) -> None:
        """Send what is left, say goodbye on all connections and end the thread. The plain ends are closed before."""
        with suppress(TimeoutError):  # a flood may keep it busier: what is left is cut off
            asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result(STOP_WITHIN + 1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(self._cut())
        self._loop.close()

    def _begin(self, sock: socket.socket, far: socket.socket, tls: Tls, host: str, inside: Inside) -> None:
        task = self._loop.create_task(self._serve(sock, far, tls, host, inside))
        self._tasks.add(task)
        task.add_done_callback(partial(self._end, tls))

    def _end(self, tls: Tls, task: "asyncio.Task[None]") -> None:
        tls.ended += 1
        self._tasks.discard(task)

    async def _serve(self, sock: socket.socket, far: socket.socket, tls: Tls, host: str, inside: Inside) -> None:
        outer, inner = _Pipe(), _Pipe()
        try:
            await self._handshake(sock, far, tls, host, outer)
        except (OSError, asyncio.CancelledError) as error:  # ssl.SSLError is one
            if not isinstance(error, asyncio.CancelledError):
                inside.fault = outside(error)
                self._failed(tls, host, inside.fault)
            far.close()
            return
        outer.other, inner.other = inner, outer
        await self._loop.connect_accepted_socket(lambda: inner, far)
        inside.open = True
        try:
            inner.flow()
            outer.flow()
            if isinstance(why := await outer.lost, ssl.SSLError):  # in TLS 1.3 a server refuses us only now
                inside.fault = outside(why)
                self._failed(tls, host, inside.fault)
            await inner.lost
        finally:  # nothing, unless the thread ends
            cut_off(outer.transport)
            cut_off(inner.transport)

    async def _handshake(self, sock: socket.socket, far: socket.socket, tls: Tls, host: str, outer: "_Pipe") -> None:
        """Let `outer` be connected. Raises OSError; CancelledError when the plain end is closed meanwhile."""
        task = asyncio.current_task()
        assert task is not None
        made: Awaitable[object]
        if tls.server:
            made = self._loop.connect_accepted_socket(
                lambda: outer,
                sock,
                ssl=tls.context,
                ssl_handshake_timeout=HANDSHAKE_WITHIN,
                ssl_shutdown_timeout=SHUTDOWN_WITHIN,
            )
        else:
            made = self._loop.create_connection(
                lambda: outer,
                sock=sock,
                ssl=tls.context,
                server_hostname=host,
                ssl_handshake_timeout=HANDSHAKE_WITHIN,
                ssl_shutdown_timeout=SHUTDOWN_WITHIN,
            )
        self._loop.add_reader(far, task.cancel)  # nothing is answered yet: only its end can be read there
        try:
            await made
        finally:
            self._loop.remove_reader(far)
        if not hasattr(outer, "transport"):  # asyncio says nothing of a connection that just ended
            raise ConnectionResetError

    def _failed(self, tls: Tls, host: str, fault: str) -> None:
        tls.failing(fault)
        if time.monotonic() - self._said > SAY_AGAIN:
            self._said = time.monotonic()
            logger.warning("tls_failed source=%s host=%s failed=%d fault=%s", tls.source, host, tls.failed, fault)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_WITHIN)

    async def _cut(self) -> None:
        """End what has not ended by itself."""
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # asyncio closes sockets one turn later


class _Pipe(asyncio.Protocol):
    """One of two ends: what comes here goes out there, as fast as that takes it. Nothing comes before `flow`."""

    other: "_Pipe"
    transport: asyncio.Transport

    def __init__(self) -> None:
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.pause_reading()

    def flow(self) -> None:
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(exc)
        if hasattr(self, "other"):
            self.other.transport.close()
