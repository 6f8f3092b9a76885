"""What every decoder keeps to. Runs over DECODERS: a new format is tested by the line that enters it.

Samples are the files in tests/samples/<format>/: captures as `skywarden decode` reads them. Beside a sample `x.raw`
may stand `x.expected.json`, the list of rows that it gives. `sensors.toml` holds [[sensors]] of the source "samples".
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skywarden.cli.capture import frames, opened
from skywarden.model.assessment import CLASSES
from skywarden.model.detection import WIDTH, Decoded, Detections, Frame, Reason, Reporter
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors import DECODERS, Decoder, Reader

SAMPLES = Path(__file__).parent.parent / "samples"
FORMATS = sorted(name for name, decoder in DECODERS.items() if decoder.__module__.startswith("skywarden."))
NEAR = 1_790_000_000_000_000_000  # ns, a time for messages without a date
ONCE_MORE = {Reason.DUPLICATE, Reason.SITE_UNKNOWN, Reason.NO_REFERENCE, Reason.PAST, Reason.FUTURE}
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made(kind: str, mode: Mode = Mode.LIVE) -> Decoder:
    return DECODERS[kind](source(kind), sensors(kind), mode)


def reader(kind: str) -> Reader:
    return Reader((source(kind),), sensors(kind), Mode.LIVE)


def source(kind: str) -> Source:
    return Source(name="samples", format=kind, file="-", latitude=49.0, longitude=2.5)


def sensors(kind: str) -> tuple[Sensor, ...]:
    path = SAMPLES / kind / "sensors.toml"
    tables = tomllib.loads(path.read_text())["sensors"] if path.exists() else []
    return msgspec.convert(tables, tuple[Sensor, ...])


def samples(kind: str) -> list[Path]:
    found = [
        p for p in (SAMPLES / kind).glob("*") if p.is_file() and not p.name.endswith((".expected.json", ".md", ".toml"))
    ]
    return sorted(found)


def sampled(kind: str, path: Path) -> list[Frame]:
    with opened(path) as (stream, _, _):
        return list(frames(stream, made(kind), "samples", NEAR))


def some(kind: str) -> Iterator[tuple[Path, list[Frame]]]:
    for path in samples(kind):
        yield path, sampled(kind, path)


def messages(kind: str) -> list[bytes]:
    return [m for _, found in some(kind) for frame in found[:20] for m in list(frame.messages())[:20]][:200]


def stream(kind: str) -> bytes:
    return b"".join(messages(kind)[:60])


def split(kind: str, pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    found, rest = [], b""
    for piece in pieces:
        buffer, start = rest + piece, 0
        for length in DECODERS[kind].split(buffer):
            assert 0 < length <= len(buffer) - start
            found.append(buffer[start : start + length])
            start += length
        rest = buffer[start:]
    return found, rest


def plain(batch: Detections) -> dict[str, Any]:
    values = {name: getattr(batch, name) for name in batch.__slots__}
    arrays = {name: v.tobytes() for name, v in values.items() if isinstance(v, np.ndarray)}
    place = batch.place and (batch.place.position.tobytes(), batch.place.rotation.tobytes())
    return {**values, **arrays, "place": place}


def outcome(found: Decoded) -> tuple[Any, ...]:
    return found.source, found.messages, [plain(b) for b in found.batches], dict(found.refused)


def check_counts(frame: Frame, found: Decoded) -> None:
    assert found.source == frame.source
    assert set(found.refused) <= set(Reason)
    assert all(count > 0 for count in found.refused.values())
    assert found.messages + sum(found.refused.values()) >= len(frame), "a message was neither understood nor refused"


def check_batch(batch: Detections) -> None:
    n, width = len(batch), WIDTH[batch.kind]
    assert n > 0
    assert batch.sensor
    assert batch.z.shape == batch.raw.shape == (n, width)
    assert batch.covariance.shape == (n, width, width)
    assert len({len(a) for a in (batch.time, batch.time_sigma, batch.subject, batch.number, batch.address)}) == 1
    assert all(0 <= claim.index < n and claim.value for claim in batch.claims)
    assert batch.revisit > 0
    assert not batch.z.flags.writeable
    for column, shape in ((batch.evidence, (n, len(CLASSES))), (batch.node, (n,)), (batch.origin, (n, 3))):
        assert column is None or (column.shape == shape and np.isfinite(column).all() and not column.flags.writeable)
    assert batch.echo is None or (batch.echo.shape == (n,) and not np.isinf(batch.echo).any())
    if batch.reporter is not Reporter.DEVICE:  # a person: node says which
        assert batch.node is not None
        assert batch.origin is None
        return
    assert (batch.node is None) == (batch.origin is None)
    assert batch.node is None or batch.place is None


def check_values(batch: Detections) -> None:
    given_ = ~np.isnan(batch.z)
    assert given_.any(1).all(), "a detection without any value"
    assert np.isfinite(batch.z[given_]).all()
    assert np.isfinite(batch.time_sigma).all()
    assert (batch.time_sigma >= 0).all()
    for z, covariance in zip(given_, batch.covariance, strict=True):
        used = covariance[np.ix_(z, z)]
        assert np.isfinite(used).all()
        assert np.allclose(used, used.T)
        assert (np.linalg.eigvalsh(used) > 0).all()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_format_has_samples_that_decode(kind: str) -> None:
    assert samples(kind), f"put a capture under tests/samples/{kind}/"
    for path, found in some(kind):
        decoder = made(kind, Mode.REPLAY)
        rows = [row for frame in found for row in decoder.rows(frame)]
        assert [row for row in rows if "error" not in row], f"nothing in {path.name} decodes"


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_are_json_with_source_and_time(kind: str) -> None:
    for _, found in some(kind):
        decoder = made(kind, Mode.REPLAY)
        for row in (row for frame in found for row in decoder.rows(frame)):
            again = msgspec.json.decode(msgspec.json.encode(row))
            assert row["error"] in set(Reason) if "error" in row else again["source"] == "samples"
            assert "error" in row or isinstance(again["time"], int)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_sample_gives_what_stands_beside_it(kind: str) -> None:
    for path, found in some(kind):
        beside = path.with_suffix(".expected.json")
        wanted = msgspec.json.decode(beside.read_bytes()) if beside.exists() else None
        if not isinstance(wanted, list):  # another form is for the format's own test
            continue
        decoder = made(kind, Mode.REPLAY)
        rows = [msgspec.json.decode(msgspec.json.encode(row)) for frame in found for row in decoder.rows(frame)]
        assert rows == wanted


@pytest.mark.parametrize("kind", FORMATS)
def test_a_sample_gives_sound_detections(kind: str) -> None:
    batches = 0
    for _, found in some(kind):
        decoder = made(kind)
        for frame in found:
            decoded = decoder.decode(frame)
            check_counts(frame, decoded)
            for batch in decoded.batches:
                check_batch(batch)
                check_values(batch)
                batches += 1
    assert batches or not samples(kind) or kind == "asterix"  # an ASTERIX radar needs its place first


@pytest.mark.parametrize("kind", FORMATS)
def test_a_saved_and_restored_memory_goes_on_with_equal_results(kind: str) -> None:
    for _, found in some(kind):
        steady, fresh = reader(kind), reader(kind)
        for index, frame in enumerate(found[:60]):
            if index % 7 == 3:
                saved = fresh.save()
                fresh = reader(kind)
                fresh.restore(saved)
                assert fresh.save() == saved
            assert outcome(steady.read(frame)) == outcome(fresh.read(frame))


@pytest.mark.parametrize("kind", FORMATS)
def test_frames_cut_in_other_places_give_the_same_measurements(kind: str) -> None:
    def measured(found: list[Frame]) -> list[tuple[Any, ...]]:
        reading = reader(kind)
        batches = [b for frame in found for b in reading.read(frame).batches]
        rows = [
            (b.sensor, b.kind, int(t), z.tobytes(), int(address))
            for b in batches
            for t, z, address in zip(b.time, b.z, b.address, strict=True)
        ]
        return sorted(rows)

    for _, found in some(kind):
        single = [Frame.of(f.source, f.received, m) for f in found[:10] for m in f.messages()]
        assert measured(found[:10]) == measured(single)


@pytest.mark.parametrize("kind", FORMATS)
@FEW
@given(data=st.data())
def test_a_stream_gives_the_same_messages_in_one_piece_and_cut_anywhere(kind: str, data: st.DataObject) -> None:
    whole = stream(kind)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert split(kind, pieces) == split(kind, [whole])


@pytest.mark.parametrize("kind", FORMATS)
@FEW
@given(data=st.data())
def test_splitting_loses_nothing_of_any_bytes(kind: str, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.binary(max_size=300) | st.just(stream(kind)[:100]), max_size=4))
    found, rest = split(kind, pieces)
    assert b"".join(found) + rest == b"".join(pieces)


@pytest.mark.parametrize("kind", FORMATS)
@FEW
@given(data=st.data())
def test_any_bytes_give_counts_and_sound_detections_and_nothing_else(kind: str, data: st.DataObject) -> None:
    anything = data.draw(st.lists(damaged(messages(kind)), max_size=6))
    frame = Frame.of("samples", NEAR, *anything)
    reading = reader(kind)
    for _ in range(2):
        found = reading.read(frame)
        check_counts(frame, found)
        for batch in found.batches:
            check_batch(batch)
            check_values(batch)
    for message in anything:
        stamp = DECODERS[kind].stamp(message, NEAR)
        assert stamp is None or isinstance(stamp, int)
    msgspec.json.encode(list(made(kind, Mode.REPLAY).rows(frame)))


def damaged(good: list[bytes]) -> st.SearchStrategy[bytes]:
    """Any bytes; good messages; good messages with some bytes changed, cut off or put behind them."""

    @st.composite
    def broken(draw: st.DrawFn) -> bytes:
        message = bytearray(draw(st.sampled_from(good)))
        for _ in range(draw(st.integers(0, 4))):
            if message:
                message[draw(st.integers(0, len(message) - 1))] = draw(st.integers(0, 255))
        return bytes(message[: draw(st.integers(0, len(message)))]) + draw(st.binary(max_size=8))

    return st.binary(max_size=200) | (st.sampled_from(good) | broken() if good else st.nothing())
