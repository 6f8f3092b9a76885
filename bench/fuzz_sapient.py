"""Fuzzing of the SAPIENT decoder: what anybody may send on a connection, and files for `skywarden decode sapient`.

`frames`: a stream that is cut at random, from a node that is known or not: framing, protobuf, rules, sessions,
measurements, answers. `json`: one message as protobuf-JSON. Judged, for every input:

- nothing is raised; cut or whole, a stream gives the same messages, without loss
- each message is understood or refused; no message gives two detections; what reaches the tracker is sound
- answers are few, short and follow the standard; what is remembered does not grow by more than came in
- what is read is written and read again as the same, with the same faults; the same again gives the same
"""

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from fuzzing import DATA, ROOT, Entry, alike, cut, main, one_in, sound, within

START = 1_790_000_000_000_000_000  # ns; when the seeds were sent
RECEIVED = START + 1_000_000_000
SAMPLES = ROOT / "tests" / "samples" / "sapient"
PARTS = ("message", "memory", "where", "measure", "decoder", "scan", "table", "reports", "claims", "classes", "meaning")
COVERS = [f"skywarden.sensors.sapient.{name}" for name in PARTS]
KNOWN = 7  # the connection of those who have introduced themselves
LONGEST = 1600  # bytes of a stream
OFTEN = 16  # one in so many messages, answers, has all that is judged of it
GROWTH, ANSWER, ANSWERS = 3000, 8_000, 17  # bytes: of the memory besides what came in; of an answer; of them
NAMES = ("radar", "camera", "fusion", "acoustic", "human", "tester")  # nodes that are known


def nodes() -> list[str]:
    """Return the ids of the nodes that are known."""
    return [f"00000000-0000-4000-8000-{k:012d}" for k in range(len(NAMES))]


def wire(path: Path) -> list[bytes]:
    """Return the messages of a recorded stream, with their lengths."""
    from skywarden.sensors.sapient.message import split

    data = path.read_bytes()
    ends = [0]
    for length in split(data):
        ends.append(ends[-1] + length)
    return [data[a:b] for a, b in pairwise(ends)]


def recorded() -> list[Any]:
    """Return the messages of the streams that were recorded."""
    from skywarden.sensors.sapient.message import HEADER, parse

    return [parse(packet[HEADER:]) for path in sorted(SAMPLES.glob("*.bin")) for packet in wire(path)]


