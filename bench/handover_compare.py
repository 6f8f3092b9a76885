"""What people decided at a running installation, beside its record and what came to partners and recipients."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import allowed
from handover_sinks import Got, Sink

from skywarden.model.deed import Acted, Cued, CueEnded, Decided, Taken
from skywarden.model.event import Event, decode
from skywarden.model.mode import Mode
from skywarden.record.reading import SqliteRecord

LATE = 4.0  # s that a feed's message may come after its end: a second, and what waited
PARTNERS = ("brigade", "scouts", "moved")  # sinks


class Kept(NamedTuple):
    """What the book has. accepted: partner and name of each hand-over; places: its sink; feeds: from, to, s."""

    mode: Mode
    accepted: Sequence[tuple[str, str]]
    places: Sequence[str]
    feeds: Mapping[str, Sequence[Sequence[float]]]


def compare(path: Path, sinks: Mapping[str, Sink], kept: Kept) -> Counter[str]:
    """Return what was counted. Raises AssertionError where more or less was sent than people decided."""
    counts = Counter[str]()
    events = _events(path)
    taken = iter([one for one in events if isinstance(one, Taken)])
    asked = [(one, next(taken)) for one in events if isinstance(one, Acted | Decided)]
    held = [(d.hand_over.partner, d.person.name) for d, t in asked if isinstance(d, Decided) and not t.refused]
    assert held == kept.accepted, "the record has other hand-overs than people made"
    cued = {one.number: (one.partner, one.by) for one in events if isinstance(one, Cued)}
    assert [cued[number] for number in sorted(cued)] == kept.accepted
    got = [one for name in PARTNERS for one in sinks[name].messages()]
    _cues([one for one in got if one.kind != "feed"], cued, kept)
    ended = {one.number for one in events if isinstance(one, CueEnded)}
    assert {one.number for one in got if one.kind == "end"} == ended, "ends, and those that partners were told of"
    for one in got:
        counts[f"{one.kind} messages"] += 1
        assert one.kind != "feed" or _allowed(one, kept), f"a feed that nobody allowed: {one}"
    counts["hand-overs"] = len(cued)
    counts["bytes to partners"] = sum(sinks[name].bytes for name in PARTNERS)
    return counts + _warnings(path, sinks["map"], kept.mode)


def _events(path: Path) -> list[Event]:
    record = SqliteRecord(path / "record")
    try:
        return [decode(entry.payload) for entry in record.entries()]
    finally:
        record.close()


def _cues(got: Sequence[Got], cued: Mapping[int, tuple[str, str]], kept: Kept) -> None:
    assert kept.mode is Mode.LIVE or not got, "a hand-over out of a picture that is not live"
    places = dict(zip(sorted(cued), kept.places, strict=True))
    for one in got:
        assert one.sink == places[one.number], f"{one} is not for there"
        assert one.kind == "end" or f"Decided by {cued[one.number][1]}," in one.words
    assert {one.number for one in got} == set(cued), "hand-overs that were decided, and such that were sent"
    assert max(Counter(one.number for one in got if one.kind == "cue").values(), default=0) <= 61


def _allowed(one: Got, kept: Kept) -> bool:
    partners = ("brigade",) if one.sink in ("brigade", "moved") else ("scouts", "rangers")
    spans = [span for partner in partners for span in kept.feeds.get(partner, [])]
    return any(first <= one.at <= last + LATE for first, last in spans)


def _warnings(path: Path, map_: Sink, mode: Mode) -> Counter[str]:
    read = [(allowed.cap, one.read_bytes()) for one in (path / "cap").glob("*.xml")]
    read += [(allowed.cot, data) for data in map_.raw()]
    for parse, data in read:
        assert parse(data)["status"] != "Actual" or mode is Mode.LIVE
    return Counter({"warnings": len(read), "bytes of warnings": sum(len(data) for _, data in read)})
