"""Simulated frames as a record: written with equal bytes for equal input, found in a directory, and read again."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from skywarden import __version__
from skywarden.config import parse, resolved
from skywarden.errors import ConfigError, RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, Input, Started, Tick, decode, encode
from skywarden.model.track import Mode
from skywarden.record import segment
from skywarden.record.bulk import BulkLog
from skywarden.record.checkpoint import Key
from skywarden.record.info import utc
from skywarden.record.log import kind
from skywarden.record.reading import SqliteRecord

FRAMES = "frames"  # where a simulated directory has its record


class FrameRecord:
    """A record of frames that nobody received. Use it as a context manager: an exception inside leaves no record."""

    def __init__(self, path: Path, seed: int, settings_text: str, start_ns: int) -> None:
        """Begin with the settings under which the frames will be read.

        The record is signed with `simulation_key(seed)`. Raises ConfigError, also for the mode live: what is made must
        never be taken for what happened; RecordError.
        """
        settings = parse(settings_text)
        if settings.run.mode is Mode.LIVE:
            raise ConfigError('simulated frames make no live picture; write mode = "sim" below [run]', "run.mode")
        self._log = BulkLog(path, simulation_key(seed), utc(start_ns) or "")
        self._seq = 0
        self._append([Started(start_ns, settings.run.mode, settings_text, __version__, resolved(settings))])

    def add(self, frames: Iterable[Frame], tick_ns: int) -> None:
        """Write the frames that came in since the last tick, in their order, and the tick. tick_ns: UTC, ns."""
        self._append([*map(Arrived, frames), Tick(tick_ns)])

    def __enter__(self) -> "FrameRecord":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._log.close()
        else:
            self._log.abandon()

    def _append(self, inputs: list[Input]) -> None:
        entries = [Entry(seq, _time(event), seq, encode(event)) for seq, event in enumerate(inputs, self._seq + 1)]
        self._log.append(entries)
        self._seq += len(entries)


def simulation_key(seed: int) -> Key:
    """Return the key that signs a simulated record. Whoever knows the seed has it: its signature is no evidence."""
    return Key(sha256(f"skywarden simulation key, no evidence\n{seed}\n".encode()).digest())


def record_in(path: Path) -> SqliteRecord:
    """Open a record, or the one in a simulated directory. Raises RecordError."""
    return SqliteRecord(place_of(path))


def place_of(path: Path) -> Path:
    """Return the directory of a record: `path`, or what a simulated directory has inside where it is none itself."""
    inside = path / FRAMES
    return inside if inside.is_dir() and not segment.files(path) and segment.files(inside) else path


def frames_of(entries: Iterable[Entry]) -> Iterator[Frame]:
    """Yield the frames among a record's entries, in order; one without messages says that a connection has ended."""
    for entry in entries:
        if entry.cause == entry.seq and kind(entry.payload) == Arrived.__name__:
            yield _arrived(entry).frame


def _arrived(entry: Entry) -> Arrived:
    event = decode(entry.payload)
    if not isinstance(event, Arrived):
        raise RecordError(f"entry {entry.seq} is damaged: see `skywarden record verify`")
    return event


def _time(event: Input) -> int:
    return event.frame.received if isinstance(event, Arrived) else event.time
