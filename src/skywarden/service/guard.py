"""Keeps other web pages out: a page from elsewhere must not read the picture through this computer's browser."""

import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skywarden.service.address import is_literal

LOCAL = ("localhost", "127.0.0.1", "::1")
ANY = ("0.0.0.0", "::")  # every address of this computer
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


class Guard:
    """ASGI: answers only when asked by a name that is ours, and by pages that come from here.

    A name that a stranger's DNS points at us (rebinding) is not ours; an address cannot be rebound. names: those in our
    certificate.
    """

    def __init__(self, app: ASGIApp, host: str, names: Sequence[str] = ()) -> None:
        self._app = app
        self._any_address = host in ANY
        self._names = {*LOCAL, *names, host.lower(), *((socket.gethostname().lower(),) if host in ANY else ())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self.allows(headers.get(b"host", b"").decode("latin-1"), headers.get(b"origin", b"").decode("latin-1")):
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "wrong host or origin"})
        else:
            await PlainTextResponse("wrong host or origin", 403)(scope, receive, _with_headers(send))

    def allows(self, host: str, origin: str) -> bool:
        """Say whether a request with these two headers may be answered; origin "" when there is none."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        ours = name in self._names or (self._any_address and is_literal(name))
        return ours and (not origin or origin in (f"http://{host}", f"https://{host}"))


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    return wrapped
