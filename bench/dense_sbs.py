"""130 aircraft around Paris, 90 minutes, as SBS lines over TCP at 10 times their speed.

The file has a row for each second; where nothing was heard it repeats the last place, up to half a minute long. A
receiver does not do that: a place that an aircraft in flight "still" has is neither sent nor taken as truth (--held: it
is both).

Judged: every aircraft gets a track, no number ever changes to another aircraft, tracks stay with their aircraft, and
the record replays to the same events byte for byte under two values of PYTHONHASHSEED.
"""

import argparse
import csv
import gzip
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from harness import free_port, need, progress, report, running, skywarden, toml
from mode_s_flight import Row, flat, send

from skywarden.model.event import INPUTS, Tick, decode
from skywarden.pipeline import Line
from skywarden.record.reading import SqliteRecord
from skywarden.sensors.sbs.line import Message, encode
from skywarden.track.states import states

SOURCE = "paris"
NUMBERS = ("latitude", "longitude", "altitude", "groundspeed", "track", "vertical_rate")
LEAST_ROWS = 5  # an aircraft with fewer positions than this in the piece that is sent need not get a track
NEAR_M = 1000.0  # a track further than this from where its aircraft was at that second follows something else


class Aircraft(NamedTuple):
    """One second of one aircraft."""

    time: float
    address: int
    latitude: float
    longitude: float


def recording(path: Path, minutes: float, held: bool = False) -> tuple[list[Row], list[Aircraft]]:
    """Return the SBS lines and the truth. held: repeated places too."""
    lines: list[Row] = []
    truth: list[Aircraft] = []
    last: dict[str, tuple[str, str]] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            time = float(row["t"])
            if truth and time > truth[0].time + minutes * 60:
                break
            at = row["latitude"], row["longitude"]
            if last.get(row["icao24"]) == at and row["onground"] == "False" and not held:
                row["latitude"] = row["longitude"] = ""
            last[row["icao24"]] = at
            lines += [Row(time, line, None) for line in sbs(row, time)]
            if row["latitude"]:
                place = float(row["latitude"]), float(row["longitude"])
                truth.append(Aircraft(time, int(row["icao24"], 16), *place))
    return lines, truth


def sbs(row: dict[str, str], time: float) -> list[bytes]:
    """Return the lines for one second of one aircraft: position, velocity, callsign now and then."""
    value = {name: float(text) for name, text in row.items() if name in NUMBERS and text}
    ground = row["onground"] == "True"
    address, made = int(row["icao24"], 16), round(time * 1e9)
    place = {"latitude": value.get("latitude"), "longitude": value.get("longitude")}
    moves = {"groundspeed_kt": value.get("groundspeed"), "track_deg": value.get("track")}
    found = []
    if ground and None not in place.values():
        found.append(Message(2, address, made, altitude_ft=value.get("altitude"), on_ground=True, **place, **moves))
    elif None not in place.values():
        found.append(Message(3, address, made, altitude_ft=value.get("altitude"), on_ground=False, **place))
    if not ground and None not in moves.values():
        rate = value.get("vertical_rate")
        found.append(Message(4, address, made, vertical_rate_ft_min=rate, on_ground=False, **moves))
    if row["callsign"] and int(time) % 10 == 0:
        found.append(Message(1, address, made, callsign=row["callsign"], on_ground=ground))
    return [encode(message) for message in found]


class Followed(NamedTuple):
    """What each number was over the whole run."""

    addresses: dict[int, set[int]]  # number -> addresses it ever carried
    numbers: dict[int, set[int]]  # address -> numbers that ever carried it
    doubled: int  # seconds in which two shown tracks had one address
    off: list[float]  # m between track and aircraft, each second
    far: int  # of these, further than NEAR_M


def follow(record: Path, truth: Sequence[Aircraft]) -> Followed:
    """Run the record's inputs again and look at the picture once a second."""
    known: dict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    for row in truth:
        known[round(row.time)][row.address] = (row.latitude, row.longitude)
    found = Followed(defaultdict(set), defaultdict(set), 0, [], 0)
    line, log = Line(), SqliteRecord(record)
    second = doubled = far = 0
    for entry in log.entries():
        if entry.cause != entry.seq:
            continue
        event = decode(entry.payload)
        assert isinstance(event, INPUTS)
        line.feed(entry.seq, event)
        if not isinstance(event, Tick) or line.picture is None or line.picture.time // 10**9 == second:
            continue
        second = line.picture.time // 10**9
        doubled, far = _second(line, known.get(second, {}), found, doubled, far)
    log.close()
    return found._replace(doubled=doubled, far=far)


