"""All sounds of one second at all nodes: how far they stand out together, and what the strongest is like."""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.sense.disturbance import Disturbances, Noise, Passing, audible
from skywarden.sim.sense.ears import Ears, Now
from skywarden.sim.sense.hearing import Heard
from skywarden.sim.sense.listening import COUNT, KIND_GROUPS, NOISE_LIKENESS, Sounds
from skywarden.sim.sky import Sky
from skywarden.sim.sound.delay import Medium, doppler
from skywarden.sim.sound.level import excess_share
from skywarden.sim.sound.table import Table, deflections, levels, noises

CLAP_DB, CLAP_M = 90.0, 3000.0  # level of a clap, and where (assumption)
CLAP_S = 2.0  # its rumble falls to 1 / e
GRAZING = 0.02  # rad, elevation of what is on the ground
FIRST_NOISE = len(Kind)  # row of the table of the first disturbance
LIKENESS = np.array([NOISE_LIKENESS[noise] for noise in Noise])


class World(NamedTuple):
    """What does not change from second to second."""

    ears: Ears
    table: Table
    medium: Medium
    disturbances: Disturbances


class Fliers(NamedTuple):
    """What each of n fliers sounds like. voice: row of the table; louder: dB; tone: Hz; group: as in `listening`."""

    voice: I64
    louder: F64
    tone: F64
    group: I64


class Mixture(NamedTuple):
    """deflection: (n,) d' of all sounds together; pair, noise: (n,) the strongest, in Heard or Passing; -1 none."""

    deflection: F64
    pair: I64
    noise: I64


def mixture(world: World, now: Now, pairs: Heard) -> tuple[Mixture, Passing]:
    """Return what sounds at all nodes. Energies of different sounds add up, so d' do as the root of their squares."""
    passing = audible(world.disturbances, now.second)
    owner = world.disturbances.node[passing.row]
    node = np.concatenate([pairs.node, owner])
    each = np.concatenate([pairs.deflection, _passing_deflection(world, now, passing)])
    n = len(world.ears.height)
    total = np.sqrt(np.bincount(node, each**2, n))
    strongest = np.full(n, -1)
    order = np.argsort(each, kind="stable")
    strongest[node[order]] = order  # the last one stays
    flier = strongest < len(pairs.node)
    return Mixture(total, np.where(flier, strongest, -1), np.where(flier, -1, strongest - len(pairs.node))), passing


def _passing_deflection(world: World, now: Now, passing: Passing) -> F64:
    noise, node = world.disturbances.noise[passing.row], world.disturbances.node[passing.row]
    voice = FIRST_NOISE + np.minimum(noise, Noise.CHAINSAW)
    louder = -now.excess[node] * excess_share(passing.distance)
    which = np.stack([world.ears.ambient[node], voice], 1)
    engine = deflections(world.table, which, np.stack([passing.distance, now.wind[node], louder], 1))
    since = now.second - world.disturbances.begin[passing.row]
    rumble = world.disturbances.peak[passing.row] * np.exp(-since / CLAP_S)
    return np.where(noise == Noise.CLAP, rumble, engine)


def sounds(world: World, now: Now, best: Mixture, passing: Passing, statistic: F64) -> Sounds:
    """Return how it sounds at nodes that report, but for fliers. statistic: (n,) x, NaN: does not report."""
    node = np.flatnonzero(~np.isnan(statistic))
    m, noise_db = len(node), noises(world.table, world.ears.ambient[node], now.wind[node])
    nothing = np.full(m, np.nan)
    found = Sounds(
        node,
        statistic[node],
        np.full(m, -np.inf),
        noise_db,
        nothing.copy(),
        nothing.copy(),
        nothing.copy(),
        np.zeros((m, COUNT)),
    )
    at = np.flatnonzero(best.noise[node] >= 0)
    k, node = best.noise[node[at]], node[at]
    row, distance = passing.row[k], passing.distance[k]
    noise = world.disturbances.noise[row]
    voice = FIRST_NOISE + np.minimum(noise, Noise.CHAINSAW)
    engine = levels(world.table, voice, distance) - now.excess[node] * excess_share(distance)
    clap = CLAP_DB - 20 * np.log10(np.maximum(distance, 1.0) / CLAP_M)
    found.level_db[at] = np.where(noise == Noise.CLAP, clap, engine)
    found.tone[at] = world.disturbances.tone[row] * (1 - passing.leaving[k] / world.medium.speed)
    found.azimuth[at], found.elevation[at] = passing.azimuth[k], GRAZING
    found.likeness[at] = LIKENESS[noise]
    return found


def with_fliers(world: World, found: Sounds, pairs: Heard, near: tuple[Sky, Fliers, Now, I64]) -> Sounds:
    """Fill in nodes whose strongest sound is a flier's: where it was when it emitted what is heard now."""
    sky, fliers, now, best = near
    at = np.flatnonzero(best[found.node] >= 0)
    k, node = best[found.node[at]], found.node[at]
    row, emitted, distance = pairs.flier[k], pairs.emitted[k], pairs.distance[k]
    position, velocity = sky.at(row, emitted)
    offset = position + world.medium.wind * (now.second - emitted)[:, None] - world.ears.position[node]
    unit = offset / np.maximum(np.linalg.norm(offset, axis=1), 1e-6)[:, None]
    local = np.einsum("kij,kj->ki", world.ears.turn[node], unit)
    loss = now.excess[node] * excess_share(distance)
    found.level_db[at] = levels(world.table, fliers.voice[row], distance) + fliers.louder[row] - loss
    found.tone[at] = fliers.tone[row] * doppler(unit, velocity, world.medium)
    found.azimuth[at] = np.arctan2(local[:, 0], local[:, 1])
    found.elevation[at] = np.arcsin(np.clip(local[:, 2], -1, 1))
    found.likeness[at, fliers.group[row]] = 1.0
    return found


def fliers_of(sky: Sky, louder_db: float, rng: np.random.Generator) -> Fliers:
    """Draw what each flier sounds like. louder_db: 1 sigma, from one of a kind to the next."""
    order = {kind: row for row, kind in enumerate(Kind)}
    kinds = [target.kind for target in sky.targets]
    voices = [KINDS[kind].voice for kind in kinds]
    tones = np.array([voice.fundamental_hz if voice else (np.nan, np.nan) for voice in voices], float).reshape(-1, 2)
    return Fliers(
        np.array([order[kind] for kind in kinds], np.int64),
        rng.normal(0, louder_db, len(kinds)),
        tones[:, 0] + rng.random(len(kinds)) * (tones[:, 1] - tones[:, 0]),
        np.array([KIND_GROUPS.get(kind, -1) for kind in kinds], np.int64),
    )
