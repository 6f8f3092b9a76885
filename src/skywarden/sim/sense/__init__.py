"""Simulated sensors: one file for each kind, one row in SENSES. What each keeps to stands in `sim.sky.Sense`.

A new kind: a block in `sim.scene.settings`, a file here with `build`, a row below; the tests run over the table.
"""

from collections.abc import Callable, Mapping
from typing import Any

from skywarden.geo.terrain import Ground
from skywarden.sim.scene.settings import Scene
from skywarden.sim.sense import adsb, camera, finder, microphone, people, radar, remoteid
from skywarden.sim.sky import Sense

Build = Callable[[Any, Scene, Ground, int], Sense]  # the blocks of its kind, the scene, the ground, the seed

SENSES: Mapping[str, Build] = {
    "radars": radar.build,
    "microphones": microphone.build,
    "direction_finders": finder.build,
    "cameras": camera.build,
    "observers": people.build,
    "receivers": adsb.build,
    "remote_id": remoteid.build,
}
