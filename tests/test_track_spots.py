"""Whom a sound cannot concern, told by where leaves are roughly: the same, to the bit, as by comparing all."""

import numpy as np
import pytest
from filter_books import near
from filter_memory import NOW, SECOND, SITE, anywhere, empty, fill, given, put, tie
from filter_sky import RADAR, ecef

from skywarden import geo
from skywarden.kernel import plain_while
from skywarden.model.detection import Kind
from skywarden.track.air import Air
from skywarden.track.look import follow
from skywarden.track.pmb import FilterSettings, Sensor
from skywarden.track.pool import Memory
from skywarden.track.prepare import Given
from skywarden.track.spots import GOOD, mark, unheard

AIR = Air(np.array([12.0, -9.0, 3.0]), speed=338.0, speed_sigma=2.0, wind_sigma=3.0)
SETTINGS = FilterSettings(late_s=60.0, birth_level_speed_m_s=150.0)
R = np.diag([0.07**2, 0.1**2, 1.0])  # no tone


def copied(memory: Memory) -> Memory:
    """Return a memory of its own with the same in it, as compiled kernels take it."""
    return Memory(
        *(part.copy().view(np.dtype(part.dtype.descr) if part.dtype.names else part.dtype) for part in memory)
    )


def crowd(rng: np.random.Generator, n: int = 60) -> Memory:
    """Return leaves within some reaches of an array, of different times and speeds, some of them in groups."""
    memory = empty(Sensor(Kind.SOUND, 0.9, 0.1, whole=False, reach_m=6e3, air=AIR), SETTINGS, capacity=256)
    for _ in range(n):
        away, bearing, heading, speed = (
            14e3 * np.sqrt(rng.random()),
            *rng.uniform(-np.pi, np.pi, 2),
            rng.uniform(0, 290),
        )
        x = ecef(
            (away * np.sin(bearing), away * np.cos(bearing), rng.uniform(50.0, 4e3)),
            (speed * np.sin(heading), speed * np.cos(heading), rng.normal() * 5.0),
        )
        wide = 10.0 ** rng.uniform(0.5, 2.5)
        P = np.diag([wide**2] * 3 + [rng.uniform(0.1, 20.0) ** 2] * 3)
        models = np.stack([x, x + np.concatenate([rng.normal(size=3) * wide, np.zeros(3)])])
        weight = (1.0, 0.0) if rng.random() < 0.3 else (0.7, 0.3)
        one = anywhere(rng)._replace(mean=models, covariance=np.stack([P, P]), weight=weight)
        row = put(memory, one, NOW + round(rng.uniform(-4.0, 1.5) * SECOND))
        memory.targets["confirmed"][row], memory.targets["address"][row] = rng.integers(0, 2), rng.choice([-1, 7])
        memory.targets["seen_by"][row], memory.targets["revisit"][row] = -1, 4.0
        memory.targets["seen"][row] = NOW
    tie(memory, 0, [[0, 1], [0, -1]], (0.6, 0.4))
    tie(memory, 1, [[3, 4], [-1, 4]], (0.5, 0.5))
    return memory


def sound(
    rng: np.random.Generator, memory: Memory, lag: float, doubt: float, ears: np.ndarray | None = None
) -> tuple[Given, np.ndarray]:
    """Return a look of one sound by an array somewhere, `lag` s after NOW. ears: None: who looked last was an array."""
    n, row = int(memory.counts[1]), (memory.sense if ears is None else ears).copy()
    place = SITE.position + np.array([*rng.uniform(-9e3, 9e3, 2), 0.0]) @ SITE.rotation
    turn = geo.east_north_up(*geo.geodetic(place)[:2])
    e = turn @ (memory.leaves["mean"][rng.integers(n), 0, :3] - place)
    z = np.array([[np.arctan2(e[0], e[1]), np.arcsin(e[2] / np.linalg.norm(e)), np.nan]])
    z[:, :2] += rng.normal(size=2) * 0.05
    row["position"], row["rotation"], row["time"] = place, turn, NOW + round(lag * SECOND)
    row["begin"], row["end"], row["sensor"] = 0, 1, 0
    found = given(z, R[None], lag, doubt)
    return found, row


