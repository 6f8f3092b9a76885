"""Login, sessions and acts over real connections: who is let in, who is not, and what reaches the engine."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from people_world import ACKNOWLEDGE, ACTS, CHEAP, PASSWORD, Browser, World, world

from skywarden.errors import StoppedError
from skywarden.model.act import LEAST, Act, Role
from skywarden.service.engine import Effect
from skywarden.service.people import change, desk, password, worker


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "COST", CHEAP)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "users.toml") as made:
        yield made


@pytest.fixture
def inside(place: World) -> Browser:
    """A browser in which Olena, an operator, is logged in."""
    place.add()
    browser = place.browser()
    assert browser.login().status_code == 200
    return browser


def test_who_logs_in_has_a_session_until_logout(place: World, inside: Browser) -> None:
    assert inside.get("/api/session").json() == {"name": "Olena", "role": "operator", "csrf": inside.csrf, "why": ""}
    assert inside.act().json() == {"refused": "", "recorded": True}
    ((person, act),) = place.told.acts
    assert (person.name, person.role) == ("Olena", Role.OPERATOR)
    assert act == msgspec.convert(ACKNOWLEDGE, Act)
    secret = next(iter(inside.cookies.jar)).value
    assert secret
    assert person.session not in secret
    assert inside.send_json("/api/logout", {}).status_code == 200
    inside.cookies.set(f"skywarden-{place.server.port}", secret)  # type: ignore[union-attr]
    assert inside.get("/api/session").json()["name"] is None
    assert inside.act().status_code == 401
    assert len(place.told.acts) == 1


def test_a_wrong_password_an_unknown_name_and_a_disabled_person_are_told_the_same(
    place: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    place.add()
    place.add("Petro")
    change.set_disabled(place.path, "petro", True)
    compared = []
    place.desk._worker = worker.Worker(lambda kept, given: bool(compared.append(kept)) or password.verify(kept, given))
    answers = [
        place.browser().login("Olena", "wrong horse battery"),
        place.browser().login("Nobody"),
        place.browser().login("Petro"),
        place.browser().login("secret typed as name", "x"),
    ]
    assert {(one.status_code, one.text) for one in answers} == {(401, '{"refused":"name or password is wrong"}')}
    assert len(compared) == 4, "each takes as long: somebody's hash or nobody's is compared"
    assert compared[1] == compared[2] == compared[3] != compared[0]
    assert "set-cookie" not in answers[0].headers
    assert "login_failed name=Olena address=127.0.0.1 failures=1" in caplog.text
    assert "horse" not in caplog.text
    assert "secret typed" not in caplog.text


def test_nobodys_password_is_no_key(place: World) -> None:
    place.add()
    place.desk._worker = worker.Worker(lambda kept, given: True)
    assert place.browser().login("Nobody").status_code == 401


def test_logins_and_logouts_are_logged(inside: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    inside.login()
    inside.send_json("/api/logout", {})
    assert "login name=Olena role=operator session=" in caplog.text
    assert "logout name=Olena session=" in caplog.text
    assert PASSWORD not in caplog.text
    assert inside.csrf not in caplog.text


def test_after_five_wrong_ones_each_further_one_must_wait(place: World, caplog: pytest.LogCaptureFixture) -> None:
    place.add()
    browser = place.browser()
    assert [browser.login(password="wrong").status_code for _ in range(5)] == [401] * 5
    for wait in (1, 2, 4):
        answer = browser.login()  # even the right one
        assert (answer.status_code, answer.headers["retry-after"]) == (429, str(wait))
        place.clock.now += wait
        assert browser.login(password="wrong").status_code == 401
    assert "locked name=Olena address=127.0.0.1 seconds=8" in caplog.text
    place.clock.now += 8
    assert browser.login().status_code == 200


def test_many_at_once_gain_nothing(place: World) -> None:
    place.add()

    async def all_at_once() -> list[int]:
        async def one() -> int:
            try:
                await place.desk.login("Olena", "wrong", "192.0.2.9")
            except desk.Denied as denied:
                return denied.status
            return 200

        return await asyncio.gather(*(one() for _ in range(12)))

    assert sorted(asyncio.run(all_at_once())) == [401] * 5 + [429] * 7


def test_when_too_many_wait_the_next_is_told_to_come_later(place: World) -> None:
    place.add()
    place.desk._worker._waiting = worker.WAITING
    answer = place.browser().login()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    place.desk._worker._waiting = 0
    assert place.browser().login().status_code == 200


def test_strangers_who_try_without_end_keep_nobody_out_who_is_in_or_was_here(place: World, inside: Browser) -> None:
    place.add("Petro")
    place.desk._worker._waiting = worker.WAITING
    assert inside.send_json("/api/prove", {"password": PASSWORD}).status_code == 200
    assert place.browser().login("Petro").status_code == 503  # who was never here
    assert place.browser().login("Olena").status_code == 200
    place.desk._worker._waiting = worker.WAITING + worker.KNOWN  # and they are not without end either
    assert inside.send_json("/api/prove", {"password": PASSWORD}).status_code == 503


@pytest.mark.parametrize("how", ["disable", "role", "password", "gone"])
def test_a_change_of_the_person_ends_the_session_for_good(place: World, inside: Browser, how: str) -> None:
    place.add("Petro")
    assert inside.act().status_code == 200
    before = place.path.read_bytes()
    if how == "disable":
        change.set_disabled(place.path, "Olena", True)
        change.set_disabled(place.path, "Olena", False)  # between two requests: it counts all the same
    elif how == "role":
        change.set_role(place.path, "Olena", Role.OBSERVER)
    elif how == "password":
        change.set_password(place.path, "Olena", "another horse battery")
    else:
        place.path.write_text(before.decode().partition("[[users]]")[0])
        assert inside.act().status_code == 403  # there is nobody at all
        place.path.write_bytes(before)
        assert inside.act().status_code == 200  # it was as it is, and nobody could act in between
        change.set_disabled(place.path, "Olena", True)
    count = len(place.told.acts)
    assert inside.act().status_code == 401
    assert inside.get("/api/session").json()["name"] is None
    assert len(place.told.acts) == count


WRONG = {
    "no token": ({"without": "x-csrf-token"}, 403),
    "wrong token": ({"X-CSRF-Token": "0" * 64}, 403),
    "no origin": ({"without": "origin"}, 403),
    "null origin": ({"Origin": "null"}, 403),
    "other port": ({"Origin": "http://127.0.0.1:1"}, 403),
    "other name of ours": ({"Origin": "http://localhost"}, 403),
    "https": ({"Origin": "https://HERE"}, 403),
    "cross-site": ({"Sec-Fetch-Site": "cross-site"}, 403),
    "same-site": ({"Sec-Fetch-Site": "same-site"}, 403),
    "form": ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "text": ({"Content-Type": "text/plain"}, 415),
    "charset": ({"Content-Type": "application/json; charset=utf-16"}, 415),
    "no cookie": ({"Cookie": ""}, 401),
    "made-up cookie": ({"Cookie": "skywarden-1=AAAA; skywarden=BBBB"}, 401),
    "bearer": ({"Cookie": "", "Authorization": "Bearer 123"}, 401),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_come_from_our_page_does_nothing(place: World, inside: Browser, name: str) -> None:
    options, status = WRONG[name]
    options = {key: value.replace("HERE", inside.here.partition("//")[2]) for key, value in options.items()}
    for path, body in (("/api/acts", ACKNOWLEDGE), ("/api/logout", {}), ("/api/prove", {"password": PASSWORD})):
        answer = inside.send_json(path, body, **options)  # type: ignore[arg-type]
        assert answer.status_code == status, path
        assert len(answer.text) > 10, "in words"
    assert place.told.acts == []
    assert inside.act().status_code == 200, "still logged in"


def test_two_origins_and_strange_tokens_do_nothing(place: World, inside: Browser) -> None:
    base = [("Content-Type", "application/json"), ("X-CSRF-Token", inside.csrf)]
    for headers in (
        [*base, ("Origin", "http://evil.example"), ("Origin", inside.here)],
        [*base, ("Origin", inside.here), ("Origin", inside.here)],
        [base[0], ("X-CSRF-Token", b"\xff\xfe"), ("Origin", inside.here)],
    ):
        answer = inside.post("/api/acts", content=json.dumps(ACKNOWLEDGE), headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 403
    assert place.told.acts == []


@pytest.mark.parametrize("path", ["/api/login", "/api/acts", "/api/prove", "/api/logout"])
def test_a_body_that_is_too_large_or_not_what_is_expected_is_refused_in_words(inside: Browser, path: str) -> None:
    headers = {"Origin": inside.here, "X-CSRF-Token": inside.csrf, "Content-Type": "application/json"}
    large = inside.post(path, content=b'{"x":"' + b"y" * 5000 + b'"}', headers=headers)
    assert (large.status_code, large.json()["refused"]) == (413, "more than 4096 bytes")
    deep = b'{"x":' + b"[" * 4000
    for body in (
        b"",
        deep,
        b"[",
        b"null",
        b'{"type":"Nothing"}',
        b'{"more":1}',
        b"[" * 4000,
        b'{"a":' * 800,
        b"\xff",
        b'"\\ud800"',
    ):
        answer = inside.post(path, content=body, headers=headers)
        assert answer.status_code == 422, body
        assert answer.json()["refused"].startswith("this is not what is expected here: ")


@pytest.mark.parametrize("field", ["reason", "track"])
def test_an_act_holds_only_what_can_be_recorded_and_shown(place: World, inside: Browser, field: str) -> None:
    values = {
        "reason": ["x" * 501, "a\x1b[2J", "two\nlines", "\u202eabc", 3],
        "track": [1 << 63, 1 << 70, -(1 << 90), "1", 1.5],
    }
    for value in values[field]:
        assert inside.act("Categorise", **{field: value}).status_code == 422, value
    assert inside.act("Categorise", more=1).status_code == 422
    assert inside.act("Categorise", category="hostile, surely").status_code == 422
    assert place.told.acts == []


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_it_may_and_no_more(place: World, role: Role) -> None:
    assert {kind.__name__ for kind in LEAST} == set(ACTS)
    place.add("Somebody", role)
    browser = place.browser()
    browser.login("somebody")
    for kind, least in LEAST.items():
        answer = browser.act(kind.__name__)
        assert answer.status_code == (200 if role >= least else 403)
        if role < least:
            assert answer.json()["refused"] == f"this needs the role {least.word} or a higher one; yours is {role.word}"
    assert [type(act) for _, act in place.told.acts] == [kind for kind, least in LEAST.items() if role >= least]
    assert {person.name for person, _ in place.told.acts} <= {"Somebody"}


def test_what_the_engine_says_is_answered(place: World, inside: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    for effect, status, said in (
        (Effect("", False), 200, {"refused": "", "recorded": False}),
        (Effect("no such raid", True), 409, {"refused": "no such raid", "recorded": True}),
        (StoppedError("ending"), 503, {"refused": "ending"}),
    ):
        place.told.effect = effect
        answer = inside.act()
        assert (answer.status_code, answer.json()) == (status, said)
    monkeypatch.setattr(desk, "ANSWER_WITHIN", 0.1)
    place.told.effect = None
    answer = inside.act()
    assert answer.status_code == 503
    assert "nothing was done" in answer.json()["refused"]
    assert place.told.futures[-1].cancelled(), "it must not be done later"


def test_without_people_it_only_reads_and_says_what_to_type(place: World) -> None:
    browser = place.browser()
    assert browser.get("/api/picture").status_code == 200
    for path in ("/api/login", "/api/acts", "/api/logout", "/api/prove"):
        answer = browser.send_json(path, {})
        assert answer.status_code == 403
        assert "skywarden user add" in answer.json()["refused"]
        assert browser.get(path).status_code == 405
    assert "skywarden user add" in browser.get("/api/session").json()["why"]


@pytest.mark.parametrize("how", ["damaged", "open to others"])
def test_a_file_that_cannot_be_used_lets_nobody_in_and_the_picture_goes_on(
    place: World, inside: Browser, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = place.path.read_bytes()
    if how == "damaged":
        place.path.write_bytes(text[: len(text) // 2])
    else:
        place.path.chmod(0o640)
    for answer in (inside.act(), place.browser().login()):
        assert answer.status_code == 503
        assert ("is damaged" if how == "damaged" else f"chmod 600 {place.path}") in answer.json()["refused"]
    assert caplog.text.count("users_refused") == 1
    assert inside.get("/api/picture").status_code == 200
    assert inside.get("/api/session").json()["name"] is None
    assert place.told.acts == []
    place.path.write_bytes(text)
    place.path.chmod(0o600)
    assert inside.act().status_code == 200


def test_the_password_once_more_counts_for_one_decision_within_a_minute(place: World, inside: Browser) -> None:
    (session,) = place.desk.sessions._open.values()
    use = place.desk.sessions.use
    assert use(session) is None
    assert inside.send_json("/api/prove", {"password": "wrong horse battery"}).status_code == 401
    assert use(session) is None
    assert inside.send_json("/api/prove", {"password": PASSWORD}).json() == {"refused": ""}
    place.clock.now += 7.0
    assert use(session) == 7.0
    assert use(session) is None, "once"
    for later, fits in ((59.0, True), (61.0, False)):
        inside.send_json("/api/prove", {"password": PASSWORD})
        place.clock.now += later
        assert (use(session) is not None) == fits
    inside.send_json("/api/prove", {"password": PASSWORD})
    inside.send_json("/api/logout", {})
    assert use(session) is None, "not after the session"


def test_wrong_passwords_of_a_decision_lock_as_those_of_a_login_do(place: World, inside: Browser) -> None:
    for _ in range(5):
        assert inside.send_json("/api/prove", {"password": "wrong"}).status_code == 401
    assert inside.send_json("/api/prove", {"password": PASSWORD}).status_code == 429
    assert inside.login().status_code == 429


def test_a_session_ends_after_a_shift(place: World, inside: Browser) -> None:
    place.clock.now += 11.9 * 3600
    assert inside.act().status_code == 200
    place.clock.now += 4 * 3600
    assert inside.act().status_code == 200
    place.clock.now += 0.2 * 3600  # 16 hours, however busy
    assert inside.act().status_code == 401
    inside.login()
    place.clock.now += 12.1 * 3600  # nobody there
    assert inside.act().status_code == 401
