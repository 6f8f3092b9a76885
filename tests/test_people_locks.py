"""Who guesses waits, and keeps nobody else out; sessions make room for newer ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_world import Clock

from skywarden.model.act import Role
from skywarden.service.people import locks
from skywarden.service.people.locks import ADDRESS_WAIT, FORGET, FREE, NAME_WAIT, Locks, is_loopback, origin
from skywarden.service.people.sessions import EACH, MOST, Sessions, csrf_of, same
from skywarden.service.people.users import User

HERE, THERE, DESK = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def fail(some: Locks, name: str, address: str, times: int) -> int:
    """Try wrong passwords as fast as may be; return how many were looked at."""
    return sum(some.begin(name, address)[0] == 0 for _ in range(times))


def test_the_wait_grows_to_a_limit_and_is_forgotten() -> None:
    clock = Clock()
    some = Locks(clock)
    assert fail(some, "olena", HERE, 100) == FREE
    waits = []
    for _ in range(12):
        waits.append(some.begin("olena", HERE)[0])
        clock.now += waits[-1]
        assert some.begin("olena", HERE)[0] == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, ADDRESS_WAIT, ADDRESS_WAIT, ADDRESS_WAIT]
    clock.now += FORGET + 1
    assert fail(some, "olena", HERE, 100) == FREE


def test_many_addresses_together_wait_for_the_name_but_not_long() -> None:
    clock = Clock()
    some = Locks(clock)
    assert sum(fail(some, "olena", f"192.0.2.{k}", 1) for k in range(50)) == FREE
    for _ in range(20):
        clock.now += (wait := some.begin("olena", "192.0.2.99")[0])
        assert wait <= NAME_WAIT
        some.begin("olena", f"192.0.3.{wait:.0f}")
    assert some.left("petro", "192.0.2.98") == 0, "nobody else waits"


@pytest.mark.parametrize("desk", [DESK, "127.0.0.1", "::1"])
def test_an_attacker_elsewhere_does_not_keep_a_person_from_their_own_desk(desk: str) -> None:
    clock = Clock()
    some = Locks(clock)
    some.begin("olena", origin(desk))
    some.succeeded("olena", origin(desk))
    for second in range(3600):
        clock.now += 1
        some.begin("olena", f"192.0.2.{second % 200 + 10}")
    assert some.left("olena", origin(desk)) == 0
    assert some.left("olena", "198.51.100.1") > 0


def test_who_knows_a_password_gets_no_more_guesses_by_it() -> None:
    clock = Clock()
    some = Locks(clock)
    tried = 0
    for _ in range(3600):
        clock.now += 1
        if some.begin("mine", HERE)[0] == 0:
            some.succeeded("mine", HERE)
        tried += some.begin("olena", HERE)[0] == 0
    assert tried < 30


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([HERE, THERE]), st.floats(0, 400)), max_size=300))
def test_a_wait_is_never_longer_than_said_and_success_ends_it(tries: list[tuple[str, str, float]]) -> None:
    clock = Clock()
    some = Locks(clock)
    for name, address, later in tries:
        clock.now += later
        wait, _ = some.begin(name, address)
        assert wait <= ADDRESS_WAIT
        clock.now += wait
        if wait:
            assert some.begin(name, address)[0] == 0
    for name, address, _ in tries:
        clock.now += ADDRESS_WAIT
        assert some.begin(name, address)[0] == 0
        some.succeeded(name, address)
        assert some.left(name, address) == 0


def test_made_up_names_push_no_guessed_one_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "KEPT", 50)
    clock = Clock()
    some = Locks(clock)
    for k in range(6):
        some.begin("olena", f"192.0.2.{k}")
    for k in range(500):
        some.begin(f"made up {k}", f"198.51.{k // 250}.{k % 250}")
    assert some.left("olena", "203.0.113.1") > 0
    assert len(some._names._counts) == len(some._addresses._counts) == 50


def test_nobody_looked_at_it_is_no_failure() -> None:
    some = Locks(Clock())
    for _ in range(50):
        assert some.begin("olena", HERE)[0] == 0
        some.withdraw("olena", HERE)


def test_one_computer_has_a_whole_network_of_ipv6() -> None:
    assert origin("2001:db8:1:2:aaaa::1") == origin("2001:db8:1:2:bbbb::2") != origin("2001:db8:1:3::1")
    assert origin("::ffff:192.0.2.1") == "192.0.2.1"
    assert origin("fe80::1%eth0") == "fe80::/64"
    assert [
        is_loopback(one) for one in ("127.1.2.3", "::1", "::ffff:127.0.0.1", "192.0.2.1", "", "x", "testclient")
    ] == [
        True,
        True,
        True,
        *[False] * 4,
    ]


def user(name: str) -> User:
    from datetime import UTC, datetime

    return User(name, Role.OPERATOR, "", datetime.now(UTC))


def test_the_session_unused_for_longest_makes_room() -> None:
    clock = Clock()
    some = Sessions(clock)
    olena = user("Olena")
    secrets = []
    for _ in range(EACH + 2):
        clock.now += 1
        secrets.append(some.begin(olena)[0])
        assert some.find(secrets[0], lambda _: olena), "used each time, so it stays"
    assert [some.find(one, lambda _: olena) is not None for one in secrets[:4]] == [True, False, False, True]
    for k in range(MOST + 10):
        some.begin(user(f"person {k}"))
    assert len(some) == MOST


def test_secrets_are_long_differ_and_are_not_kept() -> None:
    some = Sessions(Clock())
    made = [some.begin(user(f"{k}")) for k in range(100)]
    assert len({secret for secret, _ in made} | {csrf_of(secret) for secret, _ in made}) == 200
    for secret, session in made:
        assert len(secret) == 43
        assert secret not in repr(session)
        assert csrf_of(secret) not in repr(session)
    assert same("a", "a")
    assert not same("a", "\udcff")
    assert some.find("\udcff", lambda _: None) is None
