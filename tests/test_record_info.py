"""What `record info` says."""

import json
from pathlib import Path

import pytest

from skywarden import __version__
from skywarden.errors import RecordError
from skywarden.model.detection import Frame
from skywarden.model.event import SCHEMA, Arrived, Entry, Input, Output, Started, Stepped, Tick, encode
from skywarden.model.track import Mode
from skywarden.record import SqliteLog, info

START = 1_700_000_000_000_000_000
EVENTS: list[tuple[int, Input | Output]] = [
    (0, Started(START, Mode.LIVE, "", "0.1.0")),
    (0, Arrived(Frame.of("radar", START + 1, b"abc", b"de"))),
    (0, Arrived(Frame.of("adsb", START + 2, b"x"))),
    (0, Tick(START + 100_000_000)),
    (4, Stepped(START + 100_000_000, "0" * 16)),
    (0, Started(START + 1_000_000_000, Mode.REPLAY, "", "0.2.0", reload=True)),
    (0, Arrived(Frame.of("radar", START + 1_500_000_000, b"fghi"))),
    (0, Tick(START + 2_345_000_000)),
]


def written(path: Path) -> Path:
    log = SqliteLog(path)
    for seq, (cause, event) in enumerate(EVENTS, 1):
        time = event.frame.received if isinstance(event, Arrived) else event.time
        log.append([Entry(seq, time, cause or seq, encode(event))])
    for seq in (1, 4, 5, 6, 8):
        log.save_snapshot(seq, b"state")
    log.close()
    return path


def test_info_counts_what_was_written(tmp_path):
    path = written(tmp_path / "record")
    found = info(path)
    size = sum(p.stat().st_size for p in path.iterdir() if p.name != "lock")
    assert {k: v for k, v in found.items() if k not in ("created", "starts")} == {
        "path": str(path),
        "format": SCHEMA,
        "version": __version__,
        "first_seq": 1,
        "last_seq": 8,
        "first_time": START,
        "last_time": START + 2_345_000_000,
        "first_utc": "2023-11-14T22:13:20.000Z",
        "last_utc": "2023-11-14T22:13:22.345Z",
        "span_s": 2.345,
        "bytes": size,
        "segments": 1,
        "entries": {"Arrived": 3, "Started": 2, "Stepped": 1, "Tick": 2},
        "sources": {"adsb": {"messages": 1, "bytes": 1}, "radar": {"messages": 3, "bytes": 9}},
        "modes": ["live", "replay"],
        "snapshots": [5, 6, 8],  # the last three
    }


def test_info_tells_every_start(tmp_path):
    first, again = info(written(tmp_path / "record"))["starts"]
    at = {"time": START, "utc": "2023-11-14T22:13:20.000Z"}
    assert first == {"seq": 1, **at, "mode": "live", "version": "0.1.0", "reload": False}
    at = {"time": START + 10**9, "utc": "2023-11-14T22:13:21.000Z"}
    assert again == {"seq": 6, **at, "mode": "replay", "version": "0.2.0", "reload": True}


def test_info_is_plain_json(tmp_path):
    found = info(written(tmp_path / "record"))
    assert json.loads(json.dumps(found)) == found
    assert found["created"].endswith("Z")


def test_info_of_a_record_in_use_is_up_to_date(tmp_path):
    log = SqliteLog(tmp_path / "record")
    assert info(tmp_path / "record")["last_seq"] == 0
    log.append([Entry(1, START, 1, encode(Tick(START)))])
    assert info(tmp_path / "record")["entries"] == {"Tick": 1}
    log.close()


def test_info_of_an_empty_record_has_no_times(tmp_path):
    SqliteLog(tmp_path / "record").close()
    found = info(tmp_path / "record")
    assert (found["first_utc"], found["span_s"], found["entries"], found["starts"]) == (None, 0.0, {}, [])


def test_info_of_nothing_says_what_is_missing(tmp_path):
    with pytest.raises(RecordError, match="no such record"):
        info(tmp_path / "nothing")


def test_info_does_not_read_the_entries(tmp_path):
    """It must be quick on a record of many gigabytes."""
    path = tmp_path / "record"
    log = SqliteLog(path)
    for first in range(1, 1001, 200):
        frames = [Arrived(Frame.of("a", START, bytes(100_000))) for _ in range(200)]
        log.append([Entry(seq, START, seq, encode(frame)) for seq, frame in enumerate(frames, first)])
    log.close()
    with (path / "segment-000001.sqlite").open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"\xff" * 1_000_000)  # reading the entries would fail here
    assert info(path)["sources"] == {"a": {"messages": 1000, "bytes": 100_000_000}}
