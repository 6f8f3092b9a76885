"""The HTTP interface in a thread of its own."""

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import uvicorn
from starlette.routing import BaseRoute

from skywarden.config.address import LOOPBACK, Address
from skywarden.errors import ConfigError
from skywarden.service import api
from skywarden.service.address import require_loopback
from skywarden.service.door import Door, Said
from skywarden.service.publish import Publisher
from skywarden.service.tls import Tls
from skywarden.service.viewers import CONNECTIONS, Impatient, Stream, Viewers
from skywarden.service.wire import why

STOP_WITHIN = 1  # s
MESSAGE = 1 << 10  # bytes that a viewer may say at once
BACKLOG = CONNECTIONS // 2  # taken at once: each is read before so many come that it would make room again

logger = logging.getLogger(__name__)


class Server:
    """A running HTTP interface."""

    def __init__(self, sock: socket.socket, config: uvicorn.Config) -> None:
        self.port: int = sock.getsockname()[1]
        self._server = uvicorn.Server(config)
        self._server.server_state = Viewers()
        self._thread = threading.Thread(target=self._run, args=(sock,), name="api", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and end the thread."""
        self._server.should_exit = True
        self._thread.join(STOP_WITHIN + 4)

    def _run(self, sock: socket.socket) -> None:
        with sock:
            asyncio.run(self._server.serve(sockets=[sock]))


def serve(  # noqa: PLR0913 - what is shown, where, and to whom
    publisher: Publisher,
    host: str,
    port: int,
    *,
    expose: bool = False,
    tls: Tls | None = None,
    people: Sequence[BaseRoute] = (),
) -> Server:
    """Listen and answer from the publisher's latest picture. port 0: any free one. tls: https and wss only.

    people: routes where they log in and act; without them nobody can.

    Raises ConfigError when the address is not ours, is in use, or is open to the network without expose.
    """
    address = Address("tcp", LOOPBACK if host == "localhost" else host, port)
    require_loopback(address, expose, "api.listen")
    try:
        sock = socket.create_server((address.host, address.port), family=address.family)
        # Connections have it from here. asyncio sets it only where a socket names its protocol, as this one does not:
        # the end of an answer would wait for its beginning to be acknowledged, 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as e:
        raise ConfigError(
            f"cannot listen at {address.host_port}: {why(e)}; choose another port, or 0 for any", "api.listen"
        ) from None
    entrance: Any = partial(Door, tls, Said()) if tls else Impatient
    config = uvicorn.Config(
        api.make(publisher, host, tls.names if tls else (), people),
        ws=Stream,
        ws_per_message_deflate=False,
        ws_max_size=MESSAGE,
        ws_ping_interval=10.0,
        ws_ping_timeout=10.0,
        http=entrance,
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=STOP_WITHIN,
    )
    server = Server(sock, config)
    logger.info("api_listening address=%s", address._replace(port=server.port).host_port)
    return server
