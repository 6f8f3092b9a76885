"""Which track could reach which site, when, and how likely. A stage of `pipeline.step`.

Of a target whose place is known, a table says what came of courses like its own (`course`); how badly its heading is
known is reckoned with. Of a track that is only a wide region straight ways are counted (`straight`).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skywarden.model.assessment import Category, Identity, Threat
from skywarden.model.past import Past
from skywarden.model.place import F64, I64, Site
from skywarden.model.track import Tracks
from skywarden.threat.course import LEVELS, Course, Passing, courses, forecast, shipped, turns
from skywarden.threat.near import SLOWEST, Looked, Pairs, near, places
from skywarden.threat.past import recalled
from skywarden.threat.straight import passages

LEARNED = (60.0, 2.0)  # m, m/s: errors in the cases of the table
UNSURE = np.radians(2.0)  # of heading, beyond what was learned, from which on it is reckoned with
PLACED = 300.0  # m, the same of a place
THREE = ((-np.sqrt(3.0), 1 / 6), (0.0, 2 / 3), (np.sqrt(3.0), 1 / 6))  # Gauss-Hermite: sigmas and weights
ALERTING = (Category.SUSPECT, Category.HOSTILE)


class ThreatSettings(Protocol):
    """What this stage needs of alert.AlertSettings; see there."""

    @property
    def alert_on(self) -> str: ...
    @property
    def horizon_s(self) -> float: ...
    @property
    def floor_probability(self) -> float: ...
    @property
    def wander_ratio(self) -> float: ...
    @property
    def wander_time_s(self) -> float: ...


class Seen(NamedTuple):
    """What is seen now, what it is, and how it flew until now."""

    tracks: Tracks
    identities: tuple[Identity, ...] = ()
    past: Past = Past()


def evaluate(seen: Seen, time: int, sites: Sequence[Site], settings: ThreatSettings) -> tuple[Threat, ...]:
    """Return a Threat for each shown track and site it could reach, in the order of the sites, then of track numbers.

    time: ns. Left out: probability under `floor_probability`, a median arrival after the horizon (`horizon_s`, or twice
    the site's lead time where that is longer), and what moves under 1 m/s, unless it is inside the radius.
    Inside the radius arrival is 0 and probability 1, unless only a wide region is known of the track (`TrackKind`): the
    middle of that is no place, and only probabilities count.
    """
    tracks = seen.tracks
    counted = _counted(seen, settings.alert_on)
    if not len(counted) or not sites:
        return ()
    blur = _blur(tracks)
    limits = turns(shipped(), settings.floor_probability)
    looked = Looked(tracks, counted, recalled(seen.past, tracks), blur.hardly_known())
    pairs = near(looked, time, places(sites, settings.horizon_s), limits)
    away = (pairs.offset**2).sum(1) > pairs.radius**2
    moves = (pairs.velocity**2).sum(1) >= SLOWEST**2
    comes = (pairs.offset * pairs.velocity).sum(1) < 0.0
    here = ~away & ~pairs.vague
    on_way = np.flatnonzero(away & ~pairs.vague & moves)
    region = np.flatnonzero(pairs.vague & moves & (comes | ~away))
    chance, times = np.where(here, 1.0, 0.0), np.zeros((len(away), len(LEVELS)))
    chance[on_way], times[on_way] = _on_way(pairs.take(on_way), blur, settings.floor_probability)
    chance[region], times[region] = _of_region(pairs.take(region), tracks, settings)
    keep = np.flatnonzero((chance >= settings.floor_probability) & (times[:, 3] <= pairs.horizon))
    number = tracks.number[pairs.track]
    keep = keep[np.lexsort((number[keep], pairs.site[keep]))]
    names = [site.name for site in sites]
    rows = zip(*(column[keep].tolist() for column in (number, pairs.site, chance, times, pairs.vague)), strict=True)
    return tuple(Threat(track, names[site], p, tuple(when), wide) for track, site, p, when, wide in rows)


def _counted(seen: Seen, alert_on: str) -> I64:
    """Return the rows of the tracks that may raise an alert."""
    shown = seen.tracks.shown()
    if alert_on == "suspect":
        suspect = [identity.track for identity in seen.identities if identity.category in ALERTING]
        shown &= np.isin(seen.tracks.number, suspect)
    return np.flatnonzero(shown)


class Blur(NamedTuple):
    """How badly n tracks are known, beyond the table's cases: variances of heading rad^2, of place across it m^2."""

    turn: F64
    place: F64

    def hardly_known(self) -> NDArray[np.bool_]:
        """Return (n,) which could fly anywhere, as far as is known."""
        return np.asarray((self.turn > UNSURE**2) | (self.place > PLACED**2), bool)


def _on_way(pairs: Pairs, blur: Blur, floor: float) -> tuple[F64, F64]:
    """Return (k,) probabilities and (k, LEVELS) s, of tracks whose place is known and which are outside."""
    course = courses(Passing(pairs.offset, pairs.velocity, pairs.mean, pairs.steady, pairs.radius))
    table = shipped()
    sigma = np.sqrt(blur.turn[pairs.track] + blur.place[pairs.track] / (pairs.offset**2).sum(1))
    unsure = np.flatnonzero(sigma > UNSURE)
    chance, times = forecast(course, table, floor)
    if len(unsure):
        some = Course(*(column[unsure] for column in course))
        chance[unsure], times[unsure] = _blurred(some, np.degrees(sigma[unsure]))
    return chance, times


def _blurred(course: Course, sigma: F64) -> tuple[F64, F64]:
    """Return the same where the heading is badly known: of three headings. sigma: (k,) deg."""
    chance, times = np.zeros(len(sigma)), np.zeros((len(sigma), len(LEVELS)))
    for sigmas, weight in THREE:
        off = course.off + sigmas * sigma
        one, when = forecast(course._replace(off=off), shipped())
        chance += weight * one
        times += (weight * one)[:, None] * when
    return chance, times / chance[:, None]


def _blur(tracks: Tracks) -> Blur:
    """Return how badly tracks are known."""
    up = tracks.mean[:, :3] / np.sqrt((tracks.mean[:, :3] ** 2).sum(1))[:, None]
    left = np.cross(up, tracks.mean[:, 3:])
    speed = np.maximum(np.sqrt((left**2).sum(1)), SLOWEST)
    left /= speed[:, None]
    place, velocity = (
        np.einsum("ki,kij,kj->k", left, tracks.covariance[:, part, part], left) for part in (slice(3), slice(3, 6))
    )
    turn = np.maximum(velocity - LEARNED[1] ** 2, 0.0) / speed**2
    return Blur(turn, np.maximum(place - LEARNED[0] ** 2, 0.0))


def _of_region(pairs: Pairs, tracks: Tracks, settings: ThreatSettings) -> tuple[F64, F64]:
    """Return the same of tracks of which only a wide region is known: a normal distribution of straight ways."""
    found = passages(pairs, tracks.covariance[pairs.track], settings.wander_ratio, settings.wander_time_s)
    times = found.arrival[:, None] + found.sigma[:, None] * ndtri(np.array(LEVELS))
    return found.probability, np.maximum(times, 0.0)
