"""Advice worked out every few seconds, for the groups that are worth most; answered by people, ended with the group."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden import geo
from skywarden.advice.choose import Problem, chosen, options
from skywarden.advice.meeting import Meeting, Way, meeting
from skywarden.model.advice import Advice, Advices, Option, Verdict
from skywarden.model.assessment import Alert
from skywarden.model.deed import AdviceEnded, Advised
from skywarden.model.place import F64, Site, Unit
from skywarden.model.raid import Group, Heading, Raids
from skywarden.model.track import Tracks

SECOND = 1_000_000_000  # ns
TENTH = SECOND // 10
EVERY = 5 * SECOND  # ns
MOST = 100  # groups at once, those worth most
SHOWN = 3  # options
NEWS = 30 * SECOND  # ns by which a unit must leave sooner to be told again

AdviceEvent = Advised | AdviceEnded


class Known(NamedTuple):
    """What advice is worked out from, at `time`, ns."""

    raids: Raids
    alerts: Sequence[Alert]
    tracks: Tracks
    time: int


def advices(
    before: Advices, known: Known, units: Sequence[Unit], sites: Sequence[Site]
) -> tuple[Advices, list[AdviceEvent]]:
    """Return what is advised now, and what is new of it; every five seconds, and when all is over."""
    if not before.standing and not (units and known.raids.groups):
        return before, []
    if known.time // EVERY == before.time // EVERY and known.raids.groups:
        return before, []
    old = {one.heading: one for one in before.standing}
    groups = _worthy(known.raids.groups, sites, {one.heading for one in before.standing if one.by})
    places = {
        site.name: geo.ecef(np.radians(site.latitude), np.radians(site.longitude), site.height_m) for site in sites
    }
    soonest = _soonest(known.alerts)
    rows = {number: row for row, number in enumerate(known.tracks.number.tolist())}
    ways = [_way(group, known, (soonest, rows), places[group.heading.site]) for group in groups]
    meets = meeting(units, ways)
    picked = _picked(groups, meets, units, sites, old)
    number, standing, events = before.next_number, list[Advice](), list[AdviceEvent]()
    for k, group in enumerate(groups):
        was = old.get(group.heading)
        found = _options(k, meets, units, (picked, groups), known.time)
        if was is None and not found:
            continue  # nobody could, and nobody was told that somebody can
        unit = units[picked[k]].name if picked[k] >= 0 else ""
        if was is None:
            now = Advice(number, group.heading, unit, found, known.time)
            number += 1
        elif was.verdict in (Verdict.ACCEPTED, Verdict.CHANGED):
            now = was._replace(options=found)
        else:
            now = was._replace(unit=unit, options=found)
        news = _news(was, now, known.time)
        standing.append(now._replace(told=news[0].wait) if news else now)
        events += news
    kept = {one.heading for one in standing}
    events += [AdviceEnded(known.time, one.number) for one in before.standing if one.heading not in kept]
    return Advices(known.time, tuple(standing), number), events


def over(before: Advices, time: int) -> list[AdviceEvent]:
    """Return the end of all that was advised, where a picture ends. time: ns."""
    return [AdviceEnded(time, one.number) for one in before.standing]


def _worthy(groups: Sequence[Group], sites: Sequence[Site], answered: set[Heading]) -> list[Group]:
    """Return the groups that are worth most, and those that a person has answered for, in their own order."""
    of = {site.name: site.consequence for site in sites}
    mine = [group for group in groups if group.heading.site in of]
    best = sorted(mine, key=lambda group: -of[group.heading.site] * group.span.probability)[:MOST]
    chosen_ones = set(map(id, best))
    return [group for group in mine if id(group) in chosen_ones or group.heading in answered]


def _soonest(alerts: Sequence[Alert]) -> dict[tuple[str, int], Alert]:
    return {(one.site, one.track): one for one in alerts}


def _way(group: Group, known: Known, of: tuple[dict[tuple[str, int], Alert], dict[int, int]], site: F64) -> Way:
    """Return how a group comes: as the track of it that may be there soonest. of: alerts, and rows of tracks."""
    by_track, rows = of
    found = (by_track.get((group.heading.site, number)) for number in group.tracks)
    first = min((one for one in found if one is not None), key=lambda one: one.early, default=None)
    if first is None or first.track not in rows:
        return Way(site, site, (group.span.early - known.time) / SECOND)  # lost on its way in: it may be anywhere on it
    return Way(known.tracks.mean[rows[first.track], :3], site, (first.early - known.time) / SECOND)


def _picked(
    groups: Sequence[Group], meets: Meeting, units: Sequence[Unit], sites: Sequence[Site], old: dict[Heading, Advice]
) -> list[int]:
    """Return the unit for each group, -1 nobody: as people have decided, and the rest as is worth most."""
    place = {unit.name: k for k, unit in enumerate(units)}
    was = [old.get(group.heading) for group in groups]
    fixed = np.array([one is not None and one.verdict is not Verdict.OPEN for one in was], bool)
    capacity = np.array([unit.capacity for unit in units], np.int64)
    for one in was:
        if one is not None and one.verdict in (Verdict.ACCEPTED, Verdict.CHANGED) and one.unit in place:
            capacity[place[one.unit]] = max(capacity[place[one.unit]] - 1, 0)
    of = {site.name: site.consequence for site in sites}
    worth = np.array([of[group.heading.site] * group.span.probability for group in groups])
    before = np.array([place.get(one.unit, -1) if one else -1 for one in was], np.int64)
    spare = meets.spare.copy()
    spare[:, fixed] = -np.inf  # who is told by a person needs no advice
    found = chosen(Problem(spare, worth, capacity, before)) if len(groups) else []
    return [
        place.get(one.unit, -1) if one is not None and one.verdict in (Verdict.ACCEPTED, Verdict.CHANGED) else unit
        for one, unit in zip(was, found, strict=True)
    ]


def _options(
    k: int, meets: Meeting, units: Sequence[Unit], of: tuple[Sequence[int], Sequence[Group]], time: int
) -> tuple[Option, ...]:
    """Return who is in time for group k, the advised one first."""
    picked, groups = of
    on = {unit: groups[other].heading for other, unit in enumerate(picked) if unit >= 0 and other != k}
    ordered = sorted(options(meets.spare[:, k].tolist()), key=lambda unit: unit != picked[k])
    return tuple(
        Option(
            units[unit].name,
            time + round(float(meets.spare[unit, k]) * 10.0) * TENTH,  # another machine's last bits do not show
            time + round(float(meets.meets[unit, k]) * 10.0) * TENTH,
            round(float(meets.spare[unit, k]), 1),
            on.get(unit),
        )
        for unit in ordered[:SHOWN]
    )


def _news(was: Advice | None, now: Advice, time: int) -> list[Advised]:
    """Return what people are told: another unit, or that it must leave much sooner than they were told."""
    if now.verdict is not Verdict.OPEN or (was is None and not now.unit):
        return []
    first = now.options[0] if now.options and now.options[0].unit == now.unit else None
    if was is not None and was.unit == now.unit and (first is None or first.wait > was.told - NEWS):
        return []
    return [Advised(time, now.number, now.heading, now.unit, first.wait if first else 0)]
