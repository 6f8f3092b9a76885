"""Hand-overs of a cue to a partner: by one decision of one named person, for a minute, and never by the system."""

from skywarden.handover.cue import cue, digest
from skywarden.handover.stage import LEAST, HandoverEvent, decided, ended, kept

__all__ = ["LEAST", "HandoverEvent", "cue", "decided", "digest", "ended", "kept"]
