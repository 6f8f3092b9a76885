"""The filter's memory for tests: leaves, plots and groups put in by hand, and one stage of a look at a time.

All that tests know of the inside of `skywarden.track` is here and in `filter_books`. Stages run as plain Python.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden import geo, kernel
from skywarden.model.detection import Kind
from skywarden.model.place import F64, I64
from skywarden.track import (
    begin,
    belief,
    components,
    joint,
    models,
    narrow,
    pairs,
    pool,
    prepare,
    reach,
    settle,
    undetected,
    view,
)
from skywarden.track import look as looks
from skywarden.track.pmb import Filter, FilterSettings, Sensor, Unseen, combined
from skywarden.track.pool import Memory, Rows

SITE = geo.place(np.radians(29.5), np.radians(-45.75), 50.0)
SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND
RADAR = Sensor(Kind.POLAR, detection=0.9, clutter=1e-9, reach_m=100e3)
POSITIONS = Sensor(Kind.POSITION, detection=0.8, clutter=1e-9)
PLANES = Sensor(Kind.PLANE, detection=0.8, clutter=1e-9)
CAMERA = Sensor(Kind.DIRECTION, detection=0.7, clutter=0.1, whole=False)
LIMITS = {"MEMBERS": pool.MEMBERS, "HYPOTHESES": pool.HYPOTHESES}
KINDS: dict[object, object] = {}  # of records -> the same with attributes
CODES = {"used": prepare.USED, "not finite": prepare.NOT_FINITE, "implausible": prepare.IMPLAUSIBLE, "quota": 4}


def opened(memory: Memory) -> Memory:
    """Return the same memory with fields as attributes, as plain kernels have it."""
    return kernel.opened(memory, KINDS)


def empty(
    sensor: Sensor,
    settings: FilterSettings | None = None,
    capacity: int = 64,
    density: float = 1e-9,
    births: float = 0.0,
    cell: float = 25e3,
) -> Memory:
    """Return a memory without targets, for looks of a sensor at SITE. density: 1/m^2 unseen; births: 1/(m^2 s)."""
    unseen = Unseen(SITE, cell, np.full((8, 8), density), np.full((8, 8), births))
    memory = opened(Filter(settings or FilterSettings(), unseen, capacity).memory)
    memory.sense[0] = sensor.record[0]
    memory.sense["position"], memory.sense["rotation"], memory.sense["time"] = SITE.position, SITE.rotation, NOW
    memory.grid["time"] = NOW
    return memory


class State(NamedTuple):
    """What a leaf says: mean (2, 6), covariance (2, 6, 6), weight (2,) of its models; existence."""

    mean: F64
    covariance: F64
    weight: tuple[float, float] = (0.7, 0.3)
    existence: float = 0.8


def anywhere(rng: np.random.Generator, sigma: float = 50.0, apart: float = 0.5) -> State:
    """Return a leaf somewhere within 3 to 40 km of SITE, whose models differ by `apart` sigma."""
    bearing, away, height = rng.uniform(-np.pi, np.pi), rng.uniform(3e3, 40e3), rng.uniform(200.0, 6e3)
    local = np.array([away * np.sin(bearing), away * np.cos(bearing), height])
    scale = np.array([sigma] * 3 + [sigma / 10] * 3)
    mean = np.concatenate([SITE.position + local @ SITE.rotation, rng.normal(scale=80.0, size=3)])
    root = rng.normal(size=(2, 6, 6)) * scale[:, None]
    covariance = root @ root.swapaxes(1, 2) / 6 + 0.2 * np.diag(scale**2)
    calm = rng.uniform(0.2, 0.9)
    off = np.stack([np.zeros(6), rng.normal(size=6) * scale * apart])
    return State(mean + off, covariance, (calm, 1 - calm), rng.uniform(0.05, 0.95))


def put(memory: Memory, state: State, time: int = NOW) -> int:
    """Add a leaf and its target; return its row."""
    target, row = memory.counts[:2]
    for name in ("mean", "covariance", "weight", "existence"):
        memory.leaves[name][row] = getattr(state, name)
    memory.leaves["time"][row], memory.leaves["target"][row], memory.leaves["group"][row] = time, target, -1
    memory.targets["label"][target], memory.targets["leaf"][target] = target + 1, row
    memory.counts[:2] += 1
    return int(row)


def state(memory: Memory, row: int) -> State:
    """Return a copy of what a leaf says."""
    leaf = memory.leaves[row]
    return State(leaf.mean.copy(), leaf.covariance.copy(), tuple(leaf.weight), float(leaf.existence))


def together(state: State) -> tuple[F64, F64]:
    """Return mean (6,) and covariance (6, 6) of a leaf over its models, as the filter shows it."""
    memory = empty(RADAR)
    leaf = memory.leaves[[put(memory, state)]]
    mean, covariance = combined(leaf["weight"], leaf["mean"], leaf["covariance"])
    return mean[0], covariance[0]


def given(z: F64, covariance: F64, lag: F64 | float = 0.0, time_sigma: F64 | float = 0.0) -> prepare.Given:
    """Return detections of a look at NOW by a sensor at SITE. lag, time_sigma: s."""
    n = len(z)
    time = NOW + np.round(np.broadcast_to(lag, n) * 1e9).astype(np.int64)
    doubt = np.broadcast_to(np.asarray(time_sigma, float), n).copy()
    rest = (np.full(n, -1), *(np.zeros(n, np.int64) for _ in range(4)))
    return prepare.Given(np.asarray(z, float), np.asarray(covariance, float), time, doubt, *rest)


def fill(memory: Memory, detections: prepare.Given, born: float | None = None) -> int:
    """Make plots of detections; return how many. born: density of new targets per unit of z, None: as on the grid."""
    memory.sense["begin"], memory.sense["end"] = 0, len(detections.z)
    with np.errstate(all="ignore"):
        m = prepare.fill(memory, detections)
    if born is None:
        undetected.expected(memory, m, NOW)
    else:
        memory.plots["born"][:m] = born
    return int(m)


def later(before: State, seconds: float, settings: FilterSettings | None = None) -> State:
    """Return what a leaf says after `seconds` without a look."""
    memory = empty(RADAR, settings)
    row = put(memory, before)
    models.predict(memory.leaves[row], NOW + round(seconds * 1e9), memory.parameters[0], memory.work[0])
    return state(memory, row)


def mixed(before: State, seconds: float, settings: FilterSettings) -> State:
    """Return what a leaf says when models may have changed within `seconds`, without motion."""
    memory = empty(RADAR, settings)
    row = put(memory, before)
    models.pace(seconds, memory.parameters[0], memory.work[0])
    models.mix(memory.leaves[row], memory.work[0])
    return state(memory, row)


def advanced(mean: F64, covariance: F64, seconds: float, up: F64, noise: tuple[float, float]) -> tuple[F64, F64]:
    """Return one model's mean (6,) and covariance (6, 6) after `seconds`. up: (3,) local vertical."""
    x, P = mean.copy(), covariance.copy()
    models.advance(x, P, seconds, up, np.array(noise))
    return x, P


