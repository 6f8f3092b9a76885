"""People: posts of trained observers and citizens with a telephone, who hear or see something, and some of whom report.

Who notices a flier that comes within reach reports it with some probability, after a delay: a direction, or a place on
a map. Many report the same one, some report the wrong direction altogether, some report what was nothing. A sound's
direction is that of where the flier was when it made the sound. Delays are log-normal. The shares are settings of the
scenario; no recordings of real reports stand behind them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from skywarden.geo import geodetic
from skywarden.geo.terrain import Ground
from skywarden.model.assessment import Class
from skywarden.model.place import F64, I64
from skywarden.sensors.reports import encode
from skywarden.sensors.reports.message import Spot
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Observers, Scene
from skywarden.sim.sense.looks import OPTICAL, Meeting, Pairs, seen
from skywarden.sim.sense.post import Post, Posted, beginning, column, covered, posts, sorted_sent
from skywarden.sim.sky import Cover, Sent, Sky, Window

NUMBER = 6  # of this kind of sensor in seeds
STEP_S = 5.0  # somebody comes within reach at one of these times
NOTICED_S = 20.0  # after that, at the latest, who notices at all has
SOUND_M_S = 340.0
LOUD = {  # how far it is noticed, in parts of the reach
    Kind.UAV_PISTON: 1.0,
    Kind.UAV_JET: 1.0,
    Kind.DECOY: 0.9,
    Kind.MULTIROTOR: 0.1,
    Kind.CRUISE: 1.0,
    Kind.BALLISTIC: 0.0,
    Kind.AIRLINER: 0.0,  # too high and too usual
    Kind.HELICOPTER: 1.2,
    Kind.LIGHT: 0.5,
    Kind.GLIDER: 0.0,
    Kind.BIRDS: 0.0,
    Kind.BIRD: 0.0,
}
RIGHT = (0.45, 0.85)  # of the classes named by citizens and by trained observers
ON_MAP = (0.5, 0.1)  # how many give a place instead of a direction
MAP_SIGMA_M = (1500.0, 600.0)
NAMED = {*(KINDS[kind].words for kind, part in LOUD.items() if part), Class.UNKNOWN}  # what people may call it
QUANTILE_90 = 1.2816  # of the standard normal
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who reports; see `sky.Sense`. channels: of the blocks. The rest (n,): trained 0 or 1; false: per s.

    delay: (n, 2) log of the median s, and sigma.
    """

    posts: Post
    channels: tuple[str, ...]
    ground: Ground
    seed: int
    start: int
    trained: I64
    eager: F64
    blunder: F64
    sigma: F64
    delay: F64
    false: F64

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return the reports of what is noticed in the window; they come in when their delay is over."""
        rng = np.random.default_rng([self.seed, NUMBER, round(window.start * 1000)])
        found = self._noticed(sky, window, rng)
        found = found.where(rng.random(len(found.time)) < self.eager[found.sensor])
        sender, time = self._nothing(window, rng)
        empty = np.full(len(sender), np.nan)
        nobody = Pairs(sender, np.full(len(sender), -1), time, empty, empty, empty, empty)
        return sorted_sent([self._reported(sky, found, rng), self._reported(sky, nobody, rng)], self.start)

    def _near(self, sky: Sky, at: float) -> Pairs:
        """Return who has whom within reach and in sight at one moment."""
        targets = sky.flying(at, at + 1)
        targets = targets[[LOUD[sky.targets[row].kind] > 0 for row in targets]] if len(targets) else targets
        if not len(targets) or not len(self.posts.names):
            return _none()
        position, _ = sky.at(targets, np.full(len(targets), at))
        exists = ~np.isnan(position[:, 0])
        targets, position = targets[exists], position[exists]
        tree = cKDTree(self.posts.path[:, 0])
        reach = float(self.posts.reach.max()) * max(LOUD.values())
        near = tree.sparse_distance_matrix(cKDTree(position), reach, output_type="ndarray")
        near.sort(order=["j", "i"])
        sensor, target = near["i"].astype(np.int64), targets[near["j"]]
        time = np.full(len(sensor), at)
        part = np.array([LOUD[t.kind] for t in sky.targets])[target]
        up = self.posts.trouble.up(sensor, time)
        meeting = Meeting(sensor[up], target[up], time[up], (self.posts.reach[sensor] * part)[up])
        return seen(self.posts, sky, meeting, self.ground, OPTICAL)

    def _noticed(self, sky: Sky, window: Window, rng: np.random.Generator) -> Pairs:
        """Return who notices whom: those that come within reach in the window, a little later."""
        columns = [_none()]
        for at in np.arange(np.ceil(window.start / STEP_S) * STEP_S, window.end, STEP_S).tolist():
            now, before = self._near(sky, at), self._near(sky, at - STEP_S)
            count = max(1, len(sky))
            new = ~np.isin(now.sensor * count + now.target, before.sensor * count + before.target)
            columns.append(now.where(new))
        found = _all(columns)
        return found._replace(time=found.time + rng.uniform(0, NOTICED_S, len(found.time)))

    def _nothing(self, window: Window, rng: np.random.Generator) -> tuple[I64, F64]:
        """Return who reports what is nothing, and when."""
        count = rng.poisson(self.false * (window.end - window.start))
        sender = np.repeat(np.arange(len(count)), count)
        return sender, rng.uniform(window.start, window.end, len(sender))

    def _reported(self, sky: Sky, found: Pairs, rng: np.random.Generator) -> tuple[I64, I64, list[bytes]]:
        sensor, count = found.sensor, len(found.sensor)
        median, spread = self.delay[sensor].T
        delay = np.exp(median + spread * rng.normal(size=count))
        azimuth, latitude, longitude = self._where(sky, found, rng)
        on_map = (rng.random(count) < np.array(ON_MAP)[self.trained[sensor]]) & ~np.isnan(latitude)
        words = self._words(sky, found, rng)
        messages = []
        for k in range(count):
            trained = bool(self.trained[sensor[k]])
            where: dict[str, Any]
            if on_map[k]:
                where = {
                    "at": Spot(round(float(latitude[k]), 5), round(float(longitude[k]), 5)),
                    "radius_m": 2 * MAP_SIGMA_M[trained],
                }
            else:
                where = {"azimuth_deg": round(float(np.degrees(azimuth[k])) % 360)}
            said = self.posts.said(int(sensor[k]), self.start, float(found.time[k]), int(found.target[k]))
            message = encode.observer(
                **said | {"sensor": self.channels[self.posts.block[sensor[k]]]},  # the way that they report by
                who=self.posts.names[sensor[k]],
                seen=False,
                trained=trained,
                pointed="landmark" if trained else "guess",
                what=words[k],
                time_sent=self.start + round(float(found.time[k] + delay[k]) * SECOND),
                **where,
            )
            messages.append(message)
        return np.round((found.time + delay) * SECOND).astype(np.int64), sensor, messages

    def _where(self, sky: Sky, found: Pairs, rng: np.random.Generator) -> tuple[F64, F64, F64]:
        """Return the direction (rad) and the place on a map (deg) that each report gives; blunders are anywhere."""
        sensor, count = found.sensor, len(found.sensor)
        azimuth = found.azimuth + rng.normal(size=count) * self.sigma[sensor]
        wrong = (rng.random(count) < self.blunder[sensor]) | np.isnan(azimuth)
        azimuth = np.where(wrong, rng.uniform(0, 2 * np.pi, count), azimuth)
        heard = found.time - np.where(np.isnan(found.distance), 0.0, found.distance) / SOUND_M_S
        known = found.target >= 0
        position = np.full((count, 3), np.nan)
        position[known] = sky.at(found.target[known], heard[known])[0]
        off = rng.normal(size=(count, 3)) * np.array(MAP_SIGMA_M)[self.trained[sensor]][:, None]
        off *= np.where(wrong, 10.0, 1.0)[:, None]
        latitude, longitude, _ = geodetic(position + off)
        return azimuth, np.degrees(latitude), np.degrees(longitude)

    def _words(self, sky: Sky, found: Pairs, rng: np.random.Generator) -> list[Class]:
        every = [word for word in Class if word in NAMED]
        right = rng.random(len(found.target)) < np.array(RIGHT)[self.trained[found.sensor]]
        other = rng.integers(0, len(every), len(found.target)).tolist()
        true = [Class(KINDS[sky.targets[row].kind].words) if row >= 0 else every[0] for row in found.target.tolist()]
        return [t if r else every[o] for t, r, o in zip(true, right.tolist(), other, strict=True)]

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the chance that a person notices and reports it, spread over the seconds within reach: low."""
        columns = [self._near(sky, at) for at in np.arange(np.ceil(window.start), window.end, STEP_S).tolist()]
        found = _all([_none(), *columns])
        return covered(found.time, found.target, found.sensor, self.eager[found.sensor] * STEP_S / NOTICED_S / 10)


def _none() -> Pairs:
    rows, empty = np.empty(0, np.int64), np.empty(0)
    return Pairs(rows, rows, empty, empty, empty, empty, empty)


def _all(parts: Sequence[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def build(blocks: tuple[Observers, ...], scene: Scene, ground: Ground, seed: int) -> Posted:
    """Make everybody who may report."""
    placed = posts(blocks, scene, ground, [seed, NUMBER])
    delays = np.array([block.delay_s for block in blocks], float)
    delay = np.stack([np.log(delays[:, 0]), np.log(delays[:, 1] / delays[:, 0]) / QUANTILE_90], 1)[placed.block]
    people = People(
        placed,
        tuple(block.name for block in blocks),
        ground,
        seed,
        beginning(scene),
        column(blocks, "trained", placed).astype(np.int64),
        column(blocks, "eager", placed),
        column(blocks, "blunder", placed),
        np.radians(column(blocks, "bearing_sigma_deg", placed)),
        delay,
        column(blocks, "false_per_h", placed) / 3600,
    )
    return Posted("observers", "reports", placed, np.full(len(placed.names), STEP_S), people)
