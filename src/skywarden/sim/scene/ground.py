"""The ground that a scenario file describes."""

from collections.abc import Mapping

import numpy as np

from skywarden.errors import ConfigError
from skywarden.geo.srtm import tile
from skywarden.geo.terrain import Ground, Relief, flat, hills, mosaic
from skywarden.sim.scene.settings import Scene


def ground(scene: Scene, seed: int, files: Mapping[str, bytes]) -> Ground:
    """Return the ground of a scenario. files: what terrain.tiles names -> its bytes, read by who may read files.

    Raises ConfigError when there are no tiles, or when they are none or do not fit each other.
    """
    terrain, about = scene.terrain, scene.scenario
    if terrain.kind == "flat":
        return flat(terrain.height_m)
    if terrain.kind == "hills":
        latitude, longitude = np.radians(about.origin).tolist()
        relief = Relief(terrain.height_m, terrain.relief_m, terrain.scale_km * 1e3)
        size = (about.area_km[0] * 1e3, about.area_km[1] * 1e3)
        return hills((latitude, longitude), size, relief, np.random.default_rng([seed, *b"ground"]))
    if not terrain.tiles:
        raise ConfigError(
            'terrain.kind is "tiles", but there are none: name SRTM files in terrain.tiles', "terrain.tiles"
        )
    try:
        return mosaic([tile(files[name], name) for name in terrain.tiles])
    except ValueError as e:
        raise ConfigError(str(e), "terrain.tiles") from e
