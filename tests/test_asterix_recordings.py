"""What the decoder makes of recorded ASTERIX traffic, and of a made capture."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from skywarden import pcap
from skywarden.model.detection import Frame, Kind, Reason
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import Asterix, decode_block, encode_block

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "asterix"
SAMPLES = Path(__file__).parent / "samples" / "asterix"
NOON = 1_789_992_000 * 10**9  # ns; 21 September 2026, 12:00 UTC
SECOND = 10**9
recorded = pytest.mark.skipif(not DATA.exists(), reason="the recordings in ../shared/data/asterix are not here")


def decoder(mode: Mode = Mode.LIVE, *sensors: Sensor) -> Asterix:
    return Asterix(Source(name="r", format="asterix"), sensors, mode)


def recording(name: str) -> list[Frame]:
    return [Frame.of("r", time, payload) for time, payload in pcap.packets((DATA / name).read_bytes())]


@recorded
def test_the_recording_of_two_networks_has_63_plots_of_7_radars_and_the_end_of_a_track() -> None:
    frames = recording("cat_034_048.pcap")
    records = Counter(m[0] for f in frames for block in f.messages() for m in blocks_of(block) for _ in decode_block(m))
    assert records == {48: 128, 34: 34}
    sites = sorted({(r["sac"], r["sic"]) for f in frames for r in decoder().rows(f)})
    sensors = [
        Sensor(name=f"{s}-{t}", source="r", sac=s, sic=t, latitude=43.571, longitude=16.406, height_m=780)
        for s, t in sites
    ]
    asterix = decoder(Mode.LIVE, *sensors)
    decoded = [asterix.decode(f) for f in frames]
    plots = [(b.sensor, int(t), *z[:2]) for d in decoded for b in d.batches for t, z in zip(b.time, b.z, strict=True)]
    assert len(plots) == len(set(plots)) == 63  # and one report that a track has ended, without a position
    assert len({p[0] for p in plots}) == 7
    assert sum(d.messages for d in decoded) == 50
    assert Counter(r for d in decoded for r, n in d.refused.items() for _ in range(n)) == {Reason.DUPLICATE: 50}


def blocks_of(message: bytes) -> list[bytes]:
    found, at = [], 0
    for size in Asterix.split(message):
        found.append(message[at : at + size])
        at += size
    return found


@recorded
@pytest.mark.parametrize("name", ["cat_034_048.pcap", "cat_062_065.pcap"])
def test_recorded_blocks_encode_to_the_bytes_that_they_came_from(name: str) -> None:
    for frame in recording(name):
        for message in frame.messages():
            for block in blocks_of(message):
                assert encode_block(block[0], decode_block(block)) == block


@recorded
def test_only_the_radar_that_says_where_it_stands_gives_plots_without_settings() -> None:
    asterix = decoder()
    decoded = [asterix.decode(f) for f in recording("cat_034_048.pcap")]
    assert {b.sensor for d in decoded for b in d.batches} == {"r/25-12"}
    assert asterix.state.places["25-12"] == pytest.approx((43.571, 16.406, 780), abs=1e-3)


@recorded
def test_a_recording_in_an_edition_before_1_0_is_refused_record_by_record() -> None:
    asterix = decoder()
    decoded = [asterix.decode(f) for f in recording("asterix.pcap")]
    assert len(decoded) == 100
    assert all(d.messages == 0 and not d.batches for d in decoded)
    assert all(
        set(d.refused) <= {Reason.WRONG_EDITION, Reason.IMPLAUSIBLE} and sum(d.refused.values()) == 1 for d in decoded
    )


@recorded
def test_recorded_tracks_are_where_the_airspace_is() -> None:
    (frame,) = recording("cat_062_065.pcap")
    batch = decoder().decode(frame).batches[0]
    assert batch.kind is Kind.TRACK
    assert batch.number.tolist() == [4713, 6831]
    assert [c.value for c in batch.claims if c.name == "callsign"] == ["RYR174C", "ISS2007"]
    speed = np.linalg.norm(batch.z[:, 3:], axis=1)
    assert ((speed > 200) & (speed < 260)).all()
    raw = (DATA / "cat062cat065.raw").read_bytes()
    pieces = [raw[:183], raw[183:]]
    found = decoder().decode(Frame.of("r", NOON, *pieces))
    assert (found.messages, len(found.batches[0]), Asterix.split(raw)) == (2, 2, [183, 12])
    single = (DATA / "cat048.raw").read_bytes()
    assert decode_block(single)[0]["240"] == {"ID": "DLH65A"}


def test_rows_say_again_what_was_encoded() -> None:
    raw = (SAMPLES / "coast.raw").read_bytes()
    frame = Frame.of("samples", NOON + 10 * SECOND, *blocks_of(raw))
    rows = json.loads(json.dumps(list(decoder().rows(frame))))
    assert rows == json.loads((SAMPLES / "coast.expected.json").read_text())
