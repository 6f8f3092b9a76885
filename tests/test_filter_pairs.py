"""Which plots fit which leaf, against comparing all with all; and what must not be lost."""

import numpy as np
import pytest
from filter_memory import (
    CAMERA,
    NOW,
    PLANES,
    POSITIONS,
    RADAR,
    SITE,
    State,
    anywhere,
    empty,
    fill,
    find,
    given,
    put,
    state,
)
from filter_reference import compare, polar
from scipy.stats import chi2

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.track.pairs import COMPARED, KEPT
from skywarden.track.pmb import FilterSettings

GATE = 0.9999
FAINT = 1e-5
BORN = 1e-30  # small, so that hardly any pair is faint
SIGMA = np.array([40.0, 0.004, 0.006, 2.0])
SENSORS = {"polar": RADAR, "position": POSITIONS, "plane": PLANES, "direction": CAMERA}


def noise(rng, kind):
    """Return a full covariance in the units of a kind."""
    scale = {
        Kind.POLAR: SIGMA,
        Kind.DIRECTION: SIGMA[1:3],
        Kind.POSITION: np.full(3, 40.0),
        Kind.PLANE: np.full(2, 40.0),
    }[kind]
    root = rng.normal(size=(len(scale), 2 * len(scale)))
    return scale[:, None] * (root @ root.T / (2 * len(scale))) * scale


def measured(rng, kind, mean, R):
    """Return a detection of a state with errors of some 2 sigma, so that many are near the gate's edge."""
    if kind in (Kind.POLAR, Kind.DIRECTION):
        z = polar(mean, SITE)[0]
        z = z[1:3] if kind == Kind.DIRECTION else z
    elif kind == Kind.POSITION:
        z = mean[:3].copy()
    else:
        latitude, longitude, _ = geo.geodetic(mean[:3])
        z = np.array([latitude, longitude])
    error = rng.multivariate_normal(np.zeros(len(R)), R) * 2.0
    if kind == Kind.PLANE:
        error = error[::-1] / 6.37e6 / np.array([1.0, np.cos(z[0])])
    return z + error


def scene(rng, sensor, missing=()):
    """Return a memory with leaves in two crowds and alone, plots about them, and their z and R."""
    memory, kind = empty(sensor, FilterSettings(gate_probability=GATE, faint_odds=FAINT)), sensor.kind
    middle = [anywhere(rng, sigma=60.0) for _ in range(6)]
    leaves = list(middle)
    for one in middle[:2] * 3:
        leaves.append(one._replace(mean=one.mean + rng.normal(size=6) * np.repeat([80.0, 5.0], 3)))
    for k, leaf in enumerate(leaves):
        if kind == Kind.PLANE:  # where the plane's plots are: see the test of flying targets below
            latitude, longitude, height = geo.geodetic(leaf.mean[0, :3])
            leaf.mean[:, :3] += geo.ecef(latitude, longitude, 0.0) - geo.ecef(latitude, longitude, height)
        put(memory, leaf._replace(weight=(1.0, 0.0)) if k % 4 == 3 else leaf)
    R = np.array([noise(rng, kind) for _ in range(20)])
    z = np.array([measured(rng, kind, leaves[j % len(leaves)].mean[j % 2], R[j]) for j in range(20)])
    for k in missing:
        z[rng.random(20) < 0.4, k] = np.nan
    m = fill(memory, given(z, R), born=BORN)
    assert m == 20
    memory.plots["clutter"] = BORN
    return memory, m, z, R


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name, missing",
    [("polar", ()), ("polar", (2, 3)), ("polar", (3,)), ("position", ()), ("plane", ()), ("direction", (1,))],
)
def test_pairs_are_those_of_all_with_all(name, missing, seed):
    sensor, rng = SENSORS[name], np.random.default_rng(seed)
    memory, m, z, R = scene(rng, sensor, missing)
    limits = chi2.ppf(GATE, np.arange(1, 5))
    wanted = {}
    for i in range(memory.counts[1]):
        leaf = state(memory, i)
        many = 1 if leaf.weight[1] == 0.0 else 2
        one = leaf._replace(mean=leaf.mean[:many], covariance=leaf.covariance[:many])
        for j in range(m):
            square, likelihood = compare(sensor.kind, z[j], R[j], one, SITE)
            if square.min() <= limits[(~np.isnan(z[j])).sum() - 1]:
                seen = leaf.existence * sensor.detection
                wanted[i, j] = seen * (likelihood @ leaf.weight[:many]) / (1 - seen)
    found = {(int(p.leaf), int(memory.plots[p.plot].origin)): p.odds for p in find(memory, m)}
    assert sorted(found) == sorted(wanted)
    assert 15 < len(wanted) < 0.9 * memory.counts[1] * m
    exact = 1e-4 if name == "plane" else 1e-9  # the local vertical is good to 1e-5 rad
    for pair, odds in wanted.items():
        assert found[pair] == pytest.approx(odds, rel=exact)


def pointed(azimuth, sigma, turns=0):
    """Return a look of bearings without elevation, turns added to their azimuths."""
    z = np.stack([azimuth + 2.0 * np.pi * turns, np.full(len(azimuth), np.nan)], 1)
    return given(z, np.broadcast_to(np.eye(2) * sigma**2, (len(z), 2, 2)))


