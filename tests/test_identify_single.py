"""Single microphones: what they hear is of the track that explains it."""

from dataclasses import replace

import numpy as np
from evidence_world import ABOVE, SECOND, START, flying, nats

from skywarden.identify.rows import K
from skywarden.identify.single import NOBODY, Ears, heard, overheard
from skywarden.model.assessment import Family
from skywarden.model.detection import Detections, Kind, detections

EARS = Ears()


def calls(*places: tuple[float, float], at: float = 0.0) -> Detections:
    """Return a report of each node; places: east and north of the first track's, m, on the ground. at: s."""
    origin = np.array([[ABOVE[0], east, north] for east, north in places])
    n = len(places)
    return detections(
        Kind.PRESENCE,
        "field",
        0,
        np.full(n, START + round(at * SECOND)),
        np.zeros((n, 2)),
        np.tile(np.eye(2), (n, 1, 1)),
        node=np.arange(n),
        origin=origin,
        evidence=np.tile(np.append(nats(UAV_PISTON=2.0), 0.0), (n, 1)),
    )


def test_a_node_below_a_track_hears_it_and_one_far_from_all_hears_nobody() -> None:
    batch = calls((0.0, 0.0), (20_000.0, 500.0), (0.0, 60_000.0))
    row, share = heard(batch.origin, batch.time, flying(3), EARS)
    assert row[:2].tolist() == [0, 1]
    assert share[0] > 0.8
    assert share[1] > 0.8
    assert share[2] == 0.0
    said = list(overheard([batch], flying(3), np.zeros(3, bool), EARS))
    assert [looks.key.tolist() for looks, _, _ in said] == [[101, 102]]
    assert (said[0][0].family == Family.ACOUSTIC).all()
    assert np.allclose(said[0][0].nats[:, 0], 2.0 * share[:2])


def test_shares_are_those_of_a_plain_reckoning() -> None:
    from math import erfc, log, sqrt

    tracks, rng = flying(4), np.random.default_rng(2)
    tracks = replace(tracks, mean=tracks.mean * 1.0, existence=np.array([1.0, 0.7, 1.0, 0.4]))
    tracks.mean[:, 1:3] = rng.uniform(-5000, 5000, (4, 2))
    batch = calls(*rng.uniform(-6000, 6000, (30, 2)), at=3.0)
    row, share = heard(batch.origin, batch.time, tracks, EARS)
    for k in range(30):
        chances = []
        for j in range(4):

            def apart(since: float, j: int = j, k: int = k) -> float:
                return float(np.linalg.norm(tracks.mean[j, :3] + tracks.mean[j, 3:] * since - batch.origin[k]))

            since = 3.0
            then = apart(since - apart(since) / EARS.sound)
            away = sqrt(then**2 + 3 * 100.0**2)
            chances.append(0.5 * 0.95 * erfc(log(away / 3700.0) / 0.3 / sqrt(2.0)) * tracks.existence[j])
        best = int(np.argmax(chances))
        expected = chances[best] / (sum(chances) + NOBODY)
        assert abs(share[k] - expected) < 1e-3  # those beyond three sigmas of reach are left out
        assert row[k] == best or expected < 1e-3


def test_what_two_tracks_explain_alike_is_nobodys() -> None:
    tracks = flying(2)
    tracks = replace(tracks, mean=tracks.mean * 1.0)
    tracks.mean[1, 1] = 200.0
    assert list(overheard([calls((100.0, 0.0))], tracks, np.zeros(2, bool), EARS)) == []


def test_the_sound_of_a_fast_one_comes_from_where_it_was() -> None:
    jet = flying(1, speed=200.0)  # to the north
    row, share = heard(calls((0.0, -4000.0)).origin, np.array([START]), jet, EARS)
    slow_row, slow = heard(calls((0.0, -4000.0)).origin, np.array([START]), flying(1, speed=1.0), EARS)
    assert share[0] > 0.9 > 0.8 > slow[0]
    assert row[0] == slow_row[0] == 0


