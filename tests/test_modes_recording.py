"""A recorded flight (57,793 Mode S frames with the fields another decoder found) as the measure of ours."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from adsb_flight import make, reborn, same

from skywarden.model.detection import Frame
from skywarden.model.track import Mode

RECORDING = Path(__file__).parents[1].parent / "shared" / "data" / "modes" / "full_flight_short.jsonl.gz"
AGREE = 0.999

Pair = tuple[dict[str, Any], dict[str, Any]]


def stripped(expected: list[dict[str, Any]]) -> list[bytes]:
    """Return the lines with nothing but what a receiver knows."""
    return [json.dumps({"timestamp": e["timestamp"], "frame": e["frame"]}).encode() + b"\n" for e in expected]


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    if not RECORDING.exists():
        pytest.skip("the recorded flight is not here: ../shared/data/modes/full_flight_short.jsonl.gz")
    with gzip.open(RECORDING) as stream:
        return [json.loads(line) for line in stream]


@pytest.fixture(scope="module")
def pairs(expected: list[dict[str, Any]]) -> list[Pair]:
    decoder = make(mode=Mode.REPLAY)
    lines = stripped(expected)
    rows = [r for i in range(0, len(lines), 100) for r in decoder.rows(Frame.of("receiver", 0, *lines[i : i + 100]))]
    assert len(rows) == len(expected)
    return list(zip(expected, rows, strict=True))


def share(pairs: list[Pair], theirs: str, ours: str, tolerance: float, least: int) -> float:
    """Return the share of messages with the field in which we say the same; at least `least` must have it."""
    having = [(e[theirs], r.get(ours)) for e, r in pairs if e.get(theirs) is not None]
    assert len(having) >= least

    def agree(one: Any, two: Any) -> bool:
        if two is None or isinstance(one, str):
            return bool(one == two)
        return bool(abs(one - two) <= tolerance)

    return sum(agree(*values) for values in having) / len(having)


def of(pairs: list[Pair], *formats: int, bds: str | None = None) -> list[Pair]:
    return [(e, r) for e, r in pairs if int(e["df"]) in formats and (bds is None or e.get("bds") == bds)]


@pytest.mark.parametrize("bds, least", [("05", 6457), ("06", 1867)])
def test_positions_agree(pairs: list[Pair], bds: str, least: int) -> None:
    some = of(pairs, 17, bds=bds)
    assert share(some, "latitude", "latitude", 1e-5, least) >= AGREE
    assert share(some, "longitude", "longitude", 1e-5, least) >= AGREE


@pytest.mark.parametrize(
    "theirs, ours, bds, tolerance, least",
    [
        ("altitude", "altitude_ft", "05", 0, 6457),
        ("groundspeed", "groundspeed_kt", "09", 1e-6, 6384),
        ("track", "track_deg", "09", 1e-6, 6384),
        ("vertical_rate", "vertical_rate_ft_min", "09", 0, 6384),
        ("geo_minus_baro", "geo_minus_baro_ft", "09", 0, 6296),
        ("track", "track_deg", "06", 1e-6, 1867),
        ("callsign", "callsign", "08", 0, 865),
    ],
)
def test_squitter_fields_agree(
    pairs: list[Pair], theirs: str, ours: str, bds: str, tolerance: float, least: int
) -> None:
    assert share(of(pairs, 17, bds=bds), theirs, ours, tolerance, least) >= AGREE


@pytest.mark.parametrize("format_, least", [(0, 15691), (4, 4296), (16, 810), (20, 7770)])
def test_altitudes_of_replies_agree(pairs: list[Pair], format_: int, least: int) -> None:
    assert share(of(pairs, format_), "altitude", "altitude_ft", 0, least) >= AGREE


def test_squawks_and_addresses_agree(pairs: list[Pair]) -> None:
    assert share(of(pairs, 5, 21), "squawk", "squawk", 0, 13_000) >= AGREE
    assert share(pairs, "icao24", "icao24", 0, 57_793) == 1


def test_surface_speed_differs_only_where_the_recording_is_wrong(pairs: list[Pair]) -> None:
    for expected, row in of(pairs, 17, bds="06"):
        code = int(expected["frame"][8:14], 16) >> 12 & 0x7F
        if code < 13:
            assert row["groundspeed_kt"] == expected["groundspeed"]
        else:
            assert row["groundspeed_kt"] == 2 + 0.5 * (code - 13) if code < 39 else 15 + (code - 39)


def test_inferred_registers_are_mostly_the_same_and_never_another(pairs: list[Pair]) -> None:
    replies = [(e, r) for e, r in of(pairs, 20, 21) if e.get("bds")]
    assert all(r["inferred"] for _, r in replies if "bds" in r)
    told = Counter((e["bds"], r.get("bds")) for e, r in replies)
    assert {pair for pair in told if pair[1] is not None and pair[0] != pair[1]} == set()
    assert sum(n for (_, ours), n in told.items() if ours) >= 0.97 * len(replies)


def test_every_position_becomes_a_detection_unless_it_is_a_repetition(expected: list[dict[str, Any]]) -> None:
    some = expected[:20_000]
    unlike = {(e["timestamp"], e["frame"]) for e in some}
    decoded = make(mode=Mode.REPLAY).decode(Frame.of("receiver", 0, *stripped(some)))
    assert dict(decoded.refused) == {"duplicate": len(some) - len(unlike)}
    assert decoded.messages == len(unlike)
    positions = {(e["timestamp"], e["frame"]) for e in some if "latitude" in e}
    assert len(decoded.batches[0]) == len(positions)


def test_a_cut_and_restart_changes_nothing(expected: list[dict[str, Any]]) -> None:
    lines = stripped(expected[:6000])
    frames = [Frame.of("receiver", 0, *lines[i : i + 200]) for i in range(0, len(lines), 200)]
    steady = make(mode=Mode.REPLAY)
    cut = make(mode=Mode.REPLAY)
    for frame in frames:
        cut = reborn(cut)
        assert same(steady.decode(frame), cut.decode(frame))
