"""What the senses with one Python object per message share: where their sensors stand, and the packing of messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import degrees
from typing import Any, NamedTuple, Protocol

import numpy as np

from skywarden.geo import ecef, geodetic
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64, Sensor
from skywarden.sensors.reports.message import Spot
from skywarden.sim.scene.settings import Placed, Scene
from skywarden.sim.sense.placing import on_map, places
from skywarden.sim.sky import Cover, Sent, Sky, Window
from skywarden.sim.trouble import Trouble, troubles

MILLISECOND, SECOND = 1_000_000, 1_000_000_000  # ns
PARTS = 10_000  # reports of one sensor at one moment that can be told apart
LEAST = 0.01  # smaller chances are not written down


class Post(NamedTuple):
    """n sensors. latitude, longitude: (n,) rad; height: (n,) m above the ellipsoid: where each one is at the start.

    reach: (n,) m; block: (n,) which block of the scenario file each one belongs to. path: (n, k, 3) ECEF m, way-points
    of those that move, passed at equal intervals over `seconds`; k is 1 when none does.
    """

    names: tuple[str, ...]
    latitude: F64
    longitude: F64
    height: F64
    path: F64
    seconds: float
    reach: F64
    block: I64
    trouble: Trouble

    def at(self, rows: I64, times: F64) -> F64:
        """Return (m, 3) ECEF m of sensors `rows` (m,) at `times` (m,) s since the start."""
        last = self.path.shape[1] - 1
        if not last:
            return np.asarray(self.path[rows, 0])
        step = np.clip(times / self.seconds * last, 0.0, last)
        before = np.minimum(step.astype(np.int64), last - 1)
        part = (step - before)[:, None]
        between: F64 = self.path[rows, before] * (1 - part) + self.path[rows, before + 1] * part
        return between

    def said(self, sensor: int, start: int, time: float, part: int) -> dict[str, Any]:
        """Return what every report of a sensor begins with. start: ns of second 0; time: s, by its own clock.

        part: tells reports of one moment apart.
        """
        place = self.at(np.array([sensor]), np.array([time]))
        latitude, longitude, height = (float(value[0]) for value in geodetic(place))
        moves = bool((self.path[sensor] != self.path[sensor, :1]).any())
        return {
            "sensor": self.names[sensor],
            "number": max(0, round(time * 1000)) * PARTS + part % PARTS,
            "time": start + round(time * 1000) * MILLISECOND,
            "place": Spot(round(degrees(latitude), 7), round(degrees(longitude), 7), round(height, 1)),
            "mark": "simulated",
            "mobile": moves,
        }


class Model(Protocol):
    """What the sensors of one kind see and say; see `sky.Sense`."""

    def sent(self, sky: Sky, window: Window) -> Sent: ...
    def cover(self, sky: Sky, window: Window) -> Cover: ...


@dataclass(frozen=True, slots=True)
class Posted:
    """A `Sense` of sensors that need no enrolment. source, format: its own; they come over TCP."""

    source: str
    format: str
    posts: Post
    revisit: F64
    model: Model
    transport: str = "tcp"
    sensors: Sequence[Sensor] = ()

    @property
    def names(self) -> Sequence[str]:
        return self.posts.names

    @property
    def stands(self) -> F64:
        """Return (n, 3): latitude, longitude rad, height m."""
        return np.stack([self.posts.latitude, self.posts.longitude, self.posts.height], 1)

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return all messages that come in from looks within the window."""
        return self.model.sent(sky, window)

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the true Pd at each whole second in the window."""
        return self.model.cover(sky, window)


def posts(blocks: Sequence[Placed], scene: Scene, ground: Ground, seed: list[int]) -> Post:
    """Place all sensors of one kind, and draw what goes wrong with each. seed: of this kind."""
    found = [
        places(block, scene.scenario.origin, ground, np.random.default_rng([*seed, 900, number]))
        for number, block in enumerate(blocks)
    ]
    names = tuple(name for place in found for name in place.names)
    latitude, longitude, height = (np.concatenate([np.empty(0), *(f[k] for f in found)]) for k in (1, 2, 3))
    counts = [len(f.names) for f in found]
    block_of = np.repeat(np.arange(len(blocks), dtype=np.int64), counts)
    reach = np.repeat([1e3 * float(getattr(block, "reach_km", 0.0)) for block in blocks], counts)
    wrong = troubles(scene.faults, len(names), scene.scenario.duration_s, np.random.default_rng([*seed, 901]))
    position = ecef(latitude, longitude, height).reshape(-1, 3)
    path = _paths(blocks, scene, ground, position, block_of)
    return Post(names, latitude, longitude, height, path, scene.scenario.duration_s, reach, block_of, wrong)


def _paths(blocks: Sequence[Placed], scene: Scene, ground: Ground, position: F64, block_of: I64) -> F64:
    """Return (n, k, 3) ECEF m: those that stand repeat their place."""
    longest = max([1, *(len(block.path_km) for block in blocks if block.moving)])
    paths = np.repeat(position[:, None], longest, axis=1)
    for number, block in enumerate(blocks):
        if not block.moving:
            continue
        spots = np.linspace(0, len(block.path_km) - 1, longest)
        chart = np.array(block.path_km, float)
        east_north = np.stack([np.interp(spots, np.arange(len(chart)), chart[:, k]) for k in (0, 1)], 1)
        latitude, longitude = on_map(scene.scenario.origin, east_north)
        paths[block_of == number] = ecef(latitude, longitude, ground.height(latitude, longitude) + block.height_m)
    return paths


def column(blocks: Sequence[Placed], name: str, placed: Post) -> F64:
    """Return (n,) a setting of each sensor's block, as a number."""
    return np.array([float(getattr(block, name)) for block in blocks])[placed.block]


def beginning(scene: Scene) -> int:
    """Return second 0 of a scenario, ns since 1970: of its start the whole seconds, for every sensor and the truth."""
    return int(scene.scenario.start.timestamp()) * SECOND


def sorted_sent(found: Sequence[tuple[I64, I64, Sequence[bytes]]], start: int) -> Sent:
    """Pack groups of (time since the start ns, sender, messages) into one `Sent`, in the order of time, then sender."""
    if not found:
        found = [(np.empty(0, np.int64), np.empty(0, np.int64), [])]
    time = np.concatenate([f[0] for f in found])
    sender = np.concatenate([f[1] for f in found]).astype(np.int64)
    messages = [message for f in found for message in f[2]]
    order = np.lexsort((sender, time))
    chosen = [messages[k] for k in order.tolist()]
    lengths = np.array([len(message) for message in chosen], np.uint32)
    data = np.frombuffer(b"".join(chosen), np.uint8)
    return Sent(time[order] + start, lengths, data, sender[order])


def covered(time: F64, target: I64, sensor: I64, pd: F64) -> Cover:
    """Return true chances of detection at whole seconds as a `Cover`."""
    keep = np.flatnonzero(pd >= LEAST)
    keep = keep[np.lexsort((sensor[keep], target[keep], time[keep]))]
    return Cover(np.round(time[keep]).astype(np.int64), target[keep], sensor[keep], pd[keep])
