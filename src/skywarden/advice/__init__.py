"""Which response unit could meet which group: advice that a person accepts, changes or refuses. Nothing is ordered."""

from skywarden.advice.stage import AdviceEvent, Known, advices, over

__all__ = ["AdviceEvent", "Known", "advices", "over"]
