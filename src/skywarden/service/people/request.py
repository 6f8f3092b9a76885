"""What a request must bring before anything is done for it.

TLS or this computer itself, the origin of our own page, JSON of a few kilobytes, and, of who has logged in, the
session's cookie and its token in a header, which no other page can know.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from skywarden.service.people.desk import Denied, Desk
from skywarden.service.people.locks import is_loopback
from skywarden.service.people.sessions import Session, csrf_of, same

BODY = 4 << 10  # bytes
TOKEN = "x-csrf-token"
FOREIGN = "this must come from our own page: send the header Origin with our address"
LOG_IN = "log in first (POST /api/login): only a person in a session of their own can act"
PLAIN = (
    "no passwords over plain HTTP: give the interface TLS ([api] tls_certificate, docs/running.md), or log in on the "
    "computer itself"
)

Asked = TypeVar("Asked")


def safe(request: Request) -> None:
    """Raise Denied where others could read along."""
    if not has_tls(request) and not is_loopback(host(request)):
        raise Denied(403, PLAIN)


def ours(request: Request) -> None:
    """Raise Denied unless a request that changes something comes from a page of ours, and as JSON."""
    safe(request)
    headers = request.headers
    here = f"{request.scope['scheme']}://{headers.get('host', '')}"
    if headers.getlist("origin") != [here] or len(headers.getlist("host")) != 1:
        raise Denied(403, FOREIGN)
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Denied(403, FOREIGN)
    kind, _, rest = headers.get("content-type", "").lower().partition(";")
    if kind.strip() != "application/json" or rest.strip() not in ("", "charset=utf-8"):
        raise Denied(415, "send JSON: the header Content-Type must be application/json")


def session_of(desk: Desk, request: Request) -> Session | None:
    """Return the session that a request belongs to. Raises Denied when nobody can have one."""
    desk.open()
    secret = secret_of(request)
    return desk.session(secret) if secret else None


def logged_in(desk: Desk, request: Request) -> Session:
    """Return the session that a request belongs to. Raises Denied when there is none."""
    found = session_of(desk, request)
    if found is None:
        raise Denied(401, LOG_IN)
    if not same(request.headers.get(TOKEN, ""), csrf_of(secret_of(request))):
        raise Denied(403, f"the header {TOKEN} must hold the session's token (GET /api/session)")
    return found


async def body(request: Request) -> bytes:
    """Return what a request says. Raises Denied when that is too much, or not whole."""
    said = b""
    try:
        async for piece in request.stream():
            said += piece
            if len(said) > BODY:
                raise Denied(413, f"more than {BODY} bytes")
    except ClientDisconnect:
        raise Denied(400, "the request is not whole") from None
    return said


def decoded(decode: Callable[[bytes], Asked], said: bytes) -> Asked:
    """Return what a body means. Raises Denied that says what is wrong with it."""
    try:
        return decode(said)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Denied(422, f"this is not what is expected here: {error}") from None


def secret_of(request: Request) -> str:
    """Return what the session's cookie holds, "" without one."""
    return request.cookies.get(cookie(request), "")


def cookie(request: Request) -> str:
    """Return the cookie's name. Cookies know no ports, and two installations must not log each other's people out."""
    server = request.scope.get("server") or ("", 0)
    return f"{'__Host-' if has_tls(request) else ''}skywarden-{server[1]}"


def has_tls(request: Request) -> bool:
    """Say whether nobody between us and the browser can read along."""
    return bool(request.scope["scheme"] == "https")


def host(request: Request) -> str:
    """Return from where a request comes."""
    return request.client.host if request.client else ""
