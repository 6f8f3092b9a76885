"""The straight line under random inputs of all kinds, and a book that knows what may be handed over.

The book decides by itself, from what people said and saw, which cues may be sent; it asks nothing of the code that it
judges but the picture. Used by `fuzz_handover.py` and by the tests.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import msgspec
import numpy as np
from msgspec.structs import replace

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

import allowed
import allowed_cues
import raid
from line_inputs import Inputs, Shown, settings_text

from skywarden.handover.safe import danger
from skywarden.model.act import AllowFeed, EndFeed, Role
from skywarden.model.assessment import Category
from skywarden.model.decision import Cue, Handed
from skywarden.model.deed import Acted, Cued, CueEnded, Decided, FeedEnded, Suspended, Taken
from skywarden.model.event import Answered, AreaWarned, ClockStepped, Input, Lost, Output, Started, Tick, decode, encode
from skywarden.model.mode import Mode
from skywarden.model.recipient import Kind, Recipient
from skywarden.model.track import Picture
from skywarden.outputs import cues
from skywarden.pipeline import Line
from skywarden.service.outbox import outlines, parcel
from skywarden.service.outbox_queue import Queue
from skywarden.sim import blocks
from skywarden.track.states import at, states

SECOND = 1_000_000_000  # ns
BEGUN = 14  # turns of the raid before a case begins: by then tracks are judged
STEPS = 40  # of a case
TURNS = 100  # of the raid that follow
HOUSE = "0123abcd"
KINDS: tuple[Kind, ...] = ("cap", "webhook", "mqtt", "cot", "command")
SIMULATED = 0x10  # of I048/020
FRIENDS = (Category.FRIEND, Category.ASSUMED_FRIEND)


@cache
def turns() -> Sequence[Sequence[Input]]:
    """Return what a small raid sends, turn by turn: without the marks that keep simulated plots out of a live one."""
    marked = {name: getattr(blocks, name) for name in ("PRIMARY", "ROLL_CALL", "BOTH")}
    for name, value in marked.items():
        setattr(blocks, name, value & ~SIMULATED)
    try:
        return raid.inputs(BEGUN + TURNS)
    finally:
        for name, value in marked.items():
            setattr(blocks, name, value)


@cache
def begun(mode: Mode) -> bytes:
    """Return the state of a line that a raid comes to, in a picture of some mode."""
    line = Line()
    text = settings_text(turns()[0][0].settings, mode, Random(1))
    first = Started(raid.START, mode, text, "1")
    for seq, event in enumerate((first, *(event for turn in turns()[1:BEGUN] for event in turn)), 1):
        line.feed(seq, event)
    return line.save()


def hashed(cue: Cue) -> str:
    """Return the hash of a cue as the design has it: BLAKE2b, 128 bits, of its JSON."""
    said = json.dumps(msgspec.to_builtins(cue), separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


class Book:
    """Who was allowed what. Raises AssertionError where the line does what nobody allowed."""

    def __init__(self, line: Line, shown: Sequence[Shown]) -> None:
        self.counts: Counter[str] = Counter()
        self._line, self._shown = line, shown
        self._standing: dict[int, Handed] = {}
        self._told: dict[int, int] = {}  # hand-over -> second of the last cue
        self._used: set[tuple[str, int]] = set()  # session, proof
        self._feeds: set[str] = set()
        to = [Recipient(name="one", kind=kind, in_exercise=True) for kind in KINDS]
        self._queues = [Queue(replace(one, actual=meant)) for one in to for meant in (True, False)]

    def take(self, before: Picture, event: Input, said: Sequence[Output]) -> None:
        """Judge what came of an input. before: the picture it was given to."""
        cued = [one for one in said if isinstance(one, Cued)]
        assert not cued or before.mode is Mode.LIVE, "a cue out of a picture that is not live"
        if isinstance(event, Decided):
            self._decided(before, event, said, cued)
        else:
            self._kept(event, cued)
        for one in said:
            if isinstance(one, CueEnded):
                self._standing.pop(one.number, None)
        if isinstance(event, Lost):  # it goes on from what a state of ours knew, here also from old ones
            self._used &= set(self._line.picture.handovers.used)
        if isinstance(event, ClockStepped | Suspended | Lost | Started):
            assert not self._line.picture.handovers.standing, f"a hand-over outlives {type(event).__name__}"
            self._standing.clear()
        stands = {one.number for one in self._line.picture.handovers.standing}
        assert stands == set(self._standing), "what stands is not what was decided"
        self._fed(event, said)
        self._safe()
        self._written(said)

    def _decided(self, before: Picture, event: Decided, said: Sequence[Output], cued: Sequence[Cued]) -> None:
        (taken,) = (one for one in said if isinstance(one, Taken))
        why = self._unfit(before, event)
        against = why or danger(before, event.hand_over.shown)
        self.counts[f"decided: {why or against or 'accepted'}"[:50]] += 1
        assert bool(cued) == (taken.refused == ""), "a cue and a refusal, or neither"
        assert not (cued and why), f"handed over, but {why}"
        assert bool(cued) == (against == ""), f"refused without a reason: {taken.refused}"
        if cued:
            (one,) = cued
            wanted = event.hand_over
            assert (one.partner, one.cue.track, one.by) == (wanted.partner, wanted.shown.track, event.person.name)
            whose = wanted.partner, one.cue.track, wanted.shown.label, wanted.shown.category, event.person.name
            assert one.number not in self._standing
            self._standing[one.number] = Handed(one.number, *whose, before.time, before.time + 60 * SECOND)
            self._used.add((event.person.session, wanted.proved))
            if Shown(wanted.shown, wanted.digest) not in self._shown:
                self.counts["of what was never shown"] += 1  # the desk keeps what was; see `handover_door`
            self._told[one.number] = before.time // SECOND
            self.counts["hand-overs"] += 1

    def _unfit(self, before: Picture, event: Decided) -> str:
        """Return what a decision lacks, by the words of the design; "" nothing."""
        wanted, now = event.hand_over, before.time
        lacks = {
            "not live": before.mode is not Mode.LIVE,
            "role": event.person.role not in (Role.SUPERVISOR, Role.ADMINISTRATOR),
            "nobody": not event.person.name,
            "proof too old": now - wanted.proved > 60 * SECOND,
            "proof of the future": wanted.proved - now > 2 * SECOND,
            "proof used": (event.person.session, wanted.proved) in self._used,
            "another hash": wanted.digest != hashed(wanted.shown),
            "shown too long ago": not 0 <= now - wanted.shown.time <= 20 * SECOND,
            "partner": wanted.partner not in [one.name for one in self._line.settings.partners],
            "twice": any((wanted.partner, wanted.shown.track) == (h.partner, h.track) for h in self._standing.values()),
        }
        return next((why for why, true in lacks.items() if true), "")

    def _kept(self, event: Input, cued: Sequence[Cued]) -> None:
        """What is told while a hand-over stands, each second: only that one, to that partner, of that track."""
        assert not cued or isinstance(event, Tick | Started), f"a cue from {type(event).__name__}"
        assert len({one.number for one in cued}) == len(cued)
        for one in cued:
            of = self._standing.get(one.number)
            assert of is not None, "a cue that nobody decided on"
            assert (one.partner, one.by, one.until) == (of.partner, of.by, of.until)
            assert (one.cue.track, one.cue.label, one.cue.category) == (of.track, of.label, of.category)
            assert one.time < of.until, "a cue after its time"
            assert self._told.get(one.number) != one.time // SECOND, "twice in a second"
            self._told[one.number] = one.time // SECOND

    def _fed(self, event: Input, said: Sequence[Output]) -> None:
        """A feed is what a supervisor allowed, for a purpose, until its time or an end."""
        picture = self._line.picture
        taken = [one for one in said if isinstance(one, Taken) and not one.refused]
        if taken and isinstance(event, Acted) and isinstance(event.act, AllowFeed):
            act = event.act
            assert event.person.role >= Role.SUPERVISOR
            assert event.person.name
            assert act.purpose.strip()
            assert picture.time < act.until <= picture.time + 12 * 3600 * SECOND
            assert act.partner in [one.name for one in self._line.settings.partners]
            self._feeds.add(act.partner)
            self.counts["feeds"] += 1
        if taken and isinstance(event, Acted) and isinstance(event.act, EndFeed):
            self._feeds.discard(event.act.partner)
        for one in said:
            if isinstance(one, FeedEnded):
                self._feeds.discard(one.partner)
        if isinstance(event, Lost):
            self._feeds = {one.partner for one in picture.held.feeds}  # what a state of ours says
        assert {one.partner for one in picture.held.feeds} == self._feeds, "a feed that nobody allowed"
        if isinstance(event, Tick):
            assert all(one.until > picture.time for one in picture.held.feeds), "a feed after its time"

    def _safe(self) -> None:
        """What stands must be the track that was shown, seen, no friend, and none near. By other sums than the code."""
        picture = self._line.picture
        if not self._standing:
            return
        table, known = picture.tracks, {one.track: one for one in picture.identities}
        friends = [n for n, one in known.items() if one.category in FRIENDS or one.proposed in FRIENDS or one.flight]
        for one in self._standing.values():
            (row,) = np.flatnonzero((table.number == one.track) & table.shown())
            assert picture.time < one.until, "a hand-over after its time"
            assert table.label[row] == one.label
            assert known[one.track].category is one.category
            assert one.track not in friends, "a friend"
            assert not known[one.track].claimed_only
            assert picture.time - table.heard[row] <= 15 * SECOND, "unseen"
            mean, _ = at(table, picture.time)
            away = np.linalg.norm(mean[:, :3] - mean[row, :3], axis=1)
            assert not (np.isin(table.number, friends) & (table.number > 0) & (away < 3000.0)).any(), "near a friend"

    def _written(self, said: Sequence[Output]) -> None:
        """Every byte of every encoder is on the list of what may be sent."""
        for one in said:
            if isinstance(one, Cued):
                self._sent("cue", cues.cued(one, HOUSE))
            elif isinstance(one, CueEnded):
                self._sent("end", cues.ended(one, HOUSE))
            elif isinstance(one, Answered) and one.data:
                allowed_cues.answer(one.data)
                self.counts["bytes"] += len(one.data)
            elif isinstance(one, AreaWarned):
                self._warned(one)
        picture = self._line.picture
        if self._feeds and any(isinstance(one, Output) for one in said):
            for message in cues.feed(states(picture), picture, HOUSE):
                self._sent("feed", message)

    def _sent(self, kind: str, data: bytes) -> None:
        found, _ = allowed_cues.to_partner(data)
        assert found == kind
        self.counts[f"{kind} messages"] += 1
        self.counts["bytes"] += len(data)

    def _warned(self, event: AreaWarned) -> None:
        """Write it as the outbox does, for recipients of each kind that are told everything."""
        outline = outlines(self._line.settings).get(event.warning.area)
        for queue in self._queues:
            queue.offer(event.warning, outline, event.time)
            queue.settle(event.time, event.warning.mode)
            while (row := queue.next(event.time)) is not None:
                made = parcel(queue, row, self._line.settings.outputs.sender)
                if isinstance(made, str):
                    assert row.outline is None, made
                    queue.refused(row, made, event.time)
                    continue
                status, meant = allowed.READ[queue.recipient.kind](made.body)["status"], queue.recipient.actual
                assert status != "Actual" or (meant and row.warning.mode is Mode.LIVE), "meant, and not live"
                queue.sent(queue.begin(row, made.body), "", event.time)
                self.counts["warnings"] += 1
                self.counts["bytes"] += len(made.body)


def case(seed: int, steps: int = STEPS) -> Counter[str]:
    """Run one case; return what was done. Raises AssertionError where something was handed over that must not be."""
    rng = Random(seed)
    mode = rng.choices(list(Mode), [12 if one is Mode.LIVE else 1 for one in Mode])[0]
    line, shown = Line.restore(begun(mode)), list[Shown]()
    inputs = Inputs(rng, turns()[BEGUN:], [begun(one) for one in Mode])
    book = Book(line, shown)
    seq = 10_000
    for _ in range(steps):
        for event in inputs.next(line, shown):
            seq += 1
            before = line.picture
            assert before is not None
            told = decode(encode(event))  # as it stands in the record
            book.counts[type(event).__name__] += 1
            book.take(before, told, [one.event for one in line.feed(seq, told)])
    book.counts["cases"] += 1
    return book.counts
