"""What reports say of their objects beside the place: words for people, and evidence.

Nodes repeat themselves, so what the same bytes meant is remembered; it is no state, only time that is saved.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from skywarden.sensors.sapient.claims import said
from skywarden.sensors.sapient.classes import Named, before, evidence, heard
from skywarden.sensors.sapient.proto import DetectionReport

Key = TypeVar("Key")
Value = TypeVar("Value")
Words = tuple[int, ...]  # what a node can say: see classes.vocabulary

KEPT = 2048  # meanings
SHORT = 256  # bytes; what is longer is not kept


class Meaning(NamedTuple):
    """words: (name, value) of each claim. nats: of each of CLASSES."""

    words: list[tuple[str, str]]
    nats: tuple[float, ...]


class Meanings:
    """The meanings of what the nodes of one source say."""

    def __init__(self) -> None:
        self._meanings: dict[tuple[Words, bytes], Meaning] = {}
        self._evidence: dict[tuple[Words, tuple[Named, ...]], tuple[float, ...]] = {}  # of equal confidences
        self._priors: dict[Words, tuple[float, ...]] = {}

    def read(self, fields: Sequence[bytes], words: Words) -> dict[bytes, Meaning]:
        """Return what fields of reports mean, each read once. words: what their node can say."""
        found: dict[bytes, Meaning] = {}
        for one in dict.fromkeys(fields):
            known = self._meanings.get((words, one))
            if known is None:
                known = self._meaning(one, words)
                if len(one) <= SHORT:
                    _keep(self._meanings, (words, one), known)
            found[one] = known
        return found

    def _meaning(self, fields: bytes, words: Words) -> Meaning:
        body = DetectionReport.FromString(fields)
        named = heard(body.classification)
        nats = self._evidence.get((words, named))
        if nats is None:
            prior = self._priors.get(words) or _keep(self._priors, words, before(words))
            nats = evidence(named, prior)
            if len(fields) <= SHORT:
                _keep(self._evidence, (words, named), nats)
        return Meaning(said(body), nats)


def written(body: Any) -> bytes:
    """Return the fields of a report that have a meaning, as the scanner finds them."""
    kept = DetectionReport(classification=body.classification, signal=body.signal, id=body.id, colour=body.colour)
    data: bytes = kept.SerializeToString()
    return data


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> Value:
    """Remember a value and return it; when there are too many, begin again."""
    if len(kept) >= KEPT:
        kept.clear()
    kept[key] = value
    return value
