"""Which track could reach which site, when, and how likely. A stage of `pipeline.step`.

Of a target whose place is known, a table says what came of courses like its own (`course`); how badly its heading is
known is reckoned with. Of a track that is only a wide region straight ways are counted (`straight`). In each tick some
of the tracks are judged (`judged`).
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import ndtri

from skywarden.model.assessment import ALARMING, Identity
from skywarden.model.past import Past
from skywarden.model.place import F64, I64, Site
from skywarden.model.threats import Judged, Threats
from skywarden.model.track import Tracks
from skywarden.threat.course import (
    LEVELS,
    MEDIAN,
    SLOWEST,
    SOON,
    Course,
    Passing,
    courses,
    forecast,
    late,
    shipped,
    turns,
)
from skywarden.threat.judged import joined, turn
from skywarden.threat.near import HELD, LEARNED, Looked, Pairs, near, places
from skywarden.threat.past import recalled
from skywarden.threat.straight import passages

KNOWN = 1e-3  # rad; a course that is known better counts as one
LOOSEST = 1.0  # of the logarithm of speed, by which one is at most taken as unknown
STEPS = np.linspace(-2.4, 2.4, 9)  # sigmas of the headings that are looked at; every other one up to WIDE
WIDE = 0.2  # rad
NORMAL = ndtri(np.array(LEVELS))


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


def evaluate(
    seen: Seen, time: int, sites: Sequence[Site], settings: ThreatSettings, before: Threats | None = None
) -> Threats:
    """Return the pairs of a shown track and a site that it could reach.

    time: ns. before: of the tick before, with the same settings; of tracks whose turn it is not that stands. None: all
    are judged, as of other sites. Left out: probability under `floor_probability`, a median arrival after the horizon
    (`horizon_s`, or twice the site's lead time where that is longer), and what moves under 1 m/s, unless it is inside
    the radius.
    Inside the radius arrival is 0 and probability 1, unless only a wide region is known of the track (`TrackKind`): the
    middle of that is no place, and only probabilities count.
    """
    names = tuple(site.name for site in sites)
    if before is None or before.sites != names:
        before = Threats(sites=names)
    if not sites:
        return before
    now = turn(before.judged, seen.tracks, _counted(seen, settings.alert_on), time)
    found = _found(seen._replace(tracks=seen.tracks.take(now.rows)), time, sites, settings) if len(now.rows) else None
    return joined(before, found or Threats(), now)


def _found(seen: Seen, time: int, sites: Sequence[Site], settings: ThreatSettings) -> Threats:
    """Return the pairs of all these tracks."""
    tracks = seen.tracks
    blur, floor = _blur(tracks), settings.floor_probability
    looked = Looked(tracks, np.arange(len(tracks)), recalled(seen.past, tracks), blur.turn, blur.place)
    pairs = near(looked, time, places(sites, settings.horizon_s), turns(shipped(), floor))
    if not len(pairs.track):
        return Threats()
    away = (pairs.offset**2).sum(1) > pairs.radius**2
    moves = (pairs.velocity**2).sum(1) >= SLOWEST**2
    miss = _missed(pairs)
    here = ~away & ~pairs.vague
    on_way = np.flatnonzero(away & ~pairs.vague & moves)
    region = np.flatnonzero(pairs.vague & moves & (np.isfinite(miss) | ~away))
    chance, times = np.where(here, 1.0, 0.0), np.zeros((len(away), len(LEVELS)))
    held = (miss <= HELD * pairs.radius) & ~pairs.vague & away
    if len(on_way):
        chance[on_way], times[on_way] = _on_way(pairs.take(on_way), blur, np.where(held[on_way], 0.0, floor))
    if len(region):
        chance[region], times[region] = _of_region(pairs.take(region), tracks, settings)
    keep = np.flatnonzero(((chance >= floor) | (held & moves)) & (times[:, MEDIAN] <= pairs.horizon))
    number = tracks.number[pairs.track]
    keep = keep[np.lexsort((number[keep], pairs.site[keep]))]
    when, stake = np.full(len(number), time), _stake(seen, settings.alert_on)[pairs.track]
    return Threats(Judged(), (), number, pairs.site, when, chance, times, miss, pairs.vague, stake).take(keep)


def _stake(seen: Seen, alert_on: str) -> F64:
    """Return (n,) from 0 to 1, what each track would do if it came, as far as that counts."""
    if alert_on != "harm":
        return np.ones(len(seen.tracks))
    known = {identity.track: identity.stake for identity in seen.identities}
    return np.array([known.get(number, 1.0) for number in seen.tracks.number.tolist()])


def _missed(pairs: Pairs) -> F64:
    """Return (k,) m by which straight ways pass the site, inf of those that fly away from it."""
    speed = np.maximum(np.hypot(*pairs.velocity.T), 1e-9)
    aside = np.abs(pairs.offset[:, 0] * pairs.velocity[:, 1] - pairs.offset[:, 1] * pairs.velocity[:, 0]) / speed
    return np.where((pairs.offset * pairs.velocity).sum(1) < 0.0, aside, np.inf)


def _counted(seen: Seen, alert_on: str) -> I64:
    """Return the rows of the tracks that may raise an alert."""
    shown = seen.tracks.shown()
    if alert_on == "suspect":
        alarming = [one for one in seen.identities if one.category in ALARMING or one.proposed in ALARMING]
        suspect = [identity.track for identity in alarming]
        shown &= np.isin(seen.tracks.number, suspect)
    return np.flatnonzero(shown)


class Blur(NamedTuple):
    """How badly n tracks are known. turn: rad^2 of heading; place: m^2 across it; speed: of the logarithm of speed."""

    turn: F64
    place: F64
    speed: F64


def _blur(tracks: Tracks) -> Blur:
    """Return how badly tracks are known."""
    up = tracks.mean[:, :3] / np.sqrt((tracks.mean[:, :3] ** 2).sum(1))[:, None]
    left = _cross(up, tracks.mean[:, 3:])
    speed = np.maximum(np.sqrt((left**2).sum(1)), SLOWEST)
    left /= speed[:, None]
    ahead = _cross(left, up)
    place, aside, along = (
        np.einsum("ki,kij,kj->k", way, tracks.covariance[:, part, part], way)
        for way, part in ((left, slice(3)), (left, slice(3, 6)), (ahead, slice(3, 6)))
    )
    fast = np.sqrt(np.maximum(along / speed**2 - LEARNED**2, 0.0))
    return Blur(aside / speed**2, np.maximum(place, 0.0), np.minimum(fast, LOOSEST))


def _cross(a: F64, b: F64) -> F64:
    """Return (n, 3) cross products; of some hundred, numpy's own takes three times as long."""
    (x, y, z), (u, v, w) = a.T, b.T
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], 1)


