"""A turn against its own differential equation, integrated step by step with what follows from it."""

import numpy as np
import pytest
from filter_ears import someone, vertical
from filter_memory import empty
from scipy.integrate import solve_ivp

from skywarden.model.detection import Kind
from skywarden.track import turning
from skywarden.track.pmb import Sensor

TURNS = [0.0, 1e-9, 9e-4, -1.1e-3, 0.0249, -0.0251, 0.05, -0.3]  # rad/s; of 0.4 s and 10 s on both sides of `SMALL`


def integrated(x, turn, dt, up):
    """Return the way (3,) and velocity (3,) after a turn, their derivative by x (6, 6) and by the turn rate (6,).

    v' = turn (v x up) - fall up, the derivatives along with it; fall is that of the beginning, and nothing follows from
    it, as in `veer`.
    """
    level = x[3:] - up * (up @ x[3:])
    fall = level @ level / np.sqrt(x[:3] @ x[:3] + 1.0)
    right = np.array([[0.0, up[2], -up[1]], [-up[2], 0.0, up[0]], [up[1], -up[0], 0.0]])  # v x up
    A, by_turn = np.zeros((6, 6)), np.zeros((6, 6))
    A[:3, 3:], A[3:, 3:], by_turn[3:, 3:] = np.eye(3), turn * right, right

    def slope(_, y):
        state, F, g = y[:6], y[6:42].reshape(6, 6), y[42:]
        return np.concatenate([A @ state - np.append(np.zeros(3), fall * up), (A @ F).ravel(), A @ g + by_turn @ state])

    begin = np.concatenate([np.zeros(3), x[3:], np.eye(6).ravel(), np.zeros(6)])
    y = solve_ivp(slope, (0.0, dt), begin, "DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    return y[:6], y[6:42].reshape(6, 6), y[42:]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("dt", [-9.0, 0.4, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_turn_is_what_integrating_it_gives(turn, dt, seed):
    """To 1e-9 of the way flown: state, its derivative by the state before and by the turn rate."""
    x = someone(np.random.default_rng(seed)).mean[0, :6]
    up, work = vertical(x), empty(Sensor(Kind.SOUND, 0.8, 0.1, whole=False, reach_m=12e3)).work[0]
    turning.veer(x, turn, dt, up, work)
    there, F, g = integrated(x, turn, dt, up)
    found = work.b - np.append(x[:3], np.zeros(3))
    speed, long = np.linalg.norm(x[3:]), abs(dt)
    scale = np.repeat([speed * long, speed], 3)
    assert found / scale == pytest.approx(there / scale, abs=1e-9)
    assert work.F / np.repeat([long, 1.0], 3)[:, None] == pytest.approx(
        F / np.repeat([long, 1.0], 3)[:, None], abs=1e-9
    )
    assert work.g / (long * scale) == pytest.approx(g / (long * scale), abs=1e-9)
