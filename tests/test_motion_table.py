"""How a track flies as weak evidence: against a plain twin, at its limits, and for flights that people know."""

import itertools
import json
import math
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import motion_table as bench
from motion_flights import Flight, assumed, simulated

from skywarden.errors import ConfigError
from skywarden.identify.motion import BLUR, KNOWN, LEVELS, LIMIT, OCTAVE, PARTS, likelihoods, shipped, table
from skywarden.model.assessment import CLASSES, Class

TEXT = files("skywarden").joinpath("data", "motion.json").read_text()
COLUMN = {word: column for column, word in enumerate(CLASSES[:-1])}
DRONES = (Class.UAV_PISTON, Class.UAV_JET, Class.MULTIROTOR, Class.FIXED_WING, Class.DECOY, Class.CRUISE)
NAN = math.nan


def said(*state: float) -> dict[Class, float]:
    """Return the nats of one track: speed, height, climb, and their sigmas."""
    row = likelihoods(*(np.array([number]) for number in state), shipped())[0]
    return dict(zip(CLASSES[:-1], row.tolist(), strict=True))


def drawn(count: int, seed: int) -> list[np.ndarray]:
    """Return states of all kinds, with sigmas from next to none to more than anything flies."""
    rng = np.random.default_rng(seed)
    speed, height = 1200 * rng.random(count) ** 3, 20e3 * rng.random(count) ** 3
    return [speed, height, rng.normal(0, 6, count), *np.exp(rng.uniform(-4, 8, (3, count)))]


def blurred(shares: Sequence[Sequence[float]], place: float, sigma: float) -> list[float]:
    """Return nats of all classes at a place that is known to sigma; in bins from the middle of the first."""
    bins = range(len(shares[0]))
    nats = [math.log(sum(row[k] * math.exp(-0.5 * ((place - k) / sigma) ** 2) for k in bins)) for row in shares]
    return [each - sum(nats) / len(nats) for each in nats]


def kept(shares: Sequence[Sequence[float]], place: float, sigma: float) -> list[float]:
    """Return the same as the table has it: between points and between levels, straight lines."""
    point = min(max(place * PARTS, 0.0), PARTS * (len(shares[0]) - 1.0))
    level = min(max(OCTAVE * math.log2(sigma / BLUR), 0.0), LEVELS - 1.0)
    left, below = min(int(point), PARTS * (len(shares[0]) - 1) - 1), min(int(level), LEVELS - 2)
    found = [0.0] * len(shares)
    for i, along in ((left, 1 - (point - left)), (left + 1, point - left)):
        for j, up in ((below, 1 - (level - below)), (below + 1, level - below)):
            if j < LEVELS - 1:
                corner = blurred(shares, i / PARTS, BLUR * 2 ** (j / OCTAVE))
                found = [total + along * up * each for total, each in zip(found, corner, strict=True)]
    return found


def twin(state: Sequence[float], of: Any) -> list[float]:
    """Return the nats of one track, factor by factor. of: `kept` or `blurred`."""
    file, total = json.loads(TEXT), [0.0] * len(KNOWN)
    for value, sigma, name in zip(state[:3], state[3:], ("speed", "height", "climb"), strict=True):
        if not (math.isfinite(value) and sigma >= 0):
            continue
        scale, edges = file[name]["scale"], file[name]["edges"]
        value = min(max(value, edges[0]), edges[-1])
        low, high = math.asinh(edges[0] / scale), math.asinh(edges[-1] / scale)
        step = (high - low) / (len(edges) - 1)
        middle = 0.5 * (low + math.asinh(edges[1] / scale))
        place = min(max((math.asinh(value / scale) - middle) / step, 0.0), len(edges) - 2.0)
        width = math.hypot(min(sigma, 1e9) / math.hypot(value, scale) / step, BLUR)
        total = [a + b for a, b in zip(total, of(file[name]["frequencies"], place, width), strict=True)]
    near = [max(each, max(total) - LIMIT) for each in total]
    return [each - sum(near) / len(near) for each in near]


def test_arrays_give_what_plain_code_gives() -> None:
    columns = drawn(60, 1)
    odd = [(-5.0, -300.0, 0.0, 1.0, 30.0, 1.0), (9e9, 9e9, -9e9, 0.0, 0.0, 0.0), (50.0, NAN, 1.0, 2.0, 3.0, NAN)]
    columns = [np.concatenate([column, [row[k] for row in odd]]) for k, column in enumerate(columns)]
    found = likelihoods(*columns, shipped())
    expected = [twin(state, kept) for state in np.transpose(columns).tolist()]
    assert np.abs(found - expected).max() < 1e-9


