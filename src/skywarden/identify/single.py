"""What single microphones hear, as statements on the tracks that they hear.

A microphone without bearing says what it hears and not of whom. Each report goes to the track that explains it, by the
chance that each in reach is heard there, at the distance where it was when the sound left, against the others and
against nobody. What less than half explains is nobody's. Source: DESIGN.md, sections 4.6 and 9.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import erfc

from skywarden.identify.noted import said
from skywarden.identify.rows import K, Looks
from skywarden.model.detection import Detections, Kind
from skywarden.model.place import F64, I64
from skywarden.model.track import Tracks

NOBODY = 0.1  # chance that it hears what is in no track; assumed
MOST = 0.5  # share of the chances, from which a report is a track's
BLURRED = 3000.0  # m; a track that is known worse is no one's whom a node hears
LEAST = 1.0  # m
FARTHEST = 60_000.0  # m from where a track was last measured, however fast it is
FAINT = 3.0  # standard deviations of reach beyond which nothing is heard
BLOCK = 2_000_000  # pairs of node and track that may be looked at at once


class Ears(NamedTuple):
    """What is assumed of microphones, as in [tracker]. reach: m; spread: of its logarithm; sound: m/s."""

    reach: float = 3700.0
    spread: float = 0.3
    detection: float = 0.95
    sound: float = 340.0


def overheard(
    batches: Sequence[Detections], tracks: Tracks, claimed: NDArray[np.bool_], ears: Ears
) -> Iterator[tuple[Looks, int, str]]:
    """Yield what each batch of single microphones says of shown tracks, with a number and the name of who says it.

    claimed: (n,) tracks of which nobody but themselves says where they are: they take nothing from the others, since
    anybody can make them. The keys of the looks are labels.
    """
    shown = _placed(tracks, claimed)
    for batch in batches:
        if batch.kind is not Kind.PRESENCE or batch.evidence is None or batch.origin is None or not len(shown):
            continue
        nats = batch.evidence[:, :K]
        rows = np.flatnonzero(nats.any(1) & np.isfinite(nats).all(1) & np.isfinite(batch.origin).all(1))
        each = max(1, BLOCK // len(shown))
        for part in (rows[k : k + each] for k in range(0, len(rows), each)):
            row, share = heard(batch.origin[part], batch.time[part], shown, ears)
            found = np.flatnonzero(share > MOST)
            if len(found):
                mine = part[found]
                source, echo = crc32(batch.sensor.encode()), np.full(len(mine), np.nan)
                what = nats[mine] * share[found, None], echo
                yield said(batch, mine, shown.label[row[found]], what, source), source, batch.sensor


def _placed(tracks: Tracks, claimed: NDArray[np.bool_]) -> Tracks:
    """Return the shown tracks of which it is known where they are, not by themselves alone."""
    size = np.sqrt(np.trace(tracks.covariance[:, :3, :3], axis1=1, axis2=2))
    return tracks.take(np.asarray(tracks.shown() & (size < BLURRED) & ~claimed, bool))


def heard(origin: F64, time: I64, tracks: Tracks, ears: Ears) -> tuple[I64, F64]:
    """Return (n,) the track that explains best what each node heard, and its share of all chances.

    origin: (n, 3) ECEF m; time: (n,) ns, of the sound's arrival. A track's place counts as far away as it is and as
    badly known, sqrt(d^2 + trace of its covariance).
    """
    node, track = _near(origin, time, tracks, ears)
    position, velocity = tracks.mean[track, :3], tracks.mean[track, 3:]
    since = (time[node] - tracks.time[track]) * 1e-9
    apart = position + velocity * since[:, None] - origin[node]
    left = np.sqrt((apart**2).sum(1)) / ears.sound
    apart -= velocity * left[:, None]  # once: it moves less fast than sound
    away = np.sqrt((apart**2).sum(1) + np.trace(tracks.covariance[track, :3, :3], axis1=1, axis2=2))
    z = np.log(np.maximum(away, LEAST) / ears.reach) / ears.spread
    chance = 0.5 * ears.detection * erfc(z / np.sqrt(2.0)) * np.minimum(tracks.existence[track], 1.0)
    order = np.lexsort((chance, node))
    best, share = np.zeros(len(origin), np.int64), np.zeros(len(origin))
    some = order[np.flatnonzero(np.diff(node[order], append=-1))]
    best[node[some]] = track[some]
    share[node[some]] = chance[some]
    return best, share / (np.bincount(node, chance, len(origin)) + NOBODY)


def _near(origin: F64, time: I64, tracks: Tracks, ears: Ears) -> tuple[I64, I64]:
    """Return (k,) nodes and (k,) tracks that are near enough to be heard; each track as far away as its speed asks."""
    farthest = ears.reach * np.exp(FAINT * ears.spread)
    position, velocity = tracks.mean[:, :3], tracks.mean[:, 3:]
    place = position + velocity * ((int(time.max()) - tracks.time) * 1e-9)[:, None]
    ago = farthest / ears.sound + (int(time.max()) - int(time.min())) * 1e-9
    gate = np.minimum(farthest + np.sqrt((velocity**2).sum(1)) * ago, FARTHEST)
    found = cKDTree(origin).query_ball_point(place, gate)
    track = np.repeat(np.arange(len(tracks)), [len(some) for some in found])
    return np.array([k for some in found for k in some], np.int64), track
