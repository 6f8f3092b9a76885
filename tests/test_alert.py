"""Alerts: raised in time, steady under noise, held through gaps, cleared with a reason."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from flights import PLANT, SECOND, TIME, flying
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields
from watching import SETTINGS, SITES, Watch, threat

from skywarden.alert import AlertSettings, decide
from skywarden.model.event import AlertCleared, AlertRaised, AlertUpdated
from skywarden.model.past import Past
from skywarden.model.place import Action, Site
from skywarden.threat import Seen, evaluate, flown


def test_an_alert_comes_early_enough_for_the_longest_action():
    slow = Site(name="plant", latitude=36.3, longitude=-33.1, actions=(Action(name="stop", lead_s=900.0),))
    watch = Watch(sites=(slow,))
    assert watch.at(0, threat(960.0, sigma=10.0)) == []  # early: 947 s, needed: 930 s
    (event,) = watch.at(30, threat(930.0, sigma=10.0))
    assert isinstance(event, AlertRaised)


def test_an_alert_is_raised_when_the_early_arrival_is_within_the_sites_need():
    watch = Watch()
    assert watch.at(0, threat(350.0, sigma=10.0)) == []  # early: 337 s, needed: 330 s
    (event,) = watch.at(10, threat(340.0, sigma=10.0))
    assert isinstance(event, AlertRaised)
    alert = event.alert
    assert watch.alerts == (alert,)
    assert (alert.site, alert.track) == ("plant", 1)
    assert (alert.arrival - TIME) / SECOND == pytest.approx(350)
    assert (alert.early - TIME) / SECOND == pytest.approx(350 - 12.816)
    assert (alert.late - TIME) / SECOND == pytest.approx(350 + 12.816)


def test_an_improbable_approach_raises_nothing():
    watch = Watch()
    assert watch.at(0, threat(100.0, probability=0.19)) == []
    assert len(watch.at(1, threat(100.0, probability=0.21))) == 1


def test_a_course_that_leads_there_is_enough_at_the_lower_probability_and_a_site_nearly_on_it_holds():
    watch = Watch()
    assert watch.at(0, threat(100.0, probability=0.09, miss=3001.0)) == []
    assert watch.at(1, threat(100.0, probability=0.07, miss=2999.0)) == []
    assert len(watch.at(2, threat(100.0, probability=0.09, miss=2999.0))) == 1
    for second in range(3, 90):  # the straight way swings by noise
        assert watch.at(second, threat(102.0 - second, probability=0.02, miss=8900.0)) == []
    for second in range(90, 130):
        watch.at(second, threat(12.0, probability=0.02, miss=9100.0), shown={1})
    assert watch.kinds() == ["AlertRaised", "AlertCleared"]


def test_of_a_wide_region_only_the_probability_counts():
    """Its middle may head for the site: that is no way that anybody flies."""
    middle = msgspec.structs.replace(threat(100.0, probability=0.1, miss=0.0), vague=True)
    watch = Watch()
    assert watch.at(0, middle) == []
    assert len(watch.at(1, msgspec.structs.replace(middle, vague=False))) == 1
    watch = Watch()
    assert len(watch.at(0, msgspec.structs.replace(middle, probability=0.5))) == 1
    for second in range(1, 40):
        watch.at(second, msgspec.structs.replace(middle, probability=0.05), shown={1})
    assert watch.kinds() == ["AlertRaised", "AlertCleared"]


def test_one_that_is_close_when_first_seen_is_announced_at_once():
    watch = Watch()
    (event,) = watch.at(0, threat(0.0, probability=1.0, sigma=0.0))
    assert event.alert.arrival == TIME


def test_a_steady_approach_is_told_once():
    watch = Watch()
    for second in range(330):
        watch.at(second, threat(330.0 - second))
    assert watch.kinds() == ["AlertRaised"]


def test_a_delay_of_more_than_ten_seconds_is_told_and_a_smaller_one_is_not():
    watch = Watch()
    watch.at(0, threat(300.0))
    assert watch.at(1, threat(299.0 + 9.0)) == []
    (event,) = watch.at(2, threat(298.0 + 11.0))
    assert isinstance(event, AlertUpdated)
    assert event.alert.raised == TIME
    assert (event.alert.arrival - TIME) / SECOND == pytest.approx(311)


def test_near_the_end_a_tenth_of_what_is_left_is_told():
    watch = Watch()
    watch.at(0, threat(50.0, sigma=5.0))
    assert watch.at(1, threat(49.0 - 4.0, sigma=5.0)) == []
    assert [type(event) for event in watch.at(2, threat(48.0 - 6.0, sigma=5.0))] == [AlertUpdated]


def test_a_change_that_is_little_beside_the_interval_is_not_told():
    watch = Watch()
    watch.at(0, threat(300.0, sigma=60.0))
    assert watch.at(1, threat(299.0 + 35.0, sigma=60.0)) == []
    assert len(watch.at(2, threat(298.0 + 42.0, sigma=60.0))) == 1


def test_in_the_last_seconds_a_second_more_or_less_is_not_told():
    watch = Watch()
    watch.at(0, threat(5.0, sigma=1.0))
    assert watch.at(1, threat(4.0 + 1.5, sigma=1.0)) == []
    assert len(watch.at(2, threat(3.0 + 2.5, sigma=1.0))) == 1


def test_a_target_that_stays_over_the_site_is_told_once():
    watch = Watch()
    watch.at(0, threat(5.0))
    for second in range(5, 100):
        watch.at(second, threat(0.0, probability=1.0, sigma=0.0))
    assert watch.kinds() == ["AlertRaised"]
    assert len(watch.alerts) == 1


def test_an_alert_outlives_a_gap_of_less_than_the_hold_time():
    watch = Watch()
    watch.at(0, threat(200.0))
    for second in range(1, 20):
        assert watch.at(second) == []
    assert watch.at(19.9, threat(180.1)) == []
    assert watch.kinds() == ["AlertRaised"]


def test_when_nothing_supports_it_any_more_it_is_cleared_once():
    watch = Watch()
    watch.at(0, threat(200.0))
    for second in range(1, 60):
        watch.at(second)
    assert watch.kinds() == ["AlertRaised", "AlertCleared"]
    second, event = watch.events[-1]
    assert second == 20
    assert event == AlertCleared(TIME + 20 * SECOND, "plant", 1, "nothing heads for the site any more")
    assert watch.alerts == ()


def test_one_that_turned_away_is_cleared_late():
    watch = Watch()
    watch.at(0, threat(200.0))
    for second in range(1, 60):
        watch.at(second, threat(200.0, probability=0.06), shown={1})
    second, event = watch.events[-1]
    assert (second, event.reason) == (30, "it no longer heads for the site")


def test_one_that_flew_over_and_on_is_cleared_late():
    watch = Watch()
    watch.at(0, threat(1.0))
    watch.at(2, threat(0.0, probability=1.0, sigma=0.0), shown={1})
    for second in range(3, 60):
        watch.at(second, shown={1})
    second, event = watch.events[-1]
    assert (second, event.reason) == (32, "it has passed the site and moves away")


def test_one_lost_on_its_way_in_is_expected_until_it_should_have_been_there():
    watch = Watch()
    watch.at(0, threat(100.0, sigma=10.0), shown={1})
    for second in range(1, 200):
        watch.at(second, shown=set())
    second, event = watch.events[-1]
    assert second == 133  # 100 s + 12.8 s + 20 s
    assert event.reason == "lost on its way, and not seen again when expected"


def test_one_lost_far_out_is_not_expected_for_ever():
    watch = Watch(AlertSettings(lost_hold_s=60.0))
    watch.at(0, threat(300.0), shown={1})
    for second in range(1, 200):
        watch.at(second, shown=set())
    assert watch.events[-1][0] == 80


def test_one_lost_over_the_site_is_cleared_after_the_hold_time():
    watch = Watch()
    watch.at(0, threat(0.0, probability=1.0, sigma=0.0), shown={1})
    for second in range(1, 60):
        watch.at(second, shown=set())
    second, event = watch.events[-1]
    assert (second, event.reason) == (20, "lost inside the radius of the site")


def test_a_site_taken_out_of_the_configuration_is_cleared():
    watch = Watch()
    watch.at(0, threat(200.0), threat(100.0, site="other"))
    watch.sites = (PLANT,)
    (event,) = watch.at(1, threat(199.0), threat(99.0, site="other"))
    assert (event.site, event.reason) == ("other", "the site is no longer configured")


def test_alerts_stand_in_the_order_of_sites_then_tracks_however_threats_come():
    threats = [threat(100.0, track=t, site=s) for t in (3, 1, 2) for s in ("other", "plant")]
    forward, backward = Watch(), Watch()
    assert forward.at(0, *threats) == backward.at(0, *reversed(threats))
    assert [(a.site, a.track) for a in forward.alerts] == [(s, t) for s in ("plant", "other") for t in (1, 2, 3)]


@given(st.lists(st.floats(0.1, 1.0), min_size=5, max_size=40))
def test_between_the_two_thresholds_nothing_is_raised_or_cleared(probabilities):
    watch = Watch()
    watch.at(0, threat(200.0, probability=0.5))
    for second, probability in enumerate(probabilities, 1):
        watch.at(second * 25, threat(200.0 - second, probability=probability))
    assert "AlertCleared" not in watch.kinds()
    assert watch.kinds().count("AlertRaised") == 1


@given(
    st.lists(st.one_of(st.none(), st.tuples(st.floats(0, 900), st.floats(0.02, 1.0), st.floats(0, 100))), max_size=60),
    st.floats(0.1, 12.0),
)
def test_events_tell_exactly_what_stands(ticks, step):
    watch = Watch()
    told = None
    for index, seen in enumerate(ticks):
        for event in watch.at(index * step, *([threat(seen[0], seen[1], seen[2])] if seen else [])):
            if isinstance(event, AlertCleared):
                assert told is not None
                told = None
            else:
                assert (told is None) == isinstance(event, AlertRaised)
                told = event.alert
        standing = watch.alerts[0] if watch.alerts else None
        assert (standing is None) == (told is None)
        if standing:
            assert (standing.arrival, standing.early, standing.late) == (told.arrival, told.early, told.late)
            assert standing.early <= standing.arrival <= standing.late


def fly(path, settings=SETTINGS, period=5, noise=(60.0, 1.5), seed=0):
    """Fly along path(second) -> state or None for a gap, seen every `period` s with noise; coasting between."""
    rng = np.random.default_rng(seed)
    watch, tracks, past = Watch(settings), None, Past()
    for second in np.arange(0, 1200, 2.5):
        state, time = path(second), TIME + round(second * SECOND)
        if second % period == 0 and state is not None:
            error = np.concatenate([rng.normal(0, noise[0], 3), rng.normal(0, noise[1], 3)])
            tracks = flying(np.array(state, float) + error, sigma=noise, time=time)
        past = flown(past, tracks, time, 2.5)
        watch.take(second, evaluate(Seen(tracks, past=past), time, SITES, settings), {1})
    return watch


def straight(second):
    return [40_000 - 50 * second, 500, 300, -50, 0, 0]


def changes(watch, site="plant"):
    """Return (second, kind) of what was raised and cleared for a site."""
    found = []
    for second, event in watch.events:
        where = event.site if isinstance(event, AlertCleared) else event.alert.site
        if where == site and not isinstance(event, AlertUpdated):
            found.append((second, type(event).__name__))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_drone_is_announced_once_in_time_and_cleared_once_after_it_has_passed(seed):
    watch = fly(straight, seed=seed)
    (raised, first), (cleared, second) = changes(watch)
    assert (first, second) == ("AlertRaised", "AlertCleared")
    arrival = (40_000 - 2958) / 50
    assert 300 <= arrival - raised <= 390
    left = (40_000 + 2958) / 50
    assert left <= cleared <= left + 40
    assert sum(isinstance(event, AlertUpdated) for _, event in watch.events) < 60


@pytest.mark.parametrize("seed", range(3))
def test_an_alert_stays_up_while_the_track_coasts_for_a_minute(seed):
    watch = fly(lambda second: None if 500 <= second < 560 else straight(second), seed=seed)
    assert [kind for _, kind in changes(watch)] == ["AlertRaised", "AlertCleared"]
    assert changes(watch)[1][0] > 700


@pytest.mark.parametrize("seed", range(3))
def test_an_airliner_that_passes_30_km_away_never_raises_an_alert(seed):
    watch = fly(lambda second: [100_000 - 220 * second, 30_000, 9000, -220, 0, 0], seed=seed)
    assert watch.events == []


def turning(second):
    """Fly west 12 km north of the site, then from 300 s on turn left by 90 deg towards it at 1.5 deg/s."""
    start, rate, speed = 300, np.radians(1.5), 120.0
    angle = np.clip((second - start) * rate, 0, np.pi / 2)
    radius = speed / rate
    run = speed * min(second, start)
    turned = angle / rate
    after = speed * max(second - start - turned, 0)
    east = speed * start + radius - run - radius * np.sin(angle) - after * np.cos(angle)
    north = 12_000 - radius * (1 - np.cos(angle)) - after * np.sin(angle)
    return [east, north, 2000, -speed * np.cos(angle), -speed * np.sin(angle), 0]


@pytest.mark.parametrize("seed", range(3))
def test_an_aircraft_that_turns_towards_the_site_late_is_announced_during_its_turn(seed):
    watch = fly(turning, seed=seed)
    turn_ends = 300 + 60
    raised = changes(watch)[0][0]
    assert 300 <= raised <= turn_ends


def weaving(speed, swing, period):
    """Return a path that weaves by `swing` degrees about the way in, and reaches the edge after 900 s or so."""
    steps = np.radians(swing) * np.sin(2 * np.pi * np.arange(0.0, 1200.0, 0.5) / period)
    east = 3000 + 900 * speed - np.cumsum(speed * np.cos(steps)) / 2
    north = np.cumsum(speed * np.sin(steps)) / 2

    def path(second):
        k = int(second * 2)
        return [east[k], north[k], 300, -speed * np.cos(steps[k]), speed * np.sin(steps[k]), 0]

    return path


@pytest.mark.parametrize(("speed", "swing", "period"), [(50.0, 20.0, 120.0), (100.0, 20.0, 60.0), (230.0, 6.0, 120.0)])
def test_one_that_weaves_on_its_way_in_is_told_once(speed, swing, period):
    watch = fly(weaving(speed, swing, period))
    in_time = [(second, kind) for second, kind in changes(watch) if second < 900]
    assert [kind for _, kind in in_time] == ["AlertRaised"]
    assert in_time[0][0] <= 900 - 300


@pytest.mark.parametrize("radius", [300.0, 3000.0, 20_000.0, 60_000.0])
@pytest.mark.parametrize("speed", [8.0, 50.0, 230.0])
def test_whatever_the_radius_and_the_speed_one_that_flies_straight_in_is_told_in_time(radius, speed):
    site = Site(name="site", latitude=PLANT.latitude, longitude=PLANT.longitude, radius_m=radius, lead_time_s=300.0)
    noise = (60.0, 0.03 * speed)
    rng, alerts, past, raised = np.random.default_rng(5), (), Past(), None
    for second in np.arange(0.0, 700.0, 5.0):
        state = np.array([radius + speed * (700.0 - second), 0, 300, -speed, 0, 0])
        state += np.concatenate([rng.normal(0, noise[0], 3), rng.normal(0, noise[1], 3)])
        time = TIME + round(second * SECOND)
        tracks = flying(state, sigma=noise, time=time)
        past = flown(past, tracks, time, 5.0)
        threats = evaluate(Seen(tracks, past=past), time, (site,), SETTINGS)
        alerts, events = decide(alerts, threats, time, (site,), SETTINGS, {1})
        assert not any(isinstance(event, AlertCleared) for event in events)
        raised = second if raised is None and alerts else raised
    assert raised is not None
    assert 300 <= 700 - raised <= 450


def test_every_setting_has_a_row_with_its_default_in_the_documentation():
    text = (Path(__file__).parent.parent / "docs" / "alerts.md").read_text(encoding="utf-8")
    rows = {row[1].strip(" `"): row[2].strip(' `"') for line in text.splitlines() if len(row := line.split("|")) == 6}
    for field in fields(AlertSettings):
        documented = rows[field.name]
        assert (documented if isinstance(field.default, str) else float(documented)) == field.default


def test_what_would_do_little_counts_little():
    watch = Watch()
    assert watch.at(0, threat(0.0, probability=1.0, miss=0.0, stake=0.07)) == []  # a bird over the site
    assert watch.at(1, threat(60.0, probability=0.4, stake=0.46)) == []  # nothing is known of it
    (event,) = watch.at(2, threat(60.0, probability=0.45, stake=0.46))
    assert event.alert.stake == 0.46
    assert event.alert.probability == 0.45


def test_an_alert_ends_late_once_it_is_known_to_be_harmless():
    watch = Watch()
    watch.at(0, threat(100.0, miss=0.0))
    for second in range(1, 30):
        watch.at(second, threat(100.0 - second, miss=0.0, stake=0.05))
    assert watch.kinds() == ["AlertRaised"]
    watch.at(30, threat(70.0, miss=0.0, stake=0.05))
    assert watch.kinds() == ["AlertRaised", "AlertCleared"]


def test_a_straight_way_holds_an_alert_only_of_what_would_do_harm():
    held, let_go = Watch(), Watch()
    for watch, stake in ((held, 0.6), (let_go, 0.4)):
        watch.at(0, threat(100.0, stake=stake))
        for second in range(1, 40):
            watch.at(second, threat(100.0 - second, probability=0.05, miss=5000.0, stake=stake))
    assert held.kinds() == ["AlertRaised"]
    assert let_go.kinds() == ["AlertRaised", "AlertCleared"]
