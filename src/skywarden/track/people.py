"""Reports of people, some of which are blunders: of something else altogether, in any direction, at any place.

One report is one look. With probability 1 - b it is of its target, by its Gaussian L(z); with b it is anywhere, with
density u. Whatever people report without any target is anywhere too. So a target that exists with probability r has
    p(z) = r [(1 - b) L(z) + b u] + (1 - r) u = r (1 - b) L(z) + [1 - r (1 - b)] u,
which is a look of the filter with probability of detection 1 - b and one false alarm, u per unit of z. Nothing else
in it need know of blunders. Source: the contaminated normal distribution of Tukey 1960, "A survey of sampling from
contaminated distributions", with a uniform part in place of the wide one.
"""

from math import pi

import numpy as np

from skywarden.model.detection import Detections, Kind, Reporter
from skywarden.model.place import I64
from skywarden.track.measure import FALSE_BEARINGS
from skywarden.track.posts import named, salt
from skywarden.track.settings import TrackerSettings

AROUND, STEEP = 1.0 / (2.0 * pi), 1.0 / (0.5 * pi)  # per rad: all azimuths, all elevations over the horizon


def persons(batch: Detections) -> I64:
    """Return (n,) who alone is not to be believed, over 0: people, and which of the arrays behind a source it is.

    0: others. Whom nobody names are one and the same.
    """
    if batch.reporter is Reporter.DEVICE:
        if batch.kind is Kind.SOUND and batch.origin is not None:
            return named(batch) if batch.node is not None else np.full(len(batch), salt(batch.sensor) | 1)
        return np.zeros(len(batch), np.int64)
    return np.ones(len(batch), np.int64) if batch.node is None else batch.node + 2


def blunder(row: "np.void", batch: Detections, settings: TrackerSettings) -> None:
    """Write to a `SENSE` how far a person's report is to be trusted; false alarms are never made fewer by that."""
    shares = {Reporter.OBSERVER: settings.observer_blunders, Reporter.CITIZEN: settings.citizen_blunders}
    row["detection"] = 1.0 - shares[batch.reporter]
    row["clutter"] = max(float(row["clutter"]), anywhere(batch, settings))


def anywhere(batch: Detections, settings: TrackerSettings) -> float:
    """Return how dense one report that may be anywhere is, in the units of Sense.clutter of a batch's kind."""
    if batch.kind is Kind.PLANE:
        return 1.0 / (pi * settings.blunder_reach_m**2)
    level = AROUND / FALSE_BEARINGS
    return level if np.isnan(batch.z[:, 1]).any() else level * STEEP / FALSE_BEARINGS
