"""What people are told, and how often they are disturbed: flood control.

Everything new is told within a second, in the list of the raid that is on. Only some of it makes a sound, an
*announcement*: a raid begins, a site gets into it, becomes critical, or another kind comes. Announcements are counted:
a few may follow each other, then one each `announce_every_s`, and the last few are for what is critical or of another
kind; what has to wait is announced together with the next. So nothing is withheld, and nobody is disturbed more often
than he can act (ISA-18.2, EEMUA 191: a flood begins above 10 alarms in 10 minutes, about 6 an hour are acceptable).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from skywarden.model.event import Announced, RaidEnded
from skywarden.model.raid import Group, Heading, Kind, Level, News, SiteState, Told
from skywarden.raid.settings import RaidSettings

SECOND = 1_000_000_000  # ns
TAME = (Kind.UNKNOWN, Kind.AIRCRAFT)  # kinds that need no announcement where others are already announced


class Standing(NamedTuple):
    """What stands now. groups: by heading; sites: by name, those with alerts."""

    groups: Mapping[Heading, Group]
    sites: Mapping[str, SiteState]


def announced(
    told: Told, stands: Standing, time: int, settings: RaidSettings, number: int
) -> tuple[Told, list[Announced | RaidEnded]]:
    """Return what has been told at a position after now, and what is told now. number: of a raid that begins now."""
    told = _counted(told, time, settings)
    if not stands.sites:
        return _ended(told, time)
    levels = dict(told.levels)
    known = tuple(one for one in told.groups if one.site in stands.sites)
    new = [one for one in stands.groups if one not in known]
    risen = [one for one, state in stands.sites.items() if state.level > levels.get(one, Level.QUIET)]
    fresh = [*new, *(_gravest(site, stands) for site in risen if not any(one.site == site for one in new))]
    loud = [one for one in fresh if _is_loud(one, told._replace(groups=known), risen)]
    waiting = [one for one in (*told.waiting, *loud) if one in stands.groups]
    urgent = any(_is_urgent(one, stands, told) for one in waiting)
    enough = told.left >= (1.0 if urgent else 1.0 + settings.reserved)
    sounds = bool(waiting) and enough and time - told.last >= settings.pause_s * SECOND
    begins = told.number == 0
    told = told._replace(
        number=told.number or number,
        levels=tuple((one, state.level) for one, state in stands.sites.items()),
        groups=(*known, *new),
        waiting=() if sounds else tuple(dict.fromkeys(waiting)),
        left=told.left - sounds,
        last=time if sounds else told.last,
    )
    headings = dict.fromkeys([*waiting, *fresh] if sounds else fresh)
    if not headings and not begins:
        return told, []
    return told, [Announced(time, told.position, told.number, sounds, tuple(_news(one, stands) for one in headings))]


def _is_loud(heading: Heading, told: Told, risen: Sequence[str]) -> bool:
    """Return whether it should be announced: its site is new or worse, or nobody was told of such a kind yet."""
    return heading.site in risen or (
        heading.kind not in TAME and not any(one.kind is heading.kind for one in told.groups)
    )


def _is_urgent(heading: Heading, stands: Standing, told: Told) -> bool:
    """Return whether what is reserved may be used for it: it is critical, or of a kind that is not announced yet."""
    critical = stands.sites[heading.site].level is Level.CRITICAL
    return critical or (heading.kind not in TAME and not any(one.kind is heading.kind for one in told.groups))


def _gravest(site: str, stands: Standing) -> Heading:
    """Return the group that most likely makes a site what it is."""
    of = [group for group in stands.groups.values() if group.heading.site == site]
    return max(of, key=lambda group: group.span.probability).heading


def _news(heading: Heading, stands: Standing) -> News:
    group = stands.groups[heading]
    return News(heading, stands.sites[heading.site].level, len(group.tracks), group.span)


def _ended(told: Told, time: int) -> tuple[Told, list[Announced | RaidEnded]]:
    """Nothing stands any more: the raid is over, if one was on."""
    if not told.number:
        return told, []
    over: list[Announced | RaidEnded] = [RaidEnded(time, told.position, told.number)]
    return told._replace(number=0, levels=(), groups=(), waiting=()), over


def _counted(told: Told, time: int, settings: RaidSettings) -> Told:
    """Count the announcements that may be made by now."""
    if not told.counted:
        return told._replace(left=float(settings.announcements), counted=time)
    gained = (time - told.counted) / (settings.announce_every_s * SECOND)
    return told._replace(left=min(told.left + gained, float(settings.announcements)), counted=time)