def sight(memory: Memory, row: int, parts: int | None = None) -> np.record:
    """Return a leaf as the memory's sensor expects it at NOW. parts: components of POLAR."""
    if parts is not None:
        memory.sense["parts"] = parts
    pairs.sight(memory.leaves[row], memory.views[row], memory.sense[0], memory.parameters[0], memory.work[0])
    return memory.views[row]


def innovation(memory: Memory, row: int, model: int, plot: int) -> F64:
    """Return what a plot is off a leaf's model, in the order of the plot's rows. Needs `sight`."""
    work = memory.work[0]
    view.innovate(memory.views[row], model, memory.plots[plot], int(memory.sense[0].kind), work)
    return np.array(work.y[: memory.plots[plot].d])


def slopes(memory: Memory) -> F64:
    """Return the Jacobians (models, components, 6) of the leaf that was seen last."""
    return np.array(memory.work[0].slopes)


def find(memory: Memory, m: int, active: I64 | None = None, seen: int = 1) -> Rows:
    """Return all pairs of leaves and the first m plots. active (n,): 0 for leaves that are not looked at, None: all.

    seen: 1 if the sensor has just seen all targets.
    """
    n, targets = memory.counts[1], memory.counts[0]
    due = reach.Due(np.full(targets, -1), np.full(targets, seen), np.zeros(targets), np.ones(targets))
    memory.active[:n] = 1 if active is None else active
    with np.errstate(all="ignore"):
        count = pairs.find(memory, n, memory.plots[:m], due)
    return memory.pairs[:count]


