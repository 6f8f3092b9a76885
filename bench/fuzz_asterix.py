"""Fuzzing of the ASTERIX decoder, every edition of every category, and of the reader of pcap files.

`blocks`: datagrams of data blocks, and streams that are cut at random. `pcap`: recordings, read as `skywarden decode`
reads them. Judged, for every input:

- nothing is raised but what is declared; cut or whole, a stream gives the same messages, without loss
- each message is understood or refused, and just once; beside others or alone it is judged alike
- the fast way (kernels) accepts what the slow one (plain Python, by the tables) accepts, and reads the same values
- a record that was read is written and read again as the same; what reaches the tracker is sound
- what comes out is not much longer than what came in; the same input again gives the same
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from random import Random
from struct import Struct
from typing import Any

from fuzzing import DATA, ROOT, Entry, alike, cut, main, one_in, sound, within

NOON = 1_789_992_000_000_000_000  # ns; 21 September 2026, 12:00 UTC
SAMPLES = ROOT / "tests" / "samples" / "asterix"
RECORDED = DATA / "asterix"
PARTS = ("codec", "columns", "decoder", "memory", "plots", "program", "reading", "tracks")
COVERS = ["skywarden.pcap", *(f"skywarden.sensors.asterix.{name}" for name in PARTS)]
NUMBERS = (48, 62, 34, 65, 21)  # categories by the index in an input; the last one is not read
LONGEST, OFTEN = 600, 8
HEAD = Struct("<BH")  # before each block of an input: index of its category (64: in the message before), its length
HEADER = 3
NEEDED, ROW = 2_000, 400  # bytes: of a printed record besides what came in, and for each byte that did


def recordings() -> list[Path]:
    """Return the captures there are."""
    return sorted(RECORDED.glob("*.pcap"))


def blocks_of(data: bytes) -> Iterator[bytes]:
    """Yield the data blocks at the start of some bytes."""
    at = 0
    while at + HEADER <= len(data) and (size := int.from_bytes(data[at + 1 : at + HEADER], "big")) >= HEADER:
        yield data[at : at + size]
        at += size


def seed_blocks() -> list[bytes]:
    """Return real data blocks: of recordings, of our own sample, and of an independent implementation's records."""
    from skywarden.pcap import packets

    found = [
        block for path in recordings() for _, payload in packets(path.read_bytes()) for block in blocks_of(payload)
    ]
    found += [block for path in sorted(RECORDED.glob("*.raw")) for block in blocks_of(path.read_bytes())]
    found += blocks_of((SAMPLES / "coast.raw").read_bytes())
    oracle = json.loads(gzip.decompress((SAMPLES / "oracle" / "records.json.gz").read_bytes()))
    for category, rows in oracle.items():
        for row in rows[::8]:
            body = bytes.fromhex(row["hex"])
            found.append(bytes([int(category)]) + (len(body) + HEADER).to_bytes(2, "big") + body)
    return [block for block in dict.fromkeys(found) if HEADER < len(block) < LONGEST and block[0] in NUMBERS]


def block_seeds() -> list[bytes]:
    """Return inputs of one or two blocks. The first byte says how they are sent, the second which editions are set."""
    blocks = seed_blocks()
    items = [HEAD.pack(NUMBERS.index(b[0]), len(b) - HEADER) + b[HEADER:] for b in blocks]
    found = [bytes([k % 4 & 2, k % 24]) + item for k, item in enumerate(items)]
    found += [bytes([2, 0]) + items[k] + items[-k] for k in range(0, len(items), 5)]
    found += [bytes([1, 0]) + blocks[k] + blocks[-k] for k in range(0, len(blocks), 5)]
    return [seed for seed in found if len(seed) <= LONGEST]


def messages(data: bytes) -> list[bytes]:
    """Return the messages of an input: its blocks, each with a header that fits."""
    found: list[bytes] = []
    at = 0
    while at + HEAD.size <= len(data):
        index, size = HEAD.unpack_from(data, at)
        body = data[at + HEAD.size : at + HEAD.size + size]
        at += HEAD.size + size
        block = bytes([NUMBERS[index % len(NUMBERS)]]) + (len(body) + HEADER).to_bytes(2, "big") + body
        if index & 64 and found:
            found[-1] += block
        else:
            found.append(block)
    return found


