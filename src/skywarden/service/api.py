"""HTTP and WebSocket: the latest picture for programs and a plain page; docs/api.md has every field."""

import asyncio
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib import resources

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from skywarden.service.guard import Guard
from skywarden.service.publish import Publisher

STREAMS = 64  # at once
SEND_WITHIN = 10.0  # s; a viewer that takes longer for one message has gone
LINGER = 0.1  # s to wait for a picture once a message is due: one made just before a tick makes both slower
GOODBYE_WITHIN = 1.0  # s
TOO_MANY = (1013, "too many viewers")  # code: RFC 6455, "try again later"
NOTHING_YET, NOT_THERE = 503, 404


def make(publisher: Publisher, host: str, names: Sequence[str] = (), people: Sequence[BaseRoute] = ()) -> Guard:
    """Return the ASGI application for a listener at `host`. names: others under which it answers. people: routes."""
    streams = _Streams(publisher)
    routes = [
        Route("/", _page()),
        Route("/api/picture", _picture(publisher)),
        Route("/api/watched", _watched(publisher)),
        Route("/api/reports", _reports(publisher)),
        Route("/api/geojson", _geojson(publisher)),
        Route("/api/health", _health(publisher)),
        Route("/api/why/{number:int}", _why(publisher)),
        WebSocketRoute("/api/stream", streams.serve),
        *people,
    ]
    return Guard(Starlette(routes=routes), host, names)


Endpoint = Callable[[Request], Awaitable[Response]]


def _picture(publisher: Publisher) -> Endpoint:
    async def picture(_: Request) -> Response:
        latest = publisher.latest
        return _json(latest.picture_json()) if latest else PlainTextResponse("no picture yet", NOTHING_YET)

    return picture


def _watched(publisher: Publisher) -> Endpoint:
    async def watched(_: Request) -> Response:
        latest = publisher.latest
        return _json(latest.watched_json()) if latest else PlainTextResponse("no picture yet", NOTHING_YET)

    return watched


def _reports(publisher: Publisher) -> Endpoint:
    async def reports(_: Request) -> Response:
        latest = publisher.latest
        return _json(latest.reports_json()) if latest else PlainTextResponse("no picture yet", NOTHING_YET)

    return reports


def _geojson(publisher: Publisher) -> Endpoint:
    async def geojson(_: Request) -> Response:
        latest = publisher.latest
        if latest is None:
            return PlainTextResponse("no picture yet", NOTHING_YET)
        return Response(latest.geojson(), media_type="application/geo+json")

    return geojson


def _health(publisher: Publisher) -> Endpoint:
    async def health(_: Request) -> Response:
        return _json(publisher.health_json())

    return health


def _why(publisher: Publisher) -> Endpoint:
    async def why(request: Request) -> Response:
        latest, number = publisher.latest, request.path_params["number"]
        if latest is None:
            return PlainTextResponse("no picture yet", NOTHING_YET)
        found = latest.why_json(number)
        return PlainTextResponse(f"there is no track {number} now", NOT_THERE) if found is None else _json(found)

    return why


def _page() -> Endpoint:
    text = resources.files("skywarden").joinpath("data", "page.html").read_text("utf-8")
    headers = {"Content-Security-Policy": policy(text)}

    async def page(_: Request) -> Response:
        return Response(text, media_type="text/html", headers=headers)

    return page


def policy(text: str) -> str:
    """Return the content security policy that allows what stands in this page and nothing else."""
    script, style = (
        " ".join(f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'" for part in re.findall(pattern, text))
        for pattern in (r"(?s)<script>(.*?)</script>", r"(?s)<style>(.*?)</style>")
    )
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


class _Streams:
    """The WebSockets. Each sends the latest tick once its viewer has taken the one before; others are left out."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._open: dict[asyncio.Event, str] = {}  # what ends it -> the viewer's address; in order of arrival

    async def serve(self, socket: WebSocket) -> None:
        host = socket.client.host if socket.client else ""
        if len(self._open) >= STREAMS and not self._make_room(host):
            await socket.close(*TOO_MANY)
            return
        await socket.accept()
        fresh, end = asyncio.Event(), asyncio.Event()
        self._open[end] = host
        loop = asyncio.get_running_loop()
        leave = self._publisher.watch(lambda: _wake(loop, fresh))
        tasks = [asyncio.create_task(one) for one in (self._send(socket, fresh), _until_gone(socket), end.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leave()
            for task in tasks:
                task.cancel()
            self._open.pop(end, None)
        if end.is_set():
            with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
                async with asyncio.timeout(GOODBYE_WITHIN):
                    await socket.close(*TOO_MANY)

    def _make_room(self, host: str) -> bool:
        """End the oldest stream of the host that has most, unless the newcomer's has as many; say whether it did."""
        held = Counter(self._open.values())
        most, number = held.most_common(1)[0]
        if number <= held[host] + 1:
            return False
        end = next(end for end, owner in self._open.items() if owner == most)
        del self._open[end]
        end.set()
        return True

    async def _send(self, socket: WebSocket, fresh: asyncio.Event) -> None:
        last = None
        fresh.set()  # there may be a newer picture than the last message, of which all others have been told
        while True:
            message = self._publisher.message()
            if message is not None and message[0] != last:
                last = message[0]
                try:
                    async with asyncio.timeout(SEND_WITHIN):
                        await socket.send_text(message[1].decode())
                except (TimeoutError, WebSocketDisconnect, RuntimeError):
                    return
            await fresh.wait()
            fresh.clear()
            while (left := self._publisher.due()) > 0:  # wait for the picture that comes then, if one comes
                with suppress(TimeoutError):
                    async with asyncio.timeout(left + LINGER):
                        await fresh.wait()
                        fresh.clear()


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass  # nothing that a viewer says is used


def _wake(loop: asyncio.AbstractEventLoop, fresh: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop has just been closed
        loop.call_soon_threadsafe(fresh.set)
