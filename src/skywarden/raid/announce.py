"""What people are told, and how often they are disturbed: flood control.

Everything new is told within a second, in the list of the raid that is on. Only some of it makes a sound, an
*announcement*: a raid begins, a site gets into it or becomes critical, another kind comes, or many more do. Routine
ones are counted: a few may follow each other, then one each `announce_every_s`. What is critical or of another kind
waits for nothing but the pause, and where there were `announce_most` already in ten minutes. What is owed is worked out
from what stands, so that nothing is lost because it has got another name meanwhile; and nobody is disturbed more often
than he can act (ISA-18.2, EEMUA 191: a flood begins above 10 alarms in 10 minutes).
"""

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from skywarden.model.event import Announced, RaidEnded
from skywarden.model.raid import Group, Heading, Kind, Level, Listed, News, SiteState, Told
from skywarden.raid.settings import RaidSettings

SECOND = 1_000_000_000  # ns
TEN_MINUTES = 600 * SECOND
TAME = (Kind.UNKNOWN,)  # kinds that need no announcement of their own
FORGOTTEN = 120 * SECOND  # a group that has not stood for so long is news again
MORE, MANY_MORE = (2, 3), (4, 6)  # times as many tracks, and so many more: listed again, announced again


class Standing(NamedTuple):
    """What stands now. groups: by heading; sites: by name, those with alerts. shelved: what a person has put aside."""

    groups: Mapping[Heading, Group]
    sites: Mapping[str, SiteState]
    shelved: Set[Heading] = frozenset()


def announced(
    told: Told, stands: Standing, time: int, settings: RaidSettings, number: int
) -> tuple[Told, list[Announced | RaidEnded]]:
    """Return what has been told at a position after now, and what is told now. number: of a raid that begins now."""
    told = _counted(told, time, settings)
    if not stands.sites:
        return _ended(told, time)
    told = _remembered(told, stands, time)
    fresh = _fresh(told, stands)
    urgent, routine = _owed(told, stands)
    owed = dict.fromkeys([*urgent, *routine])
    rested = time - told.last[-1] >= settings.pause_s * SECOND if told.last else True
    recent = sum(one > time - TEN_MINUTES for one in told.last)
    enough = told.left >= 1.0 or (bool(urgent) and recent < settings.announce_most)
    aloud = bool(owed) and enough and rested
    headings = dict.fromkeys([*owed, *fresh]) if aloud else dict.fromkeys(fresh)
    told = _noted(told._replace(number=told.number or number), stands, tuple(headings), time, aloud=aloud)
    if not headings:
        return told, []
    return told, [Announced(time, told.position, told.number, aloud, tuple(_news(one, stands) for one in headings))]


def _remembered(told: Told, stands: Standing, time: int) -> Told:
    """Forget sites that are quiet, groups that are long gone, and levels that have fallen."""
    listed = (one._replace(stood=time) if one.heading in stands.groups else one for one in told.listed)
    kept = tuple(one for one in listed if one.heading.site in stands.sites and time - one.stood < FORGOTTEN)
    levels, loud = (
        tuple((site, min(level, stands.sites[site].level)) for site, level in known if site in stands.sites)
        for known in (told.levels, told.loud)
    )
    kinds = tuple(kind for kind in told.kinds if any(one.heading.kind is kind for one in kept))
    return told._replace(listed=kept, levels=levels, loud=loud, kinds=kinds)


def _fresh(told: Told, stands: Standing) -> list[Heading]:
    """Return what is to be listed: new groups, sites that are worse, groups with more tracks."""
    known, levels = {one.heading: one for one in told.listed}, dict(told.levels)
    new = [one for one in stands.groups if one not in known]
    grown = [one for one in stands.groups if one in known and _more(known[one].tracks, stands.groups[one], MORE)]
    worse = [site for site, state in stands.sites.items() if state.level > levels.get(site, Level.QUIET)]
    named = {one.site for one in new}
    return [*new, *grown, *(_gravest(stands, site=site) for site in worse if site not in named)]


def _owed(told: Told, stands: Standing) -> tuple[list[Heading], list[Heading]]:
    """Return what should be announced, as far as it was not yet: what is urgent, and the rest."""
    urgent: list[Heading] = []
    routine: list[Heading] = []
    loud = dict(told.loud)
    unshelved = [one for one in stands.groups if one not in stands.shelved]
    open_at = {one.site for one in unshelved}
    for site, state in stands.sites.items():
        critical = state.level is Level.CRITICAL
        if state.level > loud.get(site, Level.QUIET) and (critical or site in open_at):
            (urgent if critical else routine).append(_gravest(stands, site=site))
    kinds = dict.fromkeys(one.kind for one in unshelved if one.kind not in (*TAME, *told.kinds))
    urgent += [_gravest(stands, kind=kind) for kind in kinds]
    sounded = {one.heading: one.aloud for one in told.listed}
    grown = [one for one, group in stands.groups.items() if _more(sounded.get(one, 0), group, MANY_MORE)]
    routine += [one for one in grown if one not in stands.shelved]
    return urgent, routine


def _more(told: int, group: Group, by: tuple[int, int]) -> bool:
    """Return whether a group has grown by much since so many tracks were told; nothing was told: no."""
    now = len(group.tracks)
    return told > 0 and now >= by[0] * told and now >= told + by[1]


def _gravest(stands: Standing, site: str | None = None, kind: Kind | None = None) -> Heading:
    """Return the likeliest of the groups of a site, or of a kind."""
    of = [
        one for one in stands.groups.values() if site in (None, one.heading.site) and kind in (None, one.heading.kind)
    ]
    return max(of, key=lambda group: group.span.probability).heading


def _noted(told: Told, stands: Standing, headings: Sequence[Heading], time: int, *, aloud: bool) -> Told:
    """Note what is told now."""
    listed = {one.heading: one for one in told.listed}
    for one in headings:
        tracks = len(stands.groups[one].tracks)
        before = listed.get(one, Listed(one, time, 0, 0))
        listed[one] = Listed(one, time, tracks, tracks if aloud else before.aloud)
    told = told._replace(
        listed=tuple(listed.values()), levels=tuple((site, state.level) for site, state in stands.sites.items())
    )
    if not aloud:
        return told
    loud = dict(told.loud) | {one.site: stands.sites[one.site].level for one in headings}
    kinds = dict.fromkeys([*told.kinds, *(one.kind for one in headings)])
    last = (*(one for one in told.last if one > time - TEN_MINUTES), time)
    return told._replace(loud=tuple(loud.items()), kinds=tuple(kinds), last=last, left=max(told.left - 1.0, 0.0))


def _news(heading: Heading, stands: Standing) -> News:
    group = stands.groups[heading]
    return News(heading, stands.sites[heading.site].level, len(group.tracks), group.span)


def _ended(told: Told, time: int) -> tuple[Told, list[Announced | RaidEnded]]:
    """Nothing stands any more: the raid is over, if one was on."""
    if not told.number:
        return told, []
    over: list[Announced | RaidEnded] = [RaidEnded(time, told.position, told.number)]
    return told._replace(number=0, levels=(), listed=(), loud=(), kinds=()), over


def _counted(told: Told, time: int, settings: RaidSettings) -> Told:
    """Count the announcements that may be made by now."""
    most = float(settings.announcements)
    if not told.counted:
        return told._replace(left=most, counted=time)
    gained = max(time - told.counted, 0) / (settings.announce_every_s * SECOND)
    return told._replace(left=min(told.left + gained, most), counted=time)
