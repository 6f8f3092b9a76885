"""Random inputs of the record, of all kinds: right ones, wrong ones and old ones. Used by `handover_line.py`."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec

from skywarden import handover
from skywarden.config import parse, resolved
from skywarden.model.act import (
    Acknowledge,
    Act,
    AllowFeed,
    AnswerAdvice,
    Categorise,
    EndFeed,
    Person,
    Role,
    Shelve,
    Uncategorise,
    Unshelve,
)
from skywarden.model.advice import Verdict
from skywarden.model.assessment import Category
from skywarden.model.decision import Cue, HandOver
from skywarden.model.deed import Acted, Decided, Delivered, Suspended
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, ClockStepped, Input, Lost, Started, Tick
from skywarden.model.mode import Mode
from skywarden.model.raid import Kind
from skywarden.model.track import Picture
from skywarden.pipeline import Line
from skywarden.sensors import DECODERS

SECOND = 1_000_000_000  # ns
SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "samples"
PARTNERS = {"brigade": "tcp://127.0.0.1:8087", "scouts": "udp://127.0.0.1:8088", "bridge": "tcp://[::1]:8087"}
MOVED = "udp://127.0.0.1:8099"
RECIPIENTS = {
    "defence": ('kind = "cap"', 'url = "https://warning.example.org/cap"'),
    "duty": ('kind = "command"', 'command = ["/bin/true"]'),
    "map": ('kind = "cot"', 'url = "udp://127.0.0.1:8090"'),
    "broker": ('kind = "mqtt"', 'url = "mqtt://127.0.0.1:1883"'),
    "hook": ('kind = "webhook"', 'url = "http://127.0.0.1:8091/"'),
}
SITES = '["Quillmere power station", "Tarrowness power station", "Velloe switchyard"]'
PEOPLE = ("Olena", "Тарас", 'Petro <&> "x"', "")
MINUTES = 0.15  # of cases, that have some whole ones: they take long
LONGEST = 4000  # bytes of a sample


class Shown(NamedTuple):
    """What a person was shown, and its hash."""

    cue: Cue
    digest: str


def settings_text(text: str, mode: Mode, rng: Random) -> str:
    """Return the raid's configuration in a mode, with a source of each other format, partners and recipients."""
    parts = [text.replace('mode = "sim"', f'mode = "{mode}"')]
    for port, name in enumerate(DECODERS, 9100):
        listen = f"{'tcp' if name in ('sapient', 'beast', 'sbs') else 'udp'}://127.0.0.1:{port}"
        parts.append(f'[[sources]]\nname = "x {name}"\nformat = "{name}"\nlisten = "{listen}"')
    for name, address in PARTNERS.items():
        if rng.random() < 0.8:
            parts.append(f'[[partners]]\nname = "{name}"\naddress = "{MOVED if rng.random() < 0.1 else address}"')
    for name, lines in RECIPIENTS.items():
        if rng.random() < 0.6:
            more = [f"{word} = true" for word in ("actual", "in_exercise") if rng.random() < 0.5]
            parts.append("\n".join(["[[recipients]]", f'name = "{name}"', *lines, *more]))
    if rng.random() < 0.5:
        parts.append(f'[[positions]]\nname = "Desk 1"\nescalate_to = "Centre"\nsites = {SITES}')
        parts.append(f'[[positions]]\nname = "Centre"\nsites = {SITES}')
    if rng.random() < 0.5:
        parts.append('[[districts]]\nname = "North"\nsites = ["Quillmere power station", "Velloe switchyard"]')
    parts.append('[outputs]\nsender = "warning.example.org"')
    parts.append(f"[raid]\nacknowledge_s = {rng.choice((10.0, 60.0))}")
    return "\n".join(part + "\n" for part in parts)


@cache
def samples() -> Sequence[bytes]:
    """Return the beginnings of all samples of all formats."""
    return [path.read_bytes()[:LONGEST] for path in sorted(SAMPLES.glob("*/*")) if path.is_file()]


