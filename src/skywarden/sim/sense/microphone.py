"""All microphone nodes of a scenario: what they hear of fliers and of other noise, second by second.

Looks end at whole seconds. Everything random follows from the seed and the second, so that windows may be cut anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64, Sensor
from skywarden.sensors.microphone.encode import Heartbeats, Reports, encode, heartbeat
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Microphones, Scene
from skywarden.sim.sense.disturbance import VOICES, disturbances
from skywarden.sim.sense.ears import Ears, Grid, Now, ears, excess, grid, wind
from skywarden.sim.sense.hearing import Callers, Heard, Listeners, Look, heard
from skywarden.sim.sense.listening import BEAT_S, LOOKS, Clock, heartbeats, look_noises, reports
from skywarden.sim.sense.loudest import FIRST_NOISE, Fliers, World, fliers_of, mixture, sounds, with_fliers
from skywarden.sim.sense.post import beginning
from skywarden.sim.sky import U8, Cover, Sent, Sky, Window, nothing_sent
from skywarden.sim.sound.air import air_of, carrying_wind, speed_of_sound
from skywarden.sim.sound.delay import Medium
from skywarden.sim.sound.detect import detection, threshold
from skywarden.sim.sound.table import Table, hearing_distance, noises, table
from skywarden.sim.trouble import Trouble, troubles

TROUBLES, BEATS, FLIERS, LATE = 66, 67, 68, 69  # second words of a seed
LOUDER_DB = 2.0  # 1 sigma, from one flier of a kind to the next (assumption)
LEAST_PD = 0.01  # what is less is left out of coverage
PLAIN = 4.0  # d' from which a disturbance counts as heard
PROMPT = 0.6  # of the latency that every message has; the rest is exponential


@dataclass(frozen=True, slots=True)
class Nodes:
    """All nodes, a `Sense`. beat: (n,) the second within a minute of a node's heartbeats; limit: (n,) of x.

    middle: (3,) ECEF m of the origin, axes: (2, 3) its east and north. start: ns since 1970 of second 0.
    """

    source: str
    format: str
    transport: str
    names: Sequence[str]
    revisit: F64
    sensors: Sequence[Sensor]
    stands: F64
    world: World
    grid: Grid
    trouble: Trouble
    beat: I64
    limit: F64
    middle: F64
    axes: F64
    seed: int
    start: int

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return all reports and heartbeats of the looks that end within the window."""
        fliers = self._fliers(sky)
        now = [self._now(second) for second in _seconds(window)]
        noise = look_noises(self.seed, _seconds(window), len(self.names))
        spoken = [self._reports(sky, fliers, moment, own) for moment, own in zip(now, noise, strict=True)]
        beats = [self._heartbeats(moment) for moment in now]
        parts = [(encode(r), r.node - 1, self._arrival(r, m.second)) for r, m in zip(spoken, now, strict=True)]
        parts += [(heartbeat(b), b.node - 1, self._arrival(b, m.second)) for b, m in zip(beats, now, strict=True)]
        return _in_order([part for part in parts if len(part[1])])

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the true Pd of each node's look at each whole second, of each flier's sound alone."""
        fliers, found = self._fliers(sky), [(np.empty(0, np.int64),) * 3 + (np.empty(0),)]
        for second in _seconds(window):
            pairs = self._pairs(sky, fliers, self._now(second))
            pd = detection(pairs.deflection, self.world.ears.false_alarm[pairs.node])
            keep = pd >= LEAST_PD
            found.append((np.full(int(keep.sum()), second), pairs.flier[keep], pairs.node[keep], pd[keep]))
        second_, flier, node, pd = (np.concatenate(column) for column in zip(*found, strict=True))
        return Cover(second_, flier, node, pd)

    def _fliers(self, sky: Sky) -> Fliers:
        return fliers_of(sky, LOUDER_DB, np.random.default_rng([self.seed, FLIERS]))

    def _now(self, second: int) -> Now:
        nodes = np.arange(len(self.names))
        up = self.trouble.up(nodes, np.full(len(nodes), float(second)))
        return Now(second, up, wind(self.world.ears, second), excess(self.world.ears, second, self.seed))

    def _pairs(self, sky: Sky, fliers: Fliers, now: Now) -> Heard:
        of = self.world.ears
        place = (of.position, of.level, self.middle, self.axes, self.grid)
        listeners = Listeners(*place, of.ambient, now.wind, now.excess, now.up)
        callers = Callers(sky, fliers.voice, fliers.louder)
        return heard(Look(callers, listeners, self.world.table, float(now.second), self.world.medium))

    def _reports(self, sky: Sky, fliers: Fliers, now: Now, own: F64) -> Reports:
        pairs = self._pairs(sky, fliers, now)
        best, passing = mixture(self.world, now, pairs)
        x = best.deflection + own
        x[(x <= self.limit) | ~now.up] = np.nan
        found = sounds(self.world, now, best, passing, x)
        found = with_fliers(self.world, found, pairs, (sky, fliers, now, best.pair))
        rng = np.random.default_rng([self.seed, LOOKS, now.second])
        return reports(Clock(self.world.ears, self.trouble, now, self.start), found, rng)

    def _heartbeats(self, now: Now) -> Heartbeats:
        node = np.flatnonzero(((now.second - self.beat) % BEAT_S == 0) & now.up)
        noise_db = noises(self.world.table, self.world.ears.ambient[node], now.wind[node])
        return heartbeats(Clock(self.world.ears, self.trouble, now, self.start), node, noise_db)

    def _arrival(self, said: Reports | Heartbeats, second: int) -> I64:
        rng = np.random.default_rng([self.seed, LATE, second, int(isinstance(said, Heartbeats))])
        share = PROMPT + (1 - PROMPT) * rng.exponential(1.0, len(said.node))
        late = np.rint(self.world.ears.latency[said.node - 1] * share * 1e9).astype(np.int64)
        return self.start + second * 1_000_000_000 + late


def build(blocks: tuple[Microphones, ...], scene: Scene, ground: Ground, seed: int) -> Nodes:
    """Return all microphone nodes of a scenario, block after block."""
    names, of = ears(blocks, scene, ground, seed)
    n, seconds, weather = len(names), scene.scenario.duration_s, scene.weather
    voices = [*(KINDS[kind].voice for kind in Kind), *VOICES]
    least = min((block.excess_db[0] for block in blocks), default=0.0)
    heard_at = table(voices, air_of(weather), [block.ambient_dba for block in blocks], least)
    sound = speed_of_sound(weather.temperature_c)
    latitude, longitude = np.radians(scene.scenario.origin)
    axes = east_north_up(latitude, longitude)
    medium = Medium(sound, carrying_wind(weather) @ axes)
    drawn = disturbances(of, _noise_reach(of, heard_at), sound, seconds, seed)
    return Nodes(
        source="microphones",
        format="microphone",
        transport="udp",
        names=names,
        revisit=np.ones(n),
        sensors=(),
        stands=np.stack([of.latitude, of.longitude, of.height], 1),
        world=World(of, heard_at, medium, drawn),
        grid=grid(of.level),
        trouble=troubles(scene.faults, n, seconds, np.random.default_rng([seed, TROUBLES])),
        beat=np.random.default_rng([seed, BEATS]).integers(0, BEAT_S, n),
        limit=np.array([threshold(block.false_alarm) for block in blocks])[of.ambient],
        middle=ecef(latitude, longitude, 0.0),
        axes=np.ascontiguousarray(axes[:2]),
        seed=seed,
        start=beginning(scene),
    )


def _noise_reach(of: Ears, heard_at: Table) -> F64:
    """Return (len(VOICES),) m within which an engine on the ground is heard in usual wind."""
    if not len(of.height):
        return np.zeros(len(VOICES))
    usual = float(of.mean_wind.mean()), float(of.excess.mean())
    return np.array([hearing_distance(heard_at, FIRST_NOISE + k, *usual, PLAIN) for k in range(len(VOICES))])


def _seconds(window: Window) -> range:
    return range(ceil(window.start), ceil(window.end))


def _in_order(parts: list[tuple[U8, I64, I64]]) -> Sent:
    """Join messages by time. parts: rows of equal size, which sensor sent each, and when it comes in."""
    if not parts:
        return nothing_sent()
    time, sender = np.concatenate([p[2] for p in parts]), np.concatenate([p[1] for p in parts])
    lengths = np.concatenate([np.full(len(p[1]), p[0].shape[1], np.uint32) for p in parts])
    order = np.argsort(time, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(lengths[order], dtype=np.int64) - lengths[order]
    data, done = np.empty(int(lengths.sum()), np.uint8), 0
    for octets, who, _ in parts:
        data[place[done : done + len(who), None] + np.arange(octets.shape[1])] = octets
        done += len(who)
    return Sent(time[order], lengths[order], data, sender[order])