def _on_way(pairs: Pairs, blur: Blur, floor: F64) -> tuple[F64, F64]:
    """Return (k,) probabilities and (k, LEVELS) s, of tracks whose place is known and which are outside.

    floor: (k,) probability under which no times are worked out.
    """
    known = blur.turn[pairs.track] + blur.place[pairs.track] / (pairs.offset**2).sum(1)
    sigma = np.sqrt(np.maximum(known - LEARNED**2, 0.0))
    chance, times = forecast(courses(_passing(pairs)), shipped(), floor)
    unsure = np.flatnonzero(sigma > KNOWN)
    if len(unsure):
        chance[unsure], times[unsure] = _blurred(pairs.take(unsure), sigma[unsure], floor[unsure])
    return chance, _loosened(times, blur.speed[pairs.track])


def _passing(pairs: Pairs, angle: F64 | float = 0.0) -> Passing:
    """Return pairs, their velocities turned by angles, rad."""
    cosine, sine = np.cos(angle), np.sin(angle)
    u, v = pairs.velocity.T
    turned = np.stack([u * cosine - v * sine, u * sine + v * cosine], 1)
    return Passing(pairs.offset, turned, pairs.mean, pairs.steady, pairs.radius)


def _blurred(pairs: Pairs, sigma: F64, floor: F64) -> tuple[F64, F64]:
    """Return the same of several headings each, where it is badly known. sigma: (k,) rad."""
    chance, times = np.zeros(len(sigma)), np.full((len(sigma), len(LEVELS)), np.nan)
    for some, steps in ((sigma <= WIDE, STEPS[::2]), (sigma > WIDE, STEPS)):
        rows = np.flatnonzero(some)
        if len(rows):
            chance[rows], times[rows] = _mixed(pairs.take(rows), sigma[rows], floor[rows], steps)
    return chance, times


def _mixed(pairs: Pairs, sigma: F64, floor: F64, steps: F64) -> tuple[F64, F64]:
    """Return the mean over headings, `steps` sigmas off; of times, weighed by how likely each leads there.

    All headings of all pairs are looked up at once: of few pairs the calls would cost most.
    """
    weights = np.exp(-0.5 * steps**2) / np.exp(-0.5 * steps**2).sum()
    many = pairs.take(np.tile(np.arange(len(sigma)), len(steps)))
    ways = courses(_passing(many, np.outer(steps, sigma).reshape(-1)))
    each = weights[:, None] * forecast(ways, shipped(), np.inf)[0].reshape(len(steps), -1)
    chance, times = each.sum(0), np.full((len(sigma), len(LEVELS)), np.nan)
    some = np.flatnonzero(chance >= floor)
    part = Course(*(column.reshape(len(steps), -1)[:, some].reshape(-1) for column in ways))
    after = forecast(part, shipped())[1].reshape(len(steps), len(some), len(LEVELS))
    times[some] = ((each[:, some] / chance[some])[..., None] * after).sum(0)
    return chance, times


def _loosened(times: F64, sigma: F64) -> F64:
    """Return times, changed in place: intervals as wide as the speed is badly known. sigma: (k,) of its logarithm."""
    some = np.flatnonzero((sigma > 0.0) & np.isfinite(times[:, MEDIAN]))
    middle = late(times[some, MEDIAN, None])
    wider = np.sign(NORMAL) * np.hypot(late(times[some]) - middle, NORMAL * sigma[some, None])
    times[some] = np.maximum(np.exp(middle + wider) - SOON, 0.0)
    return times


def _of_region(pairs: Pairs, tracks: Tracks, settings: ThreatSettings) -> tuple[F64, F64]:
    """Return the same of tracks of which only a wide region is known: a normal distribution of straight ways."""
    found = passages(pairs, tracks.covariance[pairs.track], settings.wander_ratio, settings.wander_time_s)
    times = found.arrival[:, None] + found.sigma[:, None] * NORMAL
    return found.probability, np.maximum(times, 0.0)
