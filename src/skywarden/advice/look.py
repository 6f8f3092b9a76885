"""What is not known of who comes, which somebody who looks there could tell, and who looks there already."""

from collections.abc import Sequence

from skywarden.advice.known import Known
from skywarden.model.assessment import CLASSES, Class

LATELY = 30_000_000_000  # ns; who has seen a track since sees it
SURE, STILL_SURE = 0.8, 0.9  # probability of the likeliest class: below the first a look is advised, up to the second


def seers(row: int | None, known: Known) -> Sequence[str]:
    """Return the names of the sensors that see a track. row: of it; None: nobody knows where it is."""
    if row is None:
        return []
    by, at = known.tracks.seen_by[row].tolist(), known.tracks.seen_at[row].tolist()
    return [known.sensors[k] for k, when in zip(by, at, strict=True) if k >= 0 and known.time - when <= LATELY]


def doubt(row: int | None, known: Known, *, stood: bool) -> str:
    """Return what is not known of a track, in words, "" nothing. stood: a look was advised, and is for longer."""
    names = seers(row, known)
    if not names:
        return "nobody sees it now"
    if len(names) == 1:
        return f"only {names[0]} sees it"
    number = int(known.tracks.number[row])
    identity = next((one for one in known.identities if one.track == number), None)
    if identity is None or not identity.odds:
        return "it is not known what it is"
    odds = dict(zip(CLASSES, identity.odds, strict=True))
    likeliest = max(odds, key=odds.__getitem__)
    if likeliest is Class.UNKNOWN:
        return "it is not known what it is"
    sure = odds[likeliest] >= (STILL_SURE if stood else SURE)
    return "" if sure else f"that it is of class {likeliest} is {odds[likeliest]:.0%} likely only"
