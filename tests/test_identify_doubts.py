"""Claims that cannot be true: who is doubted, for how long, and who never is."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from claims_world import SECOND, START, Said, batches, of, told
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden import saved
from skywarden.identify import doubts, table
from skywarden.identify.doubts import doubted, on_tracks, words
from skywarden.identify.places import claimed
from skywarden.model.assessment import Family
from skywarden.model.detection import Claim, Kind, detections
from skywarden.model.known import Known

MOTION, TWO, PLACE = ("impossible motion",), "one identity in two places", ("impossible place",)
A, B = 0x4B1805, 0x3C6444


def last(*said: Said, until: float = 0.0) -> Known:
    return list(told(said, until))[-1]


def flies(rng: np.random.Generator, who: int | str, fastest: float) -> Iterator[Said]:
    """Yield claims of a normal flight over two minutes: turns, errors, losses, a gap, late and by a second feed later.

    A place is up to 600 ms older than it is said to be, on the second feed 5 s.
    """
    course, speed, place = rng.uniform(0, 6.28), rng.uniform(0, fastest), rng.uniform(-20e3, 20e3, 2)
    gap = rng.uniform(5, 100)
    for k in range(240):
        course += rng.normal(0, 0.05)
        place = place + 0.5 * speed * np.array([np.sin(course), np.cos(course)])
        if gap < k / 2 < gap + 10 or rng.random() < 0.3:
            continue
        feed = int(rng.random() < 0.3)
        at = k / 2 + (5.0 if feed else rng.uniform(0, 0.6))
        east, north = place + rng.normal(0, 5, 2)
        yield Said(who, at, east, north, 3000 + rng.normal(0, 150), sensor=("mast", "feed")[feed])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), drone=st.booleans())
def test_who_flies_normally_is_never_doubted(seed: int, drone: bool) -> None:
    rng = np.random.default_rng(seed)
    said = list(flies(rng, "1596X", 40.0) if drone else flies(rng, A, 300.0))
    assert all(set(of(known)) == {()} for known in told(said, slack=0.0))


@pytest.mark.parametrize("who", [A, "1596X"])
def test_one_identity_copied_20_km_away_is_doubted_on_both_tracks_within_5_s(who: int | str) -> None:
    true = [Said(who, k + 0.2, 30.0 * k, label=7) for k in range(6)]
    copy = [Said(who, k + 0.7, 20e3, label=8) for k in range(6)]
    when = [
        known.time
        for known in told(sorted(true + copy, key=lambda one: one.at))
        if all(TWO in said for said in on_tracks(known, np.array([9, 8, 7]))[1:])
    ]
    assert when[0] - START < 5 * SECOND
    known = last(*sorted(true + copy, key=lambda one: one.at))
    assert on_tracks(known, np.array([9, 8, 7]))[0] == ()
    assert len(known.rows) == 1


def test_a_copy_that_another_receiver_hears_is_doubted_as_well() -> None:
    both = [Said(A, k + 0.2 + 0.5 * far, 20e3 * far, sensor=("one", "two")[far]) for k in range(6) for far in (0, 1)]
    assert TWO in of(last(*both))[0]


def test_one_jump_is_impossible_motion_and_no_longer_after_a_minute() -> None:
    said = [Said(A, k, 200.0 * k + 50e3 * (k >= 5)) for k in range(60)]
    known = list(told(said, until=65.2))
    assert of(known[4]) == [()]
    assert of(known[5]) == of(known[-2]) == [MOTION]
    assert known[-2].rows["since"][0] == known[5].time
    assert of(known[-1]) == [()]
    assert known[-1].rows["since"][0] == 0


def test_a_jump_and_the_way_back_are_not_two_places_but_a_second_round_is() -> None:
    once = [Said("S", k, 20e3 * (k == 5)) for k in range(9)]
    assert of(last(*once)) == [MOTION]
    twice = [Said("S", k, 20e3 * (k in (5, 7))) for k in range(9)]
    assert TWO in of(last(*twice))[0]
    later = [Said("S", k, 20e3 * (k in (5, 45))) for k in range(49)]
    assert of(last(*later)) == [MOTION]


def test_two_places_are_the_only_doubt_while_two_transmitters_go_on() -> None:
    said = [Said("S", k / 2, 20e3 * (k % 2) + k) for k in range(200)]
    assert of(last(*said)) == [(TWO,)]


def test_the_other_side_of_the_earth_is_another_place() -> None:
    known, equator = Known(), np.array([[6_378_637.0, 0.0, 0.0]])
    for k in range(2):
        ((batch,), matches) = batches([Said(A, k)])
        known = doubted(known, [replace(batch, z=equator * (-1) ** k)], matches, START + (k + 1) * SECOND)
    assert of(known) == [MOTION]


def test_somebody_at_three_places_is_doubted_too() -> None:
    said = [Said("S", k / 2, 20e3 * (k % 3), 100.0 * k) for k in range(40)]
    assert MOTION[0] in of(last(*said))[0]


def test_what_an_aircraft_can_do_a_drone_cannot() -> None:
    for who, found in ((A, ()), ("1596X", MOTION)):
        assert of(last(*(Said(who, k, 1500.0 * k) for k in range(9)))) == [found]


def test_a_place_that_is_said_again_and_again_grows_old() -> None:
    said = [Said(A, k, 0.2 * (k % 2), up=3000 + k) for k in range(100)] + [Said(A, 100, 25e3)]
    assert of(last(*said)) == [()]
    moving = [Said(A, k, 3.0 * k) for k in range(100)] + [Said(A, 100, 25e3)]
    assert of(last(*moving)) == [MOTION]


def test_one_wrong_height_is_no_doubt_three_are() -> None:
    for high, found in ((1, ()), (3, PLACE)):
        said = [Said(A, k, 200.0 * k, up=33e3 if 5 <= k < 5 + high else 3e3, label=4) for k in range(12)]
        known = last(*said)
        assert of(known) == [found]
        assert on_tracks(known, np.array([4])) == [found]
    assert of(last(*(Said("S", k, up=-900.0) for k in range(4)))) == [PLACE]
    assert of(last(*(Said("S", k, up=-380.0) for k in range(4)))) == [()]  # at the Dead Sea
    assert on_tracks(last(*(Said("S", k, up=-900.0, label=3) for k in range(4))), np.array([3])) == [PLACE]


def test_what_the_decoder_doubts_is_doubted_as_long_as_it_says_so() -> None:
    said = [Said("S", k, k, doubt="message counter stands still" if k < 5 else "", label=2) for k in range(30)]
    known = list(told(said))
    assert of(known[3]) == [("its radio frames contradict it",)]
    assert on_tracks(known[3], np.array([1, 2])) == [(), ("its radio frames contradict it",)]
    assert of(known[12]) != of(known[20]) == [()]


def test_a_vague_place_is_doubted_only_far_beyond_its_error() -> None:
    said = [Said("S", k, 8e3 * (k % 2)) for k in range(9)]
    for sigma, found in ((100.0, True), (5e3, False)):
        known = Known()
        for one in said:
            known = doubted(known, *batches([one], sigma), START + round(one.at * SECOND))
        assert (TWO in of(known)[0]) is found


def test_who_is_not_named_is_not_known() -> None:
    nobody = detections(
        Kind.POSITION, "r", 0, np.zeros(1, np.int64), np.ones((1, 3)), np.eye(3)[None], family=Family.CLAIM
    )
    assert len(doubted(Known(), [nobody], [np.zeros(1, np.int64)], START).rows) == 0
    radio = replace(nobody, claims=(Claim(0, "radio_address", "02:00"),))
    assert len(doubted(Known(), [radio], [np.zeros(1, np.int64)], START).rows) == 1
    measured = replace(radio, family=None)
    assert len(doubted(Known(), [measured], [np.zeros(1, np.int64)], START).rows) == 0


def test_an_identity_is_forgotten_two_minutes_after_its_last_claim() -> None:
    (_, *_, known) = told([Said(A, 0), Said(B, 60)], until=121)
    assert known.rows["identity"].tolist() == [B]


@pytest.mark.parametrize("flooded,other", [("mast", "other"), ("other", "mast")])
def test_thousands_of_made_up_identities_stay_in_their_share_and_push_nobody_out(flooded: str, other: str) -> None:
    true = [Said(A + k, 0.5, 500.0 * k, sensor=other) for k in range(20)]
    known = last(*true)
    for tick in range(3):
        flood = [Said(f"X{tick}-{k}", tick + 1, float(k), sensor=flooded) for k in range(4_000)]
        late = [Said(A + 100 + tick, tick + 1, sensor=other)]
        known = list(told(flood + late, known=known))[-1]
        assert len(known.rows) <= table.MOST
    held = set(known.rows["identity"].tolist())
    assert {A + k for k in (*range(20), 100, 101, 102)} <= held
    assert 12_000 + 23 - table.MOST - 2 <= known.beyond <= 12_000 + 23 - table.MOST  # some made room for `late`
    assert (np.diff(known.rows["identity"]) > 0).all()


def test_who_was_there_before_the_flood_is_still_looked_at() -> None:
    known = last(Said("true", 0.5))
    for k in range(8):
        flood = [Said(f"X{k}-{n}", k + 1, float(n)) for n in range(2_000)]
        copied = [Said("true", k + 1, 20e3 * (k % 2))]
        known = list(told(flood + copied, known=known))[-1]
    assert sum(TWO in said for said in of(known)) == 1


def test_very_many_claims_of_one_identity_in_one_tick_are_looked_at_in_part() -> None:
    many = [Said("S", 0.01 * k / 2000, 40e3 * np.sin(k), 40e3 * np.cos(k)) for k in range(2_000)]
    assert of(last(*many)) == [MOTION]
    said = claimed(*batches(many))
    assert said is not None
    assert len(doubts._steps(said, np.zeros(2_000, np.int64))) <= doubts.TOGETHER
    flooded = [Said("S", t + 0.001 * k, 20e3 * (k != 30)) for t in range(3) for k in range(90)]
    assert TWO in of(last(*flooded))[0]  # its copy is said ninety times as often as itself


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 0.0])
def test_what_is_no_number_and_no_place_breaks_nothing(value: float) -> None:
    z, wide = np.full((4, 3), value), np.full((4, 3, 3), value)
    known = last(Said("true", 0.5, label=3))
    for covariance in (wide, np.tile(np.eye(3), (4, 1, 1)), -np.tile(np.eye(3), (4, 1, 1))):
        for times in ([0, 1, -(2**63), 2**63 - 1], [START] * 4):
            batch = detections(
                Kind.POSITION,
                "mast",
                START,
                np.array(times, np.int64),
                z,
                covariance,
                claims=tuple(Claim(k, "remote_id", "true\udcff" if k else "true") for k in range(4)),
                time_sigma=value,
                family=Family.CLAIM,
            )
            known = doubted(known, [batch], [np.full(4, 2**52)], known.time + SECOND)
    assert PLACE in of(known)
    assert np.isfinite(known.rows["place"]).all()


def test_no_claims_no_tracks_nothing() -> None:
    known = doubted(Known(), [], [], START)
    assert on_tracks(known, np.array([1])) == [()]
    assert on_tracks(known, np.zeros(0, np.int64)) == []
    assert words(0) == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1.0, 1e300])
def test_an_absurd_error_breaks_nothing(value: float) -> None:
    known = last(Said("true", 0.5, label=3))
    for k in range(6):
        ((batch,), matches) = batches([Said("true", k + 1, 90e3 * (k % 2))])
        covariance = np.full((1, 3, 3), value)
        known = doubted(known, [replace(batch, covariance=covariance)], matches, START + (k + 2) * SECOND)
    assert TWO in of(known)[0]  # nothing is taken to be vaguer than some ten kilometres
    assert np.isfinite(known.rows["level"]).all()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([A, B, "S"]), st.integers(0, 3), st.sampled_from("ab")), max_size=12), st.data()
)
def test_batches_in_any_order_give_the_same(some: list[tuple[int | str, int, str]], data: st.DataObject) -> None:
    before = last(Said(A, 0.2), Said("S", 0.2))
    said = [Said(who, 1.0, 9e3 * place, sensor=sensor) for who, place, sensor in some]
    found, matches = batches(said)
    order = data.draw(st.permutations(range(len(found))))
    one = doubted(before, found, matches, START + 2 * SECOND)
    other = doubted(before, [found[k] for k in order], [matches[k] for k in order], START + 2 * SECOND)
    assert one.rows.tobytes() == other.rows.tobytes()


def test_what_is_known_is_saved_and_goes_on_the_same() -> None:
    said = [Said("S", k / 2, 20e3 * (k % 2), label=1 + k % 2) for k in range(4)]
    known = last(*said)
    back = msgspec.msgpack.decode(saved.encoded(known), type=Known, dec_hook=saved._array_in)
    more = [Said("S", 2 + k / 2, 20e3 * (k % 2)) for k in range(3)]
    one, other = (list(told(more, known=state))[-1] for state in (known, back))
    assert one.rows.tobytes() == other.rows.tobytes()
    assert on_tracks(back, np.array([1, 2])) == on_tracks(known, np.array([1, 2])) != [(), ()]
    anew = list(told(more, known=replace(back, layout="other")))[-1]  # of another version
    assert anew.rows["born"].tolist() > one.rows["born"].tolist()
    with pytest.raises(ValueError, match="read-only"):
        known.rows["doubts"] = 0
