"""What makes a raid critical, and how often people are disturbed for it."""

import msgspec


class RaidSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How alerts are put together and announced. docs/raids.md has the reasons."""

    relax: float = 0.6  # times its own limit a level or an action stays: noise must not switch it
    relax_after_s: float = 30.0  # s under that, until it falls
    announcements: int = 6  # that may follow each other at once
    announce_every_s: float = 600.0  # s, after which one more may
    announce_most: int = 8  # in ten minutes, with those of what is critical or of another kind, which do not wait else
    pause_s: float = 15.0  # s between two of them: what comes in between is told with the next
    acknowledge_s: float = 60.0  # s that an announcement waits for somebody before another position is told
