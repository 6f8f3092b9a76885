"""A scenario file: what stands in it, how it is read and checked."""

from skywarden.sim.scene.read import SCENARIO, read
from skywarden.sim.scene.settings import Scene
from skywarden.sim.scene.template import template

__all__ = ["SCENARIO", "Scene", "read", "template"]
