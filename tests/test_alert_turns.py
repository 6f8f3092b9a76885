"""Alerts between two judgements of a track: what was found stands, its times count down, nothing else is news."""

from flights import SECOND, TIME
from watching import Watch, threat

from skywarden.alert import AlertSettings
from skywarden.model.event import AlertCleared


def test_a_judgement_of_a_tick_before_raises_an_alert_once_it_is_time():
    watch = Watch()
    first = threat(343.0, sigma=10.0)  # early: 330.2 s, needed: 330 s
    assert watch.at(0, first) == []
    assert watch.at(0.1, first, judged=0) == []
    (event,) = watch.at(0.3, first, judged=0)
    assert event.alert.arrival == TIME + 343 * SECOND
    assert event.alert.raised == event.alert.updated == TIME + round(0.3 * SECOND)


def test_between_judgements_an_alert_keeps_its_support_and_nothing_of_it_is_news():
    watch = Watch(AlertSettings(hold_s=0.0, clear_after_s=0.0))
    watch.at(0, threat(100.0), shown={1})
    for tenth in range(1, 10):
        assert watch.at(tenth / 10, threat(20.0, probability=0.3), shown={1}, judged=0) == []
        (alert,) = watch.alerts
        assert (alert.updated, alert.probability) == (TIME + tenth * SECOND // 10, 0.9)
        assert alert.arrival == TIME + 100 * SECOND
    (event,) = watch.at(1, threat(19.0, probability=0.3), shown={1})
    assert (event.alert.arrival, event.alert.probability) == (TIME + 20 * SECOND, 0.3)


def test_an_alert_that_is_judged_and_not_listed_any_more_or_hardly_likely_loses_its_support():
    for last in ((), (threat(99.0, probability=0.06),)):
        watch = Watch(AlertSettings(clear_after_s=0.5))
        watch.at(0, threat(100.0), shown={1})
        assert watch.at(0.2, *last, shown={1}) == []
        assert watch.at(0.4, *last, shown={1}, judged=0.2) == []
        (event,) = watch.at(0.5, *last, shown={1}, judged=0.2)
        assert isinstance(event, AlertCleared)


def test_what_has_arrived_by_a_judgement_before_is_not_told_as_of_the_past():
    watch = Watch()
    (event,) = watch.at(5, threat(3.0, sigma=0.5), judged=0)
    assert event.alert.early == event.alert.arrival == event.alert.late == TIME + 5 * SECOND
