"""Changes of the file of people: one writer at a time, and the file is whole at every moment."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from skywarden.errors import PeopleError
from skywarden.model.act import Role
from skywarden.service.people.password import hashed, suitable
from skywarden.service.people.users import User, check_name, key_of, read, to_text

PATIENCE = 10.0  # s to wait for another writer
AGAIN = 0.05  # s


def add(path: Path, name: str, role: Role, password: str) -> None:
    """Add a person. Raises PeopleError, OSError."""
    absent(path, name)
    suitable(password, name)
    kept = hashed(password)  # before the file is held: it takes a while
    with _held(path) as people:
        _absent(people, name, path)
        people[key_of(name)] = User(name, role, kept, _now())


def set_password(path: Path, name: str, password: str) -> None:
    """Give a person another password; their sessions end. Raises PeopleError, OSError."""
    suitable(password, name)
    kept = hashed(password)
    with _held(path) as people:
        user = _present(people, name, path)
        people[user.key] = replace(user, password=kept, changed=_now())


def set_role(path: Path, name: str, role: Role) -> None:
    """Let a person do more or less; their sessions end. Raises PeopleError, OSError."""
    with _held(path) as people:
        user = _present(people, name, path)
        people[user.key] = replace(user, role=role, changed=_now())


def set_disabled(path: Path, name: str, disabled: bool) -> None:
    """Shut a person out, or let them in again; their sessions end. Raises PeopleError, OSError."""
    with _held(path) as people:
        user = _present(people, name, path)
        people[user.key] = replace(user, disabled=disabled, changed=_now())


def absent(path: Path, name: str) -> None:
    """Raise PeopleError when a name cannot be added."""
    check_name(name)
    _absent(read(path), name, path)


def present(path: Path, name: str) -> User:
    """Return the person of a name. Raises PeopleError when there is none."""
    return _present(read(path), name, path)


def _absent(people: dict[str, User], name: str, path: Path) -> None:
    if (there := people.get(key_of(name))) is not None:
        raise PeopleError(f"{there.name!r} is in {path} already; `skywarden user passwd` gives a new password")


def _present(people: dict[str, User], name: str, path: Path) -> User:
    user = people.get(key_of(name))
    if user is None:
        raise PeopleError(f"there is no {name!r} in {path}; `skywarden user list` shows who is")
    return user


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _held(path: Path) -> Iterator[dict[str, User]]:
    """Give the people of a file to one writer, and write them when it is done.

    The directory is what is locked: the file is another one after each change.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(directory, path)
        people = read(path)
        yield people
        _write(path, to_text(people.values()), directory)
    finally:
        os.close(directory)


def _lock(directory: int, path: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise PeopleError(f"{path} is being changed by another process: try again when it has ended") from None
            time.sleep(AGAIN)


def _write(path: Path, text: str, directory: int) -> None:
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)
            if os.geteuid() == 0:  # under sudo: the service must be able to read it
                owner = (path if path.exists() else path.parent).stat()
                os.fchown(handle, owner.st_uid, owner.st_gid)
            file.write(text.encode())
            file.flush()
            os.fsync(handle)
        half.replace(path)
        os.fsync(directory)
    finally:
        half.unlink(missing_ok=True)
