"""The whole judgement of one or several raids: what each figure and each drawing is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.alarms import Alarms, Flood, alerts_judged, flood, judged
from skywarden.score.arrivals import Settled, settled
from skywarden.score.attacks import Attacks, attacks
from skywarden.score.baselines import DISC_RADIUS, Training, discs, districts, flown, tuned
from skywarden.score.case import Case
from skywarden.score.covered import Blind, blind, looks
from skywarden.score.nearby import Near, near, rows_of, target_of
from skywarden.score.nuisance import Apart, Nuisance, apart, nuisance
from skywarden.score.quality import Quality, quality

LIMIT = 500.0  # m, level; a track further from every target than this is nobody's


@dataclass(frozen=True, slots=True)
class Judged:
    """One raid. parts: without its nuisances; owner: the target of each track. alerts, flood: None without a
    table of alerts.

    quality: of the tracks without nuisances. nuisance: what was made of those.
    """

    case: Case
    parts: Apart
    owner: I64
    attacks: Attacks
    alerts: Alarms | None
    baselines: tuple[Alarms, ...]
    flood: Flood | None
    blind: tuple[Blind, ...]
    settled: Settled
    quality: Quality
    nuisance: Nuisance


def verdict(cases: Sequence[Case], limit: float = LIMIT) -> tuple[Judged, ...]:
    """Return the judgement of each case.

    limit: c, m, level distance within which a track may be a target's. The tuned disc of a raid is tuned on all others,
    or on itself when it is the only one, which favours the disc.
    """
    plain = [_judged(given, limit) for given in cases]
    alerts = [one.alerts for one in plain if one.alerts is not None]
    warned = any(one.case.alerts is not None and one.case.alerts.tracks for one in plain)
    if not warned or len(alerts) < len(plain):  # no missed part that a disc could be tuned to
        return tuple(plain)
    trained = [_training(one) for one in plain]
    came = np.concatenate([one.late for one in alerts])
    missed = float(came.mean()) if len(came) else 0.0
    return tuple(_with_tuned(one, _others(trained, row), missed) for row, one in enumerate(plain))


def _judged(given: Case, limit: float) -> Judged:
    pairs = near(given, limit)
    owner = target_of(given, pairs)
    came = attacks(given, pairs)
    table = looks(given)
    tracks = flown(given)
    baselines = (
        judged(given, "district", districts(tracks), came),
        judged(given, "disc-30-km", discs(tracks, DISC_RADIUS), came, DISC_RADIUS),
    )
    dark = () if table is None else tuple(blind(given, table))
    parts = apart(given, pairs)
    return Judged(
        given,
        parts,
        owner,
        came,
        alerts_judged(given, came),
        baselines,
        flood(given),
        dark,
        settled(given, owner),
        quality(parts.wanted, limit, given if parts.nuisance.any() else None),
        nuisance(given, parts, owner),
    )


def _training(one: Judged) -> Training:
    return Training(flown(one.case), one.attacks.site, one.attacks.arrival, one.attacks.need)


def _others(trained: Sequence[Training], row: int) -> list[Training]:
    rest = [raid for number, raid in enumerate(trained) if number != row]
    return rest or list(trained)


def _with_tuned(one: Judged, others: Sequence[Training], missed: float) -> Judged:
    radius = tuned(others, missed)
    disc = judged(one.case, "disc-tuned", discs(flown(one.case), radius), one.attacks, radius)
    return replace(one, baselines=(*one.baselines, disc))


def nearest(one: Judged) -> Near:
    """Return for each track at each time the pair with the wanted target nearest to it."""
    pairs = one.parts.pairs
    order = np.lexsort((pairs.distance, pairs.track, pairs.time))
    time, track = pairs.time[order], pairs.track[order]
    first = np.r_[True, (np.diff(time) != 0) | (np.diff(track) != 0)] if len(order) else np.empty(0, bool)
    return pairs.of(order[first])


def height_off(one: Judged, limit: float = LIMIT) -> float:
    """Return the part of the track-times within c of a wanted target on the level that are not within c in space.

    Heights are why, nothing else. limit: c, m. NaN where no track is near a target.
    """
    pairs, given = nearest(one), one.parts.wanted
    truth, track = rows_of(given.truth, pairs.time, pairs.target), rows_of(given.tracks, pairs.time, pairs.track)
    apart = np.linalg.norm(given.truth.position[truth] - given.tracks.position[track], axis=1)
    return float(np.mean(apart >= limit)) if len(apart) else np.nan


def errors_by_class(one: Judged) -> dict[str, F64]:
    """Return the level errors, m, of all tracks that are near a wanted target, by the target's class."""
    pairs = nearest(one)
    names, kinds = _kinds(one)
    code = kinds[pairs.target]
    return {name: pairs.distance[code == row] for row, name in enumerate(names) if (code == row).any()}


def followed_by_class(one: Judged) -> dict[str, tuple[int, int]]:
    """Return by class the number of target-times of wanted targets, and of those with a track within the limit."""
    names, kinds = _kinds(one)
    seconds = np.bincount(kinds[one.parts.wanted.truth.id], minlength=len(names))
    both = np.unique(np.column_stack([one.parts.pairs.time, one.parts.pairs.target]), axis=0)[:, 1]
    followed = np.bincount(kinds[both], minlength=len(names))
    table = zip(names, seconds.tolist(), followed.tolist(), strict=True)
    return {name: (total, part) for name, total, part in table if total}


def _kinds(one: Judged) -> tuple[list[str], I64]:
    """Return the classes in targets.json, and (n,) which of them each of truth.names is of."""
    word = {target.name: target.kind for target in one.case.targets}
    kinds = [word.get(name, "") for name in one.case.truth.names]
    names = sorted(set(kinds))
    return names, np.array([names.index(kind) for kind in kinds], np.int64)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are at each of the truth's times, all (t,), without nuisances and their tracks. time: ns.

    followed: targets with a track within the limit; spare: tracks without a target within it.
    """

    time: I64
    targets: I64
    followed: I64
    tracks: I64
    spare: I64


def counts(one: Judged) -> Counts:
    """Return targets and tracks over time."""
    time, wanted, pairs = np.unique(one.case.truth.time), one.parts.wanted, one.parts.pairs

    def number(moments: I64) -> I64:
        return np.bincount(np.searchsorted(time, moments), minlength=len(time))

    followed = number(np.unique(np.column_stack([pairs.time, pairs.target]), axis=0)[:, 0])
    owned = number(np.unique(np.column_stack([pairs.time, pairs.track]), axis=0)[:, 0])
    tracks = number(wanted.tracks.time)
    return Counts(time, number(wanted.truth.time), followed, tracks, tracks - owned)
