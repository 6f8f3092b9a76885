"""The connections of viewers: how many there may be, who makes room for others, and who kept us waiting too long."""

import asyncio
import logging
import math
from typing import Any, Protocol

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from skywarden.service.cutoff import cut_off
from skywarden.service.places import gives_way

CONNECTIONS = 256
REQUEST_WITHIN = 10.0  # s for a whole request, and for the next piece of an answer to be taken
SAY_AGAIN = 60.0  # s

logger = logging.getLogger(__name__)


class Viewer(Protocol):
    """An open connection; see `places.Place`."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    @property
    def host(self) -> str: ...

    @property
    def heard(self) -> float: ...


class Viewers(ServerState):
    """All open connections, in order of arrival. When all places are taken, a newcomer gets one all the same."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[Viewer] = []
        self._said = -math.inf

    def add(self, one: Viewer) -> None:
        """Give it a place, if need be that of another."""
        if len(self._open) >= CONNECTIONS:
            leaving = gives_way(self._open, one.host)
            self._open.remove(leaving)
            cut_off(leaving.transport)
            if one.loop.time() - self._said > SAY_AGAIN:
                self._said = one.loop.time()
                logger.warning("viewer_displaced places=%d host=%s newcomer=%s", CONNECTIONS, leaving.host, one.host)
        self._open.append(one)

    def remove(self, one: Viewer) -> None:
        """Take its place back, unless it has made room already."""
        if one in self._open:
            self._open.remove(one)


class Impatient(H11Protocol):
    """HTTP that ends a connection on which no whole request comes, or whose answer nobody takes; uvicorn would wait."""

    server_state: Viewers
    heard = 0.0
    _patience: asyncio.TimerHandle | None = None
    _looked_at: RequestResponseCycle | None = None
    _left = math.inf  # bytes of the answers that had not been taken then

    @property
    def host(self) -> str:
        """Return the viewer's address."""
        return self.client[0] if self.client else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.server_state.add(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None:
            self.heard = self.loop.time()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._leave()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._left = math.inf
        self._wait()

    def _leave(self) -> None:
        self.server_state.remove(self)
        self._stop_waiting()

    def _wait(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(REQUEST_WITHIN, self._look)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _look(self) -> None:
        left = self.transport.get_write_buffer_size()
        fresh = self.cycle is not None and not self.cycle.response_complete and self.cycle is not self._looked_at
        if fresh or 0 < left < self._left:
            self._looked_at, self._left = self.cycle, left
            self._wait()
        else:
            cut_off(self.transport)  # `close` would wait until the answer has been taken


class Stream(WebSocketsSansIOProtocol):
    """A viewer's WebSocket. While it is open it answers pings, and there are few (api.STREAMS): it has just been heard.

    One that is closed but not gone has left an answer in the wire: it is the first to make room.
    """

    def __init__(
        self,
        config: Config,
        server_state: Viewers,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._viewers = server_state

    @property
    def host(self) -> str:
        """Return the viewer's address."""
        return self.client[0] if self.client else ""

    @property
    def heard(self) -> float:
        return 0.0 if self.transport.is_closing() else math.inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._viewers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._viewers.remove(self)
        super().connection_lost(exc)
