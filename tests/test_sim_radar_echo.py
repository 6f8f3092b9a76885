"""How strong simulated echoes are: what radars say of it is what the radar equation says, noise and threshold included.

A plot needs a strong echo, so near the threshold sections are measured too large: of a Swerling 1 target with a mean
signal of S times the noise and a threshold at T times the noise, received powers are exponential with the mean S + 1,
and those of plots have the mean S + 1 + T.
"""

import numpy as np
import pytest
from radar_world import around, decoded, messages, quiet, radars, sky, still

from skywarden.config import parse
from skywarden.model.detection import Frame
from skywarden.model.place import F64, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import Asterix
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Radars
from skywarden.sim.sense.radar import RadarSense
from skywarden.sim.sense.radar_false import Plots
from skywarden.sim.sense.radar_fleet import NOISE_DBM
from skywarden.sim.sense.radar_wire import datagrams
from skywarden.sim.site_file import configuration
from skywarden.sim.sky import Sky, Window

OF_SECTION = {0.1: Kind.UAV_PISTON, 2.0: Kind.LIGHT, 50.0: Kind.AIRLINER}  # m^2
TURNS = 1500


def measured(radar: RadarSense, fleet: Sky, turns: int = TURNS) -> tuple[F64, F64, F64]:
    """Return range m, azimuth rad and section m^2 of every plot, from the bytes."""
    sent = radar.sent(fleet, Window(0, turns))
    found = decoded(radar, sent, join=max(1, 2 * len(sent.time) // turns))  # what comes in 2 s
    assert all(not part.refused for part in found)
    batches = [batch for part in found for batch in part.batches]
    assert all(batch.echo is not None for batch in batches)
    z, echo = np.concatenate([b.z for b in batches]), np.concatenate([b.echo for b in batches if b.echo is not None])
    return z[:, 0], z[:, 1], 10 ** (echo / 10)


def of_target(radar: RadarSense, fleet: Sky, away: F64, azimuth: F64) -> list[F64]:
    """Return the sections that are measured of each target that stays there."""
    distance, angle, section = measured(radar, fleet)
    return [
        section[(np.abs(distance - d) < 500) & (np.abs(angle - a) < 0.05)] for d, a in zip(away, azimuth, strict=True)
    ]


@pytest.mark.parametrize("make", [
    {"reference_km": 30},
    {"reference_km": 60, "false_alarm": 1e-9, "measures_height": True},
    {"reference_km": 45, "mode": "stare", "measures_rate": True, "measures_height": True},
])  # fmt: skip
def test_the_mean_section_of_many_looks_is_the_targets_own(make: dict[str, object]) -> None:
    """At signals of 1,000 times the noise and more, where hardly a look is lost."""
    away, azimuth = np.array([6e3, 12e3, 25e3]), np.array([0.5, 2.0, 4.0])
    fleet = sky(around(away, azimuth, 500.0), np.zeros((3, 3)), TURNS, tuple(OF_SECTION.values()))
    radar = radars(quiet(period_s=1.0, **make))
    for section, truth in zip(of_target(radar, fleet, away, azimuth), OF_SECTION, strict=True):
        assert KINDS[OF_SECTION[truth]].section_m2 == truth
        assert len(section) > 0.95 * TURNS
        assert abs(10 * np.log10(section.mean() / truth)) < 0.5  # one sigma of the mean: 0.1 dB
        assert section.std() == pytest.approx(section.mean(), rel=0.15)  # Swerling 1: exponential


def test_near_the_threshold_the_mean_section_is_too_large_by_the_looks_that_are_lost() -> None:
    away, azimuth = np.array([10e3, 14e3, 17e3]), np.array([0.5, 2.0, 4.0])
    threshold = -np.log(1e-6)
    signal = (threshold / np.log(2) - 1) * 0.1 * (30e3 / away) ** 4
    sections = of_target(radars(quiet(period_s=1.0)), still(around(away, azimuth, 500.0), TURNS), away, azimuth)
    bias = np.array([10 * np.log10(section.mean() / 0.1) for section in sections])
    assert bias == pytest.approx(10 * np.log10((signal + 1 + threshold) / signal), abs=0.4)
    assert bias[0] < 0.8 < 2 < bias[2]
    assert len(sections[2]) == pytest.approx(TURNS * np.exp(-threshold / (1 + signal[2])), rel=0.1)  # about half


def test_every_plot_says_the_power_that_it_was_detected_with_false_ones_too() -> None:
    radar = radars(quiet(period_s=2.0, false_alarm=1e-5, clutter=5.0, measures_rate=True))
    nothing, window = still(around(np.array([1e3]), np.array([0.0]), 80e3), 2), Window(0, 100)
    plots = radar.plots(nothing, window)
    plots = plots.take(plots.distance * 256 / 1852 > 0.5)  # nearer ones cannot be said
    asterix = Asterix(Source(name="radars", format="asterix"), tuple(radar.sensors), Mode.SIM)
    rows = [
        row
        for message in messages(radar.sent(nothing, window))
        for row in asterix.rows(Frame.of("radars", radar.fleet.start, message))
        if "I048/040" in row
    ]
    said = np.array([row["I048/130"]["PAM_dBm"] for row in rows])
    assert all(set(row["I048/130"]) == {"PAM_dBm"} for row in rows)
    assert len(said) == len(plots.power) > 250
    assert np.abs(np.sort(said) - np.sort(NOISE_DBM + 10 * np.log10(plots.power))).max() <= 0.5
    assert said.min() >= np.floor(NOISE_DBM + 10 * np.log10(-np.log(1e-5)))


def test_powers_beyond_the_scale_are_said_as_its_ends() -> None:
    radar = radars(quiet(mode="stare"))
    one = np.ones(3)
    power = np.array([1e40, 10.0, 1e-30])
    plots = Plots(np.zeros(3, np.int64), one, np.array([1e4, 2e4, 3e4]), one, 1e3 * one, 0 * one, power)
    asterix = Asterix(Source(name="radars", format="asterix"), tuple(radar.sensors), Mode.SIM)
    (message,) = messages(datagrams(radar.fleet, plots, Window(0, 2)))[:1]
    rows = list(asterix.rows(Frame.of("radars", radar.fleet.start, message)))
    assert [row["I048/130"]["PAM_dBm"] for row in rows if "I048/130" in row] == [127, -90, -128]


def test_echoes_that_merge_are_as_strong_as_both() -> None:
    """Two of 0.1 m^2 in one range cell: their amplitudes add up with any phase, their mean powers add up."""
    away, azimuth = np.array([6e3]), np.array([1.0])
    pair = still(around(np.array([6e3, 6e3]), np.array([1.0, 1.0]), 500.0), TURNS)
    (section,) = of_target(radars(quiet(period_s=1.0)), pair, away, azimuth)
    assert abs(10 * np.log10(section.mean() / 0.2)) < 0.5


@pytest.mark.parametrize("reference_km", [0.1, 30, 600])
@pytest.mark.parametrize("false_alarm", [1e-12, 0.01])
def test_the_configuration_that_is_written_has_what_each_radar_says_of_one_square_metre(
    reference_km: float, false_alarm: float
) -> None:
    radar = radars(quiet(reference_km=reference_km, false_alarm=false_alarm), Radars(name="other"))
    read = parse(configuration((), (radar,))).sensors
    assert [sensor.echo_dbm for sensor in read] == [sensor.echo_dbm for sensor in radar.sensors]
    signal = radar.fleet.half * (radar.fleet.reference / 10e3) ** 4
    said = [sensor.echo_dbm for sensor in read if sensor.echo_dbm is not None]
    assert said == pytest.approx((NOISE_DBM + 10 * np.log10(signal)).tolist(), abs=0.01)
