"""Who a track says it is. Nothing is concluded yet: every shown track is unknown, with its claims beside it."""

from collections.abc import Sequence

import msgspec

from skywarden.model.assessment import Identity
from skywarden.model.detection import NO_ADDRESS, Detections
from skywarden.model.place import I64
from skywarden.model.track import Tracks


def identify(
    identities: tuple[Identity, ...], tracks: Tracks, batches: Sequence[Detections], matches: Sequence[I64]
) -> tuple[Identity, ...]:
    """Return one identity for each numbered track, in the order of the tracks.

    matches: parallel to batches, (m,) int64 label of the track that each detection updated, 0 none.
    A claim is kept as it was said last; a claim alone never changes the category (DESIGN section 5).
    """
    said = _claims(batches, matches)
    before = {identity.track: identity for identity in identities}
    after = []
    for label, number, address in zip(
        tracks.label.tolist(), tracks.number.tolist(), tracks.address.tolist(), strict=True
    ):
        if number == 0:
            continue
        identity = before.get(number, Identity(number))
        claims = said.get(label, {})
        if address != NO_ADDRESS:
            claims["icao24"] = f"{address:06x}"
        if any(identity.claims.get(name) != value for name, value in claims.items()):
            identity = msgspec.structs.replace(identity, claims=dict(sorted({**identity.claims, **claims}.items())))
        after.append(identity)
    return tuple(after)


def _claims(batches: Sequence[Detections], matches: Sequence[I64]) -> dict[int, dict[str, str]]:
    """Return label -> name -> value of what this tick's detections say."""
    said: dict[int, dict[str, str]] = {}
    for batch, matched in zip(batches, matches, strict=True):
        labels = matched.tolist()
        for claim in batch.claims:
            if label := labels[claim.index]:
                said.setdefault(label, {})[claim.name] = claim.value
    return said