@pytest.mark.parametrize("turns", [0, -1])
def test_of_more_bearings_than_are_compared_those_are_that_may_fit(turns):
    """Only the lowest azimuths were, so that a target further round was seen by nobody."""
    rng, azimuth = np.random.default_rng(5), np.linspace(0.0, 2.0 * np.pi, 400, endpoint=False)
    memory = empty(CAMERA, FilterSettings(gate_probability=GATE, faint_odds=FAINT), capacity=1024)
    leaves = [anywhere(rng) for _ in range(8)]
    for leaf in leaves:
        put(memory, leaf)
    m = fill(memory, pointed(azimuth, SIGMA[1], turns), born=BORN)
    memory.plots["clutter"] = BORN
    limit, R, wanted = chi2.ppf(GATE, 1), np.eye(2) * SIGMA[1] ** 2, set()
    for i, leaf in enumerate(leaves):
        square = [compare(CAMERA.kind, np.array([one, np.nan]), R, leaf, SITE)[0].min() for one in azimuth]
        wanted |= {(i, j) for j in np.flatnonzero(np.array(square) <= limit).tolist()}
    found = {(int(p.leaf), int(memory.plots[p.plot].origin)) for p in find(memory, m)}
    assert m == 400 > COMPARED
    assert found == wanted
    assert len({i for i, _ in wanted}) == 8


@pytest.mark.parametrize("east, north", [(0.0, 5e3), (5e3, 1e2), (-5e3, -1e2), (-1e2, -5e3)])
def test_of_more_bearings_than_are_compared_that_fit_those_around_the_target_are(east, north):
    sigma, middle = 0.1, np.arctan2(east, north)
    azimuth = np.sort((middle + np.linspace(-0.35, 0.35, 900)) % (2.0 * np.pi))
    memory = empty(CAMERA, FilterSettings(gate_probability=GATE, faint_odds=FAINT), capacity=1024)
    mean = np.concatenate([SITE.position + np.array([east, north, 800.0]) @ SITE.rotation, np.zeros(3)])
    put(memory, State(np.stack([mean, mean]), np.stack([np.diag([100.0] * 3 + [1.0] * 3)] * 2), (1.0, 0.0)))
    m = fill(memory, pointed(azimuth, sigma), born=BORN)
    memory.plots["clutter"] = BORN
    found = [float(azimuth[memory.plots[p.plot].origin]) for p in find(memory, m)]
    off = np.abs((np.array(found) - middle + np.pi) % (2.0 * np.pi) - np.pi)
    assert len(found) == KEPT
    assert off.max() < 0.71 * COMPARED / 900  # 256 on one side; the farthest are at 0.35


def test_pairs_that_are_faint_are_not_kept():
    rng = np.random.default_rng(8)
    memory, m, _, _ = scene(rng, RADAR)
    every = {(int(p.leaf), int(p.plot)): float(p.odds) for p in find(memory, m)}
    other = np.median(list(every.values())) / FAINT
    memory.plots["clutter"][:m] = 0.5 * other
    memory.plots["born"][:m] = 0.5 * other
    kept = {(int(p.leaf), int(p.plot)) for p in find(memory, m)}
    assert sorted(kept) == sorted(pair for pair, odds in every.items() if odds > FAINT * other)
    assert 0 < len(kept) < len(every)


def test_the_views_say_which_pairs_are_theirs():
    memory, m, _, _ = scene(np.random.default_rng(3), RADAR)
    pairs = find(memory, m)
    for i, view in enumerate(memory.views[: memory.counts[1]]):
        assert (pairs["leaf"][view.first : view.last] == i).all()
    assert memory.views["last"][memory.counts[1] - 1] == len(pairs)


def beside(sensor, leaf, z, R, **time):
    """Return how many pairs one leaf and one detection make."""
    memory = empty(sensor)
    put(memory, leaf, NOW)
    assert fill(memory, given([z], [R], **time), born=BORN) == 1
    return len(find(memory, 1))


def test_a_detection_of_a_flying_target_that_has_no_height_fits_it():
    leaf = anywhere(np.random.default_rng(6), sigma=10.0, apart=0.0)
    latitude, longitude, height = geo.geodetic(leaf.mean[0, :3])
    assert height > 1000.0
    assert beside(PLANES, leaf, np.array([latitude, longitude]), np.eye(2) * 900.0) == 1


@pytest.mark.parametrize("lag", [-4.0, 4.0])
def test_a_plot_of_another_time_within_the_look_fits_its_target(lag):
    leaf = anywhere(np.random.default_rng(6), sigma=10.0, apart=0.0)
    leaf.mean[:, 3:] = 250.0 * (leaf.mean[0, :3] - SITE.position) / np.linalg.norm(leaf.mean[0, :3] - SITE.position)
    then = leaf.mean[0].copy()
    then[:3] += lag * then[3:]
    assert beside(RADAR, leaf, polar(then, SITE)[0], np.diag(SIGMA**2), lag=lag) == 1


def test_a_plot_whose_time_is_doubtful_may_be_further_along():
    leaf = anywhere(np.random.default_rng(6), sigma=10.0, apart=0.0)
    leaf.mean[:, 3:] = 250.0 * (leaf.mean[0, :3] - SITE.position) / np.linalg.norm(leaf.mean[0, :3] - SITE.position)
    then = leaf.mean[0].copy()
    then[:3] += 3.0 * then[3:]
    z = polar(then, SITE)[0]
    z[2:] = np.nan
    assert beside(RADAR, leaf, z, np.diag(SIGMA**2), time_sigma=2.0) == 1
