"""The geometry of ASTERIX: elevation from heights, tracks in Earth-centred coordinates, their errors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skywarden import geo
from skywarden.model.detection import Detections, ErrorMeaning, Frame, Kind
from skywarden.model.place import F64, NorthReference, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import Asterix, encode_block, plots
from skywarden.sensors.asterix.elevation import curvature, elevation

NOON = 1_789_992_000 * 10**9  # ns; 21 September 2026, 12:00 UTC
WHO = {"SAC": 250, "SIC": 11}
FOOT = 0.3048  # m
LATITUDE, LONGITUDE = np.radians(46.2), np.radians(31.5)
GEOID = float(geo.geoid_height(LATITUDE, LONGITUDE))


def read(category: int, **items: Any) -> Detections:
    sensor = Sensor(name="hill", source="r", sac=250, sic=11, latitude=46.2, longitude=31.5, height_m=100)
    asterix = Asterix(Source(name="r", format="asterix"), (sensor,), Mode.LIVE)
    record = {name.removeprefix("i"): value for name, value in items.items()}
    (batch,) = asterix.decode(Frame.of("r", NOON, encode_block(category, [{"010": WHO} | record]))).batches
    return batch


def plot(**items: Any) -> Detections:
    position = {"RHO_NM": 30, "THETA_deg": 75}
    return read(48, **({"i140": {"TOD_s": 43200}, "i020": {"TYP": 3}, "i040": position} | items))


def track(**items: Any) -> Detections:
    where = {"LAT_deg": 46.2, "LON_deg": 31.5}
    return read(62, **({"i070": {"TOD_s": 43200}, "i040": {"TRN": 7}, "i105": where} | items))


def level_of(batch: Detections) -> float:
    """Return m along the radar's horizontal plane to a plot."""
    return float(batch.z[0, 0] * np.cos(batch.z[0, 2]))


def height_of(batch: Detections) -> float:
    """Return m above the ellipsoid of the point that a plot's range, azimuth and elevation mean."""
    assert batch.place is not None
    distance, azimuth, angle, _ = batch.z[0]
    level = distance * np.cos(angle)
    local = np.array([level * np.sin(azimuth), level * np.cos(azimuth), distance * np.sin(angle)])
    return float(geo.geodetic(batch.place.position + local @ batch.place.rotation)[2])


def fleet(heard: list[tuple[int, dict[str, Any]]]) -> list[Detections]:
    """Return what a frame says with a block for each (radar, record): three radars that differ in all they can."""
    sensors = tuple(
        Sensor(
            name=f"r{k}",
            source="r",
            sac=250,
            sic=k,
            latitude=46.2 + 7.0 * k,
            longitude=31.5 - 11.0 * k,
            height_m=100 + 400 * k,
            range_sigma_m=30.0 + k,
            azimuth_sigma_deg=0.1 * (k + 1),
            elevation_sigma_deg=0.2 * (k + 1),
            range_rate_sigma_m_s=1.0 + k,
            revisit_s=4.0 + k,
            north_reference=NorthReference.MAGNETIC if k == 1 else NorthReference.TRUE,
        )
        for k in range(3)
    )
    asterix = Asterix(Source(name="r", format="asterix"), sensors, Mode.LIVE)
    blocks = [encode_block(48, [record | {"010": {"SAC": 250, "SIC": radar}}]) for radar, record in heard]
    return list(asterix.decode(Frame.of("r", NOON, *blocks)).batches)


def test_a_frame_of_several_radars_says_what_each_of_them_says_alone() -> None:
    rng, heard = np.random.default_rng(2), list[tuple[int, dict[str, Any]]]()
    for k in range(40):
        record: dict[str, Any] = {
            "140": {"TOD_s": 43200 + k / 128},
            "020": {"TYP": 3},
            "040": {"RHO_NM": float(rng.uniform(1, 100)), "THETA_deg": float(rng.uniform(0, 359))},
        }
        if k % 3 == 0:
            record["110"] = {"3DH_ft": 25 * int(rng.integers(0, 900))}
        if k % 4 == 1:
            record["090"] = {"FL": 50 + k}
        if k % 5 == 0:
            record |= {"070": {"MODE3A": "4321"}, "220": {"ADR": 1000 + k}, "240": {"ID": f"AB{k}"}}
        heard.append((int(rng.integers(3)), record))
    together = fleet(heard)
    assert [batch.sensor for batch in together] == ["r0", "r1", "r2"]
    assert sum(len(batch.claims) for batch in together) == 16
    for radar, batch in enumerate(together):
        (alone,) = fleet([one for one in heard if one[0] == radar])
        for name in ("time", "z", "covariance", "address", "time_sigma"):
            assert getattr(batch, name).tobytes() == getattr(alone, name).tobytes(), name
        assert (batch.claims, batch.revisit, batch.received) == (alone.claims, alone.revisit, alone.received)
        assert batch.place is not None
        assert alone.place is not None
        assert batch.place.rotation.tobytes() == alone.place.rotation.tobytes()
        assert batch.number.tolist() == [row for row, (which, _) in enumerate(heard) if which == radar]


