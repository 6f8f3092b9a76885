"""A scenario file -> Scene, or one error that lists every mistake with its line."""

from skywarden.config.read import parse_as
from skywarden.config.shape import Form
from skywarden.sim.scene import relations
from skywarden.sim.scene.flying import ABOUT
from skywarden.sim.scene.settings import Scene

SCENARIO = Form(Scene, ABOUT)


def read(text: str) -> Scene:
    """Return the scenario that a TOML text says. Raises ConfigProblems, a ConfigError, that lists all mistakes."""
    return parse_as(text.removeprefix("\ufeff"), Scene, SCENARIO, relations.problems)