def test_straight_lines_between_points_cost_little() -> None:
    columns = drawn(200, 2)
    found = likelihoods(*columns, shipped())
    expected = [twin(state, blurred) for state in np.transpose(columns).tolist()]
    off = np.abs(found - expected).max(axis=1)
    assert off.max() < 0.1
    assert np.median(off) < 0.01


def test_what_is_not_known_says_nothing() -> None:
    speed = said(50.0, NAN, NAN, 2.0, 30.0, 1.0)
    assert speed == said(50.0, 100.0, 1.0, 2.0, NAN, NAN)
    assert speed == said(50.0, 100.0, 1.0, 2.0, -1.0, -1e-9)
    assert speed == said(50.0, math.inf, -math.inf, 2.0, 1.0, 1.0)
    assert speed == pytest.approx(said(50.0, 100.0, 1.0, 2.0, math.inf, math.inf))
    assert speed[Class.UAV_PISTON] > 1.0
    assert set(said(*[NAN] * 6).values()) == {0.0}
    assert said(NAN, 9000.0, NAN, 1.0, 30.0, 1.0)[Class.AEROPLANE] > 0.5


@pytest.mark.parametrize("factor", range(3))
def test_a_value_that_is_poorly_known_fades_out(factor: int) -> None:
    spans = []
    for sigma in (1.0, 30.0, 300.0, 3e3, 3e4, 3e5):
        state = [NAN] * 6
        state[factor], state[3 + factor] = (49.0, 60.0, 0.0)[factor], sigma
        row = said(*state).values()
        spans.append(max(row) - min(row))
    assert spans[0] > 1.5
    assert all(later <= before + 1e-12 for before, later in itertools.pairwise(spans))
    assert spans[-1] < 0.02


def test_no_row_has_a_range_over_two_nats_and_its_mean_is_none() -> None:
    found = likelihoods(*drawn(20_000, 3), shipped())
    assert np.ptp(found, axis=1).max() <= LIMIT + 1e-12
    assert np.ptp(found, axis=1).max() > LIMIT - 1e-9
    assert np.abs(found.mean(axis=1)).max() < 1e-12


def test_absurd_states_give_finite_nats() -> None:
    odd = np.array([NAN, math.inf, -math.inf, 0.0, -0.0, 1e300, -1e300, 1e-300, 5e-324, 1.7e308, -7.0, 120e3])
    rng = np.random.default_rng(4)
    found = likelihoods(*rng.choice(odd, (6, 20_000)), shipped())
    assert np.isfinite(found).all()
    assert np.ptp(found, axis=1).max() <= LIMIT + 1e-12
    assert likelihoods(*np.empty((6, 0)), shipped()).shape == (0, 11)


def test_under_ground_is_at_the_ground_and_over_the_top_is_at_the_top() -> None:
    assert said(20.0, -400.0, 0.0, 1.0, 30.0, 1.0) == said(20.0, 0.0, 0.0, 1.0, 30.0, 1.0)
    assert said(20.0, 2e5, 0.0, 1.0, 30.0, 1.0) == said(20.0, 1e7, 0.0, 1.0, 30.0, 1.0)


def test_one_percent_of_speed_changes_little() -> None:
    for columns in (drawn(100_000, 5), [*drawn(100_000, 6)[:1], *np.full((2, 100_000), NAN), *np.ones((3, 100_000))]):
        before = likelihoods(*columns, shipped())
        after = likelihoods(1.01 * columns[0], *columns[1:], shipped())
        assert np.abs(after - before).max() < 0.35


def test_no_step_is_seen_where_a_bin_ends() -> None:
    for factor, name in enumerate(("speed", "height", "climb")):
        edges = np.array(json.loads(TEXT)[name]["edges"])[1:-1]
        edges = edges[np.abs(edges) > 1e-3]
        state = [np.full(len(edges), value) for value in (50.0, 300.0, 0.5, 0.1, 1.0, 0.05)]
        around = [[*state[:factor], edges * share, *state[factor + 1 :]] for share in (1 - 1e-6, 1 + 1e-6)]
        below, above = (likelihoods(*each, shipped()) for each in around)
        assert np.abs(above - below).max() < 1e-3


def test_a_decoy_is_never_told_from_a_piston_engined_one() -> None:
    found = likelihoods(*drawn(20_000, 7), shipped())
    assert np.array_equal(found[:, COLUMN[Class.DECOY]], found[:, COLUMN[Class.UAV_PISTON]])
    assert np.ptp(found[:, COLUMN[Class.DECOY]]) > 1.0


