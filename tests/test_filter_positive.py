"""Covariances stay symmetric and positive, whatever a sensor says of its errors and in whatever order."""

import numpy as np
import pytest
import reference
from filter_memory import POSITIONS, anywhere, believe, empty, fill, find, given, put, settled
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from track_world import START, Radar, batch, where

from skywarden.model.detection import Kind
from skywarden.model.track import Picture
from skywarden.track.pool import LEAF
from skywarden.track.settings import TrackerSettings
from skywarden.track.step import track

PLACE = Radar("r", 0.0, 0.0).place


def honest(leaves):
    """Check the covariances of all leaves, of the models that they have."""
    for leaf in leaves:
        for P in leaf["covariance"][: 2 if leaf["weight"][1] > 0.0 else 1]:
            assert np.isfinite(P).all()
            assert (P == P.T).all()
            scale = np.sqrt(np.diag(P))
            assert (scale > 0.0).all()
            assert np.linalg.eigvalsh(P / np.outer(scale, scale))[0] > 0.0
        assert np.isfinite(leaf["mean"]).all()
        assert 0.0 < leaf["existence"] < 1.0


def followed(looks):
    """Let the tracker take looks (t, z, R) in; return its leaves after each."""
    picture, found = Picture(START), []
    for k, (t, z, R) in enumerate(looks):
        plot = batch(Kind.POLAR, "r", t, z, R, place=PLACE, revisit=4.0)
        tracked = track(picture, [plot], START + 2_000_000_000 * k, TrackerSettings())
        picture = tracked.onto(picture)
        found.append(tracked.beliefs.leaves.view(LEAF))
    return found


@settings(max_examples=100, deadline=None)
@drawn(
    missing=st.sampled_from([(), (3,), (2,), (2, 3)]),
    log_sigma=st.lists(st.tuples(*[st.floats(-3, 4)] * 4), min_size=8, max_size=8),
    places=st.lists(st.tuples(*[st.floats(-300, 300)] * 2, st.floats(100, 900)), min_size=2, max_size=8),
    steps=st.lists(st.floats(-3.0, 12.0), min_size=8, max_size=8),
)
def test_covariance_stays_symmetric_and_positive(missing, log_sigma, places, steps):
    looks, t = [], 0.0
    for (east, north, up), step, sigma in zip(places, steps, log_sigma, strict=False):
        t += step
        z = reference.polar(np.concatenate([where(9000.0 + east, north, up), [10.0, 20.0, 5.0]]), PLACE)
        z[list(missing)] = np.nan
        looks.append((t, z, np.diag((10.0 ** np.array(sigma) * [1.0, 1e-4, 1e-4, 0.1]) ** 2)))
    for leaves in followed(looks):
        honest(leaves)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("exact", [1.0, 1e-3, 1e-6, 1e-8])
@pytest.mark.parametrize("vague", [1e3, 1e5, 3e6])
def test_an_exact_position_after_a_vague_one_leaves_a_positive_covariance(vague, exact, seed):
    rng = np.random.default_rng(seed)
    leaf = anywhere(rng, sigma=vague, apart=0.0)._replace(existence=0.99)
    root = rng.normal(size=(3, 6))
    memory = empty(POSITIONS)
    row = put(memory, leaf)
    m = fill(memory, given([leaf.mean[0, :3]], [exact**2 * (root @ root.T / 6)]), born=1e-40)
    memory.plots["clutter"] = 1e-40
    assert len(find(memory, m)) == 1
    believe(memory, m, 1)
    found = settled(memory, row)
    assert found.existence == 0.999999
    assert np.trace(found.covariance[0, :3, :3]) < 100.0 * exact**2 + 1e-10 * vague**2
    honest(memory.leaves[[row]])
