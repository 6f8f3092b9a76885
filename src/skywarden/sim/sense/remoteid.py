"""Receivers of Remote ID: what drones that follow the rules, and who pretends to be some, say once a second by Wi-Fi.

Source: ASTM F3411-22a, section 5.4.5: dynamic messages at least once a second. How many beacons are lost with the
distance is an assumption of ours.
"""

from dataclasses import dataclass
from math import atan2, degrees, hypot

import numpy as np
from numpy.typing import NDArray

from skywarden.geo import east_north_up, geodetic
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64
from skywarden.sensors.remoteid import encode
from skywarden.sim.scene.settings import RemoteIds, Scene
from skywarden.sim.sense.ghosts import Ghosts, ghosts
from skywarden.sim.sense.looks import RADIO
from skywarden.sim.sense.post import Post, Posted, beginning, covered, posts, sorted_sent
from skywarden.sim.sky import Cover, Sent, Sky, Window

NUMBER = 7  # of this kind of sensor in seeds
HEARD = 0.9  # of the beacons, close by
FIX_SIGMA_M = 2.0  # of the drone's own GNSS
ACCURACY_M = 10.0  # that it states, 95 %
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RemoteId:
    """All receivers of Remote ID; see `sky.Sense`."""

    posts: Post
    ground: Ground
    false: Ghosts
    seed: int
    start: int

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return a line for each beacon that a receiver hears."""
        found: list[tuple[I64, I64, list[bytes]]] = []
        for real, whole in ((True, sky), (False, self.false.sky)):
            for row in whole.flying(window.start - 1, window.end + 1).tolist():
                serial = self._serial(real, row, sky)
                if serial:
                    found += self._heard((real, row), whole, serial, window)
        return sorted_sent(found, self.start)

    def _serial(self, real: bool, row: int, sky: Sky) -> str:
        """Return the serial number that a sender gives, "" if it sends nothing."""
        copied = "" if real else self.false.copies[row]
        if copied:
            return next((t.serial for t in sky.targets if t.name == copied), "")
        return sky.targets[row].serial if real else self.false.sky.targets[row].serial

    def _heard(
        self, which: tuple[bool, int], sky: Sky, serial: str, window: Window
    ) -> list[tuple[I64, I64, list[bytes]]]:
        real, row = which
        rng = np.random.default_rng([self.seed, NUMBER, real, row, round(window.start * 1000)])
        own = np.random.default_rng([self.seed, NUMBER, 1000 + real, row])
        phase, first = float(own.random()), int(own.integers(4096))
        times: F64 = np.arange(np.ceil(window.start - phase), np.ceil(window.end - phase), dtype=float) + phase
        position, velocity = sky.at(np.full(len(times), row), times)
        flies = ~np.isnan(position[:, 0])
        times, position, velocity = times[flies], position[flies], velocity[flies]
        position = position + rng.normal(0, FIX_SIGMA_M if real else 0.0, position.shape)
        origin = position if real else np.broadcast_to(self.false.transmitter[row], position.shape)
        counters = (first + np.rint(times - phase).astype(np.int64)).tolist()
        said = self._claims(serial, which, times, (position, velocity))
        frames = [encode.beacon(claim, counter) for counter, claim in zip(counters, said, strict=True)]
        columns = []
        for post, name in enumerate(self.posts.names):
            rows = np.flatnonzero(rng.random(len(times)) < self._chance(post, origin, times))
            stamps = times[rows] + self.posts.trouble.clock_error(np.full(len(rows), post), times[rows])
            lines = [
                encode.line(self.start + round(t * SECOND), encode.WIFI, frames[k], name)
                for t, k in zip(stamps.tolist(), rows.tolist(), strict=True)
            ]
            columns.append((np.round(times[rows] * SECOND).astype(np.int64), np.full(len(rows), post), lines))
        return columns

    def _claims(self, serial: str, which: tuple[bool, int], times: F64, moves: tuple[F64, F64]) -> list[encode.Claim]:
        (real, row), (position, velocity) = which, moves
        latitude, longitude, height = geodetic(position)
        local = np.einsum("nij,nj->ni", east_north_up(latitude, longitude), velocity)
        sender = (b"\x02\x5a" if real else b"\x02\x5b") + (row % 2**32).to_bytes(4)  # administered locally
        return [
            encode.Claim(
                serial=serial,
                time=self.start + round(time * SECOND),
                latitude=north,
                longitude=east,
                height_m=above,
                track_deg=degrees(atan2(v_east, v_north)) % 360,
                speed_m_s=hypot(v_east, v_north),
                climb_m_s=v_up,
                accuracy_m=ACCURACY_M,
                sender=sender,
            )
            for time, north, east, above, (v_east, v_north, v_up) in zip(
                times.tolist(),
                np.degrees(latitude).tolist(),
                np.degrees(longitude).tolist(),
                height.tolist(),
                local.tolist(),
                strict=True,
            )
        ]

    def _chance(self, post: int, origin: F64, times: F64) -> F64:
        """Return the chance that a beacon sent from `origin` is heard."""
        at = self.posts.at(np.full(len(times), post), times)
        distance = np.linalg.norm(origin - at, axis=1)
        near: NDArray[np.bool_] = distance < self.posts.reach[post]
        near &= self.posts.trouble.up(np.full(len(times), post), times)
        rows = np.flatnonzero(near)
        near[rows] = self.ground.sight(at[rows], np.ascontiguousarray(origin[rows]), RADIO)
        return np.asarray(np.where(near, HEARD * (1 - (distance / self.posts.reach[post]) ** 4), 0.0))

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the chance that a second's beacon is heard."""
        seconds = np.arange(np.ceil(window.start), window.end)
        rows = np.array([r for r in sky.flying(*window).tolist() if sky.targets[r].serial], np.int64)
        second, target = (a.ravel() for a in np.meshgrid(seconds, rows, indexing="ij"))
        position, _ = sky.at(target, second)
        count = len(self.posts.names)
        pd = np.concatenate([np.empty(0), *(self._chance(post, position, second) for post in range(count))])
        pd = np.where(np.isnan(pd), 0.0, pd)
        return covered(np.tile(second, count), np.tile(target, count), np.repeat(np.arange(count), len(second)), pd)


def build(blocks: tuple[RemoteIds, ...], scene: Scene, ground: Ground, seed: int) -> Posted:
    """Make all receivers of Remote ID of a scenario."""
    placed = posts(blocks, scene, ground, [seed, NUMBER])
    model = RemoteId(placed, ground, ghosts(scene, ground, "remote-id", seed), seed, beginning(scene))
    return Posted("remote-id", "remoteid", placed, np.ones(len(placed.names)), model)
