"""The scanner of SAPIENT reports beside protobuf and `faults`, the truth: it passes nothing that they refuse."""

from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise, product
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sapient_nodes import CAMERA, OTHER, RADAR, START, changed, node, plot, ray, real, rng
from sapient_wire import message, mixed, tree, varint, write

from skywarden.kernel import plain_while
from skywarden.model.assessment import CLASSES, Class
from skywarden.model.detection import Decoded, Frame
from skywarden.model.place import Sensor
from skywarden.model.track import Mode
from skywarden.sensors.sapient import rules
from skywarden.sensors.sapient import table as slots
from skywarden.sensors.sapient.answers import own_id
from skywarden.sensors.sapient.meaning import Meanings
from skywarden.sensors.sapient.message import HEADER, LONGEST, pack, parse, split
from skywarden.sensors.sapient.proto import Registration, SapientMessage
from skywarden.sensors.sapient.reports import Head, Reports
from skywarden.sensors.sapient.rules import faults
from skywarden.sensors.sapient.scan import Scanned, _scan, _utf8, _visible, nothing, scan
from skywarden.sim.nodes import registration, status

SEEDS = st.integers(0, 2**32 - 1)
ENROLLED = Sensor(name="mast 4", source="nodes", node_id=CAMERA.node_id, latitude=29.4, longitude=-45.6)
VOCABULARY = (1 << CLASSES.index(Class.BIRD), 1 << CLASSES.index(Class.MULTIROTOR))
EACH = 25  # messages of one example


@pytest.fixture(autouse=True)
def compiled_afterwards():
    yield
    plain_while(lambda: False)


def framed(messages: list[bytes]) -> Frame:
    """Return messages without length as a frame."""
    return Frame.of("nodes", START, *[len(m).to_bytes(HEADER, "little") + m for m in messages], peer=7)


def sure(messages: list[bytes]) -> list[bool]:
    frame = framed(messages)
    return [bool(s) for s in scan(np.frombuffer(frame.data, np.uint8), frame.bounds()).sure]


def valid(data: bytes) -> bool:
    """Say whether protobuf and the rules find a valid detection report in some bytes."""
    found = parse(data)
    return found is not None and not faults(found) and found.WhichOneof("content") == "detection_report"


def said(reports: Reports, number: int, head: Head) -> list[Any]:
    """Return all that a row says, bits of numbers included."""
    words, evidence = reports.said(np.array([number]), VOCABULARY)
    return [
        reports.time[number],
        reports.values[number].tobytes(),
        reports.form[number].tolist(),
        head,
        reports.objects[number],
        reports.zones.get(number, ""),
        words,
        None if evidence is None else evidence.tobytes(),
    ]


def agrees(messages: list[bytes]) -> int:
    """Check that what the scanner passes is valid, and says the same to protobuf; return how many it passes."""
    frame = framed(messages)
    quick = Reports(frame, len(messages), Meanings())
    plain_while(lambda: True)
    slow = Reports(frame, len(messages), Meanings())
    plain_while(lambda: False)
    assert slow.stretches == {}
    passed = 0
    for stretch in quick.stretches.values():
        for number in stretch.numbers:
            assert valid(messages[number])
            found = parse(messages[number])
            assert found is not None
            head = slow.put(number, found)
            slow.settle()
            assert (stretch.node, stretch.to) == (found.node_id, found.destination_id)
            assert said(quick, number, quick.head(number)) == said(slow, number, head)
            passed += 1
    return passed


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, wrong=st.sampled_from([0.0, 0.02]))
def test_of_messages_as_protobuf_writes_them_just_the_valid_ones_pass(seed: int, wrong: float) -> None:
    rng = np.random.default_rng(seed)
    messages = [message(rng, wrong).SerializeToString() for _ in range(EACH)]
    assert sure(messages) == [valid(m) for m in messages]
    if not wrong:
        assert agrees(messages) == EACH


