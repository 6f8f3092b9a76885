"""Why a track must not be handed over, or no longer: it may be another one, a friend is near, nobody sees it now."""

from math import erfc, sqrt

import numpy as np

from skywarden.model.assessment import Category
from skywarden.model.decision import Cue, Handed
from skywarden.model.place import F64
from skywarden.model.track import Picture, Status
from skywarden.track.states import at

SECOND = 1_000_000_000  # ns
COASTS = 15 * SECOND  # ns that a track may go unseen
SWAPPED = 0.05  # probability that two tracks have been taken for each other
FRIEND_GATE = 3000.0  # m around the cue, beyond its own error, in which no friend may be
NEAR = 20_000.0  # m; farther tracks are not taken for each other
FRIENDS = (Category.FRIEND, Category.ASSUMED_FRIEND)


def danger(picture: Picture, of: Cue | Handed) -> str:
    """Return why a track that was shown, or handed over, must not stand now; "" nothing is against it.

    of: by its number, its label and its category, all of which must be what they were.
    """
    table = picture.tracks
    rows = np.flatnonzero((table.number == of.track) & table.shown())
    if of.track <= 0 or not len(rows):
        return "there is no such track any more"
    row = int(rows[0])
    if int(table.label[row]) != of.label:
        return "the track is not what it was"
    identity = next((one for one in picture.identities if one.track == of.track), None)
    category = identity.category if identity else Category.PENDING
    if category is not of.category:
        return f"it is {category} now, it was {of.category}"
    if category in FRIENDS:
        return f"it is {category}"
    if picture.time - int(table.heard[row]) > COASTS:
        return f"nothing has seen it for {(picture.time - int(table.heard[row])) // SECOND} s"
    return _beside(picture, row)


def _beside(picture: Picture, row: int) -> str:
    """Return what is wrong with who flies near: a friend, or one that it may have been taken for."""
    table = picture.tracks
    distance = np.linalg.norm(table.mean[:, :3] - table.mean[row, :3], axis=1)
    live = (distance < NEAR) & (table.status != Status.DROPPED)
    live[row] = False
    others = np.flatnonzero(live)
    if not len(others):
        return ""
    mean, covariance = at(table.take(np.array([row, *others])), picture.time)
    friends = {one.track for one in picture.identities if one.category in FRIENDS or one.flight}
    for k, other in enumerate(others.tolist(), 1):
        apart = float(np.linalg.norm(mean[k, :3] - mean[0, :3]))
        spread = 2.0 * sqrt(float(np.trace(covariance[k, :3, :3]) + np.trace(covariance[0, :3, :3])))
        if int(table.number[other]) in friends and apart < FRIEND_GATE + spread:
            return f"track {int(table.number[other])}, a friend, is {apart / 1000.0:.1f} km away"
        if table.shown()[other] and confused(mean[k] - mean[0], 0.5 * (covariance[k] + covariance[0])) > SWAPPED:
            return f"it may have been taken for track {int(table.number[other])}"
    return ""


def confused(apart: F64, covariance: F64) -> float:
    """Return the probability that two targets that are equally likely are taken for each other.

    apart: (6,) difference of their states; covariance: (6, 6), the mean of theirs. Bayes error of two normal
    distributions with one covariance, Phi(-d / 2), d the Mahalanobis distance. Source: Fukunaga 1990, section 3.1.
    """
    square = float(apart @ np.linalg.solve(covariance, apart))
    return 0.5 * erfc(sqrt(max(square, 0.0)) / 2.0 / sqrt(2.0))
