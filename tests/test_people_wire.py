"""How people's secrets travel: cookies, TLS, certificates and plain HTTP; and docs/api.md against what there is."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from certificates import Authority
from people_world import ACKNOWLEDGE, CHEAP, PASSWORD, Browser, World, world
from service_samples import publishing

from skywarden.model.act import LEAST
from skywarden.service import api
from skywarden.service.people import password
from skywarden.service.people.routes import SessionRow, routes
from skywarden.service.server import serve
from skywarden.service.tls import Files, Tls


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "COST", CHEAP)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "users.toml") as made:
        yield made


def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(place: World) -> None:
    place.add()
    answer = place.browser().login()
    (cookie,) = answer.headers.get_list("set-cookie")
    value, *flags = cookie.split("; ")
    assert {flag.lower() for flag in flags} == {"httponly", "samesite=strict", "path=/"}
    assert value.startswith(f"skywarden-{place.server.port}=")  # type: ignore[union-attr]
    assert len(value.partition("=")[2]) == 43  # 256 bits in base64
    assert answer.headers["cache-control"] == "no-store"


def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(place: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    place.add()
    server = serve(
        publishing(), "127.0.0.1", 0, tls=Tls(Files(*authority.make("server")), "api"), people=routes(place.desk, None)
    )
    browser = Browser(f"https://127.0.0.1:{server.port}", verify=authority.client())
    try:
        cookie = browser.login().headers["set-cookie"]
        assert cookie.startswith("__Host-skywarden-")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= {f.lower() for f in cookie.split("; ")}
        assert "domain" not in cookie.lower()
        assert browser.act().status_code == 200
        assert (
            browser.send_json("/api/acts", ACKNOWLEDGE, Origin=browser.here.replace("https", "http")).status_code == 403
        )
    finally:
        browser.close()
        server.stop()


@pytest.mark.parametrize(("host", "status"), [("192.0.2.5", 403), ("2001:db8::5", 403), ("::ffff:127.0.0.1", 200)])
def test_no_password_goes_over_plain_http_from_elsewhere(place: World, host: str, status: int) -> None:
    place.add()

    async def asked() -> tuple[httpx.Response, httpx.Response]:
        asgi = httpx.ASGITransport(
            api.make(publishing(), "192.0.2.1", (), routes(place.desk, None)), client=(host, 4000)
        )
        async with httpx.AsyncClient(transport=asgi, base_url="http://192.0.2.1") as client:
            body = {"name": "Olena", "password": PASSWORD}
            answer = await client.post("/api/login", json=body, headers={"Origin": "http://192.0.2.1"})
            return answer, await client.get("/api/session")

    answer, session = asyncio.run(asked())
    assert answer.status_code == status
    assert session.json()["name"] == (None if status == 403 else "Olena")
    assert ("TLS" in answer.text and "TLS" in session.json()["why"]) == (status == 403)


def test_a_certificate_alone_acts_for_nobody(place: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    place.add()
    files = Files(*authority.make("server"), authority.pem)
    server = serve(publishing(), "127.0.0.1", 0, tls=Tls(files, "api"), people=routes(place.desk, None))
    context = authority.client()
    context.load_cert_chain(*authority.make("viewer"))
    browser = Browser(f"https://127.0.0.1:{server.port}", verify=context)
    try:
        assert browser.get("/api/picture").status_code == 200
        assert browser.act().status_code == 401
        assert place.told.acts == []
    finally:
        browser.close()
        server.stop()


def test_every_act_field_and_status_is_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
    for kind, least in LEAST.items():
        fields = ", ".join(f"`{name}`" for name in kind.__struct_fields__)  # type: ignore[attr-defined]
        assert f"| `{kind.__name__}` | {fields} | {least.word} |" in text
    part = text.partition("\n## Session\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) == list(SessionRow.__struct_fields__)
