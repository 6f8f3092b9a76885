"""What is in a record, in a few numbers; read from counters, not from the entries, so it is quick on big records."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from skywarden.errors import RecordError
from skywarden.model.event import Started
from skywarden.record import segment, states
from skywarden.record.reading import SqliteRecord


class Start(TypedDict):
    """A process took the record up, or, with `reload`, read its configuration again."""

    seq: int
    time: int
    utc: str
    mode: str
    version: str
    reload: bool


class Traffic(TypedDict):
    """What one source sent."""

    messages: int
    bytes: int


class Info(TypedDict):
    """See docs/record.md for each row. Times are ns since 1970, None when there is no entry."""

    path: str
    format: int
    version: str
    created: str
    first_seq: int
    last_seq: int
    first_time: int | None
    last_time: int | None
    first_utc: str | None
    last_utc: str | None
    span_s: float
    bytes: int
    segments: int
    entries: dict[str, int]
    sources: dict[str, Traffic]
    starts: list[Start]
    modes: list[str]
    snapshots: list[int]


def info(path: Path | str) -> Info:
    """Describe a record; it may be in use. Raises RecordError when it cannot be read."""
    record = SqliteRecord(path)
    path = record.path
    files = segment.files(path)
    with segment.in_words(path):
        parts = [_part(connection, path) for connection in record.connections()]
        size = sum(p.stat().st_size for p in segment.parts(path))
        kept = states.kept(path)
    filled = [p for p in parts if p.last_seq]
    first, last = (filled[0].first_time, filled[-1].last_time) if filled else (None, None)
    starts = [start for p in parts for start in p.starts]
    return Info(
        path=str(path),
        format=parts[-1].format,
        version=parts[0].program,
        created=parts[0].created,
        first_seq=filled[0].first_seq if filled else 0,
        last_seq=filled[-1].last_seq if filled else 0,
        first_time=first,
        last_time=last,
        first_utc=utc(first),
        last_utc=utc(last),
        span_s=0.0 if first is None or last is None else (last - first) / 1e9,
        bytes=size,
        segments=len(files),
        entries=_entries(parts),
        sources=_sources(parts),
        starts=starts,
        modes=list(dict.fromkeys(s["mode"] for s in starts)),
        snapshots=sorted([*kept, *(seq for p in parts for seq in p.snapshots)]),
    )


def utc(time: int | None) -> str | None:
    """Write a time (ns since 1970) the way people read it, to the millisecond."""
    if time is None:
        return None
    seconds, ns = divmod(time, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns // 1_000_000:03d}Z"


class _Part(msgspec.Struct):
    """One segment."""

    format: int
    program: str
    created: str
    first_seq: int
    first_time: int
    last_seq: int
    last_time: int
    tally: list[tuple[str, str, int, int, int]]
    starts: list[Start]
    snapshots: list[int]


def _part(connection: sqlite3.Connection, path: Path) -> _Part:
    """Raises RecordError when something is not of its type: SQLite itself would give anything."""
    try:
        return msgspec.convert(_counters(connection), _Part)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        words = "is damaged in its counters: keep a copy, check the disk, and see `skywarden record verify`"
        raise RecordError(f"{path} {words} ({error})") from error


def _counters(connection: sqlite3.Connection) -> dict[str, Any]:
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    first = connection.execute("SELECT seq FROM entries ORDER BY seq LIMIT 1").fetchone() or (0,)
    timed = "SELECT time FROM entries WHERE time > 0 ORDER BY seq LIMIT 1"  # a recording starts before its first time
    began = connection.execute(timed).fetchone() or (0,)
    last = connection.execute("SELECT seq, time FROM entries ORDER BY seq DESC LIMIT 1").fetchone() or (0, 0)
    tally = connection.execute("SELECT kind, source, entries, messages, bytes FROM tally ORDER BY kind, source")
    starts = connection.execute("SELECT seq, payload FROM entries WHERE kind = 'Started' ORDER BY seq").fetchall()
    return {
        "format": meta["format"],
        "program": meta["program"],
        "created": meta["created"],
        "first_seq": first[0],
        "first_time": began[0],
        "last_seq": last[0],
        "last_time": last[1],
        "tally": tally.fetchall(),
        "starts": [_start(seq, payload) for seq, payload in starts],
        "snapshots": [seq for (seq,) in connection.execute("SELECT seq FROM snapshots")],
    }


def _start(seq: int, payload: bytes) -> Start:
    try:
        event = _decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
        raise RecordError(f"entry {seq} cannot be read ({error}): the record is damaged") from error
    return Start(
        seq=seq,
        time=event.time,
        utc=utc(event.time) or "",
        mode=str(event.mode),
        version=event.version,
        reload=event.reload,
    )


_decode = msgspec.msgpack.Decoder(Started).decode


def _entries(parts: list[_Part]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in parts:
        for kind, _, entries, _, _ in part.tally:
            counts[kind] = counts.get(kind, 0) + entries
    return counts


def _sources(parts: list[_Part]) -> dict[str, Traffic]:
    traffic: dict[str, Traffic] = {}
    for part in parts:
        for kind, source, _, messages, size in part.tally:
            if kind == "Arrived":
                row = traffic.setdefault(source, Traffic(messages=0, bytes=0))
                row["messages"] += messages
                row["bytes"] += size
    return traffic
