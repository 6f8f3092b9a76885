"""The file of people and `skywarden user`: what it takes, what it refuses, and that no password is anywhere."""

import fcntl
import json
import os
import pty
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_world import CHEAP, PASSWORD
from typer.testing import CliRunner

from skywarden.cli.app import app
from skywarden.config import RecordSettings
from skywarden.errors import PeopleError
from skywarden.model.act import Role
from skywarden.service.people import change, password
from skywarden.service.people.roll import Roll
from skywarden.service.people.users import of_text, place, read, to_text


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "COST", CHEAP)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "users.toml"


def typed(*words: str, line: str = "") -> str:
    """Run `skywarden user`; return what it printed. It must not fail."""
    done = CliRunner().invoke(app, ["user", *words], input=line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_people_are_added_changed_and_listed(path: Path) -> None:
    typed("add", "Олена", "--role", "operator", line=PASSWORD + "\n")
    typed("add", "Petro Q", "--role", "observer", line=PASSWORD + "\r\n")
    typed("role", "олена", "--role", "supervisor")
    typed("disable", "PETRO Q")
    rows = [json.loads(line) for line in typed("list", "--json").splitlines()]
    assert [(r["name"], r["role"], r["state"]) for r in rows] == [
        ("Олена", "supervisor", "enabled"),
        ("Petro Q", "observer", "disabled"),
    ]
    typed("enable", "petro q")
    before = read(path)
    typed("passwd", "олена", line="another horse battery")
    after = read(path)
    assert before["petro q"] == after["petro q"]
    assert password.verify(after["олена"].password, "another horse battery")
    assert not password.verify(after["олена"].password, PASSWORD)
    assert "argon2" not in typed("list")


def test_the_file_is_its_owners_alone_and_holds_no_password(path: Path) -> None:
    before = os.umask(0)  # whatever the shell allows
    try:
        change.add(path, "Olena", Role.OPERATOR, PASSWORD)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert PASSWORD not in text
    assert 'password = "$argon2id$' in text
    assert [one.name for one in path.parent.iterdir()] == ["users.toml"]


def test_a_salt_of_ones_own_and_the_cost_that_the_rfc_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    one, other = password.hashed(PASSWORD), password.hashed(PASSWORD)
    assert one != other
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106, section 4
    assert password.verify(one, PASSWORD)
    assert not password.verify(one, PASSWORD + " ")


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("Olena", "elevenchars", "at least 12"),
        ("Olena", "", "at least 12"),
        ("Olena", "x" * 257, "at most 256"),
        ("Olena Petrenko", "olena PETRENKO", "is the name"),
        ("", PASSWORD, "1 to 64"),
        ("x" * 65, PASSWORD, "1 to 64"),
        (" Olena", PASSWORD, "space"),
        ("Ole\x1b[2Jna", PASSWORD, "can be seen"),
        ("Ole\u202ena", PASSWORD, "can be seen"),
        ("OLENa2", PASSWORD, "already"),
        ("ｏlena2", PASSWORD, "already"),  # the same letters, wider
    ],
)
def test_what_is_no_name_or_no_password_is_refused_in_words(path: Path, name: str, given: str, words: str) -> None:
    change.add(path, "Olena2", Role.OPERATOR, PASSWORD)
    before = path.read_bytes()
    with pytest.raises(PeopleError, match=words):
        change.add(path, name, Role.OPERATOR, given)
    assert path.read_bytes() == before


@pytest.mark.parametrize("verb", ["passwd", "disable", "enable"])
def test_who_is_not_there_cannot_be_changed(path: Path, verb: str) -> None:
    done = CliRunner().invoke(app, ["user", verb, "Nobody"], input=PASSWORD)
    assert isinstance(done.exception, PeopleError)
    assert "skywarden user list" in str(done.exception)
    assert not path.exists()


def test_there_is_no_way_to_give_a_password_on_the_command_line(path: Path) -> None:
    done = CliRunner().invoke(app, ["user", "add", "Olena", PASSWORD, "--role", "operator"])
    assert done.exit_code == 2
    for verb in ("add", "passwd"):
        assert "--password" not in CliRunner().invoke(app, ["user", verb, "--help"]).output


