"""The word on each sensor and source, once a second, and what people say of it. A stage of `pipeline.step`.

What is measured comes from settled plots (`track.compare`, `track.registry`) and counters, so it is the same in replay.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from skywarden.model.deed import SensorTrust
from skywarden.model.track import Picture
from skywarden.model.trust import Compared, Ruling, Standing, Trust, Wire, Word
from skywarden.track.compare import FEW, SOME
from skywarden.trust.alone import Alone, alone
from skywarden.trust.wires import counted
from skywarden.watch import WHY

SECOND = 1_000_000_000
SHARE = 0.35  # of plots outside, from which one other that does not agree makes a sensor doubtful
FADE = 0.5 ** (1 / 60)  # a second; of what is known of who sees alone
ASKED, ALONE = 20.0, 0.8  # targets, and the share of them that nobody else sees, from which it is doubtful
FALSE, LYING = 3, 0.3  # tracks whose claims cannot be true, and their share, from which who hears them is doubtful
NAMES = 64  # of those that are in no configuration, whose claims are counted
ELSEWHERE = "others that agree with each other have its targets elsewhere"
FAULT = "registration finds its place, its clock or its fit wrong"
FLOOD = "most of what it sends is too much"
TIMES = "most of what it sends has an impossible time"
SOURCE = "its source is in quarantine"
DIFFERS = "another has its targets elsewhere"
SINGLE = "none of those that should see its targets too does"
CLAIMS = "much of what is claimed through it cannot be true"
REASONS = (ELSEWHERE, FAULT, FLOOD, TIMES, SOURCE, DIFFERS, SINGLE, CLAIMS)
NEVER = WHY.index("claims and people do not count")
QUIET = (Word.UNKNOWN, Word.CONSISTENT)  # between these two nobody is told


class _Told(NamedTuple):
    """What is known of each name: reasons against it, of which the first `hard` put it in quarantine."""

    hard: tuple[str, ...]
    soft: tuple[str, ...]


class _Known(NamedTuple):
    """What a second tells."""

    picture: Picture
    wires: Mapping[str, Wire]
    sources: Mapping[str, str]
    pairs: "Mapping[str, _Pairs]"
    out: frozenset[str]
    faulty: frozenset[str]
    lying: frozenset[str]
    alone: Mapping[str, Alone]


class _Pairs(NamedTuple):
    """All comparisons of a sensor: plots, outside, sum of ratios; worst, best: shares of single pairs that count."""

    plots: float = 0.0
    outside: float = 0.0
    ratio: float = 0.0
    worst: float = 0.0
    best: float = 1.0


def trusted(picture: Picture, last: int, sites: bool) -> tuple[Trust, list[SensorTrust]]:
    """Return whom to believe at the picture's time, and what has changed. last: ns, of the tick before.

    sites: there are some; then it waits after a start until it is known who watches.
    """
    trust, time, posts = picture.trust, picture.time, picture.watch.posts
    if time // SECOND == last // SECOND or (sites and not posts.digest):
        return trust, []
    rulings = tuple(one for one in trust.rulings if one.until > time)
    wires = counted(trust.wires, picture.health, time)
    known = _known(picture, wires)
    names = sorted({*posts.names, *known.pairs, *known.out, *known.wires, *known.lying, *(one.name for one in rulings)})
    said = {one.name: one for one in rulings}
    before = {one.name: one for one in trust.standing}
    standing = tuple(_standing(name, before.get(name), known, said.get(name), time) for name in names)
    return Trust(standing, rulings, wires), list(_news(before, standing, time))


def measuring(picture: Picture, aside: frozenset[str]) -> frozenset[str]:
    """Return who measures by the configuration and is not aside; nobody, where nobody is: then it is not asked."""
    if not aside:
        return frozenset()
    posts = picture.watch.posts
    rows = zip(posts.names, posts.sources, posts.fixed.tolist(), strict=True)
    return frozenset(name for name, source, fixed in rows if fixed != NEVER and aside.isdisjoint((name, source)))


def over(trust: Trust, time: int, reason: str) -> list[SensorTrust]:
    """Return the end of what was said, where a picture ends. time: ns."""
    return [SensorTrust(time, one.name, Word.UNKNOWN, (reason,)) for one in trust.standing if one.word not in QUIET]


def _known(picture: Picture, wires: tuple[Wire, ...]) -> _Known:
    posts, compared = picture.watch.posts, picture.chains.compared
    return _Known(
        picture,
        {wire.name: wire for wire in wires},
        dict(zip(posts.names, posts.sources, strict=True)),
        _pairs(compared),
        frozenset(name for name, out in zip(compared.names, compared.out.tolist(), strict=True) if out),
        frozenset(one.sensor for one in picture.chains.registered.standing if one.fault),
        frozenset(_lying(picture)),
        alone(picture.watch, picture.tracks, picture.sensors, picture.time),
    )


def _pairs(compared: Compared) -> dict[str, _Pairs]:
    found: dict[str, _Pairs] = {}
    for both, (n, outside, ratio) in zip(compared.who.tolist(), compared.sums.tolist(), strict=True):
        share = outside / n if n > 0.0 else 0.0
        for row in both:
            one = found.get(compared.names[row], _Pairs())
            worst, best = (max(one.worst, share), min(one.best, share)) if n >= SOME else (one.worst, one.best)
            found[compared.names[row]] = _Pairs(one.plots + n, one.outside + outside, one.ratio + ratio, worst, best)
    return found


def _lying(picture: Picture) -> Iterable[str]:
    """Yield who hears claims of which many cannot be true; nothing that measures by the configuration."""
    claiming = {one.track: bool(one.doubts) for one in picture.identities if one.claims or one.doubts}
    if sum(claiming.values()) < FALSE:
        return
    posts, tracks = picture.watch.posts, picture.tracks
    measures = {name for name, fixed in zip(posts.names, posts.fixed.tolist(), strict=True) if fixed != NEVER}
    rows = np.flatnonzero(np.isin(tracks.number, list(claiming)))
    false = np.array([claiming[number] for number in tracks.number[rows].tolist()], bool)
    by = tracks.seen_by[rows]
    for k in np.unique(by[by >= 0]).tolist()[:NAMES]:
        mine = (by == k).any(1)
        if picture.sensors[k] not in measures and false[mine].sum() >= max(FALSE, LYING * mine.sum()):
            yield picture.sensors[k]


def _standing(name: str, before: Standing | None, known: _Known, ruling: Ruling | None, time: int) -> Standing:
    told, pairs = _told(name, before, known), known.pairs.get(name, _Pairs())
    asked, lonely = _alone(before, known.alone.get(name, Alone(0, 0)))
    word, by, reasons = _word(told, pairs), "", told.hard or told.soft
    if ruling is not None:
        word, by = Word.TRUSTED if ruling.good else Word.QUARANTINED, ruling.by
        reasons = (ruling.reason, *told.hard)
    same = before is not None and before.word is word and before.by == by
    return Standing(
        name,
        word,
        before.since if before is not None and same else time,
        reasons,
        by,
        round(pairs.plots, 1),
        round(pairs.outside / pairs.plots, 3) if pairs.plots else 0.0,
        round(pairs.ratio / pairs.plots, 2) if pairs.plots else 0.0,
        lonely,
        asked,
    )


def _alone(before: Standing | None, new: Alone) -> tuple[float, float]:
    """Return of how many targets it is known, fading, and the share that nobody else sees."""
    old, share = (before.asked * FADE, before.alone) if before is not None else (0.0, 0.0)
    asked = old + new.asked
    return (asked, (old * share + new.alone) / asked) if asked > 0.01 else (0.0, 0.0)


def _told(name: str, before: Standing | None, known: _Known) -> _Told:
    wire, source = known.wires.get(name), known.wires.get(known.sources.get(name, ""))
    bad = source is not None and (source.flood or source.clock)
    judged = {one.name: one.good for one in known.picture.trust.rulings if one.until > known.picture.time}
    bad = judged.get(source.name, not bad) is False if source is not None else bad
    hard = (
        (ELSEWHERE, name in known.out),
        (FAULT, name in known.faulty),
        (FLOOD, wire is not None and wire.flood),
        (TIMES, wire is not None and wire.clock),
        (SOURCE, source is not None and source.name != name and bad),
    )
    pairs = known.pairs.get(name, _Pairs())
    was = before is not None and DIFFERS in before.reasons
    lonely = before is not None and before.asked >= ASKED and before.alone > ALONE
    soft = (
        (DIFFERS, pairs.worst > (FEW if was else SHARE)),
        (SINGLE, lonely),
        (CLAIMS, name in known.lying),
    )
    return _Told(*(tuple(reason for reason, holds in some if holds) for some in (hard, soft)))


def _word(told: _Told, pairs: _Pairs) -> Word:
    if told.hard:
        return Word.QUARANTINED
    if told.soft:
        return Word.DOUBTFUL
    return Word.CONSISTENT if pairs.best < FEW else Word.UNKNOWN


def _news(before: Mapping[str, Standing], standing: Iterable[Standing], time: int) -> Iterable[SensorTrust]:
    there = set()
    for one in standing:
        there.add(one.name)
        old = before.get(one.name)
        word, by = (old.word, old.by) if old is not None else (Word.UNKNOWN, "")
        if (word, by) != (one.word, one.by) and not (word in QUIET and one.word in QUIET):
            yield SensorTrust(time, one.name, one.word, one.reasons, one.by)
    for name, old in before.items():
        if name not in there and old.word not in QUIET:
            yield SensorTrust(time, name, Word.UNKNOWN, ("nothing is known of it any more",))
