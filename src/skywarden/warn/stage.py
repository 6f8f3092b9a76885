"""Warnings of areas, worked out from the states of their sites once a second. A stage of `pipeline.step`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from skywarden.model.event import AreaWarned
from skywarden.model.mode import Mode
from skywarden.model.place import District, Site
from skywarden.model.raid import KINDS, Kind, Level, Raids, SiteState
from skywarden.model.warning import SECOND, AreaWarning, Begin, Likely, Move, SiteWarned, Standing, Warnings
from skywarden.warn.change import Change, change

MANY = 4.0  # updates that may follow each other
EACH = 150 * SECOND  # ns, after which one more may: 24 an hour
APART = 10 * SECOND  # ns between two of them, if it got worse
CALM = 120 * SECOND  # ns, if it got better
HOLDS = 3600 * SECOND  # ns that a warning holds unless something else is said
AGAIN = 2700 * SECOND  # ns, after which it is said again, so that it holds on
WORDS = ((0.8, Likely.VERY), (0.5, Likely.LIKELY), (0.2, Likely.POSSIBLE))

Areas = Mapping[str, tuple[str, ...]]  # name -> its sites


class _Now(NamedTuple):
    time: int
    mode: Mode
    states: Mapping[str, SiteState]
    kinds: Mapping[str, frozenset[Kind]]  # site -> of its groups


def areas(sites: Sequence[Site], districts: Sequence[District]) -> dict[str, tuple[str, ...]]:
    """Return the areas: districts first, then each site that is in none. One name is one area, whatever has it."""
    found = {district.name: district.sites for district in districts}
    inside = {site for district in districts for site in district.sites}
    for site in sites:
        if site.name not in inside:
            found[site.name] = (*found.get(site.name, ()), site.name)
    return found


def warn(before: Warnings, raids: Raids, of: Areas, time: int, mode: Mode) -> tuple[Warnings, list[AreaWarned]]:
    """Return the warnings that stand at `time`, ns, and what is told of them; once a second."""
    if time // SECOND == before.time // SECOND and before.time:
        return before, []
    kinds: dict[str, frozenset[Kind]] = {}
    for group in raids.groups:
        site = group.heading.site
        kinds[site] = kinds.get(site, frozenset()) | {group.heading.kind}
    now = _Now(time, mode, {state.site: state for state in raids.sites}, kinds)
    old = {one.told.area: one for one in before.standing}
    number, standing, events = before.next_number, [], []
    for area, names in of.items():
        stood = old.pop(area, None)
        mine = [now.states[name] for name in names if name in now.states]
        if mine:
            after = _told(stood, _found(area, mine, now), number, time)
            number += stood is None
            standing.append(after)
            if stood is None or after.told is not stood.told:
                events.append(AreaWarned(time, after.told))
        elif stood is not None:
            events.append(_end(stood, time))
    events += [_end(one, time) for one in old.values()]  # there is no such area any more
    return Warnings(time, tuple(standing), number), events


def ended(before: Warnings, time: int) -> list[AreaWarned]:
    """Return the end of all warnings, where a picture ends. time: ns."""
    return [_end(one, time) for one in before.standing]


def _end(stood: Standing, time: int) -> AreaWarned:
    told = stood.told
    over = told._replace(part=told.part + 1, move=Move.ENDED, sent=time, until=time + HOLDS, level=Level.QUIET)
    return AreaWarned(time, over._replace(likely=Likely.UNLIKELY, kinds=(), sites=(), first=0, last=0))


def _found(area: str, mine: Sequence[SiteState], now: _Now) -> AreaWarning:
    """Return what is to be said of an area now, as if it were raised now."""
    kinds = frozenset[Kind]().union(*(now.kinds.get(state.site, frozenset()) for state in mine))
    rows = tuple(
        SiteWarned(state.site, state.level, tuple(Begin(start.action, start.told) for start in state.starts))
        for state in mine
    )
    first = min(state.span.first for state in mine)
    last = max(first, *(state.span.last for state in mine))
    level = max(state.level for state in mine)
    chance = max(state.span.probability for state in mine)
    likely = next((word for least, word in WORDS if chance >= least), Likely.UNLIKELY)
    named = tuple(kind for kind in KINDS if kind in kinds)
    when = now.time, now.time, now.time + HOLDS
    return AreaWarning(area, 0, 0, Move.RAISED, now.mode, *when, level, likely, named, rows, first, last)


def _told(stood: Standing | None, found: AreaWarning, number: int, time: int) -> Standing:
    """Return what stands after this second; its `told` is another one where something is told.

    A higher level is told at once. It can rise again only after a fall was told, and that is bounded as all others are.
    """
    if stood is None:
        return Standing(found._replace(number=number), MANY, time)
    left = min(MANY, stood.left + (time - stood.counted) / EACH)
    since, what = time - stood.told.sent, change(stood.told, found, time)
    least = {Change.WORSE: (APART, 1.0), Change.BETTER: (CALM, 2.0)}  # one is kept for what is worse
    pause, needs = (AGAIN, 0.0) if what is Change.NONE else least.get(what, (0, 0.0))
    if since < pause or left < needs:
        return stood
    price = 1.0 if needs else 0.0
    told = stood.told
    found = found._replace(number=told.number, part=told.part + 1, move=Move.UPDATED, raised=told.raised)
    return Standing(found, left - price, time)