class Believed(NamedTuple):
    """rounds of messages; association (n, m) and existence (n,), probabilities; free: (m,) that a plot is nobody's."""

    rounds: int
    association: F64
    existence: F64
    free: F64


def believe(memory: Memory, m: int, count: int) -> Believed:
    """Let messages settle; return the marginals. Needs `find` or `graph`."""
    n = memory.counts[1]
    rounds = belief.believe(memory, n, memory.plots[:m], count)
    association = np.zeros((n, m))
    for i in range(n):
        belief.share(memory.leaves[i], memory.views[i], memory.pairs)
    for pair in memory.pairs[:count]:
        association[pair.leaf, pair.plot] = pair.share * memory.views[pair.leaf].now
    other = memory.plots["clutter"][:m] + memory.plots["born"][:m]
    return Believed(rounds, association, memory.views["now"][:n].copy(), other / memory.plots["total"][:m])


def graph(odds: F64, other: F64, existence: F64, missed: F64) -> tuple[Memory, int, int]:
    """Return a memory with these pairs, how many plots and how many pairs. odds (n, m): 0 is no pair; other (m,)."""
    n, m = odds.shape
    memory, count = empty(RADAR), 0
    rng = np.random.default_rng(0)
    for i in range(n):
        put(memory, anywhere(rng)._replace(existence=existence[i]))
        memory.views["missed"][i], memory.views["first"][i] = missed[i], count
        for j in np.flatnonzero(odds[i]):
            memory.pairs["leaf"][count], memory.pairs["plot"][count] = i, j
            memory.pairs["odds"][count] = odds[i, j]
            count += 1
        memory.views["last"][i] = count
    memory.plots["clutter"][:m], memory.plots["born"][:m] = 0.75 * other, 0.25 * other
    return memory, m, count


def settled(memory: Memory, row: int) -> State:
    """Return what a look leaves of a leaf by itself. Needs `believe`."""
    leaf, seen = memory.leaves[row], settle.Seen(memory.pairs, memory.plots)
    settle.settle(leaf, memory.views[row], seen, memory.work[0])
    return state(memory, row)


class Together(NamedTuple):
    """Joint hypotheses: weight (h,), of each the leaf of every target, in the order of labels, None: does not exist."""

    weight: F64
    leaves: list[list[State | None]]


def associate(memory: Memory, m: int, slot: int = 0) -> None:
    """Associate all leaves with the first m plots jointly, whether they hang together or not, into one group."""
    n, count = memory.counts[1], len(find(memory, m))
    belief.begin(memory, memory.plots[:m], count)
    with np.errstate(all="ignore"):
        end = joint.associate(memory, n, np.arange(n), np.arange(m), slot)
    memory.counts[2] = max(memory.counts[2], slot + 1)
    looks.prune(memory, end)


def hypotheses(memory: Memory, slot: int = 0) -> Together:
    """Return the joint hypotheses about the targets in a group and those that have left it."""
    group = memory.groups[slot]
    count = group.count if group.size else 1
    inside = {int(t): k for k, t in enumerate(group.member[: group.size])}
    found: list[list[State | None]] = []
    for h in range(count):
        rows = [
            int(group.choice[h, inside[t]] if t in inside else memory.targets[t].leaf) for t in range(memory.counts[0])
        ]
        found.append([state(memory, row) if row >= 0 else None for row in rows])
    return Together(group.weight[:count].copy() if group.size else np.ones(1), found)


