"""Sessions: a person at a browser, from login to logout. In memory only, so a new start ends them all.

Of the cookie's secret only a hash is kept: who reads our memory or a core file cannot take a session over with it.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from skywarden.model.act import Person
from skywarden.service.people.users import User

SECRET = 32  # bytes
# A shift has 12 hours, and in a quiet one nothing may have to be done: who must act then must not have to log in first.
# What is worse than an acknowledgement asks for the password again in any case (`Sessions.use`).
IDLE = 12 * 3600.0  # s
LONGEST = 16 * 3600.0  # s; a shift and a long handing over: the next shift logs in under their own names
FRESH = 60.0  # s that a password counts for a decision; DESIGN section 6
MOST = 256  # sessions
EACH = 8  # of one person; of more the one unused for longest ends


@dataclass(slots=True, eq=False)
class Session:
    """A person who has logged in. user: as the file had it then. id: which session, and not its secret.

    began, used: monotonic, s. proved: when the password was last given, monotonic s and ns since 1970.
    """

    user: User
    id: str
    hash: bytes
    began: float
    used: float
    proved: tuple[float, int] | None = None

    @property
    def person(self) -> Person:
        """Return who acts, as the record will have it."""
        return Person(self.user.name, self.user.role, self.id)


class Sessions:
    """All sessions. One thread calls it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, time_ns: Callable[[], int] = time.time_ns) -> None:
        self._clock, self._time_ns = clock, time_ns
        self._open: dict[bytes, Session] = {}  # by hash

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, user: User) -> tuple[str, Session]:
        """Begin a session; return its secret, for the cookie, and itself."""
        now = self._clock()
        self._end([one for one in self._open.values() if self._over(one, now)])
        self._make_room([one for one in self._open.values() if one.user.key == user.key], EACH)
        self._make_room(list(self._open.values()), MOST)
        secret = secrets.token_urlsafe(SECRET)
        session = Session(user, _id(secret), _hash(secret), now, now)
        self._open[session.hash] = session
        return secret, session

    def find(self, secret: str, now_is: Callable[[str], User | None]) -> Session | None:
        """Return the session of a cookie's secret, unless it is over or its person is not as they were when it began.

        now_is: gives the person of a name as the file has them now.
        """
        session = self._open.get(_hash(secret))
        if session is None:
            return None
        if self._over(session, self._clock()) or now_is(session.user.name) != session.user:
            self.end(session)
            return None
        session.used = self._clock()
        return session

    def end(self, session: Session) -> None:
        """End a session."""
        self._open.pop(session.hash, None)

    def is_open(self, session: Session) -> bool:
        """Say whether nobody has ended it."""
        return session.hash in self._open

    def prove(self, session: Session) -> int:
        """The password was given just now: one decision may use that within `FRESH`. Return when, ns since 1970."""
        session.proved = self._clock(), self._time_ns()
        return session.proved[1]

    def use(self, session: Session) -> float | None:
        """Return how long ago the password was given, s, and use that up; None when that is too long.

        Not when: the picture does not follow a clock that jumps, and must not take one time for the other.
        """
        proved, session.proved = session.proved, None
        if proved is None or not self.is_open(session):
            return None
        age = self._clock() - proved[0]
        return age if age <= FRESH else None

    def _over(self, session: Session, now: float) -> bool:
        return now - session.used > IDLE or now - session.began > LONGEST

    def _make_room(self, some: list[Session], most: int) -> None:
        some.sort(key=lambda one: one.used)
        self._end(some[: max(len(some) - most + 1, 0)])

    def _end(self, some: list[Session]) -> None:
        for one in some:
            self.end(one)


def csrf_of(secret: str) -> str:
    """Return what a page of ours sends along with each request; made of the secret, it need not be kept."""
    return hmac.new(secret.encode(), b"skywarden csrf", sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _hash(secret: str) -> bytes:
    return sha256(b"skywarden session\n" + secret.encode(errors="replace")).digest()


def _id(secret: str) -> str:
    return sha256(b"skywarden session number\n" + secret.encode()).hexdigest()[:16]
