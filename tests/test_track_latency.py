"""Feeds that come late are tracked like prompt ones; two latencies on one target; what is older than all use."""

import numpy as np
import pytest
from msgspec.structs import replace as changed
from track_world import LATITUDE, LONGITUDE, START, Adsb, Flight, Radar, Sky

from skywarden.config import Settings
from skywarden.model.event import AlertRaised, Refused, TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import Site
from skywarden.model.track import Picture, Status
from skywarden.pipeline import step
from skywarden.track.settings import TrackerSettings

FLIGHTS = [Flight(9000.0 * k, 3000.0 * k, 1000, 60 + 40 * k, 0.4 * k, 0x400000 + k) for k in range(4)]
NAMELESS = [Flight(9000.0 * k, 3000.0 * k, 1000, 60 + 40 * k, 0.4 * k) for k in range(4)]


def lives(events):
    return [e for e in events if not isinstance(e, Refused)]


def unlabelled(event):
    """Labels follow from the plots, and theirs are of other times."""
    return changed(event, label=0) if isinstance(event, TrackConfirmed) else event


def flown(late, until=20.0, flights=FLIGHTS, **settings):
    return Sky(flights, [Adsb(revisit=0.5, late=late)], settings=TrackerSettings(**settings)).run(until)


@pytest.mark.parametrize("late", [3.0, 10.0, 30.0, 50.0])
def test_a_relayed_feed_gives_the_same_confirmations_as_a_prompt_one(late):
    prompt, relayed = flown(0.0), flown(late)
    assert len(lives(prompt.events)) == len(FLIGHTS)
    assert [unlabelled(e) for e in relayed.events] == [unlabelled(e) for e in prompt.events]
    assert relayed.picture.tracks.status.tolist() == [Status.CONFIRMED] * len(FLIGHTS)
    assert relayed.picture.tracks.heard.tolist() == prompt.picture.tracks.heard.tolist()
    assert (prompt.picture.tracks.time - relayed.picture.tracks.time).tolist() == [round(late * 1e9)] * len(FLIGHTS)


@pytest.mark.parametrize("late", [0.0, 5.0, 50.0])
def test_a_late_radar_gives_tracks_that_stay(late):
    radar = Radar("radar", 0.0, -20_000.0, detection=1.0, late=late)
    sky = Sky(NAMELESS, [radar]).run(60.0)
    assert [type(e) for e in sky.events] == [TrackConfirmed] * len(NAMELESS)


@pytest.mark.parametrize("late", [0.0, 30.0])
def test_silence_is_counted_from_when_it_was_last_heard(late):
    sky = flown(late)
    sky.sensors = []
    sky.run(90.0)
    after = [(type(e), e.time) for e in lives(sky.events)[len(FLIGHTS) :]]
    heard = START + 20_000_000_000
    assert after == [
        *[(TrackCoasting, heard + 3_500_000_000)] * len(FLIGHTS),
        *[(TrackDropped, heard + 60_000_000_000)] * len(FLIGHTS),
    ]


def test_a_late_source_beside_a_prompt_one_is_counted_too_late_and_starts_nothing():
    sky = Sky(FLIGHTS, [Adsb(revisit=0.5), Adsb("relay", revisit=0.5, late=15.0)])
    sky.run(30.0)
    assert len(sky.shown()) == len(sky.picture.tracks) == len(FLIGHTS)
    late = [e for e in sky.events if isinstance(e, Refused)]
    assert {(e.source, e.reason) for e in late} == {("relay", "too late")}
    assert sum(e.count for e in late) > 50 * len(FLIGHTS)
    assert [type(e) for e in lives(sky.events)] == [TrackConfirmed] * len(FLIGHTS)


@pytest.mark.parametrize("late", [0.0, 5.0, 30.0])
def test_a_late_feed_raises_the_alert(late):
    adsb, flight = Adsb(revisit=0.5, late=late), Flight(0, -12_000, 1000, 80, 0.0, 5)
    plant = Site(
        name="plant", latitude=np.degrees(LATITUDE), longitude=np.degrees(LONGITUDE), radius_m=1000.0, lead_time_s=300.0
    )
    picture, happened, rng = Picture(START), [], np.random.default_rng(1)
    for tick in range(1, 21):
        t = 0.5 * tick
        picture, events = step(
            picture, [adsb.look([flight], t - late, rng)], START + round(t * 1e9), Settings(sites=[plant])
        )
        happened += [e for e in events if isinstance(e, AlertRaised)]
    assert len(happened) == 1
    assert happened[0].alert.site == "plant"


def test_uncertainty_is_that_of_now_however_late_the_data():
    sky = flown(250.0, calm_noise_m2_s3=40.0, busy_noise_m2_s3=40.0)
    assert lives(sky.events) == []  # sqrt(40 * 250**3 / 3) m, 14 km
    assert np.all(sky.picture.tracks.status == Status.TENTATIVE)
