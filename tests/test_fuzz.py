"""What the fuzz benches judge, on a few hundred inputs: any bytes, and valid ones with something changed.

Millions of them, led by the branches that they reach: `bench/fuzz_sapient.py`, `bench/fuzz_asterix.py`. What these have
found worth keeping is in tests/samples/fuzz_<entry>/.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCH = Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))

import fuzz_asterix  # noqa: E402 - the benches are scripts, not a package
import fuzz_sapient  # noqa: E402
from fuzz_protobuf import Mutator, change_json, values_of  # noqa: E402
from fuzzing import KEPT, Entry  # noqa: E402

from skywarden.errors import DecodeError  # noqa: E402
from skywarden.framing import lines  # noqa: E402
from skywarden.pcap import packets  # noqa: E402
from skywarden.sensors.sapient.message import HEADER, pack, parse  # noqa: E402

ENTRIES: dict[str, Entry] = {entry.name: entry for entry in (*fuzz_sapient.ENTRIES, *fuzz_asterix.ENTRIES)}
SOME = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def runner(name: str) -> Callable[[bytes], None]:
    return ENTRIES[name].prepare(Counter())


@cache
def seeds(name: str) -> Sequence[bytes]:
    return ENTRIES[name].seeds()


@cache
def packets_of_nodes() -> list[bytes]:
    return [pack(message) for message in fuzz_sapient.messages()]


@cache
def mutator() -> Mutator:
    return Mutator(fuzz_sapient.messages(), fuzz_sapient.nodes())


@pytest.mark.parametrize("name", ENTRIES)
def test_seeds_hold_what_is_judged_and_are_not_all_refused(name: str) -> None:
    counts = Counter[str]()
    run = ENTRIES[name].prepare(counts)
    for seed in seeds(name)[::3]:
        run(seed)
    assert counts["understood"] + counts["accepted"] > len(seeds(name)) / 20


@pytest.mark.parametrize("name", ENTRIES)
def test_what_fuzzing_found_worth_keeping_holds(name: str) -> None:
    kept = sorted((KEPT / f"fuzz_{name}").glob("*"))
    assert kept
    for path in kept:
        runner(name)(path.read_bytes())


@pytest.mark.parametrize("name", ENTRIES)
@SOME
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    runner(name)(data)


@pytest.mark.parametrize("name", ENTRIES)
@SOME
@given(data=st.data())
def test_valid_inputs_with_some_bytes_changed(name: str, data: st.DataObject) -> None:
    made = bytearray(data.draw(st.sampled_from(seeds(name))))
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(made) - 1))
        made[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        made = made or bytearray(b"\0")
    runner(name)(bytes(made[: data.draw(st.integers(0, len(made)))] if data.draw(st.booleans()) else made))


@SOME
@given(data=st.data())
def test_sapient_messages_with_some_fields_changed(data: st.DataObject) -> None:
    rng = Random(data.draw(st.integers(0, 1 << 30)))
    made = bytes([data.draw(st.integers(0, 7))])
    for packet in data.draw(st.lists(st.sampled_from(packets_of_nodes()), min_size=1, max_size=2)):
        message = parse(packet[HEADER:])
        for _ in range(data.draw(st.integers(0, 3))):
            mutator().change(message, rng)
        made += pack(message)
    runner("frames")(made)


@SOME
@given(data=st.data())
def test_json_with_some_values_changed(data: st.DataObject) -> None:
    import json

    rng = Random(data.draw(st.integers(0, 1 << 30)))
    value = json.loads(data.draw(st.sampled_from(seeds("json"))))
    donors = list(values_of(json.loads(data.draw(st.sampled_from(seeds("json"))))))
    for _ in range(data.draw(st.integers(1, 3))):
        value = change_json(value, donors, rng)
    runner("json")(json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_packets_or_no_capture(data: bytes) -> None:
    for start in (b"", *(seed[:24] for seed in seeds("pcap")[-2:])):
        try:
            assert sum(len(payload) for _, payload in packets(start + data)) <= len(data)
        except DecodeError:
            assert not start


@given(st.lists(st.binary(max_size=12), max_size=8), st.integers(1, 10))
def test_lines_are_whole_or_as_long_as_a_line_may_be(parts: list[bytes], longest: int) -> None:
    buffer = b"\n".join(parts)
    start = 0
    for length in lines(buffer, longest):
        line = buffer[start : start + length]
        assert b"\n" not in line[:-1]
        assert line.endswith(b"\n") or length == longest
        assert 0 < length <= longest
        start += length
    assert b"\n" not in buffer[start:]
    assert len(buffer) - start < longest
