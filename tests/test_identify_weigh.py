"""Odds: bounds, unknown, and that nobody can talk harm away."""

import numpy as np
import pytest
from evidence_world import LATER, look, nats
from hypothesis import given
from hypothesis import strategies as st

from skywarden.identify.echo import SECTIONS, sections
from skywarden.identify.rows import K, added, viewed
from skywarden.identify.weigh import (
    FAMILY,
    HARM,
    HEARING,
    LOG_PRIOR,
    MOTION,
    PRIOR,
    SOURCE,
    Views,
    bounded,
    factor,
    harm,
    odds,
    stake,
    vectors,
    weighed,
)  # fmt: skip
from skywarden.model.assessment import CLASSES, Class, Family

EMPTY = viewed(np.zeros(0, "V8"))
FAMILIES = len(Family)


def told(*looks):
    rows = EMPTY
    for one in looks:
        rows = added(rows, one, LATER)
    return rows


def alone(rows) -> Views:
    """Return what the rows of track 1 say."""
    return weighed(rows, np.array([1]))


def plainly(rows) -> list[float]:
    """Return the odds of one track, number by number: the slow twin."""

    def within(vector: list[float], most: float) -> list[float]:
        reach = max(vector) - min(vector)
        return [value * most / reach if reach > most else value for value in vector]

    total = {family: [0.0] * K for family in Family}
    for row in rows:
        vector = row["nats"].tolist()
        if row["echoes"] > 0:
            mean = row["echo"] / row["echoes"]
            for k, word in enumerate(CLASSES[:K]):
                middle, own = SECTIONS[word]
                variance = own**2 + 5.570**2 / row["echoes"]
                vector[k] += -((mean + 2.507 - middle) ** 2) / (2 * variance) - np.log(variance) / 2
        for k, value in enumerate(within(vector, SOURCE)):
            total[Family(row["family"])][k] += value
    total = {f: within(vector, MOTION if f is Family.MOTION else FAMILY) for f, vector in total.items()}
    heard = [a + b for a, b in zip(total.pop(Family.ACOUSTIC), total.pop(Family.PEOPLE), strict=True)]
    parts = [*total.values(), within(heard, HEARING)]
    chances = [PRIOR[word] * np.exp(sum(p[k] for p in parts)) for k, word in enumerate(CLASSES[:K])]
    unknown = PRIOR[Class.UNKNOWN]
    for part in parts:
        unknown *= np.mean(np.exp(part))
    whole = sum(chances) + unknown
    return [chance / whole for chance in (*chances, unknown)]


vectors_of = st.lists(st.floats(-9, 9), min_size=K, max_size=K).map(np.array)
statements = st.lists(
    st.tuples(vectors_of, st.sampled_from(list(Family)), st.integers(1, 6), st.sampled_from([np.nan, -12.0, 15.0])),
    min_size=1,
    max_size=12,
)


@given(statements)
def test_odds_are_those_of_the_plain_twin(said) -> None:
    looks = [look(1, v, family=f, source=s, at=9 * k, echo=e) for k, (v, f, s, e) in enumerate(said)]
    rows = told(*looks)
    found = alone(rows).all
    assert np.allclose(found.odds[0], plainly(rows), rtol=1e-9, atol=1e-12)
    assert np.isclose(found.odds.sum(), 1.0)


def test_without_evidence_the_odds_are_what_is_assumed() -> None:
    assert np.isclose(sum(PRIOR.values()), 1.0)
    assert np.allclose(odds(np.zeros((1, FAMILIES, K)))[0], np.exp(LOG_PRIOR))
    assert np.allclose(alone(EMPTY).all.odds[0], np.exp(LOG_PRIOR))


