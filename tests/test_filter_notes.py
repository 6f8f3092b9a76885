"""The books of a target, claimed addresses, looks of the past and heights that nobody measures: against plain twins."""

import numpy as np
import pytest
import reference
from filter_books import note, seen, turn_to
from filter_memory import (
    NOW,
    SECOND,
    SITE,
    anchored,
    anywhere,
    believe,
    empty,
    fill,
    find,
    given,
    later,
    put,
    settled,
    sight,
    state,
    surfaced,
)
from filter_reference import bowed, polar

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.track import models
from skywarden.track.pmb import FilterSettings, Sensor

SEEDS = range(12)
NOISE = ((0.5, 2.0), (40.0, 2.0))  # m^2/s^3, of the settings
PARTS = {Kind.POLAR: 4, Kind.DIRECTION: 4, Kind.POSITION: 3, Kind.PLANE: 2}
HAIR = 1e-9  # of a variance, put back after a look
R = np.eye(3) * 60.0**2


def partial(kind):
    return Sensor(kind, detection=0.9, clutter=1e-9, whole=False)


def vertical(position):
    """Return the ellipsoid's normal of a position as the filter takes it: that of the ellipsoid of its own size."""
    flattening = 1 / 298.257223563
    n = position / np.array([1.0, 1.0, (1 - flattening) ** 2])
    return n / np.linalg.norm(n)


# books


class Book:
    """A target's books as lists."""

    def __init__(self, revisit):
        self.hits, self.seen, self.revisit, self.address, self.confirmed = 0, -(10**18), revisit, -1, False
        self.by = []  # (sensor, seen at, looked at, in view), latest first; ns after NOW

    def note(self, time, sensor, revisit, address, sure):
        gap = (time - self.seen) / SECOND
        if gap > 0:
            self.hits, self.seen = self.hits + 1, time
        if revisit < self.revisit or gap > 2.5 * self.revisit:
            self.revisit = revisit
        self.address = address if self.address < 0 else self.address
        before = [row for row in self.by if row[0] == sensor]
        at, looked = (max([time] + [row[k] for row in before]) for k in (1, 2))
        self.by = [(sensor, at, looked, 1.0), *(row for row in self.by if row[0] != sensor)][:4]
        self.confirmed |= sure and self.hits >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_books_are_kept_as_lists_would_be(seed):
    rng = np.random.default_rng(seed)
    memory = empty(partial(Kind.POLAR), FilterSettings(confirm_existence=0.9, confirm_hits=3))
    put(memory, anywhere(rng))
    target, book = memory.targets[0], Book(30.0)
    seen(memory, 0, {})
    target.seen, target.hits, target.address, target.revisit, target.confirmed = NOW - 10**18, 0, -1, 30.0, 0
    now = 0.0
    for _ in range(40):
        now += rng.choice([0.0, rng.exponential(1.0), 20.0], p=[0.2, 0.7, 0.1])
        sensor, revisit, lag = int(rng.integers(6)), float(rng.choice([1.0, 4.0, 10.0])), float(rng.uniform(-3.0, 1.0))
        address = int(rng.choice([-1, 5, 6], p=[0.8, 0.1, 0.1]))
        existence = float(rng.choice([0.5, 0.95], p=[0.7, 0.3]))
        turn_to(memory, now, sensor)
        memory.sense["revisit"] = revisit
        assert note(memory, 0, existence, lag, address) == target.label
        book.note(round(now * SECOND) + round(lag * SECOND), sensor, revisit, address, existence > 0.9)
        assert (target.hits, target.seen - NOW) == (book.hits, book.seen)
        assert (target.revisit, target.address, bool(target.confirmed)) == (book.revisit, book.address, book.confirmed)
        rows = zip(target.seen_by, target.seen_at - NOW, target.looked_at - NOW, target.in_view, strict=True)
        assert [row for row in rows if row[0] >= 0] == book.by
    assert book.confirmed
    assert len(book.by) == 4


# addresses


def two(addresses, sensor=None):
    """Return a memory with two leaves 100 m apart that claim addresses, and the first one's place."""
    memory = empty(sensor or partial(Kind.POSITION))
    leaf = anywhere(np.random.default_rng(1), sigma=60.0, apart=0.0)._replace(existence=0.9)
    for k, address in enumerate(addresses):
        row = put(memory, leaf._replace(mean=leaf.mean + 100.0 * k * np.concatenate([SITE.rotation[0], np.zeros(3)])))
        memory.targets["address"][row] = address
    return memory, leaf.mean[0, :3]


def shares(memory, z, address):
    """Return the leaves that a plot with an address fits, and how probably it is each leaf's."""
    detections = given([z], [R])
    detections.address[:] = address
    m = fill(memory, detections, born=1e-15)
    memory.plots["clutter"] = 1e-15
    found = find(memory, m)["leaf"].tolist()
    return found, believe(memory, m, len(found)).association[:, 0]


