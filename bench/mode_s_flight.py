"""One real flight, Paris to Toulouse: its Mode S frames over TCP with their own timestamps, at 20 times their speed.

Every second decoded position is withheld: it is never sent, and used as truth. The error is the horizontal distance
between the truth and the published track, taken from the last state before the truth's time and carried on to it.
Three sites lie under the path; each must be warned its lead time before the aircraft comes within its radius.
"""

import argparse
import gzip
import json
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from harness import free_port, need, progress, report, running, toml, until

from skywarden.geo import ecef
from skywarden.model.event import AlertRaised, TrackConfirmed, TrackStates, decode
from skywarden.model.place import F64
from skywarden.record.reading import SqliteRecord

SOURCE = "receiver"
SITES = (  # under the path; the aircraft passes 1,900, 2,950 and 4,160 s after the first frame
    {"name": "first", "latitude": 47.80, "longitude": 2.08, "radius_m": 3000.0, "lead_time_s": 300.0},
    {"name": "second", "latitude": 45.71, "longitude": 1.88, "radius_m": 3000.0, "lead_time_s": 300.0},
    {"name": "third", "latitude": 43.61, "longitude": 1.63, "radius_m": 3000.0, "lead_time_s": 300.0},
)
MEDIAN_M, PERCENT_95_M = 60.0, 200.0
CHUNK_S = 0.05  # of the recording's time at speed 1; what is due is sent together


class Row(NamedTuple):
    """One frame. place: latitude, longitude deg where the file's own decoder found a position."""

    time: float
    line: bytes
    place: tuple[float, float] | None


def recording(path: Path) -> list[Row]:
    """Read the recording. Only time and frame will be sent; the expected positions are the truth."""
    rows = []
    with gzip.open(path) as lines:
        for text in lines:
            row = json.loads(text)
            line = json.dumps({"timestamp": row["timestamp"], "frame": row["frame"]}).encode() + b"\n"
            place = (row["latitude"], row["longitude"]) if "latitude" in row else None
            rows.append(Row(row["timestamp"], line, place))
    return rows