def tables(choice: int) -> dict[str, str]:
    """Return the editions that the second byte of an input chooses."""
    from skywarden.sensors.asterix import EDITIONS

    found = {}
    for number in (48, 62, 34, 65):
        choice, which = divmod(choice, len(EDITIONS[number]))
        found[f"{number:03}"] = EDITIONS[number][which].edition
    return found


def reader(editions: Mapping[str, str], live: bool) -> Any:
    """Return a decoder behind the checks that all go through. Any time of day is near enough."""
    from skywarden.model.place import HeightReference, NorthReference, Sensor, Source
    from skywarden.model.track import Mode
    from skywarden.sensors import Reader

    places: list[dict[str, Any]] = [
        {},
        {"height_reference": HeightReference.GEOID, "north_reference": NorthReference.MAGNETIC, "height_m": 80.0},
        {"north_reference": NorthReference.GRID},
    ]
    sensors = [
        Sensor(name=f"{sac}-{sic}", source="r", sac=sac, sic=sic, latitude=46.2, longitude=31.5, **places[k % 3])
        for k, (sac, sic) in enumerate([(25, 201), (25, 13), (250, 11), (250, 12), (0, 0), (7, 7), (0, 1), (1, 0)])
    ]
    source = Source(name="r", format="asterix", editions=dict(editions), max_age_s=90_000.0, max_lead_s=90_000.0)
    return Reader((source,), sensors, Mode.LIVE if live else Mode.REPLAY)


def blocks(counts: Counter[str]) -> Callable[[bytes], None]:
    """Return what runs one input. Bits of its first byte: 1 a stream of any bytes, 2 replay."""
    from skywarden.model.detection import Frame
    from skywarden.sensors.asterix.decoder import Asterix

    readers: dict[tuple[int, bool], Any] = {}
    fresh = reader({}, True).save()

    def run(data: bytes) -> None:
        flags, choice, rest = (data[0], data[1], data[2:]) if len(data) > 1 else (0, 0, b"")
        sent = stream(rest) if flags & 1 else messages(rest)
        key = (choice % 24, not flags & 2)
        if key not in readers:
            readers[key] = reader(tables(choice % 24), not flags & 2)
        reading = readers[key]
        reading.restore(fresh)
        frame = Frame.of("r", NOON, *sent)
        found = reading.read(frame)
        judge(frame, found, counts)
        decoder = reading._decoders["r"]
        assert len(decoder.state.seen) <= len(sent)
        if one_in(data, OFTEN):
            twins(decoder, frame, one_in(data, 4 * OFTEN))
            for message in sent:
                stamp = Asterix.stamp(message, NOON)
                assert stamp is None or abs(stamp - NOON) <= 90_000 * 10**9
        if one_in(data, 4 * OFTEN):
            alone(decoder, sent, frame)
            reading.restore(fresh)
            assert plain(reading.read(frame)) == plain(found), "the same input gives something else"

    return run


def stream(data: bytes) -> list[bytes]:
    """Return the messages of a stream; assert that its cuts do not matter."""
    from skywarden.sensors.asterix.decoder import Asterix

    groups, rest = cut(Asterix.split, data, within(data, 1, 3))
    (whole,), over = cut(Asterix.split, data, ())
    found = [message for group in groups for message in group]
    alike([*whole, over], [*found, rest], lambda m: int.from_bytes(m[1:HEADER], "big") < HEADER or m[0] == 0)
    return [*found, rest] if rest else found


def judge(frame: Any, found: Any, counts: Counter[str]) -> None:
    """Assert that the counts add up and that the detections are sound."""
    counts["messages"] += len(frame)
    counts["understood"] += found.messages
    for reason, count in found.refused.items():
        counts[f"refused: {reason}"] += count
    assert found.messages + sum(found.refused.values()) == len(frame), "the counts do not add up"
    for batch in found.batches:
        sound(batch, len(frame.data))
        counts["detections"] += len(batch)