def on_a_terminal(path: Path, *answers: str) -> tuple[int, str]:
    """Type into `skywarden user add` at a terminal; return its exit code and all that stood there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(path.parent)
        os.execv(sys.executable, [sys.executable, "-m", "skywarden.cli", "user", "add", "Olena", "--role", "operator"])
    shown = b""
    for answer in (*answers, ""):
        while answer and not shown.rstrip(b" ").endswith(b":"):
            shown += os.read(terminal, 1000)
        if answer:
            shown += b"\n"
            os.write(terminal, answer.encode() + b"\n")
    try:
        while piece := os.read(terminal, 1000):
            shown += piece
    except OSError:
        pass  # how Linux says that the other end has gone
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_at_a_terminal_it_is_asked_for_twice_and_never_shown(path: Path) -> None:
    code, shown = on_a_terminal(path, PASSWORD, PASSWORD)
    assert (code, shown.count(":")) == (0, 2), shown
    assert "horse" not in shown
    assert password.verify(read(path)["olena"].password, PASSWORD)


def test_two_that_differ_change_nothing(path: Path) -> None:
    code, shown = on_a_terminal(path, PASSWORD, PASSWORD + "!")
    assert code == 1
    assert "the two differ" in shown
    assert not path.exists()


def test_two_writers_at_once_lose_nothing(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from skywarden.service.people import change, password\n"
        "from skywarden.model.act import Role\n"
        "password.COST = password.Cost(8, 1, 1)\n"
        "for k in range(20): change.add(Path('users.toml'), f'{sys.argv[1]}{k}', Role.OBSERVER, 'twelve letters')"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, name], cwd=path.parent) for name in ("a", "b")]
    while any(one.poll() is None for one in running):
        read(path)  # whole at every moment
        time.sleep(0.001)
    assert [one.returncode for one in running] == [0, 0]
    assert len(read(path)) == 40


def test_who_changes_it_waits_for_who_is_changing_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    monkeypatch.setattr(change, "PATIENCE", 0.2)
    with pytest.raises(PeopleError, match="is being changed by another process"):
        change.add(path, "Olena", Role.OPERATOR, PASSWORD)
    assert not path.exists()
    os.close(holder)
    change.add(path, "Olena", Role.OPERATOR, PASSWORD)


DAMAGE = {
    "cut": lambda text: text[:-40],
    "no hash": lambda text: text.replace("$argon2id$", "$plain$"),
    "argon2i": lambda text: text.replace("$argon2id$", "$argon2i$"),
    "dear": lambda text: text.replace("m=8", "m=99999999"),
    "unknown role": lambda text: text.replace("operator", "boss"),
    "unknown field": lambda text: text.replace("disabled =", "enabled ="),
    "wrong kind": lambda text: text.replace("= false", '= "no"'),
    "twice": lambda text: text + text.partition("\n\n")[2].replace("Olena", "OLENA"),
    "hidden sign": lambda text: text.replace("Olena", "Ole\\u202ena"),
    "no list": lambda text: "users = 3\n",
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_file_is_refused_in_words_and_not_written_over(path: Path, how: str) -> None:
    change.add(path, "Olena", Role.OPERATOR, PASSWORD)
    path.write_text(DAMAGE[how](path.read_text()))
    before = path.read_bytes()
    with pytest.raises(PeopleError, match=r"users\.toml is damaged, so nobody can log in: "):
        read(path)
    with pytest.raises(PeopleError, match="damaged"):
        change.add(path, "Petro", Role.OPERATOR, PASSWORD)
    assert path.read_bytes() == before


@pytest.mark.parametrize("make", [os.mkdir, partial(os.mkfifo, mode=0o600)])
def test_what_is_no_file_is_refused_in_words_and_nothing_is_left_open(path: Path, make: Callable[[Path], None]) -> None:
    """A container that has nothing to put there makes a directory."""
    make(path)
    path.chmod(0o700)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(PeopleError, match=r"users\.toml is no file"):
            read(path)
        with pytest.raises(PeopleError, match="is no file"):
            Roll(path).people()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("given_word", [" " * 40, "   short      ", "\u3000" * 20])
def test_spaces_make_no_password(path: Path, given_word: str) -> None:
    with pytest.raises(PeopleError, match="too short"):
        change.add(path, "Olena", Role.OPERATOR, given_word)


@settings(deadline=None, max_examples=300)
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_people_or_an_error_of_ours(text: str) -> None:
    try:
        people = of_text(text, Path("users.toml"))
    except PeopleError:
        return
    assert of_text(to_text(people.values()), Path("users.toml")) == people


@settings(deadline=None, max_examples=100)
@given(name=st.text(min_size=1, max_size=64), role=st.sampled_from(Role))
def test_who_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, name: str, role: Role) -> None:
    path = tmp_path_factory.mktemp("people") / "users.toml"
    try:
        change.add(path, name, role, PASSWORD)
    except PeopleError:
        return
    (user,) = read(path).values()
    assert (user.name, user.role) == (name, role)


def test_permissions_that_are_too_wide_are_refused_with_what_to_type(path: Path) -> None:
    change.add(path, "Olena", Role.OPERATOR, PASSWORD)
    for mode in (0o640, 0o604, 0o620, 0o602, 0o666):
        path.chmod(mode)
        with pytest.raises(PeopleError, match=f"chmod 600 {path}"):
            read(path)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(PeopleError, match="is no file"):
        read(path)


def test_a_change_is_seen_at_once(path: Path) -> None:
    roll = Roll(path)
    assert not roll.people()
    change.add(path, "Olena", Role.OPERATOR, PASSWORD)
    assert roll.find("OLENA") is not None
    change.set_disabled(path, "Olena", True)
    assert roll.find("Olena") is None
    assert roll.people()
    path.write_text("[")
    with pytest.raises(PeopleError):
        roll.find("Olena")


def test_people_are_beside_the_key_of_the_record() -> None:
    assert place(RecordSettings()) == Path("users.toml")
    assert place(RecordSettings(path="/var/x/record")) == Path("/var/x/users.toml")
    assert place(RecordSettings(path="/var/x/record", key="/etc/y/sign.key")) == Path("/etc/y/users.toml")