def test_a_3d_radars_height_is_above_the_sea_and_becomes_its_elevation() -> None:
    batch = plot(i110={"3DH_ft": 5000})
    assert height_of(batch) == pytest.approx(5000 * FOOT + GEOID, abs=0.5)
    rounding = 25 * FOOT / 12**0.5 / level_of(batch)
    assert batch.covariance[0, 2, 2] == pytest.approx(np.radians(0.3) ** 2 + rounding**2, rel=1e-6)


def test_a_flight_level_becomes_elevation_with_the_error_of_a_pressure_height() -> None:
    batch = plot(i090={"FL": 100})
    assert height_of(batch) == pytest.approx(10_000 * FOOT + GEOID, abs=0.5)
    assert np.sqrt(batch.covariance[0, 2, 2]) * level_of(batch) == pytest.approx(150, rel=1e-6)


@pytest.mark.parametrize("feet", [5000, 11_000, 12_000])
def test_almost_overhead_the_doubt_about_elevation_covers_the_doubt_about_the_height(feet: float) -> None:
    where = {"RHO_NM": 2, "THETA_deg": 0}
    here = plot(i040=where, i090={"FL": feet / 100})
    low, high = (plot(i040=where, i090={"FL": (feet + side * 50) / 100}) for side in (-1, 1))
    slope = (high.z[0, 2] - low.z[0, 2]) / (100 * FOOT)  # rad/m
    assert np.sqrt(here.covariance[0, 2, 2]) == pytest.approx(150 * slope, rel=0.1)


def test_the_radars_own_height_goes_before_what_the_target_says() -> None:
    both = plot(i110={"3DH_ft": 5000}, i090={"FL": 100})
    assert both.z[0, 2] == plot(i110={"3DH_ft": 5000}).z[0, 2]


@pytest.mark.parametrize("flags", [{"V": 1}, {"G": 1}])
def test_a_flight_level_that_is_not_validated_or_garbled_is_no_height(flags: dict[str, int]) -> None:
    batch = plot(i090={"FL": 100} | flags)
    assert np.isnan(batch.z[0, 2])
    assert np.isfinite(batch.covariance).all()


def test_a_height_that_the_range_cannot_reach_is_no_elevation() -> None:
    batch = plot(i040={"RHO_NM": 1, "THETA_deg": 0}, i090={"FL": 300})
    assert np.isnan(batch.z[0, 2])
    assert batch.z[0, 0] == 1852


def test_the_ellipsoid_is_that_in_the_direction_from_true_north() -> None:
    """Of a radar whose own north is 20 degrees off, against the formula for one plot alone."""
    sensor, off = Sensor(name="far", source="r"), np.radians(20.0)
    radar = plots.Radar.at(sensor, (46.2, 31.5, 140.0), off)
    one = np.array([1])
    found = plots.Plots(
        *(one, one, one, np.array([2e5]), np.array([0.6]), np.array([np.nan]), np.array([9000.0]), np.array([8.0])),
        *(np.array([False]), -one, -one, -one, np.array([np.nan])),
    )
    (batch,) = plots.polar(found, [plots.Heard(radar, 4.0, np.array([0]), NOON, 0)])
    angles = [
        elevation(found.distance, found.height + GEOID, 140.0, curvature(LATITUDE, np.array([bearing])))[0]
        for bearing in (0.6 + off, 0.6)
    ]
    assert batch.z[0, 2] == pytest.approx(angles[0], abs=1e-12)
    assert abs(angles[0] - angles[1]) > 1e-6


FAR = st.floats(1e3, 450e3)


@settings(max_examples=200, deadline=None)
@given(
    latitude=st.floats(-80, 80),
    bearing=st.floats(0, 2 * np.pi),
    distance=FAR,
    height=st.floats(0, 20_000),
    own=st.floats(0, 3_000),
)
def test_elevation_brings_the_height_back(
    latitude: float, bearing: float, distance: float, height: float, own: float
) -> None:
    place = geo.place(np.radians(latitude), 0.3, own)
    azimuth, r = np.array([bearing]), np.array([distance])
    angle = elevation(r, np.array([height]), own, curvature(np.radians(latitude), azimuth))
    if np.isnan(angle[0]):
        assert abs(height - own) > 0.9 * distance or distance < 1.1 * abs(height - own)
        return
    local = np.stack([np.cos(angle) * np.sin(azimuth), np.cos(angle) * np.cos(azimuth), np.sin(angle)], -1) * r[:, None]
    got = geo.geodetic(place.position + local @ place.rotation)[2]
    assert abs(got[0] - height) < (0.5 if distance < 100e3 else 12.0)


