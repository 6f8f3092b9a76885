"""Geometry against independent points, published test values and properties."""

from math import asinh, atan, atan2, atanh, cosh, degrees, radians, sin, sinh, sqrt, tan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.errors import ConfigError
from skywarden.geo import (
    declination,
    east_north_up,
    ecef,
    geodetic,
    geoid_height,
    height_above_ellipsoid,
    north_offset,
    place,
)
from skywarden.geo.earth import FLATTENING, SEMI_MAJOR, SEMI_MINOR
from skywarden.model.place import HeightReference, NorthReference

latitudes = st.one_of(st.floats(-np.pi / 2, np.pi / 2), st.sampled_from([-np.pi / 2, 0.0, np.pi / 2, 1e-9]))
longitudes = st.one_of(st.floats(-np.pi, np.pi), st.sampled_from([-np.pi, np.pi, 0.0, -1e-12]))
heights = st.floats(-1000.0, 1_000_000.0)

# Year, height km, latitude, longitude deg, declination deg: WMM2025_TEST_VALUES.txt, NOAA/NCEI.
WMM_VALUES = [
    (2025.0, 0, 80, 0, 1.28),
    (2025.0, 0, 0, 120, -0.16),
    (2025.0, 0, -80, 240, 68.78),
    (2025.0, 100, 80, 0, 0.85),
    (2025.0, 100, 0, 120, -0.15),
    (2025.0, 100, -80, 240, 68.21),
    (2027.5, 0, 80, 0, 2.59),
    (2027.5, 0, 0, 120, -0.24),
    (2027.5, 0, -80, 240, 68.49),
    (2027.5, 100, 80, 0, 2.16),
    (2027.5, 100, 0, 120, -0.23),
    (2027.5, 100, -80, 240, 67.93),
]

# Latitude, longitude deg, m: the NGA's own sample output for EGM96 (INTPT.F, OUTINTPT.DAT).
GEOID_VALUES = [
    (38.628155, 269.779155, -31.628),
    (-14.621217, 305.021114, -2.969),
    (46.874319, 102.448729, -43.575),
    (-23.617446, 133.874712, 15.871),
    (38.625473, 359.9995, 50.066),
    (-0.466744, 0.0023, 17.329),
]


@pytest.mark.parametrize(
    "latitude, longitude, height, expected",
    [
        (0.0, 0.0, 0.0, (SEMI_MAJOR, 0, 0)),
        (0.0, 90.0, 100.0, (0, SEMI_MAJOR + 100, 0)),
        (90.0, 0.0, -50.0, (0, 0, SEMI_MINOR - 50)),
        # EPSG Guidance Note 7-2: the worked example of its geographic/geocentric conversion.
        (53 + 48 / 60 + 33.82 / 3600, 2 + 7 / 60 + 46.38 / 3600, 73.0, (3771793.968, 140253.342, 5124304.349)),
    ],
)
def test_known_points_have_their_known_coordinates(latitude, longitude, height, expected):
    position = ecef(radians(latitude), radians(longitude), height)
    np.testing.assert_allclose(position, expected, atol=5e-3)
    np.testing.assert_allclose(geodetic(np.array(expected, float))[2], height, atol=5e-3)


@given(latitudes, longitudes, heights)
def test_a_position_survives_the_way_to_geodetic_and_back(latitude, longitude, height):
    position = ecef(latitude, longitude, height)
    back = geodetic(position)
    np.testing.assert_allclose(ecef(*back), position, rtol=0, atol=1e-6)
    assert abs(float(back[2]) - height) < 1e-6
    assert abs(float(back[0]) - latitude) < 1e-12


@given(latitudes, longitudes)
def test_local_axes_are_orthonormal_right_handed_and_point_where_they_say(latitude, longitude):
    rotation = east_north_up(latitude, longitude)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(rotation) > 0.999
    rise = ecef(latitude, longitude, 1000.0) - ecef(latitude, longitude, 0.0)
    np.testing.assert_allclose(rotation @ rise, [0, 0, 1000], atol=1e-6)


@given(st.floats(-1.4, 1.4), longitudes)
def test_a_small_step_north_is_north(latitude, longitude):
    step = ecef(latitude + 1e-6, longitude, 0.0) - ecef(latitude, longitude, 0.0)
    east, north, up = east_north_up(latitude, longitude) @ step
    assert abs(east) < 1e-6
    assert 6.33 < north < 6.41
    assert abs(up) < 1e-4


def test_arrays_of_any_shape_are_converted_at_once():
    latitude, longitude = np.meshgrid(np.linspace(-1.5, 1.5, 5), np.linspace(-3, 3, 4))
    position = ecef(latitude, longitude, 7.0)
    assert position.shape == (4, 5, 3)
    np.testing.assert_allclose(geodetic(position)[1], longitude, atol=1e-12)
    assert east_north_up(latitude, longitude).shape == (4, 5, 3, 3)


def test_a_sensor_turned_clockwise_sees_true_north_to_its_left():
    turned = place(0.8, 0.5, 100.0, north_offset=radians(30))
    north = east_north_up(0.8, 0.5)[1]
    east, ahead, up = turned.rotation @ north
    assert degrees(atan2(east, ahead)) == pytest.approx(-30)
    assert up == pytest.approx(0)


@pytest.mark.parametrize("latitude, longitude, expected", GEOID_VALUES)
def test_geoid_agrees_with_the_published_sample(latitude, longitude, expected):
    assert float(geoid_height(radians(latitude), radians(longitude))) == pytest.approx(expected, abs=0.1)


def test_geoid_in_kyiv_is_25_metres():
    assert float(geoid_height(radians(50.45), radians(30.52))) == pytest.approx(25, abs=0.5)