@settings(max_examples=120, deadline=None)
@given(seed=SEEDS, odd=st.sampled_from([0.002, 0.01, 0.05]))
def test_no_message_that_is_written_oddly_passes_and_is_invalid(seed: int, odd: float) -> None:
    rng = np.random.default_rng(seed)
    trees = [tree(message(rng).SerializeToString(), SapientMessage.DESCRIPTOR) for _ in range(EACH)]
    agrees([write(fields, rng, odd) for fields in trees])


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, share=st.sampled_from([0.01, 0.05, 0.2]))
def test_no_two_messages_in_one_pass_and_say_something_else(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    trees = [tree(message(rng).SerializeToString(), SapientMessage.DESCRIPTOR) for _ in range(EACH + 1)]
    agrees([write(mixed(one, other, rng, share), rng, 0.0) for one, other in pairwise(trees)])


@pytest.mark.parametrize(
    "what",
    [
        b"\x12\x24" + RADAR.node_id.encode(),  # the node's id once more
        b"\x3a\x00",  # an empty detection report once more
        b"\x90\x03\x01",  # an unknown field
        b"\x6b\x6c",  # a group
        b"\xea\x00\x00",  # an empty text, its tag longer than it need be
        b"\x6a\x80\x00",  # the same, its length
        b"\x62\x00",  # an error
    ],
)
def test_what_protobuf_never_writes_so_is_left_to_it(what: bytes) -> None:
    good = message(np.random.default_rng(1))
    good.ClearField("additional_information")
    data = good.SerializeToString()
    assert sure([data, data + b"\x6a\x00", data + what, data]) == [True, True, False, True]


def test_classes_that_lie_apart_are_left_to_it() -> None:
    good = message(np.random.default_rng(1))
    good.ClearField("destination_id")
    data = good.detection_report.SerializeToString()
    more = b"\x5a\x03\x0a\x01x"  # a class
    good.ClearField("detection_report")
    head = good.SerializeToString()
    bodies = [data, more + more + data, more + b"\xba\x01\x01x" + more + data]
    messages = [head + b"\x3a" + varint(len(body)) + body for body in bodies]
    assert all(map(valid, messages))
    assert sure(messages) == [True, True, False]


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS)
def test_no_spoiled_message_passes_and_is_invalid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spoiled = []
    for _ in range(EACH):
        data = bytearray(message(rng).SerializeToString())
        for _ in range(int(rng.integers(1, 3))):
            at, length = int(rng.integers(len(data))), int(rng.integers(1, 12))
            match int(rng.integers(5)):
                case 0:
                    data[at] ^= 1 << int(rng.integers(8))
                case 1:
                    del data[at : at + length]
                case 2:
                    data[at:at] = data[at : at + length]
                case 3:
                    data[at : at + length] = rng.bytes(length)
                case 4:
                    data += message(rng).SerializeToString()[:length] if rng.random() < 0.5 else rng.bytes(length)
        spoiled.append(bytes(data))
    agrees(spoiled)


def test_the_odd_and_spoiled_messages_are_some_valid_and_some_not() -> None:
    rng = np.random.default_rng(1)
    trees = [tree(message(rng).SerializeToString(), SapientMessage.DESCRIPTOR) for _ in range(400)]
    odd = [write(fields, rng, 0.01) for fields in trees]
    passed, good = sum(sure(odd)), sum(valid(m) for m in odd)
    assert 50 < passed < good < 350


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60), start=st.integers(0, 60))
def test_any_bytes_are_walked_to_their_end(data: bytes, start: int) -> None:
    good = message(np.random.default_rng(1)).SerializeToString()
    agrees([data, good[:start] + data, good + data])


def test_a_frame_whose_lengths_do_not_fit_its_bytes_is_not_read_beyond_them() -> None:
    data = np.frombuffer(pack(message(np.random.default_rng(1))), np.uint8)
    bounds = np.array([0, len(data)])
    assert scan(data, bounds).sure.all()
    assert not scan(data[:-1], bounds).sure.any()


def test_utf8_is_what_python_takes_for_it() -> None:
    seconds, others = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF), (0x7F, 0x80, 0xBF, 0xC0)
    for first, second, third, fourth in product(range(256), seconds, others, others):
        for text in (bytes([first]), bytes([first, second]), bytes([first, second, third, fourth])):
            octets = np.frombuffer(text, np.uint8)
            assert _utf8.plain(octets, 0, len(octets)) == (text.decode(errors="ignore").encode() == text), text


