"""Advice worked out every few seconds, for the groups that are worth most; answered by people, ended with the group."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden import geo
from skywarden.advice.choose import Problem, chosen, options
from skywarden.advice.known import Known
from skywarden.advice.look import doubt, seers
from skywarden.advice.meeting import Meeting, Way, meeting
from skywarden.model.advice import Advice, Advices, Option, Task, Verdict
from skywarden.model.assessment import Alert
from skywarden.model.deed import AdviceEnded, Advised
from skywarden.model.place import F64, Site, Unit
from skywarden.model.raid import Group, Heading

SECOND = 1_000_000_000  # ns
TENTH = SECOND // 10
EVERY = 5 * SECOND  # ns
MOST = 100  # groups at once, those worth most
SHOWN = 3  # options
NEWS = 30 * SECOND  # ns by which a unit must leave sooner to be told again

AdviceEvent = Advised | AdviceEnded


class Asked(NamedTuple):
    """Of one task: who could do it, for which groups, and what stood before. meets: of units and groups.

    doubts: of each group, what a look could tell; "" of a task that is not one.
    """

    task: Task
    units: Sequence[Unit]
    groups: Sequence[Group]
    meets: Meeting
    old: dict[Heading, Advice]
    doubts: Sequence[str]


def advices(
    before: Advices, known: Known, units: Sequence[Unit], sites: Sequence[Site]
) -> tuple[Advices, list[AdviceEvent]]:
    """Return what is advised now, and what is new of it; every five seconds, and when all is over."""
    if not before.standing and not (units and known.raids.groups):
        return before, []
    if known.time // EVERY == before.time // EVERY and known.raids.groups:
        return before, []
    groups = _worthy(known.raids.groups, sites, {one.heading for one in before.standing if one.by})
    places = {
        site.name: geo.ecef(np.radians(site.latitude), np.radians(site.longitude), site.height_m) for site in sites
    }
    soonest = _soonest(known.alerts)
    rows = {number: row for row, number in enumerate(known.tracks.number.tolist())}
    firsts = [_first(group, soonest) for group in groups]
    ways = [
        _way(group, known, (first, rows), places[group.heading.site])
        for group, first in zip(groups, firsts, strict=True)
    ]
    number, standing, events = before.next_number, list[Advice](), list[AdviceEvent]()
    for task in Task:
        old = {one.heading: one for one in before.standing if one.task is task}
        asked = _asked(
            task, (units, groups, ways), [rows.get(one.track) if one else None for one in firsts], known, old
        )
        more, told, number = _advised(asked, sites, known.time, number)
        standing += more
        events += told
    kept = {one.about for one in standing}
    events += [AdviceEnded(known.time, one.number) for one in before.standing if one.about not in kept]
    return Advices(known.time, tuple(standing), number), events


def _asked(
    task: Task,
    of: tuple[Sequence[Unit], Sequence[Group], Sequence[Way]],
    rows: Sequence[int | None],
    known: Known,
    old: dict[Heading, Advice],
) -> Asked:
    """Return who could do a task for whom. of: units, groups and their ways; rows: of each group's soonest track.

    To look is asked of groups of which something is not known, and never of a sensor that sees the group already.
    """
    units, groups, ways = of
    units = [unit for unit in units if (unit.sensor is not None) == (task is Task.LOOK)]
    if task is Task.MEET:
        return Asked(task, units, groups, meeting(units, ways), old, [""] * len(groups))
    doubts = [doubt(row, known, stood=group.heading in old) for row, group in zip(rows, groups, strict=True)]
    some = [k for k, group in enumerate(groups) if doubts[k] or (group.heading in old and old[group.heading].by)]
    meets = meeting(units, [ways[k] for k in some])
    seen = [set(seers(rows[k], known)) for k in some]
    there = np.array([[unit.sensor in names for names in seen] for unit in units], bool).reshape(meets.spare.shape)
    meets = Meeting(np.where(there, -np.inf, meets.spare), meets.meets)
    return Asked(task, units, [groups[k] for k in some], meets, old, [doubts[k] for k in some])


def _advised(
    asked: Asked, sites: Sequence[Site], time: int, number: int
) -> tuple[list[Advice], list[AdviceEvent], int]:
    """Return what is advised of a task, what is new of it, and the next number."""
    picked = _picked(asked, sites)
    standing, events = list[Advice](), list[AdviceEvent]()
    for k, group in enumerate(asked.groups):
        was = asked.old.get(group.heading)
        found = _options(k, asked, picked, time)
        if was is None and not found:
            continue  # nobody could, and nobody was told that somebody can
        unit = asked.units[picked[k]].name if picked[k] >= 0 else ""
        if was is None:
            now = Advice(number, group.heading, unit, found, time, task=asked.task)
            number += 1
        elif was.verdict in (Verdict.ACCEPTED, Verdict.CHANGED):
            now = was._replace(options=found)
        else:
            now = was._replace(unit=unit, options=found)
        now = now._replace(doubt=asked.doubts[k])
        news = _news(was, now, time)
        standing.append(now._replace(told=news[0].wait) if news else now)
        events += news
    return standing, events, number


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


def _first(group: Group, by_track: dict[tuple[str, int], Alert]) -> Alert | None:
    """Return the alert of the track of a group that may be there soonest."""
    found = (by_track.get((group.heading.site, number)) for number in group.tracks)
    return min((one for one in found if one is not None), key=lambda one: one.early, default=None)


def _way(group: Group, known: Known, of: tuple[Alert | None, dict[int, int]], site: F64) -> Way:
    """Return how a group comes: as the track of it that may be there soonest. of: its alert, and rows of tracks."""
    first, rows = of
    if first is None or first.track not in rows:
        return Way(site, site, (group.span.early - known.time) / SECOND)  # lost on its way in: it may be anywhere on it
    return Way(known.tracks.mean[rows[first.track], :3], site, (first.early - known.time) / SECOND)


def _picked(asked: Asked, sites: Sequence[Site]) -> list[int]:
    """Return the unit for each group, -1 nobody: as people have decided, and the rest as is worth most."""
    groups, meets, units, old = asked.groups, asked.meets, asked.units, asked.old
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


def _options(k: int, asked: Asked, picked: Sequence[int], time: int) -> tuple[Option, ...]:
    """Return who is in time for group k, the advised one first."""
    groups, meets, units = asked.groups, asked.meets, asked.units
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
    return [Advised(time, now.number, now.heading, now.unit, first.wait if first else 0, now.task)]
