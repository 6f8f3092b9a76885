"""Tracks of another system from the wire to the picture: ASTERIX 062, three policies, a restart, the interface."""

import json
from typing import Any

import pytest

from skywarden.config import parse
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.sensors.asterix import encode_block
from skywarden.service import rows
from skywarden.service.publish import Published
from skywarden.track.feeds import foreign
from skywarden.track.states import states

NOON = 1_789_992_000 * 10**9  # ns; 21 September 2026, 12:00 UTC
STEP = 250_000_000  # ns
SPEED, DEGREE = 80.0, 111_200.0  # m/s north; m


def text(policy):
    used = f'tracks = "{policy}"\n' if policy else ""
    return (
        '[run]\nmode = "live"\n\n[[sources]]\nname = "centre"\nformat = "asterix"\n'
        f'listen = "udp://127.0.0.1:8600"\n{used}\n'
    )


def told(seconds):
    """Return what the centre says of two of its tracks."""
    item: dict[str, Any] = {"010": {"SAC": 250, "SIC": 99}, "070": {"TOD_s": (43200 + seconds) % 86400}}
    item |= {"185": {"VX_m_s": 0, "VY_m_s": SPEED}, "130": {"ALT_ft": 3000}, "220": {"ROCD_ft_min": 0}}
    item |= {"500": {"APC": {"X_m": 60, "Y_m": 60}, "ATV": {"X_m_s": 4, "Y_m_s": 4}, "AGA_ft": 200}}
    north = seconds * SPEED / DEGREE
    places = [(7, 46.2 + north, 31.5, "400001"), (8, 46.5 + north, 31.5, "400002")]
    return encode_block(
        62,
        [
            item | {"040": {"TRN": n}, "105": {"LAT_deg": lat, "LON_deg": lon}, "380": {"ADR": adr}}
            for n, lat, lon, adr in places
        ],
    )


def flown(policy, until=24.0, line=None, begin=0.0):
    seq = 1 + round(begin * 100)
    if line is None:
        line = Line()
        line.feed(seq, Started(NOON, Mode.LIVE, text(policy), ""))
    for k in range(round(begin * 4), round(until * 4)):
        time = NOON + k * STEP
        if k % 16 == 0:
            line.feed(seq := seq + 1, Arrived(Frame.of("centre", time, told(k / 4 - 0.5))))
        line.feed(seq := seq + 1, Tick(time + STEP))
    return line


def published(line):
    return Published(picture=line.picture, states=states(line.picture), time=line.picture.time)


@pytest.mark.parametrize(("policy", "shown"), [("", 0), ("display", 0), ("intersection", 2), ("tracklets", 2)])
def test_its_tracks_are_seen_by_people_and_by_programs(policy, shown):
    line = flown(policy)
    now = published(line)
    picture, stream, geojson = (json.loads(each) for each in (now.picture_json(), now.tick_json([]), now.geojson()))
    assert len(picture["tracks"]) == shown
    assert picture["foreign"] == stream["foreign"]
    assert [row["subject"] for row in picture["foreign"]] == [7, 8]
    ages = (line.picture.time - NOON) * 1e-9 - (20.0 - 0.5)
    for row in picture["foreign"]:
        assert set(row) - {"track"} == set(rows.ForeignRow.__struct_fields__) - {"track"}
        assert row["age_s"] == pytest.approx(ages, abs=0.01)
        assert row["velocity"] == pytest.approx([0.0, SPEED, 0.0], abs=0.3)
        assert row["icao24"] == f"40000{row['subject'] - 6}"
        assert row["height_m"] == pytest.approx(3000 * 0.3048, abs=5.0)
        assert ("track" in row) == (shown > 0)
    expected = 46.2 + (24.0 * SPEED) / DEGREE
    assert picture["foreign"][0]["latitude"] == pytest.approx(expected, abs=3e-4)
    marked = [f for f in geojson["features"] if f["properties"]["kind"] == "foreign track"]
    assert [f["properties"]["subject"] for f in marked] == [7, 8]
    assert [f["properties"]["track"] for f in marked] == [row.get("track") for row in picture["foreign"]]
    assert marked[0]["geometry"]["coordinates"][1] == picture["foreign"][0]["latitude"]
    assert line.picture.health[0].refused == {}


def test_what_is_not_told_any_more_goes():
    line = flown("display")
    for k in range(200):
        line.feed(9000 + k, Tick(line.picture.time + STEP))
    assert foreign(line.picture).sensor == []


@pytest.mark.parametrize("policy", ["display", "intersection", "tracklets"])
def test_a_restart_goes_on_with_them(policy):
    whole = flown(policy, 36.0)
    again = flown(policy, 36.0, Line.restore(flown(policy, 18.0).save()), 18.0)
    assert digest(again.picture) == digest(whole.picture)
    assert foreign(again.picture) == foreign(whole.picture)


def test_a_policy_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(Exception, match=r'"?tracks"?.*display.*tracklets.*intersection'):
        parse(text("plots"))
