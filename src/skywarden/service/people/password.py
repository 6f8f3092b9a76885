"""Passwords: what one must be, and how it is kept (argon2id), so that who reads the file knows none."""

import secrets
import unicodedata
from typing import NamedTuple

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type

from skywarden.errors import PeopleError

SHORTEST, LONGEST = 12, 256  # characters; the longest fits into a request, whatever its characters are


class Cost(NamedTuple):
    """What one guess costs. Source: RFC 9106, section 4, second recommended option. One core needs 150 ms for it."""

    memory_kib: int = 64 << 10
    passes: int = 3
    lanes: int = 4


COST = Cost()
DEAREST = Cost(1 << 20, 20, 16)  # that a file may ask for: a damaged one must not keep a core busy for minutes


def plain(text: str) -> str:
    """Return one spelling for what looks alike: keyboards differ in how they write the same letter."""
    return unicodedata.normalize("NFKC", text)


def suitable(password: str, name: str) -> None:
    """Raise PeopleError when a password is too weak for a person of that name."""
    if len(plain(password).strip()) < SHORTEST:  # spaces around it protect nothing
        raise PeopleError(
            f"the password is too short: at least {SHORTEST} characters, best some words that fit nowhere"
        )
    if len(plain(password)) > LONGEST:
        raise PeopleError(f"the password is too long: at most {LONGEST} characters")
    if plain(password).strip().casefold() == plain(name).casefold():
        raise PeopleError("the password is the name: choose another one")


def hashed(password: str) -> str:
    """Return what is kept of a password: argon2id with a salt of its own, in the usual text form."""
    cost = COST
    hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)
    try:
        return hasher.hash(plain(password))
    except UnicodeEncodeError:
        raise PeopleError("the password has characters that are no text: type it again") from None


def verify(kept: str, password: str) -> bool:
    """Say whether this is the password of which that was kept. Takes as long for a wrong one as for the right one."""
    try:
        return PasswordHasher().verify(kept, plain(password))
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False


def nobodys() -> str:
    """Return the hash of a password that nobody knows, for names that are nobody's: they must take as long."""
    return hashed(secrets.token_hex(32))


def is_kept(text: str) -> bool:
    """Say whether a text is what `hashed` gives, at a cost that can be paid."""
    try:
        found = extract_parameters(text)
    except InvalidHashError:
        return False
    cost = (found.memory_cost, found.time_cost, found.parallelism)
    return found.type is Type.ID and all(1 <= one <= most for one, most in zip(cost, DEAREST, strict=True))
