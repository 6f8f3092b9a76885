"""From alerts to what people at a site need: who comes from where, how bad it is, what to start by when, what to tell.

Kept apart from the alerts themselves: those are facts of a track and a site, and stay as they are. Here they are only
put together, so nothing of this can end, delay or hide one.
"""

from skywarden.raid.settings import RaidSettings
from skywarden.raid.stage import Warned, over, raids

__all__ = ["RaidSettings", "Warned", "over", "raids"]
