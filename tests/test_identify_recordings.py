"""Recorded claims: spoofed Remote ID is doubted, genuine drones and aircraft are not."""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from claims_world import SECOND

from skywarden.geo import ecef
from skywarden.identify.doubts import doubted, words
from skywarden.model.assessment import Family
from skywarden.model.detection import Frame, Kind, detections
from skywarden.model.known import Known
from skywarden.model.place import F64, Source
from skywarden.model.track import Mode
from skywarden.pcap import packets
from skywarden.sensors import DECODERS, taking
from skywarden.sensors.modes import encode as modes
from skywarden.sensors.remoteid import RemoteId
from skywarden.sensors.remoteid import line as remoteid

DATA = Path(__file__).parents[1].parent / "shared" / "data"
CAPTURES, TRACKS, FLIGHT = DATA / "remote_id_captures", DATA / "tracks", DATA / "modes" / "full_flight_short.jsonl.gz"
REAL, FOOT, TICK = "parrot_anafi4_real.pcapng", 0.3048, SECOND // 10
captured = pytest.mark.skipif(not CAPTURES.exists(), reason="../shared/data/remote_id_captures is not here")
tracked = pytest.mark.skipif(not TRACKS.exists(), reason="../shared/data/tracks is not here")
flown = pytest.mark.skipif(not FLIGHT.exists(), reason="../shared/data/modes is not here")

Lines = list[tuple[int, bytes]]


def lines(name: str) -> Lines:
    """Return (ns, line) of a capture's frames."""
    found = (line for _, line in packets((CAPTURES / name).read_bytes(), taking(RemoteId)[0]))
    return [(RemoteId.stamp(line, 0) or 0, line) for line in found]


def moved(some: Lines, start: int) -> Lines:
    """Return the frames as if the first had been heard at `start`."""
    found = []
    for time, line in some:
        said = json.loads(line)
        later = time - some[0][0] + start
        found.append((later, remoteid.made(later, said["link"], bytes.fromhex(said["frame"]))))
    return found


