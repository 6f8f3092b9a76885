"""What SAPIENT nodes say their objects are, as evidence: words, confidences, what a node can say, bad input."""

import re
from math import inf, log, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.model.assessment import CLASSES, Class
from skywarden.sensors.sapient.classes import (
    ANY,
    LEAST,
    MOST,
    NAMED,
    NOTHING,
    RANGE,
    WORDS,
    before,
    evidence,
    heard,
    vocabulary,
)
from skywarden.sensors.sapient.message import from_json
from skywarden.sensors.sapient.proto import DetectionReport, Registration

DOCUMENT = Path(__file__).parents[1] / "docs" / "sapient.md"
DATA = Path(__file__).parents[1].parent / "shared" / "data" / "sapient"
AIR = set(CLASSES) - {Class.BIRD, Class.NOISE, Class.UNKNOWN}
FIXED = {Class.UAV_PISTON, Class.UAV_JET, Class.FIXED_WING, Class.DECOY, Class.CRUISE}
SILENT = [  # words of the taxonomy that say nothing by themselves
    "Unknown", "Other", "Equipment", "Weapon", "Bomb", "EM transmitter", "Wifi AP", "Broadcast", "Radar", "RF jammer",
    "Laser/Lidar", "RF DEW/EM pulse", "Camera", "Acoustic", "Commercial", "Military",
]  # fmt: skip
HOSTILE = ["", " ", "-", ":", "spaceship", "Bird Bird", "птах", "\U0001f426", "x" * 100_000, "bird\0", "Ｂｉｒｄ"]


Said = tuple[Any, ...]  # a word, its confidence or None, and what lies under it


def report(*classes: Said) -> Any:
    """Return the classes of a detection report."""
    body = DetectionReport()
    add(body.classification, classes)
    return body.classification


def add(to: Any, classes: tuple[Said, ...]) -> None:
    for word, confidence, *inside in classes:
        one = to.add(type=word)
        if confidence is not None:
            one.confidence = confidence
        add(one.sub_class, tuple(inside))


def nats(*classes: Said, words: tuple[int, ...] = ()) -> dict[Class, float]:
    return dict(zip(CLASSES, evidence(heard(report(*classes)), before(words)), strict=True))


def registered(*paths: str) -> tuple[int, ...]:
    """Return what a node can say that registered some paths: "Air vehicle/UAV fixed wing"."""
    said = Registration.DetectionClassDefinition()
    for path in paths:
        first, *others = path.split("/")
        one: Any = said.class_definition.add(type=first)
        for word in others:
            one = one.sub_class.add(type=word)
    return vocabulary(said.class_definition)


def spread(found: dict[Class, float], which: set[Class]) -> float:
    """Check that some classes have all the same; return it."""
    values = {found[one] for one in which}
    assert len(values) == 1
    return values.pop()


@pytest.mark.parametrize("word", WORDS)
def test_every_word_speaks_for_all_it_stands_for_and_against_the_others(word: str) -> None:
    found, which = nats((word, 0.9)), set(WORDS[word])
    others = set(CLASSES) - which - {Class.UNKNOWN}
    assert which
    assert Class.UNKNOWN not in which
    assert spread(found, which) == pytest.approx(max(log(0.9 / (len(which) / 11)), 0.0))
    floor = spread(found, which) - RANGE
    assert spread(found, others) == pytest.approx(max(log(0.1 / (len(others) / 11)), floor))
    assert found[Class.UNKNOWN] == 0.0


@pytest.mark.parametrize(
    "word", ["UAV Fixed Wing", "uav fixed-wing", "UAV_FIXED_WING", " Uav  Fixed wing ", "sapient_core:UAV fixed wing"]
)
def test_a_word_is_known_however_it_is_spelt(word: str) -> None:
    assert nats((word, 0.7)) == nats(("UAV fixed wing", 0.7)) != dict.fromkeys(CLASSES, 0.0)


def test_the_words_of_the_taxonomy_stand_for_what_they_mean() -> None:
    assert WORDS["Air vehicle"] == AIR
    assert WORDS["UAV fixed wing"] == FIXED
    assert WORDS["UAV rotary wing"] == {Class.MULTIROTOR}
    assert WORDS["Manned fixed wing"] == {Class.AEROPLANE}
    assert WORDS["Manned rotary wing"] == {Class.HELICOPTER}
    assert WORDS["Animal"] == {Class.BIRD, Class.NOISE}
    assert WORDS["Bird"] == {Class.BIRD}
    for word in ("Human", "Land vehicle", "Sea vessel", "Fixed object", "Stationary rotator", ">2 wheels - Heavy"):
        assert WORDS[word] == {Class.NOISE}


