"""What SAPIENT detections become: places, distances with bearings, bearings."""

from typing import Any

import numpy as np
import pytest
from sapient_nodes import (
    CAMERA,
    PLACE,
    RADAR,
    START,
    changed,
    fliers,
    heard,
    introduced,
    node,
    node_with_radar,
    plot,
    ray,
    real,
    rng,
    said,
)

from skywarden import geo
from skywarden.model.detection import ErrorMeaning, Kind, Reason
from skywarden.sensors.sapient.proto import Registration, location_pb2, range_bearing_pb2
from skywarden.sim.nodes import registration, status, ulid


def test_places_become_positions_with_their_errors() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot()).batches
    assert batch.kind is Kind.POSITION
    assert batch.sensor == "nodes FEN1"
    assert batch.error_meaning is ErrorMeaning.SIGMA
    assert batch.time.tolist() == [START]
    latitude, longitude, height = geo.geodetic(batch.z[0])
    assert np.degrees([latitude, longitude]) == pytest.approx(PLACE[:2], abs=1e-9)
    assert height == pytest.approx(600.0, abs=1e-3)
    turn = geo.east_north_up(latitude, longitude)
    assert np.sqrt(np.diag(turn @ batch.covariance[0] @ turn.T)) == pytest.approx([25.0, 25.0, 40.0])
    assert {claim.name: claim.value for claim in batch.claims} == {"class": "Air Vehicle/UAV Fixed Wing 0.7"}


def test_all_forms_of_one_place_are_one_place() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    radians = np.radians(PLACE)
    geoid = float(geo.geoid_height(radians[0], radians[1]))
    forms: list[dict[str, Any]] = [
        {},
        {
            "x": radians[1],
            "y": radians[0],
            "x_error": None,
            "coordinate_system": location_pb2.LOCATION_COORDINATE_SYSTEM_LAT_LNG_RAD_M,
        },
        {"z": 600.0 - geoid, "datum": location_pb2.LOCATION_DATUM_WGS84_G},
        {
            "x": 430231.83,  # by PROJ 9, to the centimetre
            "y": 3266923.47,
            "utm_zone": "23R",
            "coordinate_system": location_pb2.LOCATION_COORDINATE_SYSTEM_UTM_M,
        },
    ]
    data = b"".join(plot(k, **form) for k, form in enumerate(forms))
    points = np.vstack([batch.z for batch in heard(decoder, data).batches])
    assert len(points) == 4
    assert np.linalg.norm(points - points[0], axis=1).max() < 0.02


@pytest.mark.parametrize("error, metres", [(0.001, 111.3), (25.0, 25.0)])
def test_the_error_of_a_latitude_may_be_in_degrees_or_metres(error: float, metres: float) -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot(x_error=None, y_error=error)).batches
    turn = geo.east_north_up(*np.radians(PLACE[:2]))
    east, north, _ = np.sqrt(np.diag(turn @ batch.covariance[0] @ turn.T))
    assert north == pytest.approx(metres, rel=1e-3)
    assert east == pytest.approx(100.0)  # nothing was said: assumed


def test_a_place_without_height_is_somewhere_between_drones_and_airliners() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot(z=None, z_error=None)).batches
    turn = geo.east_north_up(*np.radians(PLACE[:2]))
    assert geo.geodetic(batch.z[0])[2] == pytest.approx(4000.0)
    assert np.sqrt((turn @ batch.covariance[0] @ turn.T)[2, 2]) == pytest.approx(4000.0)


@pytest.mark.parametrize(
    "location", [{"y": 91.0}, {"x": 181.0}, {"coordinate_system": 5}, {"coordinate_system": 5, "utm_zone": "61N"}]
)
def test_a_place_that_cannot_be_is_implausible(location: dict[str, Any]) -> None:
    decoder = node()
    introduced(decoder, RADAR)
    found = heard(decoder, plot(**location))
    assert found.batches == ()
    assert found.refused == {Reason.IMPLAUSIBLE: 1}


def test_a_bearing_disguised_as_half_of_the_reach_is_a_bearing() -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    (batch,) = heard(decoder, ray()).batches
    assert batch.kind is Kind.DIRECTION
    assert np.degrees(batch.z[0]) == pytest.approx([30.0, 5.0])
    assert np.degrees(np.sqrt(np.diag(batch.covariance[0]))) == pytest.approx([0.2, 0.2])
    assert batch.place is not None
    where = np.degrees([CAMERA.latitude, CAMERA.longitude]) * np.pi / 180
    assert batch.place.position == pytest.approx(geo.ecef(*np.radians(where), CAMERA.height_m), abs=1e-3)


def test_a_range_of_its_own_stays_and_a_missing_one_is_none() -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    kilometres = range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM
    near = ray(1, range=4.0, range_error=0.05, coordinate_system=kilometres)
    blind = ray(2, range=None, range_error=None, elevation=None)
    polar, direction = heard(decoder, near + blind).batches
    assert polar.kind is Kind.POLAR
    assert polar.z[0, 0] == 4000.0
    assert polar.covariance[0, 0, 0] == pytest.approx(50.0**2)
    assert np.isnan(polar.z[0, 3])
    assert direction.kind is Kind.DIRECTION
    assert np.isnan(direction.z[0, 1])


