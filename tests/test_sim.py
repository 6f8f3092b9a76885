"""The simulated raid: the same from one seed, within physics, and in the sensors' own formats."""

import os
import subprocess
import sys
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import pytest

from skywarden.config import parse
from skywarden.model.detection import Decoded, Detections, Frame, Kind, Reason
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sim.blocks import SECOND, Timed
from skywarden.sim.installation import configuration
from skywarden.sim.radar import CLUTTER, Radar, aim, detection, horizon, look, passes
from skywarden.sim.raid import STEP, Flier, Fliers, Route, fly
from skywarden.sim.scenario import ORIGIN, Scenario, coast, crowd, messages

START = 1_800_000_000 * SECOND


def digest(scenario: Scenario) -> str:
    return blake2b(b"".join(repr(m).encode() for m in messages(scenario, START))).hexdigest()


def radar(**changes: object) -> Radar:
    values = {"name": "r", "sac": 250, "sic": 1, "latitude": ORIGIN[0], "longitude": ORIGIN[1], "height_m": 30.0}
    return Radar(**{**values, "period_s": 4.0, **changes})


def one(*points: tuple[float, float, float], speed: float = 50.0, seconds: float = 60.0) -> Fliers:
    return fly([Route(kind=Flier.UAV, points=points, speed=speed)], ORIGIN, seconds)


@pytest.fixture(scope="module")
def raid() -> Scenario:
    return coast(7, seconds=60.0)


@pytest.fixture(scope="module")
def sent(raid: Scenario) -> list[Timed]:
    return list(messages(raid, START))


