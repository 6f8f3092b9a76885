"""What comes of a person's act: a new picture, or the reason why not. One function for each kind of act."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from skywarden.acts.fit import unfit
from skywarden.acts.rulings import ruled, unruled
from skywarden.config import Settings
from skywarden.model.act import (
    LEAST,
    Acknowledge,
    AllowFeed,
    AnswerAdvice,
    Categorise,
    EndFeed,
    Quarantine,
    Shelve,
    Trust,
    Uncategorise,
    Unquarantine,
    Unshelve,
    Untrust,
)
from skywarden.model.advice import Advice, Task, Verdict
from skywarden.model.assessment import Category
from skywarden.model.deed import Acted
from skywarden.model.held import Feed, Said, Shelf
from skywarden.model.place import SECTORS
from skywarden.model.raid import NOWHERE, Heading
from skywarden.model.track import Picture

SECOND = 1_000_000_000  # ns
FEEDS = 12 * 3600 * SECOND  # ns that a feed may last
LONGEST = 2 * 3600 * SECOND  # ns that a group may be shelved: shorter than a shift, so that each one decides anew
SHELVES, ENTRIES = 200, 2000  # at once
SAYABLE = tuple(one for one in Category if one is not Category.PENDING)

Done = Picture | str  # what holds now, or why not
Taker = Callable[[Picture, Acted, Any, Settings], Done]


def taken(picture: Picture, acted: Acted, settings: Settings) -> tuple[Picture, str]:
    """Return the picture after an act, and why it was refused, "" where it was not.

    The role is looked at here too: a faulty shell or a record made by hand gives nobody a right.
    """
    least = LEAST[type(acted.act)]
    if acted.person.role < least or not acted.person.name:
        return picture, f"that needs the role {least.word}"
    done = _TAKERS[type(acted.act)](picture, acted, acted.act, settings)
    return (picture, done) if isinstance(done, str) else (done, "")


def _acknowledge(picture: Picture, acted: Acted, act: Acknowledge, settings: Settings) -> Done:
    """What was announced after what the person saw goes on waiting."""
    found = [one for one in picture.held.waiting if (one.position, one.raid) == (act.position, act.raid)]
    if not found:
        return "nothing waits for that: it was acknowledged, or the raid is over"
    if act.seen != found[0].last:
        return "that is not the last that was announced: look again"
    waiting = tuple(one for one in picture.held.waiting if one is not found[0])
    return replace(picture, held=picture.held._replace(waiting=waiting))


def _shelve(picture: Picture, acted: Acted, act: Shelve, settings: Settings) -> Done:
    names = [one.name for one in settings.positions] or [""]
    if act.position not in names:
        return "there is no such position"
    if act.direction and act.direction not in SECTORS:
        return f'directions are {", ".join(SECTORS)}, or "" where none is known'
    heading = _heading(act)
    if all(group.heading != heading for group in picture.raids.groups):
        return "there is no such group now"
    if not picture.time < act.until <= picture.time + LONGEST:
        return f"until must be after now and within {LONGEST // (60 * SECOND)} min"
    if wrong := unfit(act.reason):
        return wrong
    others = tuple(one for one in picture.held.shelves if (one.position, one.heading) != (act.position, heading))
    if len(others) >= SHELVES:
        return f"{SHELVES} groups are shelved already: take some back first"
    shelf = Shelf(act.position, heading, act.until, act.reason.strip(), acted.person.name, picture.time)
    return replace(picture, held=picture.held._replace(shelves=(*others, shelf)))


def _unshelve(picture: Picture, acted: Acted, act: Unshelve, settings: Settings) -> Done:
    heading = _heading(act)
    shelves = tuple(one for one in picture.held.shelves if (one.position, one.heading) != (act.position, heading))
    if len(shelves) == len(picture.held.shelves):
        return "it is not shelved: it was taken back, or its time is over"
    return replace(picture, held=picture.held._replace(shelves=shelves))


def _categorise(picture: Picture, acted: Acted, act: Categorise, settings: Settings) -> Done:
    """The track must be the one that was shown: a number alone may be another's by now."""
    rows = picture.tracks.shown() & (picture.tracks.number == act.track)
    if act.track <= 0 or not rows.any():
        return f"there is no track {act.track} now"
    if int(picture.tracks.label[rows][0]) != act.label:
        return f"track {act.track} is not what it was when it was shown: look again"
    if act.category not in SAYABLE:
        return f"nobody can say that a track is {act.category}; the words are {', '.join(SAYABLE)}"
    if wrong := unfit(act.reason):
        return wrong
    others = tuple(one for one in picture.held.said if one.track != act.track)
    if len(others) >= ENTRIES:
        return f"{ENTRIES} tracks have words of people already: take some back first"
    said = Said(act.track, act.category, act.reason.strip(), acted.person.name, picture.time)
    return replace(picture, held=picture.held._replace(said=(*others, said)))


