"""Evidence of SAPIENT nodes in their detections: whose it is, by what they tell it, and what is remembered of it."""

from math import log
from typing import Any

import msgspec
import numpy as np
import pytest
from sapient_nodes import (
    CAMERA,
    RADAR,
    START,
    changed,
    heard,
    introduced,
    node,
    node_with_radar,
    plot,
    ray,
    real,
    rng,
    said,
)

from skywarden.kernel import plain_while
from skywarden.model.assessment import CLASSES, Class, Family
from skywarden.model.detection import Detections, Frame, family_of
from skywarden.model.place import Sensor
from skywarden.model.track import Mode
from skywarden.sensors.sapient import meaning
from skywarden.sensors.sapient.meaning import KEPT, SHORT, Meanings
from skywarden.sensors.sapient.memory import Session, State
from skywarden.sensors.sapient.message import HEADER, pack, parse
from skywarden.sensors.sapient.proto import DetectionReport, Registration
from skywarden.sim.nodes import registration, status

ENROLLED = Sensor(name="mast 4", source="nodes", node_id=RADAR.node_id, latitude=29.4, longitude=-45.6)
Kind = Registration


@pytest.fixture(autouse=True)
def compiled_afterwards():
    yield
    plain_while(lambda: False)


def naming(seed: int, *classes: tuple[str, float]) -> bytes:
    """Return a plot of an object of some classes."""
    found = parse(plot(seed)[HEADER:])
    assert found is not None
    found.detection_report.ClearField("classification")
    for word, confidence in classes:
        found.detection_report.classification.add(type=word, confidence=confidence)
    return pack(found)


def joining(*words: str, types: tuple[int, ...] = (Registration.NODE_TYPE_RADAR,)) -> bytes:
    """Return the registration of the radar with classes that it can say and types that it has."""
    found = parse(real(registration(RADAR, START))[HEADER:])
    assert found is not None
    node_said = found.registration
    del node_said.node_definition[:]
    for kind in types:
        node_said.node_definition.add(node_type=kind)
    detects = node_said.mode_definition[0].detection_definition[0].detection_class_definition.add()
    for word in words:
        detects.class_definition.add(type=word)
    return pack(found) + status(RADAR, START, rng())


def only(decoder: Any, data: bytes, peer: int = 7) -> Detections:
    (batch,) = heard(decoder, data, peer).batches
    return batch


def column(batch: Detections, word: Class) -> list[float]:
    assert batch.evidence is not None
    return batch.evidence[:, CLASSES.index(word)].tolist()


@pytest.mark.parametrize("plain", [False, True])
def test_each_report_has_its_own_evidence_also_when_only_some_have_any(plain: bool) -> None:
    plain_while(lambda: plain)
    batch = only(node_with_radar(), naming(1, ("Bird", 0.5)) + naming(2) + naming(3, ("Bird", 0.3)) + naming(4))
    assert column(batch, Class.BIRD) == pytest.approx([log(0.5 * 11), 0, log(0.3 * 11), 0])
    assert batch.evidence is not None
    assert batch.evidence.shape == (4, len(CLASSES))
    assert not batch.evidence.flags.writeable


@pytest.mark.parametrize("plain", [False, True])
def test_reports_that_say_nothing_have_no_evidence(plain: bool) -> None:
    plain_while(lambda: plain)
    assert only(node_with_radar(), naming(1) + naming(2, ("Unknown", 1.0))).evidence is None
    decoder = node()
    introduced(decoder, CAMERA)
    assert only(decoder, ray()).evidence is None


def test_what_the_simulated_radar_says_speaks_for_what_flies_there() -> None:
    found = np.concatenate([b.evidence for b in heard(node(), said(RADAR)).batches if b.evidence is not None])
    assert {CLASSES[k] for k in found.argmax(1).tolist()} == {Class.UAV_PISTON, Class.BIRD}


def test_evidence_is_beside_what_the_node_registered_as_its_classes() -> None:
    decoder = node()
    heard(decoder, joining("Bird", "UAV rotary wing", "Human"))
    assert column(only(decoder, naming(1, ("Bird", 0.7))), Class.BIRD) == pytest.approx([log(0.7 / 0.25)])
    heard(decoder, joining("Bird"))
    assert column(only(decoder, naming(2, ("Bird", 0.7))), Class.BIRD) == pytest.approx([log(0.7 / 0.5)])
    heard(decoder, joining())
    assert column(only(decoder, naming(3, ("Bird", 0.7))), Class.BIRD) == pytest.approx([log(0.7 * 11)])


def test_nodes_on_one_connection_each_have_their_own_classes() -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    heard(decoder, joining("Bird"))
    other = changed(naming(2, ("Bird", 0.7)), "", node_id=CAMERA.node_id)
    one, two = heard(decoder, naming(1, ("Bird", 0.7)) + other).batches
    assert column(one, Class.BIRD) == pytest.approx([log(0.7 / 0.5)])
    assert column(two, Class.BIRD) == pytest.approx([log(0.7 * 11)])


