"""What is watched: ways, cells, who counts, and the word of a site."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watch_world import LATITUDE, SECOND, around, ear, heard, limits, plainly, radar, seen, site, source
from watch_world import settings as installed

from skywarden import geo
from skywarden.model.detection import Node, Reason
from skywarden.model.event import Refused
from skywarden.model.place import SECTORS, Sensor
from skywarden.model.track import Chain, Health, Use
from skywarden.model.watched import CELLS, ENOUGH, HEIGHTS, SHAPE, Watch
from skywarden.service import site_rows
from skywarden.track.nodes import DEAD
from skywarden.track.posts import NODE, salt
from skywarden.watch import WHY, Word, clear, short
from skywarden.watch.alive import Told, begun, broken, judged, noted
from skywarden.watch.posts import posts
from skywarden.watch.stage import TURN, Now, _looked, floored, looked, watched
from skywarden.watch.ways import CROSSING, Ears, nearest
from skywarden.watch.word import blinded, named

NOW = 1_900_000_000 * SECOND
EVERY = settings(deadline=None, max_examples=25)
ALL = range(SHAPE[0] * SHAPE[1] * SHAPE[2])


def places(reach=60.0):
    return st.tuples(st.floats(-reach, reach), st.floats(-reach, reach))


@st.composite
def radars(draw):
    at, k = draw(places(120.0)), draw(st.integers(0, 9))
    return radar(
        f"r{k}",
        *at,
        height_m=draw(st.floats(5.0, 1500.0)),
        revisit_s=draw(st.sampled_from([0.5, 4.0, 12.0, 200.0])),
        detection_probability=draw(st.floats(0.01, 0.999)),
        max_range_m=draw(st.floats(1e3, 3e5)),
        max_elevation_deg=draw(st.sampled_from([5.0, 40.0, 90.0])),
        horizon_deg=draw(st.sampled_from([(), (0.3,), (0.0, 0.6, -0.2)])),
    )


def test_the_kernel_says_what_its_slow_twin_says():
    many = installed((*limits(), *[ear(k, 3.0 * k, 2.0) for k in range(4)]), (site(lead_time_s=60.0),))
    alone = installed(limits())
    assert np.abs(seen(alone) - seen(alone, plainly)).max() < 1e-9
    assert np.abs(seen(many) - seen(many, plainly)).max() < 1e-6  # the twin tries 240,000 moments


@EVERY
@given(st.lists(radars(), max_size=3))
def test_any_radars_are_counted_as_the_twin_counts_them(some):
    one = installed(some, (site(lead_time_s=100.0, height_m=40.0),))
    assert np.abs(seen(one) - seen(one, plainly)).max() < 1e-9


@EVERY
@given(st.lists(radars(), max_size=4), st.lists(places(), max_size=6), st.data())
def test_a_sensor_more_never_lowers_a_cell_and_one_less_never_raises_it(some, spots, data):
    every = [*some, *[ear(k, *spot) for k, spot in enumerate(spots)]]
    less = [one for one in every if data.draw(st.booleans())]
    assert (seen(installed(less)) <= seen(installed(every)) + 1e-12).all()


@EVERY
@given(st.floats(-40e3, 40e3), st.floats(-40e3, 40e3), st.floats(0.0, 3000.0), st.sampled_from([50.0, 140.0, 230.0]))
def test_a_microphone_hears_what_its_twin_hears(x, y, z, speed):
    spot, end, along = np.array([x, y, z]), np.zeros(3), np.array([1.0, 0.0, 0.0])
    away = nearest(end, along, speed, spot, 340.0)
    t = np.linspace(0.0, CROSSING, 100_001)
    apart = np.linalg.norm(speed * t[:, None] * along - spot, axis=1)
    mine = apart[340.0 * t >= apart]
    assert away == (pytest.approx(mine.min(), abs=1.0) if len(mine) else pytest.approx(np.inf) if away > 1e9 else away)
    if not len(mine):
        assert away > 0.99 * 340.0 * CROSSING - 300.0
    ears = Ears(spot[None], 3700.0, 0.3, 0.95, 340.0)
    assert 0.0 <= heard(end, along, speed, spot, ears) <= 0.95


def test_a_way_lies_at_its_height_and_in_its_direction():
    (aim,) = posts(installed([])).aims
    for azimuth in np.radians([0.0, 45.0, 100.0, 250.0]):
        for away in (5e3, 110e3):
            place = around(aim, azimuth, 500.0, away)
            latitude, _, height = geo.geodetic(place)
            assert abs(height - 500.0) < 1.0
            east, north, _ = geo.east_north_up(np.radians(LATITUDE), np.radians(-33.10)) @ (place - aim[:3])
            assert abs((np.arctan2(east, north) - azimuth + np.pi) % (2 * np.pi) - np.pi) < 1e-6
            assert abs(np.hypot(east, north) - away) < 0.001 * away
            assert (latitude > np.radians(LATITUDE)) == (np.cos(azimuth) > 1e-6 or azimuth == 0.0)


def test_a_low_flier_is_hidden_by_the_bulge_of_the_earth_and_a_mast_sees_farther():
    low, high = (seen(installed([radar(height_m=height)])) for height in (10.0, 1000.0))
    assert low[:, 0, 2].max() == 0.0  # 50 m high, 79 km away: the horizon is at 42 km
    assert low[:, 0, 0].min() > 0.9  # the slow one is 20 km away when it is too late
    assert high[:, 0].min() > 0.9


def test_one_sensor_alone_is_never_surer_than_that_it_may_be_blind():
    one = seen(installed([radar(height_m=1000.0, detection_probability=0.999)]))
    two = seen(installed([radar(k, height_m=1000.0, detection_probability=0.999) for k in ("a", "b")]))
    assert one.max() <= 0.95
    assert two.min() > 0.997


def test_a_sector_that_a_sensor_does_not_look_into_is_not_watched():
    value = seen(installed([radar(height_m=1000.0, azimuth_from_deg=-23.0, azimuth_to_deg=200.0)])).min(2)
    cells = named(blinded(np.repeat(value[..., None], 3, 2)))
    assert cells == tuple(f"{sector} {layer}" for layer in ("low", "middle", "high") for sector in ("SW", "W", "NW"))
    assert short(cells).startswith("SW low, W low")


@pytest.mark.parametrize(
    "sensor, why",
    [
        (radar(max_range_m=None), "no max_range_m is configured"),
        (msgspec.structs.replace(radar(), latitude=None, longitude=None), "no place is configured"),
        (radar(source="claims"), "claims and people do not count"),
        (radar(source="people"), "claims and people do not count"),
        (radar(source="nowhere"), "claims and people do not count"),
    ],
)
def test_what_cannot_count_never_does(sensor, why):
    one = installed([sensor])
    kinds = {"claims": "beast", "people": "reports", "one": "asterix"}
    one = msgspec.structs.replace(one, sources=tuple(source(name, kind) for name, kind in kinds.items()))
    watch = begun(posts(one))
    health = tuple(Health(name, 9, last=NOW, marks={"one": (NOW, 5)}) for name in kinds)
    for k in range(100):
        watch = judged(watch, told(health), NOW + k * SECOND // 10)
    assert [WHY[k] for k in watch.why] == [why]


def told(health=(), **rest):
    usual = {"batches": (), "events": (), "head": np.zeros(0, NODE), "settled": Chain(), "faulty": frozenset()}
    return Told(health=health, **{**usual, **rest})


def steady(one, until, change=lambda k, row: row, **rest):
    """Return why a radar does not count at the end, or "": it marks a sector each 0.125 s. change: of its health."""
    watch = begun(posts(one))
    for k in range(until):
        time = NOW + k * SECOND
        row = Health("one", 9 * k, last=time, used=time, marks={"one": (time, 8 * k)})
        watch = judged(watch, told((change(k, row),), **rest), time)
    return WHY[watch.why[0]]


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda _, row: row, ""),
        (lambda k, row: replace(row, marks={}) if k > 0 else row, "silent"),
        (lambda _, row: replace(row, marks={"one": (row.last - 30 * SECOND, row.marks["one"][1])}), "silent"),
        (lambda _, row: replace(row, marks={"one": (row.last + 60 * SECOND, row.marks["one"][1])}), "silent"),
        (lambda _, row: replace(row, spurned=row.last, used=1, why="malformed"), "nothing usable"),
        (lambda k, row: replace(row, refused={Reason.QUOTA: 2 * k}), "too much is refused"),
        (lambda k, row: replace(row, refused={Reason.TOO_FAST: 2 * k}), "too much is refused"),
        (lambda k, row: replace(row, refused={Reason.TOO_LATE: 2 * k}), "too much is refused"),
        (lambda k, row: replace(row, refused={Reason.DUPLICATE: 9 * k, Reason.PAST: k // 2}), ""),
        (lambda k, row: replace(row, marks={"one": (row.last, 8 * k - 5 * max(0, k - 36))}), "too much is refused"),
    ],
)
def test_a_radar_counts_while_it_lives_and_is_of_use(change, why):
    assert steady(installed([radar(revisit_s=5.0)]), 41, change) == why


def test_a_fault_of_registration_keeps_a_sensor_from_counting():
    assert steady(installed([radar()]), 41, faulty=frozenset({"one"})) == "fault"
    assert steady(installed([radar()]), 41, faulty=frozenset({"two"})) == ""


def test_who_has_just_begun_has_shown_nothing_yet():
    assert [steady(installed([radar(revisit_s=5.0)]), n) for n in (1, 10, 20, 22)] == [WHY[5], WHY[5], WHY[5], ""]


def test_detections_that_the_tracker_refuses_and_ticks_without_a_sensor_count_against_it():
    watch = replace(begun(posts(installed([radar()]))), got=np.array([10.0]))
    refused = Refused("one", Reason.TOO_LATE, 3)
    lost = judged(noted(watch, told(events=[refused]), NOW), told(), NOW)
    assert lost.hurt.tolist() == [NOW]
    assert broken(watch, [Refused("one", Reason.DECODER_FAULT, 1)], NOW).hurt.tolist() == [NOW]
    assert broken(watch, [Refused("two", Reason.DECODER_FAULT, 1)], NOW) is watch


@pytest.mark.parametrize(
    "change, why",
    [
        ({}, ""),
        ({"kind": "radar, camera"}, ""),
        ({"kind": "passive rf"}, "not of a kind that sees who keeps quiet"),
        ({"kind": "camera"}, "not of a kind that sees who keeps quiet"),
        ({"state": "error"}, "silent"),
        ({"state": "goodbye"}, "silent"),
        ({"connected": False}, "silent"),
        ({"last": NOW - 60 * SECOND}, "silent"),
    ],
)
def test_a_node_counts_by_what_it_says_of_itself(change, why):
    one = Sensor(name="one", source="one", node_id="x", latitude=36.0, longitude=-33.0, max_range_m=1e5)
    given = msgspec.structs.replace(installed([one]), sources=(source("one", "sapient"),))
    usual = {"name": "one", "id": "x", "kind": "radar", "state": "ok", "mode": "", "interval": 5.0, "connected": True}

    def change_of(_, row):
        return replace(row, nodes=(Node(**{**usual, "last": row.last, **change}),), marks={})

    assert steady(given, 31, change_of) == why
    if not why:
        spurned = {"one": Use(1, NOW + 29 * SECOND, "past")}
        assert steady(given, 31, lambda k, row: replace(change_of(k, row), uses=spurned)) == "nothing usable"


def test_a_microphone_counts_while_it_lives_without_a_fault_and_only_if_it_is_enrolled():
    one = installed([ear(k) for k in (1, 2, 3, 4, 5)])
    nodes = np.zeros(5, NODE)
    nodes["node"] = np.array([1, 2, 3, 4, 9]) ^ salt("ears")
    nodes["alive"], nodes["up"] = NOW, NOW - 600 * SECOND
    nodes["alive"][1] = NOW - DEAD - 1
    nodes["up"][2] = NOW - SECOND
    ill = nodes.copy()
    ill["fault"][3] = 1
    chain = replace(Chain(), beliefs=replace(Chain().beliefs, nodes=ill))
    health = (Health("ears", 9, last=NOW),)
    watch = judged(begun(posts(one)), told(health, head=nodes, settled=chain), NOW)
    hear = dict(zip((watch.posts.ears ^ salt("ears")).tolist(), watch.hearing.tolist(), strict=True))
    assert hear == {1: True, 2: False, 3: False, 4: False, 5: False}
    silent = judged(begun(posts(one)), told((Health("ears", 9, last=NOW - 20 * SECOND),), head=nodes), NOW)
    assert not silent.hearing.any()


def test_all_sites_are_looked_at_within_a_turn_the_longest_waiting_first():
    sites = [site(f"s{k}", 20.0 * k) for k in range(30)]
    one = installed([radar()], sites)
    watch = replace(begun(posts(one)), due=np.arange(30, 0, -1))
    order, ticks = [], 0
    while watch.due.any():
        before, ticks = watch.at, ticks + 1
        watch, _ = _looked(watch, max(1, int(np.ceil(30 * 0.1 / TURN))), one.tracker, NOW + ticks)
        order += np.flatnonzero(watch.at != before).tolist()
    assert ticks * 0.1 <= TURN
    assert order == list(range(29, -1, -1))


def test_only_a_site_that_a_sensor_may_help_is_looked_at_again():
    from skywarden.watch.stage import _due

    one = installed([radar()], [site(), site("far", 900.0)])
    watch = replace(begun(posts(one)), due=np.zeros(2, np.int64))
    assert _due(watch, replace(watch, why=np.zeros(1, np.int64)), one.tracker, 7).due.tolist() == [7, 0]
    assert _due(watch, watch, one.tracker, 7).due.tolist() == [0, 0]


def test_without_sites_nothing_is_asked():
    one = installed([radar()], [])
    nothing = Watch()
    after, events = watched(nothing, Now(None, (), (), NOW), NOW, one)
    assert after is nothing
    assert events == []


@given(st.lists(st.floats(0, 1), min_size=len(ALL), max_size=len(ALL)))
def test_no_rounding_makes_a_cell_watched(values):
    table = np.array(values).reshape(SHAPE)
    assert (floored(table).astype(float) <= table).all()
    assert blinded(floored(table)) & blinded(table) == blinded(table)


def test_what_is_no_number_is_not_watched():
    assert blinded(np.full(SHAPE, np.nan)) == (1 << CELLS) - 1
    assert blinded(np.ones(SHAPE)) == 0


def watch_of(values):
    one = begun(posts(installed([])))
    return replace(one, seen=floored(values)[None], at=np.ones(1, np.int64), blind=np.array([blinded(values)]))


@given(
    st.lists(st.sampled_from([0.0, 0.89, 0.9, 0.95]), min_size=len(ALL), max_size=len(ALL)),
    st.booleans(),
    st.booleans(),
    st.sampled_from(list(ALL)),
)
def test_the_word_is_clear_only_if_all_is_watched_and_nothing_is_there(values, alert, threat, less):
    table = np.array(values).reshape(SHAPE)
    alerts, threats = ["plant"] * alert, ["plant"] * threat
    said = clear("plant", alerts, threats, watch_of(table))
    assert (said.word == Word.CLEAR) == (not alert and not threat and bool((table >= ENOUGH).all()))
    assert (said.word == Word.ALERT) == alert
    lower = table.copy()
    lower.flat[less] = 0.0
    worse = clear("plant", alerts, threats, watch_of(lower))
    assert list(Word).index(worse.word) <= list(Word).index(said.word)
    assert set(said.blind) <= set(worse.blind)


def test_who_was_not_looked_at_and_who_is_not_known_is_not_watched():
    nothing = watch_of(np.ones(SHAPE))
    assert clear("plant", [], [], nothing) == (Word.CLEAR, ())
    for site_name, watch in (
        ("other", nothing),
        ("plant", replace(nothing, at=np.zeros(1, np.int64))),
        ("plant", Watch()),
    ):
        said = clear(site_name, [], [], watch)
        assert said.word == Word.NOT_WATCHED
        assert len(said.blind) == CELLS
        assert short(said.blind) == "all around"


def test_a_layer_is_told_in_one_word():
    assert short([f"{s} low" for s in SECTORS] + ["NE middle"]) == "low all around, NE middle"
    assert short([]) == ""


def test_looking_again_gives_the_same():
    one = installed(limits())
    watch = replace(begun(posts(one)), why=np.zeros(3, np.int64))
    assert (looked(watch, 0, one.tracker) == floored(seen(one))).all()
    assert posts(one).digest == posts(one).digest != posts(installed(limits()[:2])).digest
    assert len(HEIGHTS) == 3
    assert site_rows.rows({}, watch) == []
