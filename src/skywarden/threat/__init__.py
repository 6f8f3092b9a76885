"""Which track could reach which site, when, and how likely."""

from skywarden.threat.past import flown
from skywarden.threat.stage import Seen, ThreatSettings, evaluate

__all__ = ["Seen", "ThreatSettings", "evaluate", "flown"]
