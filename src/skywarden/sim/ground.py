"""The ground of a scenario: flat, hills made from the seed, or real tiles."""

import gzip
from collections.abc import Mapping
from pathlib import PurePath

import numpy as np

from skywarden.geo import srtm, terrain
from skywarden.geo.terrain import Ground, Relief
from skywarden.sim.scene.settings import Scene

NUMBER = 90  # of the ground in seeds
GZIP = b"\x1f\x8b"


def ground(scene: Scene, files: Mapping[str, bytes], seed: int) -> Ground:
    """Return the ground. files: tiles by the names that the scenario gives them, packed with gzip or not."""
    wanted = scene.terrain
    if wanted.kind == "flat":
        return terrain.flat(wanted.height_m)
    if wanted.kind == "hills":
        relief = Relief(wanted.height_m, wanted.relief_m, wanted.scale_km * 1e3)
        east, north = scene.scenario.area_km
        rng = np.random.default_rng([seed, NUMBER])
        origin = (float(np.radians(scene.scenario.origin[0])), float(np.radians(scene.scenario.origin[1])))
        return terrain.hills(origin, (east * 1e3, north * 1e3), relief, rng)
    return terrain.mosaic([srtm.tile(unpacked(files[name]), PurePath(name).name) for name in wanted.tiles])


def unpacked(data: bytes) -> bytes:
    """Return a file's bytes, also of one packed with gzip."""
    return gzip.decompress(data) if data[:2] == GZIP else data