def played(kind: str, some: Lines) -> Iterator[tuple[Known, dict[str, str]]]:
    """Yield what is known after each tick, and the doubts about the frames that were said with it, by identity."""
    source = Source(name="mast", format=kind, latitude=49.01, longitude=2.55)
    decoder, known = DECODERS[kind](source, (), Mode.REPLAY), Known()
    ticks: dict[int, list[bytes]] = {}
    for time, line in some:
        ticks.setdefault(time // TICK + 1, []).append(line)
    for tick, frame in sorted(ticks.items()):
        batches = decoder.decode(Frame.of("mast", tick * TICK, *frame)).batches
        said: dict[str, str] = {}
        for batch in batches:
            rows = [{c.name: c.value for c in batch.claims if c.index == k} for k in range(len(batch))]
            said |= {row.get("remote_id", row.get("radio_address", "")): row.get("doubt", "") for row in rows}
        matches = [np.zeros(len(batch), np.int64) for batch in batches]
        known = doubted(known, batches, matches, tick * TICK)
        yield known, said


def doubts(known: Known) -> list[tuple[str, ...]]:
    return [words(int(row)) for row in known.rows["doubts"]]


@captured
@pytest.mark.parametrize(
    "name,identities,sign",
    [
        ("parrot_anafi4_spoofed.pcapng", 1, "message counter stands still"),
        ("parrot_anafi4_spoofed.pcapng", 1, "time stands still while the place moves"),
        ("mavic_alessa_spoofed.pcapng", 1, "sequence number stands still"),
        ("mavic_multiple_spoofed.pcapng", 15, "beacon clock stands still"),
    ],
)
def test_each_spoofed_identity_is_doubted_by_the_end_of_its_capture(name: str, identities: int, sign: str) -> None:
    said: dict[str, str] = {}
    known = Known()
    for known, latest in played("remoteid", lines(name)):  # noqa: B007 - the last one
        said |= latest
    assert len(said) == identities
    assert all(sign in doubt for doubt in said.values())
    assert all("its radio frames contradict it" in found for found in doubts(known) if found)
    assert any(doubts(known))


@captured
@pytest.mark.parametrize(
    "name", [REAL, "odid_bt5_lr_sample.pcapng", "odid_wifi_sample.pcap", "odid_wifi_bcn_sample.pcap"]
)
def test_genuine_transmitters_are_never_doubted(name: str) -> None:
    for known, said in played("remoteid", lines(name)):
        assert set(doubts(known)) <= {()}
        assert set(said.values()) <= {""}


@captured
def test_the_copy_of_an_aircraft_beside_the_real_one_is_one_identity_in_two_places() -> None:
    real = lines(REAL)
    copy = moved(lines("parrot_anafi4_spoofed.pcapng"), real[0][0] + 2 * SECOND)
    (*_, (known, _)) = played("remoteid", sorted([*copy, *(line for line in real if line[0] <= copy[-1][0])]))
    assert any("one identity in two places" in found for found in doubts(known))


@captured
def test_foreign_spoofed_identities_do_not_make_a_real_aircraft_doubted() -> None:
    real = lines(REAL)
    for name, count in (("mavic_alessa_spoofed.pcapng", 1), ("mavic_multiple_spoofed.pcapng", 15)):
        other = moved(lines(name), real[0][0])
        said: dict[str, str] = {}
        for _, latest in played("remoteid", sorted([*real, *other])):
            said |= latest
        assert sum(bool(doubt) for doubt in said.values()) == count
        assert said["1588E040445AC004418"] == ""


def ever(rows: Iterable[tuple[float, int, float, float, float]]) -> tuple[int, set[int]]:
    """Return how many aircraft there are in rows of s, address, latitude, longitude deg, m; and who is ever doubted.

    A tick has eight seconds of each: the doubts are the same, the test is quicker.
    """
    table, known, found = np.array(sorted(rows)), Known(), set[int]()
    for some in np.split(table, np.flatnonzero(np.diff(table[:, 0] // 8)) + 1):
        known = doubted(known, [_batch(some)], [np.zeros(len(some), np.int64)], (int(some[-1, 0]) + 1) * SECOND)
        found |= set(known.rows["identity"][known.rows["doubts"] > 0].tolist())
    return len(set(table[:, 1])), found


def _batch(rows: F64):
    return detections(
        Kind.POSITION,
        "receiver",
        0,
        (rows[:, 0] * 1e3).astype(np.int64) * 1_000_000,
        ecef(np.radians(rows[:, 2]), np.radians(rows[:, 3]), rows[:, 4]),
        np.tile(np.eye(3) * 30.0**2, (len(rows), 1, 1)),
        time_sigma=0.2,
        address=rows[:, 1].astype(np.int64),
        family=Family.CLAIM,
    )


def flights(path: Path) -> Iterator[tuple[float, int, float, float, float]]:
    with gzip.open(path, "rt") as stream:
        for row in csv.DictReader(stream):
            values = [row.get(name) or "nan" for name in ("t", "latitude", "longitude", "altitude")]
            time, latitude, longitude, altitude = map(float, values)
            if time == time and latitude == latitude and longitude == longitude:
                yield time, int(row["icao24"], 16), latitude, longitude, FOOT * altitude if altitude == altitude else 0


@tracked
def test_of_real_aircraft_at_most_one_in_a_hundred_is_ever_doubted() -> None:
    count, found = 0, set[int]()
    for path in sorted((TRACKS / "aircraft" / "dev").glob("*.csv.gz")):
        some, doubtful = ever(flights(path))
        count += some
        found |= doubtful
    assert count == 144
    assert len(found) <= 1


@flown
def test_a_recorded_flight_is_never_doubted_through_the_decoder() -> None:
    with gzip.open(FLIGHT) as stream:
        rows = [json.loads(line) for line in stream]
    times = [round(row["timestamp"] * SECOND) for row in rows]
    some = [(time, modes.json_line(time, bytes.fromhex(row["frame"]))) for time, row in zip(times, rows, strict=True)]
    most = 0
    for known, _ in played("modes", some):
        assert set(doubts(known)) <= {()}
        most = max(most, len(known.rows))
    assert most == 1
