"""Radio direction finders: bearings of what transmits, a link, a video or Remote ID. They know no distance.

The chance of a bearing falls with the fourth power of the distance, as of a signal that is seen half of the time at
0.8 times the reach; now and then a reflection gives a wrong one. Assumptions of ours, not of any device.
"""

from dataclasses import dataclass

import numpy as np

from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64, Sensor
from skywarden.sensors.reports import encode
from skywarden.sim.scene.settings import Finders, Scene
from skywarden.sim.sense.looks import RADIO, Pairs, pairs, times
from skywarden.sim.sense.post import Post, Posted, beginning, column, covered, posts, sorted_sent
from skywarden.sim.sky import Cover, Sent, Sky, Window

SOURCE = "finders"
NUMBER = 3  # of this kind of sensor in seeds
SEEN = 0.95  # of the looks at a strong signal
HALF = 0.8  # of the reach: there half of that
REFLECTED = 0.01  # bearings from anywhere
BANDS_MHZ = (915.0, 2437.0, 5785.0)
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finder:
    """All direction finders of a scenario; see `sky.Sense`. period, sigma (rad), latency: (n,)."""

    posts: Post
    ground: Ground
    seed: int
    start: int
    period: F64
    phase: F64
    sigma: F64
    latency: F64

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return one message for each bearing."""
        rng = np.random.default_rng([self.seed, NUMBER, round(window.start * 1000)])
        found = self._pairs(sky, times(self.period, self.phase, window))
        found = found.where(rng.random(len(found.time)) < self._pd(found))
        count = len(found.time)
        azimuth = found.azimuth + rng.normal(size=count) * self.sigma[found.sensor]
        azimuth = np.where(rng.random(count) < REFLECTED, rng.uniform(0, 2 * np.pi, count), azimuth)
        stamps = found.time + self.posts.trouble.clock_error(found.sensor, found.time)
        messages = [self._message(found, k, stamps, azimuth) for k in range(count)]
        arrives = np.round((found.time + self.latency[found.sensor]) * SECOND).astype(np.int64)
        return sorted_sent([(arrives, found.sensor, messages)], self.start)

    def _message(self, found: Pairs, k: int, stamps: F64, azimuth: F64) -> bytes:
        sensor, target = int(found.sensor[k]), int(found.target[k])
        return encode.direction_finder(
            **self.posts.said(sensor, self.start, float(stamps[k]), target),
            azimuth_deg=float(np.degrees(azimuth[k])) % 360,
            sigma_deg=float(np.degrees(self.sigma[sensor])),
            frequency_mhz=BANDS_MHZ[target % len(BANDS_MHZ)],
        )

    def _pairs(self, sky: Sky, look: tuple[I64, F64]) -> Pairs:
        loud = np.array([t.radio or bool(t.serial) for t in sky.targets], bool)
        return pairs(self.posts, sky, look, np.flatnonzero(loud), (self.ground, RADIO))

    def _pd(self, found: Pairs) -> F64:
        half = HALF * self.posts.reach[found.sensor]
        return np.asarray(SEEN * 0.5 ** ((found.distance / half) ** 4))

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the true Pd of a look at each whole second."""
        found = self._pairs(sky, times(np.ones(len(self.posts.names)), np.zeros(len(self.posts.names)), window))
        return covered(found.time, found.target, found.sensor, self._pd(found))


def build(blocks: tuple[Finders, ...], scene: Scene, ground: Ground, seed: int) -> Posted:
    """Make all direction finders of a scenario; who sets them up says whether they may begin targets, and how far."""
    placed = posts(blocks, scene, ground, [seed, NUMBER])
    period, sigma, latency = (column(blocks, n, placed) for n in ("period_s", "bearing_sigma_deg", "latency_s"))
    phase = np.random.default_rng([seed, NUMBER, 902]).random(len(placed.names)) * period
    model = Finder(placed, ground, seed, beginning(scene), period, phase, np.radians(sigma), latency)
    rows = zip(placed.names, period.tolist(), placed.reach.tolist(), column(blocks, "begins", placed) > 0, strict=True)
    sensors = [Sensor(name=name, source=SOURCE, revisit_s=every, begins_m=far) for name, every, far, own in rows if own]
    return Posted(SOURCE, "reports", placed, period, model, sensors=sensors)
