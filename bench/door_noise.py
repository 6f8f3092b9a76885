"""Requests that must do nothing: whatever comes to mind, and right ones with one thing wrong. See `handover_door`."""

import json
import socket
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

import httpx
from people_world import Browser

PATHS = (
    "/", "/api/picture", "/api/watched", "/api/reports", "/api/geojson", "/api/health", "/api/why/1", "/api/why/x",
    "/api/stream", "/api/session", "/api/login", "/api/logout", "/api/prove", "/api/acts", "/api/cue", "/api/handover",
    "/api/handover/", "/api//handover", "/api/HANDOVER", "/api/decided", "/api/../api/handover", "/%61pi/handover",
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
GARBAGE = (
    b"GET /api/handover HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/handover HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999\r\n\r\n{",
    b"POST /api/handover HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n5\r\n{",
    b"\x16\x03\x01\x00\xa5", b"\x00" * 100, b"",
)  # fmt: skip
ALLOWED = (200, 307, 400, 401, 403, 404, 405, 413, 415, 422, 426, 429, 503)


def body(rng: Random) -> bytes:
    """Draw what somebody sends."""
    value: Any = rng.choice((
        None, [], {}, 1e400, "x" * 5000, {"track": 1}, {"track": "1"}, {"track": 1 << 70}, {"partner": "brigade"},
        {"partner": "brigade", "digest": "0" * 32}, {"partner": ["brigade"], "digest": {}},
        {"name": "", "password": ""}, {"type": "AllowFeed"}, {"type": "Decided", "time": 1}, {"a": [[[[[[]]]]]]},
    ))  # fmt: skip
    made = json.dumps(value).encode() if rng.random() < 0.8 else rng.randbytes(rng.randrange(200))
    return made[: rng.randrange(len(made) + 1)] if rng.random() < 0.2 else made


def noise(rng: Random, browser: Browser, wires: Sequence[str]) -> None:
    """Send something. Raises AssertionError where the answer is a fault of ours, or an act."""
    if rng.random() < 0.1:
        _bytes(rng, browser, wires)
        return
    method, path = rng.choice(METHODS), rng.choice(PATHS)
    headers = {"Origin": browser.here, "X-CSRF-Token": browser.csrf, "Content-Type": "application/json"}
    for name in list(headers):
        if rng.random() < 0.3:
            del headers[name]
    sent = body(rng) if method not in ("GET", "HEAD") else b""
    if path == "/api/logout":
        sent = b"x"  # a session that ends unseen would be forgotten by the book
    answer = browser.request(method, path, content=sent, headers=headers)
    assert answer.status_code in ALLOWED, (method, path, answer.status_code, answer.text)
    acts = method == "POST" and path in ("/api/acts", "/api/handover", "/api/login", "/api/prove")
    assert not acts or answer.status_code != 200, (path, sent)


def _bytes(rng: Random, browser: Browser, wires: Sequence[str]) -> None:
    """Send bytes to the interface, or where a sensor would."""
    where = rng.choice([str(browser.base_url), *wires])
    port = int(where.rstrip("/").rsplit(":", 1)[1])
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as sock:
        sock.sendall(rng.choice((*GARBAGE, rng.randbytes(200))))


def spoilt(rng: Random, browser: Browser, path: str, asked: Any, others: Sequence[Browser]) -> httpx.Response:
    """Post what would be right with one thing wrong with it, so that nothing may come of it."""
    usual = {"Origin": browser.here, "X-CSRF-Token": browser.csrf or "x", "Content-Type": "application/json"}
    cookies = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
    foreign = [one.csrf for one in others if one.csrf != browser.csrf] or ["x"]
    wrong = rng.choice((
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": browser.here.replace("http:", "https:")},
        {"Origin": browser.here + "/"}, {"Origin": None}, {"X-CSRF-Token": None}, {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": rng.choice(foreign)}, {"Content-Type": "text/plain"}, {"Content-Type": None},
        {"Content-Type": "application/x-www-form-urlencoded"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"}, {"Host": "evil.example"}, {"Cookie": None}, {"Cookie": "x=y"},
        {"Cookie": cookies[:-1] + ("A" if cookies[-1:] != "A" else "B")}, {"Body": 1}, {"Extra": 1}, {"Method": "PUT"},
        {"Authorization": "Bearer x", "Cookie": None},
    ))  # fmt: skip
    sent: dict[str, Any] = {**usual, "Cookie": cookies, **wrong}
    content = json.dumps(asked).encode()
    if sent.pop("Body", None):
        content = rng.choice((content[:-1], content + b"}", b"[" + content + b"]", content + b" " * 5000))
    if sent.pop("Extra", None):
        content = json.dumps({**asked, "force": True}).encode()
    method = sent.pop("Method", "POST")
    headers = {name: value for name, value in sent.items() if value is not None}
    with httpx.Client(base_url=browser.base_url, trust_env=False, timeout=20, verify=False) as bare:
        return bare.request(method, path, content=content, headers=headers)