def test_tracks_that_are_not_shown_or_that_are_anywhere_hear_nothing() -> None:
    tracks = flying(1)
    vague = replace(tracks, covariance=np.tile(np.eye(6) * 5000.0**2, (1, 1, 1)))
    hidden = replace(tracks, status=np.zeros(1, np.int8))
    for some in (vague, hidden, tracks.take(np.zeros(0, np.int64))):
        assert list(overheard([calls((0.0, 0.0))], some, np.zeros(len(some), bool), EARS)) == []


def test_a_report_without_numbers_says_nothing() -> None:
    batch = calls((0.0, 0.0), (0.0, 100.0))
    silent = replace(batch, evidence=np.zeros((2, K + 1)))
    broken = replace(batch, evidence=np.full((2, K + 1), np.nan))
    assert list(overheard([silent, broken], flying(1), np.zeros(1, bool), EARS)) == []


def test_many_nodes_and_tracks_are_taken_in_parts_with_the_same_result(monkeypatch) -> None:
    rng = np.random.default_rng(4)
    batch, tracks = calls(*rng.uniform(-30_000, 30_000, (40, 2))), flying(5)
    whole = list(overheard([batch], tracks, np.zeros(5, bool), EARS))
    monkeypatch.setattr("skywarden.identify.single.BLOCK", 35)
    parts = list(overheard([batch], tracks, np.zeros(5, bool), EARS))
    assert len(parts) > len(whole) == 1
    for name in ("key", "node", "nats"):
        joined = np.concatenate([getattr(looks, name) for looks, _, _ in parts])
        assert (joined == getattr(whole[0][0], name)).all()


def test_a_track_that_only_says_itself_where_it_is_takes_nothing_from_the_others() -> None:
    tracks = flying(2)
    tracks.mean[1, 1] = 300.0
    assert list(overheard([calls((100.0, 0.0))], tracks, np.zeros(2, bool), EARS)) == []
    ((looks, _, _),) = overheard([calls((100.0, 0.0))], tracks, np.array([False, True]), EARS)
    assert looks.key.tolist() == [101]


def test_a_node_that_is_not_in_the_configuration_counts_for_harm_only() -> None:
    batch = replace(calls((0.0, 0.0), (0.0, 100.0)), enrolled=np.array([False, True]))
    calm = replace(batch, evidence=np.tile(np.append(nats(HELICOPTER=3.0), 0.0), (2, 1)))
    ((looks, _, _),) = overheard([calm], flying(1), np.zeros(1, bool), EARS)
    assert (looks.anybody.tolist(), looks.calm.tolist()) == ([True, False], [True, False])
    ((looks, _, _),) = overheard([batch], flying(1), np.zeros(1, bool), EARS)
    assert looks.calm.tolist() == [False, False]
    assert looks.harm[0] > 0.3


def test_one_very_fast_track_does_not_make_the_others_slow_to_look_at() -> None:
    from skywarden.identify.single import _near

    tracks = flying(50)
    fast = replace(tracks, mean=tracks.mean.copy())
    fast.mean[0, 5] = 3000.0
    batch = calls(*[(20_000.0 * k, 0.0) for k in range(50)])
    plain, wide = (len(_near(batch.origin, batch.time, some, EARS)[0]) for some in (tracks, fast))
    assert wide - plain <= 50


def test_each_node_is_heard_once_in_five_seconds_whenever_it_reports() -> None:
    from skywarden.identify.stage import _listens

    for phase in (0, 50, 130, 390, 999):
        times = [START + second * SECOND + phase * SECOND // 1000 for second in range(50)]
        heard_at = [k for k, time in enumerate(times) if _listens(time)]
        assert np.diff(heard_at).tolist() == [5] * (len(heard_at) - 1)
        assert len(heard_at) == 10
