"""What kind a track is, and where the middle of a wedge is: against a plain mixture, and wherever people see it."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from filter_memory import NOW, SECOND, SITE, anywhere, empty, put, tie
from filter_sky import RADAR, ecef
from rich.console import Console
from service_samples import picture, published

from skywarden.model.track import TrackKind
from skywarden.outputs.geojson import encode
from skywarden.service import rows
from skywarden.service.view import render
from skywarden.track.feeds import foreign
from skywarden.track.mixture import mixture, moments
from skywarden.track.pool import Memory
from skywarden.track.regions import kinds, opened
from skywarden.track.states import states
from skywarden.track.table import table

NOISE = np.array([0.5, 40.0])


def wedges(rng: np.random.Generator) -> Memory:
    """Return five targets: a wedge, one with a range, a wedge of two models, a group of two."""
    memory = empty(RADAR)
    for target, many in enumerate((3, 1, 4, 1, 1)):
        for _ in range(many):
            one = anywhere(rng)
            put(memory, one if target == 2 else one._replace(weight=(1.0, 0.0)), NOW - int(rng.integers(0, 9 * SECOND)))
            memory.leaves["target"][memory.counts[1] - 1] = target
            memory.counts[0] = target + 1
        memory.targets["leaf"][target] = memory.counts[1] - 1
        memory.targets["label"][target] = target + 1
    memory.leaves["group"][:10] = [0, 0, 0, -1, 1, 1, 1, 1, 2, 2]
    tie(memory, 0, [[0], [1], [-1], [2]], (0.4, 0.3, 0.2, 0.1))
    tie(memory, 1, [[4], [5], [6], [7]], (0.1, 0.2, 0.3, 0.4))
    tie(memory, 2, [[8, 9], [8, -1]], (0.7, 0.3))
    memory.targets["wedge"][[0, 2]] = 1
    memory.targets["origin"][[0, 2]] = SITE.position
    return memory


@pytest.mark.parametrize("seed", range(10))
def test_a_wedge_is_shown_as_the_mixture_of_all_its_ranges(seed):
    memory = wedges(np.random.default_rng(seed))
    leaves, groups = memory.leaves[:10], memory.groups[:3]
    found = opened(np.array([0, 2]), leaves, groups, NOISE)
    assert found.target.tolist() == [0, 2]
    for k, (part, weight) in enumerate((([0, 1, 2], [0.4, 0.3, 0.1]), ([4, 5, 6, 7], [0.1, 0.2, 0.3, 0.4]))):
        time = int(leaves["time"][part].max())
        memory.parameters["noise"] = np.stack([NOISE, [2.0, 2.0]], 1)
        mean, covariance = moments(mixture(leaves[part], np.array(weight), time, memory.parameters, memory.work))
        assert found.time[k] == time
        assert found.mean[k] == pytest.approx(mean, rel=1e-9)
        assert found.covariance[k] == pytest.approx(covariance, rel=1e-9)
    alone = opened(np.array([2]), leaves, groups, NOISE)
    assert alone.mean[0].tobytes() == found.mean[1].tobytes()
    assert alone.covariance[0].tobytes() == found.covariance[1].tobytes()


def test_the_table_shows_wedges_so_and_others_by_their_leaf():
    memory = wedges(np.random.default_rng(1))
    memory.targets["seen_by"], memory.targets["confirmed"], memory.targets["hits"] = -1, 1, 3
    shown = table(memory.targets[:5], memory.leaves[:10], memory.groups[:3], NOISE)
    assert shown.kind.tolist() == [1, 0, 1, 0, 0]
    found = opened(np.array([0, 2]), memory.leaves[:10], memory.groups[:3], NOISE)
    assert shown.mean[[0, 2]].tobytes() == found.mean.tobytes()
    assert shown.mean[1].tobytes() == memory.leaves["mean"][3, 0].tobytes()
    assert shown.time[[0, 2]].tolist() == found.time.tolist()


@pytest.mark.parametrize("sigma, kind", [(0.19, TrackKind.POINT), (0.21, TrackKind.WEDGE)])
def test_a_range_that_is_known_to_a_fifth_makes_a_point(sigma, kind):
    memory = empty(RADAR)
    x, up = ecef((3000.0, 4000.0, 0.0), (30.0, 0.0, 0.0)), SITE.rotation
    along = np.array([0.6, 0.8, 0.0]) @ up
    P = np.zeros((6, 6))
    P[:3, :3] = (sigma * 5000.0) ** 2 * np.outer(along, along) + 10.0**2 * np.eye(3)
    put(memory, anywhere(np.random.default_rng(1))._replace(mean=np.stack([x, x]), covariance=np.stack([P, P])))
    for origin, wanted in ((SITE.position, kind), (np.zeros(3), TrackKind.POINT)):
        memory.targets["origin"][0], memory.targets["hits"][0] = origin, 3
        assert kinds(memory.targets[:1], x[None], P[None]).tolist() == [wanted]


@pytest.mark.parametrize(
    ("away", "level", "height", "kind"),
    [
        (2000.0, 60.0, 4000.0, TrackKind.POINT),  # nobody measures its height
        (2000.0, 500.0, 10.0, TrackKind.WEDGE),
        (200.0, 60.0, 4000.0, TrackKind.POINT),  # overhead a fifth is little
        (200.0, 150.0, 4000.0, TrackKind.WEDGE),
    ],
)
def test_a_height_that_nobody_measures_makes_no_wedge(away, level, height, kind):
    memory = empty(RADAR)
    x, up = ecef((away, 0.0, 3000.0), (30.0, 0.0, 0.0)), SITE.rotation
    P = np.zeros((6, 6))
    P[:3, :3] = up.T @ np.diag([level**2, level**2, height**2]) @ up
    put(memory, anywhere(np.random.default_rng(1))._replace(mean=np.stack([x, x]), covariance=np.stack([P, P])))
    memory.targets["origin"][0], memory.targets["hits"][0] = SITE.position, 3
    assert kinds(memory.targets[:1], x[None], P[None]).tolist() == [kind]


def test_people_and_their_programs_see_what_kind_a_track_is():
    kind = np.zeros(4, np.int8)
    kind[1:3] = TrackKind.WEDGE, TrackKind.FIELD
    before = picture(3)
    after = replace(before, tracks=replace(before.tracks, kind=kind))
    told = states(after)
    assert [row.kind for row in rows.tracks(after, told)] == ["point", "wedge", "field"]
    features = json.loads(encode(told, after, (), foreign(after)))["features"]
    assert [one["properties"]["known"] for one in features] == ["point", "wedge", "field"]
    console = Console(width=140, height=40, file=io.StringIO(), record=True)
    console.print(render(published(3, picture=after), "en", 140, 40))
    text = console.export_text()
    assert "direction" in text
    assert "region" in text


def test_whom_nothing_but_microphones_told_of_is_known_as_a_region():
    memory = empty(RADAR)
    put(memory, anywhere(np.random.default_rng(1)))
    x, P = memory.leaves["mean"][:1, 0], memory.leaves["covariance"][:1, 0]
    for hits, wanted in ((0, TrackKind.FIELD), (1, TrackKind.POINT)):
        memory.targets["hits"][0] = hits
        assert kinds(memory.targets[:1], x, P).tolist() == [wanted]
