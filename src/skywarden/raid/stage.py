"""Alerts put together: members, groups, levels, announcements. A stage of `pipeline.step`, once a second."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.assessment import Alert, Identity
from skywarden.model.event import ActionAdvised, ActionEnded, Announced, LevelChanged, RaidEnded
from skywarden.model.held import Shelf
from skywarden.model.place import Position, Site
from skywarden.model.raid import Group, Level, Member, Raids, SiteState, Span, Told
from skywarden.model.track import Tracks
from skywarden.raid.announce import Standing, announced
from skywarden.raid.levels import state
from skywarden.raid.members import Where, members
from skywarden.raid.settings import RaidSettings
from skywarden.raid.spans import Coming, ahead, coming

SECOND = 1_000_000_000  # ns
EVERYBODY = Position(name="")

RaidEvent = LevelChanged | ActionAdvised | ActionEnded | Announced | RaidEnded


class Warned(NamedTuple):
    """Who is warned. positions: of operators; none: one that watches all sites. shelves: what need not be announced."""

    sites: Sequence[Site]
    positions: Sequence[Position]
    settings: RaidSettings
    shelves: Sequence[Shelf] = ()


def raids(
    before: Raids, alerts: Sequence[Alert], seen: tuple[Tracks, Sequence[Identity]], time: int, warned: Warned
) -> tuple[Raids, list[RaidEvent]]:
    """Return how alerts belong together at `time`, ns, and what people are told of that; once a second.

    seen: the tracks, and what they are.
    """
    if time // SECOND == before.time // SECOND and before.time:
        return before, []
    known = {site.name: site for site in warned.sites}
    alerts = [alert for alert in alerts if alert.site in known]
    joined = members(before.members, alerts, _odds(alerts, seen[1]), _where(seen[0]), (time, warned.sites))
    said = coming(alerts, time)
    groups = _grouped(said, joined)
    states = _states(before.sites, (alerts, said), known, warned.settings)
    events: list[RaidEvent] = _changes(before.sites, states, time)
    stands = Standing({group.heading: group for group in groups}, {one.site: one for one in states})
    told, number = [], before.next_number
    old = {one.position: one for one in before.told}
    for position in warned.positions or (EVERYBODY,):
        shelved = frozenset(one.heading for one in warned.shelves if one.position == position.name)
        of = _of(position, stands)._replace(shelved=shelved)
        now, news = announced(old.get(position.name, Told(position.name)), of, time, warned.settings, number)
        number += now.number == number
        told.append(now)
        events += news
    names = {one.position for one in told}
    events += [
        RaidEnded(time, one.position, one.number) for one in before.told if one.number and one.position not in names
    ]
    return Raids(time, joined, groups, states, tuple(told), number), events


def over(before: Raids, time: int) -> list[RaidEvent]:
    """Return the end of all that was told, where a picture ends. time: ns."""
    ended = [RaidEnded(time, told.position, told.number) for told in before.told if told.number]
    return [*_changes(before.sites, (), time), *ended]


def _odds(alerts: Sequence[Alert], identities: Sequence[Identity]) -> dict[int, Sequence[float]]:
    wanted = {alert.track for alert in alerts}
    return {one.track: one.odds for one in identities if one.track in wanted}


def _where(tracks: Tracks) -> Where:
    rows = np.flatnonzero(tracks.shown())
    return Where(dict(zip(tracks.number[rows].tolist(), rows.tolist(), strict=True)), tracks.mean[:, :3])


def _grouped(said: Coming, joined: Sequence[Member]) -> tuple[Group, ...]:
    """Return the groups, sites in the order of the alerts, the soonest of each site first."""
    headings = [one.heading for one in joined]
    rows = {heading: row for row, heading in enumerate(dict.fromkeys(headings))}
    if not rows:
        return ()
    of = np.array([rows[heading] for heading in headings])
    to_come = ahead(said, of, len(rows))
    tracks: list[list[int]] = [[] for _ in rows]
    for row, one in zip(of.tolist(), joined, strict=True):
        tracks[row].append(one.track)
    found = [Group(heading, tuple(tracks[row]), to_come.span(row)) for heading, row in rows.items()]
    sites = {site: place for place, site in enumerate(dict.fromkeys(one.site for one in joined))}
    return tuple(sorted(found, key=lambda group: (sites[group.heading.site], group.span.early)))


def _states(
    before: Sequence[SiteState],
    of: tuple[Sequence[Alert], Coming],
    sites: dict[str, Site],
    settings: RaidSettings,
) -> tuple[SiteState, ...]:
    """Return the state of each site with alerts. of: the alerts, and what they say."""
    (alerts, said), old = of, {one.site: one for one in before}
    rows = {site: row for row, site in enumerate(dict.fromkeys(alert.site for alert in alerts))}
    if not rows:
        return ()
    to_come = ahead(said, np.array([rows[alert.site] for alert in alerts]), len(rows))
    return tuple(state(old.get(site), sites[site], (to_come, row), settings) for site, row in rows.items())


def _changes(before: Sequence[SiteState], after: Sequence[SiteState], time: int) -> list[RaidEvent]:
    old, new = {one.site: one for one in before}, {one.site: one for one in after}
    found: list[RaidEvent] = []
    for site in dict.fromkeys([*new, *old]):
        was, now = old.get(site), new.get(site)
        level, started = now.level if now else Level.QUIET, now.starts if now else ()
        if level is not (was.level if was else Level.QUIET):
            found.append(LevelChanged(time, site, level, now.span if now else Span(0.0, 0, 0, 0)))
        advised = {start.action: start.told for start in was.starts} if was else {}
        news = [start for start in started if advised.get(start.action) != start.told]
        found += [ActionAdvised(time, site, start.action, start.by, start.too_late) for start in news]
        found += [
            ActionEnded(time, site, name) for name in sorted(advised.keys() - {start.action for start in started})
        ]
    return found


def _of(position: Position, stands: Standing) -> Standing:
    """Return what stands at the sites that a position watches."""
    if position is EVERYBODY:
        return stands
    mine = set(position.sites)
    groups = {heading: group for heading, group in stands.groups.items() if heading.site in mine}
    return Standing(groups, {name: one for name, one in stands.sites.items() if name in mine})
