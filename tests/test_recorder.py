"""A disk that refuses for so long that messages are lost: the warning goes on, the record says so and goes on after."""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest
import raid
from msgspec import structs
from typer.testing import CliRunner

from skywarden.cli.app import app
from skywarden.config import parse
from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, Lost, Refused, Tick, decode, encode
from skywarden.pipeline import Line
from skywarden.record import MemoryLog, SqliteLog
from skywarden.record import writer as writer_module
from skywarden.replay import compare, is_input, recover, to_json
from skywarden.service.engine import Engine, Outcome
from skywarden.service.recorder import RECORD_WAIT, Recorder

LIMIT = 76_000  # bytes: some turns, and more than a whole state, which each `Lost` holds
TURNS = 44
(BEGUN,), *INPUTS = raid.inputs(TURNS)
SETTINGS = BEGUN.settings + "\n[tracker]\nsettle_s = 1.0\nregister_sensors = false\n"  # so that a state is small
STARTED = [structs.replace(BEGUN, settings=SETTINGS)]
FRAMES = [[e.frame for e in turn if isinstance(e, Arrived)] for turn in INPUTS]
# so heavy that the turns in which the disk is full do not fit, though a state does
FRAMES = [[*turn, Frame.of("heavy", turn[0].received, b"x" * 500)] if turn else turn for turn in FRAMES]
FULL = range(10, 30)  # turns in which the disk takes nothing


class Disk:
    """A log that refuses when told to."""

    def __init__(self, log: MemoryLog | SqliteLog) -> None:
        self.log, self.full = log, False

    def __getattr__(self, name: str):
        return getattr(self.log, name)

    def append(self, entries: list[Entry]) -> None:
        if self.full:
            raise RecordError("the disk is full: free some space")
        self.log.append(entries)


class Turns:
    """A clock of one second for each turn."""

    time = raid.START

    def now(self) -> int:
        return self.time

    def stepped(self) -> int:
        return 0