def test_the_same_address_outweighs_any_nearness_inside_the_gate():
    memory, z = two([-1, 7])
    found, share = shares(memory, z, 7)  # right on the one without an address
    assert found == [0, 1]
    assert share[1] > 0.999
    memory, z = two([-1, -1])
    assert shares(memory, z, 7)[1].argmax() == 0


@pytest.mark.parametrize("off", [0.0, 50.0])
def test_another_address_never_fits(off):
    memory, z = two([8, -1])
    found, share = shares(memory, z + off, 7)
    assert found == [1]
    assert share[0] == 0.0


def test_no_address_fits_any():
    memory, z = two([8, 7])
    assert shares(memory, z, -1)[0] == [0, 1]


@pytest.mark.parametrize("address, fits", [(7, True), (-1, False)])
def test_the_same_address_may_be_further_off(address, fits):
    memory, z = two([7])
    P = memory.leaves["covariance"][0, 0, :3, :3] + R
    away = 6.5 * np.sqrt(np.linalg.eigvalsh(P)[-1]) * np.linalg.eigh(P)[1][:, -1]  # chi-square 42; the gate is 21
    assert (shares(memory, z + away, address)[0] == [0]) == fits


# looks of the past


def expected(kind, mean, place):
    """Return z and its Jacobian (parts, 6), as `view` counts components."""
    if kind in (Kind.POLAR, Kind.DIRECTION):
        return polar(mean, place)
    if kind == Kind.POSITION:
        return mean[:3], np.eye(3, 6)
    up = vertical(mean[:3])
    east = np.cross([0.0, 0.0, 1.0], up) / np.linalg.norm(up[:2])
    return None, np.hstack([np.stack([east, np.cross(up, east)]), np.zeros((2, 3))])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ago", [0.5, 3.0, 9.0])
@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.name.lower())
def test_a_look_of_the_past_is_expected_as_dense_matrices_say(kind, ago, seed):
    rng = np.random.default_rng(seed)
    leaf, memory, parts = anywhere(rng), empty(partial(kind)), PARTS[kind]
    view = sight(memory, put(memory, leaf, NOW + round(ago * SECOND)), parts)
    F = np.kron([[1.0, -ago], [0.0, 1.0]], np.eye(3))
    assert view.ahead == pytest.approx(ago)
    for m in range(2):
        mean, P, up = leaf.mean[m], leaf.covariance[m], vertical(leaf.mean[m, :3])
        then, Q = reference.predict(mean, np.zeros((6, 6)), -ago, NOISE[m], up)
        z, H = expected(kind, then, SITE)
        HF = H @ F
        S = HF @ P @ HF.T + H @ Q @ H.T
        if kind == Kind.DIRECTION:
            shift, more = bowed(z[:3], S[:3, :3])
            z[:3], S[:3, :3] = z[:3] + shift, S[:3, :3] + more
        if z is not None:
            np.testing.assert_allclose(view.z[m, :parts], z, rtol=1e-9, atol=1e-9)
        size, wide = np.sqrt(np.diag(S)), np.sqrt(np.diag(P))
        found = view.S[m, :parts, :parts] / np.outer(size, size)
        np.testing.assert_allclose(np.tril(found), np.tril(S / np.outer(size, size)), atol=1e-9)
        wanted = HF @ P / size[:, None] / wide
        np.testing.assert_allclose(view.HP[m, :parts] / size[:, None] / wide, wanted, atol=1e-9)
        np.testing.assert_allclose(view.rate[m, :parts], H[:, :3] @ then[3:], rtol=1e-9, atol=1e-12)
    assert state(memory, 0).mean.tobytes() == leaf.mean.tobytes()
    assert memory.leaves["time"][0] == NOW + round(ago * SECOND)


def taken(leaf, z, ago, settings, lag=0.0):
    """Return what a position of NOW leaves of a leaf that is `ago` s ahead."""
    memory = empty(partial(Kind.POSITION), settings)
    row = put(memory, leaf, NOW + round(ago * SECOND))
    m = fill(memory, given([z], [R], lag), born=1e-40)
    memory.plots["clutter"] = 1e-40
    assert len(find(memory, m)) == 1
    believe(memory, m, 1)
    return settled(memory, row)


def surely(leaf):
    """Return a leaf of one model that does exist."""
    return leaf._replace(weight=(1.0, 0.0), existence=0.999999)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ago", [1.0, 8.0])
