"""Where people show who they are, and hand in what they do. Knows no HTTP; `routes` does."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from skywarden.errors import PeopleError, StoppedError
from skywarden.model.act import LEAST, Act, Person
from skywarden.model.decision import HandOver
from skywarden.service.engine import Effect
from skywarden.service.people.acts import unfit
from skywarden.service.people.locks import FREE, Locks, origin
from skywarden.service.people.roll import Roll
from skywarden.service.people.sessions import Session, Sessions
from skywarden.service.people.users import User, key_of
from skywarden.service.people.worker import Worker

ANSWER_WITHIN = 5.0  # s for the engine
ACTING = 64  # acts that wait for the engine; a person does one after the other
NOBODY = "nobody has an account here, so this only reads; type: skywarden user add NAME --role operator"
WRONG = "name or password is wrong"

logger = logging.getLogger(__name__)

Acts = Callable[[Person, Act | HandOver], "Future[Effect]"]


class Denied(Exception):
    """What was asked for is refused. status: of HTTP; wait: s after which it may be tried again, 0: no use."""

    def __init__(self, status: int, words: str, wait: float = 0.0) -> None:
        super().__init__(words)
        self.status, self.words, self.wait = status, words, wait


class LoggedIn(NamedTuple):
    """A new session and the secret of its cookie."""

    secret: str
    session: Session


class Desk:
    """Logs people in and out, and lets them act. All in the loop's thread, but for comparing passwords.

    sessions: those that are open; a decision asks `sessions.use` whether the password was given just before it.
    """

    def __init__(self, path: Path, act: Acts) -> None:
        """path: the file of people. act: hands an act to the engine, from any thread."""
        self.sessions = Sessions()
        self._roll = Roll(path)
        self._act = act
        self._locks = Locks()
        self._worker = Worker()
        self._acting = 0

    def close(self) -> None:
        """Let go of the thread that compares passwords."""
        self._worker.close()

    def open(self) -> None:
        """Raise Denied when nobody can log in: there are no people, or their file cannot be used."""
        try:
            people = self._roll.people()
        except PeopleError as error:
            raise Denied(503, str(error)) from None
        if not people:
            raise Denied(403, NOBODY)

    def fault(self) -> str | None:
        """Return why nobody can log in though there may be people; None: nothing is wrong. Any thread may call."""
        try:
            self._roll.people()
        except PeopleError as error:
            return str(error)
        return None

    def session(self, secret: str) -> Session | None:
        """Return the session of a cookie's secret; None when it is over. Raises Denied as `open` does."""
        self.open()
        return self.sessions.find(secret, self._roll.find)

    async def login(self, name: str, password: str, host: str) -> LoggedIn:
        """Begin a session. host: from where. Raises Denied."""
        user = await self._known(name, password, host)
        secret, session = self.sessions.begin(user)
        _audit("login name=%s role=%s session=%s address=%s", user.name, user.role.word, session.id, host)
        return LoggedIn(secret, session)

    def logout(self, session: Session, host: str) -> None:
        """End a session."""
        self.sessions.end(session)
        _audit("logout name=%s session=%s address=%s", session.user.name, session.id, host)

    async def fresh(self, session: Session, password: str, host: str) -> int | None:
        """Ask for the password again: return when it was given, ns since 1970, or None when it is wrong.

        One decision within `sessions.FRESH` may use it. A wrong one counts as a failed login does. Raises Denied.
        """
        try:
            user = await self._known(session.user.name, password, host, inside=True)
        except Denied as denied:
            if denied.status == 401:
                return None
            raise
        if user != session.user or not self.sessions.is_open(session):
            raise Denied(401, "the session has ended: log in again")
        return self.sessions.prove(session)

    async def act(self, session: Session, act: Act) -> Effect:
        """Hand an act to the engine; return what came of it. Raises Denied."""
        needed = LEAST[type(act)]
        if session.user.role < needed:
            raise Denied(403, f"this needs the role {needed.word} or a higher one; yours is {session.user.role.word}")
        if why := unfit(act):
            raise Denied(422, why)
        return await self._taken(session, act)

    async def hand_over(self, session: Session, decision: HandOver) -> Effect:
        """Hand a decision to the engine, as `act` does. Raises Denied."""
        return await self._taken(session, decision)

    async def _taken(self, session: Session, act: Act | HandOver) -> Effect:
        if self._acting >= ACTING:
            raise Denied(503, "too many acts wait: try again in a moment", 1.0)
        self._acting += 1
        try:
            return await _effect(self._act(session.person, act))
        finally:
            self._acting -= 1

    async def _known(self, name: str, password: str, host: str, *, inside: bool = False) -> User:
        """Return the person who has this password. Raises Denied; it takes as long for a name that is nobody's.

        inside: in a session. Who is, or was here before at this address, has places that strangers cannot take.
        """
        self.open()
        key, address = key_of(name), origin(host)
        if self._worker.full(known=inside or self._locks.at_home(key, address)):
            raise Denied(503, "too many log in at once: try again in a moment", 2.0)
        wait, failures = self._locks.begin(key, address)
        if wait > 0:
            raise Denied(429, f"too many wrong passwords: try again in {wait:.0f} s", wait)
        user = self._roll.find(name)
        try:
            right = await self._worker.fits(user.password if user else None, password)
        except (asyncio.CancelledError, RuntimeError):  # the program ends
            self._locks.withdraw(key, address)
            raise
        if right and user == self._find(name):
            assert user is not None
            self._locks.succeeded(key, address)
            return user
        # A name that is nobody's may be a password in the wrong field: it is not written down.
        shown = user.name if user else "(nobody's)"
        _audit("login_failed name=%s address=%s failures=%d", shown, host, failures)
        if failures >= FREE:
            _audit("locked name=%s address=%s seconds=%.0f", shown, host, self._locks.left(key, address))
        raise Denied(401, WRONG)

    def _find(self, name: str) -> User | None:
        try:
            return self._roll.find(name)
        except PeopleError as error:
            raise Denied(503, str(error)) from None


async def _effect(future: "Future[Effect]") -> Effect:
    """Wait for the engine. Raises Denied when it does not answer; what it has not begun by then it never does."""
    waited = asyncio.wrap_future(future)
    waited.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait([waited], timeout=ANSWER_WITHIN)
    if waited.done():
        try:
            return waited.result()
        except StoppedError as error:
            raise Denied(503, str(error)) from None
    if future.cancel():
        raise Denied(503, "the engine does not answer, and nothing was done: try again", 1.0)
    raise Denied(503, "the engine does not answer; what you did may hold yet: look, before you do it again")


def _audit(line: str, *values: object) -> None:
    logger.warning(line, *values)  # whoever did nothing wrong is logged too, and less than a warning is shown nowhere