def test_a_track_is_a_place_above_the_ellipsoid_and_a_velocity() -> None:
    batch = track(i130={"ALT_ft": 5000}, i185={"VX_m_s": 50, "VY_m_s": -3}, i220={"ROCD_ft_min": -625})
    assert batch.kind is Kind.TRACK
    assert batch.number.tolist() == [7]
    latitude, longitude, height = geo.geodetic(batch.z[0, :3])
    np.testing.assert_allclose([latitude, longitude, height], [LATITUDE, LONGITUDE, 5000 * FOOT], atol=1e-6 * 2e3)
    assert np.degrees(latitude) == pytest.approx(46.2, abs=1e-5)
    local = geo.east_north_up(latitude, longitude) @ batch.z[0, 3:]
    np.testing.assert_allclose(local, [50, -3, -625 * FOOT / 60], atol=1e-6)
    assert batch.error_meaning is ErrorMeaning.ASSUMED


def local_sigma(batch: Detections) -> F64:
    rotation = geo.east_north_up(LATITUDE, LONGITUDE)
    blocks = [rotation @ batch.covariance[0, i : i + 3, i : i + 3] @ rotation.T for i in (0, 3)]
    return np.sqrt(np.concatenate([np.diag(b) for b in blocks]))


def test_a_tracks_own_accuracies_are_its_covariance() -> None:
    told = {
        "APC": {"X_m": 40, "Y_m": 30},
        "COV_m": -10,
        "AGA_ft": 62.5,
        "ATV": {"X_m_s": 2, "Y_m_s": 3},
        "ARC_ft_min": 100,
    }
    batch = track(i130={"ALT_ft": 5000}, i185={}, i220={}, i500=told)
    np.testing.assert_allclose(local_sigma(batch), [40, 30, 62.5 * FOOT, 2, 3, 100 * FOOT / 60], rtol=1e-6)
    rotation = geo.east_north_up(LATITUDE, LONGITUDE)
    assert (rotation @ batch.covariance[0, :3, :3] @ rotation.T)[0, 1] == pytest.approx(-100)
    assert batch.error_meaning is ErrorMeaning.SIGMA


def test_an_impossible_covariance_is_cut_to_a_possible_one() -> None:
    batch = track(i130={"ALT_ft": 5000}, i500={"APC": {"X_m": 4, "Y_m": 3}, "COV_m": 100})
    assert (np.linalg.eigvalsh(batch.covariance[0]) > 0).all()


@pytest.mark.parametrize("latitude", [46.2, 89.9, 89.99999, -90.0])
@pytest.mark.parametrize("accuracy", [
    {"APW": {"LAT_deg": 0.3, "LON_deg": 180 / 2**25}},  # a millimetre beside 30 km, near a pole
    {"APW": {"LAT_deg": 180 / 2**25, "LON_deg": 0.3}},
    {"APC": {"X_m": 0.5, "Y_m": 32767.5}, "COV_m": 16383.5},
])  # fmt: skip
def test_accuracies_far_apart_stay_a_covariance(latitude: float, accuracy: dict[str, Any]) -> None:
    batch = track(i105={"LAT_deg": latitude, "LON_deg": 31.5}, i130={"ALT_ft": 5000}, i500=accuracy)
    assert (np.linalg.eigvalsh(batch.covariance[0]) > 0).all()


def test_accuracy_in_degrees_is_turned_into_metres() -> None:
    lsb = 180 / 2**25
    batch = track(i130={"ALT_ft": 0}, i500={"APW": {"LAT_deg": 100 * lsb, "LON_deg": 100 * lsb}})
    np.testing.assert_allclose(local_sigma(batch)[:2], [100 * lsb * 111_320 * np.cos(LATITUDE), 100 * lsb * 111_320])


def test_a_flight_level_stands_in_for_the_height_of_a_track_and_nothing_stands_in_for_a_velocity() -> None:
    batch = track(i136={"FL": 100})
    assert geo.geodetic(batch.z[0, :3])[2] == pytest.approx(10_000 * FOOT + GEOID, abs=0.1)
    assert np.isnan(batch.z[0, 3:]).all()
    assert local_sigma(track())[2] == pytest.approx(5000)


def test_a_tracks_identification_is_the_aircrafts_own_before_the_systems() -> None:
    own = track(i380={"ID": "OWN1", "ADR": "0A0B0C"}, i245={"CHR": "PLAN1"}, i060={"MODE3A": "1234"})
    assert [(c.name, c.value) for c in own.claims] == [("callsign", "OWN1"), ("squawk", "1234")]
    assert own.address.tolist() == [0x0A0B0C]
    assert [c.value for c in track(i245={"CHR": "PLAN1"}).claims] == ["PLAN1"]


@pytest.mark.parametrize(
    ("items", "refused"),
    [
        ({"105": None, "100": {"X_m": 0, "Y_m": 0}}, {"no reference": 1}),
        ({"105": None}, {}),
        ({"080": {"TSE": 1}}, {}),
    ],
)
def test_a_track_without_a_place_and_the_end_of_a_track_give_nothing(items: Any, refused: dict[str, int]) -> None:
    record = {"010": WHO, "070": {"TOD_s": 43200}, "040": {"TRN": 7}, "105": {"LAT_deg": 46.2, "LON_deg": 31.5}} | items
    asterix = Asterix(Source(name="r", format="asterix"), (), Mode.LIVE)
    found = asterix.decode(Frame.of("r", NOON, encode_block(62, [record])))
    assert found.batches == ()
    assert found.refused == refused
