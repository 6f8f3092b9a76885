"""`skywarden simulate`: a scenario file and a seed -> a directory with frames, truth and manifest.

Windows are made by several processes and written in their order, so the bytes do not depend on how many there are.
"""

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from hashlib import sha256
from math import ceil, degrees
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import msgspec
import numpy as np

from skywarden import __version__
from skywarden.config import text_of
from skywarden.config.locate import locate
from skywarden.errors import ConfigError
from skywarden.model.detection import Frame
from skywarden.service.capture import capture
from skywarden.service.frames import FrameRecord, record_in
from skywarden.service.side_by_side import in_order, undisturbed
from skywarden.sim.deliver import Piece, Stream
from skywarden.sim.flight import planned
from skywarden.sim.generate import Part, World, part, sites, sites_json, world
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.read import read
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sense import SENSES
from skywarden.sim.site_file import configuration
from skywarden.sim.sky import Sense, Sky, Window
from skywarden.sim.truth import COVERAGE, packed, targets_json, truth_rows

TICK = 100_000_000  # ns
SECOND = 1_000_000_000
WORKERS = 4  # at the most; each takes half a gigabyte for the largest scenarios
READ = 1 << 20  # bytes at once for a hash

Told = Callable[[str, float, float], None]  # what is done, how far, of how much


class Count(NamedTuple):
    """What a kind of sensor gave. seconds: of work, in all processes together."""

    frames: int
    messages: int
    data: int
    seconds: float


class Order(NamedTuple):
    """What is to be simulated. begin: given the directory, returns when second 0 is instead, s since 1970.

    sink: takes each tick's frames too, at its own pace. processes: how many work on it; 1: this one alone, 0: as many
    as there are cores. note: takes what a person should know of the scenario, before the work begins.
    """

    file: Path
    seed: int
    out: Path
    begin: Callable[[Path], int] | None = None
    sink: Callable[[Sequence[Frame]], None] | None = None
    pcap: bool = False
    processes: int = 0
    note: Callable[[str], None] = lambda text: None


class Fliers(NamedTuple):
    """How many flew: in the raid, in peaceful traffic and recordings, birds and flocks of them."""

    raid: int
    traffic: int
    birds: int


class Made(NamedTuple):
    """What came of a simulation. targets: rows of targets.json; fliers: the same, sorted; sources: by name."""

    directory: Path
    targets: int
    fliers: Fliers
    seconds: float
    sources: dict[str, Count]


def simulate(order: Order, tell: Told) -> Made:
    """Run a scenario file. Raises ConfigError for what is wrong in it or when `out` holds something already.

    What breaks off leaves nothing in `out`, and no directory that was not there before.
    """
    if not order.file.exists():
        raise ConfigError(f"{order.file} does not exist; write one: skywarden simulate --example > {order.file}")
    text, out = text_of(order.file), order.out
    scene = read(text)
    if not any(getattr(scene, kind) for kind in SENSES):
        blocks = ", ".join(f"[[{kind}]]" for kind in SENSES)
        raise ConfigError(f"{order.file} has no sensors: write a block of {blocks}")
    if order.pcap and not scene.radars:
        raise ConfigError("--pcap writes what radars send, and there are no [[radars]]: leave it out")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is not an empty directory; name another one, or remove it")
    files = named_files(scene, order.file.parent)
    with ExitStack() as undo:
        undo.callback(clear, out, [path for path in (out, *out.parents) if not path.exists()])
        out.mkdir(parents=True, exist_ok=True)
        tell("flying", 0, scene.scenario.duration_s)
        made = world(scene, files, order.seed)
        for said in missed(made, text):
            order.note(said)
        settings = configuration(sites(scene, made.ground), made.senses)
        (out / "skywarden.toml").write_text(settings)
        if order.begin is not None:
            made = made.moved(order.begin(out))
        _write_truth(made, text, out)
        counts = _write_frames(made, settings, order, tell)
        if order.pcap:
            capture(record_in(out), out / "asterix.pcap")
        _write_manifest(out, made, counts)
        undo.pop_all()
    return Made(out, len(made.sky), fliers(made.sky), scene.scenario.duration_s, counts)


def clear(directory: Path, new: Sequence[Path] = ()) -> None:
    """Remove everything in a directory that was empty before, and directories that were not there, innermost first."""
    with undisturbed():
        for path in directory.iterdir() if directory.exists() else ():
            if path.is_dir():
                rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody else has put something there
            for path in new:
                path.rmdir()


def missed(made: World, text: str) -> Iterator[str]:
    """Yield in words which waves have fliers that the scenario ends before. text: of the scenario file."""
    lines, seconds = locate(text), made.scene.scenario.duration_s
    there = Counter(target.wave for target in made.sky.targets)
    for index, (wave, count) in enumerate(zip(made.scene.waves, planned(made.scene, made.seed), strict=True)):
        if late := count - there[wave.name]:
            yield (
                f"wave {wave.name} (line {lines['waves', index]}): {late} of {count} appear after the end of the "
                f"scenario; write a spread_s of less than {ceil(seconds) - 1 - wave.start_s:g}, not {wave.spread_s:g}, "
                f"or a longer scenario.duration_s than {seconds:g}"
            )


def fliers(sky: Sky) -> Fliers:
    """Return how many of each sort there are."""
    raid = sum(target.raid for target in sky.targets)
    birds = sum(target.kind in (Kind.BIRDS, Kind.BIRD) for target in sky.targets)
    return Fliers(raid, len(sky) - raid - birds, birds)


