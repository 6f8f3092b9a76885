"""Tables that are scored: what they become, and what is said of bad ones."""

import json
from io import BytesIO
from math import cos, radians, sin

import numpy as np
import pytest

from skywarden.errors import TableError
from skywarden.geo import east_north_up, ecef
from skywarden.score import tables

TRUTH = b"""time_ns,target,class,latitude,longitude,height_m,v_east,v_north,v_up,alive
1767225601000000001,b,uav-piston,46.5,30.75,120,10,20,1,0
1767225600000000001,b,uav-piston,46.5,30.7,120,10,20,1,1
1767225600000000001,a,bird,0,0,0,1,2,3,1
"""
TRACKS = "time_ns,track,latitude,longitude,height_m,v_east,v_north,v_up"


def test_truth_is_sorted_by_time_and_target() -> None:
    points = tables.truth(TRUTH)
    assert points.names == ("a", "b")
    assert points.time.tolist() == [1767225600000000001, 1767225600000000001, 1767225601000000001]
    assert [points.names[i] for i in points.id] == ["a", "b", "b"]
    assert [points.words[i] for i in points.word] == ["bird", "uav-piston", "uav-piston"]
    assert points.alive.tolist() == [True, True, False]
    assert len(points.living()) == 2


def test_places_and_speeds_are_earth_centred() -> None:
    points = tables.truth(TRUTH)
    assert points.position[0] == pytest.approx([6378137.0, 0, 0], abs=1e-6)
    assert points.velocity[0] == pytest.approx([3, 1, 2])  # at 0 N 0 E up is x, east is y, north is z
    assert points.position[1] == pytest.approx(ecef(radians(46.5), radians(30.7), 120.0))
    turn = east_north_up(radians(46.5), radians(30.7))
    assert turn @ points.velocity[1] == pytest.approx([10, 20, 1])
    assert np.linalg.norm(points.velocity[1]) == pytest.approx(np.sqrt(501))
    up = [cos(radians(46.5)) * cos(radians(30.7)), cos(radians(46.5)) * sin(radians(30.7)), sin(radians(46.5))]
    assert points.velocity[1] @ up == pytest.approx(1)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_track_file_may_have_classes_in_any_column_order(ending: str) -> None:
    lines = ["class," + TRACKS + ",own,category", "jet,5,7,1,2,3,4,5,6,x,hostile", "", 'jet,6,7,1,2,3,4,5,6,"a,b",']
    points = tables.tracks(ending.join(lines).encode())
    assert points.time.tolist() == [5, 6]
    assert points.words == ("jet",)
    assert [points.categories[i] for i in points.category] == ["hostile", ""]


def test_a_track_may_lack_class_and_speed() -> None:
    points = tables.tracks((TRACKS + "\n5,№ 7,1,2,3,nan,nan,nan").encode())
    assert points.names == ("№ 7",)
    assert points.words == ("",)
    assert np.isnan(points.velocity).all()


SPREAD = "ee_m2,en_m2,eu_m2,nn_m2,nu_m2,uu_m2"


def test_a_track_may_state_its_covariance_and_who_saw_it() -> None:
    head, state = f"{TRACKS},sensor,{SPREAD}", "a,1,2,3,4,5,6"
    points = tables.tracks(f"{head}\n5,{state},mast,9,1,0,4,1,25\n6,{state},,nan,nan,nan,nan,nan,nan".encode())
    assert points.spread is not None
    assert points.sensor is not None
    assert points.spread[0].tolist() == [9, 1, 0, 4, 1, 25]
    assert np.isnan(points.spread[1]).all()
    assert [points.sensors[k] for k in points.sensor] == ["mast", ""]
    assert tables.tracks(f"{TRACKS}\n5,{state}".encode()).spread is None


def test_a_sensor_may_have_a_long_name_in_ukrainian() -> None:
    """Such as this system itself writes: it must be able to read its own tables."""
    name = "Радіолокаційна станція на північній околиці, щогла 2"
    assert len(name.encode()) > 80
    points = tables.tracks(f'{TRACKS},sensor\n5,a,1,2,3,4,5,6,"{name}"\n6,a,1,2,3,4,5,6,b'.encode())
    assert points.sensor is not None
    assert [points.sensors[k] for k in points.sensor] == [name, "b"]
    with pytest.raises(TableError, match="line 2, column sensor: longer than 127 bytes"):
        tables.tracks(f"{TRACKS},sensor\n5,a,1,2,3,4,5,6,{'x' * 128}".encode())


@pytest.mark.parametrize(
    "cells", ["0,0,0,4,0,25", "9,6,0,4,0,25", "9,7,0,4,0,-25", "9,0,15,4,0,25", "9,0,0,4,10,25", "inf,0,0,4,0,25"]
)
def test_what_is_no_covariance_is_refused(cells: str) -> None:
    rows = f"5,a,1,2,3,4,5,6,9,1,0,4,1,25\n6,a,1,2,3,4,5,6,{cells}"
    with pytest.raises(TableError, match="line 3, column ee_m2: with the next five must be a covariance"):
        tables.tracks(f"{TRACKS},{SPREAD}\n{rows}".encode())