def test_one_source_a_kind_and_all_that_hears_are_bounded_for_life() -> None:
    loud = [look(1, nats(UAV_PISTON=3.0), family=Family.ACOUSTIC, node=k, at=60 * k) for k in range(40)]
    people = [look(1, nats(UAV_PISTON=3.0), family=Family.PEOPLE, source=k, at=60 * k) for k in range(40)]
    assert vectors(told(*loud[:1], *loud[:1])).max() <= SOURCE
    rows = told(*loud, *people)
    assert np.isclose(alone(rows).all.by_family[0, Family.ACOUSTIC].max(), FAMILY)
    most = odds(alone(rows).all.by_family)[0]
    assert np.isclose(np.log(most[0] / most[7]) - (LOG_PRIOR[0] - LOG_PRIOR[7]), HEARING)
    assert alone(told(look(1, nats(CRUISE=9.0), family=Family.MOTION))).all.by_family.max() == MOTION


def test_tracks_are_weighed_together_as_alone_and_each_view_has_its_own_rows() -> None:
    bird, drone = nats(BIRD=4.0), nats(UAV_PISTON=3.0)
    own = [look(1, drone, source=1), look(4, bird, source=1), look(4, drone, family=Family.MOTION)]
    sent = look(4, bird, source=2, anybody=True, calm=True), look(1, drone, source=3, anybody=True)
    rows, moved = told(*own, *sent), np.array([4])
    found = weighed(rows, np.array([4, 2, 1]), moved)
    for at, number in enumerate((4, 2, 1)):
        for view, other in zip(found, weighed(rows, np.array([number]), moved), strict=True):
            assert (view.by_family[at] == other.by_family[0]).all()
            assert np.allclose(view.odds[at], other.odds[0], rtol=1e-12)
    without = weighed(told(*own), np.array([4, 2, 1]), moved).stern
    assert (found.enrolled.by_family == without.by_family).all()
    assert (found.stern.by_family[2] != without.by_family[2]).any()
    assert not found.all.by_family[1].any()


def test_a_bounded_vector_keeps_its_proportions() -> None:
    small = np.array([0.0, 1.0, -2.0])
    assert (bounded(small, 4.0) == small).all()
    assert np.allclose(bounded(small * 4, 4.0), small * 4 / 3)
    assert (bounded(np.zeros(3), 4.0) == 0).all()


def test_kinds_that_contradict_each_other_make_unknown_likelier() -> None:
    drone = look(1, nats(UAV_PISTON=6.0), family=Family.CAMERA), look(1, nats(UAV_PISTON=6.0), family=Family.RADIO)
    bird = look(1, nats(BIRD=6.0), family=Family.RADAR), look(1, nats(BIRD=6.0), family=Family.ACOUSTIC)
    agree, at_odds = alone(told(*drone)).all.odds[0], alone(told(*drone, *bird)).all.odds[0]
    assert agree[0] > 0.8
    assert at_odds[-1] > 10 * agree[-1]
    assert at_odds.max() < 0.6


def test_no_single_kind_makes_anything_near_certain() -> None:
    for k, word in enumerate(CLASSES[:K]):
        loud = told(*(look(1, np.eye(K)[k] * 99, source=s, at=100 * s) for s in range(1, 5)))
        some = alone(loud).all.odds[0]
        limit = PRIOR[word] * K / (PRIOR[word] * K + PRIOR[Class.UNKNOWN])
        assert some[k] < limit < 0.97


def with_anybody(said, sent, scale: float):
    """Return the rows of what sources of ours said, and those rows and what anybody said, in both orders."""
    own = [look(1, v * scale, family=f, source=s, at=9 * k, echo=e) for k, (v, f, s, e) in enumerate(said)]
    of = [(v * scale, f, 100 + s, bool(factor(v) < 0)) for v, f, s, _ in sent]
    other = [look(1, v, family=f, source=s, at=9 * k, anybody=True, calm=c) for k, (v, f, s, c) in enumerate(of)]
    return told(*own), told(*own, *other), told(*other, *own)


