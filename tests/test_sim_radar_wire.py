"""What simulated radars send is what the decoder reads; where they stand; when they are silent."""

import numpy as np
import pytest
from radar_world import ORIGIN, around, decoded, messages, quiet, radars, sky, still

from skywarden.geo import geodetic
from skywarden.geo.terrain import Relief, flat, hills
from skywarden.model.detection import Frame, Kind, Reason
from skywarden.model.place import F64, Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sim.kinds import Kind as Flier
from skywarden.sim.scene.settings import Faults, Placed, Radars
from skywarden.sim.sense.placing import places
from skywarden.sim.sense.radar import RadarSense
from skywarden.sim.sense.radar_wire import LAYOUTS, MOST, SERVICE, SERVICES, datagrams, in_order
from skywarden.sim.sky import Sky, Window

SECOND = 1_000_000_000
MILE, FOOT = 1852.0, 0.3048
ETHERNET = 1500 - 20 - 8  # octets of a datagram that one frame holds, behind the heads of IPv4 and UDP


def crowd(count: int, seconds: int) -> Sky:
    rng = np.random.default_rng(4)
    place = np.concatenate([rng.uniform(-40e3, 40e3, (count, 2)), rng.uniform(50, 9000, (count, 1))], 1)
    velocity = np.concatenate([rng.normal(0, 100, (count, 2)), rng.normal(0, 3, (count, 1))], 1)
    return sky(place, velocity, seconds, (Flier.UAV_PISTON, Flier.AIRLINER))