def _second(
    line: Line, known: dict[int, tuple[float, float]], found: Followed, doubled: int, far: int
) -> tuple[int, int]:
    assert line.picture is not None
    tracks, shown = line.picture.tracks, states(line.picture)
    address = {int(n): int(a) for n, a in zip(tracks.number, tracks.address, strict=True) if n}
    carried = [address[n] for n in shown.number if address[n] >= 0]
    doubled += len(carried) - len(set(carried))
    for k, number in enumerate(shown.number):
        mine = address[number]
        if mine < 0:
            continue
        found.addresses[number].add(mine)
        found.numbers[mine].add(number)
        if mine in known:
            here = flat(np.array(shown.latitude[k]), np.array(shown.longitude[k]))
            off = float(np.linalg.norm(here - flat(*map(np.array, known[mine]))))
            found.off.append(off)
            far += off > NEAR_M
    return doubled, far


def bench(path: Path, minutes: float, speed: float, held: bool = False) -> dict[str, Any]:
    """Run once; return the figures."""
    lines, truth = recording(path, minutes, held)
    port = free_port()
    text = "\n".join(
        [
            toml("[run]", {"mode": "replay", "clock": "data"}),
            toml("[[sources]]", {"name": SOURCE, "format": "sbs", "listen": f"tcp://127.0.0.1:{port}"}),
        ]
    )
    with tempfile.TemporaryDirectory() as directory:
        with running(Path(directory), text) as server:
            send(lines, port, speed)
            server.wait_recorded({SOURCE: len(lines)}, 60.0)
            health = server.sources()[SOURCE]
        progress("sent; looking at who is who")
        followed = follow(server.record, truth)
        verified = {}
        for seed in (0, 4242):
            progress(f"replay --verify under PYTHONHASHSEED={seed}")
            run = skywarden("replay", str(server.record), "--verify", hash_seed=seed)
            verified[str(seed)] = run.returncode == 0
            progress((run.stdout + run.stderr).strip()[-500:])
    return figures(truth, followed, health) | {"lines": len(lines), "verified": verified}


def figures(truth: Sequence[Aircraft], followed: Followed, health: dict[str, Any]) -> dict[str, Any]:
    """Return what is judged."""
    rows: dict[int, int] = defaultdict(int)
    for row in truth:
        rows[row.address] += 1
    expected = {address for address, count in rows.items() if count >= LEAST_ROWS}
    extra = {f"{a:06x}": len(n) - 1 for a, n in sorted(followed.numbers.items()) if len(n) > 1}
    return {
        "aircraft": len(rows),
        "expected": len(expected),
        "tracked": len(expected & set(followed.numbers)),
        "missed": [f"{a:06x}" for a in sorted(expected - set(followed.numbers))],
        "swapped": sum(len(addresses) > 1 for addresses in followed.addresses.values()),
        "extra_numbers": extra,
        "doubled_seconds": followed.doubled,
        "coverage": len(followed.off) / len(truth),
        "off_median_m": float(np.median(followed.off)) if followed.off else None,
        "off_95_m": float(np.percentile(followed.off, 95)) if followed.off else None,
        "far": followed.far,
        "received": health["received"],
        "recorded": health["recorded"],
        "refused": health["refused"],
    }


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", type=float, default=10.0, help="times the recording's own speed")
    parser.add_argument("--minutes", type=float, default=90.0, help="of the recording")
    parser.add_argument("--held", action="store_true", help="send and judge repeated places too")
    options = parser.parse_args()
    path = need("tracks/aircraft/dev/dense_213ac_first90min.csv.gz")
    found = bench(path, options.minutes, options.speed, options.held)
    off = f"median {found['off_median_m']} m, 95 % {found['off_95_m']} m, {found['far']} beyond {NEAR_M:.0f} m"
    report(
        found,
        [
            ("aircraft with a track", f"{found['tracked']} of {found['expected']}", not found["missed"]),
            ("numbers swapped", str(found["swapped"]), found["swapped"] == 0),
            ("aircraft with more than one number", str(len(found["extra_numbers"])), True),
            ("track to aircraft", off, found["far"] == 0),
            ("lines recorded", f"{found['recorded']} of {found['lines']}", found["recorded"] == found["lines"]),
            ("replay equal", str(found["verified"]), all(found["verified"].values())),
        ],
    )


if __name__ == "__main__":
    main()
