"""Sites, districts and raids as people's programs read them: how bad it is, who comes from where, what to start."""

from collections.abc import Mapping, Sequence

import msgspec

from skywarden.model.place import District, Site
from skywarden.model.raid import Group, Level, Raids, SiteState, Start
from skywarden.service.site_rows import SiteWord

SOONEST = 60.0  # s added to what is left, so that who is nearly there does not hide all others
SECOND = 1e9  # ns


class GroupRow(msgspec.Struct, frozen=True):
    """Alerts of one site for one kind from one direction. direction: "" is not known."""

    kind: str
    direction: str
    tracks: tuple[int, ...]
    probability: float
    early: int
    first: int
    last: int


class StartRow(msgspec.Struct, frozen=True):
    """An action that should be started."""

    action: str
    by: int
    too_late: float
    in_a_minute: float


class SiteRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One site. level: "quiet", "warn" or "critical"; what follows `looked` is there if it is not quiet.

    word: see `watch.Word`. blind: cells that are not watched. looked: ns, when that was worked out.
    """

    site: str
    level: str
    probability: float
    consequence: float
    word: str
    blind: tuple[str, ...]
    looked: int | None
    since: int = 0
    early: int = 0
    first: int = 0
    last: int = 0
    groups: list[GroupRow] = []
    starts: list[StartRow] = []


class DistrictRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One district, as bad as the worst of its sites. sites: those that are not quiet."""

    district: str
    level: str
    probability: float
    early: int = 0
    first: int = 0
    last: int = 0
    sites: list[str] = []


class RaidRow(msgspec.Struct, frozen=True):
    """What was told at a position of the raid that is on. announced: ns, the last time; 0 not in ten minutes."""

    position: str
    raid: int
    sites: list[str]
    groups: int
    announced: int


def sites(raids: Raids, known: Sequence[Site], time: int, words: Mapping[str, SiteWord]) -> list[SiteRow]:
    """Return a row for each site: critical ones first, then by what is likely to be lost and how soon."""
    states = {one.site: one for one in raids.sites}
    groups: dict[str, list[Group]] = {}
    for group in raids.groups:
        groups.setdefault(group.heading.site, []).append(group)
    ordered = sorted(known, key=lambda site: _rank(site, states.get(site.name), time))
    return [_site(site, states.get(site.name), groups.get(site.name, []), words[site.name]) for site in ordered]


def _rank(site: Site, state: SiteState | None, time: int) -> tuple[int, float]:
    if state is None:
        return 0, -site.consequence
    left = max((state.span.first - time) / SECOND, 0.0)
    return -state.level, -site.consequence * state.span.probability / (left + SOONEST)


def _site(site: Site, state: SiteState | None, groups: Sequence[Group], said: SiteWord) -> SiteRow:
    if state is None:
        return SiteRow(site.name, Level.QUIET.word, 0.0, site.consequence, said.word, said.blind, said.looked)
    span = state.span
    return SiteRow(
        site=site.name,
        level=state.level.word,
        probability=round(span.probability, 4),
        consequence=site.consequence,
        word=said.word,
        blind=said.blind,
        looked=said.looked,
        since=state.since,
        early=span.early,
        first=span.first,
        last=span.last,
        groups=[_group(group) for group in groups],
        starts=[_start(start) for start in state.starts],
    )


def _group(group: Group) -> GroupRow:
    heading, span = group.heading, group.span
    likely = round(span.probability, 4)
    return GroupRow(heading.kind, heading.word, group.tracks, likely, span.early, span.first, span.last)


def _start(start: Start) -> StartRow:
    return StartRow(start.action, start.by, round(start.too_late, 4), round(start.in_a_minute, 4))


def districts(rows: Sequence[SiteRow], known: Sequence[District]) -> list[DistrictRow]:
    """Return a row for each district, in the order of the configuration."""
    of = {row.site: row for row in rows}
    return [_district(district, of) for district in known]


def _district(district: District, rows: Mapping[str, SiteRow]) -> DistrictRow:
    """As bad as the worst, as soon as the soonest. Its probability is that of the likeliest of its sites: at least."""
    mine = [rows[name] for name in district.sites if name in rows and rows[name].level != Level.QUIET.word]
    if not mine:
        return DistrictRow(district.name, Level.QUIET.word, 0.0)
    return DistrictRow(
        district=district.name,
        level=max(mine, key=lambda row: Level[row.level.upper()]).level,
        probability=max(row.probability for row in mine),
        early=min(row.early for row in mine),
        first=min(row.first for row in mine),
        last=max(row.last for row in mine),
        sites=[row.site for row in mine],
    )


def positions(raids: Raids) -> list[RaidRow]:
    """Return a row for each position at which a raid is on."""
    return [
        RaidRow(
            position=told.position,
            raid=told.number,
            sites=[site for site, _ in told.levels],
            groups=len(told.listed),
            announced=told.last[-1] if told.last else 0,
        )
        for told in raids.told
        if told.number
    ]