@pytest.mark.parametrize("height, rate", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("mode", ["scan", "stare"])
def test_what_is_sent_is_what_is_decoded(mode: str, height: bool, rate: bool) -> None:
    block = Radars(
        name="r",
        count=3,
        extent_km=(50, 0),
        mode=mode,  # type: ignore[arg-type]
        period_s=2.0,
        reference_km=150,
        bias_azimuth_deg=0.5,
        measures_height=height,
        measures_rate=rate,
    )
    radar, fleet, window = radars(block), crowd(60, 40), Window(0, 40)
    plots, sent = radar.plots(fleet, window), radar.sent(fleet, window)
    found = decoded(radar, sent)
    assert all(not part.refused for part in found)
    batches = [batch for part in found for batch in part.batches]
    assert {batch.kind for batch in batches} == {Kind.POLAR}
    for k, sensor in enumerate(radar.sensors):
        mine = [batch for batch in batches if batch.sensor == sensor.name]
        z, time = np.concatenate([b.z for b in mine]), np.concatenate([b.time for b in mine])
        told = plots.take((plots.radar == k) & (plots.distance >= MILE / 256))
        assert len(z) == len(told.time) > 100
        at = np.lexsort((told.distance, np.round(told.azimuth % (2 * np.pi) / (2 * np.pi) * 65536) % 65536))
        order = np.lexsort((z[:, 0], np.round(z[:, 1] / (2 * np.pi) * 65536)))
        z, time, told = z[order], time[order], told.take(at)
        assert np.abs(z[:, 0] - told.distance).max() <= MILE / 512 + 1e-6
        turned = (z[:, 1] - told.azimuth + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(turned).max() <= np.pi / 65536 + 1e-9
        assert np.abs(time - radar.fleet.start - told.time * 1e9).max() <= 1e9 / 256 + 1
        assert np.isnan(z[:, 3]).all() == (not rate)
        assert np.isnan(z[:, 2]).all() == (not height)
        if rate:
            assert np.abs(z[:, 3] - told.rate).max() <= 0.5
        if height:
            assert height_error(mine[0].place.position, z, told.height).max() < 8 + 0.5  # 25 ft, and the sphere


def height_error(radar: F64, z: F64, height: F64) -> F64:
    """Return m between heights and those of a straight ray at z's range and elevation over a sphere."""
    own = geodetic(radar)[2] + 6.371e6
    reached = np.sqrt(own**2 + z[:, 0] ** 2 + 2 * own * z[:, 0] * np.sin(z[:, 2])) - 6.371e6
    good = ~np.isnan(z[:, 2]) & (z[:, 0] < 40e3)
    assert good.mean() > 0.5
    return np.asarray(np.abs(reached - height)[good])


def test_a_live_picture_takes_none_of_it() -> None:
    radar, window = radars(Radars(name="r", reference_km=150)), Window(0, 12)
    found = decoded(radar, radar.sent(crowd(30, 20), window), Mode.LIVE)
    assert [batch for part in found for batch in part.batches] == []
    assert {reason for part in found for reason in part.refused} == {Reason.SIMULATED}


def test_radars_tell_where_they_are_and_how_they_turn() -> None:
    radar = radars(quiet(period_s=4.0, false_alarm=1e-12, height_m=25.0, at_km=(3.0, 4.0)))
    nothing = still(around(np.array([1e3]), np.array([0.0]), 80e3), 2)
    sent = radar.sent(nothing, Window(0, 8))
    assert len(sent.time) == 32  # 16 sectors a turn
    rows = [row for m in messages(sent) for row in rows_of(radar, m)]
    north = [row for row in rows if "I034/120" in row]
    assert len(north) == 2
    assert {row["I034/041"]["PERIOD_s"] for row in north} == {4.0}
    place = north[0]["I034/120"]
    assert place["LAT_deg"] == pytest.approx(radar.sensors[0].latitude, abs=2e-5)
    assert place["LON_deg"] == pytest.approx(radar.sensors[0].longitude, abs=2e-5)
    assert place["HGT_m"] == 25
    sectors = [row["I034/020"]["SECTOR_deg"] for row in rows if "I034/020" in row]
    assert sorted(set(sectors)) == pytest.approx(np.arange(1, 16) * 22.5)
    assert np.diff(sent.time) == pytest.approx(4e9 / 16, abs=2)
    unplaced = Reader((Source(name="radars", format="asterix", listen="udp://127.0.0.1:1"),), (), Mode.SIM)
    still_sent = radars(quiet(mode="stare", reference_km=150)).sent(crowd(30, 20), Window(0, 20))
    found = [
        unplaced.read(Frame.of("radars", t, m))
        for t, m in zip(still_sent.time.tolist(), messages(still_sent), strict=True)
    ]
    assert sum(len(batch) for part in found for batch in part.batches) > 50  # its place is known from what it sends


def rows_of(radar: RadarSense, message: bytes) -> list[dict[str, dict[str, float]]]:
    from skywarden.sensors.asterix import Asterix

    decoder = Asterix(
        Source(name="radars", format="asterix", listen="udp://127.0.0.1:1"), tuple(radar.sensors), Mode.SIM
    )
    return list(decoder.rows(Frame.of("radars", radar.fleet.start, message)))


def test_plots_come_when_their_sector_ends_and_late_by_the_latency() -> None:
    radar = radars(quiet(count=4, extent_km=(40, 40), period_s=4.0, latency_s=1.5, reference_km=150))
    fleet, window = crowd(60, 40), Window(10, 30)
    sent = radar.sent(fleet, window)
    assert (np.diff(sent.time) >= 0).all()
    late = []
    for part, time in zip(decoded(radar, sent), sent.time.tolist(), strict=True):
        late += [(time - batch.time) * 1e-9 for batch in part.batches]
    delay = np.concatenate(late)
    assert 1.5 - 1 / 128 < delay.min() < delay.max() < 1.5 + 4 / 16 + 1 / 128
    assert delay.mean() == pytest.approx(1.5 + 4 / 32, abs=0.02)


def test_the_longest_datagram_fits_into_one_frame() -> None:
    record = max(len(fspec) + np.dtype(fields).itemsize for fspec, fields in LAYOUTS.values())
    service = max(len(fspec) + np.dtype([*SERVICE, *fields]).itemsize for fspec, fields in SERVICES.values())
    assert service + 3 + MOST * record <= ETHERNET


def test_many_plots_of_one_look_are_cut_into_datagrams_that_fit() -> None:
    radar = radars(quiet(mode="stare", period_s=2.0, reference_km=2000, measures_height=True, range_cell_m=1.0))
    sent = radar.sent(crowd(500, 10), Window(0, 10))
    assert sent.lengths.max() <= ETHERNET
    sizes = [sum(len(b) for b in part.batches) for part in decoded(radar, sent)]
    assert max(sizes) == MOST
    assert sum(sizes) > 1000


def test_a_radar_that_is_down_says_nothing_and_a_wrong_clock_is_in_the_stamps() -> None:
    block = quiet(count=6, period_s=4.0, reference_km=150, extent_km=(60, 60))
    fleet, window = crowd(60, 260), Window(200, 260)
    radar = radars(block, faults=Faults(lost=0.5, outages=0.5, outage_s=300, clock_offset_s=2.0, clock_drift_ppm=0))
    sent, trouble = radar.sent(fleet, window), radar.fleet.trouble
    assert (trouble.lost_from < 200).any()
    assert 1 < len(np.unique(sent.sender)) < 6
    for k in range(6):
        times = (sent.time[sent.sender == k] - radar.fleet.start) * 1e-9 - radar.fleet.latency[k]
        gone = (times > trouble.lost_from[k] + 0.3) | ((times > trouble.out[k, 0] + 0.3) & (times < trouble.out[k, 1]))
        assert not gone.any()
    cover = radar.cover(fleet, window)
    assert radar.fleet.up(cover.sensor, cover.second.astype(float)).all()
    late: dict[str, list[float]] = {}
    for part, time in zip(decoded(radar, sent), sent.time.tolist(), strict=True):
        for batch in part.batches:
            late.setdefault(batch.sensor, []).extend(((time - batch.time) * 1e-9).tolist())
    for name, delays in late.items():
        k = radar.names.index(name)
        assert np.mean(delays) == pytest.approx(0.1 + 4 / 32 - trouble.clock[k, 0], abs=0.05)


def test_half_windows_lose_no_sector() -> None:
    radar = radars(quiet(count=5, extent_km=(60, 60), period_s=3.1, reference_km=150))
    fleet = crowd(40, 40)

    def markers(*windows: tuple[float, float]) -> int:
        parts = [messages(radar.sent(fleet, Window(*window))) for window in windows]
        return sum(message[0] == 34 for part in parts for message in part)

    assert markers((0, 40)) == markers((0, 13.37), (13.37, 40)) == markers((0, 10), (10, 20), (20, 30), (30, 40))


def test_sorting_messages_keeps_each_whole() -> None:
    radar = radars(quiet(count=5, extent_km=(60, 60), reference_km=150))
    raw = datagrams(radar.fleet, radar.plots(crowd(40, 20), Window(0, 20)), Window(0, 20))
    assert sorted(messages(raw)) == sorted(messages(in_order(raw)))
    assert sorted(zip(raw.time.tolist(), messages(raw), strict=True)) == sorted(
        zip(in_order(raw).time.tolist(), messages(in_order(raw)), strict=True)
    )


@pytest.mark.parametrize("layout", ["grid", "random", "ring", "line"])
@pytest.mark.parametrize("count", [1, 7, 200])
def test_sensors_stand_within_the_extent_and_on_the_ground(layout: str, count: int) -> None:
    rng = np.random.default_rng(1)
    ground = hills((np.radians(48), np.radians(30)), (60e3, 60e3), Relief(100, 150, 6e3), rng)
    block = Placed(name="m", at_km=(5, -3), count=count, layout=layout, extent_km=(40, 20), height_m=7)  # type: ignore[arg-type]
    found = places(block, ORIGIN, ground, rng)
    assert len(set(found.names)) == count
    north = (np.degrees(found.latitude) - 48) * 111.195
    east = (np.degrees(found.longitude) - 30) * 111.195 * np.cos(np.radians(48))
    assert np.abs(east - 5).max() <= 20 + 1e-3
    assert np.abs(north + 3).max() <= 10 + 1e-3
    assert np.allclose(found.height, ground.height(found.latitude, found.longitude) + 7)
    if count > 1 and layout != "random":
        assert (east.mean(), north.mean()) == pytest.approx((5, -3), abs=1)
        assert len(np.unique(np.round(np.stack([east, north], 1), 6), axis=0)) == count


def test_a_grid_covers_its_extent_evenly() -> None:
    found = places(Placed(name="m", count=1000, extent_km=(100, 50)), ORIGIN, flat(0.0), np.random.default_rng(1))
    north = (np.degrees(found.latitude) - 48) * 111.195
    east = (np.degrees(found.longitude) - 30) * 111.195 * np.cos(np.radians(48))
    counted = np.histogram2d(east, north, bins=(10, 5), range=((-50, 50), (-25, 25)))[0]
    assert counted.min() >= 14
    assert counted.max() <= 27