def test_what_is_seen_as_a_letter_is_no_white_space() -> None:
    letters = [chr(k) for k in range(0x110000) if not 0xD800 <= k < 0xE000]
    spaces = {letter.encode()[0] for letter in letters if not letter.strip()}
    seen = {k for k in range(256) if _visible.plain(np.array([k], np.uint8), 0, 1)}
    assert {*b"Ab9~", *"éБ".encode()[::2]} <= seen
    assert not seen & spaces


def test_a_length_that_is_too_long_or_does_not_fit_is_unsure() -> None:
    good = pack(message(np.random.default_rng(1)))
    long = (LONGEST + 1).to_bytes(HEADER, "little") + bytes(LONGEST + 1)
    lying = (len(good) - HEADER - 1).to_bytes(HEADER, "little") + good[HEADER:]
    frame = Frame.of("nodes", START, good, good[:-1], good + b"\0", good[:3], long, lying)
    assert scan(np.frombuffer(frame.data, np.uint8), frame.bounds()).sure.tolist() == [1, 0, 0, 0, 0, 0]


def test_plain_and_compiled_scanners_say_the_same() -> None:
    rng = np.random.default_rng(5)
    trees = [tree(message(rng).SerializeToString(), SapientMessage.DESCRIPTOR) for _ in range(60)]
    frame = framed([write(fields, rng, 0.005) for fields in trees])
    octets, bounds = np.frombuffer(frame.data, np.uint8), frame.bounds()
    compiled, plain = scan(octets, bounds), nothing(60)
    plain_while(lambda: True)
    _scan(octets, bounds, *slots.table(), *plain)
    assert 0 < compiled.sure.sum() < 60
    for name in Scanned._fields:
        assert getattr(plain, name).tobytes() == getattr(compiled, name).tobytes()


