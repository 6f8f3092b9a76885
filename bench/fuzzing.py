"""What the fuzz benches share: a process of atheris (libFuzzer, led by coverage) for each entry, seeds, figures.

Inputs are mutated for as long as they reach new code. An input that breaks an invariant, takes more than SLOW_S of
processor time or HANG_S of any, or needs more than MEMORY_MB, ends the run and is kept as a file that runs it again:

    python -m venv fuzz && fuzz/bin/pip install -e . atheris==3.0.0
    fuzz/bin/python bench/fuzz_sapient.py [--entry frames] [--runs 2000000]
    fuzz/bin/python bench/fuzz_sapient.py --entry frames --again FILE
"""

import argparse
import importlib.util
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

SLOW_S, HANG_S, MEMORY_MB = 1.0, 5, 2048
TOLD = 1_000  # runs between two notes of the figures
PART = 100_000  # runs of one process: counting branches loses some kB of memory for each; ours, run without, none
ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
KEPT = ROOT / "tests" / "samples"  # fuzz_<entry>/ holds inputs that were worth keeping
NEEDED = "this bench needs atheris: python -m venv fuzz && fuzz/bin/pip install -e . atheris==3.0.0, and run it there"


@dataclass
class Entry:
    """One way in. prepare: called when the code is instrumented; returns what is run on every input.

    That counts what came of it, and may raise nothing. mutate: see atheris, `custom_mutator`. covers: modules whose
    branches count as new code: counting costs time, so none that walk tables. longest: bytes of an input.
    """

    name: str
    covers: Sequence[str]
    seeds: Callable[[], list[bytes]]
    prepare: Callable[[Counter[str]], Callable[[bytes], None]]
    mutate: Callable[[], Callable[[bytes, int, int], bytes]] | None = None
    longest: int = 1200


def one_in(data: bytes, count: int) -> bool:
    """Say of some inputs, always of the same ones, that they have their turn for a check that takes long."""
    return crc32(data) % count == 0


def within(data: bytes, salt: int, most: int) -> list[int]:
    """Return places to cut some bytes at, in order, always the same for the same bytes."""
    if not data:
        return []
    return sorted(crc32(data, salt + k) % (len(data) + 1) for k in range(crc32(data, salt) % (most + 1)))


def cut(split: Callable[[bytes], list[int]], data: bytes, ends: Sequence[int]) -> tuple[list[list[bytes]], bytes]:
    """Give a stream to a decoder's `split` in pieces that end at some places.

    Return the messages that came with each piece, and what was left at the end; assert that nothing was lost.
    """
    groups, rest = list[list[bytes]](), b""
    for a, b in pairwise([0, *ends, len(data)]):
        buffer, start, group = rest + data[a:b], 0, []
        for length in split(buffer):
            assert 0 < length <= len(buffer) - start
            group.append(buffer[start : start + length])
            start += length
        groups.append(group)
        rest = buffer[start:]
    assert b"".join(m for group in groups for m in group) + rest == data, "bytes were lost"
    return groups, rest


def alike(one: Sequence[bytes], other: Sequence[bytes], noise: Callable[[bytes], bool]) -> None:
    """Assert that two cuts gave the same messages, up to noise: after it nobody knows where one begins."""
    end = next((k for k, message in enumerate(one) if noise(message)), None)
    assert one[:end] == other[:end], "another cut gives other messages"


def sound(batch: Any, count: int) -> None:
    """Assert that a batch of Detections is what the tracker may rely on. count: the most rows that it may have."""
    import numpy as np

    from skywarden.model.detection import WIDTH

    n, width = len(batch), WIDTH[batch.kind]
    assert 0 < n <= count, f"{n} detections of {count} possible ones"
    assert batch.z.shape == batch.raw.shape == (n, width)
    assert batch.covariance.shape == (n, width, width)
    assert len({len(a) for a in (batch.time, batch.time_sigma, batch.subject, batch.number, batch.address)}) == 1
    assert all(0 <= claim.index < n and claim.value for claim in batch.claims)
    assert np.isfinite(batch.revisit)
    assert batch.revisit > 0
    there = ~np.isnan(batch.z)
    assert there.any(1).all(), "a detection without any value"
    assert np.isfinite(batch.z[there]).all()
    assert np.isfinite(batch.time_sigma).all()
    assert (batch.time_sigma >= 0).all()
    for given, covariance in zip(there, batch.covariance, strict=True):
        used = covariance[np.ix_(given, given)]
        assert np.isfinite(used).all()
        assert np.allclose(used, used.T)
        assert (np.linalg.eigvalsh(used) > 0).all(), "a covariance that is not positive"


