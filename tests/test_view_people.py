"""The live view about people: what nobody acknowledged, what goes out by whose word, whom to send."""

from dataclasses import replace

import pytest
from service_samples import NOW, SECOND, picture, published
from test_view import drawn, line

from skywarden.model.advice import Advice, Advices, Option, Verdict
from skywarden.model.assessment import Category
from skywarden.model.decision import Handed, Handovers
from skywarden.model.held import Feed, Held, Waiting
from skywarden.model.raid import Group, Heading, Kind, Level, Raids, SiteState, Span
from skywarden.service.partners import State

LATER = NOW + 60 * SECOND
WEST = Heading("Plant A", Kind.DRONES, 6)
SPAN = Span(0.8, LATER, LATER, LATER)


def test_what_waits_and_what_goes_out_is_told_below_the_header_in_both_languages():
    held = Held(
        waiting=(Waiting("Desk 1", 3, NOW - 90 * SECOND, NOW, escalated=NOW, to="Centre"),
                 Waiting("Desk 2", 3, NOW, NOW)),
        feeds=(Feed("Brigade", "joint watch", LATER, "Ihor", NOW),),
    )  # fmt: skip
    handed = Handovers((Handed(1, "Brigade", 2, 5, Category.SUSPECT, "Olena", NOW, LATER),), 2)
    shown = published(
        picture=replace(picture(), held=held, handovers=handed), partners=(State("Brigade", 0, "refused"),)
    )
    english, ukrainian = (" ".join(drawn(shown, tongue, height=40).split()) for tongue in ("en", "uk"))
    for words in ("nobody at Desk 1 has acknowledged", "Centre was told", "handed over to Brigade by Olena: track 2",
                  "Brigade gets the picture, allowed by Ihor", "Brigade is not reached: refused"):  # fmt: skip
        assert words in english
    assert "Desk 2" not in english  # it has not waited long
    for words in ("Desk 1: оголошене", "передано Brigade (Olena): ціль 2", "Brigade отримує картину"):
        assert words in ukrainian
    assert "Brigade" not in drawn(published())


@pytest.mark.parametrize(("by", "words"), [("", "Team 4: leave by "), ("Olena", "Team 4 (Olena)")])
def test_whom_to_send_stands_with_its_site(by, words):
    verdict = Verdict.ACCEPTED if by else Verdict.OPEN
    option = Option("Team 4", LATER, LATER, 60.0)
    advice = Advices(NOW, (Advice(1, WEST, "Team 4", (option,), NOW, verdict, by),), 2)
    raids = Raids(NOW, groups=(Group(WEST, (1,), SPAN),), sites=(SiteState("Plant A", Level.WARN, NOW, SPAN),))
    shown = published(picture=replace(picture(), raids=raids, advices=advice))
    assert words in line(drawn(shown), "from W")
    assert "Team 4" not in drawn(published(picture=replace(picture(), raids=raids)))