@pytest.mark.parametrize(
    "field",
    [
        ("DetectionReport", "colour"),
        ("DetectionReport", "detection_confidence"),
        ("Location", "x"),
        ("Location", "datum"),
        ("SubClass", "level"),
    ],
)
def test_a_rule_that_the_scanner_does_not_know_makes_it_unsure(
    field: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = parse(changed(plot(), "detection_report", colour="red")[HEADER:])
    assert found is not None
    data = found.SerializeToString()
    assert sure([data]) == [True]
    monkeypatch.setattr(rules, "OURS", {**rules.OURS, field: lambda value: None})
    with_rule = rules._planned(SapientMessage.DESCRIPTOR, {})
    monkeypatch.setattr(rules, "plan", lambda: with_rule)
    changed_table = slots.table.__wrapped__()
    monkeypatch.setattr("skywarden.sensors.sapient.scan.table", lambda: changed_table)
    found.detection_report.ClearField("colour")
    without = found.SerializeToString()
    assert sure([data, without]) == [False, field[1] == "colour"]


# What a node may say, by chance, and how often. k: 0 to 59.
SAYINGS: list[tuple[int, Callable[[int, np.random.Generator], bytes]]] = [
    (30, lambda k, _: plot(k)),
    (10, lambda k, _: plot(k, START + k * 10**7)),
    (20, lambda k, _: ray(k)),
    (2, lambda k, _: changed(plot(k), "", node_id=OTHER)),
    (4, lambda k, _: changed(plot(k), "", destination_id=own_id("nodes").upper() if k % 2 else OTHER)),
    (4, lambda k, _: changed(plot(k), "detection_report", state="Exercise" if k % 2 else "lost")),
    (4, lambda k, _: changed(plot(k), "detection_report", object_id="01GGYFBAXH4VYRQYEX7S3XGK3H", id="G-AVER")),
    (4, lambda k, _: plot(k, utm_zone="23R", coordinate_system=5, x=430231.83, y=3266923.47)),
    (4, lambda k, _: ray(k, datum=4 if k % 2 else 2)),
    (4, lambda k, _: plot(k, z=None, datum=2)),
    (3, lambda k, _: JOINS[k % 3]),
    (1, lambda k, _: registration(RADAR, START)),
    (20, lambda k, rng: pack(message(rng, 0.01))),
    (3, lambda k, _: plot(k)[:-7] + bytes(7)),
]


def fusing(data: bytes) -> bytes:
    """Return the registration of a node that is another fusion node."""
    found = parse(data[HEADER:])
    assert found is not None
    found.registration.node_definition[0].node_type = Registration.NODE_TYPE_FUSION_NODE
    return pack(found)


def naming(data: bytes, *words: str) -> bytes:
    """Return a registration, and what follows, of a node that says which classes it can name."""
    first = split(data)[0]
    found = parse(data[HEADER:first])
    assert found is not None
    classes = found.registration.mode_definition[0].detection_definition[0].detection_class_definition.add()
    for word in words:
        classes.class_definition.add(type=word)
    return pack(found) + data[first:]


WHERE = [real(status(post, START, rng())) for post in (RADAR, CAMERA)]
JOINS = [real(registration(post, START)) + where for post, where in zip((RADAR, CAMERA), WHERE, strict=True)]
JOINS[0] = naming(JOINS[0], "UAV", "Bird")
JOINS += [fusing(real(registration(CAMERA, START))) + WHERE[1]]


def conversation(seed: int) -> list[Frame]:
    """Return what three connections say: good and bad reports, registrations, copies, ends, others' messages."""
    by = np.random.default_rng(seed)
    weights = np.array([weight for weight, _ in SAYINGS])
    frames = []
    for k in range(int(by.integers(2, 6))):
        chosen = by.choice(len(SAYINGS), int(by.integers(0, 40)), p=weights / weights.sum())
        said_now = [SAYINGS[i][1](int(by.integers(60)), by) for i in chosen]
        data = b"".join([*([JOINS[0], JOINS[by.integers(1, 3)]] if by.random() < 0.7 and said_now else []), *said_now])
        frames.append(_frame(data, int(by.integers(1, 4)), START + 10**9 * k))
    return frames


def _frame(data: bytes, peer: int, received: int) -> Frame:
    if not data:
        return Frame.of("nodes", received, peer=peer)
    messages, at = [], 0
    while at < len(data):
        length = HEADER + int.from_bytes(data[at : at + HEADER], "little")
        messages.append(data[at : at + length])
        at += length
    return Frame.of("nodes", received, *messages, peer=peer)


def exactly(found: Decoded) -> list[Any]:
    """Return what was decoded, arrays as bytes."""
    rows: list[Any] = [found.messages, dict(found.refused), list(found.refused), found.replies, found.nodes]
    for batch in found.batches:
        for field in fields(batch):
            value = getattr(batch, field.name)
            if field.name == "place" and value is not None:
                value = [part.tobytes() for part in (value.position, value.rotation)]
            rows.append((value.tobytes(), value.shape, value.dtype.str) if isinstance(value, np.ndarray) else value)
    return rows


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, mode=st.sampled_from(list(Mode)), known=st.booleans())
def test_a_conversation_gives_equal_bytes_with_and_without_the_scanner(seed: int, mode: Mode, known: bool) -> None:
    frames = conversation(seed)
    found = []
    for plain in (True, False):
        plain_while(lambda plain=plain: plain)
        decoder = node(mode, *[ENROLLED] * known)
        with np.errstate(all="ignore"):  # errors of 1e300 m
            rows = [exactly(decoder.decode(frame)) for frame in frames]
        found.append((rows, msgspec.msgpack.encode(decoder.state)))
    plain_while(lambda: False)
    assert found[0] == found[1]


def test_the_conversations_have_detections_refusals_and_answers() -> None:
    decoded = [node(Mode.LIVE) for _ in range(6)]
    with np.errstate(all="ignore"):
        told = [decoder.decode(frame) for k, decoder in enumerate(decoded) for frame in conversation(k)]
    refused = {reason for found in told for reason in found.refused}
    assert {
        "malformed",
        "duplicate",
        "simulated",
        "no reference",
        "not registered",
        "misdirected",
        "unsupported",
    } <= refused
    assert len({batch.kind for found in told for batch in found.batches}) >= 2
    assert any(found.replies for found in told)


def test_all_that_is_kept_has_its_place_in_the_table_and_identities_their_length() -> None:
    rows = slots.table().rows
    kept = rows[rows[:, slots.SLOT] != slots.NONE]
    assert len(kept) == len(slots.SLOTS)
    texts = kept[kept[:, slots.WHAT] == slots.TEXT]
    checks = dict(texts[:, [slots.SLOT, slots.CHECK]].tolist())
    assert {checks[slots.NODE], checks[slots.DESTINATION]} == {slots.UUID}
    assert {checks[slots.REPORT], checks[slots.OBJECT]} == {slots.ULID}