def _uncategorise(picture: Picture, acted: Acted, act: Uncategorise, settings: Settings) -> Done:
    if wrong := unfit(act.reason):
        return wrong
    said = tuple(one for one in picture.held.said if one.track != act.track)
    if len(said) == len(picture.held.said):
        return f"nobody has said what track {act.track} is"
    identities = tuple(
        msgspec.structs.replace(one, category=one.proposed, why="", by="") if one.track == act.track else one
        for one in picture.identities
    )
    return replace(picture, held=picture.held._replace(said=said), identities=identities)


def _allow(picture: Picture, acted: Acted, act: AllowFeed, settings: Settings) -> Done:
    found = next((partner for partner in settings.partners if partner.name == act.partner), None)
    if found is None:
        return "there is no such partner"
    if not picture.time < act.until <= picture.time + FEEDS:
        return f"until must be after now and within {FEEDS // (3600 * SECOND)} h"
    if wrong := unfit(act.purpose, "a purpose"):
        return wrong
    others = tuple(one for one in picture.held.feeds if one.partner != act.partner)
    feed = Feed(act.partner, act.purpose.strip(), act.until, acted.person.name, picture.time, found.address)
    return replace(picture, held=picture.held._replace(feeds=(*others, feed)))


def _end(picture: Picture, acted: Acted, act: EndFeed, settings: Settings) -> Done:
    feeds = tuple(one for one in picture.held.feeds if one.partner != act.partner)
    if len(feeds) == len(picture.held.feeds):
        return "it gets no picture: it was ended, or its time is over"
    return replace(picture, held=picture.held._replace(feeds=feeds))


def _answer(picture: Picture, acted: Acted, act: AnswerAdvice, settings: Settings) -> Done:
    """Accepting means the unit that is advised now; sending another one needs a reason, and so does refusing."""
    standing = picture.advices.standing
    found = next((one for one in standing if one.number == act.advice), None)
    if found is None:
        return "that is advised no more: look again"
    if wrong := _unanswerable(act, found, settings):
        return wrong
    words = act.verdict, acted.person.name, act.reason.strip(), picture.time
    verdict, by, reason, at = words
    now = found._replace(unit=act.unit, verdict=verdict, by=by, reason=reason, at=at)
    after = tuple(now if one is found else one for one in standing)
    return replace(picture, advices=picture.advices._replace(standing=after))


def _unanswerable(act: AnswerAdvice, advice: Advice, settings: Settings) -> str:
    if act.verdict is Verdict.OPEN:
        return "answer with accepted, changed or refused"
    if act.verdict is Verdict.ACCEPTED:
        same = act.unit == advice.unit and act.unit != ""
        return "" if same else f"advised is {advice.unit or 'nobody'} now: look again"
    if act.verdict is Verdict.REFUSED:
        return "name no unit with a refusal" if act.unit else unfit(act.reason)
    looks = advice.task is Task.LOOK
    if act.unit not in [unit.name for unit in settings.units if (unit.sensor is not None) == looks]:
        return f"there is no such unit to {advice.task}"
    return unfit(act.reason)


def _heading(act: Shelve | Unshelve) -> Heading:
    direction = SECTORS.index(act.direction) if act.direction in SECTORS else NOWHERE
    return Heading(act.site, act.kind, direction)


_TAKERS: dict[type, Taker] = {
    Acknowledge: _acknowledge,
    Shelve: _shelve,
    Unshelve: _unshelve,
    Categorise: _categorise,
    Uncategorise: _uncategorise,
    AllowFeed: _allow,
    EndFeed: _end,
    AnswerAdvice: _answer,
    Quarantine: ruled,
    Unquarantine: unruled,
    Trust: ruled,
    Untrust: unruled,
}