def test_every_word_is_in_the_documentation() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    listed = {word.strip() for row in rows for word in re.split("[,;|]", row)}
    assert set(WORDS) <= listed


@pytest.mark.parametrize("word", SILENT + HOSTILE)
def test_a_word_that_may_be_anything_says_nothing_alone_and_what_the_one_above_does_below_it(word: str) -> None:
    assert evidence(heard(report((word, 0.9))), before(())) is NOTHING
    assert nats(("Bird", 0.8, (word, 0.8))) == pytest.approx(nats(("Bird", 0.8)))
    half = nats((word, 0.4), ("Bird", 0.5))
    assert 0 < half[Class.BIRD] == pytest.approx(log(0.5 * 11 + 0.5))


def test_a_sub_class_takes_its_share_of_the_class() -> None:
    found = nats(("Air Vehicle", 0.8, ("UAV Fixed Wing", 0.7)))
    fixed = 0.8 * (35 / 40)
    assert spread(found, FIXED) == pytest.approx(log(fixed / (5 / 11)))
    assert spread(found, AIR - FIXED) == pytest.approx(log((0.8 - fixed) / (4 / 11)))
    assert spread(found, {Class.BIRD, Class.NOISE}) == pytest.approx(log(0.2 / (2 / 11)))


def test_sub_classes_that_are_surer_than_their_class_count_by_their_proportions() -> None:
    found = nats(("Air vehicle", 0.5, ("Manned fixed wing", 0.6), ("Manned rotary wing", 0.3)))
    assert found[Class.AEROPLANE] - found[Class.HELICOPTER] == pytest.approx(log(2.0))
    both = sum(np.exp(found[one]) / 11 for one in (Class.AEROPLANE, Class.HELICOPTER))
    assert both == pytest.approx(0.5 * MOST)


def test_classes_that_together_are_more_than_certain_count_by_their_proportions() -> None:
    found = nats(("Bird", 0.8), ("Human", 0.4), ("UAV rotary wing", 0.8))
    assert found[Class.BIRD] == found[Class.MULTIROTOR]
    assert found[Class.BIRD] - found[Class.NOISE] == pytest.approx(log(2.0))


def test_certainty_is_not_believed() -> None:
    sure = nats(("UAV rotary wing", 1.0), words=registered("UAV rotary wing"))
    assert sure[Class.MULTIROTOR] == pytest.approx(log(MOST / 0.5))
    none = nats(("UAV rotary wing", 0.0), ("Bird", 0.5))
    assert none[Class.MULTIROTOR] == pytest.approx(log(LEAST / (1 / 11)))


def test_a_class_without_confidence_counts_as_60_per_cent_and_zero_is_a_confidence() -> None:
    assert nats(("Bird", None)) == nats(("Bird", 0.6))
    assert nats(("Bird", None, ("Horse", None))) == nats(("Bird", 0.6, ("Horse", 0.6)))
    assert nats(("Air vehicle", None, ("UAV rotary wing", 0.9))) == nats(("Air vehicle", 0.9, ("UAV rotary wing", 0.9)))
    assert nats(("Bird", 0.0), ("Human", 0.4))[Class.BIRD] < 0 < nats(("Bird", None), ("Human", 0.4))[Class.BIRD]


def test_confidences_that_are_all_zero_say_nothing() -> None:
    assert evidence(heard(report(("Bird", 0.0), ("Human", 0.0))), before(())) is NOTHING
    assert nats(("Animal", 0.8, ("Bird", 0.0))) == nats(("Animal", 0.8))


@pytest.mark.parametrize("bad", [nan, -0.1, 1.0000002, inf, -inf, 1e30])
@pytest.mark.parametrize("depth", range(4))
def test_a_confidence_that_cannot_be_makes_the_report_say_nothing(bad: float, depth: int) -> None:
    said: Said = ("Bird", bad)
    for _ in range(depth):
        said = ("Animal", 0.9, said)
    assert heard(report(("Human", 0.5), said)) == ()
    assert evidence((), before(())) is NOTHING


def test_very_many_and_very_deep_classes_say_nothing_or_what_their_first_levels_say() -> None:
    assert len(heard(report(*[("Bird", 0.5)] * NAMED))) == NAMED
    assert heard(report(*[("Bird", 0.5)] * (NAMED + 1))) == ()
    assert heard(report(("Animal", 0.9, *[("Bird", 0.5)] * NAMED))) == ()
    assert heard(report(*[("Animal", 0.9, *[("Bird", 0.5)] * 8)] * 15)) == ()
    said: Said = ("Bird", 0.9)
    for _ in range(90):
        said = ("Animal", 0.9, said)
    assert nats(said) == pytest.approx(nats(("Animal", 0.9)))


