"""What flies: routes, kinematics, the plan of a raid, recordings; all of it from a scene to a Sky."""

from skywarden.sim.flight.fly import Flat, Ground
from skywarden.sim.flight.plan import drawn, planned, sky

__all__ = ["Flat", "Ground", "drawn", "planned", "sky"]