class Inputs:
    """Draws what comes next, from a seed. turns: what a raid goes on to send; states: of lines in every mode."""

    def __init__(self, rng: Random, turns: Sequence[Sequence[Input]], states: Sequence[bytes]) -> None:
        self._rng, self._states = rng, list(states)
        self._turns: Iterator[Sequence[Input]] = iter(turns)
        self._text = ""
        self._late = 0  # ns that ticks are after the raid's, since the clock was set forward
        self._made: list[Decided] = []
        self._draws: dict[Callable[[Picture, Line], list[Input]], int] = {
            self._turn: 36, self._tick: 8, self._odd_tick: 2, self._garbage: 8, self._decision: 26, self._act: 12,
            self._fault: 4, self._lost: 1, self._delivered: 1, self._reload: 2, self._restart: 1,
            self._long: 4 * (rng.random() < MINUTES),
        }  # fmt: skip

    def next(self, line: Line, shown: list[Shown]) -> list[Input]:
        """Return some inputs; what a person sees before a decision is added to what was shown."""
        assert line.picture is not None
        self._shown = shown
        (draw,) = self._rng.choices(list(self._draws), list(self._draws.values()))
        return draw(line.picture, line)

    def _turn(self, picture: Picture, _: Line) -> list[Input]:
        turn = next(self._turns, None)
        if turn is None:
            return [Tick(picture.time + SECOND)]
        return [Tick(max(one.time, picture.time + SECOND)) if isinstance(one, Tick) else one for one in turn]

    def _long(self, picture: Picture, line: Line) -> list[Input]:
        """Return a minute, so that hand-overs come to their end."""
        return [event for _ in range(62) for event in next(self._turns, ())]

    def _tick(self, picture: Picture, _: Line) -> list[Input]:
        return [Tick(picture.time + self._rng.choice((0, 1, SECOND // 10, SECOND, SECOND)))]

    def _odd_tick(self, picture: Picture, _: Line) -> list[Input]:
        return [Tick(picture.time + self._rng.choice((-3600, -100, -1, 5, 16, 30, 61, 3600)) * SECOND)]

    def _garbage(self, picture: Picture, line: Line) -> list[Input]:
        rng, sources = self._rng, line.settings.sources
        data = bytearray(rng.choice(samples()) if rng.random() < 0.7 else rng.randbytes(rng.randrange(60)))
        for _ in range(rng.randrange(4)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        source = rng.choice([one.name for one in sources])
        peer = rng.randrange(3) if source == "x sapient" else 0
        return [Arrived(Frame.of(source, picture.time + rng.randrange(SECOND), bytes(data), peer=peer))]

    def _person(self) -> Person:
        rng = self._rng
        return Person(rng.choice(PEOPLE), rng.choice(list(Role)), rng.choice(("s1", "s2", "")))

    def _look(self, picture: Picture) -> Shown | None:
        numbers = picture.tracks.number[picture.tracks.shown()].tolist()
        cue = handover.cue(picture, self._rng.choice(numbers)) if numbers else None
        return Shown(cue, handover.digest(cue)) if cue else None

    def _decision(self, picture: Picture, line: Line) -> list[Input]:
        rng = self._rng
        if (seen := self._look(picture)) is not None:
            self._shown.append(seen)
        seen = rng.choice(self._shown) if self._shown and rng.random() < 0.15 else seen
        if seen is None:
            return []
        names = [one.name for one in line.settings.partners] or ["brigade"]
        proved = picture.time - rng.randrange(0, 50 * SECOND)
        wanted = HandOver(rng.choice(names), seen.cue, seen.digest, proved)
        made = Decided(picture.time, Person("Olena", rng.choice((Role.SUPERVISOR, Role.ADMINISTRATOR)), "s1"), wanted)
        if rng.random() < 0.6:
            made = self._spoilt(made, picture)
        self._made.append(made)
        return [made]

    def _spoilt(self, made: Decided, picture: Picture) -> Decided:
        """Return a decision with one thing wrong with it, or more."""
        rng, now, wanted = self._rng, picture.time, made.hand_over
        where = msgspec.structs.replace(wanted.shown, latitude=wanted.shown.latitude + 0.01)
        other = msgspec.structs.replace(wanted.shown, category=rng.choice(list(Category)))
        old = rng.choice(self._made) if self._made else made
        changes: list[Callable[[], dict[str, Any]]] = [
            lambda: {"proved": now - rng.choice((60, 61, 3600)) * SECOND - rng.randrange(2)},
            lambda: {"proved": now + rng.choice((2, 3, 3600)) * SECOND + rng.randrange(2)},
            lambda: {"digest": rng.choice(("", "0" * 32, old.hand_over.digest, wanted.digest.upper()))},
            lambda: {"shown": rng.choice((where, other, old.hand_over.shown))},
            lambda: {"shown": where, "digest": handover.digest(where)},  # a hash of what was never shown
            lambda: {"partner": rng.choice(("", "nobody", "Brigade", "brigade "))},
            lambda: {"proved": old.hand_over.proved},
            dict,
        ]
        if rng.random() < 0.2:
            return old if rng.random() < 0.7 else msgspec.structs.replace(old, time=now)
        person = self._person() if rng.random() < 0.3 else made.person
        return Decided(now, person, msgspec.structs.replace(wanted, **rng.choice(changes)()))

    def _act(self, picture: Picture, line: Line) -> list[Input]:
        person = self._person() if self._rng.random() < 0.4 else Person("Olena", Role.SUPERVISOR, "s1")
        return [Acted(picture.time, person, self._what(picture))]

    def _what(self, picture: Picture) -> Act:
        rng, tracks = self._rng, picture.tracks
        number, label = rng.choice([(0, 0), *zip(tracks.number.tolist(), tracks.label.tolist(), strict=True)])
        groups = [group.heading for group in picture.raids.groups]
        site, kind = (groups[0].site, groups[0].kind) if groups else ("A", Kind.DRONES)
        reason, partner = rng.choice(("seen", "", " ", "x" * 501)), rng.choice((*PARTNERS, "nobody"))
        until = picture.time + rng.choice((-1, 0, 2, 30, 3600, 13 * 3600)) * SECOND
        position = rng.choice(("", "Desk 1"))
        waiting = [one for one in picture.held.waiting if one.position == position]
        raid, seen = (waiting[0].raid, waiting[0].last) if waiting else (1, 5)
        category = rng.choice((Category.HOSTILE, Category.FRIEND, *Category))
        return rng.choice((
            Acknowledge(position, raid, seen),
            Shelve(position, site, kind, groups[0].word if groups else "E", until, reason),
            Unshelve(position, site, kind, ""),
            Categorise(number, label, category, reason), Categorise(number, label, category, "seen"),
            Uncategorise(number, reason),
            AllowFeed(partner, reason, until), AllowFeed(partner, "watch", picture.time + 30 * SECOND),
            EndFeed(partner),
            AnswerAdvice(rng.randrange(3), rng.choice(list(Verdict)), rng.choice(("", "Team 1")), reason),
        ))  # fmt: skip

    def _fault(self, picture: Picture, _: Line) -> list[Input]:
        step = self._rng.choice((-3600, -1, 1, 3600)) * SECOND
        return [self._rng.choice((ClockStepped(picture.time, step), Suspended(picture.time, "a <fault> & \x00 more")))]

    def _lost(self, picture: Picture, line: Line) -> list[Input]:
        self._states.append(line.save())
        state = self._rng.choice((line.save(), self._rng.choice(self._states), b"", self._rng.randbytes(30)))
        return [Lost(picture.time, 0, 1, {}, state)]

    def _delivered(self, picture: Picture, _: Line) -> list[Input]:
        return [Delivered(picture.time, "defence", "1-1-0", self._rng.choice(("sent", "gave up")), "x")]

    def _started(self, time: int, mode: Mode, line: Line, *, reload: bool) -> Started:
        rng = self._rng
        self._text = self._text or _base()
        text = settings_text(self._text, mode, rng)
        settings = parse(text)
        return Started(time, mode, text, "1", resolved(settings) if rng.random() < 0.8 else "", reload)

    def _reload(self, picture: Picture, line: Line) -> list[Input]:
        return [self._started(picture.time, picture.mode, line, reload=True)]

    def _restart(self, picture: Picture, line: Line) -> list[Input]:
        mode = picture.mode if self._rng.random() < 0.6 else self._rng.choice(list(Mode))
        time = picture.time + self._rng.choice((0, SECOND, 30 * SECOND, -5 * SECOND, -3600 * SECOND))
        return [self._started(time, mode, line, reload=False)]


@cache
def _base() -> str:
    import raid

    (started,) = raid.inputs(1)[0]
    assert isinstance(started, Started)
    return started.settings