def test_one_seed_gives_the_same_bytes_in_any_process(raid: Scenario) -> None:
    code = (
        "from hashlib import blake2b; from skywarden.sim.scenario import coast, messages\n"
        f"m = messages(coast(7, seconds=60.0), {START})\n"
        "print(blake2b(b''.join(repr(x).encode() for x in m)).hexdigest())"
    )
    for hash_seed in ("0", "4242"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == digest(raid)


def test_another_seed_gives_another_raid(raid: Scenario) -> None:
    assert digest(coast(8, seconds=60.0)) != digest(raid)


def test_messages_come_in_time_order_from_every_sensor(raid: Scenario, sent: list[Timed]) -> None:
    assert all(a.time <= b.time for a, b in pairwise(sent))
    assert {m.source for m in sent} == {"orrin", "saltfen", "highmoor", "adsb", "nodes"}
    assert sent[0].time >= START
    assert sent[-1].time - START == pytest.approx(60 * SECOND, abs=SECOND)


def test_fliers_keep_their_speed_and_turn_no_faster_than_they_can() -> None:
    fliers = one((0.0, 0.0, 300.0), (0.0, 6e3, 300.0), (9e3, 6e3, 300.0), seconds=400.0)
    path = fliers.track[0][~np.isnan(fliers.track[0, :, 0])]
    step = np.diff(path[:, :2], axis=0)
    np.testing.assert_allclose(np.hypot(*step.T) / STEP, 50.0, rtol=1e-9)
    course = np.unwrap(np.arctan2(step[:, 0], step[:, 1]))
    assert np.abs(np.diff(course)).max() <= np.radians(3.0) * STEP * 1.001
    assert np.hypot(*(path[-1, :2] - (9e3, 6e3))) < 2 * 50.0 * STEP


def test_one_way_uavs_fly_as_such_and_some_are_in_view_at_once(raid: Scenario) -> None:
    uavs = [r for r in raid.fliers.routes if r.kind is Flier.UAV]
    assert len(uavs) == 30
    assert all(45 <= r.speed <= 55 for r in uavs)
    assert all(50 <= point[2] <= 1500 for r in uavs for point in r.points)
    first = look(raid.radars[0], raid.fliers, 5.0, np.random.default_rng(1))
    assert len(set(first.flier[first.flier < len(uavs)]) - {CLUTTER}) >= 10


def test_the_sea_hides_a_low_flier_beyond_the_horizon() -> None:
    low = radar(power=10.0, clutter=0.0)
    reach = horizon(30.0, np.array([50.0]))[0]
    assert 50e3 < reach < 53e3
    for distance, expected in ((reach + 2e3, 0), (reach - 4e3, 10)):
        fliers = one((0.0, distance, 50.0), (50e3, distance, 50.0), speed=45.0, seconds=40.0)
        seen = look(low, fliers, 40.0, np.random.default_rng(1))
        assert len(seen.time) == pytest.approx(expected, abs=1)


def test_half_of_the_looks_are_lost_at_the_half_range() -> None:
    assert detection(np.array([30e3]), np.array([30e3]))[0] == pytest.approx(0.5)
    assert detection(np.array([10e3]), np.array([30e3]))[0] > 0.98
    assert detection(np.array([90e3]), np.array([30e3]))[0] < 1e-4


def test_the_beam_meets_the_flier_where_it_is() -> None:
    turning = radar(phase_s=1.3)
    fliers = one((-9e3, 12e3, 800.0), (9e3, 12e3, 800.0))
    rows, times = passes(turning, fliers, 60.0)
    beam = (times - turning.phase_s) / turning.period_s * 2 * np.pi % (2 * np.pi)
    off = (aim(turning, fliers, rows, times)[1] - beam + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(off).max() < 1e-6
    assert len(times) == 15


def test_measurements_scatter_as_the_configuration_says() -> None:
    noisy = radar(period_s=0.05, clutter=0.0, range_sigma_m=40.0, azimuth_sigma_deg=0.2)
    fliers = one((0.0, 20e3, 1000.0), (9e3, 20e3, 1000.0))
    plots = look(noisy, fliers, 60.0, np.random.default_rng(3))
    distance, azimuth = aim(noisy, fliers, plots.flier, plots.time)
    off = (plots.azimuth - azimuth + np.pi) % (2 * np.pi) - np.pi
    assert np.std(plots.distance - distance) == pytest.approx(40.0, rel=0.1)
    assert np.degrees(np.std(off)) == pytest.approx(0.2, rel=0.1)
    assert abs(np.mean(plots.distance - distance)) < 5.0


def test_what_a_radar_says_is_as_wrong_as_its_decoder_believes() -> None:
    scenario = crowd(5, targets=300, radars=6, seconds=4.0)
    listen = {radar.name: "udp://127.0.0.1:0" for radar in scenario.radars}
    settings = parse(configuration(scenario, listen, "record", "127.0.0.1:0"))
    reader = Reader(settings.sources, settings.sensors, settings.run.mode)
    found = [reader.read(Frame.of(m.source, m.time, m.data)) for m in messages(scenario, START)]
    off = np.vstack([strangeness(scenario, batch) for decoded in found for batch in decoded.batches])
    assert len(off) > 6000
    assert np.std(off, axis=0) == pytest.approx([1.0, 1.0, 0.76], rel=0.1)  # 0.23 deg where 0.3 is configured
    assert np.abs(off).max() < 6


def strangeness(scenario: Scenario, batch: Detections) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return (m, 3) errors of range, azimuth and elevation against the nearest flier, in sigmas of their own."""
    assert batch.place is not None
    found = []
    for time, z, covariance in zip(batch.time, batch.z, batch.covariance, strict=True):
        rows = np.arange(len(scenario.fliers))
        points = scenario.fliers.ecef(rows, np.full(len(rows), (time - START) / SECOND))
        east, north, up = ((points - batch.place.position) @ batch.place.rotation.T).T
        distance = np.sqrt(east**2 + north**2 + up**2)
        across = (z[1] - np.arctan2(east, north) + np.pi) % (2 * np.pi) - np.pi
        off = np.stack([z[0] - distance, across, z[2] - np.arcsin(up / distance)], 1)
        off /= np.sqrt(np.diag(covariance)[:3])
        found.append(off[np.argmin((off**2).sum(1))])
    return np.array(found)


def test_a_crowd_is_seen_by_every_radar_once_a_second() -> None:
    scenario = crowd(1, targets=100, radars=20, seconds=3.0)
    plots = [look(r, scenario.fliers, 3.0, np.random.default_rng(k)) for k, r in enumerate(scenario.radars)]
    assert sum(len(p.time) for p in plots) == pytest.approx(100 * 20 * 3, rel=0.02)
    assert all(len(set(p.flier)) == 100 for p in plots)


@pytest.fixture(scope="module")
def decoded(raid: Scenario, sent: list[Timed]) -> list[Decoded]:
    settings = parse(configuration(raid, raid.loopback(), "record", "127.0.0.1:0"))
    assert settings.run.mode is Mode.SIM
    reader = Reader(settings.sources, settings.sensors, settings.run.mode)
    return [reader.read(Frame.of(m.source, m.time, m.data)) for m in sent]


def test_every_message_is_understood(decoded: list[Decoded]) -> None:
    assert {reason for found in decoded for reason in found.refused} == set()
    assert sum(found.messages for found in decoded) >= len(decoded)


def test_plots_decode_to_what_flew_there(raid: Scenario, decoded: list[Decoded]) -> None:
    uavs = np.flatnonzero([route.kind is Flier.UAV for route in raid.fliers.routes])
    off = []
    for batch in (b for found in decoded for b in found.batches if b.sensor == "highmoor"):
        assert batch.kind is Kind.POLAR
        stands = raid.radars[2].stands()
        for time, z in zip(batch.time, batch.z, strict=True):
            points = raid.fliers.ecef(uavs, np.full(len(uavs), (time - START) / SECOND))
            east, north, up = ((points - stands.position) @ stands.rotation.T).T
            across = (np.arctan2(east, north) - z[1] + np.pi) % (2 * np.pi) - np.pi
            away = np.hypot(np.sqrt(east**2 + north**2 + up**2) - z[0], across * z[0])
            off.append(np.nanmin(away))
    assert len(off) > 200
    assert np.median(off) < 120.0


def test_positions_decode_to_where_the_aircraft_were(raid: Scenario, decoded: list[Decoded]) -> None:
    rows = {route.address: row for row, route in enumerate(raid.fliers.routes) if route.address >= 0}
    off = []
    for batch in (b for found in decoded for b in found.batches if b.sensor == "adsb"):
        for time, address, position in zip(batch.time, batch.address, batch.z, strict=True):
            when = np.array([(time - START) / SECOND])
            off.append(np.linalg.norm(raid.fliers.ecef(np.array([rows[int(address)]]), when) - position))
    assert len(off) > 200
    assert np.median(off) < 15.0  # the geoid is up to 10 m off the ellipsoid here


def test_airliners_answer_the_radar_with_address_and_callsign(decoded: list[Decoded]) -> None:
    radars = [b for found in decoded for b in found.batches if b.sensor == "saltfen"]
    assert {0xF00102, 0xF00103} <= {int(a) for b in radars for a in b.address}
    assert {"AVR202", "RESCUE1"} <= {c.value for b in radars for c in b.claims if c.name == "callsign"}


def test_nothing_of_a_radar_gets_into_a_live_picture(raid: Scenario, sent: list[Timed]) -> None:
    source = Source(name="orrin", format="asterix", listen="udp://127.0.0.1:0")
    place = {"latitude": raid.radars[0].latitude, "longitude": raid.radars[0].longitude}
    reader = Reader([source], [Sensor(name="orrin", source="orrin", sac=250, sic=1, **place)], Mode.LIVE)
    found = [reader.read(Frame.of(m.source, m.time, m.data)) for m in sent if m.source == "orrin"]
    assert sum(len(b) for f in found for b in f.batches) == 0
    assert sum(f.refused.get(Reason.SIMULATED, 0) for f in found) > 200