def test_a_part_of_a_covariance_is_refused() -> None:
    with pytest.raises(TableError, match="line 1: the header has ee_m2 but no eu_m2, nn_m2"):
        tables.tracks(f"{TRACKS},ee_m2,en_m2\n5,a,1,2,3,4,5,6,9,1".encode())


def test_a_file_with_a_header_alone_has_no_points() -> None:
    points = tables.tracks(TRACKS.encode())
    assert len(points) == 0
    assert points.position.shape == (0, 3)


@pytest.mark.parametrize(
    "text, line, column",
    [
        ("time_ns,track,latitude", 1, ""),
        (f"{TRACKS}\n1,a,1,2,3,4,5,6\n\n2,a,1,2,x,4,5,6", 4, "height_m"),
        (f"{TRACKS}\n1.5,a,1,2,3,4,5,6", 2, "time_ns"),
        (f"{TRACKS}\n99999999999999999999,a,1,2,3,4,5,6", 2, "time_ns"),
        (f"{TRACKS}\n1,a,1,2,3,4,5,6\n2,a,1,2,3,4,5", 3, ""),
        (f"{TRACKS}\n1,a,1,2,3,4,5,6\n\n\n2,a,91,2,3,4,5,6", 5, "latitude"),
        (f"{TRACKS}\n1,a,nan,2,3,4,5,6", 2, "latitude"),
        (f"{TRACKS}\n1,a,1,2,3,4,5,6\n2,a,1,2,3,inf,5,6", 3, "v_east"),
        (f"{TRACKS}\n1,a,1,2,3,4,1e300,6", 2, "v_north"),
        (f"{TRACKS}\n1,a,1,2,3,4,5,-100001", 2, "v_up"),
        (f"{TRACKS}\n1,{'a' * 60},1,2,3,4,5,6", 2, "track"),
        (f"{TRACKS}\n1,a,1,2,3,4,5,6\n1,b,1,2,3,4,5,6\n1,a,1,2,3,4,5,6", 4, "track"),
    ],
)
def test_a_bad_track_file_is_refused_with_line_and_column(text: str, line: int, column: str) -> None:
    with pytest.raises(TableError) as caught:
        tables.tracks(text.encode())
    assert (caught.value.file, caught.value.line, caught.value.column) == ("tracks.csv", line, column)
    assert f"line {line}" in str(caught.value)


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_marks_than_commas_are_named(mark: str, word: str) -> None:
    with pytest.raises(TableError, match=f"columns are separated by commas, but the header has {word}"):
        tables.tracks(f"{TRACKS}\n1,a,1,2,3,4,5,6".replace(",", mark).encode())


def test_line_numbers_count_old_macs_lines_too() -> None:
    with pytest.raises(TableError, match="line 3, column height_m"):
        tables.tracks(f"{TRACKS}\r1,a,1,2,3,4,5,6\r2,a,1,2,x,4,5,6\r".encode())


def test_a_truth_without_targets_is_refused() -> None:
    with pytest.raises(TableError, match=r"truth\.csv: has no rows"):
        tables.truth(TRUTH.splitlines()[0] + b"\n")
    with pytest.raises(TableError, match="has no row with alive 1"):
        tables.truth(b"\n".join(TRUTH.splitlines()[:2]))


def test_a_target_is_alive_or_not() -> None:
    with pytest.raises(TableError, match="line 3, column alive: must be 0 or 1"):
        tables.truth(TRUTH.replace(b"20,1,1\n1767225600000000001,a", b"20,1,2\n1767225600000000001,a"))


def test_the_lists_are_read() -> None:
    (target,) = tables.targets(
        json.dumps([{"target": "a", "class": "bird", "raid": False, "site": "", "wave": ""}]).encode()
    )
    assert (target.name, target.kind, target.raid) == ("a", "bird", False)
    (site,) = tables.sites(json.dumps([{"name": "s", "latitude": 1, "longitude": 2, "radius_m": 500}]).encode())
    assert (site.name, site.radius_m, site.lead_time_s) == ("s", 500, 300)
    with pytest.raises(TableError, match=r"sensors.json: .*revisit_s"):
        tables.sensors(b'[{"name":"r","kind":"radar","source":"s","latitude":1,"longitude":2,"height_m":3}]')


def test_coverage_is_read_and_nothing_else_is() -> None:
    rows = np.array([(3, 1, 2, 0.5), (4, 1, 2, 0.25)], tables.COVERAGE)
    file = BytesIO()
    np.save(file, rows)
    found = tables.coverage(file.getvalue())
    assert found.second.tolist() == [3, 4]
    assert found.pd.tolist() == [0.5, 0.25]
    with pytest.raises(TableError, match=r"coverage.npy: not a NumPy array file"):
        tables.coverage(b"second,target")
    for shape in (b"(999999999999999999999,)", b"(9,9", b"(-2,)", b"2"):
        with pytest.raises(TableError, match=r"cut short or spoiled"):
            tables.coverage(file.getvalue().replace(b"(2,)", shape))
    plain = BytesIO()
    np.save(plain, np.zeros(3))
    with pytest.raises(TableError, match="must be one dimension"):
        tables.coverage(plain.getvalue())
