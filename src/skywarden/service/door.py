"""The door of the HTTP interface with TLS: a newcomer has a place before the handshake, and loses it if that hangs."""

import asyncio
import logging
import math
from typing import Any

from uvicorn import Config

from skywarden.service.cutoff import cut_off
from skywarden.service.tls import SHUTDOWN_WITHIN, Tls, outside
from skywarden.service.viewers import REQUEST_WITHIN, Impatient, Viewers

SAY_AGAIN = 60.0  # s

logger = logging.getLogger(__name__)


class Said:
    """When a failed handshake was last logged. at: s, of the loop."""

    at = -math.inf


class Door(asyncio.Protocol):
    """One connection until its handshake is done; then it is handed to `Impatient`, as if it had just been made.

    uvicorn's own TLS would let a connection wait for a handshake a minute long, uncounted and without a limit.
    """

    heard = 0.0
    transport: asyncio.Transport

    def __init__(
        self,
        tls: Tls,
        said: Said,
        config: Config,
        server_state: Viewers,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._tls, self._said = tls, said
        self._config, self._viewers, self._state = config, server_state, app_state
        self.loop = _loop or asyncio.get_running_loop()
        self.host = ""
        self._early = b""  # came with the end of the handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # what comes is the handshake's
        self.transport = transport
        self.host = (transport.get_extra_info("peername") or ("",))[0]
        self._viewers.add(self)
        self._task = self.loop.create_task(self._enter())

    def data_received(self, data: bytes) -> None:
        self._early += data

    async def _enter(self) -> None:
        try:
            inside = await self.loop.start_tls(
                self.transport,
                self,
                self._tls.context,
                server_side=True,
                ssl_handshake_timeout=REQUEST_WITHIN,
                ssl_shutdown_timeout=SHUTDOWN_WITHIN,
            )
        except OSError as error:  # ssl.SSLError is one
            self._failed(outside(error))
            return
        finally:
            self._viewers.remove(self)
        if inside is None or inside.is_closing():
            cut_off(self.transport)
            return
        viewer = Impatient(self._config, self._viewers, self._state, self.loop)
        viewer.connection_made(inside)
        inside.set_protocol(viewer)
        if self._early:
            viewer.data_received(self._early)

    def _failed(self, fault: str) -> None:
        cut_off(self.transport)
        self._tls.failing(fault)
        if self.loop.time() - self._said.at > SAY_AGAIN:
            self._said.at = self.loop.time()
            logger.warning("tls_failed source=api host=%s failed=%d fault=%s", self.host, self._tls.failed, fault)
