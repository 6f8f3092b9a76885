"""The HTTP interface in a thread of its own."""

import asyncio
import logging
import socket
import threading

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from skywarden.config.address import LOOPBACK, Address
from skywarden.errors import ConfigError
from skywarden.service import api
from skywarden.service.address import require_loopback
from skywarden.service.publish import Publisher
from skywarden.service.wire import why

STOP_WITHIN = 1  # s
MESSAGE = 1 << 10  # bytes that a viewer may say at once
CONNECTIONS = 256
REQUEST_WITHIN = 10.0  # s for a whole request; half ones would keep their places for ever, and others out

logger = logging.getLogger(__name__)


class Impatient(H11Protocol):
    """HTTP that closes a connection on which no whole request comes in time; uvicorn itself waits for ever."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(REQUEST_WITHIN, self._look)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _look(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class Server:
    """A running HTTP interface."""

    def __init__(self, sock: socket.socket, config: uvicorn.Config) -> None:
        self.port: int = sock.getsockname()[1]
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(sock,), name="api", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and end the thread."""
        self._server.should_exit = True
        self._thread.join(STOP_WITHIN + 4)

    def _run(self, sock: socket.socket) -> None:
        with sock:
            asyncio.run(self._server.serve(sockets=[sock]))


def serve(publisher: Publisher, host: str, port: int, *, expose: bool = False) -> Server:
    """Listen and answer from the publisher's latest picture. port 0: any free one.

    Raises ConfigError when the address is not ours, is in use, or is open to the network without expose.
    """
    address = Address("tcp", LOOPBACK if host == "localhost" else host, port)
    require_loopback(address, expose, "api.listen")
    try:
        sock = socket.create_server((address.host, address.port), family=address.family)
    except OSError as e:
        raise ConfigError(
            f"cannot listen at {address.host_port}: {why(e)}; choose another port, or 0 for any", "api.listen"
        ) from None
    config = uvicorn.Config(
        api.make(publisher, host),
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=MESSAGE,
        ws_ping_interval=10.0,
        ws_ping_timeout=10.0,
        http=Impatient,
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=STOP_WITHIN,
    )
    server = Server(sock, config)
    logger.info("api_listening address=%s", address._replace(port=server.port).host_port)
    return server