def withhold(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Return what is sent, and every second position, which is not."""
    sent, truth = [], []
    positions = 0
    for row in rows:
        positions += row.place is not None
        (truth if row.place is not None and positions % 2 == 0 else sent).append(row)
    return sent, truth


def setting(port: int) -> str:
    """Return the configuration without record and API."""
    source = {"name": SOURCE, "format": "modes", "listen": f"tcp://127.0.0.1:{port}"}
    place = {"latitude": 49.01, "longitude": 2.55}
    tables = [toml("[run]", {"mode": "replay", "clock": "data"}), toml("[[sources]]", source | place)]
    return "\n".join([*tables, *(toml("[[sites]]", site) for site in SITES)])


def send(rows: Sequence[Row], port: int, speed: float) -> None:
    """Send the lines over TCP, `speed` times as fast as they came."""
    with socket.create_connection(("127.0.0.1", port)) as wire:
        begun, first = time.monotonic(), rows[0].time
        waiting: list[bytes] = []
        due = CHUNK_S
        for k, row in enumerate(rows):
            if (row.time - first) / speed > due:
                until(begun + due)
                wire.sendall(b"".join(waiting))
                waiting.clear()
                due = (row.time - first) / speed + CHUNK_S
            waiting.append(row.line)
            if k % 5000 == 0:
                progress(f"{row.time - first:6.0f} s of the recording sent")
        wire.sendall(b"".join(waiting))


class Seen(NamedTuple):
    """What the record says: states once a second, first alert per site, how many tracks. Times in s."""

    states: list[TrackStates]
    alerts: dict[str, float]
    confirmed: int


def seen(record: Path) -> Seen:
    """Read a record's outputs."""
    states, alerts, confirmed = [], {}, 0
    log = SqliteRecord(record)
    for entry in log.entries():
        event = decode(entry.payload)
        if isinstance(event, TrackStates) and event.number:
            states.append(event)
        elif isinstance(event, AlertRaised):
            alerts.setdefault(event.alert.site, event.alert.raised * 1e-9)
        confirmed += isinstance(event, TrackConfirmed)
    log.close()
    return Seen(states, alerts, confirmed)


def flat(latitude: F64, longitude: F64) -> F64:
    """Return (n, 3) m on the ellipsoid: chords between near points are horizontal distances."""
    return ecef(np.radians(latitude), np.radians(longitude), np.zeros(np.shape(latitude)))


def errors(states: Sequence[TrackStates], truth: Sequence[Row]) -> F64:
    """Return (n,) m; NaN where no track is shown within 3 s before a truth."""
    times = np.array([s.time * 1e-9 for s in states])
    found = np.full(len(truth), np.nan)
    for k, row in enumerate(truth):
        index = int(np.searchsorted(times, row.time, "right")) - 1
        if index < 0 or row.time - times[index] > 3.0 or row.place is None:
            continue
        state, ahead = states[index], row.time - times[index]
        north = np.array(state.latitude) + np.degrees(np.array(state.north_m_s) * ahead / 6371e3)
        scale = 6371e3 * np.cos(np.radians(row.place[0]))
        east = np.array(state.longitude) + np.degrees(np.array(state.east_m_s) * ahead / scale)
        found[k] = np.linalg.norm(flat(north, east) - flat(*map(np.array, row.place)), axis=-1).min()
    return found


def passages(rows: Sequence[Row]) -> dict[str, float]:
    """Return when the aircraft first came within each site's radius, s."""
    known = [row for row in rows if row.place is not None]
    path = flat(*np.array([row.place for row in known]).T)
    found = {}
    for site in SITES:
        away = np.linalg.norm(path - flat(np.array(site["latitude"]), np.array(site["longitude"])), axis=-1)
        inside = np.flatnonzero(away <= float(site["radius_m"]))
        if len(inside):
            found[str(site["name"])] = known[inside[0]].time
    return found


def judge(rows: Sequence[Row], truth: Sequence[Row], found: Seen, server: dict[str, Any]) -> dict[str, Any]:
    """Return the figures."""
    error = errors(found.states, truth)
    shown = error[~np.isnan(error)]
    warnings = {}
    for name, passed in passages(rows).items():
        raised = found.alerts.get(name)
        warnings[name] = None if raised is None else round(passed - raised, 1)
    return {
        "frames_received": server["received"],
        "refused": server["refused"],
        "truths": len(truth),
        "coverage": len(shown) / max(len(truth), 1),
        "median_m": float(np.median(shown)) if len(shown) else None,
        "percent_95_m": float(np.percentile(shown, 95)) if len(shown) else None,
        "worst_m": float(shown.max()) if len(shown) else None,
        "tracks_confirmed": found.confirmed,
        "warned_s_before": warnings,
        "lead_s": {str(site["name"]): site["lead_time_s"] for site in SITES},
    }


def bench(path: Path, speed: float, seconds: float | None, begin: float = 0.0) -> dict[str, Any]:
    """Run once. begin, seconds: the part of the recording, s."""
    rows = recording(path)
    first = rows[0].time + begin
    rows = [r for r in rows if r.time >= first and (seconds is None or r.time < first + seconds)]
    sent, truth = withhold(rows)
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        with running(Path(directory), setting(port)) as server:
            send(sent, port, speed)
            complete = server.wait_recorded({SOURCE: len(sent)}, 120.0)
            health = server.sources()[SOURCE]
        return judge(rows, truth, seen(server.record), health) | {"complete": complete}


def main() -> None:
    """Read the options, run, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", type=float, default=20.0, help="times the recording's own speed")
    parser.add_argument("--begin", type=float, default=0.0, help="seconds after the first frame")
    parser.add_argument("--seconds", type=float, help="of the recording; default: all")
    options = parser.parse_args()
    found = bench(need("modes/full_flight_short.jsonl.gz"), options.speed, options.seconds, options.begin)
    goals = [
        ("median error", f"{found['median_m']} m (at most {MEDIAN_M})", (found["median_m"] or 1e9) <= MEDIAN_M),
        (
            "95 % error",
            f"{found['percent_95_m']} m (at most {PERCENT_95_M})",
            (found["percent_95_m"] or 1e9) <= PERCENT_95_M,
        ),
        ("all frames recorded", f"{found['frames_received']}", found["complete"]),
        ("truths with a track", f"{found['coverage']:.1%}", found["coverage"] > 0.9),
        ("tracks", f"{found['tracks_confirmed']} for one aircraft", found["tracks_confirmed"] == 1),
    ]
    for name, before in found["warned_s_before"].items():
        lead = found["lead_s"][name]
        goals.append(
            (f"warning of {name}", f"{before} s before (at least {lead})", before is not None and before >= lead)
        )
    report(found, goals)


if __name__ == "__main__":
    main()
