"""Cameras: bearings with a class, within a field of view, by daylight or by heat, as far as the air lets them see.

Contrast falls with the distance as exp(-3.912 d / visibility) (Koschmieder 1924, threshold 2 %); what is smaller is
seen less far, in proportion to its size. How Pd falls with both is an assumption of ours, not of any device.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skywarden.geo.terrain import Ground
from skywarden.model.assessment import CLASSES, Class
from skywarden.model.place import F64, I64
from skywarden.sensors.reports import encode
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.scene.settings import Cameras, Scene, Weather
from skywarden.sim.sense.looks import OPTICAL, Pairs, pairs, times
from skywarden.sim.sense.post import Post, Posted, beginning, column, covered, posts, sorted_sent
from skywarden.sim.sky import Cover, Sent, Sky, Window

NUMBER = 5  # of this kind of sensor in seeds
SEEN = 0.95
EXTINCTION = 3.912  # -ln 0.02
RAIN_MM_H = 8.0  # halves the visibility
HEAT = 1.5  # a heat image sees so many times further through haze than daylight
SIZE_M = {  # across, as seen from the side or below
    Kind.UAV_PISTON: 2.5,
    Kind.UAV_JET: 3.0,
    Kind.DECOY: 2.0,
    Kind.MULTIROTOR: 0.6,
    Kind.CRUISE: 4.0,
    Kind.BALLISTIC: 5.0,
    Kind.AIRLINER: 35.0,
    Kind.HELICOPTER: 12.0,
    Kind.LIGHT: 9.0,
    Kind.GLIDER: 12.0,
    Kind.BIRDS: 0.5,
    Kind.BIRD: 0.3,
}
NORMAL_M = SIZE_M[Kind.UAV_PISTON]  # of the flier that a camera's reach is stated for
RIGHT = 0.7  # of the classes that it gives
REST = (1 - RIGHT) / (len(CLASSES) - 1)
FALSE_ELEVATION = 0.5  # rad, highest of what is nothing
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Camera:
    """All cameras of a scenario; see `sky.Sense`. Angles rad, (n,) each; false: per s; turning, thermal: (n,) bool."""

    posts: Post
    ground: Ground
    weather: Weather
    seed: int
    start: int
    period: F64
    facing: F64
    field: F64
    turning: NDArray[np.bool_]
    thermal: NDArray[np.bool_]
    sigma: F64
    false: F64
    latency: F64

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return one message for each bearing, of fliers and of nothing."""
        rng = np.random.default_rng([self.seed, NUMBER, round(window.start * 1000)])
        look = times(self.period, np.zeros(len(self.posts.names)), window)
        found = self._inside(self._pairs(sky, look))
        found = found.where(rng.random(len(found.time)) < self._pd(sky, found))
        nothing = rng.random(len(look[0])) < self.false[look[0]] * self.period[look[0]]
        nothing &= self.posts.trouble.up(*look)
        groups = [self._packed(found, self._words(sky, found, rng), rng)]
        rows, when = look[0][nothing], look[1][nothing]
        azimuth = self._aim(rows, when) + rng.uniform(-0.5, 0.5, len(rows)) * self.field[rows]
        elevation = rng.uniform(0, FALSE_ELEVATION, len(rows))
        empty = Pairs(rows, rows, when, azimuth, azimuth, elevation, elevation)
        groups.append(self._packed(empty, [Class.BIRD] * len(rows), rng))
        return sorted_sent(groups, self.start)

    def _packed(self, found: Pairs, words: list[Class], rng: np.random.Generator) -> tuple[I64, I64, list[bytes]]:
        sigma = self.sigma[found.sensor]
        azimuth = np.degrees(found.azimuth + rng.normal(size=len(sigma)) * sigma) % 360
        elevation = np.degrees(found.elevation + rng.normal(size=len(sigma)) * sigma)
        stamps = found.time + self.posts.trouble.clock_error(found.sensor, found.time)
        messages = [
            encode.camera(
                **self.posts.said(sensor, self.start, stamp, part),
                azimuth_deg=a,
                elevation_deg=e,
                azimuth_sigma_deg=float(np.degrees(self.sigma[sensor])),
                elevation_sigma_deg=float(np.degrees(self.sigma[sensor])),
                classes={known: RIGHT if known == word else REST for known in CLASSES},
                prior=dict.fromkeys(CLASSES, 1 / len(CLASSES)),
            )
            for part, (sensor, stamp, a, e, word) in enumerate(
                zip(found.sensor.tolist(), stamps.tolist(), azimuth.tolist(), elevation.tolist(), words, strict=True)
            )
        ]
        arrives = np.round((found.time + self.latency[found.sensor]) * SECOND).astype(np.int64)
        return arrives, found.sensor, messages

    def _words(self, sky: Sky, found: Pairs, rng: np.random.Generator) -> list[Class]:
        """Return the class that each is taken for: RIGHT of them the true one."""
        right = rng.random(len(found.target)) < RIGHT
        other = rng.integers(0, len(CLASSES), len(found.target)).tolist()
        true = [Class(KINDS[sky.targets[row].kind].words) for row in found.target.tolist()]
        return [t if r else CLASSES[o] for t, r, o in zip(true, right.tolist(), other, strict=True)]

    def _pairs(self, sky: Sky, look: tuple[I64, F64]) -> Pairs:
        targets = sky.flying(*(look[1].min(), look[1].max() + 1)) if len(look[1]) else np.empty(0, np.int64)
        return pairs(self.posts, sky, look, targets, (self.ground, OPTICAL))

    def _aim(self, rows: I64, at: F64) -> F64:
        """Return where each camera looks, rad: one that turns moves on by its field at each look."""
        number = np.floor(at / self.period[rows] + 0.5)
        return np.asarray(self.facing[rows] + np.where(self.turning[rows], number * self.field[rows], 0.0))

    def _inside(self, found: Pairs) -> Pairs:
        off = (found.azimuth - self._aim(found.sensor, found.time) + np.pi) % (2 * np.pi) - np.pi
        return found.where(np.abs(off) <= self.field[found.sensor] / 2)

    def _pd(self, sky: Sky, found: Pairs) -> F64:
        """Return the chance that a flier in the field is seen at one look."""
        size = np.array([SIZE_M[t.kind] for t in sky.targets])[found.target]
        thermal = self.thermal[found.sensor]
        air = self.weather.visibility_km * 1e3 / (1 + self.weather.rain_mm_h / RAIN_MM_H)
        haze = air * np.where(thermal, HEAT, 1.0)
        half = self.posts.reach[found.sensor] / 2 * size / NORMAL_M
        pd = SEEN * 0.5 ** ((found.distance / half) ** 2) * np.exp(-EXTINCTION * found.distance / haze)
        hidden = found.above > self.weather.cloud_base_m
        return np.asarray(np.where(hidden | (self.weather.night & ~thermal), 0.0, pd))

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the true Pd of a look at each whole second; a camera that turns: of the look that meets the flier."""
        found = self._pairs(sky, times(np.ones(len(self.posts.names)), np.zeros(len(self.posts.names)), window))
        turning = self.turning[found.sensor]
        off = (found.azimuth - self.facing[found.sensor] + np.pi) % (2 * np.pi) - np.pi
        found = found.where(turning | (np.abs(off) <= self.field[found.sensor] / 2))
        return covered(found.time, found.target, found.sensor, self._pd(sky, found))


def build(blocks: tuple[Cameras, ...], scene: Scene, ground: Ground, seed: int) -> Posted:
    """Make all cameras of a scenario. One that turns comes back to a direction after as many looks as fields."""
    placed = posts(blocks, scene, ground, [seed, NUMBER])
    camera = Camera(
        placed,
        ground,
        scene.weather,
        seed,
        beginning(scene),
        column(blocks, "period_s", placed),
        np.radians(column(blocks, "facing_deg", placed)),
        np.radians(column(blocks, "field_deg", placed)),
        column(blocks, "turning", placed) > 0,
        column(blocks, "thermal", placed) > 0,
        np.radians(column(blocks, "bearing_sigma_deg", placed)),
        column(blocks, "false_per_h", placed) / 3600,
        column(blocks, "latency_s", placed),
    )
    looks = np.where(camera.turning, np.ceil(2 * np.pi / camera.field), 1.0)
    return Posted("cameras", "reports", placed, camera.period * looks, camera)