def test_a_position_of_the_past_corrects_by_innovation_and_covariance_of_the_formula(ago, seed):
    rng = np.random.default_rng(seed)
    leaf = surely(anywhere(rng))
    x, P, F = leaf.mean[0], leaf.covariance[0], np.kron([[1.0, -ago], [0.0, 1.0]], np.eye(3))
    then, Q = reference.predict(x, np.zeros((6, 6)), -ago, NOISE[0], vertical(x[:3]))
    z = then[:3] + rng.normal(size=3) * 60.0
    found = taken(leaf, z, ago, FilterSettings())
    H = F[:3]
    S = H @ P @ H.T + Q[:3, :3] + R
    K = np.linalg.solve(S, H @ P).T
    wanted = P - K @ S @ K.T
    wanted += HAIR * np.diag(np.diag(wanted))
    sigma = np.sqrt(np.diag(wanted))
    np.testing.assert_allclose((found.mean[0] - x - K @ (z - then[:3])) / sigma, 0.0, atol=1e-8)
    np.testing.assert_allclose((found.covariance[0] - wanted) / np.outer(sigma, sigma), 0.0, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_disturbance_late_is_as_good_as_on_time(seed):
    rng, ago = np.random.default_rng(seed), 6.0
    still = FilterSettings(calm_noise_m2_s3=1e-12, busy_noise_m2_s3=1e-12, vertical_noise_m2_s3=1e-12, end_after_s=1e12)
    leaf = surely(anywhere(rng))
    z = leaf.mean[0, :3] + rng.normal(size=3) * 60.0
    prompt = later(taken(leaf, z, 0.0, still)._replace(weight=(1.0, 0.0)), ago, still)
    late = taken(later(leaf, ago, still), z, ago, still)
    sigma = np.sqrt(np.diag(prompt.covariance[0]))
    np.testing.assert_allclose((late.mean[0] - prompt.mean[0]) / sigma, 0.0, atol=1e-3)  # the fall of level flight
    np.testing.assert_allclose(
        late.covariance[0] / np.outer(sigma, sigma), prompt.covariance[0] / np.outer(sigma, sigma), atol=1e-6
    )


# heights


@pytest.mark.parametrize("sigma", [4100.0, 9000.0, 60_000.0])
def test_a_height_that_nobody_measures_stays_within_the_prior(sigma):
    settings = FilterSettings(height_m=4000.0, height_sigma_m=4000.0)
    leaf = anywhere(np.random.default_rng(3), sigma=100.0, apart=0.0)
    up = vertical(leaf.mean[0, :3])
    wide = np.concatenate([up, 0.001 * up])
    P = leaf.covariance[0] + sigma**2 * np.outer(wide, wide)
    found = anchored(leaf._replace(covariance=np.stack([P, leaf.covariance[1]])), settings)
    H, prior = np.concatenate([up, np.zeros(3)]), 4000.0**2
    variance = H @ P @ H
    weak = 1.0 / (1.0 / prior - 1.0 / variance)  # variance of a measurement that leaves just the prior's
    S = variance + weak
    K = P @ H / S
    height = geo.geodetic(leaf.mean[0, :3])[2]
    scale = np.sqrt(np.diag(P))
    np.testing.assert_allclose((found.mean[0] - leaf.mean[0] - K * (4000.0 - height)) / scale, 0.0, atol=20.0 / sigma)
    np.testing.assert_allclose(
        (found.covariance[0] - (P - np.outer(K, K) * S)) / np.outer(scale, scale), 0.0, atol=1e-9
    )
    assert H @ found.covariance[0] @ H == pytest.approx(prior, rel=1e-9)
    assert (found.covariance[0] == found.covariance[0].T).all()
    assert np.linalg.eigvalsh(found.covariance[0] / np.outer(scale, scale))[0] > 0.0
    for name in ("mean", "covariance"):  # the other model knows its height
        assert getattr(found, name)[1].tobytes() == getattr(leaf, name)[1].tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_has_sunk_under_the_ground_comes_up_to_where_it_is_likeliest(seed):
    """The likeliest of all states at that height: least (x - m)' P^-1 (x - m), by Lagrange's multiplier."""
    rng = np.random.default_rng(seed)
    leaf = anywhere(rng)
    up, lowest = vertical(leaf.mean[0, :3]), models.LOWEST
    deep = leaf.mean - np.concatenate([up, np.zeros(3)]) * (geo.geodetic(leaf.mean[0, :3])[2] - lowest + 700.0)
    found = surfaced(leaf._replace(mean=deep))
    H = np.concatenate([up, np.zeros(3)])
    for m in range(2):
        P, missing = leaf.covariance[m], lowest - geo.geodetic(deep[m, :3])[2]
        K = P @ H / (H @ P @ H)
        assert missing > 100
        np.testing.assert_allclose(found.mean[m], deep[m] + K * missing, atol=1e-3 * missing)
        assert geo.geodetic(found.mean[m, :3])[2] == pytest.approx(lowest, abs=1e-3 * missing)
        wanted = P + np.outer(K, K) * missing**2
        scale = np.sqrt(np.outer(np.diag(wanted), np.diag(wanted)))
        np.testing.assert_allclose(found.covariance[m] / scale, wanted / scale, atol=2e-3)


def test_what_is_above_the_ground_stays_to_the_bit():
    leaf = anywhere(np.random.default_rng(4))
    assert geo.geodetic(leaf.mean[0, :3])[2] > models.LOWEST
    assert surfaced(leaf).mean.tobytes() == leaf.mean.tobytes()
