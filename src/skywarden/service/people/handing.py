"""Handing over: what a person is shown, and his decision on it, with the password given just before. Knows no HTTP."""

from collections import OrderedDict
from typing import NamedTuple

from skywarden import handover
from skywarden.handover.safe import danger
from skywarden.model.decision import Cue, HandOver
from skywarden.service.engine import Effect
from skywarden.service.people.desk import Denied, Desk
from skywarden.service.people.sessions import Session
from skywarden.service.publish import Publisher

SHOWN = 20  # cues that a session may decide on, the latest
SESSIONS = 256
SECOND = 1_000_000_000  # ns


class Display(NamedTuple):
    """What a person sees before he decides. against: why it would be refused now, "" nothing is against it."""

    cue: Cue
    digest: str
    against: str


class Handing:
    """Keeps what each session was shown: a decision can only be on that. For a live picture; see `routes`."""

    def __init__(self, desk: Desk, publisher: Publisher) -> None:
        self._desk, self._publisher = desk, publisher
        self._shown: OrderedDict[str, OrderedDict[str, Cue]] = OrderedDict()  # session -> digest -> cue

    def show(self, session: Session, track: int) -> Display:
        """Return what would be handed over of a track now. Raises Denied."""
        latest = self._publisher.latest
        if latest is None or self._publisher.stalled():
            raise Denied(503, "there is no new picture: look at the system's state first")
        cue = handover.cue(latest.picture, track)
        if cue is None:
            raise Denied(404, f"there is no track {track} now")
        display = Display(cue, handover.digest(cue), danger(latest.picture, cue))
        mine = self._shown.setdefault(session.id, OrderedDict())
        self._shown.move_to_end(session.id)
        mine[display.digest] = cue
        while len(mine) > SHOWN:
            mine.popitem(last=False)
        while len(self._shown) > SESSIONS:
            self._shown.popitem(last=False)
        return display

    async def decide(self, session: Session, partner: str, digest: str) -> Effect:
        """Hand a cue over that the session was shown. Uses the password's proof up. Raises Denied."""
        needed = handover.LEAST
        if session.user.role < needed:
            raise Denied(403, f"this needs the role {needed.word} or a higher one; yours is {session.user.role.word}")
        cue = self._shown.get(session.id, OrderedDict[str, Cue]()).get(digest)
        if cue is None:
            raise Denied(409, "that was not shown in this session: look at the track first")
        age, latest = self._desk.sessions.use(session), self._publisher.latest
        if age is None or latest is None:
            raise Denied(401, "give your password once more, then decide within a minute")
        proved = latest.picture.time - round(age * SECOND)
        return await self._desk.hand_over(session, HandOver(partner, cue, digest, proved))
