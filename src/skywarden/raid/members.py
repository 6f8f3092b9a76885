"""Which group an alert belongs to: by what the track probably is, and by where it comes from."""

from collections.abc import Mapping, Sequence
from math import pi
from typing import NamedTuple

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.model.assessment import CLASSES, Alert
from skywarden.model.place import F64, SECTORS, Site
from skywarden.model.raid import KIND_OF, KINDS, NOWHERE, Kind, Member

SECOND = 1_000_000_000  # ns
PERSISTS = 2 * SECOND  # another kind or direction is believed once it has stood so long: one look is none
CLEAR = 0.5  # probability of a kind from which a track is taken to be it
WIDTH = 2 * pi / len(SECTORS)
OVERLAP = WIDTH / 4  # rad by which a bearing may leave its sector before the direction is another
NEAR = 1.5  # radii; closer than that, where it comes from is no longer told by where it is

_TO_KIND = np.array([[KIND_OF.get(one, Kind.UNKNOWN) == kind for kind in KINDS] for one in CLASSES], float)


class Where(NamedTuple):
    """Where tracks are now. row: public number -> row of `position`, (n, 3) ECEF m."""

    row: Mapping[int, int]
    position: F64


class Frame(NamedTuple):
    """A site's level plane. centre: ECEF m; axes: (2, 3) east and north; near: m."""

    centre: F64
    axes: F64
    near: float


class Seen(NamedTuple):
    """From where a track is seen at a site. bearing: rad clockwise from north; near: too near to tell by it."""

    bearing: float
    near: bool


def members(
    before: Sequence[Member],
    alerts: Sequence[Alert],
    odds: Mapping[int, Sequence[float]],
    where: Where,
    now: tuple[int, Sequence[Site]],
) -> tuple[Member, ...]:
    """Return a member for each alert. odds: public number -> probability of each class; now: ns, and the sites.

    A track that is gone stays what it was, and where it came from.
    """
    time, sites = now
    known = {(one.site, one.track): one for one in before}
    kinds = likely([odds.get(alert.track, ()) for alert in alerts])
    found = []
    for alert, kind, seen in zip(alerts, kinds, _seen(alerts, where, sites), strict=True):
        old = known.get((alert.site, alert.track))
        if old is None:
            way = NOWHERE if seen is None else sector(seen.bearing)
            found.append(Member(alert.site, alert.track, kind or Kind.UNKNOWN, way))
        else:
            found.append(_directed(_named(old, kind, time), seen, time))
    return tuple(found)


def likely(odds: Sequence[Sequence[float]]) -> list[Kind | None]:
    """Return the kind of each that is clear; None where none is, and where nothing is known."""
    nothing = (0.0,) * len(CLASSES)
    shares = np.array([row or nothing for row in odds]).reshape(-1, len(CLASSES)) @ _TO_KIND
    best = shares.argmax(1)
    clear = shares[np.arange(len(best)), best] >= CLEAR
    named = (KINDS[k] if good else None for k, good in zip(best.tolist(), clear.tolist(), strict=True))
    return [None if kind is Kind.UNKNOWN else kind for kind in named]


def _seen(alerts: Sequence[Alert], where: Where, sites: Sequence[Site]) -> list[Seen | None]:
    """Return from where the track of each alert is seen at its site; None where there is no such track or site."""
    place = {site.name: k for k, site in enumerate(sites)}
    pairs = [(where.row.get(alert.track, -1), place.get(alert.site, -1)) for alert in alerts]
    found: list[Seen | None] = [None] * len(alerts)
    some = [k for k, pair in enumerate(pairs) if min(pair) >= 0]
    if not some:
        return found
    row, at = np.array([pairs[k] for k in some]).T
    planes = [frame(site) for site in sites]
    centre, axes, near = (np.array([plane[part] for plane in planes])[at] for part in range(3))
    east, north = np.einsum("kab,kb->ak", axes, where.position[row] - centre)
    columns = np.arctan2(east, north).tolist(), (np.hypot(east, north) < near).tolist()
    for k, bearing, close in zip(some, *columns, strict=True):
        found[k] = Seen(bearing, close)
    return found


def sector(bearing: float) -> int:
    """Return the direction of a bearing, rad clockwise from north."""
    return round(bearing / WIDTH) % len(SECTORS)


def _named(old: Member, kind: Kind | None, time: int) -> Member:
    """Take another kind over once it has persisted; what was known once is not forgotten for nothing clear."""
    if kind is None or kind is old.kind:
        return old._replace(other_kind=0) if old.other_kind else old
    since = old.other_kind or time
    if time - since >= PERSISTS or old.kind is Kind.UNKNOWN:
        return old._replace(kind=kind, other_kind=0)
    return old._replace(other_kind=since)


def _directed(old: Member, seen: Seen | None, time: int) -> Member:
    """Take another direction over once it has persisted and is well beyond the old one's edge."""
    if seen is None:
        return old._replace(other_way=0) if old.other_way else old
    if old.direction == NOWHERE:
        return old._replace(direction=sector(seen.bearing), other_way=0)
    off = abs((seen.bearing - old.direction * WIDTH + pi) % (2 * pi) - pi)
    if seen.near or off <= WIDTH / 2 + OVERLAP:
        return old._replace(other_way=0) if old.other_way else old
    since = old.other_way or time
    if time - since >= PERSISTS:
        return old._replace(direction=sector(seen.bearing), other_way=0)
    return old._replace(other_way=since)


def frame(site: Site) -> Frame:
    """Return the level plane at a site."""
    latitude, longitude = np.radians(site.latitude), np.radians(site.longitude)
    centre = ecef(latitude, longitude, site.height_m)
    return Frame(centre, np.asarray(east_north_up(latitude, longitude)[:2]), NEAR * site.radius_m)
