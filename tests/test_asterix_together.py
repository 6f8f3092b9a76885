"""Frames of many sources decoded at once: as if each were alone, whatever is in the others, and all or nothing."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_asterix_decoder import HERE, NOON, SECOND, north, plot, track

from skywarden.model.detection import Decoded, Detections, Frame, Reason
from skywarden.model.event import Arrived, Refused, Started, Tick
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.sensors import Reader
from skywarden.sensors.asterix import plots

NAMES = ("a", "b", "c")
TEST = {"i020": {"TYP": 1, "SIM": 1}}
FIELDS = ("time", "time_sigma", "z", "covariance", "raw", "subject", "number", "address")
MESSAGES = st.one_of(
    st.integers(1, 40).map(lambda n: plot(i161={"TRN": n}, i040={"RHO_NM": n, "THETA_deg": 3 * n})),
    st.integers(1, 3).map(lambda n: plot(i161={"TRN": n}, i070={"MODE3A": f"{n:04}"}, i220={"ADR": f"{n:06X}"})),
    st.integers(1, 9).map(lambda n: plot(i010={"SAC": 250, "SIC": n})),
    st.integers(0, 4).map(lambda n: north(i120=HERE | {"LAT_deg": 46.2 + n / 100}, i041={"PERIOD_s": 4 + n})),
    st.integers(1, 40).map(lambda n: track(i040={"TRN": n})),
    st.integers(1, 40).map(lambda n: track(i040={"TRN": n}, i080={"SIM": 1})),
    st.integers(1, 40).map(lambda n: plot(i161={"TRN": n}, **TEST)),
    st.tuples(st.sampled_from([34, 48, 62, 65, 247]), st.binary(max_size=30)).map(
        lambda block: bytes([block[0]]) + (len(block[1]) + 3).to_bytes(2, "big") + block[1]
    ),
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(
        lambda numbers: north(i120=HERE) + b"".join(plot(i161={"TRN": n}) for n in numbers)
    ),
    st.binary(max_size=9),
)


def reader(mode: Mode = Mode.LIVE, **formats: str) -> Reader:
    sources = [Source(name=name, format=formats.get(name, "asterix")) for name in NAMES]
    placed = Sensor(name="hill", source="b", sac=250, sic=11, latitude=46.2, longitude=31.5)
    return Reader(sources, [placed], mode)


def same(one: Detections, other: Detections) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    said = ("kind", "sensor", "received", "claims", "revisit", "time_kind", "error_meaning", "policy")
    assert [getattr(one, name) for name in said] == [getattr(other, name) for name in said]
    assert (one.place is None) == (other.place is None)


def equal(found: list[Decoded], expected: list[Decoded]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.source, one.messages, one.refused, one.useless) == (
            other.source,
            other.messages,
            other.refused,
            other.useless,
        )
        for batch, wanted in zip(one.batches, other.batches, strict=True):
            same(batch, wanted)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.lists(MESSAGES, min_size=1, max_size=5), min_size=3, max_size=3), min_size=1, max_size=3),
    st.sampled_from([Mode.LIVE, Mode.SIM]),
)
def test_each_source_says_what_it_says_alone(ticks: list[list[list[bytes]]], mode: Mode) -> None:
    together, alone = reader(mode), reader(mode)
    for tick, said in enumerate(ticks):
        at = NOON + tick * SECOND
        frames = [Frame.of(name, at + k, *some) for k, (name, some) in enumerate(zip(NAMES, said, strict=True))]
        assert together.groups(frames) == [[0, 1, 2]]
        equal(together.read_all(frames), [alone.read(frame) for frame in frames])
        assert together.save() == alone.save()


def test_two_frames_of_a_source_are_decoded_one_after_the_other() -> None:
    """A place that the second tells is not known in the first."""
    frames = [Frame.of("a", NOON, plot()), Frame.of("c", NOON, plot()), Frame.of("a", NOON + 1, north(i120=HERE))]
    frames += [Frame.of("a", NOON + 2, plot(i161={"TRN": 5}))]
    decoders = reader()
    groups = decoders.groups(frames)
    assert groups == [[0, 1], [2], [3]]
    found = [one for group in groups for one in decoders.read_all([frames[k] for k in group])]
    assert [one.refused for one in found] == [{Reason.SITE_UNKNOWN: 1}, {Reason.SITE_UNKNOWN: 1}, {}, {}]
    assert len(found[3].batches) == 1


def test_what_cannot_be_joined_is_alone() -> None:
    decoders = reader(b="sbs")
    a, b, c = (Frame.of(name, NOON, plot()) for name in NAMES)
    assert decoders.groups([a, b, c]) == [[0, 2], [1]]
    short = msgspec.structs.replace(c, data=c.data[:-1])  # of a damaged record: it must not shift the others
    assert decoders.groups([a, short]) == [[0], [1]]
    assert decoders.groups([a, Frame("c", NOON, b"", b"", over=3)]) == [[0], [1]]
    assert decoders.groups([a, Frame.of("nobody", NOON, plot())]) == [[0], [1]]
    editions = [Source(name="a", format="asterix"), Source(name="c", format="asterix", editions={"048": "1.27"})]
    assert Reader(editions, [], Mode.LIVE).groups([a, c]) == [[0], [1]]


CONFIG = "".join(
    f'[[sources]]\nname = "{name}"\nformat = "asterix"\nlisten = "udp://127.0.0.1:4000{k}"\n'
    f'[[sensors]]\nname = "{name} hill"\nsource = "{name}"\nsac = 250\nsic = 11\nlatitude = 46.2\nlongitude = 31.5\n'
    for k, name in enumerate(NAMES)
)


def test_a_fault_in_one_source_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded together the fault ends all; then each is decoded alone, as if it had not been tried."""
    line, whole = Line(), plots.plots

    def breaking(columns: Any) -> plots.Plots:
        found = whole(columns)
        if (found.distance < 2000.0).any():
            raise ZeroDivisionError
        return found

    line.feed(1, Started(NOON, Mode.LIVE, CONFIG, "1"))
    monkeypatch.setattr(plots, "plots", breaking)
    near = plot(i040={"RHO_NM": 1, "THETA_deg": 90})
    for seq, (name, message) in enumerate(zip(NAMES, (plot(), near, plot()), strict=True), 2):
        line.feed(seq, Arrived(Frame.of(name, NOON, message)))
    events = [caused.event for caused in line.feed(5, Tick(NOON + SECOND))]
    assert [event for event in events if isinstance(event, Refused)] == [Refused("b", Reason.DECODER_FAULT, 1)]
    assert line.picture is not None
    assert {row.name: row.decoded for row in line.picture.health} == {"a": 1, "b": 0, "c": 1}
    assert len(line.picture.tracks) >= 1


def test_a_fault_in_what_follows_is_of_its_source_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    decoders = reader()
    frames = [Frame.of(name, NOON, north(i120=HERE), plot()) for name in NAMES]
    possible = decoders._possible

    def breaking(decoded: Decoded) -> Decoded:
        if decoded.source == "b":
            raise ZeroDivisionError
        return possible(decoded)

    monkeypatch.setattr(decoders, "_possible", breaking)
    found = decoders.read_all(frames)
    assert [one.refused for one in found] == [{}, {Reason.DECODER_FAULT: 2}, {}]
    assert [len(one.batches) for one in found] == [1, 0, 1]
