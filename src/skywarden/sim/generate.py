"""A scenario put together: ground, sky and senses from a scene and a seed, and what they give window by window."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from msgspec import structs

from skywarden.geo.terrain import Ground
from skywarden.model.place import Site
from skywarden.sim.deliver import deliver
from skywarden.sim.flight import drawn
from skywarden.sim.flight import sky as flown
from skywarden.sim.flight.wildlife import inhabited, wildlife
from skywarden.sim.raid import on_earth
from skywarden.sim.scene.ground import ground as made
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sense import SENSES
from skywarden.sim.sense.post import beginning
from skywarden.sim.sense.radar_fleet import SOURCE as RADARS
from skywarden.sim.sky import Cover, Sense, Sent, Sky, Window
from skywarden.sim.truth import joined

WINDOW_S = 30.0
NETWORK = 99  # in seeds: what the network does


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a scenario is. first: the number of each sense's first sensor among all."""

    scene: Scene
    seed: int
    ground: Ground
    sky: Sky
    senses: tuple[Sense, ...]
    first: tuple[int, ...]

    @property
    def start(self) -> int:
        """Return second 0 in ns since 1970, UTC."""
        return beginning(self.scene)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kind of each sense: the name of its blocks in the scenario file."""
        return tuple(kind for kind in SENSES if getattr(self.scene, kind))

    def moved(self, start: int) -> "World":
        """Return the same scenario with its second 0 at `start`, s since 1970: only the stamps in messages change."""
        about = structs.replace(self.scene.scenario, start=datetime.fromtimestamp(start, UTC))
        scene = structs.replace(self.scene, scenario=about)
        return replace(self, scene=scene, senses=_senses(scene, self.ground, self.seed))

    def windows(self) -> Iterator[Window]:
        """Yield the windows of the whole scenario."""
        end = self.scene.scenario.duration_s
        for begin in np.arange(0.0, end, WINDOW_S).tolist():
            yield Window(begin, min(begin + WINDOW_S, end))


@dataclass(frozen=True, slots=True)
class Part:
    """One window of a world. sent: by sense, as it comes in; seconds: that each sense took, for the report."""

    window: Window
    sent: tuple[Sent, ...]
    cover: Cover
    seconds: tuple[float, ...]


def world(scene: Scene, files: Mapping[str, bytes], seed: int) -> World:
    """Make a scenario's world. files: what the scene names (tiles, recordings) -> its bytes, unpacked or not."""
    scene = drawn(scene, seed)
    ground = made(scene, seed, files)
    senses = _senses(scene, ground, seed)
    sky = _inhabited(flown(scene, ground, files, seed), scene, senses, (ground, seed))
    counts = np.cumsum([0, *(len(sense.names) for sense in senses)])
    return World(scene, seed, ground, sky, senses, tuple(counts[:-1].tolist()))


def _senses(scene: Scene, ground: Ground, seed: int) -> tuple[Sense, ...]:
    """Make every kind of sensor that the scene has."""
    wanted = {kind: getattr(scene, kind) for kind in SENSES}
    return tuple(SENSES[kind](blocks, scene, ground, seed) for kind, blocks in wanted.items() if blocks)


def _inhabited(sky: Sky, scene: Scene, senses: Sequence[Sense], of: tuple[Ground, int]) -> Sky:
    """Return the sky with the single birds near radars, last in it. of: ground, seed."""
    stands = next((sense.stands for sense in senses if sense.source == RADARS), np.empty((0, 3)))
    counts = np.array([block.bird_clutter for block in scene.radars for _ in range(block.count)])
    return inhabited(sky, wildlife(stands, counts, scene, *of))


def part(made: World, window: Window, clock: Callable[[], float]) -> Part:
    """Return what comes of one window. clock: s, for the times that are reported; nothing depends on it."""
    sent: list[Sent] = []
    covers: list[Cover] = []
    seconds: list[float] = []
    for number, sense in enumerate(made.senses):
        begun = clock()
        rng = np.random.default_rng([made.seed, NETWORK, number, round(window.start * 1000)])
        sent.append(deliver(sense.sent(made.sky, window), made.scene.faults, rng))
        covers.append(sense.cover(made.sky, window))
        seconds.append(clock() - begun)
    return Part(window, tuple(sent), joined(covers, made.first), tuple(seconds))


def sites(scene: Scene, ground: Ground) -> tuple[Site, ...]:
    """Return the scenario's sites as a configuration has them."""
    return tuple(
        Site(
            name=site.name,
            latitude=latitude,
            longitude=longitude,
            height_m=round(float(ground.height(np.radians(latitude), np.radians(longitude))), 1),
            radius_m=site.radius_m,
            lead_time_s=site.lead_time_s,
        )
        for site in scene.sites
        for latitude, longitude in [place(scene, site.at_km)]
    )


def place(scene: Scene, at_km: Sequence[float]) -> tuple[float, float]:
    """Return latitude and longitude, deg, of kilometres east and north of the origin."""
    point = np.array([at_km[0] * 1e3, at_km[1] * 1e3, 0.0])
    latitude, longitude = on_earth(scene.scenario.origin, point)
    return round(float(latitude), 7), round(float(longitude), 7)


def sites_json(scene: Scene, ground: Ground) -> list[dict[str, Any]]:
    """Return the rows of sites.json."""
    return [
        {
            "name": site.name,
            "latitude": site.latitude,
            "longitude": site.longitude,
            "height_m": site.height_m,
            "radius_m": site.radius_m,
            "lead_time_s": site.lead_time_s,
            "importance": block.importance,
        }
        for site, block in zip(sites(scene, ground), scene.sites, strict=True)
    ]
