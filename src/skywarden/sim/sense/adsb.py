"""ADS-B receivers: what transponders, and who pretends to be one, say over the air, as JSON lines of DF 17 squitters.

Source: RTCA DO-260B, 2.2.3.3.1: position and velocity twice a second, identification every 5 s, all with jitter.
A message is one transmission: every receiver that hears it passes on the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import atan2, degrees, hypot

import numpy as np
from numpy.typing import NDArray

from skywarden.geo import east_north_up, geodetic
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64
from skywarden.sensors.modes import encode
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.settings import Receivers, Scene
from skywarden.sim.sense.ghosts import Ghosts, ghosts
from skywarden.sim.sense.post import Post, Posted, beginning, posts, sorted_sent
from skywarden.sim.sky import Cover, Sent, Sky, Target, Window

NUMBER = 4  # of this kind of sensor in seeds
STREAMS = ((0.5, "position"), (0.5, "velocity"), (5.0, "name"))  # s between two messages
JITTER_S = 0.1
HEARD = 0.93  # of the messages in sight are not lost to others on the same frequency
NACP = 9  # position within 30 m, 95 %
KNOT, FOOT = 1852 / 3600, 0.3048
SECOND = 1_000_000_000
CATEGORY = {Kind.AIRLINER: "A3", Kind.HELICOPTER: "A7", Kind.LIGHT: "A1", Kind.GLIDER: "B1"}


@dataclass(frozen=True, slots=True)
class Adsb:
    """All ADS-B receivers of a scenario; see `sky.Sense`."""

    posts: Post
    ground: Ground
    false: Ghosts
    seed: int
    start: int

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return every line of every receiver."""
        found: list[tuple[I64, I64, list[bytes]]] = []
        for real, whole in ((True, sky), (False, self.false.sky)):
            for row in whole.flying(window.start - 1, window.end + 1).tolist():
                if (target := self._claimed(real, row, sky)) is None:
                    continue
                for stream in range(len(STREAMS)):
                    found += self._stream((real, row, stream), whole, target, window)
        return sorted_sent(found, self.start)

    def _claimed(self, real: bool, row: int, sky: Sky) -> Target | None:
        """Return what a transmitter says it is; None: it says nothing."""
        target = sky.targets[row] if real else self.false.sky.targets[row]
        copied = "" if real else self.false.copies[row]
        if copied:
            target = next((t for t in sky.targets if t.name == copied), target)
        return target if target.address >= 0 else None

    def _stream(
        self, which: tuple[bool, int, int], sky: Sky, target: Target, window: Window
    ) -> Iterator[tuple[I64, I64, list[bytes]]]:
        """Yield for each receiver when it heard messages of one stream, and the lines."""
        real, row, stream = which
        period, what = STREAMS[stream]
        number, times = self._times(which, period, sky, window)
        if not len(times):
            return
        position, velocity = sky.at(np.full(len(times), row), times)
        frames = list(_frames(what, target, number, position, velocity))
        origin = position if real else np.broadcast_to(self.false.transmitter[row], position.shape)
        for post in range(len(self.posts.names)):
            rng = np.random.default_rng([self.seed, NUMBER, post, real, row, stream, round(window.start * 1000)])
            heard = self._audible(post, origin, times) & (rng.random(len(times)) < HEARD)
            rows = np.flatnonzero(heard)
            stamps = times[rows] + self.posts.trouble.clock_error(np.full(len(rows), post), times[rows])
            lines = [
                encode.json_line(self.start + round(t * SECOND), frames[k])
                for t, k in zip(stamps.tolist(), rows.tolist(), strict=True)
            ]
            yield np.round(times[rows] * SECOND).astype(np.int64), np.full(len(rows), post), lines

    def _times(self, which: tuple[bool, int, int], period: float, sky: Sky, window: Window) -> tuple[I64, F64]:
        """Return number and time of the messages of one stream in a window: regular, with jitter, once drawn."""
        real, row, stream = which
        begin, end = float(sky.first[row]), float(sky.first[row] + sky.count[row] - 1)
        rng = np.random.default_rng([self.seed, NUMBER, 1000 + real, row, stream])
        regular = begin + rng.random() * period + np.arange(int((end - begin) / period)) * period
        times = regular + rng.uniform(-JITTER_S, JITTER_S, len(regular)) * min(1.0, period)
        inside = np.flatnonzero((times >= max(begin, window.start)) & (times < min(end, window.end)))
        return inside, times[inside]

    def _audible(self, post: int, origin: F64, times: F64) -> NDArray[np.bool_]:
        at = self.posts.at(np.full(len(times), post), times)
        near: NDArray[np.bool_] = np.linalg.norm(origin - at, axis=1) < self.posts.reach[post]
        near &= self.posts.trouble.up(np.full(len(times), post), times)
        rows = np.flatnonzero(near)
        near[rows] = self.ground.sight(at[rows], origin[rows])
        return near

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the probability that at least one of the two positions of a second is heard."""
        seconds = np.arange(np.ceil(window.start), window.end)
        rows = np.array([r for r in sky.flying(*window) if sky.targets[r].address >= 0], np.int64)
        second, target = (a.ravel() for a in np.meshgrid(seconds, rows, indexing="ij"))
        position, _ = sky.at(target, second)
        found = [np.flatnonzero(self._audible(post, position, second)) for post in range(len(self.posts.names))]
        at = np.concatenate([*found, np.empty(0, np.int64)]).astype(np.int64)
        sensor = np.repeat(np.arange(len(found)), [len(f) for f in found])
        pd = np.full(len(at), 1 - (1 - HEARD) ** 2)
        order = np.lexsort((sensor, target[at], second[at]))
        return Cover(second[at][order].astype(np.int64), target[at][order], sensor[order], pd)


def build(blocks: tuple[Receivers, ...], scene: Scene, ground: Ground, seed: int) -> Posted:
    """Make all ADS-B receivers of a scenario."""
    placed = posts(blocks, scene, ground, [seed, NUMBER])
    model = Adsb(placed, ground, ghosts(scene, ground, "adsb", seed), seed, beginning(scene))
    return Posted("adsb", "modes", placed, np.full(len(placed.names), STREAMS[0][0]), model)


def _frames(what: str, target: Target, number: I64, position: F64, velocity: F64) -> Iterator[bytes]:
    """Yield the squitters of one stream; positions even and odd in turn, callsign and status in turn."""
    latitude, longitude, height = geodetic(position)
    local = np.einsum("nij,nj->ni", east_north_up(latitude, longitude), velocity)
    name = encode.identification(target.address, target.callsign, CATEGORY.get(target.kind, "A0"))
    status = encode.operational_status(target.address, NACP)
    places = zip(np.degrees(latitude).tolist(), np.degrees(longitude).tolist(), (height / FOOT).tolist(), strict=True)
    for k, (north, east, level), (v_east, v_north, v_up) in zip(number.tolist(), places, local.tolist(), strict=True):
        if what == "position":
            yield encode.airborne_position(target.address, north, east, level, k % 2 == 1)
        elif what == "velocity":
            speed, track = hypot(v_east, v_north) / KNOT, degrees(atan2(v_east, v_north)) % 360
            yield encode.velocity(target.address, speed, track, v_up / FOOT * 60, 0.0)
        else:
            yield status if k % 2 else name
