"""Ballistic arcs: nothing but gravity acts; and the compiled loops against slow plain ones."""

import numpy as np
import pytest

from skywarden.geo import ecef, geodetic
from skywarden.kernel import Loop
from skywarden.model.place import F64
from skywarden.sim.flight.ballistic import BURN_OUT, HIGHEST, arc, flight_time
from skywarden.sim.flight.fly import Flat, fly
from skywarden.sim.flight.profile import profile
from skywarden.sim.flight.way import Leg, Mode, Route
from skywarden.sim.kinds import Kind
from skywarden.sim.sky import Target

SPIN = np.array([0.0, 0.0, 2 * np.pi / 86164.0905])  # rad/s: one turn in a sidereal day
MU = 3.986004418e14  # m^3/s^2


def shot(ground: float, speed: float, lofted: bool) -> tuple[F64, F64, F64, F64]:
    begin = ecef(np.radians(51.0), np.radians(30.0), BURN_OUT * ground)
    end = ecef(np.radians(51.0), np.radians(30.0) + ground / 6.39e6 / np.cos(np.radians(51)), 100.0)
    position, velocity = arc(begin, end, flight_time(ground, speed, lofted))
    return begin, end, position, velocity


SHOTS = [(60e3, 1000.0, True), (60e3, 1000.0, False), (200e3, 1500.0, False), (400e3, 2100.0, False)]


@pytest.mark.parametrize(("ground", "speed", "lofted"), SHOTS)
def test_an_arc_leads_from_its_begin_to_its_end_about_as_fast_as_told(ground, speed, lofted) -> None:
    begin, end, position, velocity = shot(ground, speed, lofted)
    assert np.linalg.norm(position[0] - begin) < 1e-3
    assert np.linalg.norm(position[-1] - end) < 1e-3
    assert 0.85 * speed < np.linalg.norm(velocity[0]) < 1.15 * speed
    assert geodetic(position)[2].max() < 1.1 * HIGHEST


@pytest.mark.parametrize(("ground", "speed", "lofted"), SHOTS)
def test_the_acceleration_of_an_arc_is_gravity_seen_from_the_turning_earth(ground, speed, lofted) -> None:
    _, _, p, v = shot(ground, speed, lofted)
    felt = p[2:] - 2 * p[1:-1] + p[:-2]
    gravity = -MU * p / np.linalg.norm(p, axis=1)[:, None] ** 3
    seen = gravity - 2 * np.cross(SPIN, v) - np.cross(SPIN, np.cross(SPIN, p))
    assert np.abs(felt - seen[1:-1]).max() < 1e-4
    assert np.abs((p[2:] - p[:-2]) / 2 - v[1:-1]).max() < 5e-3


@pytest.mark.parametrize(("ground", "speed", "lofted"), SHOTS)
def test_the_energy_of_an_arc_stays_the_same(ground, speed, lofted) -> None:
    """In turning axes: v^2/2 - mu/r - (w x r)^2/2, the Jacobi constant."""
    _, _, p, v = shot(ground, speed, lofted)
    energy = np.sum(v**2, 1) / 2 - MU / np.linalg.norm(p, axis=1) - np.sum(np.cross(SPIN, p) ** 2, 1) / 2
    assert np.ptp(energy) < 1.0  # J/kg, of half a million


def test_a_flight_is_equal_plain_and_compiled() -> None:
    routes = [
        Route(
            Target("a", Kind.UAV_PISTON, True),
            0,
            (0, 9e3, 500),
            (Leg(5e3, 6e3, 900), Leg(-3e3, 3e3, 300, Mode.CIRCLE, 60, 1800), Leg(0, 0, 100, Mode.END)),
            50.0,
            1.0,
        ),
        Route(
            Target("m", Kind.MULTIROTOR, True),
            3,
            (0, 1e3, 0),
            (Leg(0, 1e3, 80, Mode.HOVER, 30), Leg(400, 300, 60, Mode.HOVER, 20), Leg(0, 0, 60, Mode.END)),
            12.0,
        ),
    ]
    compiled = fly(routes, (29.5, -45.75), Flat(100.0), 900)
    before = Loop.patient
    Loop.patient = lambda: True
    try:
        plain = fly(routes, (29.5, -45.75), Flat(100.0), 900)
    finally:
        Loop.patient = before
    assert compiled.count.tolist() == plain.count.tolist()
    assert np.allclose(compiled.position, plain.position, rtol=0, atol=1e-6)
    assert np.allclose(compiled.velocity, plain.velocity, rtol=0, atol=1e-6)


def slow_profile(wanted: F64, climb: float, reach: int) -> F64:
    """Return the same line straight from its definition: the lowest above `wanted` with such slopes, then its mean."""
    n = len(wanted)
    wide = np.array([wanted[max(0, k - reach) : k + reach + 1].max() for k in range(n)])
    away = np.abs(np.arange(n)[:, None] - np.arange(n)[None])
    lifted = (wide[None] - climb * away).max(1)
    return np.array([lifted[np.clip(np.arange(k - reach, k + reach + 1), 0, n - 1)].mean() for k in range(n)])


def test_heights_are_the_lowest_smooth_line_above_the_ground() -> None:
    rng = np.random.default_rng(5)
    for reach, climb in ((3, 25.0), (4, 4.0), (2, 5.0)):
        ground = np.cumsum(rng.normal(0, 8, 300))
        height = np.full(300, 50.0)
        rate = np.empty(300)
        profile(ground, height, np.array([[0, 300, 300]]), np.array([[climb, climb, reach, 0.0]]), rate)
        assert np.allclose(height, slow_profile(ground + 50, climb, reach), atol=1e-9)
        assert (height >= ground + 50 - 1e-9).all()
        assert np.abs(np.diff(height)).max() <= climb + 1e-9
        assert np.abs(np.diff(height, 2)).max() <= 2 * climb / (2 * reach + 1) + 1e-9
