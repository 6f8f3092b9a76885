"""Which unit could meet which group, or look at it: advice that people accept, change or refuse. Nothing is ordered."""

from skywarden.advice.known import Known
from skywarden.advice.stage import AdviceEvent, advices, over

__all__ = ["AdviceEvent", "Known", "advices", "over"]