def twins(decoder: Any, frame: Any, values: bool) -> None:
    """Assert that the fast way and the slow way agree about every message and every item, and every value if asked."""
    import msgspec

    from skywarden.errors import DecodeError
    from skywarden.model.detection import Reason
    from skywarden.sensors.asterix.codec import decode_record, encode_record
    from skywarden.sensors.asterix.reading import read

    columns, verdicts = read(frame, decoder._categories)
    rows: dict[int, list[dict[str, Any]]] = {}
    owners: dict[int, list[int]] = {}
    for index, message in enumerate(frame.messages()):
        reason = verdicts.reason(index)
        fits = True
        for block in blocks_of(message) if reason not in (Reason.MALFORMED, Reason.TRUNCATED) else ():
            if (compiled := decoder._categories.get(block[0])) is None:
                continue
            table, at = compiled.program.table, HEADER
            try:
                while at < len(block):
                    record, at = decode_record(table, block, at, len(block))
                    rows.setdefault(block[0], []).append(record)
                    owners.setdefault(block[0], []).append(index)
                    again = encode_record(table, record)
                    assert decode_record(table, again, 0, len(again)) == (record, len(again)), "not the same again"
            except DecodeError:
                fits = False
        assert fits or reason in (Reason.WRONG_EDITION, Reason.IMPLAUSIBLE), f"only the slow way refuses: {reason}"
    for category, found in columns.items():
        names = decoder._categories[category].program.names
        items = [
            [n for n, at in zip(names, row, strict=True) if at >= 0 and "/" not in n] for row in found.offsets.tolist()
        ]
        assert items == [list(record) for record in rows.get(category, [])], "not the same items"
        assert found.owner.tolist() == owners.get(category, []), "not the same records"
        if values:
            compare(found, rows.get(category, []))
    if values:
        size = len(msgspec.json.encode(list(decoder.rows(frame))))
        most = (len(frame) + 1) * NEEDED + ROW * len(frame.data)
        assert size <= most, f"{size} bytes are printed of {len(frame.data)}"


def compare(found: Any, rows: list[dict[str, Any]]) -> None:
    """Assert that all fields that are plain numbers have the same value in both."""
    import numpy as np

    for path, spot in found.spots.items():
        if spot.field.kind in ("u", "s") and not spot.field.other:
            expected = np.array([looked_up(record, path, spot.field.key) for record in rows])
            assert np.array_equal(found.value(path), expected, equal_nan=True), f"{path}: not the same values"


def looked_up(record: dict[str, Any], path: str, key: str) -> float:
    """Return a field of a record, NaN when it is not there."""
    item, *rest = path.split("/")
    value = record.get(item, {})
    if len(rest) == 2 and isinstance(value.get(rest[0]), dict):
        value = value[rest[0]]
    return float(value.get(key, float("nan")))


def alone(decoder: Any, sent: Sequence[bytes], frame: Any) -> None:
    """Assert that a message is judged by its own bytes: nothing is read beyond its end."""
    from skywarden.model.detection import Frame
    from skywarden.sensors.asterix.reading import read

    together = read(frame, decoder._categories)[1]
    for index, message in enumerate(sent):
        other = read(Frame.of("r", NOON, message), decoder._categories)[1]
        assert together.reason(index) == other.reason(0), "a message is judged by its neighbours"


def plain(found: Any) -> tuple[Any, ...]:
    """Return what can be compared of a result."""
    rows = [
        (b.sensor, b.kind, b.time.tobytes(), b.z.tobytes(), b.covariance.tobytes(), b.claims) for b in found.batches
    ]
    return found.messages, dict(found.refused), rows