def tie(memory: Memory, slot: int, rows: Sequence[Sequence[int]], weight: Sequence[float]) -> None:
    """Make a group. rows (h, k): leaf of each target in each joint hypothesis, -1 does not exist."""
    group, size = memory.groups[slot], len(rows[0])
    group.size, group.count = size, len(rows)
    group.weight[: len(rows)] = weight
    group.choice[: len(rows), :size] = rows
    for k in range(size):
        used = [chosen[k] for chosen in rows if chosen[k] >= 0]
        target = memory.leaves[used[0]].target
        group.member[k], memory.targets[target].leaf = target, rows[int(np.argmax(weight))][k]
        memory.leaves["target"][used], memory.leaves["group"][used] = target, slot
    memory.counts[2] = max(memory.counts[2], slot + 1)


def narrowed(memory: Memory, slot: int = 0) -> None:
    """Look whether a wedge has become a point."""
    narrow.narrow(memory, slot)


def product(memory: Memory) -> Together:
    """Return the joint hypotheses about all targets before a look, and end their groups."""
    before = joint.prior(memory, np.arange(memory.counts[1]))
    size, count = before.size
    order = np.argsort(before.member[:size])
    chosen = before.choice[:count, :size][:, order]
    found = [[state(memory, int(i)) if i >= 0 else None for i in row] for row in chosen]
    return Together(before.weight[:count].copy(), found)


def untie(memory: Memory, slot: int = 0) -> None:
    """End a group."""
    joint.untie(memory, slot)


def connected(memory: Memory, m: int) -> components.Parts:
    """Return the components of all leaves and the first m plots. Needs `believe`."""
    return components.connect(memory, memory.counts[1], m)


def take(memory: Memory, detections: prepare.Given) -> None:
    """Take in a whole look."""
    memory.sense["begin"], memory.sense["end"] = 0, len(detections.z)
    with np.errstate(all="ignore"):
        looks.one(memory, detections)


def bear(memory: Memory, m: int) -> I64:
    """Start targets of the first m plots; return why they could not, by detection."""
    n = len(memory.plots)
    detections = given(np.zeros((n, 3)), np.zeros((n, 3, 3)))
    begin.bear(memory, memory.plots[:m], detections)
    return detections.code


def appear(memory: Memory, seconds: float) -> None:
    """Let time pass without looks."""
    undetected.appear(memory, int(memory.grid[0].time) + round(seconds * 1e9))


def learned(memory: Memory, m: int) -> float:
    """Return the factor that the first m plots teach. Their `total` must be set."""
    return float(undetected.learned(memory, m))


def searched(memory: Memory, m: int) -> None:
    """Take a look's finding into account where targets may be unseen."""
    undetected.searched(memory, m)


def covered(memory: Memory) -> float:
    """Return how many new targets the sensor is expected to find."""
    return float(undetected.covered(memory, 1.0))


def ready(memory: Memory) -> I64:
    """Return how much is in use: targets, leaves, groups, labels counted."""
    return memory.counts.copy()


def compiled_forms() -> int:
    """Return for how many kinds of arguments the kernel of a look has been compiled in this process."""
    return len(looks.follow.compiled.signatures)


def anchored(before: State, settings: FilterSettings) -> State:
    """Return what a leaf says when its height is held near the prior."""
    memory = empty(RADAR, settings)
    row = put(memory, before)
    models.anchor(memory.leaves[row], memory.parameters[0], memory.work[0])
    return state(memory, row)


def surfaced(before: State) -> State:
    """Return what a leaf says when it may not be under the ground."""
    memory = empty(RADAR)
    row = put(memory, before)
    models.surface(memory.leaves[row], memory.work[0])
    return state(memory, row)
