"""Who tracks say they are: claims, kept beside them as they were said last."""

from collections.abc import Sequence

import msgspec
import numpy as np

from skywarden.identify.places import DOUBT
from skywarden.model.assessment import Identity
from skywarden.model.detection import NO_ADDRESS, Detections
from skywarden.model.place import I64
from skywarden.model.track import Tracks


def claimed(
    identities: tuple[Identity, ...], tracks: Tracks, batches: Sequence[Detections], matches: Sequence[I64]
) -> tuple[Identity, ...]:
    """Return one identity for each numbered track, in the order of the tracks.

    matches: parallel to batches, (m,) int64 label of the track that each detection updated, 0 none.
    A claim is kept as it was said last; a claim alone never changes a category (DESIGN section 5).
    """
    said = _claims(batches, matches)
    before = {identity.track: identity for identity in identities}
    numbered = np.flatnonzero(tracks.number)
    numbers, labels = tracks.number[numbered].tolist(), tracks.label[numbered].tolist()
    after = [before.get(number) or Identity(number) for number in numbers]
    address = tracks.address[numbered].tolist()
    for row in np.flatnonzero(np.isin(labels, list(said)) | (tracks.address[numbered] != NO_ADDRESS)).tolist():
        claims, known = said.get(labels[row], {}), after[row].claims
        if address[row] != NO_ADDRESS:
            claims["icao24"] = f"{address[row]:06x}"
        if any(known.get(name) != value for name, value in claims.items()):
            after[row] = msgspec.structs.replace(after[row], claims=dict(sorted({**known, **claims}.items())))
    return tuple(after)


def _claims(batches: Sequence[Detections], matches: Sequence[I64]) -> dict[int, dict[str, str]]:
    """Return label -> name -> value of what this tick's detections say."""
    said: dict[int, dict[str, str]] = {}
    for batch, matched in zip(batches, matches, strict=True):
        labels = matched.tolist()
        for claim in batch.claims:
            if (label := labels[claim.index]) and claim.name != DOUBT:
                said.setdefault(label, {})[claim.name] = claim.value
    return said