def texts() -> list[bytes]:
    """Return the protobuf-JSON messages there are, valid and not."""
    from skywarden.sensors.sapient.proto import json_format

    folders = [DATA / "sapient" / name for name in ("examples", "valid", "invalid")]
    found = [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.json"))]
    return found + [json_format.MessageToJson(message).encode() for message in recorded()[::4]]


def messages() -> list[Any]:
    """Return every message there is, as one of the known nodes would send it now."""
    from skywarden.sensors.sapient.message import from_json

    found = recorded() + [from_json(text)[0] for text in texts()]
    good = [message for message in found if message is not None]
    for k, message in enumerate(good):
        message.node_id = nodes()[k % len(NAMES)]
        message.timestamp.seconds, message.timestamp.nanos = divmod(START, 1_000_000_000)
        if k % 3:
            message.ClearField("destination_id")
    return good


def frame_seeds() -> list[bytes]:
    """Return streams of one to three messages. The first byte says how they are sent: see `frames`."""
    from skywarden.sensors.sapient.message import pack

    packets = [pack(message) for message in messages()]
    found = [bytes([k % 8]) + packet for k, packet in enumerate(packets)]
    found += [bytes([k % 8]) + packets[k] + packets[k + 1] for k in range(0, len(packets) - 1, 9)]
    return [seed for seed in found if len(seed) < LONGEST]


def introduced() -> Any:
    """Return a decoder to which the known nodes have introduced themselves: their kinds, their places."""
    from skywarden.model.detection import Frame
    from skywarden.sensors.sapient.message import HEADER, pack, parse
    from skywarden.sensors.sapient.proto import Registration

    reading = reader()
    kinds = [Registration.NODE_TYPE_RADAR, Registration.NODE_TYPE_CAMERA, Registration.NODE_TYPE_FUSION_NODE]
    kinds += [Registration.NODE_TYPE_ACOUSTIC, Registration.NODE_TYPE_HUMAN, Registration.NODE_TYPE_RADAR]
    first = [parse(packet[HEADER:]) for packet in wire(SAMPLES / "two_nodes.bin")]
    joins = [m for m in first if m is not None and m.HasField("registration")]
    statuses = [m for m in first if m is not None and m.HasField("status_report")]
    for k, (node, kind) in enumerate(zip(nodes(), kinds, strict=True)):
        join, status = joins[k % len(joins)], statuses[0]
        join.node_id = status.node_id = node
        join.registration.node_definition[0].node_type = kind
        join.registration.short_name = NAMES[k]
        sent = [pack(join)] if NAMES[k] == "human" else [pack(join), pack(status)]
        found = reading.read(Frame.of("nodes", START, *sent, peer=KNOWN))
        assert not found.refused, found.refused
    return reading


def reader(live: bool = True) -> Any:
    """Return a decoder behind the checks that all go through; one node is enrolled."""
    from skywarden.model.place import HeightReference, NorthReference, Sensor, Source
    from skywarden.model.track import Mode
    from skywarden.sensors import Reader

    enrolled = Sensor(
        name="eye",
        source="nodes",
        node_id=nodes()[1],
        latitude=46.2,
        longitude=31.5,
        height_reference=HeightReference.GEOID,
        north_reference=NorthReference.MAGNETIC,
    )
    source = Source(name="nodes", format="sapient", listen="tcp://127.0.0.1:1")
    return Reader((source,), (enrolled,), Mode.LIVE if live else Mode.REPLAY)


def frames(counts: Counter[str]) -> Callable[[bytes], None]:
    """Return what runs one input. Bits of its first byte: 1 replay, 2 a stranger sends, 4 he comes and goes."""
    return _Frames(counts).run


class _Frames:
    """The decoder of one source, live and in a replay, as it is when the known nodes have introduced themselves."""

    def __init__(self, counts: Counter[str]) -> None:
        from skywarden.model.place import Source
        from skywarden.model.track import Mode
        from skywarden.sensors.sapient.decoder import Sapient

        self._counts = counts
        self._saved = introduced().save()
        self._readers = (reader(True), reader(False))
        self._printer = Sapient(Source(name="nodes", format="sapient"), (), Mode.REPLAY)

    def run(self, data: bytes) -> None:
        """Read one stream and judge what came of it."""
        from skywarden.sensors.sapient.message import HEADER, split
        from skywarden.sensors.sapient.message import LONGEST as MOST

        flags, stream = data[0] if data else 0, data[1:]
        groups, rest = cut(split, stream, within(stream, flags, 3) if one_in(stream, 4) else ())
        (whole,), over = cut(split, stream, ())
        sent = [message for group in groups for message in group]
        alike([*whole, over], [*sent, rest], lambda m: int.from_bytes(m[:HEADER], "little") > MOST)
        groups = [group for group in [*groups, [rest] if rest else []] if group]
        found = self._decode(flags, groups)
        for group, result in zip(groups, found, strict=False):
            self._judge(group, result)
        if one_in(data, 4):
            size = len(self._readers[flags & 1].save()["nodes"]) - len(self._saved["nodes"])
            assert size <= GROWTH + 2 * len(data), f"remembers {size} bytes of {len(data)}"
        for message in sent:
            if one_in(message, OFTEN):
                self._judge_message(message)
        if one_in(data, 16):
            again = self._decode(flags, groups)
            assert [plain(r) for r in again] == [plain(r) for r in found], "the same input gives something else"

    def _decode(self, flags: int, groups: list[list[bytes]]) -> list[Any]:
        from skywarden.model.detection import Frame

        reading, peer = self._readers[flags & 1], 8 if flags & 2 else KNOWN
        reading.restore(self._saved)
        told = [reading.read(Frame.of("nodes", RECEIVED + k, *group, peer=peer)) for k, group in enumerate(groups)]
        return [*told, reading.read(Frame.of("nodes", RECEIVED + 9, peer=peer))] if flags & 4 else told

    def _judge(self, group: list[bytes], result: Any) -> None:
        from skywarden.model.detection import Reason

        self._counts["messages"] += len(group)
        self._counts["understood"] += result.messages
        self._counts["answers"] += len(result.replies)
        for reason, count in result.refused.items():
            assert reason in set(Reason)
            self._counts[f"refused: {reason}"] += count
        refused = sum(result.refused.values())
        twice = sum(result.refused.get(r, 0) for r in (Reason.IMPLAUSIBLE, Reason.PAST, Reason.FUTURE))
        assert len(group) <= result.messages + refused <= len(group) + twice, "the counts do not add up"
        for batch in result.batches:
            sound(batch, len(group))
        total = sum(len(batch) for batch in result.batches)
        self._counts["detections"] += total
        assert total <= result.messages
        assert len(result.replies) <= ANSWERS
        for reply in result.replies:
            assert len(reply.data) <= ANSWER, f"an answer of {len(reply.data)} bytes"
            if one_in(reply.data, OFTEN):
                valid_answer(reply.data)

    def _judge_message(self, message: bytes) -> None:
        from skywarden.model.detection import Frame

        again(message)
        stamp = self._printer.stamp(message, RECEIVED)
        assert stamp is None or isinstance(stamp, int)
        (row,) = self._printer.rows(Frame.of("nodes", RECEIVED, message))
        assert ("error" in row) == (stamp is None)
        encode_row(row, len(message))


def encode_row(row: dict[str, Any], size: int) -> None:
    """Assert that a row can be printed, and is not much longer than its message."""
    import msgspec

    text = msgspec.json.encode(row)
    assert len(text) <= 20_000 + 60 * size, f"a row of {len(text)} bytes for a message of {size}"


def valid_answer(data: bytes) -> None:
    """Assert that an answer follows the standard."""
    from skywarden.sensors.sapient.message import HEADER, parse, split
    from skywarden.sensors.sapient.rules import faults

    assert split(data) == [len(data)]
    message = parse(data[HEADER:])
    assert message is not None
    broken = faults(message)
    assert not broken, f"our answer breaks a rule: {broken}"


def again(packet: bytes) -> None:
    """Assert that a message is the same after it was written and read again, with the same faults."""
    from skywarden.sensors.sapient.message import HEADER, pack, parse
    from skywarden.sensors.sapient.rules import LISTED_MOST, faults

    message = parse(packet[HEADER:])
    if message is None:
        return
    broken = faults(message)
    assert len(broken) <= LISTED_MOST
    written = pack(message)
    other = parse(written[HEADER:])
    assert other is not None
    assert pack(other) == written, "a message is another one after it was written"
    assert faults(other) == broken


def plain(found: Any) -> tuple[Any, ...]:
    """Return what can be compared of a result."""
    rows = [
        (b.sensor, b.kind, b.time.tobytes(), b.z.tobytes(), b.covariance.tobytes(), b.claims) for b in found.batches
    ]
    return found.messages, dict(found.refused), rows, found.replies, found.nodes


def mutate_frames() -> Callable[[bytes, int, int], bytes]:
    """Return the mutator: mostly a field of a message, of a valid one often; else bytes, with and without a length."""
    import atheris
    from fuzz_protobuf import Mutator

    from skywarden.sensors.sapient.message import HEADER, pack, parse, split
    from skywarden.sensors.sapient.rules import faults

    mutator = Mutator(messages(), nodes())
    valid = [data for data in map(pack, messages()) if len(data) < LONGEST and not faults(parse(data[HEADER:]))]

    def body_changed(packet: bytes, most: int, rng: Random) -> bytes:
        message = parse(packet[HEADER:])
        if message is None or rng.random() < 0.15:
            body = bytes(atheris.Mutate(packet[HEADER:], max(1, most // 2)))
            return len(body).to_bytes(HEADER, "little") + body
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            mutator.change(message, rng)
        return pack(message)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = Random(seed)
        if len(data) < 6 or rng.random() < 0.15:
            return bytes(atheris.Mutate(data, most))
        flags, stream = data[:1], data[1:]
        if rng.random() < 0.2:
            flags = bytes([rng.choice((0, 0, 1, 2, 3, 4, 5))])
        ends = [0]
        for length in split(stream):
            ends.append(ends[-1] + length)
        packets = [stream[a:b] for a, b in pairwise(ends)][:3]
        if not packets or rng.random() < 0.3:
            packets = [rng.choice(valid)]
        k = rng.randrange(len(packets))
        packets[k] = body_changed(packets[k], most, rng)
        if rng.random() < 0.1:
            packets.insert(rng.randrange(len(packets) + 1), rng.choice([*packets, rng.choice(valid)]))
        made = flags + b"".join(packets)
        return made if len(made) <= most else bytes(atheris.Mutate(data, most))

    return mutate


def judged(counts: Counter[str]) -> Callable[[bytes], None]:
    """Return what runs one text as `skywarden decode sapient FILE.json` does."""
    import msgspec

    from skywarden.sensors.sapient.message import HEADER, from_json, pack, parse
    from skywarden.sensors.sapient.proto import json_format
    from skywarden.sensors.sapient.rules import faults

    def run(data: bytes) -> None:
        message, broken = from_json(data)
        counts["texts"] += 1
        counts["unreadable" if message is None else "faults" if broken else "accepted"] += 1
        row = {"accepted": not broken, "faults": [fault._asdict() for fault in broken]}
        text = msgspec.json.encode(row)
        assert len(text) <= 20_000 + 200 * len(data), f"{len(text)} bytes are said of {len(data)}"
        assert broken or message is not None
        if message is None:
            return
        other = parse(pack(message)[HEADER:])
        assert other is not None
        assert pack(other) == pack(message)
        assert faults(other) == faults(message)
        if not broken:
            back, none = from_json(json_format.MessageToJson(message))
            assert back is not None
            assert not none
            assert pack(back) == pack(message), "a message is another one after it was written as JSON"

    return run


def mutate_texts() -> Callable[[bytes, int, int], bytes]:
    """Return the mutator: mostly one value somewhere in the JSON, taken from anywhere else in the seeds."""
    import atheris
    from fuzz_protobuf import change_json, values_of

    donors = [value for text in texts() for value in values_of(json.loads(text))]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = Random(seed)
        if rng.random() < 0.7:
            try:
                value = json.loads(data)
            except (ValueError, RecursionError):
                return bytes(atheris.Mutate(data, most))
            made = json.dumps(change_json(value, donors, rng)).encode()
            if len(made) <= most:
                return made
        return bytes(atheris.Mutate(data, most))

    return mutate


ENTRIES = (
    Entry("frames", COVERS, frame_seeds, frames, mutate_frames, LONGEST),
    Entry("json", COVERS, lambda: [t for t in texts() if len(t) < 6000], judged, mutate_texts, 6000),
)

if __name__ == "__main__":
    main(ENTRIES, __doc__)
