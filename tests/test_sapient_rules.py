"""What is valid SAPIENT: Dstl's own test messages, and the rules one by one."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.cli.live import _look_at_protobuf
from skywarden.sensors.sapient.message import LONGEST, from_json, pack, parse, split
from skywarden.sensors.sapient.proto import SapientMessage, fast
from skywarden.sensors.sapient.rules import LISTED_MOST, Fault, faults, ulid, uuid

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "sapient"
VALID = sorted((DATA / "valid").glob("*.json"))
INVALID = sorted((DATA / "invalid").glob("*.json"))
NO_FIELD = {"Missing", "Error", "Empty", "Wrong", "Invalid", "FullMessage", "BadId", "json"}  # words of file names
SPELLED = {  # word of a file's name -> how v2.0 spells it
    "TaskDefinition": "task",
    "ForSub": "type",
    "DependantNodes": "dependentNodes",
    "2": "parameter",
    "Value2": "value",
    "LevelMissing": "level",
    "Timestamp": "timestamp",
}
needs_data = pytest.mark.skipif(not VALID, reason="needs the folder ../shared/data/sapient")


def plain(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.casefold())


@needs_data
def test_there_are_as_many_as_there_should_be() -> None:
    assert (len(VALID), len(INVALID)) == (38, 193)


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_a_valid_message_is_accepted_also_from_its_bytes(path: Path) -> None:
    message, found = from_json(path.read_bytes())
    assert found == []
    assert message is not None
    again = parse(message.SerializeToString())
    assert again == message
    assert again is not None
    assert faults(again) == []


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_an_invalid_message_is_refused_for_the_field_in_its_name(path: Path) -> None:
    message, found = from_json(path.read_bytes())
    assert found
    if path.name.startswith("0001"):
        assert message is None
        assert found == [Fault("timestamp", found[0].rule)]
        assert found[0].rule.startswith("unreadable")
    elif any(fault.field.endswith("detectionLocation") for fault in found):
        assert Fault("detectionReport.detectionLocation", "no such field in v2.0") in found
    else:
        word = [w for w in path.name.split(".")[1:] if w not in NO_FIELD][-1]
        wanted = plain(SPELLED.get(word, word))
        assert any(wanted in plain(fault.field) for fault in found), found


@needs_data
def test_34_messages_have_the_field_of_before_v2_and_most_of_them_a_further_fault() -> None:
    old = [found for _, found in (from_json(p.read_bytes()) for p in INVALID) if "Location" in found[0].field]
    old = [found for found in old if found[0].field == "detectionReport.detectionLocation"]
    assert len(old) == 34
    assert sum(len(found) > 1 for found in old) >= 30


SURROGATES = ('{"\\ud800": 1}', '{"nodeId": "\\udfff"}', '{"detectionReport": {"id": "x\\ud83d"}}')  # halves of a pair
INFINITE = ('{"timestamp": 1e999}', '{"detectionReport": {"location": {"coordinateSystem": Infinity}}}')
UNREADABLE = ("", "[]", "nothing", '{"timestamp": 3}', '{"nodeId": {}}', '{"detectionReport": 4}', "[" * 100_000)


@pytest.mark.parametrize("text", UNREADABLE + SURROGATES + INFINITE)
def test_what_is_no_message_is_unreadable(text: str) -> None:
    message, found = from_json(text)
    assert message is None
    assert len(found) == 1
    assert found[0].rule.encode()


@pytest.mark.parametrize(
    "text, rule",
    [
        ("01GGYFBAXGDG7AGAHRZ6XSNY12", None),
        ("01ggyfbaxgdg7agahrz6xsny12", None),
        ("81GGYFBAXGDG7AGAHRZ6XSNY12", "not a ULID"),  # more than 128 bits
        ("01GGYFBAXGDG7AGAHRZ6XSNY1U", "not a ULID"),  # U is no letter of Crockford's
        ("01GGYFBAXGDG7AGAHRZ6XSNY1", "not a ULID"),
        ("01GGYFBAXGDG7AGAHRZ6XSNY12\n", "not a ULID"),
        ("", "not a ULID"),
    ],
)
def test_a_ulid_is_128_bits_in_crockfords_letters(text: str, rule: str | None) -> None:
    assert ulid(text) == rule


@pytest.mark.parametrize(
    "text, rule",
    [
        ("a8654cdf-4328-47de-81fa-c495589e30c8", None),
        ("A8654CDF-4328-47DE-81FA-C495589E30C8", None),
        ("a8654cdf432847de81fac495589e30c8", "not a UUID"),
        ("{a8654cdf-4328-47de-81fa-c495589e30c8}", "not a UUID"),
        ("a8654cdf-4328-47de-81fa-c495589e30cg", "not a UUID"),
    ],
)
def test_a_uuid_is_32_digits_in_five_groups(text: str, rule: str | None) -> None:
    assert uuid(text) == rule


def report(**changes: object) -> SapientMessage:
    """Return a valid detection report with some fields of it set."""
    text = {
        "timestamp": "2026-07-07T12:44:17.027638700Z",
        "nodeId": "a8654cdf-4328-47de-81fa-c495589e30c8",
        "detectionReport": {
            "reportId": "01GGYFBAXGDG7AGAHRZ6XSNY12",
            "objectId": "01GGYFBAXH4VYRQYEX7S3XGK3H",
            "location": {"x": 30.0, "y": 50.0, "coordinateSystem": 1, "datum": 1},
        },
    }
    message, found = from_json(json.dumps(text))
    assert message is not None
    assert found == []
    for name, value in changes.items():
        target = message
        *way, last = name.split("__")
        for step in way:
            target = getattr(target, step)
        setattr(target, last, value)
    return message


@pytest.mark.parametrize(
    "name, value, fault",
    [
        ("detection_report__location__x", float("nan"), ("location.x", "not a finite number")),
        ("detection_report__location__x_error", float("inf"), ("location.xError", "not a finite number")),
        ("detection_report__location__datum", 0, ("location.datum", "unspecified")),
        ("detection_report__location__datum", 77, ("location.datum", "unknown value 77")),
        ("detection_report__detection_confidence", 1.5, ("detectionConfidence", "must be 0 to 1")),
        ("detection_report__task_id", "7", ("taskId", "not a ULID")),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object, fault: tuple[str, str]) -> None:
    assert faults(report(**{name: value})) == [Fault("detectionReport." + fault[0], fault[1])]


def test_a_time_is_one_that_people_can_write() -> None:
    message = report()
    message.timestamp.nanos = -1
    assert [fault.field for fault in faults(message)] == ["timestamp"]


def test_a_message_with_very_many_faults_lists_some() -> None:
    message = report()
    for _ in range(3 * LISTED_MOST):
        message.detection_report.classification.add()
    assert len(faults(message)) == LISTED_MOST


def test_the_compiled_backend_is_loaded_and_a_run_without_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fast()
    _look_at_protobuf()
    assert capfd.readouterr().err == ""
    monkeypatch.setattr("skywarden.sensors.sapient.proto.fast", lambda: False)
    _look_at_protobuf()
    assert "Reinstall protobuf" in capfd.readouterr().err


@given(length=st.integers(0, 2**32 - 1), rest=st.binary(max_size=40))
def test_a_length_that_cannot_be_takes_all_that_is_there(length: int, rest: bytes) -> None:
    good = pack(report())
    buffer = good + length.to_bytes(4, "little") + rest
    lengths = split(buffer)
    assert lengths[0] == len(good)
    if length > LONGEST:
        assert sum(lengths) == len(buffer)
    elif length > len(rest):
        assert lengths == [len(good)]
