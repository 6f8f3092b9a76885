"""Recorded flights: they pass where they were recorded, faults are left out and counted, gaps cut them."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import make_smoothing_spline

from skywarden.errors import ConfigError
from skywarden.geo import ecef, geodetic
from skywarden.sim.flight.faults import cleaned
from skywarden.sim.flight.formats import METRES, fixes
from skywarden.sim.flight.recording import fitted, flown, stiffness
from skywarden.sim.flight.smooth import smooth
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Recording
from skywarden.sim.sky import Sky

TRACKS = Path(__file__).parents[2] / "shared" / "data" / "tracks"
needs_tracks = pytest.mark.skipif(not TRACKS.exists(), reason="recorded tracks are not here")
ORIGIN = (29.5, -45.75)
START = 1_600_000_000


def csv(rows: list[tuple[float, float, float, float]], icao24: str = "abc123") -> str:
    lines = [f"{t},{icao24},TEST 1,{lat:.6f},{lon:.6f},{feet}" for t, lat, lon, feet in rows]
    return "t,icao24,callsign,latitude,longitude,altitude\n" + "\n".join(lines) + "\n"


def straight(seconds: range, speed: float = 100.0) -> list[tuple[float, float, float, float]]:
    """Return a flight to the north at `speed` m/s and 3,000 ft over the sea."""
    return [(START + s, 29.5 + speed * s / 110_850, -45.75, 3000.0) for s in seconds]


def sky(text: str | bytes, seconds: int = 600, name: str = "a.csv", **options: object) -> Sky:
    data = text if isinstance(text, bytes) else text.encode()
    return flown(Recording(file=name, **{"kind": Kind.LIGHT, **options}), {name: data}, ORIGIN, seconds)


def test_a_straight_flight_is_flown_as_it_was() -> None:
    fliers = sky(csv(straight(range(0, 200, 4), 60.0)))
    assert (fliers.first[0], fliers.count[0]) == (0, 197)
    speed = np.linalg.norm(fliers.velocity, axis=1)
    assert np.abs(speed - 60.0).max() < 0.2
    latitude, _, height = geodetic(fliers.position)
    assert np.abs(np.degrees(latitude) - 29.5 - 60.0 * np.arange(197) / 110_850).max() * 110_850 < 1
    assert np.ptp(height) < 1
    target = fliers.targets[0]
    assert (target.address, target.callsign) == (0xABC123, "TEST1")


def test_a_gap_of_more_than_half_a_minute_cuts_a_flight() -> None:
    fliers = sky(csv(straight(range(0, 100, 5), 60.0) + straight(range(150, 200, 5), 60.0)))
    assert fliers.first.tolist() == [0, 150]
    assert fliers.count.tolist() == [96, 46]
    assert [target.address for target in fliers.targets] == [0xABC123] * 2


def test_a_jump_a_repeat_and_a_wrong_height_are_left_out_and_counted() -> None:
    rows = straight(range(100), 60.0)
    rows[30] = (rows[30][0], rows[30][1] + 0.5, *rows[30][2:])  # 55 km away
    rows[60:63] = [(row[0], *rows[59][1:]) for row in rows[60:63]]  # not heard for 3 s
    rows[80] = (*rows[80][:3], 39_000.0)
    found = cleaned(fixes("a.csv", csv(rows).encode()), KINDS[Kind.LIGHT].speed[1])
    assert (found.jumps, found.repeated, found.heights) == (1, 3, 1)
    fliers = sky(csv(rows))
    assert len(fliers) == 1
    assert np.abs(np.linalg.norm(fliers.velocity, axis=1) - 60.0).max() < 1


def test_who_stands_still_is_not_a_repeat() -> None:
    rows = [(START + s, 29.5, -45.75, 300.0) for s in range(50)]
    found = cleaned(fixes("a.csv", csv(rows).encode()), 70.0)
    assert (found.repeated, len(found.pieces[0].time)) == (0, 50)


def test_the_time_that_is_second_0_the_number_and_the_transponder_can_be_told() -> None:
    text = csv(straight(range(100), 60.0)) + csv(straight(range(100), 60.0), "def456").partition("\n")[2]
    fliers = sky(text, start="2020-09-13T12:27:00Z", transponder=False)  # 20 s after START
    assert (fliers.first.tolist(), fliers.count.tolist()) == ([0, 0], [80, 80])
    assert all(target.address == -1 and not target.callsign for target in fliers.targets)
    assert len(sky(text, limit=1)) == 1
    assert sky(text, 50).count.tolist() == [51, 51]


def test_moving_a_recording_keeps_its_shape() -> None:
    text = csv([(t, lat + 20, lon + 50, feet) for t, lat, lon, feet in straight(range(200), 60.0)])
    here, there = sky(text), sky(text, move=True)
    middle = np.degrees([angle[100] for angle in geodetic(there.position)[:2]])
    assert np.abs(middle - ORIGIN).max() < 1e-3
    for one in (here, there):
        assert np.allclose(np.linalg.norm(np.diff(one.position, axis=0), axis=1), 60.0, atol=0.3)
    between = [np.linalg.norm(one.position[150] - one.position[20]) for one in (here, there)]
    assert abs(between[0] - between[1]) < 1e-6
    assert np.allclose(np.linalg.norm(here.velocity, axis=1), np.linalg.norm(there.velocity, axis=1), atol=1e-9)


def test_an_igc_file_is_read_past_midnight_and_without_fixes_that_are_none() -> None:
    head = "AXXX\nHFDTE311219\n"
    good = "B{time}2930{m:03d}N04545000WA0100001050\n"
    lines = [good.format(time=f"2359{s:02d}", m=100 + s) for s in range(50, 60)]
    lines += [good.format(time=f"0000{s:02d}", m=110 + s) for s in range(10)]
    lines.insert(5, "B2359552930999N04545000WV0100000000\n")
    found = fixes("a.igc.gz", gzip.compress((head + "".join(lines)).encode()))[0]
    assert np.diff(found.time).tolist() == [1.0] * 19
    assert found.time[0] == 1577836790  # 2019-12-31T23:59:50Z
    assert np.degrees([found.latitude[0], found.longitude[0]]) == pytest.approx([29.5 + 0.15 / 60, -45.75])
    assert set(found.height) == {1050.0}


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.csv", b"x,y\n1,2\n", "must name t, latitude, longitude (and icao24, callsign, altitude or geoaltitude in"),
        ("a.csv", b"timestamp,latitude,longitude\n", "or timestamp, latitude, longitude, altitude (metres; may be"),
        ("a.csv", b"t,latitude,longitude\n2021-10-07T12:00:00,1,2\n", '"2021-10-07T12:00:00" has no zone; write it'),
        (
            "a.csv.gz",
            gzip.compress(b"t,latitude,longitude\n" * 100, mtime=0)[:-9],
            "a.csv.gz is cut short or damaged: Comp",
        ),
        ("a.csv.gz", b"no", "a.csv.gz is not a gzip file"),
        ("a.igc", b"HFDTE011219\n", "a.igc has no B records"),
        ("a.igc", b"HFDTE991399\n", "a.igc has no date that there is"),
        ("a.csv", b"t,latitude,longitude\n", "a.csv has no flight with two positions"),
        ("a.csv", b"t,latitude,longitude\nnoon,1,2\nnan,1,2\n3,nan,2\n", "a.csv has no flight with two positions"),
        ("a.csv", csv(straight(range(50), 400.0)).encode(), 'a.csv is too fast for kind = "light-aircraft"'),
        ("a.csv", b't,latitude,longitude\n"' + b"a" * 200_000, "a.csv is not a CSV file"),
        ("a.csv", csv(straight(range(50))).encode(), "a.csv has no flight within the 600 s from 2030-"),
    ],
)
def test_a_recording_that_cannot_be_used_is_refused_with_a_reason(name: str, data: bytes, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sky(data, name=name, start="2030-01-01T00:00:00Z" if "within" in says else "")
    assert says in str(caught.value)


def test_rows_that_are_no_positions_are_passed_over() -> None:
    bad = csv([]) + "noon,none,,x,y,z\nnan,none,,1,2,3\n" + csv(straight(range(50), 60.0)).partition("\n")[2]
    assert sky(bad).count.tolist() == [50]


def test_the_smoothing_spline_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    time = np.sort(rng.uniform(0, 100, 70))
    values = np.cumsum(rng.normal(size=(70, 2)), axis=0)
    at = np.linspace(time[0], time[-1], 300)
    for penalty in (0.1, 7.0, 900.0):
        place, slope = smooth(time, values, at, penalty)
        for column in (0, 1):
            theirs = make_smoothing_spline(time, values[:, column], lam=penalty)
            assert np.abs(place[:, column] - theirs(at)).max() < 1e-8
            assert np.abs(slope[:, column] - theirs(at, 1)).max() < 1e-8


FILES = [
    ("aircraft/dev/gliders_cevennes.csv.gz", Kind.GLIDER, 20),
    ("aircraft/dev/ambulances_rega_sg.csv.gz", Kind.HELICOPTER, 20),
    ("aircraft/dev/noisy_noisy_time_issue.csv.gz", Kind.AIRLINER, 40),
    ("uav_slow/dev/paraglider_olsztyn.igc.gz", Kind.GLIDER, 20),
    ("uav_slow/dev/stonesoup_UAV_Rot.csv.gz", Kind.MULTIROTOR, 5),
]


@needs_tracks
@pytest.mark.parametrize(("name", "kind", "metres"), FILES)
def test_real_flights_pass_where_they_were_recorded_at_speeds_that_can_be(name: str, kind: Kind, metres: float) -> None:
    data = (TRACKS / name).read_bytes()
    pieces = cleaned(fixes(name, data), KINDS[kind].speed[1]).pieces
    away = []
    for piece in pieces:
        position, _ = fitted(piece, piece.time, stiffness(kind))
        away.append(np.linalg.norm(position - ecef(piece.latitude, piece.longitude, piece.height), axis=1))
    assert np.median(np.concatenate(away)) < metres
    fliers = flown(Recording(file=name, kind=kind), {name: data}, ORIGIN, 20_000)
    assert np.linalg.norm(fliers.velocity, axis=1).max() < 1.5 * KINDS[kind].speed[1] + 30
    same = np.diff(np.repeat(np.arange(len(fliers)), fliers.count)) == 0
    step = np.diff(fliers.position, axis=0) - (fliers.velocity[1:] + fliers.velocity[:-1]) / 2
    assert np.linalg.norm(step, axis=1)[same].max() < 2


@needs_tracks
def test_all_aircraft_of_the_dense_recording_fly() -> None:
    name = "dense_213ac_first90min.csv.gz"
    block = Recording(file=name, move=True)
    fliers = flown(block, {name: (TRACKS / "aircraft" / "dev" / name).read_bytes()}, ORIGIN, 5400)
    assert len({target.address for target in fliers.targets}) == 130
    assert np.linalg.norm(fliers.velocity, axis=1).max() < 320
    latitude, longitude, height = geodetic(fliers.position)
    assert np.abs(np.degrees(np.median(latitude)) - ORIGIN[0]) < 1
    assert np.abs(np.degrees(np.median(longitude)) - ORIGIN[1]) < 1
    assert height.max() < 14_000


def test_a_height_in_metres_may_be_called_with_or_without_its_unit_and_feet_stay_feet() -> None:
    rows = "".join(f"{time},29.5,-45.75,1000\n" for time in range(5))
    metres = [fixes("a.csv", f"timestamp,latitude,longitude,{h}\n{rows}".encode())[0].height for h in METRES]
    feet = fixes("a.csv", f"t,latitude,longitude,geoaltitude\n{rows}".encode())[0].height
    assert metres[0].tolist() == metres[1].tolist()
    assert 900 < metres[0][0] < 1100  # m above the sea, counted from the ellipsoid
    assert feet[0] == pytest.approx(304.8)


def test_times_may_be_written_as_dates_with_their_zone() -> None:
    head = "timestamp,latitude,longitude,altitude\n"
    data = head + "2021-10-07T12:00:00Z,1,2,3\n2021-10-07T14:00:00.5+02:00,1,2,3\n1633608002,1,2,3\nnoon,1,2,3\n"
    assert fixes("a.csv", data.encode())[0].time.tolist() == [1633608000.0, 1633608000.5, 1633608002.0]
