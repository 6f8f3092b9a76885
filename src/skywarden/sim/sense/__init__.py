"""Simulated sensors: one file for each kind, one row in SENSES. What each keeps to stands in `sim.sky.Sense`.

A new kind: a block in `sim.scene.settings`, a file here with `build`, a row below; the tests run over the table.
"""

from collections.abc import Callable, Mapping
from typing import Any

from skywarden.geo.terrain import Ground
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sense.adsb import build as receivers
from skywarden.sim.sense.camera import build as cameras
from skywarden.sim.sense.finder import build as direction_finders
from skywarden.sim.sense.microphone import build as microphones
from skywarden.sim.sense.people import build as observers
from skywarden.sim.sense.radar import build as radars
from skywarden.sim.sense.remoteid import build as remote_id
from skywarden.sim.sky import Sense

Build = Callable[[Any, Scene, Ground, int], Sense]  # the blocks of its kind, the scene, the ground, the seed

SENSES: Mapping[str, Build] = {
    "radars": radars,
    "microphones": microphones,
    "direction_finders": direction_finders,
    "cameras": cameras,
    "observers": observers,
    "receivers": receivers,
    "remote_id": remote_id,
}