def named_files(scene: Scene, beside: Path) -> dict[str, bytes]:
    """Read the tiles and recordings that a scenario names: beside its file, or from the working directory."""
    found = {}
    for name in (*scene.terrain.tiles, *(recording.file for recording in scene.recordings)):
        places = (beside / name, Path(name))
        path = next((p for p in places if p.is_file()), None)
        if path is None:
            raise ConfigError(f"{name} is not there, neither in {beside} nor in the working directory")
        found[name] = path.read_bytes()
    return found


def _write_truth(made: World, text: str, out: Path) -> None:
    (out / "scenario.toml").write_text(text)
    (out / "sites.json").write_bytes(msgspec.json.format(msgspec.json.encode(sites_json(made.scene, made.ground))))
    (out / "targets.json").write_bytes(targets_json(made.sky))
    rows = [row for kind, sense in zip(made.kinds, made.senses, strict=True) for row in _sensor_rows(kind, sense)]
    (out / "sensors.json").write_bytes(b"[\n" + b",\n".join(map(msgspec.json.encode, rows)) + b"\n]\n")
    with (out / "truth.csv").open("w") as file:
        file.writelines(truth_rows(made.sky, made.start, made.scene.scenario.duration_s))


def _sensor_rows(kind: str, sense: Sense) -> Iterator[dict[str, Any]]:
    for name, (latitude, longitude, height), revisit in zip(
        sense.names, sense.stands.tolist(), sense.revisit.tolist(), strict=True
    ):
        yield {
            "name": name,
            "kind": kind,
            "source": sense.source,
            "latitude": round(degrees(latitude), 7),
            "longitude": round(degrees(longitude), 7),
            "height_m": round(height, 1),
            "revisit_s": revisit,
        }


def _write_frames(made: World, settings: str, order: Order, tell: Told) -> dict[str, Count]:
    """Make all windows and write their frames and coverage."""
    streams = [Stream(made.start, TICK) for _ in made.senses]
    tally = [[0, 0, 0, 0.0] for _ in made.senses]
    total, rows = made.scene.scenario.duration_s, 0
    with (
        (order.out / "coverage.npy").open("wb") as cover,
        FrameRecord(order.out / "frames", made.seed, settings, made.start) as record,
        closing(parts(made, order.processes)) as windows,
    ):
        _header(cover, 0)
        for found in windows:
            tell("sensing", found.window.start, total)
            rows += len(found.cover.second)
            cover.write(packed(found.cover).tobytes())
            last = found.window.end >= total
            until = made.start + round(found.window.end * SECOND)
            pieces = [list(s.push(sent, until)) for s, sent in zip(streams, found.sent, strict=True)]
            for count, spent, cut in zip(tally, found.seconds, pieces, strict=True):
                count[0] += len(cut)
                count[1] += sum(len(p.lengths) // 4 for p in cut)
                count[2] += sum(len(p.data) for p in cut)
                count[3] += spent
            ticks = range(round(found.window.start * SECOND) // TICK, -(-round(found.window.end * SECOND) // TICK))
            _record(record, made, pieces, (ticks, order.sink))
            if last:
                tell("sensing", total, total)
        cover.seek(0)
        _header(cover, rows)
    return {
        sense.source: Count(int(c[0]), int(c[1]), int(c[2]), round(float(c[3]), 2))
        for sense, c in zip(made.senses, tally, strict=True)
    }


def _record(
    record: FrameRecord,
    made: World,
    pieces: Sequence[list[Piece]],
    how: tuple[range, Callable[[Sequence[Frame]], None] | None],
) -> None:
    """Write one window's frames tick by tick, in the order of the sources. how: the ticks, and who takes frames too."""
    ticks, sink = how
    start, waiting = made.start, [deque(cut) for cut in pieces]
    for tick in ticks:
        frames = []
        for sense, cut in zip(made.senses, waiting, strict=True):
            while cut and cut[0].tick <= tick:
                piece = cut.popleft()
                frames.append(Frame(sense.source, piece.received, piece.data, piece.lengths))
        if sink is not None:
            sink(frames)
        record.add(frames, start + (tick + 1) * TICK)


def parts(made: World, processes: int) -> Generator[Part, None, None]:
    """Return all windows in order, made by `processes` processes; 1: by this one. Close it when it breaks off."""

    def work(window: Window) -> Part:
        return part(made, window, time.process_time)

    processes = processes or min(os.cpu_count() or 1, WORKERS)
    return in_order(work, made.windows(), processes) if processes > 1 else (work(w) for w in made.windows())


def _header(file: Any, rows: int) -> None:
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(COVERAGE), "fortran_order": False, "shape": (rows,)}
    )


def _write_manifest(out: Path, made: World, counts: Mapping[str, Count]) -> None:
    """Write what the directory was made of and what is in it. No times of ours: the same run gives the same bytes."""
    files = {str(p.relative_to(out)): digest(p) for p in sorted(out.rglob("*")) if p.is_file()}
    sources = {name: {"frames": c.frames, "messages": c.messages, "bytes": c.data} for name, c in counts.items()}
    manifest = {
        "skywarden": __version__,
        "scenario": made.scene.scenario.name,
        "seed": made.seed,
        "start_ns": made.start,
        "duration_s": made.scene.scenario.duration_s,
        "targets": len(made.sky),
        "sources": sources,
        "sha256": files,
    }
    (out / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    found = sha256()
    with path.open("rb") as file:
        while chunk := file.read(READ):
            found.update(chunk)
    return found.hexdigest()
