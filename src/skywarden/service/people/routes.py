"""HTTP for people: login, logout, who am I, the password once more, and acts. docs/people.md and docs/api.md."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from skywarden.model.act import Act
from skywarden.service.people import acts
from skywarden.service.people.desk import WRONG, Denied, Desk
from skywarden.service.people.handing import Handing
from skywarden.service.people.request import (
    Asked,
    body,
    cookie,
    decoded,
    has_tls,
    host,
    logged_in,
    ours,
    safe,
    secret_of,
    session_of,
)
from skywarden.service.people.sessions import Session, csrf_of


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants to log in."""

    name: str
    password: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password once more."""

    password: str


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A track that a person may want to hand over."""

    track: int


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets what was shown."""

    partner: str
    digest: str


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object."""


class SessionRow(msgspec.Struct, frozen=True):
    """Who is logged in. why: nobody can log in here, and why not."""

    name: str | None = None
    role: str | None = None
    csrf: str | None = None
    why: str = ""


LOGINS, PROOFS, NOTHINGS = msgspec.json.Decoder(Login), msgspec.json.Decoder(Proof), msgspec.json.Decoder(Nothing)
LOOKS, DECISIONS = msgspec.json.Decoder(Look), msgspec.json.Decoder(Decision)
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(desk: Desk, handing: Handing | None) -> list[Route]:
    """Return the routes of a desk. handing: None where nothing can be handed over; then there is no such route."""
    window = _Window(desk)
    posts: dict[str, Endpoint] = {
        "login": window.login,
        "logout": window.inside(NOTHINGS.decode, window.logout),
        "prove": window.inside(PROOFS.decode, window.prove),
        "acts": window.inside(acts.decode, window.act),
    }
    if handing is not None:
        counter = _Counter(handing)
        posts["cue"] = window.inside(LOOKS.decode, counter.show)
        posts["handover"] = window.inside(DECISIONS.decode, counter.decide)
    made = [Route(f"/api/{name}", _denying(endpoint), methods=["POST"]) for name, endpoint in posts.items()]
    return [*made, Route("/api/session", window.session)]


class _Window:
    """Answers what is asked of a desk by HTTP."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def login(self, request: Request) -> Response:
        ours(request)
        self._desk.open()
        asked = decoded(LOGINS.decode, await body(request))
        secret, session = await self._desk.login(asked.name, asked.password, host(request))
        if before := session_of(self._desk, request):
            self._desk.logout(before, host(request))
        answer = _json(_row(session, secret))
        answer.set_cookie(cookie(request), secret, path="/", httponly=True, samesite="strict", secure=has_tls(request))
        return answer

    async def logout(self, request: Request, session: Session, _: Nothing) -> Response:
        self._desk.logout(session, host(request))
        answer = _json(SessionRow())
        answer.delete_cookie(cookie(request), path="/", httponly=True, samesite="strict", secure=has_tls(request))
        return answer

    async def prove(self, request: Request, session: Session, asked: Proof) -> Response:
        if await self._desk.fresh(session, asked.password, host(request)) is None:
            raise Denied(401, WRONG)
        return _json({"refused": ""})

    async def act(self, _: Request, session: Session, asked: Act) -> Response:
        effect = await self._desk.act(session, asked)
        return _json(effect._asdict(), 409 if effect.refused else 200)

    async def session(self, request: Request) -> Response:
        try:
            safe(request)
            found = session_of(self._desk, request)
        except Denied as denied:
            return _json(SessionRow(why=denied.words))
        return _json(_row(found, secret_of(request)) if found else SessionRow())

    def inside(
        self, decode: Callable[[bytes], Asked], answer: Callable[[Request, Session, Asked], Awaitable[Response]]
    ) -> Endpoint:
        """Return an endpoint for those who are logged in."""

        async def endpoint(request: Request) -> Response:
            ours(request)
            logged_in(self._desk, request)  # before anything of it is read
            asked = decoded(decode, await body(request))
            return await answer(request, logged_in(self._desk, request), asked)

        return endpoint


class _Counter:
    """Where cues are shown and handed over."""

    def __init__(self, handing: Handing) -> None:
        self._handing = handing

    async def show(self, _: Request, session: Session, asked: Look) -> Response:
        display = self._handing.show(session, asked.track)
        cue = msgspec.structs.asdict(display.cue)
        cue["coming"] = [msgspec.structs.asdict(one) for one in display.cue.coming]
        return _json({"cue": cue, "digest": display.digest, "against": display.against})

    async def decide(self, _: Request, session: Session, asked: Decision) -> Response:
        effect = await self._handing.decide(session, asked.partner, asked.digest)
        return _json(effect._asdict(), 409 if effect.refused else 200)


def _denying(endpoint: Endpoint) -> Endpoint:
    async def denying(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Denied as denied:
            answer = _json({"refused": denied.words}, denied.status)
            if denied.wait > 0:
                answer.headers["Retry-After"] = str(math.ceil(denied.wait))
            return answer

    return denying


def _row(session: Session, secret: str) -> SessionRow:
    return SessionRow(session.user.name, session.user.role.word, csrf_of(secret))


def _json(said: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(said), status, media_type="application/json")
