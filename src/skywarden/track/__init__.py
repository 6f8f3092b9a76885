"""The tracker: detections in, tracks out.

For researchers: `Filter` and what it needs; docs/filter.md shows it at work. For the engine: `step.track`;
docs/tracker.md says what it does and why.
"""

from skywarden.track.air import Air
from skywarden.track.mixture import Mixture
from skywarden.track.pmb import Estimates, Filter, FilterSettings, Sensor, Unseen, evenly

__all__ = ["Air", "Estimates", "Filter", "FilterSettings", "Mixture", "Sensor", "Unseen", "evenly"]
