"""What all rows of evidence on a track say together: odds of the classes, and of harm.

Log-likelihood ratios add up, and each sum is bounded by its range, the largest less the smallest: one source to 4 nats,
a family to 6 (motion 2), all that hears or is told by people together to 8: three microphones that hear the same moped
make no drone. A vector over its bound is scaled, so that what it says for one against another keeps its proportions.
The bounds are applied here and not while evidence is added, so that they do not depend on its order. Sums go on for as
long as the track lives.

Unknown is a class of its own: what is not in the library may sound and look like anything in it, so its likelihood, for
each family, is the mean of all. One family can make another class at most K times likelier against it, and families
that contradict each other speak for it. Source: DESIGN.md section 5.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from skywarden.identify.echo import sections
from skywarden.identify.rows import K, Rows
from skywarden.model.assessment import CLASSES, Class, Family
from skywarden.model.place import F64, I64

SOURCE, FAMILY, MOTION, HEARING = 4.0, 6.0, 2.0, 8.0  # nats of range
PRIOR: Mapping[Class, float] = {  # of a track that is shown, before anything is known of it; assumed
    Class.UAV_PISTON: 0.17,
    Class.UAV_JET: 0.05,
    Class.MULTIROTOR: 0.08,
    Class.FIXED_WING: 0.05,
    Class.DECOY: 0.08,
    Class.CRUISE: 0.04,
    Class.BALLISTIC: 0.01,
    Class.AEROPLANE: 0.20,
    Class.HELICOPTER: 0.06,
    Class.BIRD: 0.12,
    Class.NOISE: 0.06,
    Class.UNKNOWN: 0.08,
}
HARM = (Class.UAV_PISTON, Class.UAV_JET, Class.DECOY, Class.CRUISE, Class.BALLISTIC)  # what comes to do harm
LOG_PRIOR = np.log([PRIOR[word] for word in CLASSES])
HARMFUL = np.array([word in HARM for word in CLASSES])
SOME = (Class.MULTIROTOR, Class.FIXED_WING, Class.UNKNOWN)  # what may do harm, and less of it
LOSS = np.array(
    [1.0 if word in HARM else 0.3 if word in SOME else 0.0 for word in CLASSES]
)  # of what a UAV does; assumed
WHOLE = 0.9  # of it, from which a track counts as a whole one
HEARS = (Family.ACOUSTIC, Family.PEOPLE)
FAMILIES = len(Family)


class Weighed(NamedTuple):
    """What is known of m tracks. by_family: (m, FAMILIES, K) nats, bounded. odds: (m, len(CLASSES)) probabilities."""

    by_family: F64
    odds: F64


class Views(NamedTuple):
    """Three ways to see what was said. stern: what anybody may say counts for harm only. enrolled: not at all."""

    all: Weighed
    stern: Weighed
    enrolled: Weighed


def weighed(rows: Rows, number: I64, moved: I64 | None = None) -> Views:
    """Add up the rows of m tracks, one at least. number: (m,) their keys; rows of others do not count.

    moved: keys of tracks that anybody's messages have moved, whose motion then counts for harm only too.
    """
    order = np.argsort(number)
    at = order[np.minimum(np.searchsorted(number, rows["key"], sorter=order), len(number) - 1)]
    rows, at = rows[number[at] == rows["key"]], at[number[at] == rows["key"]]
    nats = vectors(rows)
    stern = _for_harm(nats, rows, moved)
    sums = np.zeros((len(number), FAMILIES, 3, K))
    every = np.stack([nats, stern, np.where(rows["anybody"][:, None], 0.0, stern)], 1)
    np.add.at(sums, (at, rows["family"]), every)
    most = np.where(np.arange(FAMILIES) == Family.MOTION, MOTION, FAMILY)
    by_family = bounded(np.moveaxis(sums, 2, 0), most).reshape(-1, FAMILIES, K)
    return Views(*map(Weighed, np.split(by_family, 3), np.split(odds(by_family), 3)))


def vectors(rows: Rows) -> F64:
    """Return (n, K) nats of each row, bounded."""
    nats = rows["nats"].copy()
    heard = rows["echoes"] > 0
    nats[heard] += sections(rows["echo"][heard] / rows["echoes"][heard], rows["echoes"][heard])
    return bounded(nats, SOURCE)


def _for_harm(nats: F64, rows: Rows, moved: I64 | None) -> F64:
    """Return vectors in which what anybody may say makes all that is harmful likelier by one factor, or is nothing.

    So whatever is sent by anybody, harm never becomes less likely by it: not even by a word for another harm.
    """
    flown = (rows["family"] == Family.MOTION) & np.isin(rows["key"], np.zeros(0, np.int64) if moved is None else moved)
    harmful = np.where(flown, np.maximum(factor(nats), 0.0), np.minimum(rows["harm"], SOURCE))
    for_it = harmful[:, None] * HARMFUL[:K]
    return np.where((rows["anybody"] | flown)[:, None], for_it, nats)


def bounded(nats: F64, most: F64 | float) -> F64:
    """Return vectors (..., K) scaled so that their range is at most `most`, which broadcasts to (...)."""
    reach = nats.max(-1) - nats.min(-1)
    scale = np.where(reach > most, most / np.maximum(reach, 1e-300), 1.0)
    return np.asarray(nats * scale[..., None])


def kinds(by_family: F64) -> F64:
    """Return (m, FAMILIES, K): independent kinds. What hears and what people tell are one, under ACOUSTIC."""
    found = by_family.copy()
    found[:, Family.ACOUSTIC] = bounded(by_family[:, HEARS].sum(1), HEARING)
    found[:, Family.PEOPLE] = 0.0
    return found


def odds(by_family: F64) -> F64:
    """Return (m, len(CLASSES)) probabilities."""
    parts = kinds(by_family)
    log = np.empty((len(by_family), K + 1))
    log[:, :K] = parts.sum(1)
    log[:, K] = (np.log(np.exp(parts - parts.max(2, keepdims=True)).mean(2)) + parts.max(2)).sum(1)
    log += LOG_PRIOR
    found = np.exp(log - log.max(1, keepdims=True))
    return np.asarray(found / found.sum(1, keepdims=True))


def harm(chances: F64) -> F64:
    """Return (m,) the probability of what comes to do harm."""
    return np.asarray(chances[:, HARMFUL].sum(1))


def stake(views: Views) -> F64:
    """Return (m,) from 0 to 1, what a track would do if it came: 1 what a one-way UAV does, 0 what a bird does.

    What anybody may say never makes it less: at their bounds sums may, so the worse of two views counts.
    """
    most = np.maximum(views.stern.odds @ LOSS, views.enrolled.odds @ LOSS)
    return np.asarray(np.minimum(most / WHOLE, 1.0))


def factor(nats: F64) -> F64:
    """Return (...) log of how many times likelier vectors (..., K) are if it comes to do harm than if not (Bayes)."""
    harmful = HARMFUL[:K]
    for_it, against = (np.where(part, LOG_PRIOR[:K], -np.inf) for part in (harmful, ~harmful))
    return _mean(nats, for_it) - _mean(nats, against)


def _mean(nats: F64, log_weights: F64) -> F64:
    """Return log of the weighted mean of exp(nats), -inf being no weight."""
    top = nats.max(-1, keepdims=True)
    weights = np.exp(log_weights)
    return np.asarray(np.log((np.exp(nats - top) * weights).sum(-1) / weights.sum()) + top[..., 0])
