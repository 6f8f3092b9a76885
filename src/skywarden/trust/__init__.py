"""Whom to believe: who agrees with the others, who floods, whose times cannot be, and what people say of it.

A stage of the straight line. Quarantine takes nothing from tracks and alerts: who is in it clears nothing.
"""

from skywarden.trust.stage import measuring, over, trusted

__all__ = ["measuring", "over", "trusted"]