class Installation:
    """An engine on a disk, turned by hand."""

    def __init__(self, disk: Disk, clock: Turns) -> None:
        self.disk, self.clock = disk, clock
        self.shown: list[Outcome] = []
        self.engine = Engine(parse(SETTINGS), SETTINGS, disk, clock, self.shown.append)

    def turn(self, frames: list[Frame]) -> Outcome:
        self.clock.time += raid.SECOND
        self.engine.turn(frames)
        return self.shown[-1]

    def settle(self) -> None:
        """Wait until the disk has taken what it was given."""
        writer = self.engine._record._writer
        for _ in range(500):
            if writer.backlog == 0 and writer.durable == writer.next - 1:
                return
            time.sleep(0.01)
        raise AssertionError("the disk does not answer")

    def run(self, turns: range) -> None:
        for k in turns:
            self.disk.full = k in FULL
            if k == FULL.stop:
                self.settle()
            self.turn(FRAMES[k])
        self.settle()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little memory; nobody waits long for a disk that refuses."""
    monkeypatch.setattr(writer_module.Writer.__init__, "__defaults__", (LIMIT,))
    monkeypatch.setattr(writer_module, "RETRY_S", 0.02)


@pytest.fixture
def through(tmp_path: Path) -> Iterator[Installation]:
    """An installation whose disk was full for a while and that goes on."""
    log = SqliteLog(tmp_path / "record")
    made = Installation(Disk(log), Turns())
    made.run(range(TURNS))
    yield made
    made.engine._record._writer.close()
    log.close()


def holes(entries: list[Entry]) -> list[tuple[int, Lost]]:
    events = [(e.seq, decode(e.payload)) for e in entries]
    return [(seq, event) for seq, event in events if isinstance(event, Lost)]


def messages(entries: list[Entry]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in entries:
        event = decode(entry.payload)
        if isinstance(event, Arrived):
            counts[event.frame.source] = counts.get(event.frame.source, 0) + len(event.frame)
    return counts


def test_recording_goes_on_after_a_loss_and_says_what_is_missing(through: Installation) -> None:
    entries = list(through.disk.entries())
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    ((seq, lost),) = holes(entries)
    sent: dict[str, int] = {}
    for frame in (f for frames in FRAMES for f in frames):
        sent[frame.source] = sent.get(frame.source, 0) + len(frame)
    held = messages(entries)
    assert {name: held[name] + lost.messages[name] for name in sent} == sent
    assert lost.since < lost.time <= entries[seq].time  # the entry after it
    assert through.shown[-1].lost == lost.messages
    assert any(isinstance(decode(e.payload), Arrived) for e in entries[seq:])


def test_warning_goes_on_through_the_hole(through: Installation) -> None:
    line = Line()
    line.feed(1, STARTED[0])
    times = [shown.picture.time for shown in through.shown]
    assert all(b - a == raid.SECOND for a, b in pairwise(times))
    for seq, (frames, shown) in enumerate(zip(FRAMES, through.shown, strict=True), 2):
        for frame in frames:
            line.feed(seq, Arrived(frame))
        line.feed(seq, Tick(shown.picture.time))
        assert (line.picture.tracks.number == shown.picture.tracks.number).all()
    assert len(line.picture.tracks) > 2


def test_nothing_that_was_lost_is_ever_acknowledged(through: Installation) -> None:
    """The n-th message sent is acknowledged when the counter is n: it must be in the record, as the n-th."""
    held = messages(list(through.disk.entries())[: holes(list(through.disk.entries()))[0][0]])
    for shown in through.shown:
        assert all(shown.recorded[name] <= held[name] for name in shown.recorded)
    assert through.shown[-1].recorded == held
    assert through.disk.recorded()["adsb"] > held["adsb"]  # what came after it is safe too, and cannot be told so


def test_a_source_that_lost_nothing_is_acknowledged_on(through: Installation) -> None:
    for _ in range(3):
        shown = through.turn([Frame.of("new", through.clock.time, b"x", b"y")])
    through.settle()
    assert through.turn([]).recorded["new"] == 6
    assert "new" not in shown.lost


def test_health_knows_of_the_fault_while_it_lasts_and_of_the_loss_until_the_end(through: Installation) -> None:
    faults = [shown.fault or "" for shown in through.shown]
    during = [k for k, fault in enumerate(faults) if "memory is full too, and what comes is lost" in fault]
    assert during
    assert set(during) <= set(FULL)
    assert faults[-1] == ""
    lost = [sum(shown.lost.values()) for shown in through.shown]
    assert lost[during[0] - 1] == 0 < lost[-1]
    assert lost == sorted(lost)


def test_a_replay_compares_before_and_after_the_hole(through: Installation, tmp_path: Path) -> None:
    entries = list(through.disk.entries())
    found = compare(entries)
    assert found.difference is None
    assert found.ticks == sum(isinstance(decode(e.payload), Tick) for e in entries)
    ((seq, lost),) = holes(entries)
    assert [(h.seq, h.messages, h.entries) for h in found.holes] == [(seq, lost.messages, lost.entries)]
    assert b"state" not in to_json(entries[seq - 1])
    result = CliRunner().invoke(app, ["replay", str(tmp_path / "record"), "--verify"])
    assert result.exit_code == 0, result.output
    assert f"from entry {seq} on the record has a hole of {sum(lost.messages.values())} messages (" in result.output
    assert "not comparable from 2026" in result.output
    assert result.stdout.startswith("equal: ")
    told = CliRunner().invoke(app, ["replay", str(tmp_path / "record")]).stdout.splitlines()
    assert [json.loads(one)["messages"] for one in told if '"Lost"' in one] == [lost.messages]


def test_a_difference_after_the_hole_is_still_found(through: Installation) -> None:
    entries = list(through.disk.entries())
    ((seq, _),) = holes(entries)
    index = next(i for i, e in enumerate(entries) if e.seq > seq and not is_input(e))
    wrong = entries[index]._replace(payload=encode(Refused("adsb", "malformed", 99)))
    found = compare([*entries[:index], wrong, *entries[index + 1 :]])
    assert found.difference is not None
    assert found.difference.seq == wrong.seq
    assert len(found.holes) == 1


def test_a_process_killed_at_any_entry_after_a_hole_goes_on_as_if_it_had_not_been(through: Installation) -> None:
    entries = list(through.disk.entries())
    ((seq, lost),) = holes(entries)
    end = recover(through.disk.log).line.save()
    for cut in [seq, *range(seq + 1, len(entries), 7)]:
        log = MemoryLog()
        log.append(entries[:cut])
        line, last, missing = recover(log)
        assert last == cut
        assert all(m.cause > seq for m in missing)  # what was lost is not written down late
        for entry in entries[cut:]:
            if is_input(entry):
                line.feed(entry.seq, decode(entry.payload))
        assert line.save() == end
    assert Line.restore(lost.state).picture.time == lost.time


def test_after_a_restart_all_is_recorded_and_acknowledged_again(through: Installation) -> None:
    log = MemoryLog()
    log.append(list(through.disk.entries()))
    again = Installation(Disk(log), through.clock)
    before = again.engine.recorded()
    assert before == messages(list(log.entries()))
    again.turn([Frame.of("adsb", through.clock.time, b"x")])
    again.settle()
    shown = again.turn([])
    assert (shown.recorded["adsb"], shown.lost, shown.fault) == (before["adsb"] + 1, {}, None)
    again.engine.close()
    assert compare(log.entries()).difference is None
    assert len(holes(list(log.entries()))) == 1


def test_a_process_stopped_in_a_hole_records_it_when_the_disk_answers_at_last() -> None:
    made = Installation(Disk(MemoryLog()), Turns())
    made.run(range(FULL.start))
    made.disk.full = True
    for k in FULL:
        made.turn(FRAMES[k])
    made.disk.full = False
    made.engine.close()
    entries = list(made.disk.entries())
    ((seq, lost),) = holes(entries)
    assert seq == len(entries)
    assert lost.messages == made.shown[-1].lost
    assert made.disk.snapshot()[0] == seq
    assert compare(entries).difference is None


def test_a_process_stopped_while_the_disk_refuses_says_so_and_leaves_a_record_to_go_on_from() -> None:
    made = Installation(Disk(MemoryLog()), Turns())
    made.run(range(FULL.start))
    safe = made.engine.recorded()
    made.disk.full = True
    for k in FULL:
        made.turn(FRAMES[k])
    writer = made.engine._record._writer
    assert not writer.close(timeout=0.1)
    with pytest.raises(RecordError, match="lacks what came last"):
        made.engine.close()
    assert made.disk.recorded() == safe
    assert compare(made.disk.entries()).difference is None


def test_each_of_several_holes_stands_in_its_place() -> None:
    made = Installation(Disk(MemoryLog()), Turns())
    for _ in range(2):
        made.run(range(FULL.stop + 4))
    made.engine.close()
    entries = list(made.disk.entries())
    first, second = holes(entries)
    assert first[0] < second[0]
    assert made.shown[-1].lost == {name: count + second[1].messages[name] for name, count in first[1].messages.items()}
    assert [hole.seq for hole in compare(entries).holes] == [first[0], second[0]]
    assert compare(entries).difference is None


def test_a_state_of_another_version_leaves_the_line_as_it_was_before_the_hole(through: Installation) -> None:
    line = Line()
    line.feed(1, STARTED[0])
    before = line.save()
    line.feed(2, Lost(1, 1, 1, {}, b"\x01 no line of ours"))
    assert line.save() == before


def test_a_disk_that_stalls_is_waited_for_once_and_not_at_every_tick() -> None:
    class Stalling(MemoryLog):
        goes_on = Event()

        def append(self, entries: Sequence[Entry]) -> None:
            self.goes_on.wait(20)
            super().append(entries)

    log = Stalling()
    recorder = Recorder(log)
    taken = []
    for second in range(4):
        begun = time.monotonic()
        recorder.inputs([Tick(raid.START + second * raid.SECOND)])
        taken.append(time.monotonic() - begun)
        assert "needs more than" in (recorder.fault or "")
    assert taken[0] >= RECORD_WAIT
    assert max(taken[1:]) < RECORD_WAIT / 2
    log.goes_on.set()
    assert recorder._writer.wait(4, timeout=5)
    recorder.inputs([Tick(raid.START + 4 * raid.SECOND)])
    assert recorder.fault is None
    log.goes_on.clear()  # and when it stalls again, it is waited for again
    begun = time.monotonic()
    recorder.inputs([Tick(raid.START + 5 * raid.SECOND)])
    assert time.monotonic() - begun >= RECORD_WAIT
    log.goes_on.set()
    assert recorder._writer.close()
    assert [e.seq for e in log.entries()] == [1, 2, 3, 4, 5, 6]


def test_what_waits_for_its_tick_when_the_hole_ends_follows_from_the_entry_that_tells_of_it() -> None:
    disk, line = Disk(MemoryLog()), Line()
    recorder = Recorder(disk)
    line.feed(*recorder.inputs(STARTED), STARTED[0])
    disk.full = True
    lost = [Arrived(Frame.of("adsb", raid.START, bytes(LIMIT))), Arrived(Frame.of("adsb", raid.START, b"noise"))]
    for seq, event in zip(recorder.inputs(lost), lost, strict=True):
        assert line.feed(seq, event) == []
    disk.full = False
    recorder.mend(line)
    assert recorder._writer.wait(2, timeout=5)
    tick = Tick(raid.START + raid.SECOND)
    caused = line.feed(*recorder.inputs([tick]), tick)
    recorder.outputs([(tick.time, c) for c in caused])
    assert recorder.close(line)
    entries = list(disk.entries())
    assert [type(decode(e.payload)).__name__ for e in entries[:4]] == ["Started", "Lost", "Tick", "Refused"]
    assert entries[3].cause == 2
    assert compare(entries).difference is None