KNOWN = st.sampled_from([*WORDS, *SILENT])
CONFIDENCE = st.none() | st.floats(0.0, 1.0, width=32)
TREES = st.recursive(
    st.tuples(KNOWN, CONFIDENCE),
    lambda inner: st.tuples(KNOWN, CONFIDENCE, inner) | st.tuples(KNOWN, CONFIDENCE, inner, inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(said=st.lists(TREES, max_size=6), paths=st.lists(KNOWN, max_size=6))
def test_what_is_left_of_the_prior_is_a_probability_and_no_report_tells_more_than_it_may(
    said: list[Said], paths: list[str]
) -> None:
    prior = before(registered(*paths))
    assert min(prior) > 0
    assert sum(prior) == pytest.approx(1.0)
    found = np.array(evidence(heard(report(*said)), prior))
    assert np.isfinite(found).all()
    assert np.ptp(found) <= RANGE + 1e-9
    total = float(np.sum(np.array(prior) * np.exp(found[:-1])))
    assert total == pytest.approx(1.0) if np.ptp(found) < RANGE - 1e-9 else total >= 1.0 - 1e-9


def test_a_very_sure_report_tells_four_nats_and_no_more() -> None:
    words = registered("Bird", "Human", "UAV rotary wing", "Manned fixed wing", "Manned rotary wing")
    found = nats(("Manned fixed wing", 1.0), words=words)
    assert max(found.values()) - min(found.values()) == pytest.approx(RANGE)
    assert found[Class.AEROPLANE] == pytest.approx(log(MOST * 6))


def test_what_a_node_can_say_is_expected_alike_and_each_meaning_once() -> None:
    drone = registered("UAV rotary wing")
    assert before(drone)[CLASSES.index(Class.MULTIROTOR)] == pytest.approx(1 / 2)  # that, or anything else
    more = registered("Air vehicle/UAV rotary wing", "Human", "Land vehicle/Tracked", "Animal/Bird", "Unknown", "Other")
    prior = dict(zip(CLASSES, before(more), strict=False))
    assert [prior[one] for one in (Class.MULTIROTOR, Class.NOISE, Class.BIRD)] == pytest.approx([1 / 4] * 3)
    assert prior[Class.UAV_PISTON] == pytest.approx(1 / 4 / 8)


def test_the_less_a_node_can_say_the_less_its_word_tells() -> None:
    drone, five = ("UAV rotary wing", 0.9), registered("UAV rotary wing", "Bird", "Human", "Air vehicle")
    found = [nats(drone, words=words)[Class.MULTIROTOR] for words in (registered("UAV rotary wing"), five, ())]
    assert 0 < found[0] < found[1] < found[2]


def test_a_vocabulary_of_no_word_of_ours_is_as_none() -> None:
    assert registered() == registered("Unknown", "Spaceship/Small") == ()
    assert before(()) == pytest.approx([1 / 11] * 11)
    assert all(0 < word < ANY for word in registered(*WORDS))


def test_a_vocabulary_is_read_as_far_as_it_is_sensible() -> None:
    said = Registration.DetectionClassDefinition()
    for k in range(2000):
        said.class_definition.add(type="x" * 1000).sub_class.add(type=f"y{k}")
    deep: Any = said.class_definition[0]
    for _ in range(80):
        deep = deep.sub_class.add(type="Bird")
    said.class_definition.add(type="Human")
    assert vocabulary(said.class_definition) == (1 << CLASSES.index(Class.BIRD),)


@pytest.mark.skipif(not DATA.exists(), reason="needs the folder ../shared/data/sapient")
def test_the_samples_of_the_standards_authors_are_understood() -> None:
    def read(name: str) -> dict[Class, float]:
        message, _ = from_json((DATA / name).read_bytes())
        assert message is not None
        return dict(zip(CLASSES, evidence(heard(message.detection_report.classification), before(())), strict=True))

    human = read("examples/asm_Default.DetectionReport.json")
    assert max(human, key=human.__getitem__) is Class.NOISE
    assert human[Class.NOISE] == pytest.approx(log(0.8 * 11))
    three = read("valid/DetectionReport.ThreeClassProbabilities.FullMessage.json")
    assert three[Class.NOISE] > three[Class.BIRD] > 0 > spread(three, AIR)
