"""Identities: evidence in, odds, categories and reasons out."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from evidence_world import ABOVE, SECOND, START, flying, look, nats
from hypothesis import given
from hypothesis import strategies as st

from skywarden.identify import Before, Given, Heard, IdentifySettings, identify, reasons
from skywarden.identify.category import CATEGORIES, WORDS, Known, ruled
from skywarden.identify.rows import K, added, viewed
from skywarden.identify.weigh import FAMILIES, Weighed, odds
from skywarden.model.assessment import CLASSES, Category, Class, Family
from skywarden.model.detection import Claim, Detections, Kind, Reporter, detections
from skywarden.model.evidence import Evidence
from skywarden.model.track import Picture, TrackKind
from skywarden.pipeline import UNREADABLE, Line
from skywarden.saved import digest

SETTINGS = IdentifySettings()
GIVEN = Given(SETTINGS)
DRONE, BIRD, PLANE = nats(UAV_PISTON=4.0, DECOY=4.0), nats(BIRD=4.0), nats(AEROPLANE=4.0, HELICOPTER=4.0)


def seen(
    sensor: str,
    says: np.ndarray,
    at: float,
    *,
    kind: Kind = Kind.DIRECTION,
    family: Family | None = None,
    enrolled: bool = True,
    reporter: Reporter = Reporter.DEVICE,
    claims: tuple[Claim, ...] = (),
) -> Detections:
    """Return one detection that says something. at: s."""
    width = {Kind.DIRECTION: 2, Kind.POLAR: 4, Kind.POSITION: 3, Kind.PLANE: 2}[kind]
    return detections(
        kind,
        sensor,
        0,
        np.array([START + round(at * SECOND)]),
        np.ones((1, width)),
        np.eye(width)[None],
        evidence=np.append(says, 0.0)[None],
        family=family,
        enrolled=enrolled,
        reporter=reporter,
        claims=claims,
    )


class Watch:
    """One track, looked at once a second. Only a region is known of it, so that it says nothing by its motion."""

    def __init__(self, kind: TrackKind = TrackKind.WEDGE) -> None:
        self.tracks = replace(flying(1), kind=np.array([kind], np.int8))
        self.sensors = ("camera", "radar", "adsb", "someone", "citizen")
        self.before, self.at, self.given = Before((), Evidence(), START), 0.0, GIVEN

    def go(self, *batches: Detections, seconds: float = 1.0):
        self.at += seconds
        time = START + round(self.at * SECOND)
        by, when = self.tracks.seen_by.copy(), self.tracks.seen_at.copy()
        for batch in batches:
            k = self.sensors.index(batch.sensor)
            by[0] = [k, *[s for s in by[0].tolist() if s != k]][:4]
            when[0] = time  # all alike, enough here
        self.tracks = replace(self.tracks, seen_by=by, seen_at=when)
        heard = Heard(batches, [np.array([101])] * len(batches), self.sensors)
        identities, evidence = identify(self.before, self.tracks, heard, time, self.given)
        self.before = Before(identities, evidence, time)
        return identities[0]


def test_two_kinds_make_a_suspect_and_one_that_hears_or_looks_on_does_not() -> None:
    watch = Watch()
    assert watch.go().category is Category.UNKNOWN
    assert watch.go(seen("citizen", DRONE, 1, reporter=Reporter.CITIZEN)).category is Category.UNKNOWN
    found = watch.go(seen("radar", nats(UAV_PISTON=2.0, UAV_JET=2.0, DECOY=2.0), 2, kind=Kind.POLAR))
    assert found.category is Category.SUSPECT
    assert found.why == "two kinds of evidence speak for what comes to do harm"
    assert len(found.odds) == len(CLASSES)
    assert found.odds[0] > 0.3


def test_a_new_track_is_pending_until_something_is_known() -> None:
    watch = Watch()
    watch.tracks = replace(watch.tracks, since=np.array([START]))
    assert watch.go().category is Category.PENDING
    assert watch.go(seconds=20).category is Category.UNKNOWN
    assert watch.go().why == "nothing was said of what it is"


def test_the_system_never_says_hostile_and_friend_by_one_rule_only() -> None:
    assert Category.HOSTILE not in CATEGORIES
    assert [WORDS[k] for k, word in enumerate(CATEGORIES) if word is Category.FRIEND] == [
        "a flight of ours, followed without a break from its start"
    ]


def test_an_aeroplane_that_says_who_it_is_and_is_measured_there_is_neutral_and_only_then() -> None:
    watch = Watch()
    claim = seen("adsb", nats(), 0, kind=Kind.POSITION, family=Family.CLAIM, claims=(Claim(0, "callsign", "ABC"),))
    said = watch.go(claim)
    assert said.category is Category.UNKNOWN
    assert said.claimed_only
    for second in range(3):
        found = watch.go(claim, seen("camera", PLANE, second), seen("radar", PLANE, second, kind=Kind.POLAR))
    assert found.category is Category.NEUTRAL
    assert not found.claimed_only
    assert found.claims == {"callsign": "ABC"}
    alone = Watch()
    for second in range(3):
        found = alone.go(seen("camera", PLANE, second), seen("radar", PLANE, second, kind=Kind.POLAR))
    assert found.category is Category.UNKNOWN
    assert found.odds[CLASSES.index(Class.AEROPLANE)] > 0.7


def test_a_suspect_that_claims_to_be_an_airliner_stays_a_suspect() -> None:
    watch = Watch()
    claim = seen("adsb", PLANE, 0, kind=Kind.POSITION, family=Family.CLAIM, enrolled=False)
    for second in range(3):
        watch.go(seen("camera", DRONE, second), seen("radar", DRONE, second, kind=Kind.POLAR))
    for second in range(30):
        assert watch.go(replace(claim, time=claim.time + second * SECOND)).category is Category.SUSPECT


sent = st.lists(
    st.tuples(
        st.lists(st.floats(-9, 9), min_size=K, max_size=K).map(np.array),
        st.sampled_from([Reporter.CITIZEN, Reporter.OBSERVER, Reporter.DEVICE]),
        st.sampled_from([*Family]),
    ),
    max_size=8,
)


@given(sent)
def test_no_message_that_anybody_can_send_ends_or_prevents_a_suspect(messages) -> None:
    watch = Watch()
    for second, (says, reporter, family) in enumerate(messages):
        watch.go(seen("someone", says, second, reporter=reporter, family=family, enrolled=False))
    own = [seen("camera", DRONE, 20.0), seen("radar", DRONE, 20.0, kind=Kind.POLAR)]
    assert watch.go(*own).category is Category.SUSPECT
    for second, (says, reporter, family) in enumerate(messages):
        some = seen("someone", says, 21.0 + second, reporter=reporter, family=family, enrolled=False)
        assert watch.go(some).category is Category.SUSPECT


@given(sent)
def test_no_message_that_anybody_can_send_makes_a_track_count_less(messages) -> None:
    """Nor does the motion of a track that such messages have moved: it flies fast and high, like an airliner."""
    watch, quiet = Watch(TrackKind.POINT), Watch(TrackKind.POINT)
    for one in (watch, quiet):
        one.go(seen("camera", nats(UAV_PISTON=1.0, AEROPLANE=1.5), 0.0))
    for second, (says, reporter, family) in enumerate(messages, 1):
        some = seen("someone", says, second, reporter=reporter, family=family, enrolled=False)
        assert watch.go(some).stake >= quiet.go().stake - 1e-3


def test_a_suspect_does_not_flicker_at_the_limit() -> None:
    by = np.zeros((2, FAMILIES, K))
    by[:, Family.CAMERA, 0] = by[:, Family.RADAR, 0] = 2.0
    chances = np.tile(np.append(np.full(K, 0.0), 0.0), (2, 1))
    chances[:, 0], chances[:, -1] = 0.4, 0.6
    one = Weighed(by, chances)
    known = Known(
        one,
        one,
        one,
        np.array([True, False]),
        np.zeros(2, bool),
        np.full(2, 99.0),
        np.zeros(2, bool),
        np.zeros(2, bool),
    )
    assert [CATEGORIES[k] for k in ruled(known, SETTINGS)] == [Category.SUSPECT, Category.UNKNOWN]


def test_each_track_is_judged_once_a_second_and_not_all_in_one_tick() -> None:
    tracks = flying(200)
    before, judged = Before((), Evidence(), START), []
    for tick in range(1, 31):
        time = START + tick * SECOND // 10
        identities, evidence = identify(before, tracks, Heard((), (), ()), time, GIVEN)
        judged.append(sum(a is not b for a, b in zip(identities, before.identities, strict=False)))
        before = Before(identities, evidence, time)
    assert all(len(one.odds) == len(CLASSES) for one in before.identities)  # the new ones were, in the first tick
    assert sum(judged[1:11]) == sum(judged[11:21]) == 200
    assert max(judged[1:]) <= 30


def test_evidence_on_a_track_without_a_number_counts_once_it_has_one() -> None:
    watch = Watch()
    young = replace(watch.tracks, number=np.array([0]))
    heard = Heard([seen("camera", DRONE, 0)], [np.array([101])], watch.sensors)
    identities, evidence = identify(watch.before, young, heard, START + SECOND, GIVEN)
    assert identities == ()
    watch.before = Before(identities, evidence, START + SECOND)
    assert watch.go().odds[0] > 0.3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_evidence_that_is_no_number_is_left_out(bad: float) -> None:
    watch = Watch()
    says = DRONE.copy()
    says[3] = bad
    watch.go(seen("camera", says, 0))
    assert len(watch.before.evidence.rows) == 0
    assert np.isfinite(watch.go(seen("camera", DRONE, 1)).odds).all()


def test_names_that_nobody_needs_any_more_are_let_go() -> None:
    watch = Watch()
    watch.go(seen("camera", DRONE, 0))
    stale = {str(k): k for k in range(1000)} | watch.before.evidence.names
    watch.before = replace(watch.before, evidence=replace(watch.before.evidence, names=stale))
    watch.go()
    assert watch.before.evidence.names == {k: v for k, v in stale.items() if k == "camera"}


def test_reasons_name_each_source_with_what_it_said_and_how_old_it_is() -> None:
    watch = Watch()
    watch.go(seen("camera", DRONE, 0), seen("citizen", BIRD, 0, reporter=Reporter.CITIZEN))
    watch.go(seen("camera", DRONE, 10), seconds=10)
    why = reasons(watch.before.evidence, 1, START + 20 * SECOND)
    camera, citizen = why.reasons
    assert (camera.source, camera.kind, camera.for_, camera.looks, camera.counts) == (
        "camera", "camera", "one-way UAV piston", 2, True,
    )  # fmt: skip
    assert (camera.first_s, camera.last_s) == (20.0, 10.0)
    assert camera.nats == 4.0
    assert camera.harm > 2
    assert (citizen.source, citizen.for_, citizen.counts) == ("citizen", "bird", False)
    assert citizen.harm < 0
    assert list(why.kinds) == ["camera"]
    assert next(iter(why.odds)) == "one-way UAV piston"
    assert abs(sum(why.odds.values()) - 1) < 0.02
    assert msgspec.json.decode(msgspec.json.encode(why))["reasons"][0]["for"] == "one-way UAV piston"
    assert reasons(watch.before.evidence, 2, START).reasons == []


def test_rows_of_another_version_are_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        viewed(np.zeros(2, "V9"))
    rows = added(viewed(np.zeros(0, "V8")), look(1, DRONE), START)
    assert np.isclose(odds(np.zeros((1, FAMILIES, K))).sum(), 1)
    assert len(rows) == 1


def test_how_a_track_flies_is_a_weak_reason_of_its_own() -> None:
    watch = Watch(TrackKind.POINT)
    for _ in range(100):
        found = watch.go()
    (one,) = reasons(watch.before.evidence, 1, START + 100 * SECOND).reasons
    assert (one.source, one.kind, one.looks) == ("how it flies", "motion", 100)
    assert one.nats <= 2.0
    assert one.harm > 0.3  # 50 m/s, 1 km up
    assert found.category is Category.UNKNOWN
    fast = Watch(TrackKind.POINT)
    fast.tracks.mean[:, 5] = 230.0
    assert fast.go().odds[CLASSES.index(Class.CRUISE)] > 1.5 * found.odds[CLASSES.index(Class.CRUISE)]


def test_a_height_is_counted_from_the_ground_of_the_sites() -> None:
    high = Watch(TrackKind.POINT)
    high.given = Given(SETTINGS, ground=-8000.0)
    low = Watch(TrackKind.POINT)
    low.given = Given(SETTINGS, ground=900.0)
    helicopter = CLASSES.index(Class.HELICOPTER)
    assert high.go().odds[helicopter] < 0.8 * low.go().odds[helicopter]


def test_a_saved_picture_has_the_evidence_in_it_and_one_of_another_version_is_refused() -> None:
    watch = Watch()
    watch.go(seen("camera", DRONE, 0), seen("radar", DRONE, 0, kind=Kind.POLAR))
    picture = Picture(START, identities=watch.before.identities, evidence=watch.before.evidence)
    line = Line.restore(Line(picture=picture).save())
    assert line.picture is not None
    assert line.picture.evidence.names == picture.evidence.names
    assert viewed(line.picture.evidence.rows).tobytes() == viewed(picture.evidence.rows).tobytes()
    assert digest(line.picture) == digest(picture) != digest(Picture(START, identities=picture.identities))
    other = replace(picture, evidence=replace(picture.evidence, rows=np.ones(2, "V9")))
    with pytest.raises(UNREADABLE):
        Line.restore(Line(picture=other).save())


def test_what_cannot_be_true_of_a_claim_is_said_and_makes_nobody_civil() -> None:
    watch = Watch()
    two = ABOVE + np.array([[9000.0, 0.0, 0.0], [9000.0, 40_000.0, 0.0]])
    for second in range(12):
        claim = seen("adsb", nats(), second, kind=Kind.POSITION, family=Family.CLAIM)
        claim = replace(claim, z=two[second % 2][None], address=np.array([0x4CA7B5]))
        found = watch.go(claim, seen("camera", PLANE, second), seen("radar", PLANE, second, kind=Kind.POLAR))
    assert found.doubts == ("one identity in two places", "impossible motion")
    assert found.category is Category.UNKNOWN
    assert found.odds[CLASSES.index(Class.AEROPLANE)] > 0.7
    for second in range(12, 90):
        found = watch.go(seen("camera", PLANE, second))
    assert found.doubts == ()


def test_claims_that_move_a_track_do_not_speak_for_it_by_its_motion() -> None:
    """A UAV that makes its track fly like a bird by what it sends stays what radar and camera say."""
    alone, moved = Watch(TrackKind.POINT), Watch(TrackKind.POINT)
    for watch in (alone, moved):
        watch.tracks.mean[:, 0], watch.tracks.mean[:, 5] = 6_378_137.0 + 100.0, 12.0
    weak = nats(UAV_PISTON=0.75, UAV_JET=0.75, DECOY=0.75, CRUISE=0.75, BALLISTIC=0.75)
    for second in range(1):
        own = [seen("camera", weak, second), seen("radar", weak, second, kind=Kind.POLAR)]
        first = alone.go(*own)
        claim = seen("adsb", nats(), second, kind=Kind.POSITION, family=Family.CLAIM)
        second_one = moved.go(*own, claim)
    assert first.odds == second_one.odds  # what people read counts all
    assert first.category is Category.UNKNOWN
    assert second_one.category is Category.SUSPECT


def test_four_receivers_of_claims_do_not_hide_that_a_radar_measures_it() -> None:
    watch = Watch()
    watch.sensors = (*watch.sensors, "adsb 2", "adsb 3", "adsb 4")
    watch.go(seen("radar", nats(), 0, kind=Kind.POLAR))
    names = ("adsb", "adsb 2", "adsb 3", "adsb 4")
    claims = [seen(name, nats(), 1, kind=Kind.POSITION, family=Family.CLAIM) for name in names]
    assert not watch.go(*claims).claimed_only
    assert watch.go(*claims, seconds=40).claimed_only
