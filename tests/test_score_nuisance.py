"""Birds and noise: neither wanted nor false, counted by themselves."""

from dataclasses import replace

import numpy as np
import pytest
import small_raid
from small_raid import Flight

from skywarden.score.case import Case
from skywarden.score.figure import Figure
from skywarden.score.figures import figures
from skywarden.score.nearby import near
from skywarden.score.nuisance import apart, nuisance, nuisances
from skywarden.score.tables import Points
from skywarden.score.verdict import Judged, counts, verdict

LIMIT = 500.0
UAV = Flight("uav", 0, 0.5, 30_000, 50)
FLOCK = Flight("flock", 0, 2.5, 40_000, 15, kind="bird", raid=False, wave="", miss=9000.0)
NEAR_UAV = Flight("duck", 0, 0.5, 30_000, 50, kind="bird", raid=False, wave="", miss=300.0)


def judged(flights: list[Flight], tracks: list[Flight] | None = None, noise: float = 0.0) -> Judged:
    """Return the judgement of perfect tracks of some of the flights."""
    files = small_raid.files(flights)
    followed = flights if tracks is None else tracks
    files["tracks.csv"] = small_raid.tracks_csv(followed, np.random.default_rng(1), np.inf, noise)
    return verdict([small_raid.case(files)], LIMIT)[0]


def values(one: Judged) -> dict[tuple[str, str], float | None]:
    found: list[Figure] = figures([one], np.random.default_rng(1))
    return {(figure.name, figure.of): figure.value for figure in found}


TRACKS = ("gospa.", "ospa.", "siap.", "trajectory.", "first_track.", "segments.", "error.", "followed.")


def of_tracks(one: Judged) -> dict[tuple[str, str], float | None]:
    return {key: value for key, value in values(one).items() if key[0].startswith(TRACKS)}


def test_a_bird_that_is_not_tracked_is_not_missed() -> None:
    alone, with_bird = of_tracks(judged([UAV])), of_tracks(judged([UAV, FLOCK], [UAV]))
    assert with_bird == pytest.approx(alone, nan_ok=True)
    assert with_bird["gospa.missed", ""] < 10


def test_a_good_track_of_a_bird_is_not_false() -> None:
    missed, followed = judged([UAV, FLOCK], [UAV]), judged([UAV, FLOCK])
    assert of_tracks(followed) == pytest.approx(of_tracks(missed), nan_ok=True)
    assert values(missed)["nuisance.followed", ""] == 0
    assert values(followed)["nuisance.followed", ""] == pytest.approx(1, abs=0.01)


def test_a_track_far_from_every_bird_and_target_stays_false() -> None:
    ghost = FLOCK._replace(name="ghost", bearing=4.0, miss=20_000.0)
    given = values(judged([UAV, FLOCK], [UAV, ghost]))
    assert given["gospa.false", ""] > 200
    assert given["siap.spuriousness", ""] > 0.3
    assert given["nuisance.followed", ""] == 0


def test_a_track_near_a_bird_and_near_a_target_is_kept() -> None:
    one = judged([UAV, NEAR_UAV], [UAV])
    assert of_tracks(one)["followed.part", ""] == pytest.approx(1, abs=0.01)
    assert len(one.parts.wanted.tracks) == len(one.case.tracks)
    assert one.nuisance.followed < 130  # only where it flies on after the UAV has come


def test_the_level_distance_decides() -> None:
    """A track 2 km above a bird is the bird's, for many sensors measure no height."""
    high = judged([UAV, FLOCK], [UAV, FLOCK._replace(height=2400.0)])
    assert values(high)["gospa.false", ""] == pytest.approx(values(judged([UAV, FLOCK], [UAV]))["gospa.false", ""])


def test_noise_is_a_nuisance_and_a_helicopter_is_none() -> None:
    def with_class(kind: str) -> float | None:
        return values(judged([UAV, FLOCK._replace(kind=kind)], [UAV]))["gospa.missed", ""]

    noise, helicopter = with_class("ground vehicle or other noise"), with_class("helicopter")
    assert noise is not None
    assert helicopter is not None
    assert noise < 10
    assert helicopter > 250


