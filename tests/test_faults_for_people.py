"""A fault of ours in advice, hand-overs or acts stops no warning, and ends no later start."""

import raid
from test_handover import ALONE, PARTNERS, decision

from skywarden import people, pipeline
from skywarden.config import Settings
from skywarden.handover import decided
from skywarden.model.act import EndFeed, Person, Role
from skywarden.model.deed import Acted, CueEnded
from skywarden.pipeline import Line


def broken(*_):
    raise ZeroDivisionError


def test_a_fault_in_advice_leaves_what_was_advised(monkeypatch):
    monkeypatch.setattr(people, "advices", broken)
    after, _ = people.for_people(ALONE, (), ALONE.time, Settings())
    assert after.advices == ALONE.advices
    assert after.raids != ALONE.raids  # the rest went on


def test_a_fault_in_hand_overs_ends_them(monkeypatch):
    standing, _, _ = decided(ALONE, decision(ALONE), PARTNERS)
    monkeypatch.setattr(people.handover, "kept", broken)
    after, said = people.for_people(standing, (), ALONE.time, Settings(partners=PARTNERS))
    assert after.handovers.standing == ()
    assert [event.reason for event in said if isinstance(event, CueEnded)] == ["a fault of ours (ZeroDivisionError)"]


def test_a_fault_in_an_act_is_its_answer(monkeypatch):
    line = Line()
    line.feed(1, raid.inputs(1)[0][0])
    before = line.picture
    monkeypatch.setattr(pipeline, "taken", broken)
    (taken,) = line.feed(2, Acted(before.time, Person("Olena", Role.SUPERVISOR, "s"), EndFeed("brigade")))
    assert "a fault of ours (ZeroDivisionError)" in taken.event.refused
    assert line.picture == before
