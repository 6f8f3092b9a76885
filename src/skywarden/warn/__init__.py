"""Warnings of areas: what is said of a district, or of a site on its own, and when it is said again.

Made of sites' states and groups only, so that no track's place can be in it. Pure: what sends it is `service.outbox`.
"""

from skywarden.warn.stage import Areas, areas, ended, warn

__all__ = ["Areas", "areas", "ended", "warn"]
