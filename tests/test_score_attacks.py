"""What became of each attack: covered, tracked, warned; and what the sensors could have seen."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import small_raid
from small_raid import NS, SITES, START, Flight

from skywarden.geo.earth import ecef
from skywarden.score import notices, tables
from skywarden.score.attacks import Attacks, Fate, attacks
from skywarden.score.case import Case, Manifest, entries, manifest
from skywarden.score.covered import Looks, blind, detected, first_covered, looks
from skywarden.score.nearby import near, target_of

FOUR = [
    Flight("seen", 0, 0.5, 60_000, 50),
    Flight("unseen", 0, 3.6, 60_000, 50, 6000),
    Flight("lost", 0, 0.6, 60_000, 50, 2000),
    Flight("late", 0, 0.4, 60_000, 50, 4000),
]
ARRIVAL = 1140  # s; (60 km - 3 km) / 50 m/s


def alerts_csv(*rows: tuple[float, str, str, str]) -> bytes:
    lines = [f"{START + round(time * NS)},{site},{track},{event},0" for time, site, track, event in rows]
    return "\n".join(["time_ns,site,track,event,arrival_ns", *lines]).encode()


def four() -> dict[str, bytes]:
    """Return four attacks, one of each fate: warned of in time, not covered, not tracked, warned of late."""
    files = small_raid.files(FOUR)
    rows = files["tracks.csv"].decode().splitlines()
    files["tracks.csv"] = "\n".join(row for row in rows if ",T3," not in row).encode()
    table = np.load(small_raid.BytesIO(files["coverage.npy"]))
    file = small_raid.BytesIO()
    np.save(file, table[table["target"] != 1])
    files["coverage.npy"] = file.getvalue()
    files["alerts.csv"] = alerts_csv(
        (ARRIVAL - 301, "Alpha", "T1", "raised"),
        (ARRIVAL + 5, "Alpha", "T1", "cleared"),
        (4000 + ARRIVAL - 299, "Alpha", "T4", "raised"),
        (4000 + ARRIVAL + 5, "Alpha", "T4", "cleared"),
    )
    return files


def judged(given: Case) -> Attacks:
    return attacks(given, near(given, 500.0))


def test_an_attack_arrives_when_its_level_distance_is_the_radius() -> None:
    came = entries(small_raid.case(small_raid.files(FOUR[:1])))
    assert len(came.time) == 1
    assert abs((came.time[0] - START) / NS - ARRIVAL) < 0.2


def test_each_of_four_attacks_has_its_own_fate() -> None:
    given = small_raid.case(four())
    found = judged(given)
    fates = {given.truth.names[t]: Fate(f) for t, f in zip(found.target.tolist(), found.fate.tolist(), strict=True)}
    assert fates == {"seen": Fate.IN_TIME, "unseen": Fate.NOT_COVERED, "lost": Fate.NOT_TRACKED, "late": Fate.LATE}
    assert sum(found.rate(fate) for fate in Fate) == pytest.approx(1.0)
    assert found.missed() == 0.75


def test_the_lead_is_from_raising_to_arrival() -> None:
    given = small_raid.case(four())
    found = judged(given)
    lead = {given.truth.names[t]: (a, b) for t, a, b in zip(found.target, found.lead, found.own, strict=True)}
    assert lead["seen"] == pytest.approx((301, 301), abs=0.2)
    assert lead["late"] == pytest.approx((299, 299), abs=0.2)
    assert np.isnan(lead["lost"]).all()


@pytest.mark.parametrize(
    ("rows", "in_time"),
    [
        (((700, "Alpha", "T1", "raised"),), True),
        (((700, "Alpha", "T1", "raised"), (ARRIVAL - 1, "Alpha", "T1", "cleared")), False),
        (((700, "Alpha", "T1", "raised"), (900, "Alpha", "T1", "cleared"), (901, "Alpha", "T2", "raised")), False),
        (((700, "Alpha", "T1", "raised"), (902, "Alpha", "T1", "cleared"), (901, "Alpha", "T2", "raised")), True),
        (((700, "Bravo", "T1", "raised"),), False),
        (((839, "Alpha", "T1", "updated"),), True),
    ],
)
def test_the_alarm_must_stand_without_a_gap_until_arrival(rows: tuple, in_time: bool) -> None:
    given = small_raid.case(small_raid.files(FOUR[:1]) | {"alerts.csv": alerts_csv(*rows)})
    assert (judged(given).fate[0] == Fate.IN_TIME) == in_time


def test_an_attack_counts_at_a_site_that_it_was_not_sent_to() -> None:
    files = small_raid.files([Flight("wrong", 0, 0.2, 60_000, 50)])
    files["targets.json"] = files["targets.json"].replace(b'"Alpha"', b'"Bravo"')
    assert judged(small_raid.case(files)).site.tolist() == [0]


def test_traffic_is_no_attack_and_a_pass_outside_the_radius_is_none() -> None:
    flights = [Flight("liner", 0, 0.2, 60_000, 230, raid=False), Flight("passes", 0, 0.2, 60_000, 50, miss=3200.0)]
    given = small_raid.case(small_raid.files(flights))
    assert len(judged(given).target) == 0
    assert len(entries(given).target) == 1


def test_without_a_coverage_table_nothing_is_said_not_to_be_covered() -> None:
    found = judged(replace(small_raid.case(four()), coverage=None))
    assert Fate.NOT_COVERED not in found.fate.tolist()
    assert np.isnan(found.covered).all()


def test_tracked_needs_one_number_for_ten_seconds() -> None:
    files = small_raid.files(FOUR[:1]) | {"alerts.csv": alerts_csv()}
    rows = files["tracks.csv"].decode().splitlines()
    for seconds, expected in ((9, Fate.NOT_TRACKED), (10, Fate.LATE)):
        kept = small_raid.case(files | {"tracks.csv": "\n".join(rows[: seconds + 1]).encode()})
        assert judged(kept).fate[0] == expected


def test_detection_by_one_and_by_two_sensors_is_that_of_all_cases() -> None:
    generator = np.random.default_rng(3)
    pd, revisit = generator.uniform(0, 0.4, (12, 3)), np.array([1.0, 2.0, 4.0])
    second, sensor = np.divmod(np.arange(36), 3)
    table = Looks(np.array([0, 36]), second, sensor, np.log1p(-pd.ravel()) / revisit[sensor])
    each = 1 - np.prod((1 - pd[:7]) ** (1 / revisit), axis=0)
    chance = dict.fromkeys(range(4), 0.0)
    for seen in itertools.product((0, 1), repeat=3):
        chance[sum(seen)] += float(np.prod(np.where(seen, each, 1 - each)))
    assert detected(table, 0, 7.0) == pytest.approx((1 - chance[0], chance[2] + chance[3]))
    assert detected(table, 0, 0.0) == (0.0, 0.0)


def test_the_first_covered_second_is_where_the_probability_reaches_nine_tenths() -> None:
    table = Looks(np.array([0, 5, 5]), np.arange(5) + 10, np.zeros(5, int), np.full(5, np.log(0.5)))
    assert first_covered(table, 0) == 13  # 1 - 0.5^4 = 0.94
    assert first_covered(table, 1) is None


def test_blind_time_is_that_of_a_count_second_by_second() -> None:
    given = small_raid.case(small_raid.files(small_raid.raid(5, 6)))
    table = looks(given)
    assert table is not None
    assert given.coverage is not None
    pd = {(int(s), int(t)): [] for s, t in zip(given.coverage.second, given.coverage.target, strict=True)}
    for s, t, sensor, value in zip(*given.coverage, strict=True):
        pd[int(s), int(t)].append((1 - float(value)) ** (1 / small_raid.SENSORS[sensor]["revisit_s"]))
    rows = {target.name: row for row, target in enumerate(given.targets)}
    for found in blind(given, table):
        site = SITES[found.site]
        at = ecef(np.radians(site["latitude"]), np.radians(site["longitude"]), 0.0)
        seconds = dark = 0
        for time, number, below in zip(given.truth.time, given.truth.id, given.below, strict=True):
            row = rows[given.truth.names[number]]
            if not given.targets[row].raid or np.linalg.norm(below - at) > 30_000:
                continue
            now = (time - START) // NS
            missed = np.prod([x for s in range(now - 59, now + 1) for x in pd.get((s, row), [])])
            seconds, dark = seconds + 1, dark + (1 - missed < 0.9)
        assert (found.seconds, found.blind) == (seconds, dark)
        assert seconds > 1000


def test_a_track_belongs_to_the_target_it_was_nearest_to_most_often() -> None:
    given = small_raid.case(small_raid.files(small_raid.raid(2, 8)))
    owner = target_of(given, near(given, 500.0))
    for row, name in enumerate(given.tracks.names):
        flight = small_raid.raid(2, 8)[int(name[1:].removesuffix("b")) - 1]
        assert given.truth.names[owner[row]] == flight.name


def test_a_track_far_from_all_targets_is_nobodys() -> None:
    files = small_raid.files(FOUR[:1])
    row = files["tracks.csv"].decode().splitlines()[5].split(",")
    row[1], row[2] = "ghost", "44.0"
    files["tracks.csv"] += ("\n" + ",".join(row)).encode()
    given = small_raid.case(files)
    assert target_of(given, near(given, 500.0))[given.tracks.names.index("ghost")] == -1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5,Gamma,T1,raised,9", "line 2, column site: is not in sites.json, which has Alpha, Bravo"),
        ("5,Alpha,T1,fired,9", "line 2, column event: must be raised, updated or cleared"),
    ],
)
def test_a_fault_in_the_alerts_is_named(text: str, said: str) -> None:
    sites = tables.sites(small_raid.files(FOUR[:1])["sites.json"])
    with pytest.raises(tables.TableError, match=said):
        notices.alerts(f"time_ns,site,track,event,arrival_ns\n{text}".encode(), sites)


def test_the_start_is_read_from_the_manifest() -> None:
    assert manifest(b'{"start_ns": 1790000000000000000, "scenario": "A night"}') == Manifest(START, "A night")
    assert manifest(b'{"seed": 1}') == Manifest()
