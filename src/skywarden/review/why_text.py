"""An explanation as lines for people, and as one JSON object."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from skywarden.review.history import Step
from skywarden.review.trace import Measured
from skywarden.review.why import Explained, Shown, Way, sensors_until
from skywarden.review.words import WHY, Say, clock, of
from skywarden.review.words import moment as when
from skywarden.service.words import LANGUAGES

BYTES = 24  # of a message that are shown
REASONS = 8
TIMES = ("arrival",)  # what a step says that is a time
OFTEN = (("confirmed", "coasting", "dropped"), ("raised", "cleared"), ("updated",), ("level",), ("announced", "listed"))
FIRST, LAST = 2, 4  # of these that are shown
ASKED = ("categorised", "uncategorised", "acknowledged", "shelved", "unshelved", "handed")  # what may be refused
FEW = 0.01  # probability of a class that is worth a word
VIEWED = {"kind": "kind ", "category": "", "way": "way "}  # words of the live view that steps are filled with


def lines(found: Explained, language: str, most: int | None) -> Iterator[str]:
    """Yield what a person reads. most: frames that are listed, the latest; None: all."""
    say = of(WHY, language)
    yield from _head(found, say)
    yield ""
    yield from _history(found, say, language)
    if found.shown is not None:
        yield ""
        yield from _identity(found.shown, say)
        for way in found.shown.ways:
            yield ""
            yield from _way(way, say)
    yield ""
    yield from _frames(found, say, most)


def _head(found: Explained, say: Say) -> Iterator[str]:
    moment, alert = found.moment, found.moment.alert
    if alert is None:
        yield say("track", track=moment.track, time=when(moment.time))
    else:
        yield say("alert", site=alert.site, track=alert.track, raised=when(alert.raised))
        times = {"arrival": clock(alert.arrival), "early": clock(alert.early), "late": clock(alert.late)}
        percent, stake = f"{100 * alert.probability:.0f}", f"{alert.stake:.2g}"
        yield "  " + say("arrival", **times, percent=percent, stake=stake)
    if found.equal:
        span = {"start": found.start + 1, "last": moment.last, "outputs": found.compared.outputs}
        entry = moment.entry
        yield "  " + (say("equal-track", **span) if entry is None else say("equal", **span, seq=entry.seq))
    elif found.compared.difference is not None:
        yield "  " + say("differs", where=found.compared.difference)
    else:
        yield "  " + say("no-moment")


def _history(found: Explained, say: Say, language: str) -> Iterator[str]:
    """Yield what happened; of what happens often the first and the last times."""
    yield say("history")
    left, first, later = _few(found.steps), True, False
    for step in found.steps:
        if step.time > found.moment.time and not later:
            later = True
            yield "  " + say("later")
        if id(step) in left:
            continue
        yield f"  {clock(step.time)}  {_step(step, say, language)}"
        if step.what == "confirmed" and first and found.whole and found.measured:
            sensors = ", ".join(f"{name} {count}" for name, count in sensors_until(found).items())
            yield "             " + say("confirmed-by", sensors=sensors or say("none"))
        first = first and step.what != "confirmed"
    if left:
        yield "  " + say("repeated", count=len(left))


def _few(steps: Sequence[Step]) -> set[int]:
    """Return which steps are left out, by `id`: the middle of each group of what may happen hundreds of times."""
    left: set[int] = set()
    for group in OFTEN:
        some = [step for step in steps if step.what in group]
        left |= {id(step) for step in some[FIRST:-LAST]}
    return left


def _step(step: Step, say: Say, language: str) -> str:
    said = dict(step.said)
    for name, prefix in VIEWED.items():
        if said.get(name):
            said[name] = LANGUAGES[language].get(prefix + said[name], said[name])
    said |= {name: clock(int(said[name])) for name in TIMES if name in said}
    if "position" in said:
        said["position"] = said["position"] or say("all")
    text = say(step.what, _="", **said).replace("  ", " ")
    if step.what in ASKED:
        refused = step.said.get("refused")
        text += (
            "" if refused == "" else f" ({say('not-known') if refused is None else say('was-refused', reason=refused)})"
        )
    return text


def _identity(shown: Shown, say: Say) -> Iterator[str]:
    one = shown.identity
    yield say("identity")
    if one.by:
        yield "  " + say("category-by", category=say(one.category), who=one.by, rule=one.why)
        yield "  " + say("proposed", category=say(one.proposed))
    else:
        yield "  " + say("category", category=say(one.category), rule=one.why or "-")
    odds = [f"{say(f'class {name}')} {100 * chance:.0f} %" for name, chance in shown.why.odds.items() if chance >= FEW]
    yield "  " + say("odds", odds=", ".join(odds) or "-")
    if one.claims:
        yield "  " + say("claims", claims=", ".join(f"{name} {value}" for name, value in one.claims.items()))
    if one.claimed_only:
        yield "  " + say("claimed-only")
    if one.doubts:
        yield "  " + say("doubts", doubts=", ".join(one.doubts))
    harm = f" ({say('for-harm')})"
    for reason in shown.why.reasons[:REASONS]:
        line = say(
            "reason",
            source=f"{reason.source}, {reason.kind}" if reason.source else reason.kind,
            for_=say(f"class {reason.for_}"),
            against=say(f"class {reason.against}"),
            nats=reason.nats,
            looks=reason.looks,
            first=f"{reason.first_s:.0f}",
        )
        yield f"  {line}{'' if reason.counts else harm}"
    if len(shown.why.reasons) > REASONS:
        yield "  " + say("more", n=len(shown.why.reasons) - REASONS)


def _way(way: Way, say: Say) -> Iterator[str]:
    yield say("site", site=way.site.name)
    yield "  " + say(
        "way",
        distance=f"{way.distance_m / 1000:.1f}",
        bearing=f"{way.bearing_deg:.0f}",
        height=f"{way.height_m:.0f}",
        speed=f"{way.speed_m_s:.0f}",
        heading=f"{way.heading_deg:.0f}",
    )
    threat = way.threat
    if threat is None:
        yield "  " + say("cannot")
        return
    if threat.vague:
        yield "  " + say("vague")
    elif math.isfinite(threat.miss):
        yield "  " + say("straight", miss=f"{threat.miss / 1000:.1f}", radius=f"{way.site.radius_m / 1000:.1f}")
    else:
        yield "  " + say("away")
    times = {"early": threat.early, "median": threat.arrival, "late": threat.late, "need": way.site.need_s}
    yield "  " + say("in", percent=f"{100 * threat.probability:.0f}", **{n: f"{v:.0f}" for n, v in times.items()})


def _frames(found: Explained, say: Say, most: int | None) -> Iterator[str]:
    measured = found.measured
    yield say("frames")
    entries = {one.seq for one in measured if one.seq}
    yield "  " + say("counted", count=len(measured), entries=len(entries))
    for sensor, count, last in by_sensor(measured):
        yield "    " + say("by-sensor", sensor=sensor, count=count, last=clock(last))
    if not found.whole:
        yield "  " + say("not-whole", start=found.start + 1)
    if lost := sum(not one.seq for one in measured):
        yield "  " + say("unplaced", count=lost)
    yield "  " + say("head")
    listed = latest(measured, most)
    if len(listed) < len(measured):
        yield "  " + say("left-out", count=len(measured) - len(listed))
    for one in listed:
        place = say("message", place=one.message, count=one.messages)
        sensor = one.source if one.source == one.sensor else f"{one.source}, {one.sensor}"
        says = ", ".join(say(f"says {name}", value=value) for name, value in one.says.items())
        yield f"  {one.seq}  {clock(one.received)}  {sensor}, {place}: {says}"
        data = one.data if most is None else one.data[:BYTES]
        yield f"      {data.hex()}{f' ... ({len(one.data)} bytes)' if len(data) < len(one.data) else ''}"


def latest(measured: Sequence[Measured], most: int | None) -> Sequence[Measured]:
    """Return the last `most` of them, all where that is None."""
    return measured if most is None else measured[max(len(measured) - most, 0) :]


def by_sensor(measured: Sequence[Measured]) -> list[tuple[str, int, int]]:
    """Return which sensors measured it, how often, and when last, ns; who measured most first."""
    counts: dict[str, list[int]] = {}
    for one in measured:
        row = counts.setdefault(one.sensor, [0, 0])
        row[0] += 1
        row[1] = max(row[1], one.received)
    return sorted(((name, *row) for name, row in counts.items()), key=lambda row: (-row[1], row[0]))  # type: ignore[misc]


def to_json(found: Explained, most: int | None) -> bytes:
    """Return all of it as one JSON object; bytes in hexadecimal digits. Times in ns since 1970."""
    moment, compared = found.moment, found.compared
    row: dict[str, Any] = {
        "track": moment.track,
        "time": moment.time,
        "alert": None if moment.alert is None else msgspec.structs.asdict(moment.alert),
        "entry": None if moment.entry is None else moment.entry.seq,
        "cause": moment.until,
        "replay": {
            "equal": found.equal,
            "first": found.start + 1,
            "last": moment.last,
            "ticks": compared.ticks,
            "outputs": compared.outputs,
            "difference": None if compared.difference is None else compared.difference._asdict(),
            "holes": [hole._asdict() for hole in compared.holes],
        },
        "history": [{"time": step.time, "what": step.what, **step.said} for step in found.steps],
        "shown": None if found.shown is None else _shown(found.shown),
        "measurements": {
            "count": len(found.measured),
            "whole": found.whole,
            "sensors": {name: count for name, count, _ in by_sensor(found.measured)},
            "until_confirmed": sensors_until(found),
            "listed": [{**one._asdict(), "data": one.data.hex()} for one in latest(found.measured, most)],
        },
    }
    return msgspec.json.encode(row)


def _shown(shown: Shown) -> dict[str, Any]:
    identity = msgspec.structs.asdict(shown.identity)
    del identity["odds"]
    ways = [
        {
            **{name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in way._asdict().items()},
            "site": way.site.name,
            "radius_m": way.site.radius_m,
            "need_s": way.site.need_s,
            "threat": None if way.threat is None else _threat(way),
        }
        for way in shown.ways
    ]
    return {**shown._asdict(), "identity": identity, "why": msgspec.to_builtins(shown.why), "ways": ways}


def _threat(way: Way) -> dict[str, Any]:
    threat = way.threat
    assert threat is not None
    row = msgspec.structs.asdict(threat)
    return row | {"miss": threat.miss if math.isfinite(threat.miss) else None}
