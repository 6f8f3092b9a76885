"""Checks of what flies in a scenario: waves, traffic, recordings, spoofers."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from math import ceil, isfinite
from typing import Any

from skywarden.config.locate import Key
from skywarden.config.shape import Problem, toml
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.reported import DRAWN, LATEST, ONE_WAY, SIZES
from skywarden.sim.scene.right import ordered, shown, tables, unknown
from skywarden.sim.scene.settings import Pair, Recording, Spoofer, Traffic, Wave

ENDINGS = (".csv", ".csv.gz", ".igc", ".igc.gz")
HEARD_BY: Mapping[str, str] = {"adsb": "receivers", "remote-id": "remote_id"}  # what is sent -> sensors
SLOWER, FASTER = 0.5, 1.5  # times the usual speeds of a kind: what it could still fly


def problems(data: Mapping[str, Any], seconds: float, sites: Sequence[str]) -> Iterator[Problem]:
    """Yield every mistake between settings of what flies. seconds: the scenario's; sites: their names."""
    waves, traffic = tables(data, "waves", Wave), tables(data, "traffic", Traffic)
    for key, wave in waves:
        yield from _wave(key, wave, sites)
        yield from _number(key, wave)
        yield from _late((*key, "start_s"), wave.start_s, seconds, last=1)
    for key, some in traffic:
        if KINDS[some.kind].raid and some.kind is not Kind.MULTIROTOR:
            yield Problem((*key, "kind"), f"= {toml(some.kind)} is no peaceful traffic; write it as [[waves]]")
    recordings = tables(data, "recordings", Recording)
    for key, recording in recordings:
        yield from _recording(key, recording)
    numbers = _numbers([wave for _, wave in waves], [some for _, some in traffic])
    senders = {*_senders([some for _, some in traffic], [recording for _, recording in recordings])}
    unknown_number = bool(data.get("recordings"))
    for key, spoofer in tables(data, "spoofers", Spoofer):
        yield from _late((*key, "start_s"), spoofer.start_s, seconds)
        section = HEARD_BY[spoofer.what]
        if not data.get(section):
            yield Problem((*key, "what"), f"= {toml(spoofer.what)} is heard by nobody; write a [[{section}]] block")
        if spoofer.copies_of:
            yield from _copied((*key, "copies_of"), spoofer, senders, numbers if not unknown_number else {})


def _late(key: Key, start: float, seconds: float, last: int = 0) -> Iterator[Problem]:
    """What begins after the end never comes. last: s before it in which nobody appears."""
    end = ceil(seconds) - last if isfinite(seconds) else seconds
    if start >= min(seconds, end):
        before = "the last second" if start < seconds else "the end"
        yield Problem(key, f"= {start:g} is not before {before} of the scenario (scenario.duration_s = {seconds:g})")


def _wave(key: Key, wave: Wave, sites: Sequence[str]) -> Iterator[Problem]:
    traits = KINDS[wave.kind]
    if not traits.raid:
        raids = ", ".join(toml(kind) for kind in Kind if KINDS[kind].raid)
        hint = f"write it as [[traffic]], or one of {raids}"
        yield Problem((*key, "kind"), f"= {toml(wave.kind)} is peaceful traffic; {hint}")
    if wave.name in list(Kind):
        yield Problem((*key, "name"), f"= {toml(wave.name)} is the name of a kind, after which traffic is called")
    if not sites:
        yield Problem(key, "has no site to go to; write a [[sites]] block")
    for index, site in enumerate(wave.sites):
        if site not in sites:
            yield unknown((*key, "sites", index), site, "site", sites)
    yield from ordered(key, "height_m", wave.height_m)
    yield from ordered(key, "speed_m_s", wave.speed_m_s)
    yield from _speed(key, wave.kind, wave.speed_m_s)


def _speed(key: Key, kind: Kind, speed: Pair) -> Iterator[Problem]:
    usual = KINDS[kind].speed
    low, high = usual[0] * SLOWER, usual[1] * FASTER
    if speed != (0, 0) and not low <= speed[0] <= speed[1] <= high and speed[0] <= speed[1]:
        text = f"= {shown(speed)} is impossible for {toml(kind)}; write {shown(usual)}, or between {low:g} and {high:g}"
        yield Problem((*key, "speed_m_s"), f"{text} (metres per second)")


