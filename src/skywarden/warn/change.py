"""Whether what is to be said of an area differs from what was said in a way that people act on."""

from enum import IntEnum

from skywarden.model.warning import SECOND, AreaWarning

SOON = 60 * SECOND  # ns; what comes within that comes now
SOONER, SOONER_PART = 60 * SECOND, 0.2  # ns, and of the time that was left
LATER, LATER_PART = 180 * SECOND, 0.3
LONGER, LONGER_PART = 600 * SECOND, 0.5  # of the last arrival
EARLIER = 30 * SECOND  # ns, of an action's begin


class Change(IntEnum):
    """The gravest that has changed."""

    NONE = 0
    BETTER = 1
    WORSE = 2
    HIGHER = 3  # the level rose


def change(told: AreaWarning, found: AreaWarning, time: int) -> Change:
    """Return how what is so at `time`, ns, differs from what was told."""
    if found.level > told.level:
        return Change.HIGHER
    if _worse(told, found, time):
        return Change.WORSE
    return Change.BETTER if _better(told, found, time) else Change.NONE


def _worse(told: AreaWarning, found: AreaWarning, time: int) -> bool:
    sites = {one.site: one.level for one in told.sites}
    more = any(one.level > sites.get(one.site, 0) for one in found.sites)
    begins = {(one.site, begin.action): begin.by for one in told.sites for begin in one.begins}
    for one in found.sites:
        for begin in one.begins:
            by = begins.get((one.site, begin.action))
            more = more or by is None or begin.by <= by - EARLIER
    left, rest = told.first - time, told.last - time
    sooner = left > SOON and told.first - found.first > max(SOONER, SOONER_PART * left)
    longer = found.last - told.last > max(LONGER, LONGER_PART * rest)
    return more or bool(set(found.kinds) - set(told.kinds)) or sooner or longer


def _better(told: AreaWarning, found: AreaWarning, time: int) -> bool:
    sites = {one.site: one for one in found.sites}
    fewer = any(one.site not in sites or one.level > sites[one.site].level for one in told.sites)
    begins = {(one.site, begin.action) for one in found.sites for begin in one.begins}
    fewer = fewer or any((one.site, begin.action) not in begins for one in told.sites for begin in one.begins)
    left = max(told.first - time, 0)
    later = found.first - time > SOON and found.first - told.first > max(LATER, LATER_PART * left)
    return fewer or found.level < told.level or bool(set(told.kinds) - set(found.kinds)) or later
