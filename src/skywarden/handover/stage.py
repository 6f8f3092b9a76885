"""Hand-overs: taken from a person's decision, kept up each second, ended by time or danger. Only in a live picture."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from skywarden.handover.cue import cue, digest
from skywarden.handover.safe import danger
from skywarden.model.act import Role
from skywarden.model.decision import Cue, Handed, Handovers
from skywarden.model.deed import Cued, CueEnded, Decided
from skywarden.model.event import Output, TrackCoasting, TrackConfirmed
from skywarden.model.place import Partner
from skywarden.model.track import Mode, Picture

SECOND = 1_000_000_000  # ns
LASTS = 60 * SECOND  # ns that a decision stands
STALE = 20 * SECOND  # ns after which what was shown is too old to decide on
FRESH = 60 * SECOND  # ns that a person's proof of who he is holds
AHEAD = 2 * SECOND  # ns by which a proof may be after the picture: the tick that shows it is not over yet
LEAST = Role.SUPERVISOR
MOST = 50  # at once

HandoverEvent = Cued | CueEnded


def decided(picture: Picture, event: Decided, partners: Sequence[Partner]) -> tuple[Picture, str, list[HandoverEvent]]:
    """Return the picture after a decision, why it was refused, "" where it was not, and the first cue.

    Everything is looked at here again: a faulty shell or a record made by hand hands nothing over.
    """
    if why := _refused(picture, event, partners):
        return picture, why, []
    wanted, known = event.hand_over, picture.handovers
    now = cue(picture, wanted.shown.track)
    assert now is not None  # `_refused` has found it
    until = picture.time + LASTS
    whose = wanted.partner, now.track, now.label, now.category, event.person.name
    handed = Handed(known.next_number, *whose, picture.time, until)
    used = (one for one in known.used if picture.time - one[1] <= FRESH)
    after = Handovers((*known.standing, handed), known.next_number + 1, (*used, _proof(event)))
    return replace(picture, handovers=after), "", [_cued(handed, now)]


def _refused(picture: Picture, event: Decided, partners: Sequence[Partner]) -> str:
    wanted, shown = event.hand_over, event.hand_over.shown
    if picture.mode is not Mode.LIVE:
        return f"the picture is {picture.mode}: nothing can be handed over"
    if event.person.role < LEAST or not event.person.name:
        return f"that needs the role {LEAST.word}"
    if not -AHEAD <= picture.time - wanted.proved <= FRESH:
        return "say once more who you are, then decide"
    if _proof(event) in picture.handovers.used:
        return "another decision has used that password up: give it once more, then decide"
    if wanted.digest != digest(shown):
        return "that is not what was shown"
    if not 0 <= picture.time - shown.time <= STALE:
        return f"what was shown is older than {STALE // SECOND} s: look again"
    if all(partner.name != wanted.partner for partner in partners):
        return "there is no such partner"
    standing = picture.handovers.standing
    if any((one.partner, one.track) == (wanted.partner, shown.track) for one in standing):
        return "it is handed over to this partner already"
    if len(standing) >= MOST:
        return f"{MOST} hand-overs stand already"
    return danger(picture, shown)


def _proof(event: Decided) -> tuple[str, int]:
    """Return what one decision may use once: so the very same decision, told again, begins nothing."""
    return event.person.session, event.hand_over.proved


def kept(
    picture: Picture, events: Iterable[Output], partners: Sequence[Partner], last: int
) -> tuple[Handovers, list[HandoverEvent]]:
    """Return the hand-overs that stand at the picture's time, new cues of these, and the end of others.

    events: of this tick. last: ns, of the tick before; cues are told once a second, ends at once.
    """
    if not picture.handovers.standing:
        return picture.handovers, []
    names, closed = {one.name for one in partners}, _closed(events)
    second = picture.time // SECOND != last // SECOND
    standing, found = [], list[HandoverEvent]()
    for one in picture.handovers.standing:
        now = cue(picture, one.track) if second else None
        if why := _over(picture, one, names, closed):
            found.append(CueEnded(picture.time, one.number, one.partner, why))
            continue
        standing.append(one)
        if now is not None:
            found.append(_cued(one, now))
    return picture.handovers._replace(standing=tuple(standing)), found


def ended(handovers: Handovers, time: int, reason: str) -> tuple[Handovers, list[HandoverEvent]]:
    """Return none, and the end of all that stood: the clock, the picture or the record is not to be relied on."""
    over: list[HandoverEvent] = [CueEnded(time, one.number, one.partner, reason) for one in handovers.standing]
    return handovers._replace(standing=()), over


def _cued(one: Handed, now: Cue) -> Cued:
    return Cued(now.time, one.number, one.partner, one.by, one.until, now)


def _over(picture: Picture, one: Handed, partners: set[str], closed: set[int]) -> str:
    if picture.time >= one.until:
        return "its time is over"
    if one.partner not in partners:
        return "there is no such partner any more"
    if one.track in closed:
        return "it has flown so close to another that it may be taken for it"
    return danger(picture, one)


def _closed(events: Iterable[Output]) -> set[int]:
    """Return the numbers of tracks that have parted from, or closed up with, others."""
    pairs = (e for e in events if isinstance(e, TrackConfirmed | TrackCoasting) and e.beside)
    return {number for event in pairs for number in (event.number, event.beside)}
