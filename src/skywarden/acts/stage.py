"""What people did, kept up with the picture: what is over ends, what nobody acknowledges is told to others."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from skywarden.model.assessment import ALARMING, Identity
from skywarden.model.deed import CategoryEnded, Escalated, FeedEnded, ShelfEnded
from skywarden.model.event import Announced, Output, RaidEnded
from skywarden.model.held import Held, Waiting
from skywarden.model.place import Partner, Position
from skywarden.model.raid import Level

SECOND = 1_000_000_000  # ns

HeldEvent = ShelfEnded | CategoryEnded | FeedEnded | Escalated


class Around(NamedTuple):
    """What is configured. positions: none: one that watches all. acknowledge_s: s until others are told."""

    positions: Sequence[Position]
    acknowledge_s: float
    partners: Sequence[Partner] = ()


def worded(identities: tuple[Identity, ...], held: Held) -> tuple[Identity, ...]:
    """Return the identities with what people say of tracks in the place of what the system proposes.

    Who says that a track is no threat makes it no less of one for alerts: the stake stays.
    """
    said = {one.track: one for one in held.said}
    if not said:
        return identities
    after = list(identities)
    for row, one in enumerate(identities):
        word = said.get(one.track)
        if word is not None:
            stake = 1.0 if word.category in ALARMING else one.stake
            after[row] = msgspec.structs.replace(one, category=word.category, why=word.reason, by=word.by, stake=stake)
    return tuple(after)


def finished(held: Held, time: int) -> list[HeldEvent]:
    """Return the end of all of it, where a picture ends. time: ns."""
    said: list[HeldEvent] = [CategoryEnded(time, one.track) for one in held.said]
    said += [ShelfEnded(time, one.position, one.heading) for one in held.shelves]
    return said + [FeedEnded(time, one.partner) for one in held.feeds]


def upheld(
    held: Held, identities: Sequence[Identity], events: Iterable[Output], time: int, around: Around
) -> tuple[Held, list[HeldEvent]]:
    """Return what people did that still holds at `time`, ns, and what is over. events: those of this tick."""
    if not any(held) and not any(isinstance(event, Announced) for event in events):
        return held, []
    found: list[HeldEvent] = []
    numbers = {one.track for one in identities} if held.said else set()
    said = tuple(one for one in held.said if one.track in numbers)
    found += [CategoryEnded(time, one.track) for one in held.said if one.track not in numbers]
    names = {one.name for one in around.positions} or {""}
    shelves = tuple(one for one in held.shelves if one.until > time and one.position in names)
    found += [ShelfEnded(time, one.position, one.heading) for one in held.shelves if one not in shelves]
    waiting = _waiting(held.waiting, events, names)
    due = tuple(_due(one, time, around) for one in waiting)
    found += [
        Escalated(time, now.position, now.raid, now.to)
        for was, now in zip(waiting, due, strict=True)
        if now.escalated != was.escalated
    ]
    partners = {(one.name, one.address) for one in around.partners}
    feeds = tuple(one for one in held.feeds if one.until > time and (one.partner, one.address) in partners)
    found += [FeedEnded(time, one.partner) for one in held.feeds if one not in feeds]
    return Held(said, shelves, due, feeds), found


def _waiting(before: Sequence[Waiting], events: Iterable[Output], names: set[str]) -> tuple[Waiting, ...]:
    """Return what nobody has acknowledged: what was announced, until its raid is over."""
    of = {one.position: one for one in before if one.position in names}
    for event in events:
        if isinstance(event, RaidEnded):
            of.pop(event.position, None)
        elif isinstance(event, Announced) and event.aloud:
            one = of.get(event.position)
            one = one if one and one.raid == event.raid else Waiting(event.position, event.raid, event.time, 0)
            worse = not one.critical and any(news.level is Level.CRITICAL for news in event.news)
            of[event.position] = one._replace(last=event.time, critical=event.time if worse else one.critical)
    return tuple(of.values())


def _due(one: Waiting, time: int, around: Around) -> Waiting:
    """Tell others once when nobody acknowledges, and once more when what waits has become critical since."""
    to = next((position.escalate_to for position in around.positions if position.name == one.position), None)
    if to is None:
        return one
    patience = int(around.acknowledge_s * SECOND)
    first = not one.escalated and time >= one.since + patience
    again = one.critical > one.escalated > 0 and time >= one.critical + patience
    return one._replace(escalated=time, to=to) if first or again else one
