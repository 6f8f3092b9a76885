"""Sites as people's programs read of them: the word of each, the cells that are not watched, and who watches."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from skywarden.model.place import SECTORS, Site
from skywarden.model.track import Picture
from skywarden.model.watched import ENOUGH, HEIGHTS, LAYERS, SHAPE, SPEEDS, Watch
from skywarden.watch import WHY, Said, clear

DIGITS = 3


class SiteWord(msgspec.Struct, frozen=True):
    """What may be said of one site. word: see `watch.Word`. blind: cells that are not watched.

    looked: ns, when that was worked out.
    """

    site: str
    word: str
    blind: tuple[str, ...]
    looked: int | None


def said(picture: Picture, sites: Sequence[Site], choosy: bool = False) -> dict[str, Said]:
    """Return what may be said of each site. choosy: only suspect tracks are listed, so any track may be on its way."""
    alerts = {alert.site for alert in picture.alerts}
    threats = {picture.threats.sites[row] for row in np.unique(picture.threats.site).tolist()}
    if choosy and picture.tracks.shown().any():
        threats = {site.name for site in sites}
    return {site.name: clear(site.name, alerts, threats, picture.watch) for site in sites}


def rows(words: dict[str, Said], watch: Watch) -> list[SiteWord]:
    """Return a row for each site."""
    looked = dict(zip(watch.posts.sites, watch.at.tolist(), strict=True))
    return [SiteWord(name, one.word, one.blind, looked.get(name) or None) for name, one in words.items()]


def watched(picture: Picture, words: dict[str, Said]) -> dict[str, Any]:
    """Return /api/watched: what is known of each cell, and why sensors do not count."""
    watch, posts = picture.watch, picture.watch.posts
    found = []
    for row in rows(words, watch):
        seen = watch.seen[posts.sites.index(row.site)] if row.site in posts.sites else np.zeros(SHAPE)
        values = np.floor(seen.astype(float) * 10**DIGITS) / 10**DIGITS  # no rounding makes a cell watched
        found.append({**msgspec.structs.asdict(row), "seen": values.min(2).tolist(), "by_speed": values.tolist()})
    return {
        "time": picture.time,
        "sectors": SECTORS,
        "layers": LAYERS,
        "heights_m": HEIGHTS,
        "speeds_m_s": SPEEDS,
        "enough": ENOUGH,
        "sites": found,
        "sensors": [
            {"sensor": name, "counts": not why, "why": WHY[why]}
            for name, why in zip(posts.names, watch.why.tolist(), strict=True)
        ],
        "microphones": {"enrolled": len(posts.ears), "counted": int(watch.hearing.sum())},
    }
