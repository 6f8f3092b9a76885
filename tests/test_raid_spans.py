"""First and last arrivals of several: against drawing them, and what must hold whatever is told."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.model.assessment import Alert
from skywarden.raid.spans import STEPS, ahead, coming

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND


def alert(early, arrival, late, probability, track=1):
    times = (NOW + round(when * SECOND) for when in (arrival, early, late))
    return Alert("plant", track, NOW, *times, probability, NOW)


def drawn(alerts, count, rng):
    """Draw first and last arrivals, s; nan where nobody comes. Between what is told all times are as likely."""
    first, last = np.full(count, np.nan), np.full(count, np.nan)
    for one in alerts:
        e, m, late = ((when - NOW) / SECOND for when in (one.early, one.arrival, one.late))
        knots = np.array([e - (m - e) / 4, e, m, late, late + (late - m) / 4])
        at = np.interp(rng.random(count), [0.0, 0.1, 0.5, 0.9, 1.0], knots)
        at[rng.random(count) >= one.probability] = np.nan
        first, last = np.fmin(first, at), np.fmax(last, at)
    return first, last


def test_first_and_last_are_those_of_drawing_them():
    alerts = [alert(200, 300, 600, 0.4), alert(250, 280, 330, 0.7), alert(900, 1000, 1400, 0.2)]
    span = ahead(coming(alerts, NOW), np.zeros(3, int), 1).span(0)
    first, last = drawn(alerts, 200_000, np.random.default_rng(1))
    comes = ~np.isnan(first)
    assert span.probability == pytest.approx(comes.mean(), abs=0.005)
    told = [(when - NOW) / SECOND for when in (span.early, span.first, span.last)]
    found = [*np.quantile(first[comes], [0.1, 0.5]), np.quantile(last[comes], 0.9)]
    assert told == pytest.approx(found, rel=0.04)


def test_of_one_alert_it_is_what_the_alert_tells():
    span = ahead(coming([alert(200, 300, 600, 0.4)], NOW), np.zeros(1, int), 1).span(0)
    told = [(when - NOW) / SECOND for when in (span.early, span.first, span.last)]
    assert span.probability == pytest.approx(0.4)
    assert told == pytest.approx([200, 300, 600], rel=0.03)


def test_who_would_do_less_harm_counts_as_less_likely():
    one = msgspec.structs.replace(alert(200, 300, 600, 0.8), stake=0.5)
    assert ahead(coming([one], NOW), np.zeros(1, int), 1).span(0).probability == pytest.approx(0.4)


def test_who_has_arrived_is_there_now():
    both = ahead(coming([alert(-50, -50, -50, 1.0), alert(400, 500, 600, 0.5)], NOW), np.array([0, 1]), 2)
    assert both.span(0).first == NOW
    assert both.before(0, 0.0) == pytest.approx(1.0, abs=0.01)
    assert both.before(1, 60.0) == 0.0


def test_groups_do_not_touch_each_other():
    alerts = [alert(200, 300, 600, 0.4), alert(10, 20, 30, 0.9)]
    both = ahead(coming(alerts, NOW), np.array([0, 1]), 2)
    assert both.span(0) == ahead(coming(alerts[:1], NOW), np.zeros(1, int), 1).span(0)
    assert both.span(1) == ahead(coming(alerts[1:], NOW), np.zeros(1, int), 1).span(0)


told = st.tuples(st.floats(-100, 2000), st.floats(0, 1000), st.floats(0, 3000), st.floats(0, 1))


@given(st.lists(told, min_size=1, max_size=12))
def test_more_alerts_never_make_anybody_later_or_less_likely(rows):
    alerts = [alert(e, e + a, e + a + b, p, k) for k, (e, a, b, p) in enumerate(rows)]
    fewer = ahead(coming(alerts[:-1] or alerts, NOW), np.zeros(len(alerts[:-1] or alerts), int), 1)
    more = ahead(coming(alerts, NOW), np.zeros(len(alerts), int), 1)
    assert more.probability[0] >= fewer.probability[0] - 1e-12
    assert np.all(more.came[0] >= fewer.came[0] - 1e-12)
    for column in (more.came[0], more.done[0]):
        assert np.all(np.diff(column) >= -1e-9)
        assert np.all((column >= -1e-9) & (column <= 1 + 1e-9))
    span = more.span(0)
    assert NOW <= span.early <= span.first <= span.last <= NOW + round(STEPS[-1] * SECOND)
