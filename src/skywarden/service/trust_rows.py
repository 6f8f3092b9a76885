"""Whom to believe, as people's programs read of it."""

import msgspec

from skywarden.model.track import Picture
from skywarden.model.trust import Word


class TrustRow(msgspec.Struct, frozen=True):
    """The word on one sensor or source; see `model.trust.Standing`. until: ns, of what a person says, None nobody.

    alone: None where it is not known.
    """

    sensor: str
    word: Word
    since: int
    reasons: tuple[str, ...]
    by: str
    until: int | None
    plots: float
    outside: float
    ratio: float
    alone: float | None


def trust(picture: Picture) -> list[TrustRow]:
    """Return a row for each sensor and source of which anything may be said."""
    until = {one.name: one.until for one in picture.trust.rulings}
    return [
        TrustRow(
            one.name,
            one.word,
            one.since,
            one.reasons,
            one.by,
            until.get(one.name),
            one.plots,
            one.outside,
            one.ratio,
            round(one.alone, 2) if one.asked >= 1.0 else None,
        )
        for one in picture.trust.standing
    ]