def mutate_blocks() -> Callable[[bytes, int, int], bytes]:
    """Return the mutator: mostly the bytes of one block, whose length is made to fit; else any bytes."""
    import atheris

    donors = [HEAD.pack(NUMBERS.index(b[0]), len(b) - HEADER) + b[HEADER:] for b in seed_blocks() if len(b) < 300]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = Random(seed)
        if len(data) < 6 or data[0] & 1 or rng.random() < 0.2:
            return bytes(atheris.Mutate(data, most))
        head, items, at = bytearray(data[:2]), list[tuple[int, bytes]](), 2
        while at + HEAD.size <= len(data):
            index, size = HEAD.unpack_from(data, at)
            items.append((index, data[at + HEAD.size : at + HEAD.size + size]))
            at += HEAD.size + size
        if rng.random() < 0.2:
            head = bytearray([rng.choice((0, 2, 1)), rng.randrange(24)])
        if not items or rng.random() < 0.2:
            donor = rng.choice(donors)
            items.insert(0, (donor[0] | rng.choice((0, 64)), donor[HEAD.size :]))
        k = rng.randrange(len(items))
        index, body = items[k]
        if rng.random() < 0.1:
            index = rng.randrange(len(NUMBERS)) | rng.choice((0, 64))
        body = body + rng.choice(donors)[HEAD.size :] if rng.random() < 0.1 else bytes(atheris.Mutate(body, most // 2))
        items[k] = (index, body)
        made = bytes(head) + b"".join(HEAD.pack(i, len(b)) + b for i, b in items[:6])
        return made if len(made) <= most else bytes(atheris.Mutate(data, most))

    return mutate


def pcap_seeds() -> list[bytes]:
    """Return small recordings in each format and over each kind of link."""
    found = [shortened(path.read_bytes()) for path in recordings()]
    (payload, *_) = [b for b in seed_blocks() if b[0] == 48 and len(b) < 100]
    for order in "<>":
        for link in (0, 1, 12, 101, 113, 276):
            found.append(classic(order, link, payload))
            found.append(blockwise(order, link, payload))
    return found


def shortened(data: bytes, most: int = 900) -> bytes:
    """Return the first packets of a pcap file."""
    order, at = ("<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"), 24
    while at + 16 <= len(data):
        end = at + 16 + Struct(order + "IIII").unpack_from(data, at)[2]
        if end > most:
            break
        at = end
    return data[:at]


def packet(link: int, payload: bytes) -> bytes:
    """Return a frame of a link with one datagram in it."""
    size = 28 + len(payload)
    head = Struct(">BBHHHBBHII").pack(0x45, 0, size, 1, 0, 16, 17, 0, 0xC0000201, 0xE8010101)
    datagram = head + Struct(">HHHH").pack(8600, 8600, 8 + len(payload), 0) + payload
    before = {
        0: b"\x02\0\0\0",
        1: bytes(12) + b"\x81\0\0\7\x08\0",
        113: bytes(14) + b"\x08\0",
        276: b"\x08\0" + bytes(18),
    }
    return before.get(link, b"") + datagram


def classic(order: str, link: int, payload: bytes) -> bytes:
    """Return a pcap file with two packets."""
    frame = packet(link, payload)
    head = Struct(order + "IHHiIII").pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    return head + (Struct(order + "IIII").pack(1_789_992_000, 5, len(frame), len(frame)) + frame) * 2


def blockwise(order: str, link: int, payload: bytes) -> bytes:
    """Return a pcapng file with one packet."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return Struct(order + "II").pack(kind, len(body) + 12) + body + Struct(order + "I").pack(len(body) + 12)

    frame = packet(link, payload)
    section = block(0x0A0D0D0A, Struct(order + "IHHq").pack(0x1A2B3C4D, 1, 0, -1))
    interface = block(1, Struct(order + "HHI").pack(link, 0, 65535) + Struct(order + "HHBBBB").pack(9, 1, 9, 0, 0, 0))
    head = Struct(order + "IIIII").pack(0, NOON >> 32, NOON & 0xFFFFFFFF, len(frame), len(frame))
    return section + interface + block(6, head + frame)


def pcap(counts: Counter[str]) -> Callable[[bytes], None]:
    """Return what runs one file: as packets, and as `skywarden decode` reads it."""
    import msgspec

    from skywarden.cli.capture import Trouble
    from skywarden.cli.capture import frames as captured
    from skywarden.errors import DecodeError
    from skywarden.pcap import LATEST, MAGIC, packets

    reading = reader({}, False)
    fresh = reading.save()

    def run(data: bytes) -> None:
        counts["files"] += 1
        try:
            found = list(packets(data))
        except DecodeError:
            assert data[:4] not in MAGIC
            assert data[:4] != b"\x0a\x0d\x0d\x0a"
            return
        counts["packets"] += len(found)
        assert sum(len(payload) for _, payload in found) <= len(data)
        assert all(0 <= time < LATEST for time, _ in found)
        reading.restore(fresh)
        decoder, trouble = reading._decoders["r"], Trouble()
        given = list(captured(BytesIO(data), decoder, "r", NOON, trouble))
        assert len(given) == len(found)
        for frame in given:
            judge(frame, reading.read(frame), counts)
            msgspec.json.encode(list(decoder.rows(frame)))
        assert not trouble.damage

    return run


ENTRIES = (
    Entry("blocks", COVERS, block_seeds, blocks, mutate_blocks, LONGEST),
    Entry("pcap", COVERS, pcap_seeds, pcap),
)

if __name__ == "__main__":
    main(ENTRIES, __doc__)