def _number(key: Key, wave: Wave) -> Iterator[Problem]:
    """Sizes can be drawn for some kinds and quarters only."""
    if wave.count == 0 and wave.kind not in DRAWN and KINDS[wave.kind].raid:
        why = f"nothing is reported to draw it from for {toml(wave.kind)}"
        yield Problem(key, f"has no count, and {why}; write count = 10")
    if wave.quarter and wave.quarter not in SIZES:
        first = next(iter(SIZES))
        text = f'= {toml(wave.quarter)} has no statistics; write one from "{first}" to "{LATEST}"'
        yield Problem((*key, "quarter"), text)
    if wave.quarter and (wave.count or wave.kind not in ONE_WAY):
        why = "a drawn number of one-way UAVs; leave it out" + (" or write count = 0" if wave.count else "")
        yield Problem((*key, "quarter"), f"is for {why}")
    if wave.decoys and wave.kind is not Kind.UAV_PISTON:
        yield Problem((*key, "decoys"), f"are among {toml(Kind.UAV_PISTON)} only; leave it out")


def _recording(key: Key, recording: Recording) -> Iterator[Problem]:
    if not recording.file.lower().endswith(ENDINGS):
        yield Problem((*key, "file"), f"= {toml(recording.file)} must end with one of {', '.join(ENDINGS)}")
    if recording.start:
        try:
            zone = datetime.fromisoformat(recording.start).tzinfo
        except ValueError:
            zone = None
        if zone is None:
            hint = 'write for example start = "2021-10-07T12:00:00Z"'
            yield Problem((*key, "start"), f"= {toml(recording.start)} is not a time with its zone; {hint}")


def _numbers(waves: Sequence[Wave], traffic: Sequence[Traffic]) -> dict[str, int]:
    """Return what targets are called after -> their highest number that can be."""
    most = {wave.name: wave.count or _most(wave) for wave in waves}
    for some in traffic:
        most[some.kind.value] = most.get(some.kind.value, 0) + some.count
    return most


def _senders(traffic: Sequence[Traffic], recordings: Sequence[Recording]) -> Iterator[tuple[str, str]]:
    """Yield what a spoofer could copy: of which system -> what its targets are called after. No wave sends."""
    for some in traffic:
        if some.kind not in (Kind.BIRDS, Kind.BIRD) and some.transponder > 0 and some.count:
            yield "remote-id" if some.kind is Kind.MULTIROTOR else "adsb", some.kind.value
    for recording in recordings:
        if recording.transponder:
            yield "adsb", recording.kind.value


def _most(wave: Wave) -> int:
    return int(SIZES.get(wave.quarter or LATEST, (0.0,))[-1])


def _copied(key: Key, spoofer: Spoofer, senders: Set[tuple[str, str]], numbers: Mapping[str, int]) -> Iterator[Problem]:
    """Only who sends can be copied. numbers: empty where nobody knows how many there will be."""
    stem, _, number = spoofer.copies_of.rpartition("-")
    name, what = toml(spoofer.copies_of), toml(spoofer.what)
    if (spoofer.what, stem) not in senders:
        known = ", ".join(toml(f"{one}-1") for system, one in sorted(senders) if system == spoofer.what)
        hint = f"write for example {known}, or leave it out" if known else "leave it out"
        silent = f"sends nothing of {what} to be copied"
        wrong = silent if known or stem in numbers else "is not a target of this scenario; there is none"
        yield Problem(key, f"= {name} {wrong}; {hint}")
    elif not (number.isascii() and number.isdecimal()) or not 1 <= int(number) <= numbers.get(stem, int(number)):
        last = f"{stem}-{numbers[stem]}" if stem in numbers else f"{stem}-2, and so on"
        yield Problem(key, f"= {name}: targets are {toml(stem + '-1')} to {toml(last)}")