def main(entries: Sequence[Entry], about: str | None) -> None:
    """Read the options and run; in a child process fuzz one entry."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2_000_000, help="of each entry")
    parser.add_argument("--entry", choices=[e.name for e in entries], help="only this one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="folder in which new inputs are kept for the next time")
    parser.add_argument("--longest", type=int, help="bytes of an input")
    parser.add_argument("--plain", action="store_true", help="kernels as plain Python: slower, every index checked")
    parser.add_argument("--again", type=Path, help="an input that was kept: run it alone")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        sys.exit(NEEDED)
    chosen = [e for e in entries if options.entry in (None, e.name)]
    if options.child:
        _child(chosen[0], options)
        return
    from harness import progress, report  # not in the child: it imports what must be instrumented first

    found = {entry.name: _run(entry, options) for entry in chosen}
    goals = []
    for name, row in found.items():
        figure = f"{row['runs']:,} runs in {row['seconds']} s, {row['features']} features, {row['most_mb']} MB"
        verdict = "nothing found" if row["code"] == 0 else f"found something, kept as .fuzz/{name}-*"
        goals.append((f"{name}: {verdict}", f"{figure}, slowest {row['slowest_ms']} ms", row["code"] == 0))
        progress(f"{name}: {row['counts']}")
    report(found, goals)


def _run(entry: Entry, options: argparse.Namespace) -> dict[str, Any]:
    """Fuzz one entry, PART by PART; return the figures."""
    found: dict[str, Any] = dict.fromkeys(("code", "runs", "seconds", "features", "slowest_ms", "most_mb"), 0)
    counts = Counter[str]()
    with tempfile.TemporaryDirectory() as directory:
        corpus = options.corpus / entry.name if options.corpus else Path(directory) / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        kept = [path.read_bytes() for path in sorted((KEPT / f"fuzz_{entry.name}").glob("*"))]
        for k, seed in enumerate([*entry.seeds(), *kept]):
            (corpus / f"seed-{k:04}").write_bytes(seed)
        for part in range(1 if options.again else -(-options.runs // PART)):
            runs = min(PART, options.runs - part * PART)
            own = ["--entry", entry.name, "--child", directory, "--corpus", str(corpus), "--runs", str(runs)]
            own += ["--seed", str(options.seed + part), "--longest", str(options.longest or entry.longest)]
            own += ["--plain"] if options.plain else []
            own += ["--again", str(options.again.absolute())] if options.again else []
            row = _part(own, Path(directory) / "figures.json", options.plain)
            counts.update(row.pop("counts", {}))
            found["runs"] += row.pop("runs", 0)
            found["seconds"] += row.pop("seconds")
            found |= {name: max(found[name], value) for name, value in row.items()}
            if found["code"]:
                break
    return found | {"kernels": "plain" if options.plain else "compiled, bounds checked", "counts": dict(counts)}


def _part(own: Sequence[str], figures: Path, plain: bool) -> dict[str, Any]:
    """Fuzz in a process of its own; return the figures."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    if not plain:  # kept apart: Numba does not tell code with checks of bounds from code without
        environment |= {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(ROOT / ".fuzz" / "kernels")}
    figures.unlink(missing_ok=True)
    begun = time.monotonic()
    code, lines = _told([sys.executable, sys.argv[0], *own], environment)
    counted = json.loads(figures.read_text()) if figures.exists() else {}
    features = [int(m[1]) for line in lines if (m := re.search(r" ft: (\d+)", line))]
    took = round(time.monotonic() - begun)
    return counted | {"code": abs(code), "seconds": took, "features": max(features, default=0)}


def _told(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run a process and pass on what it says; return its code and its last lines."""
    from harness import progress

    lines: list[str] = []
    with subprocess.Popen(command, env=environment, stderr=subprocess.STDOUT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            lines = [*lines[-400:], line]
            if not any(word in line for word in ("NEW ", "REDUCE", "Instrumenting", "RELOAD", "Uses:")):
                progress(line)
    return process.returncode, lines


def _child(entry: Entry, options: argparse.Namespace) -> None:
    """Fuzz; never returns: libFuzzer ends the process."""
    import atheris

    wanted = set(entry.covers) - set(() if options.plain else modules("skywarden.kernel import"))
    with atheris.instrument_imports(include=["skywarden"], exclude=sorted(set(modules()) - wanted)):
        for module in entry.covers:
            importlib.import_module(module)
    if options.plain:
        from skywarden.kernel import plain_while

        plain_while(lambda: True)
    warnings.simplefilter("error", RuntimeWarning)  # numbers that overflow
    artifacts = ROOT / ".fuzz"
    artifacts.mkdir(exist_ok=True)
    watch = _Watch(options.child / "figures.json", options.runs, artifacts / f"{entry.name}-found")
    work = entry.prepare(watch.counts)
    for seed in entry.seeds()[:20]:  # the first ones compile and fill caches
        work(seed)
    arguments = [
        sys.argv[0],
        f"-runs={1 if options.again else options.runs}",
        f"-seed={options.seed}",
        f"-timeout={HANG_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={options.longest or entry.longest}",
        f"-artifact_prefix={artifacts}/{entry.name}-",
        "-print_final_stats=1",
        *([str(options.again)] if options.again else [str(options.corpus)]),
    ]
    extra = {"custom_mutator": entry.mutate()} if entry.mutate else {}
    atheris.Setup(arguments, watch.around(work), **extra)
    atheris.Fuzz()


def modules(text: str = "") -> list[str]:
    """Return the modules of skywarden that have a text in them. Those with kernels must be left as they are."""
    source = ROOT / "src"
    found = [path for path in source.rglob("*.py") if text in path.read_text()]
    return [".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__") for path in found]


class _Watch:
    """Counts runs and looks at their time."""

    def __init__(self, file: Path, runs: int, found: Path) -> None:
        self.counts: Counter[str] = Counter()
        self._file, self._goal, self._found = file, runs, found
        self._runs = 0
        self._slowest = 0.0

    def around(self, work: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return what runs one input under watch."""

        def run(data: bytes) -> None:
            before = time.thread_time()
            try:
                work(data)
            except BaseException:  # libFuzzer keeps it too, unless its own alarm comes first
                self._found.write_bytes(data)
                raise
            took = time.thread_time() - before
            self._runs += 1
            self._slowest = max(self._slowest, took)
            assert took < SLOW_S, f"{len(data)} bytes took {took:.2f} s"
            if self._runs % TOLD == 0 or self._runs >= self._goal:
                self._note()

        return run

    def _note(self) -> None:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row: dict[str, Any] = {"runs": self._runs, "most_mb": round(most)}
        row |= {"slowest_ms": round(self._slowest * 1e3), "counts": dict(self.counts.most_common())}
        self._file.write_text(json.dumps(row))
