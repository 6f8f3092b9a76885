"""What the decoder makes of recorded Remote ID: a real aircraft, spoofed ones, damaged packets, reference messages."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skywarden.model.detection import Frame, Reason, TimeKind
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.pcap import packets
from skywarden.sensors import Reader, taking
from skywarden.sensors.remoteid import RemoteId, bluetooth, encode, line, message
from skywarden.sensors.remoteid.heard import Heard

DATA = Path(__file__).parents[1].parent / "shared" / "data"
CAPTURES, FRAMES = DATA / "remote_id_captures", DATA / "remote_id_frames" / "frames.json"
SECOND = 1_000_000_000
SOURCE = Source(name="mast", format="remoteid")
recorded = pytest.mark.skipif(not CAPTURES.exists(), reason="../shared/data/remote_id_captures is not here")


def lines(name: str) -> list[bytes]:
    """Return the Remote ID frames of a capture."""
    return [found for _, found in packets((CAPTURES / name).read_bytes(), taking(RemoteId)[0])]


def rows(name: str) -> list[dict[str, Any]]:
    return list(RemoteId(SOURCE, (), Mode.REPLAY).rows(Frame.of("mast", 0, *lines(name))))


def raw(name: str) -> list[bytes]:
    """Return every packet of a capture."""
    return [found for _, found in packets((CAPTURES / name).read_bytes(), lambda link, packet, time: packet)]


@recorded
def test_a_parked_aircraft_stays_within_ten_metres() -> None:
    decoder = RemoteId(SOURCE, (), Mode.LIVE)
    found = decoder.decode(Frame.of("mast", 0, *lines("parrot_anafi4_real.pcapng")))
    positions = np.concatenate([batch.z for batch in found.batches])
    middle = np.median(positions, axis=0)
    assert np.linalg.norm(positions - middle, axis=1).max() < 10.0
    times = np.sort(np.concatenate([batch.time for batch in found.batches]))
    assert 110 < len(times) < 130  # it says a new one each second for 123 s
    assert np.median(np.diff(times)) == SECOND
    assert {batch.time_kind for batch in found.batches} == {TimeKind.MEASURED}
    assert found.messages + sum(found.refused.values()) == 1140
    assert set(found.refused) == {Reason.DUPLICATE}
    serials = {c.value for batch in found.batches for c in batch.claims if c.name == "remote_id"}
    assert serials == {"1588E040445AC004418"}


@recorded
def test_a_replayed_aircraft_decodes_and_its_old_time_gives_it_away() -> None:
    found = [row for row in rows("parrot_anafi4_spoofed.pcapng") if "duplicate" not in row]
    assert len(found) == 13  # each was captured as sent and as heard
    assert {row["basic_id"][0]["id"] for row in found} == {"1588E040445AC004418"}
    reader = Reader((SOURCE,), (), Mode.LIVE)
    seen = Counter[str]()
    for data in lines("parrot_anafi4_spoofed.pcapng"):
        decoded = reader.read(Frame.of("mast", RemoteId.stamp(data, 0) or 0, data))
        assert decoded.batches == ()
        seen.update(decoded.refused)
    assert seen == {Reason.FUTURE: 13, Reason.DUPLICATE: 13}  # 931 s after the hour, at 2789 to 2840 s


@recorded
def test_damaged_packets_would_be_false_aircraft_but_for_the_crc() -> None:
    said_bad, believed = Counter[bool](), Counter[str]()
    for packet in raw("odid_bt5_lr_sample.pcapng"):
        found = bluetooth.hear(bluetooth.NORDIC, packet)
        good = bool(packet[8] & 1)  # what the sniffer says of the CRC
        assert good == isinstance(found, Heard)
        said_bad[not good] += 1
        if not good:
            assert found is Reason.CHECKSUM
            believed.update(name for name in _names(_mended(packet)))
    assert said_bad == {False: 244, True: 30}
    true = {name for row in rows("odid_bt5_lr_sample.pcapng") for name in _ids(row)}
    assert true == {"SSEVTFG93700070"}
    assert len(believed.keys() - true) >= 3


def _mended(packet: bytes) -> bytes:
    """Return the packet with a CRC that fits its damage: what a receiver without the check would take."""
    size = packet[23]
    return packet[: 24 + size] + bluetooth.crc(packet[22 : 24 + size])


def _names(packet: bytes) -> list[str]:
    found = bluetooth.hear(bluetooth.NORDIC, packet)
    said = message.read(found.body) if isinstance(found, Heard) else None
    return [name.id for name in said.basic_id] if isinstance(said, message.Said) else []


def _ids(row: dict[str, Any]) -> list[str]:
    return [name["id"] for name in row.get("basic_id", [])]


@recorded
@pytest.mark.parametrize("name,carriers", [
    ("odid_wifi_bcn_sample.pcap", {"wifi-beacon": 21}),
    ("odid_wifi_sample.pcap", {"wifi-beacon": 21, "wifi-nan": 21}),
])  # fmt: skip
def test_samples_of_the_open_transmitter_decode(name: str, carriers: dict[str, int]) -> None:
    found = rows(name)
    assert Counter(row["carrier"] for row in found) == carriers
    assert {row["operator_id"]["operator_id"] for row in found if "operator_id" in row} == {"GBR-OP-123ABCD"}
    assert not any("error" in row for row in found)


@recorded
@pytest.mark.parametrize("name,count", [("mavic_alessa_spoofed.pcapng", 10), ("mavic_multiple_spoofed.pcapng", 77)])
def test_foreign_beacons_are_named(name: str, count: int) -> None:
    found = rows(name)
    assert len(found) == count
    assert {row["standard"] for row in found} == {"dji-legacy"}
    assert all(len(row["dji"]["serial"]) == 16 for row in found)


def vectors() -> dict[str, bytes]:
    """Return the reference encodings by name."""
    text = (CAPTURES / "vectors.txt").read_text().split("\n")
    return {
        name: bytes.fromhex(data) for name, data in (entry.split() for entry in text if entry and entry[:2] != "rc")
    }


@recorded
def test_reference_messages_read_as_they_were_written() -> None:
    said = message.read(vectors()["PACK"])
    assert isinstance(said, message.Said)
    assert said.location is not None
    assert said.system is not None
    where = said.location
    assert (where.latitude, where.longitude) == (50.4501234, 30.5234567)
    assert (where.height_ellipsoid_m, where.pressure_altitude_m, where.height_m) == (236.0, 210.5, 80.0)
    assert (where.track_deg, where.speed_m_s, where.climb_m_s) == (265.0, 12.25, -1.5)
    assert (where.horizontal_accuracy_m, where.seconds_after_hour, where.time_accuracy_s) == (3.0, 1234.5, 0.1)
    assert (said.system.operator_latitude, said.system.operator_height_m) == (50.4489, 180.5)
    assert said.system.classification == "eu"
    fast = message.read(vectors()["LOCATION_FAST_UNKDIR"])
    assert isinstance(fast, message.Said)
    assert fast.location is not None
    assert (fast.location.speed_m_s, fast.location.track_deg) == (99.75, None)
    assert fast.location.seconds_after_hour is None


@recorded
def test_what_we_write_equals_the_reference_messages() -> None:
    given = vectors()
    assert encode.basic_id("1581F4BND2311A2B3C4D") == given["BASIC_ID"]
    assert encode.self_id("Survey flight") == given["SELF_ID"]
    assert encode.operator_id("FIN87astrdge12k8") == given["OPERATOR_ID"]
    at = encode.Claim("x", 1_790_000_034_500_000_000, 50.4501234, 30.5234567, 236.0, 265.0, 12.25, -1.5)
    ours, theirs = encode.location(at), given["LOCATION"]
    assert ours[:13] == theirs[:13]  # status, motion, place
    assert ours[15:17] == theirs[15:17]
    parts = ("BASIC_ID", "LOCATION", "SYSTEM", "OPERATOR_ID")
    assert encode.pack(*(given[name] for name in parts)) == given["PACK"]


@pytest.mark.skipif(not FRAMES.exists(), reason="../shared/data/remote_id_frames is not here")
def test_frames_seen_elsewhere_read_as_their_finders_say() -> None:
    decoder = RemoteId(SOURCE, (), Mode.REPLAY)
    for entry in json.loads(FRAMES.read_text()):
        data = line.made(1_790_000_000 * SECOND, 105, bytes.fromhex(entry["hex"]))
        (row,) = decoder.rows(Frame.of("mast", 0, data))
        wanted = entry["expected"]
        where = row.get("location", {})
        found = {
            "counter": row.get("counter"),
            "operator_id": row.get("operator_id", {}).get("operator_id"),
            "serial": row.get("dji", {}).get("serial"),
            "lat": where.get("latitude"),
            "lon": where.get("longitude"),
            "status": where.get("status"),
            "track_deg": where.get("track_deg"),
            "speed_mps": where.get("speed_m_s"),
            "height_m": where.get("height_m"),
            "height_ref": where.get("height_above"),
            "seconds_after_hour": where.get("seconds_after_hour"),
        }
        assert {name: value for name, value in wanted.items() if name != "ssid"} == {
            name: found[name] for name in wanted if name != "ssid"
        }, entry["name"]
        assert row["crc_checked"] is ("incl. FCS" in entry["phy"]) or entry["name"].startswith("dji")