@pytest.mark.parametrize(
    "types, family",
    [
        ((Kind.NODE_TYPE_RADAR,), Family.RADAR),
        ((Kind.NODE_TYPE_CAMERA,), Family.CAMERA),
        ((Kind.NODE_TYPE_LIDAR,), Family.CAMERA),
        ((Kind.NODE_TYPE_LIDAR, Kind.NODE_TYPE_CAMERA), Family.CAMERA),
        ((Kind.NODE_TYPE_ACOUSTIC,), Family.ACOUSTIC),
        ((Kind.NODE_TYPE_PASSIVE_RF,), Family.RADIO),
        ((Kind.NODE_TYPE_HUMAN, Kind.NODE_TYPE_MOBILE_NODE), Family.PEOPLE),
        ((Kind.NODE_TYPE_RADAR, Kind.NODE_TYPE_POINTABLE_NODE), Family.RADAR),
        ((Kind.NODE_TYPE_RADAR, Kind.NODE_TYPE_CAMERA), Family.OTHER),
        ((Kind.NODE_TYPE_FUSION_NODE,), Family.OTHER),
        ((Kind.NODE_TYPE_FUSION_NODE, Kind.NODE_TYPE_RADAR), Family.OTHER),
        ((Kind.NODE_TYPE_SEISMIC,), Family.OTHER),
        ((Kind.NODE_TYPE_OTHER,), Family.OTHER),
        ((Kind.NODE_TYPE_MOBILE_NODE,), Family.OTHER),
    ],
)
def test_a_node_tells_what_it_sees_by_what_it_registered_as(types: tuple[int, ...], family: Family) -> None:
    decoder = node()
    heard(decoder, joining(types=types))
    batch = only(decoder, plot())
    assert batch.family is family_of(batch) is family


def test_a_node_is_enrolled_when_it_is_in_the_configuration() -> None:
    assert not only(node_with_radar(), plot()).enrolled
    decoder = node(Mode.LIVE, ENROLLED)
    introduced(decoder, RADAR)
    introduced(decoder, CAMERA, 8)
    assert only(decoder, plot()).enrolled
    assert not only(decoder, ray(), 8).enrolled


def test_who_comes_second_under_an_enrolled_id_is_not_enrolled_and_never_gets_there() -> None:
    decoder = node(Mode.LIVE, ENROLLED)
    for peer in (7, 8):
        introduced(decoder, RADAR, peer)
    assert not only(decoder, plot(1), 8).enrolled
    for peer in (8, 7):  # the impostor hangs up first
        decoder.decode(Frame.of("nodes", START, peer=peer))
    introduced(decoder, RADAR, 9)
    batch = only(decoder, plot(2), 9)
    assert (batch.sensor, batch.enrolled) == ("mast 4", True)


def test_a_session_that_was_saved_without_its_classes_can_still_be_read() -> None:
    decoder = node()
    heard(decoder, joining("Bird"))
    saved = msgspec.msgpack.decode(msgspec.msgpack.encode(decoder.state))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(decoder.state), type=State)
    assert again.find(7, RADAR.node_id) == decoder.state.find(7, RADAR.node_id)
    (session,) = saved["sessions"].values()
    assert session.pop("vocabulary") == [1 << CLASSES.index(Class.BIRD)]
    assert msgspec.convert(session, Session).vocabulary == ()


def fields(k: int, letters: int = 0) -> bytes:
    """Return the class of a report, another one for each k."""
    data: bytes = DetectionReport(
        classification=[{"type": f"Bird{k}" + "x" * letters, "confidence": 0.5}]
    ).SerializeToString()
    return data


def sizes(meanings: Meanings) -> list[int]:
    return [len(meanings._meanings), len(meanings._evidence), len(meanings._priors)]


def test_what_is_remembered_of_meanings_is_bounded_however_many_there_are() -> None:
    meanings = Meanings()
    meanings.read([fields(k) for k in range(2 * KEPT + 5)], ())
    assert max(sizes(meanings)) <= KEPT
    for k in range(KEPT + 5):
        meanings.read([fields(0)], (k + 1,))
    assert max(sizes(meanings)) <= KEPT


def test_what_is_long_is_read_and_not_remembered() -> None:
    meanings = Meanings()
    long = fields(1, SHORT)
    assert set(meanings.read([long], ())) == {long}
    assert sizes(meanings) == [0, 0, 1]


def test_what_is_remembered_says_the_same_as_what_is_read_afresh() -> None:
    decoder = node_with_radar()
    data = b"".join(naming(k, ("Bird", k / 50), ("Human", 0.4)) for k in range(1, 30))
    assert only(decoder, data).evidence is not None
    again = b"".join(naming(k + 100, ("Bird", k / 50), ("Human", 0.4)) for k in range(1, 30))
    known, fresh = only(decoder, again).evidence, only(node_with_radar(), again).evidence
    assert known is not None
    assert fresh is not None
    assert known.tobytes() == fresh.tobytes()


def test_the_same_words_are_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = node_with_radar()
    heard(decoder, naming(1, ("Bird", 0.5)))
    monkeypatch.setattr(meaning, "said", None)  # would raise
    assert column(only(decoder, naming(2, ("Bird", 0.5))), Class.BIRD) == pytest.approx([log(5.5)])