@given(st.floats(-1.5, 1.5))
def test_geoid_has_no_seam_at_the_antimeridian_nor_at_greenwich(latitude):
    for seam in (np.pi, -np.pi, 0.0, 2 * np.pi):
        west, east = geoid_height(latitude, seam - 1e-9), geoid_height(latitude, seam + 1e-9)
        assert abs(float(west - east)) < 1e-3


def test_geoid_is_one_number_at_a_pole():
    around = geoid_height(np.full(8, np.pi / 2), np.linspace(-np.pi, np.pi, 8))
    np.testing.assert_allclose(around, 13.61, atol=0.01)
    np.testing.assert_allclose(geoid_height(-np.pi / 2, np.linspace(-9, 9, 8)), -29.53, atol=0.01)


@pytest.mark.parametrize("year, height_km, latitude, longitude, expected", WMM_VALUES)
def test_declination_agrees_with_the_published_test_values(year, height_km, latitude, longitude, expected):
    found = degrees(declination(radians(latitude), radians(longitude), height_km * 1000.0, year))
    assert found == pytest.approx(expected, abs=0.00501)  # the table has two decimals


def test_declination_of_many_points_is_that_of_each():
    year, height, latitude, longitude, expected = np.array(WMM_VALUES).T
    found = declination(np.radians(latitude), np.radians(longitude), height * 1000, year)
    np.testing.assert_allclose(np.degrees(found), expected, atol=0.00501)


def test_declination_in_kyiv_is_8_6_degrees_east():
    assert degrees(declination(radians(50.45), radians(30.52), 200.0, 2026.9)) == pytest.approx(8.6, abs=0.1)


def test_declination_outside_the_models_years_is_that_of_the_nearest_one():
    at = (radians(50.45), radians(30.52), 0.0)
    assert declination(*at, 2019.0) == declination(*at, 2025.0) < declination(*at, 2030.0) == declination(*at, 2041.0)


@given(latitudes, longitudes, heights)
def test_declination_is_a_number_everywhere(latitude, longitude, height):
    assert abs(float(declination(latitude, longitude, height, 2026.0))) <= np.pi


def test_height_references_differ_by_the_geoid():
    at = (radians(50.45), radians(30.52))
    geoid = float(geoid_height(*at))
    assert float(height_above_ellipsoid(100.0, HeightReference.ELLIPSOID, *at)) == 100.0
    assert float(height_above_ellipsoid(100.0, HeightReference.GEOID, *at)) == 100.0 + geoid
    assert float(height_above_ellipsoid(100.0, HeightReference.BAROMETRIC, *at)) == 100.0 + geoid


def test_height_above_ground_is_refused_with_what_to_write():
    with pytest.raises(ConfigError, match='height_reference = "geoid"') as refused:
        height_above_ellipsoid(10.0, HeightReference.GROUND, 0.9, 0.5)
    assert refused.value.where == "height_reference"


def test_true_and_magnetic_north_are_what_they_are():
    at = (radians(50.45), radians(30.52), 0.0, 2026.0)
    assert north_offset(NorthReference.TRUE, *at) == 0.0
    assert north_offset(NorthReference.MAGNETIC, *at) == float(declination(*at))


def test_platform_north_is_refused_with_what_to_write():
    with pytest.raises(ConfigError, match="azimuth_bias_deg"):
        north_offset(NorthReference.PLATFORM, 0.9, 0.5, 0.0, 2026.0)


def transverse_mercator(latitude, longitude):
    """Return easting, northing m from the central meridian, unit scale (Krueger 1912 to n^3)."""
    n = FLATTENING / (2 - FLATTENING)
    e = sqrt(FLATTENING * (2 - FLATTENING))
    conformal = sinh(asinh(tan(latitude)) - e * atanh(e * sin(latitude)))
    xi, eta = atan2(conformal, np.cos(longitude)), asinh(sin(longitude) / sqrt(conformal**2 + np.cos(longitude) ** 2))
    alpha = (n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16, 13 * n**2 / 48 - 3 * n**3 / 5, 61 * n**3 / 240)
    radius = SEMI_MAJOR / (1 + n) * (1 + n**2 / 4)
    easting = eta + sum(a * np.cos(2 * k * xi) * sinh(2 * k * eta) for k, a in enumerate(alpha, 1))
    northing = xi + sum(a * sin(2 * k * xi) * cosh(2 * k * eta) for k, a in enumerate(alpha, 1))
    return radius * easting, radius * northing


@pytest.mark.parametrize("latitude", [-60.0, -10.0, 0.0, 35.0, 50.45, 70.0])
@pytest.mark.parametrize("longitude", [30.001, 30.52, 33.0, 35.999])
def test_grid_north_is_the_direction_of_the_projections_columns(latitude, longitude):
    phi, east = radians(latitude), radians(longitude - 33)
    step = 1e-5
    before, after = transverse_mercator(phi - step, east), transverse_mercator(phi + step, east)
    true_north_on_the_grid = atan((after[0] - before[0]) / (after[1] - before[1]))
    found = north_offset(NorthReference.GRID, phi, radians(longitude), 0.0, 2026.0)
    assert found == pytest.approx(-true_north_on_the_grid, abs=2e-6)


def test_grid_north_follows_the_odd_zones_of_norway_and_svalbard():
    bergen = north_offset(NorthReference.GRID, radians(60.4), radians(5.3), 0.0, 2026.0)
    assert degrees(bergen) == pytest.approx(-3.2, abs=0.1)  # zone 32 (9 E), not 31 (3 E)
    longyearbyen = north_offset(NorthReference.GRID, radians(78.2), radians(15.6), 0.0, 2026.0)
    assert degrees(longyearbyen) == pytest.approx(0.6, abs=0.1)