def test_sound_comes_from_where_something_was() -> None:
    decoder = node()
    heard(decoder, changed(real(registration(CAMERA, START)), "") + status(CAMERA, START, rng()))
    decoder.state.find(7, CAMERA.node_id).types = [Registration.NODE_TYPE_ACOUSTIC]  # type: ignore[union-attr]
    (batch,) = heard(decoder, ray()).batches
    assert batch.kind is Kind.SOUND


@pytest.mark.parametrize(
    "datum, north",
    [
        (range_bearing_pb2.RANGE_BEARING_DATUM_TRUE, 0.0),
        (range_bearing_pb2.RANGE_BEARING_DATUM_MAGNETIC, None),
        (range_bearing_pb2.RANGE_BEARING_DATUM_GRID, None),
    ],
)
def test_north_is_what_the_node_declares(datum: int, north: float | None) -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    (batch,) = heard(decoder, ray(datum=datum)).batches
    latitude, longitude = np.radians([CAMERA.latitude, CAMERA.longitude])
    if datum == range_bearing_pb2.RANGE_BEARING_DATUM_MAGNETIC:
        north = float(geo.declination(latitude, longitude, CAMERA.height_m, 2026.7))
    elif north is None:
        north = float(np.arctan(np.sin(latitude) * np.tan(longitude - np.radians(-45.0))))
    assert batch.place is not None
    wanted = geo.place(latitude, longitude, CAMERA.height_m, north).rotation
    assert np.abs(batch.place.rotation - wanted).max() < 1e-4
    assert north == 0.0 or abs(north) > 1e-3


def test_a_bearing_from_the_heading_of_a_platform_has_no_reference() -> None:
    decoder = node()
    introduced(decoder, CAMERA)
    found = heard(decoder, ray(datum=range_bearing_pb2.RANGE_BEARING_DATUM_PLATFORM))
    assert (found.batches, found.refused) == ((), {Reason.NO_REFERENCE: 1})


def test_a_node_tells_its_objects_apart() -> None:
    decoder = node()
    introduced(decoder, RADAR)
    (batch,) = heard(decoder, plot(1) + plot(2)).batches
    assert batch.subject[0] != batch.subject[1]
    again = changed(plot(1), "detection_report", report_id=ulid(START, rng(99)))
    (batch,) = heard(node_with_radar(), plot(1) + again).batches
    assert batch.subject[0] == batch.subject[1]


def test_another_fusion_nodes_objects_are_tracks_and_never_plots() -> None:
    decoder = node_with_radar()
    decoder.state.find(7, RADAR.node_id).types = [Registration.NODE_TYPE_FUSION_NODE]
    (batch,) = heard(decoder, plot()).batches
    assert batch.kind is Kind.TRACK


def test_what_simulated_nodes_report_is_where_the_fliers_are() -> None:
    decoder, flown = node(), fliers(10.0)
    batches = [b for post in (RADAR, CAMERA) for b in heard(decoder, said(post), 7).batches]
    assert {batch.kind for batch in batches} == {Kind.POSITION, Kind.DIRECTION}
    for batch in batches:
        for time, z, covariance in zip(batch.time, batch.z, batch.covariance, strict=True):
            truth = flown.ecef(np.arange(3), np.full(3, (time - START) / 1e9))
            if batch.kind is Kind.DIRECTION:
                assert batch.place is not None
                east, north, up = ((truth - batch.place.position) @ batch.place.rotation.T).T
                truth = np.column_stack([np.arctan2(east, north) % (2 * np.pi), np.arctan2(up, np.hypot(east, north))])
            off = truth - z
            chi2 = np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off).min()
            assert chi2 < 30


@pytest.mark.parametrize("error", [1e200, 1e308, -1e308, 5e-324])
def test_an_error_of_any_size_gives_a_finite_covariance(error: float) -> None:
    decoder = node()
    introduced(decoder, RADAR)
    introduced(decoder, CAMERA)
    messages = plot(1, x_error=error, y_error=error, z_error=error)
    messages += ray(2, azimuth_error=error, elevation=None, elevation_error=error)
    messages += ray(3, range=500.0, range_error=error, azimuth_error=error, elevation_error=error)
    batches = heard(decoder, messages).batches
    assert sum(map(len, batches)) == 3
    for batch in batches:
        assert np.isfinite(batch.covariance).all()
        assert (np.diagonal(batch.covariance, axis1=1, axis2=2) > 0).all()


UTM = {"utm_zone": "23R", "coordinate_system": location_pb2.LOCATION_COORDINATE_SYSTEM_UTM_M}
KM = {"coordinate_system": range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_KM}


@pytest.mark.parametrize(
    "message",
    [
        plot(z=1e300),
        plot(z=-1e308),
        plot(x=1e9, y=1e6, **UTM),
        plot(x=-1e308, y=1e308, **UTM),
        ray(azimuth=1e308),
        ray(elevation=-1e300),
        ray(range=1e308, **KM),
        ray(range=1e308, range_error=1e308, **KM),
    ],
)
def test_a_number_that_no_measurement_has_is_refused_and_nothing_overflows(message: bytes) -> None:
    decoder = node()
    introduced(decoder, RADAR)
    introduced(decoder, CAMERA)
    found = heard(decoder, message)
    assert (found.batches, found.refused) == ((), {Reason.IMPLAUSIBLE: 1})
