"""What each track is and who it says it is: evidence of all kinds, with odds, category and reasons."""

from skywarden.identify.category import IdentifySettings
from skywarden.identify.reasons import Reason, Why, reasons
from skywarden.identify.rows import viewed
from skywarden.identify.single import Ears
from skywarden.identify.stage import Aside, Before, Given, Heard, identify

__all__ = [
    "Aside",
    "Before",
    "Ears",
    "Given",
    "Heard",
    "IdentifySettings",
    "Reason",
    "Why",
    "identify",
    "reasons",
    "viewed",
]
