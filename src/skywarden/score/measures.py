"""Every measure of the judge: its unit, its definition in two languages, its source. One row each."""

from skywarden.score.lacking import NEEDED
from skywarden.score.measure import Measure
from skywarden.score.track_measures import TRACK_MEASURES
from skywarden.score.warning_measures import WARNING_MEASURES

MEASURES: dict[str, Measure] = {**WARNING_MEASURES, **TRACK_MEASURES}
LEVEL = ("attacks.", "lead.", "alarm.unneeded", "baseline.", "arrival.", "blind.", "error.", "followed.", "nuisance.")
SPACE = ("gospa.", "ospa.", "siap.", "nees.", "trajectory.", "first_track.", "segments.", "class.")
REASONS: dict[str, str] = dict([*(row.empty for row in MEASURES.values()), *NEEDED])
"""Every reason why there is no value: English -> Ukrainian."""


def distance(name: str) -> str:
    """Return how a measure takes distances: "level", "space", or "-" where it needs none."""
    return "level" if name.startswith(LEVEL) else "space" if name.startswith(SPACE) else "-"
