"""How bad it is at each site, and which of its protective actions should be started by when.

Both by one rule. An action is worth it while somebody comes with its own probability or more: what it costs, as a share
of what it saves. Stopping the site's work is the last of them, and makes it critical. Source: DESIGN.md section 6; a
cost-loss decision, Murphy 1977, Monthly Weather Review 105, 803.
"""

from typing import NamedTuple

from skywarden.model.place import Action, Site
from skywarden.model.raid import Level, SiteState, Span, Start
from skywarden.raid.settings import RaidSettings
from skywarden.raid.spans import Ahead

SECOND = 1_000_000_000  # ns
LATER = 60.0  # s that people may wait
SOONER = 30 * SECOND  # by which an action must begin earlier than was told, to be told again


class _Now(NamedTuple):
    time: int
    settings: RaidSettings
    span: Span
    ahead: Ahead
    row: int  # of the site in `ahead`


def state(before: SiteState | None, site: Site, to_come: tuple[Ahead, int], settings: RaidSettings) -> SiteState:
    """Return how bad it is at a site with alerts. to_come: what is ahead, and the site's row there."""
    ahead, row = to_come
    now = _Now(ahead.time, settings, ahead.span(row), ahead, row)
    old = {start.action: start for start in before.starts} if before else {}
    starts = (_start(old.get(action.name), action, now) for action in site.actions)
    level, since, under = _level(before, site.critical_probability, now)
    return SiteState(site.name, level, since, now.span, under, tuple(start for start in starts if start))


def _level(before: SiteState | None, limit: float, now: _Now) -> tuple[Level, int, int]:
    """Return level, since when, and since when it would be lower."""
    was = before.level if before else Level.QUIET
    critical, under = _holds(was is Level.CRITICAL, limit, before.under if before else 0, now)
    level = Level.CRITICAL if critical else Level.WARN
    return level, before.since if before and level is was else now.time, under


def _start(old: Start | None, action: Action, now: _Now) -> Start | None:
    stands, under = _holds(old is not None, action.probability, old.under if old else 0, now)
    if not stands:
        return None
    by = now.span.early - round(action.lead_s * SECOND)
    late, later = (now.ahead.before(now.row, action.lead_s + wait) for wait in (0.0, LATER))
    told = by if old is None or by <= old.told - SOONER else old.told
    return Start(action.name, by, late, later, old.since if old else now.time, under, told)


def _holds(stood: bool, limit: float, under: int, now: _Now) -> tuple[bool, int]:
    """Return whether something stands that begins at a probability, and since when it has been under what holds it."""
    if now.span.probability >= (now.settings.relax if stood else 1.0) * limit:
        return True, 0
    if not stood:
        return False, 0
    under = under or now.time
    stays = now.time - under < now.settings.relax_after_s * SECOND
    return stays, under if stays else 0
