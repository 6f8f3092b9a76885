"""ASTERIX against an independent implementation: libasterix, in an environment of its own.

Judged: random records of every category, with every item, that libasterix encodes decode to the same values here and
encode back to the same bytes, and the fast path finds the same items; the fast path reads at least 80,000 records/s
and ten times what libasterix parses in the same run (both by the time of one core).

    python bench/asterix_oracle.py [--records 10000] [--speed-records 1000000]
    python bench/asterix_oracle.py --sample     writes tests/samples/asterix/oracle/records.json.gz
"""

import argparse
import gzip
import json
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from harness import ROOT, need, progress, report

from skywarden import pcap
from skywarden.model.detection import Frame
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import CURRENT, Asterix, decode_record, encode_record
from skywarden.sensors.asterix.layout import Category
from skywarden.sensors.asterix.program import program, records
from skywarden.sensors.asterix.reading import Compiled, read

PEER = ROOT / ".peers" / "asterix"
VERSION = "0.36.3"
SAMPLE = ROOT / "tests" / "samples" / "asterix" / "oracle" / "records.json.gz"
SAMPLE_RECORDS = {34: 200, 48: 200, 62: 160, 65: 200}
LEAST, RATIO = 80_000, 10
ORACLE_PAYLOADS = 1000
IN_A_FRAME = 1000
FIRST = 1462433756 * 10**9  # ns; when the recording was made


def peer(*arguments: str, text: str = "") -> list[str]:
    """Run bench/asterix_peer.py where libasterix is; make that place first if need be. Returns its lines."""
    python = PEER / "bin" / "python"
    if not python.exists():
        venv.create(PEER, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"libasterix=={VERSION}"], check=True)
    script = Path(__file__).with_name("asterix_peer.py")
    done = subprocess.run([python, script, *arguments], check=True, input=text, capture_output=True, text=True)
    return done.stdout.splitlines()


def made(category: int, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield records as libasterix encodes and reads them."""
    for line in peer("records", str(category), str(count), str(seed)):
        yield json.loads(line)


def check(table: Category, count: int, seed: int) -> tuple[int, list[str]]:
    """Compare `count` random records. Returns how many differ, and the items and sub-items that never came."""
    sys.path.append(str(ROOT / "tests"))
    from asterix_values import differences

    compiled, wrong, used = program(table), 0, Counter[str]()
    for record in made(table.number, count, seed):
        data = bytes.fromhex(record["hex"])
        ours, end = decode_record(table, data, 0, len(data))
        found = differences(table, ours, record["items"])
        if end != len(data) or encode_record(table, ours) != data:
            found.append("bytes differ")
        block = np.frombuffer(bytes(3) + data, np.uint8)
        offsets, _, bad = records(compiled, block, np.array([0]), np.array([len(block)]))
        there = [compiled.names[k] for k in np.flatnonzero(offsets[0] >= 0)] if len(offsets) == 1 else []
        if bad.any() or [n for n in there if "/" not in n] != list(ours):
            found.append("the fast path finds other items")
        used.update(there)
        wrong += bool(found)
        if found and wrong < 5:
            progress(f"CAT {table.number:03}: {record['hex']}: {'; '.join(found[:5])}")
    return wrong, sorted(name for name in compiled.names if name and not used[name])


def arrays(payloads: list[bytes], count: int) -> tuple[int, int, float]:
    """Read `count` records, every field of a fixed place, into arrays. Returns records, values, records/s."""
    categories = {number: Compiled.of(table) for number, table in CURRENT.items()}
    messages = (payloads * (IN_A_FRAME // len(payloads) + 1))[:IN_A_FRAME]
    frame = Frame.of("bench", 0, *messages)
    read(frame, categories)  # compiles
    start, found, values = time.process_time(), 0, 0
    while found < count:
        for columns in read(frame, categories)[0].values():
            found += len(columns)
            values += sum(len(columns.value(path)) for path in columns.spots)
    return found, values, found / (time.process_time() - start)


def whole(payloads: list[bytes], seconds: float = 3.0) -> float:
    """Return records/s through Asterix.decode, detections included, a frame for each round of the recording."""
    places = [
        Sensor(name=f"{sic}", source="bench", sac=25, sic=sic, latitude=45.0, longitude=15.0) for sic in range(256)
    ]
    decoder = Asterix(Source(name="bench", format="asterix"), tuple(places), Mode.LIVE)
    received, found, start = FIRST, 0, time.process_time()
    while time.process_time() - start < seconds:
        decoded = decoder.decode(Frame.of("bench", received, *payloads))
        found += sum(len(batch) for batch in decoded.batches)
        received += 5 * 10**9  # or the next round would be a copy of this one
    return found / (time.process_time() - start)


def sample() -> None:
    """Write the sample that `./check` compares with."""
    found = {str(c): list(made(c, n, seed=c)) for c, n in SAMPLE_RECORDS.items()}
    SAMPLE.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    SAMPLE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{SAMPLE.relative_to(ROOT)}: {SAMPLE.stat().st_size} octets")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--speed-records", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", action="store_true")
    asked = parser.parse_args()
    if asked.sample:
        sample()
        return 0
    goals, result = [], {}
    for table in CURRENT.values():
        wrong, missing = check(table, asked.records, asked.seed)
        name = f"CAT {table.number:03} {table.edition}"
        result[name] = {"records": asked.records, "differ": wrong, "never": missing}
        figure = f"{asked.records} records, {wrong} differ, {len(missing)} items never came"
        goals.append((f"{name} equals libasterix", figure, not wrong and not missing))
    payloads = [payload for _, payload in pcap.packets(need("asterix/cat_034_048.pcap").read_bytes())]
    oracle = float(peer("speed", text="\n".join(p.hex() for p in (payloads * 100)[:ORACLE_PAYLOADS]))[-1])
    found, values, rate = arrays(payloads, asked.speed_records)
    result |= {"records": found, "values": values, "rate": rate, "libasterix": oracle, "decoder": whole(payloads)}
    goals.append(("fast path", f"{found:,} records, {rate:,.0f}/s (goal {LEAST:,})", rate >= LEAST))
    goals.append(
        (f"against libasterix {VERSION}", f"{rate / oracle:.0f} times {oracle:,.0f}/s", rate >= RATIO * oracle)
    )
    report(result, goals)
    return 0 if all(met for _, _, met in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