@given(statements, statements)
def test_what_anybody_can_send_never_makes_harm_less_likely(said, sent) -> None:
    """A suspect is proposed by the likelier of two views: a sum at its bound may say less than a part of it does."""
    own, *both = with_anybody(said, sent, 1.0)
    for rows in both:
        assert harm(alone(rows).enrolled.odds)[0] == pytest.approx(harm(alone(own).stern.odds)[0], rel=1e-12)


@given(statements, statements)
def test_what_anybody_can_send_never_makes_an_alert_count_less(said, sent) -> None:
    own, *both = with_anybody(said, sent, 1.0)
    for rows in both:
        assert stake(alone(rows))[0] >= stake(alone(own))[0] - 1e-12


def test_a_bird_counts_little_and_a_drone_whole_and_who_says_so_must_be_ours() -> None:
    nothing = stake(alone(told(look(1, nats(), source=1))))[0]
    assert 0.4 < nothing < 0.5
    bird = look(1, nats(BIRD=4.0), source=1), look(1, nats(BIRD=2.0), family=Family.MOTION, source=2, at=9)
    assert stake(alone(told(*bird)))[0] < 0.1
    assert stake(alone(told(look(1, nats(UAV_PISTON=4.0), source=1))))[0] > 0.8
    assert stake(alone(told(look(1, nats(BIRD=4.0), source=1, anybody=True, calm=True))))[0] >= nothing


@given(statements, statements)
def test_below_all_bounds_what_anybody_can_send_makes_harm_likelier_or_nothing(said, sent) -> None:
    own, *both = with_anybody(said, sent, 0.008)
    for rows in both:
        assert harm(alone(rows).stern.odds)[0] >= harm(alone(own).stern.odds)[0] - 1e-12


def test_the_same_words_of_an_enrolled_camera_do_make_harm_less_likely() -> None:
    drone, bird = look(1, nats(UAV_PISTON=3.0), source=1), nats(BIRD=4.0)
    before = harm(alone(told(drone)).stern.odds)[0]
    assert harm(alone(told(drone, look(1, bird, source=2))).stern.odds)[0] < before
    anybody = told(drone, look(1, bird, source=2, anybody=True, calm=True))
    assert harm(alone(anybody).stern.odds)[0] == before
    assert harm(alone(anybody).all.odds)[0] < before  # what is shown as odds is all that was said


def test_the_factor_for_harm_is_bayes_factor() -> None:
    vector = np.random.default_rng(3).normal(size=K)
    prior = np.exp(LOG_PRIOR[:K])
    harmful = np.array([word in HARM for word in CLASSES[:K]])
    for_it = (prior * np.exp(vector))[harmful].sum() / prior[harmful].sum()
    against = (prior * np.exp(vector))[~harmful].sum() / prior[~harmful].sum()
    assert np.isclose(factor(vector), np.log(for_it / against), rtol=1e-12)
    assert factor(np.full(K, 700.0)) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("true", "decibels"), [(Class.UAV_PISTON, -10.0), (Class.AEROPLANE, 10.0), (Class.BIRD, -22.0)]
)
def test_twenty_echoes_tell_large_from_small(true: Class, decibels: float) -> None:
    rng = np.random.default_rng(5)
    mean = np.mean(10 * np.log10(rng.exponential(10 ** (decibels / 10), (200, 20))), 1)
    found = sections(mean, np.full(200, 20.0))
    best = np.bincount(found.argmax(1), minlength=K)
    worst = found[:, CLASSES.index(Class.AEROPLANE)] - found[:, CLASSES.index(Class.UAV_PISTON)]
    assert (worst > 0).mean() > 0.9 if true is Class.AEROPLANE else (worst < 0).mean() > 0.95
    assert best.sum() == 200


def test_radar_does_not_tell_a_decoy_from_what_it_stands_for() -> None:
    found = sections(np.linspace(-40, 30, 50), np.full(50, 9.0))
    assert (found[:, CLASSES.index(Class.DECOY)] == found[:, CLASSES.index(Class.UAV_PISTON)]).all()
