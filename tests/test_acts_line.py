"""Acts on their way through the whole line: recorded, repeated by a replay, ended with the picture."""

from dataclasses import replace
from functools import cache

import msgspec
import raid

from skywarden import handover
from skywarden.config import resolved
from skywarden.model.act import Categorise, Person, Role, Uncategorise
from skywarden.model.assessment import Category
from skywarden.model.decision import HandOver
from skywarden.model.deed import Acted, Cued, CueEnded, Decided, Taken
from skywarden.model.event import Arrived, ClockStepped, Lost, Started, Stepped, Tick, decode, encode, named
from skywarden.model.place import Partner
from skywarden.model.track import Mode
from skywarden.pipeline import Line

SECOND = raid.SECOND
PARTNERS = (Partner(name="brigade", address="tcp://127.0.0.1:8087"),)
OLENA = Person("Олена", Role.OPERATOR, "s1")


@cache
def turns():
    return raid.inputs(14)


def run(act_at: int) -> tuple[Line, list, list]:
    """Return a line after 14 turns, its outputs and its inputs; after some turns somebody says something."""
    line, outputs, inputs = Line(), [], []
    for number, turn in enumerate(turns()):
        for event in turn:
            inputs.append(event)
            outputs += line.feed(len(inputs), event)
        if number == act_at:
            table = line.picture.tracks
            row = int(table.number.argmax())
            track, label = int(table.number[row]), int(table.label[row])
            act = Categorise(track, label, Category.HOSTILE, "bomb seen")
            inputs.append(Acted(line.picture.time, OLENA, act))
            outputs += line.feed(len(inputs), inputs[-1])
    return line, outputs, inputs


def test_a_word_holds_through_ticks_judgements_and_restarts_and_a_replay_repeats_it():
    line, outputs, inputs = run(9)
    assert [c.event.refused for c in outputs if isinstance(c.event, Taken)] == [""]
    track = line.picture.held.said[0].track
    (one,) = [identity for identity in line.picture.identities if identity.track == track]
    assert (one.category, one.by, one.why) == (Category.HOSTILE, "Олена", "bomb seen")
    assert Line.restore(line.save()).picture.held == line.picture.held
    again, seen = Line(), []
    for seq, event in enumerate(inputs, 1):
        seen += again.feed(seq, decode(encode(event)))
    assert [encode(c.event) for c in seen] == [encode(c.event) for c in outputs]


def test_an_act_is_written_out_with_who_did_it():
    _, _, inputs = run(9)
    (acted,) = [event for event in inputs if isinstance(event, Acted)]
    fields = named(acted)
    assert fields["person"] == {"name": "Олена", "role": "operator", "session": "s1"}
    assert fields["act"]["type"] == "Categorise"
    assert fields["act"]["category"] == "hostile"


def test_a_word_changes_the_digest_of_the_next_tick_only_by_itself():
    (_, with_act, _), (_, without, _) = run(9), run(99)
    said = [[c.event.digest for c in outputs if isinstance(c.event, Stepped)] for outputs in (with_act, without)]
    assert said[0][:9] == said[1][:9]
    assert said[0][-1] != said[1][-1]


def test_nothing_that_the_system_does_itself_is_hostile():
    line, _, _ = run(99)
    assert len(line.picture.identities) > 3
    assert all(one.category is not Category.HOSTILE and not one.by for one in line.picture.identities)


def test_a_picture_that_begins_anew_has_nobodys_word():
    line, _, inputs = run(9)
    started = inputs[0]
    other = Started(line.picture.time, Mode.EXERCISE, started.settings.replace("live", "exercise"), started.version)
    said = line.feed(len(inputs) + 1, other)
    assert "CategoryEnded" in [type(c.event).__name__ for c in said]
    assert line.picture.held.said == ()


def test_an_act_between_messages_of_a_tick_waits_for_no_tick():
    line, _, inputs = run(9)
    track = line.picture.held.said[0].track
    line.feed(len(inputs) + 1, Arrived(raid.inputs(2)[1][0].frame))
    (taken,) = line.feed(len(inputs) + 2, Acted(line.picture.time, OLENA, Uncategorise(track, "wrong")))
    assert taken.event.refused == ""
    line.feed(len(inputs) + 3, Tick(line.picture.time + SECOND))
    assert all(not one.by for one in line.picture.identities)


def live(line: Line) -> None:
    line.picture = replace(line.picture, mode=Mode.LIVE)


def handed(line: Line, seq: int) -> list:
    shown = handover.cue(line.picture, int(line.picture.tracks.number.max()))
    wanted = HandOver("brigade", shown, handover.digest(shown), line.picture.time)
    boss = Person("Olena", Role.SUPERVISOR, "s1")
    return [c.event for c in line.feed(seq, Decided(line.picture.time, boss, wanted))]


def with_partner(line: Line) -> None:
    line.settings = msgspec.structs.replace(line.settings, partners=PARTNERS)


def test_a_simulated_picture_hands_nothing_over():
    line, _, inputs = run(99)
    with_partner(line)
    assert handed(line, len(inputs) + 1) == [Taken(line.picture.time, "the picture is sim: nothing can be handed over")]


def test_a_live_one_does_and_a_jump_of_the_clock_a_hole_in_the_record_or_a_start_ends_it():
    for event in (ClockStepped(0, SECOND), None, "start", "reload"):
        line, _, inputs = run(99)
        with_partner(line)
        live(line)
        taken, cued = handed(line, len(inputs) + 1)
        assert (taken.refused, type(cued)) == ("", Cued)
        if event in ("start", "reload"):
            words = inputs[0].settings, inputs[0].version, resolved(line.settings), event == "reload"
            event = Started(line.picture.time, Mode.LIVE, *words)
        elif event is None:
            event = Lost(line.picture.time, 0, 1, {}, line.save())
        (over,) = line.feed(len(inputs) + 2, event)
        assert isinstance(over.event, CueEnded)
        assert line.picture.handovers.standing == ()


def test_no_tick_ever_cues_anybody():
    _, outputs, _ = run(9)
    assert not [c for c in outputs if isinstance(c.event, Cued | CueEnded)]
