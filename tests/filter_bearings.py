"""A direction finder and what a filter is told, for tests of wedges."""

import numpy as np

from skywarden.model.detection import Kind
from skywarden.track.pmb import FilterSettings, Sensor

REACH, SIGMA = 12e3, np.radians(2.0)
FINDER = Sensor(Kind.DIRECTION, 0.9, 1e-3, whole=False, reach_m=REACH, begins_m=REACH)
SETTINGS = FilterSettings(ceiling_m=3000.0, height_m=1500.0, height_sigma_m=900.0)
R = np.eye(2) * SIGMA**2
