"""The filter on a trial, scan by scan: nothing of a later scan is known."""

from collections import Counter

from skywarden.model.place import F64, I64
from skywarden.track.pmb import Filter
from skywarden.trial.layout import Scan, nanoseconds, to_scenario
from skywarden.trial.settings import World


class Follower:
    """A filter that goes on with each scan."""

    def __init__(self, world: World) -> None:
        self._filter = Filter(world.settings, world.unseen, world.capacity)
        self._sensors = world.sensors
        self.refused: Counter[int] = Counter()  # detections by why they were not used, see docs/filter.md

    def step(self, scan: Scan) -> None:
        """Take a scan in: the filter's step, and nothing besides."""
        codes = self._filter.look(scan.batch, self._sensors[scan.batch.sensor], nanoseconds(scan.time))
        if codes.any():
            self.refused.update(codes[codes > 0].tolist())

    def shown(self) -> tuple[I64, F64]:
        """Return the labels (n,) of the targets that probably exist and where they are at the last scan's time.

        (n, 6) x, y, z m and their velocities m/s, in the scenario's axes.
        """
        found = self._filter.targets()
        return found.label, to_scenario(found.mean)
