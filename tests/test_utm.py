"""UTM against points that PROJ 9 computed, to its millimetre."""

import numpy as np
import pytest

from skywarden.geo.utm import from_utm, zone

POINTS = [  # zone, easting, northing m, latitude, longitude deg
    ("36U", 505758.241, 5692822.236, 51.386611592, 33.082751373),
    ("30U", 507134.505, 6132453.004, 55.338381638, -2.887519901),
    ("33H", 362644.597, 5704695.148, -38.795801357, 13.41833872),
    ("1N", 648881.375, 303041.752, 2.740939844, -175.660640753),
    ("60X", 519848.132, 8092214.276, 72.925005702, 177.605628288),
    ("31C", 588040.755, 1565782.619, -75.969576398, 6.254774208),
    ("36U", 326257.535, 5683197.343, 51.273593091, 30.509117289),
]


@pytest.mark.parametrize("name, easting, northing, latitude, longitude", POINTS)
def test_a_point_is_where_another_program_puts_it(
    name: str, easting: float, northing: float, latitude: float, longitude: float
) -> None:
    known = zone(name)
    assert known is not None
    north, east = from_utm(np.array([easting]), np.array([northing]), *known)
    off = np.degrees([north[0], east[0]]) - [latitude, longitude]
    assert np.abs(off * 111e3).max() < 2e-3


@pytest.mark.parametrize("text", ["", "0N", "61N", "36", "N36", "36I", "36O", "36A", "36Z", "366U", "36UU"])
def test_what_is_no_zone_is_none(text: str) -> None:
    assert zone(text) is None


@pytest.mark.parametrize("text, meridian, north", [("36u", 33.0, True), (" 1 C ", -177.0, False), ("60N", 177.0, True)])
def test_a_zone_has_a_meridian_and_a_half(text: str, meridian: float, north: bool) -> None:
    found = zone(text)
    assert found is not None
    assert np.degrees(found[0]) == pytest.approx(meridian)
    assert found[1] is north
