"""How many reports of people and sounds a tick takes in: each is a look of its own, of some 80 us."""

from collections import Counter
from collections.abc import Sequence

from skywarden.model.detection import Detections, Kind, Reporter

MOST, MOST_SOUNDS = 1_000, 10_000  # reports of people, and sounds, in a tick


def admitted(batches: Sequence[Detections], used: Sequence[int]) -> tuple[list[int], Counter[str]]:
    """Return which of the batches `used` a tick takes in, and how many reports it does not, by sensor.

    All of devices but for sounds. Of people and of sounds so many, in whole batches, the first of each sensor before
    the second of any: who floods takes nothing from the others. Which ones follows from what they say alone.
    """
    told = [k for k in used if batches[k].reporter is not Reporter.DEVICE]
    heard = [k for k in used if batches[k].reporter is Reporter.DEVICE and batches[k].kind is Kind.SOUND]
    over, refused = set[int](), Counter[str]()
    for some, most in ((told, MOST), (heard, MOST_SOUNDS)):
        for k in _over(batches, some, most):
            over.add(k)
            refused[batches[k].sensor] += len(batches[k])
    return [k for k in used if k not in over], refused


def _over(batches: Sequence[Detections], some: list[int], most: int) -> list[int]:
    """Return which batches are more than `most` detections, those that come last by turns of their sensors."""
    if sum(len(batches[k]) for k in some) <= most:
        return []
    some = sorted(some, key=lambda k: _words(batches[k]))
    count, turns, over = Counter[str](), list[int](), list[int]()
    for k in some:
        count[batches[k].sensor] += len(batches[k])
        turns.append(count[batches[k].sensor])
    for at in sorted(range(len(some)), key=lambda at: (turns[at], batches[some[at]].sensor)):
        if len(batches[some[at]]) <= most:
            most -= len(batches[some[at]])
        else:
            over.append(some[at])
    return over


def _words(batch: Detections) -> tuple[int, int, bytes]:
    """Return what orders reports: when, which number, and what they say."""
    who = b"" if batch.node is None else batch.node.tobytes()
    return int(batch.time[0]), int(batch.number[0]), batch.z.tobytes() + batch.covariance.tobytes() + who
