"""Whether there is such a thing at all: by how many different people, standing apart, and by whether it moves.

In nats. Who stands where another one stands adds nothing, nor does the same person, nor the same circle on a map: what
is copied is one report. Names cost nothing, so those that no fact has spoken of yet count together up to NEWCOMERS.
"""

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.triage import Event, Figure, Mark, Told
from skywarden.triage.fit import FREEDOM, SECOND, covariances, metres

APART = 300.0  # m between two who stand apart
COPIED = 1500.0  # m between two circles on a map that are no copies of each other
MOVED_S = 600.0  # s, latest part of an event by which it is told whether it moves
MOVES, STANDS = 4.0, -4.0  # nats for a flight at most, and for what does not fly
FLIES = 3.0  # nats that a straight way must fit better than a place to count as none

FIRST = 1.0  # nats of the report that begins an event
PRIOR = -14.0  # nats: most of what people report is no such thing, and much of it comes together
NEWCOMERS = 20.0  # nats at most that all together say of whom no fact has spoken
SUPPORT = 20.0  # nats for a track that agrees: then it is there


def scored(events: I64, figures: F64) -> F64:
    """Return (e,) nats that an event is a thing at all."""
    people = np.minimum(figures[:, Figure.NEWCOMERS], NEWCOMERS) + figures[:, Figure.KNOWN]
    return np.asarray(PRIOR + people + figures[:, Figure.MOVES] + SUPPORT * (events[:, Event.SUPPORTED] > 0))


def copies(told: F64, marks: I64) -> NDArray[np.bool_]:
    """Return (n,) which reports add nothing to those before them: the same person, or one who stands where he does."""
    origin = float(told[0, Told.STAND_LATITUDE]), float(told[0, Told.STAND_LONGITUDE])
    place = metres(told[:, Told.STAND_LATITUDE], told[:, Told.STAND_LONGITUDE], origin)
    away = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    circle = np.isnan(told[:, Told.AZIMUTH])
    limit = np.where(circle[:, None] & circle[None], COPIED, APART)
    same = (away < limit) & (circle[:, None] == circle[None])
    same |= marks[:, [Mark.WHO]] == marks[:, Mark.WHO]
    found = np.zeros(len(told), bool)
    for k in range(1, len(told)):
        found[k] = (same[k, :k] & ~found[:k]).any()
    return found


def moves(told: F64, marks: I64) -> float:
    """Return nats for reports that a straight flight explains better than a place, bounded both ways."""
    recent = marks[:, Mark.TIME] >= marks[-1, Mark.TIME] - MOVED_S * SECOND
    told, seconds = told[recent], (marks[recent, Mark.TIME] - marks[-1, Mark.TIME]) / SECOND
    if len(told) < 3:
        return 0.0
    place = metres(told[:, Told.LATITUDE], told[:, Told.LONGITUDE], (told[-1, Told.LATITUDE], told[-1, Told.LONGITUDE]))
    covariance = covariances(told)
    still = _misfit(place, covariance, np.ones((len(place), 1)), told[:, Told.SECONDS])
    flying = _misfit(place, covariance, np.column_stack((np.ones(len(place)), seconds / 60.0)), told[:, Told.SECONDS])
    return float(np.clip(0.5 * (still - flying) - FLIES, 0.0, MOVES))


def _misfit(place: F64, covariance: F64, columns: F64, blur: F64) -> float:
    """Return the sum of -2 ln of Student's densities of what is left of places after a fit with these columns."""
    weight, n = np.ones(len(place)), columns.shape[1]
    look = np.einsum("nk,ij->nikj", columns, np.eye(2)).reshape(len(place), 2, 2 * n)
    square = np.zeros(len(place))
    velocity = np.zeros(2)
    for _ in range(3):
        known = np.linalg.inv(covariance + (blur**2)[:, None, None] * np.outer(velocity, velocity))
        part = look.transpose(0, 2, 1) @ (known * weight[:, None, None])
        mean = np.linalg.solve((part @ look).sum(0) + 1e-12 * np.eye(2 * n), (part @ place[:, :, None]).sum(0)[:, 0])
        off = place - look @ mean
        square = np.einsum("ni,nij,nj->n", off, known, off)
        weight = (FREEDOM + 2.0) / (FREEDOM + square)
        velocity = mean[2:] / 60.0 if n > 1 else velocity
    return float(((FREEDOM + 2.0) * np.log1p(square / FREEDOM)).sum())
