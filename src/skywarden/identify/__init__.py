"""Who and what a track is: what it says of itself, and which of that cannot be true."""

from skywarden.identify.claims import identify

__all__ = ["identify"]
