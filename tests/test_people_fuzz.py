"""Whatever is sent: never a fault of ours, and never an act without a session."""

import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_world import ACKNOWLEDGE, CHEAP, PASSWORD, World, world

from skywarden.service.people import password

PATHS = st.sampled_from(["/api/acts", "/api/login", "/api/prove", "/api/logout"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
SHAPES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["Acknowledge", "Categorise", "Acted"]) | JSON,
        "position": JSON,
        "raid": JSON,
        "seen": JSON,
        "name": st.text(),
        "password": st.text(),
    },
)
BODIES = st.binary(max_size=5000) | st.builds(lambda v: json.dumps(v).encode(), JSON | SHAPES | st.just(ACKNOWLEDGE))
NAMES = st.sampled_from(
    ["origin", "x-csrf-token", "content-type", "cookie", "sec-fetch-site", "authorization", "x-forwarded-for"]
)
VALUE = st.binary(max_size=40).map(lambda raw: bytes(c for c in raw if 0x20 < c != 0x7F))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, world(tmp_path_factory.mktemp("people") / "users.toml") as made:
        patch.setattr(password, "COST", CHEAP)
        made.add()
        yield made


@pytest.fixture(scope="module")
def client(place: World) -> Iterator[httpx.Client]:
    with place.browser() as browser:
        yield browser


@settings(deadline=None, max_examples=300)
@given(path=PATHS, body=BODIES, others=st.lists(st.tuples(NAMES, VALUE), max_size=3), usual=st.booleans())
def test_nothing_acts_without_a_session(
    place: World, client: httpx.Client, path: str, body: bytes, others: list[tuple[str, bytes]], usual: bool
) -> None:
    place.clock.now += 400  # no lock hides what comes after it
    port = place.server.port if place.server else 0
    cookie = f"skywarden-{port}=" + "A" * 43
    sent: dict[str, str | bytes] = {
        "origin": str(client.base_url).rstrip("/"),
        "content-type": "application/json",
        "cookie": cookie,
    }
    headers = {**(sent if usual else {}), **dict(others)}
    answer = client.post(path, content=body, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code in (400, 401, 403, 413, 415, 422, 429)
    assert place.told.acts == []


@settings(deadline=None, max_examples=200)
@given(body=BODIES)
def test_who_is_logged_in_gets_acts_in_or_words_back(place: World, body: bytes) -> None:
    place.told.acts.clear()
    with place.browser() as browser:
        assert browser.login("OLENA", PASSWORD).status_code == 200
        headers = {"Origin": browser.here, "X-CSRF-Token": browser.csrf, "Content-Type": "application/json"}
        answer = browser.post("/api/acts", content=body, headers=headers)
    assert (answer.status_code, len(place.told.acts)) in {(200, 1), (422, 0), (413, 0), (403, 0)}
