"""From many reports of people to few events: what is of one thing, who else has seen it, what reporters are worth.

Beside the tracker, which uses the same reports on its own: nothing here changes a track, an identity or an alert.
"""

from skywarden.triage.stage import ReportEvent, triaged, unsaid
from skywarden.triage.tell import gathered

__all__ = ["ReportEvent", "gathered", "triaged", "unsaid"]
