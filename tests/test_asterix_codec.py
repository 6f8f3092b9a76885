"""The codec and its fast twin, beside records that an independent implementation (libasterix) made."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asterix_values import differences
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden.errors import ConfigError, DecodeError
from skywarden.model.detection import Reason
from skywarden.sensors.asterix import CURRENT, EDITIONS, decode_block, decode_record, encode_block, encode_record
from skywarden.sensors.asterix.columns import Columns, spots
from skywarden.sensors.asterix.editions import chosen
from skywarden.sensors.asterix.layout import Category, compound, extended, fields, fixed
from skywarden.sensors.asterix.program import program, records

SAMPLE = Path(__file__).parent / "samples" / "asterix" / "oracle" / "records.json.gz"
ORACLE: dict[int, list[dict[str, Any]]] = {
    int(c): r for c, r in json.loads(gzip.decompress(SAMPLE.read_bytes())).items()
}
RAW: dict[int, list[bytes]] = {c: [bytes.fromhex(r["hex"]) for r in rows] for c, rows in ORACLE.items()}
CATEGORIES = sorted(CURRENT)
ALL_EDITIONS = [table for tables in EDITIONS.values() for table in tables]
PROGRAMS = {number: program(table) for number, table in CURRENT.items()}
FEW = settings(max_examples=80, deadline=None)


def label(table: Category) -> str:
    return f"{table.number:03}-{table.edition}"


def fast(table: Category, body: bytes) -> tuple[list[list[int]], bool]:
    """Return the fast path's offsets from the start of each record's block, and whether the block was refused."""
    data = np.frombuffer(bytes(3) + body, np.uint8)
    offsets, _, bad = records(PROGRAMS[table.number], data, np.array([0]), np.array([len(data)]))
    return offsets.tolist(), bool(bad[0])


def slow(table: Category, body: bytes) -> tuple[list[dict[str, Any]], bool]:
    found, at = [], 0
    while at < len(body):
        try:
            record, at = decode_record(table, body, at, len(body))
        except DecodeError:
            return found, True
        found.append(record)
    return found, False


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_item_of_the_other_implementations_records_has_the_same_values(category: str) -> None:
    table = CURRENT[category]
    for raw, theirs in zip(RAW[category], ORACLE[category], strict=True):
        ours, end = decode_record(table, raw, 0, len(raw))
        assert end == len(raw)
        assert differences(table, ours, theirs["items"]) == []


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_record_encodes_to_the_bytes_that_it_came_from(category: int) -> None:
    for raw in RAW[category]:
        assert encode_record(CURRENT[category], decode_record(CURRENT[category], raw, 0, len(raw))[0]) == raw


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_sample_has_every_item_and_sub_item_of_the_category(category: int) -> None:
    compiled = program(CURRENT[category])
    seen = np.zeros(len(compiled.names), bool)
    for raw in RAW[category]:
        seen |= np.array(fast(CURRENT[category], raw)[0])[0] >= 0
    assert [name for name, there in zip(compiled.names, seen, strict=True) if name and not there] == []


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_fast_path_reads_the_same_fields_from_the_same_places(category: int) -> None:
    table = CURRENT[category]
    compiled = program(table)
    data = np.frombuffer(bytes(3) + b"".join(RAW[category]), np.uint8)
    offsets, owner, bad = records(compiled, data, np.array([0]), np.array([len(data)]))
    assert not bad.any()
    where = spots(compiled)
    columns = Columns(data, offsets, owner, where)
    decoded = slow(table, b"".join(RAW[category]))[0]
    assert len(columns) == len(decoded)
    for path, spot in where.items():
        if spot.field.kind not in ("u", "s") or spot.field.other:
            continue
        expected = [looked_up(record, path, spot.field.key) for record in decoded]
        np.testing.assert_array_equal(columns.value(path), expected, path)


def looked_up(record: dict[str, Any], path: str, key: str) -> float:
    item, *rest = path.split("/")
    value = record.get(item, {})
    if len(rest) == 2 and isinstance(value.get(rest[0]), dict):
        value = value[rest[0]]
    return float(value.get(key, np.nan))


@pytest.mark.parametrize("category", CATEGORIES)
@FEW
@given(data=st.data())
def test_the_fast_path_refuses_exactly_what_the_slow_one_refuses(category: int, data: st.DataObject) -> None:
    body = bytearray(b"".join(data.draw(st.lists(st.sampled_from(RAW[category]), min_size=1, max_size=3))))
    for _ in range(data.draw(st.integers(0, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    table = CURRENT[category]
    cut = bytes(body[: data.draw(st.integers(1, len(body)))])
    found, refused = slow(table, cut)
    offsets, bad = fast(table, cut)
    assert bad == refused
    names = PROGRAMS[category].names
    items = [[n for n, at in zip(names, row, strict=True) if at >= 0 and "/" not in n] for row in offsets]
    assert items == [list(record) for record in found]


@pytest.mark.parametrize("table", ALL_EDITIONS, ids=label)
@FEW
@given(body=st.binary(max_size=80))
def test_any_bytes_decode_or_are_refused_and_come_back_with_the_same_meaning(table: Category, body: bytes) -> None:
    for record in slow(table, body)[0]:
        again = encode_record(table, record)
        assert decode_record(table, again, 0, len(again))[0] == record


def test_a_block_is_header_and_records() -> None:
    plot = {"010": {"SAC": 25, "SIC": 12}, "140": {"TOD_s": 43200.0}, "040": {"RHO_NM": 12.5, "THETA_deg": 90.0}}
    block = encode_block(48, [plot, plot])
    assert block.hex() == "300017" + 2 * "d0190c5460000c804000"
    assert decode_block(block) == [plot, plot]


def test_negative_values_are_twos_complement() -> None:
    block = encode_block(48, [{"110": {"3DH_ft": -25}, "090": {"FL": -1.25}, "120": {"CAL": {"CAL_m_s": -300}}}])
    assert block.hex().endswith("3ffb" + "3fff" + "80" + "02d4")
    assert decode_block(block)[0]["090"]["FL"] == -1.25


def test_a_field_can_change_its_unit_by_a_flag_before_it() -> None:
    speed = {"380": {"IAS": {"IM": 0, "IAS_NM_s": 0.125}}}
    mach = {"380": {"IAS": {"IM": 1, "IAS_Mach": 0.5}}}
    assert decode_block(encode_block(62, [speed, mach])) == [speed, mach]


def test_names_with_their_category_are_understood_too() -> None:
    assert encode_block(48, [{"I048/010": {"SAC": 1, "SIC": 2}}]) == encode_block(48, [{"010": {"SAC": 1, "SIC": 2}}])


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"999": {}}, "no item 999"),
        ({"040": {"RHO_KM": 1}}, "RHO_KM: no such field; there are RHO_NM"),
        ({"040": {"RHO_NM": 256}}, "I048/040: RHO_NM: 256 does not fit"),
        ({"040": {"RHO_NM": float("nan")}}, "I048/040"),
        ({"090": {"FL": -2049}}, "does not fit"),
        ({"240": {"ID": "ÄÖ"}}, "cannot be written"),
        ({"240": {"ID": "NINECHARS"}}, "does not fit"),
        ({"070": {"MODE3A": "7778"}}, "I048/070"),
        ({"130": {"ABC": 1}}, "no such sub-item"),
        ({"030": []}, "at least one"),
        ({"250": [{}] * 256}, "I048/250"),
        ({"RE": "0"}, "I048/RE"),
        ({"010": 5}, "I048/010"),
    ],
)
def test_what_does_not_fit_a_category_is_refused_in_words(record: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode_block(48, [record])


def test_a_block_longer_than_its_length_field_is_refused() -> None:
    with pytest.raises(ValueError, match="65,535"):
        encode_block(48, [{"SP": "00" * 250}] * 300)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("80ff", "past the end"),  # I048/010 is two octets
        ("0180", "past the end"),  # a second octet of the field specification, no item
        ("0101010102", "too long"),  # five octets name 35 items, there are 28
        ("00", "without items"),
        ("0110f0ff", "spare bit"),  # I048/161: the first four bits are spare
        ("20fffffdfffdf1", "after its last part"),  # I048/020 has six parts
        ("81010104190c00", "length 0"),  # SP
        ("8101010100190c", "too long"),  # though its fifth octet names nothing
        ("01", "past the end"),  # another octet of the field specification is announced and not there
    ],
)
def test_a_layout_that_does_not_fit_is_the_wrong_edition(body: str, said: str) -> None:
    data = bytes.fromhex(body)
    with pytest.raises(DecodeError, match=said) as caught:
        decode_record(CURRENT[48], data, 0, len(data))
    assert caught.value.reason == Reason.WRONG_EDITION
    assert fast(CURRENT[48], data) == ([], True)


def test_a_block_must_be_as_long_as_it_says_and_of_a_known_category() -> None:
    for block, reason in (
        (b"\x30\x00\x04", Reason.MALFORMED),
        (b"\x30", Reason.MALFORMED),
        (b"\xf7\x00\x04\x00", Reason.UNSUPPORTED),
    ):
        with pytest.raises(DecodeError) as caught:
            decode_block(block)
        assert caught.value.reason == reason


def test_an_older_edition_is_shorter_where_the_standard_says_so() -> None:
    long = encode_block(48, [{"020": {"TYP": 1, "ADSB_EP": 1}}])
    old = chosen({"048": "1.30"})[48]
    with pytest.raises(DecodeError):
        decode_block(long, old)
    new_status = encode_block(62, [{"080": {"M5I": 1}}], chosen({"062": "1.21"})[62])
    with pytest.raises(DecodeError):
        decode_block(new_status)


@pytest.mark.parametrize(
    ("editions", "said"), [({"048": "0.9"}, "1.32"), ({"021": "2.4"}, '"048"'), ({"x": "1"}, '"034"')]
)
def test_an_edition_that_is_not_there_is_refused_at_the_start(editions: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        chosen(editions)


@pytest.mark.parametrize("text", ["A:u7", "A:u8 B:u1", "A:f32"])
def test_a_table_that_does_not_fill_octets_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"octets|kind"):
        fixed("000", "wrong", text)


def test_an_extended_part_has_seven_bits() -> None:
    with pytest.raises(ValueError, match="seven"):
        extended("000", "wrong", "A:u15")


@pytest.mark.parametrize("table", ALL_EDITIONS, ids=label)
def test_the_names_in_a_compound_item_do_not_meet(table: Category) -> None:
    for item in table.profile:
        subs = getattr(item.shape, "items", ()) if item else ()
        keys = [
            k for sub in subs if sub for k in ([f.key for f in sub.shape.fields if f.name] if sub.flat else [sub.name])
        ]
        assert len(keys) == len(set(keys))


def test_a_compound_of_sub_items_of_one_field_has_no_second_level() -> None:
    item = compound("000", "two", fixed("A", "flat", "A:u8:0.25:s"), fixed("B", "not", "C:u8"))
    assert [sub.flat for sub in item.shape.items if sub] == [True, False]  # type: ignore[union-attr]
    assert [f.key for f in fields("A:u8:0.25:s FL:s14:1/4:FL V:u8:1/4:ft/min")] == ["A_s", "FL", "V_ft_min"]
