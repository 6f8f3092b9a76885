"""Mode S and ADS-B: frames as JSON lines (`modes`) and as Beast messages (`beast`).

bytes -> carrier (lines, beast) -> message (fields of one frame) -> receiver (memory, checks) -> batch (Detections)
"""

from skywarden.sensors.modes.beast import Beast
from skywarden.sensors.modes.lines import ModeS

__all__ = ["Beast", "ModeS"]