def test_an_airliner_at_its_height_is_an_aeroplane_above_all_drones() -> None:
    nats = said(230.0, 10_000.0, 0.0, 1.0, 30.0, 0.5)
    assert nats[Class.AEROPLANE] > max(nats[drone] for drone in DRONES) + 0.2
    assert max(nats, key=lambda word: nats[word]) is Class.AEROPLANE


@pytest.mark.parametrize("sigmas", [(1.0, 30.0, 0.5), (3.0, 200.0, 2.0), (1.0, NAN, NAN)])
def test_light_aircraft_and_one_way_drones_fly_alike(sigmas: tuple[float, float, float]) -> None:
    nats = said(50.0, 200.0, 0.0, *sigmas)
    assert -1.0 < nats[Class.UAV_PISTON] - nats[Class.AEROPLANE] < 2.0


def test_who_is_slow_and_low_is_a_multirotor_or_a_bird_rather_than_an_aeroplane() -> None:
    nats = said(5.0, 100.0, 0.0, 1.0, 30.0, 0.5)
    assert nats[Class.MULTIROTOR] > nats[Class.AEROPLANE]
    assert said(12.0, 100.0, 0.0, 1.0, 30.0, 0.5)[Class.BIRD] > nats[Class.AEROPLANE]


def test_light_aircraft_are_not_rare_among_aeroplanes() -> None:
    for name, low, high in (("speed", 45.0, 55.0), ("height", 200.0, 400.0)):
        part = json.loads(TEXT)[name]
        edges = np.array(part["edges"])
        inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
        share = np.clip(inside, 0, None) / np.diff(edges) @ part["frequencies"][COLUMN[Class.AEROPLANE]]
        assert share > 0.03


def altered(change: Any) -> str:
    file = json.loads(TEXT)
    change(file)
    return json.dumps(file)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        TEXT[:-100],
        altered(lambda file: file.pop("climb")),
        altered(lambda file: file["classes"].reverse()),
        altered(lambda file: file["speed"]["frequencies"].pop()),
        altered(lambda file: file["speed"]["frequencies"][3].pop()),
        altered(lambda file: file["speed"].update(scale=0.0)),
        altered(lambda file: file["speed"].update(edges=file["speed"]["edges"][::-1])),
        altered(lambda file: file["height"]["edges"].__setitem__(7, 1e9)),
        altered(lambda file: file["height"]["edges"].clear()),
        altered(lambda file: file["climb"]["frequencies"][9].__setitem__(0, 0.0)),
        altered(lambda file: file["climb"]["frequencies"][9].__setitem__(0, 0.5)),
        altered(lambda file: file["speed"]["frequencies"].__setitem__(4, file["speed"]["frequencies"][1])),
    ],
)
def test_a_table_that_is_not_whole_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="table of motions"):
        table(text)


def test_a_table_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        shipped().nats[0, 0] = 1.0


def test_a_long_flight_weighs_as_much_as_a_short_one() -> None:
    slow, fast = np.tile([10.5, 100.0, 0.0], (500, 1)), np.array([[100.5, NAN, 0.0]])
    flights = [Flight("bird", "a", "1", 0, slow), Flight("bird", "a", "2", 0, fast), Flight("bird", "b", "3", 0, fast)]
    assert bench.weights(flights) == [0.25, 0.25, 0.5]
    found = bench.shares(flights, 0)
    assert sorted(found[found > 0].tolist()) == [0.25, 0.75]
    assert bench.shares(flights, 1).max() == 1.0  # who does not know the height says nothing of it


def test_the_bench_learns_from_simulated_flights_what_ships() -> None:
    flights = [*simulated(range(7, 8), duration=600), *assumed(1000)]
    birds = [flight.looks for flight in flights if flight.word == Class.BIRD]
    assert all(np.median(looks[:, 1]) < 2000 for looks in birds)
    known = {Class.HELICOPTER, Class.AEROPLANE, Class.BALLISTIC, Class.NOISE, Class.FIXED_WING}
    assert known <= {flight.word for flight in flights}
    made = json.loads(bench.text(bench.learned(flights), {}))
    shipping = json.loads(TEXT)
    for name in ("speed", "height", "climb"):
        assert made[name]["edges"] == shipping[name]["edges"]
        rows, others = np.array(made[name]["frequencies"]), np.array(shipping[name]["frequencies"])
        alike = np.minimum(rows, others).sum(axis=1)
        assert alike[COLUMN[Class.UAV_JET]] > 0.55
        assert alike.min() > 0.4
    assert table(json.dumps(made)).nats.shape == shipped().nats.shape
