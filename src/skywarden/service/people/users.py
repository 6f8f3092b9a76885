"""The file of people: `users.toml` beside the key of the record, for its owner alone. Written by `skywarden user`."""

import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from skywarden.config import RecordSettings
from skywarden.config.shape import toml
from skywarden.errors import PeopleError
from skywarden.model.act import Role
from skywarden.record.checkpoint import beside
from skywarden.service.people.password import is_kept, plain

LONGEST_NAME = 64  # characters
LARGEST = 1 << 20  # bytes of the file
OTHERS = 0o077  # what nobody but the owner may do
ROLES = {role.word: role for role in Role}
HEAD = "# People of skywarden. Change it with `skywarden user`; nobody but its owner may read it (chmod 600).\n"


class User(msgspec.Struct, frozen=True):
    """A person with an account. password: what is kept of it. changed: the last change of this entry.

    Whatever changes, `changed` does: so sessions that began before can be told.
    """

    name: str
    role: Role
    password: str
    changed: datetime
    disabled: bool = False

    @property
    def key(self) -> str:
        """Return what no two people share."""
        return key_of(self.name)


People = Mapping[str, User]  # by key


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    role: str
    password: str
    changed: datetime
    disabled: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    users: tuple[_Row, ...] = ()


def place(settings: RecordSettings) -> Path:
    """Return where the people of an installation are."""
    return beside_key(Path(settings.key) if settings.key else beside(Path(settings.path)))


def beside_key(key_file: Path) -> Path:
    """Return where people are when the record's key is there."""
    return key_file.with_name("users.toml")


def key_of(name: str) -> str:
    """Return what two names that differ in case or in spelling only have in common."""
    return plain(plain(name).casefold())


def check_name(name: str) -> None:
    """Raise PeopleError when a name cannot be one."""
    if not 1 <= len(name) <= LONGEST_NAME:
        raise PeopleError(f"a name has 1 to {LONGEST_NAME} characters")
    if not name.isprintable() or name != name.strip():
        raise PeopleError("a name is of letters and signs that can be seen, without a space at its ends")


def read(path: Path) -> dict[str, User]:
    """Return the people of a file, none when there is no file. Raises PeopleError that says what to type."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not keep us waiting
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PeopleError(f"{path} cannot be read: {error.strerror}; is it the service's own (chown)?") from None
    try:
        _guarded(path, os.fstat(handle))  # before it is taken for a file: a directory is none
    except BaseException:
        os.close(handle)
        raise
    with os.fdopen(handle, "rb") as file:
        try:
            return of_text(file.read(LARGEST + 1).decode(), path)
        except (UnicodeDecodeError, OSError) as error:
            raise _damaged(path, str(error)) from None


def _guarded(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise PeopleError(f"{path} is no file")
    if found.st_size > LARGEST:
        raise _damaged(path, f"it is larger than {LARGEST} bytes")
    if found.st_mode & OTHERS:
        raise PeopleError(f"{path} is open to other users of this computer; type: chmod 600 {path}")
    if os.geteuid() not in (0, found.st_uid) and found.st_uid != 0:
        raise PeopleError(f"{path} belongs to another user of this computer, who could change it; chown it")


def of_text(text: str, path: Path) -> dict[str, User]:
    """Return the people that a file's text names. Raises PeopleError."""
    try:
        rows = msgspec.convert(tomllib.loads(text), _File).users
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise _damaged(path, str(error)) from None
    people: dict[str, User] = {}
    for row in rows:
        try:
            user = _user(row)
        except PeopleError as error:
            raise _damaged(path, f"{row.name!r}: {error}") from None
        if user.key in people:
            raise _damaged(path, f"{row.name!r} is there twice")
        people[user.key] = user
    return people


def _user(row: _Row) -> User:
    check_name(row.name)
    if row.role not in ROLES:
        raise PeopleError(f"{row.role!r} is no role: {', '.join(ROLES)}")
    if not is_kept(row.password):
        raise PeopleError("what stands for the password is no argon2id hash")
    fields: dict[str, Any] = msgspec.structs.asdict(row)
    return User(**{**fields, "role": ROLES[row.role]})


def _damaged(path: Path, why: str) -> PeopleError:
    return PeopleError(f"{path} is damaged, so nobody can log in: {why}. Mend it, or put a copy of it back")


def to_text(people: Iterable[User]) -> str:
    """Return the text of a file with these people."""
    blocks = [HEAD]
    for user in people:
        fields = {**msgspec.structs.asdict(user), "role": user.role.word}
        blocks.append("\n".join(["[[users]]", *(f"{name} = {toml(value)}" for name, value in fields.items())]) + "\n")
    return "\n".join(blocks)
