"""The tracker on a trial, scan by scan: nothing of a later scan is known."""

from dataclasses import replace

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.model.track import Picture, Status
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at
from skywarden.track.step import track
from skywarden.trial.layout import Scan, nanoseconds, to_scenario


class Follower:
    """A picture that goes on with each scan."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._picture = Picture(nanoseconds(0.0))

    def step(self, scan: Scan) -> None:
        """Take a scan in: the filter's step, and nothing besides."""
        time = nanoseconds(scan.time)
        found = track(self._picture, [scan.batch], time, self._settings)
        self._picture = replace(
            self._picture,
            time=time,
            tracks=found.tracks,
            next_label=found.next_label,
            next_number=found.next_number,
            sensors=found.sensors,
        )

    def shown(self) -> tuple[I64, F64]:
        """Return the numbers (n,) of the confirmed tracks and where they are at the last scan's time.

        (n, 6) x, y, z m and their velocities m/s, in the scenario's axes. What has not been seen for some looks
        (coasting) is a memory for people, and no estimate.
        """
        settings = self._settings
        tracks = self._picture.tracks.take(self._picture.tracks.status == Status.CONFIRMED)
        noise = (settings.level_noise_m2_s3, settings.vertical_noise_m2_s3)
        mean, _ = at(tracks, self._picture.time, noise)
        return np.asarray(tracks.number), to_scenario(mean)