def test_confusion_keeps_birds() -> None:
    found = values(judged([UAV, FLOCK]))
    assert found["class.seconds", "bird as bird"] > 2000
    assert found["class.right", ""] == 1
    called = judged([UAV, FLOCK], [UAV, FLOCK._replace(kind="one-way UAV piston")])
    assert values(called)["class.seconds", "bird as one-way UAV piston"] > 2000


def test_alerts_for_tracks_of_birds_are_counted() -> None:
    files = small_raid.files([UAV, FLOCK])
    moment = small_raid.START + 300 * small_raid.NS
    files["alerts.csv"] = (
        f"time_ns,site,track,event\n{moment},Alpha,T1,raised\n{moment},Alpha,T2,raised\n"
        f"{moment},Bravo,T2,raised\n{moment},Bravo,nobody,raised\n"
    ).encode()
    files["tracks.csv"] = small_raid.tracks_csv([UAV, FLOCK], np.random.default_rng(1), np.inf, 10.0)
    assert verdict([small_raid.case(files)], LIMIT)[0].nuisance.alerts == 2


def test_curves_over_time_leave_birds_out() -> None:
    one = judged([UAV, FLOCK])
    found = counts(one)
    assert found.targets.max() == found.tracks.max() == 1
    assert found.spare.max() == 0
    assert len(found.time) == len(np.unique(one.case.truth.time))  # also while only the bird flies
    assert found.targets[-1] == 0


def test_followed_part_is_given_by_class() -> None:
    plane = UAV._replace(name="plane", kind="aeroplane", bearing=3.0, raid=False, miss=20_000.0)
    found = values(judged([UAV, plane, FLOCK], [UAV]))
    assert found["followed.part", "one-way UAV piston"] == pytest.approx(1, abs=0.01)
    assert found["followed.part", "aeroplane"] == 0
    assert found["followed.part", ""] == pytest.approx(600 / 1320, abs=0.01)  # the aeroplane flies on for 120 s
    assert ("followed.part", "bird") not in found


def test_a_night_with_birds_only_is_judged() -> None:
    found = values(judged([FLOCK]))
    assert found["nuisance.followed", ""] == pytest.approx(1, abs=0.01)
    assert found["attacks.count", ""] == 0
    assert found["followed.part", ""] is None


def crowded(seed: int) -> Case:
    """Return a case in which tracks wander among targets and birds at random."""
    random = np.random.default_rng(seed)
    flights = [
        Flight(f"f{k}", 0, random.uniform(0, 6), 9000.0, 50, kind="bird" if k % 2 else "decoy", raid=not k % 2)
        for k in range(8)
    ]
    files = small_raid.files(flights)
    files["tracks.csv"] = small_raid.tracks_csv(flights, random, np.inf, 600.0)
    return small_raid.case(files)


def left(given: Case, limit: float) -> Points:
    """Return the tracks that stay, by the rule taken row by row."""
    bird = nuisances(given.truth)
    kept = []
    for time, place in zip(given.tracks.time, given.seen, strict=True):
        now = given.truth.time == time
        close = np.linalg.norm(given.below - place, axis=1) <= limit
        kept.append(bool((now & close & ~bird).any() or not (now & close & bird).any()))
    return given.tracks.take(np.array(kept))


@pytest.mark.parametrize("seed", range(5))
def test_the_rule_row_by_row(seed: int) -> None:
    given = crowded(seed)
    found = apart(given, near(given, LIMIT))
    kept = left(given, LIMIT)
    assert 0 < len(kept) < len(given.tracks)
    assert np.array_equal(found.wanted.tracks.time, kept.time)
    assert np.array_equal(found.wanted.tracks.id, kept.id)
    assert not nuisances(found.wanted.truth).any()
    assert len(found.wanted.seen) == len(found.wanted.tracks)
    assert set(found.pairs.target.tolist()) <= set(np.flatnonzero(~found.nuisance).tolist())


def test_without_birds_nothing_is_copied_or_lost() -> None:
    given = small_raid.case(small_raid.files([UAV]))
    pairs = near(given, LIMIT)
    found = apart(given, pairs)
    assert found.wanted is given
    assert len(found.pairs.time) == len(pairs.time)
    assert nuisance(given, found, np.full(len(given.tracks.names), -1)) == (0, 0, 0)
    assert nuisance(replace(given, tracks=given.tracks.take(given.tracks.time < 0)), found, np.full(1, 0)) == (0, 0, 0)
