"""GeoJSON of the picture, JSON lines of warnings."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from flights import PLANT, SECOND, TIME, flying
from hypothesis import given
from hypothesis import strategies as st

from skywarden.model.assessment import Alert, Category, Identity
from skywarden.model.event import (
    AlertCleared,
    AlertRaised,
    AlertUpdated,
    Refused,
    Stepped,
    TrackCoasting,
    TrackConfirmed,
    TrackDropped,
    TrackStates,
)
from skywarden.model.track import Mode, Picture, Status
from skywarden.outputs import ENCODERS, EVENT_ENCODERS
from skywarden.outputs.iso import iso
from skywarden.track.feeds import foreign
from skywarden.track.states import states

ALERT = Alert("plant", 2, TIME, TIME + 250 * SECOND, TIME + 230 * SECOND, TIME + 270 * SECOND, 0.876, TIME + SECOND)


def picture():
    tracks = flying([10_000, 0, 500, -50, 0, 1], [0, 20_000, 900, 30, -40, 0])
    tracks = replace(
        tracks,
        status=np.array([Status.CONFIRMED, Status.COASTING], np.int8),
        number=np.array([7, 2]),
        seen_by=np.array([[1, 0, -1, -1], [0, -1, -1, -1]]),
    )
    identities = (Identity(7, Category.SUSPECT), Identity(2))
    return Picture(
        TIME, Mode.SIM, tracks=tracks, sensors=("radar north", "radar"), identities=identities, alerts=(ALERT,)
    )


def features(shown, kind):
    found = json.loads(ENCODERS["geojson"](states(shown), shown, (PLANT,), foreign(shown)))
    assert found["type"] == "FeatureCollection"
    return [f for f in found["features"] if f["properties"]["kind"] == kind]


def line(event):
    data = EVENT_ENCODERS["jsonl"](event)
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    return json.loads(data)


def test_geojson_has_each_shown_track_longitude_first_with_what_is_known_of_it():
    east, north = features(picture(), "track")
    longitude, latitude, height = east["geometry"]["coordinates"]
    assert longitude == pytest.approx(-33.10 + 10_000 / (111_320 * np.cos(np.radians(36.30))), abs=1e-3)
    assert latitude == pytest.approx(36.30, abs=1e-3)
    assert height == pytest.approx(508, abs=1)  # the level plane leaves the ellipsoid by 8 m in 10 km
    assert east["properties"] == {
        "kind": "track",
        "number": 7,
        "status": "confirmed",
        "known": "point",
        "height_m": height,
        "speed_m_s": 50.0,
        "heading_deg": pytest.approx(270, abs=0.2),
        "climb_m_s": pytest.approx(0.9, abs=0.2),
        "category": "suspect",
        "sources": ["radar", "radar north"],
    }
    assert (north["properties"]["status"], north["properties"]["category"]) == ("coasting", "unknown")
    assert north["properties"]["heading_deg"] == pytest.approx(np.degrees(np.arctan2(30, -40)), abs=0.2)


def test_geojson_says_which_site_is_under_alert_and_when_the_first_arrives():
    (site,) = features(picture(), "site")
    assert site["geometry"]["coordinates"] == [-33.10, 36.30, 0.0]
    assert site["properties"]["alert"] == "raised"
    assert site["properties"]["alerts"] == 1
    assert site["properties"]["arrival"] == iso(ALERT.arrival)
    (quiet,) = features(replace(picture(), alerts=()), "site")
    assert (quiet["properties"]["alert"], quiet["properties"]["arrival"]) == ("none", None)


def test_geojson_of_an_empty_picture_is_an_empty_collection_with_its_time_and_mode():
    empty = Picture(TIME, Mode.REPLAY)
    assert json.loads(ENCODERS["geojson"](states(empty), empty, (), foreign(empty))) == {
        "type": "FeatureCollection",
        "time": iso(TIME),
        "mode": "replay",
        "features": [],
    }


def test_an_alert_line_says_site_and_seconds_to_arrival_with_its_interval():
    row = line(AlertRaised(ALERT))
    assert list(row) == [
        "event",
        "time",
        "site",
        "track",
        "arrival",
        "early",
        "late",
        "seconds",
        "seconds_early",
        "seconds_late",
        "probability",
    ]
    assert (row["event"], row["site"], row["track"]) == ("alert raised", "plant", 2)
    assert (row["seconds"], row["seconds_early"], row["seconds_late"]) == (249.0, 229.0, 269.0)
    assert row["probability"] == 0.88
    assert line(AlertUpdated(ALERT)) == {**row, "event": "alert updated"}


def test_one_that_has_arrived_is_zero_seconds_away():
    late = Alert("plant", 2, TIME, TIME, TIME, TIME, 1.0, TIME + 7 * SECOND)
    row = line(AlertUpdated(late))
    assert (row["seconds"], row["seconds_early"], row["seconds_late"]) == (0.0, 0.0, 0.0)


def test_a_cleared_line_says_why():
    row = line(AlertCleared(TIME, "plant", 2, "it no longer heads for the site"))
    assert row["reason"] == "it no longer heads for the site"
    assert row["event"] == "alert cleared"


@pytest.mark.parametrize(
    "event, name",
    [
        (TrackConfirmed(TIME, 7, 99), "track confirmed"),
        (TrackCoasting(TIME, 7), "track coasting"),
        (TrackDropped(TIME, 7, "not seen"), "track dropped"),
    ],
)
def test_a_tracks_life_is_told_by_its_public_number(event, name):
    row = line(event)
    assert (row["event"], row["track"], row["time"]) == (name, 7, iso(TIME))
    assert "label" not in row


def test_nothing_that_goes_to_warned_people_carries_a_place_or_a_velocity():
    where = states(picture())
    assert isinstance(where, TrackStates)
    for event in (where, Refused("radar", "malformed", 3), Stepped(TIME, "00")):
        assert EVENT_ENCODERS["jsonl"](event) == b""
    for row in (line(AlertRaised(ALERT)), line(TrackConfirmed(TIME, 7, 99))):
        assert not {"latitude", "longitude", "height_m", "speed_m_s", "heading_deg", "coordinates"} & row.keys()


@given(st.integers(0, 4_000_000_000 * SECOND))
def test_times_are_iso_8601_in_utc_and_read_back_to_the_millisecond(time):
    text = iso(time)
    assert text.endswith("Z")
    back = datetime.fromisoformat(text)
    assert round(back.timestamp() * 1000) == time // 1_000_000
