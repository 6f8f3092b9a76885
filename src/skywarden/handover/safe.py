"""Why a track must not be handed over, or no longer: it may be another one, a friend is near, nobody sees it now."""

import numpy as np
from scipy.special import ndtr

from skywarden.model.assessment import FRIENDS, Category, Identity
from skywarden.model.decision import Cue, Handed
from skywarden.model.place import F64
from skywarden.model.track import Picture, Status
from skywarden.track.states import at

SECOND = 1_000_000_000  # ns
COASTS = 15 * SECOND  # ns that a track may go unseen
SWAPPED = 0.05  # probability that two tracks have been taken for each other
FRIEND_GATE = 3000.0  # m around the cue, beyond its own error, in which no friend may be
NEAR = 20_000.0  # m; farther tracks are not taken for each other


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
    identity = next((one for one in picture.identities if one.track == of.track), Identity(of.track, Category.PENDING))
    if identity.category is not of.category:
        return f"it is {identity.category} now, it was {of.category}"
    if friendly(identity):
        return "it is a friend, or says so" if identity.category not in FRIENDS else f"it is {identity.category}"
    if identity.claimed_only:
        return "nobody but itself says that it is there"
    if _seen_by_quarantined(picture, row):
        return "only who is in quarantine sees it"
    if picture.time - int(table.heard[row]) > COASTS:
        return f"nothing has seen it for {(picture.time - int(table.heard[row])) // SECOND} s"
    return _beside(picture, row)


def _seen_by_quarantined(picture: Picture, row: int) -> bool:
    """Return whether all that have seen a track lately are in quarantine."""
    by, at = picture.tracks.seen_by[row], picture.tracks.seen_at[row]
    names = {picture.sensors[k] for k in by[(by >= 0) & (at > picture.time - COASTS)].tolist()}
    return bool(names) and names <= picture.trust.quarantined


def friendly(one: Identity) -> bool:
    """Say whether anybody takes a track for a friend: a person, the system, or the register of our flights.

    Nor may a friend be lost to this because who sees it was put in quarantine.
    """
    return one.category in FRIENDS or one.proposed in FRIENDS or one.flight != "" or one.perhaps_friend


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
    apart = mean[1:] - mean[0]
    away = np.linalg.norm(apart[:, :3], axis=1)
    spread = 2.0 * np.sqrt(np.trace(covariance[1:, :3, :3] + covariance[0, :3, :3], axis1=1, axis2=2))
    friends = [one.track for one in picture.identities if friendly(one)]
    near = np.isin(table.number[others], friends) & ~(away >= FRIEND_GATE + spread)
    if near.any():
        first = int(near.argmax())
        return f"track {int(table.number[others[first]])}, a friend, is {away[first] / 1000.0:.1f} km away"
    alike = table.shown()[others] & ~(confused(apart, 0.5 * (covariance[1:] + covariance[0])) <= SWAPPED)
    return f"it may have been taken for track {int(table.number[others[alike.argmax()]])}" if alike.any() else ""


def confused(apart: F64, covariance: F64) -> F64:
    """Return (n,) the probability that two targets that are equally likely are taken for each other; NaN not known.

    apart: (n, 6) difference of their states; covariance: (n, 6, 6), the mean of theirs. Bayes error of two normal
    distributions with one covariance, Phi(-d / 2), d the Mahalanobis distance. Source: Fukunaga 1990, section 3.1.
    """
    try:
        square = (apart * np.linalg.solve(covariance, apart[..., None])[..., 0]).sum(1)
    except np.linalg.LinAlgError:
        return np.full(len(apart), np.nan)
    return np.asarray(ndtr(-0.5 * np.sqrt(np.maximum(square, 0.0))), float)