@pytest.mark.parametrize("seed", range(40))
def test_who_is_out_of_earshot_by_its_spot_is_out_of_reach(seed):
    rng = np.random.default_rng(seed)
    memory, skipped, age = crowd(rng), 0, 0.0
    for _ in range(25):
        age += float(rng.choice([0.001, 0.03, 0.3], p=[0.5, 0.4, 0.1]))
        detections, row = sound(rng, memory, age, float(rng.choice([0.0, 0.05, 2.0])))
        memory.sense[0] = row[0]
        m = fill(memory, detections, born=1e-30)
        known = memory.spots["known"].sum()
        quickly = near(memory, m)
        skipped += int(known)
        kept = memory.spots.copy()
        memory.spots["known"] = 0.0
        assert near(memory, m).tolist() == quickly.tolist()
        memory.spots[:] = kept
    assert skipped > 100


@pytest.mark.parametrize("seed", range(8))
def test_looks_of_sounds_leave_the_same_to_the_bit_as_comparing_all(seed):
    """Among looks of a radar, births, groups that form and leaves that end and make others move up."""
    rng = np.random.default_rng(seed)
    first = crowd(rng)
    first.targets["confirmed"] = 0
    first.leaves["existence"][10:20] = 2e-4
    first, other, age = copied(first), copied(first), 0.0
    radar, ears = RADAR.record.copy(), first.sense.copy()
    radar["position"], radar["rotation"], radar["whole"], radar["missable"] = SITE.position, SITE.rotation, 0, 1
    for k in range(120):
        age += float(rng.choice([0.001, 0.03, 0.25], p=[0.5, 0.4, 0.1]))
        found, row = sound(rng, first, age, 0.05, ears)
        if k % 6 == 5:
            row = radar.copy()
            row["time"], row["begin"], row["end"], row["sensor"] = NOW + round(age * SECOND), 0, 6, 0
            e = (first.leaves["mean"][rng.integers(0, 30, 6), 0, :3] - SITE.position) @ SITE.rotation.T
            away = np.linalg.norm(e, axis=1)
            z = np.stack([away, np.arctan2(e[:, 0], e[:, 1]), np.arcsin(e[:, 2] / away), np.full(6, np.nan)], -1)
            sigma = np.array([50.0, 0.01, 0.01, 1.0])
            found = given(z + rng.normal(size=(6, 4)) * sigma, np.tile(np.diag(sigma**2), (6, 1, 1)), age)
        again = Given(*(part.copy() for part in found))
        other.spots["known"] = 0.0
        follow(first, found, row)
        follow(other, again, row)
        n = first.counts[:2]
        assert first.counts.tolist() == other.counts.tolist()
        assert found.label.tolist() == again.label.tolist()
        assert first.leaves[: n[1]].tobytes() == other.leaves[: n[1]].tobytes()
        assert first.targets[: n[0]].tobytes() == other.targets[: n[0]].tobytes()
    assert (first.spots["known"][: n[1]] == 1.0).any()


def test_a_spot_is_good_for_a_fifth_of_a_second_and_until_its_leaf_changes():
    memory = crowd(np.random.default_rng(1))
    spot, sense, leaf = memory.spots[0], memory.sense[0], memory.leaves[0]
    mark(spot, leaf, NOW, 10.0)
    far = -float(spot.wide)  # everything is farther
    for age, known in ((0, True), (GOOD, True), (GOOD + 1, False), (-1, False)):
        sense.time = NOW + age
        assert unheard(spot, sense, far, 0.0) == known
    spot.known = 0.0
    sense.time = NOW
    assert not unheard(spot, sense, far, 0.0)


def test_a_spot_is_around_its_leaf_as_long_as_it_is_good():
    rng = np.random.default_rng(2)
    memory = crowd(rng)
    for row in range(memory.counts[1]):
        spot, leaf = memory.spots[row], memory.leaves[row]
        time = int(leaf.time) + round(rng.uniform(-5.0, 5.0) * SECOND)
        mark(spot, leaf, time, 30.0)
        for age in np.linspace(0.0, GOOD * 1e-9, 9):
            there = leaf.mean[0, :3] + ((time - leaf.time) * 1e-9 + age) * leaf.mean[0, 3:]
            assert np.linalg.norm(there - [spot.x, spot.y, spot.z]) + 30.0 < spot.wide
            assert spot.speed >= np.linalg.norm(leaf.mean[0, 3:])


def test_plain_and_compiled_take_sounds_the_same():
    rng = np.random.default_rng(3)
    base = crowd(rng)
    looks = [sound(rng, base, 0.01 * k, 0.05) for k in range(6)]
    found = []
    for plain in (False, True):
        memory = copied(base)
        plain_while(lambda plain=plain: plain)
        for one, row in looks:
            follow(memory, Given(*(part.copy() for part in one)), row)
        plain_while(lambda: False)
        found.append(memory.leaves[: memory.counts[1]].tobytes() + memory.spots[: memory.counts[1]].tobytes())
    assert found[0] == found[1]
