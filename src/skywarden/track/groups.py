"""One tick's groups of detections in time order, each: gate, assign, correct, start."""

from itertools import pairwise
from math import log

import numpy as np

from skywarden.kernel import inner, kernel
from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import I64
from skywarden.model.track import SEEN_BY, Status
from skywarden.track.associate import assign
from skywarden.track.birth import births
from skywarden.track.filter import anchor, compare, correct, measure, past
from skywarden.track.gate import edges, keys
from skywarden.track.measure import check
from skywarden.track.table import USED, Job, Plot, Rows, Track

SCORE_MAX = 30.0  # nats; past this nothing depends on it any more
SLOWED = 2.5  # revisits; after such a gap the quick sensor that set the revisit no longer sees the track


@inner
def remember(track: Track, plot: Plot, gap: float) -> None:
    """Keep a track's books about a detection, `gap` s after its last: hits, revisit, address, who saw it and when."""
    if gap > 0.0:
        track.hits += 1
        track.time = plot.time
    if plot.revisit < track.revisit or gap > SLOWED * track.revisit:
        track.revisit = plot.revisit
    if track.address == NO_ADDRESS:
        track.address = plot.address
    by, at = track.seen_by, track.seen_at
    last, time = SEEN_BY - 1, plot.time
    for k in range(SEEN_BY):
        if by[k] == plot.sensor:
            last, time = k, max(time, at[k])
            break
    for k in range(last, 0, -1):
        by[k], at[k] = by[k - 1], at[k - 1]
    by[0], at[0] = plot.sensor, time


@kernel
def hits(job: Job, plots: Rows, match: I64) -> None:
    """Correct the tracks that got one of a group's detections; match (m,): row of the track, -1 none.

    A detection older than its track is compared with the track's own past: H becomes H F(dt), and the motion noise
    between the two times joins R. The track stays at its time.
    """
    parameters, work = job.parameters[0], job.work[0]
    for k in range(len(plots)):
        if match[k] < 0:
            continue
        plot, track = plots[k], job.tracks[match[k]]
        gap = (plot.time - track.time) * 1e-9
        _, log_likelihood = measure(track, plot, job.spots[plot.place], parameters, work)
        if gap < 0.0:
            past(track, gap, parameters, work)
            compare(track.covariance, work)
        else:
            for a in range(work.six):
                track.state[a] = work.state[a]
                for b in range(work.six):
                    track.covariance[a, b] = work.P[a, b]
        correct(track.state, track.covariance, work)
        ratio = log(parameters.detection) + log_likelihood - plot.clutter
        track.score = min(SCORE_MAX, track.score + ratio)
        remember(track, plot, gap)
        plot.label = track.label
        plot.code = USED


def held(tracks: Rows) -> dict[int, int]:
    """Return sensor -> tracks that only it has seen."""
    by = tracks["seen_by"]
    sensors, counts = np.unique(by[by[:, 1] < 0, 0], return_counts=True)
    return dict(zip(sensors.tolist(), counts.tolist(), strict=True))


def rooms(tracks: Rows, quota: tuple[int, int]) -> dict[int, int]:
    """Return sensor -> how many more tracks it may start, for those that have some. quota: as for `run`."""
    every, tentative = held(tracks), held(tracks[tracks["status"] == Status.TENTATIVE])
    return {sensor: min(quota[0] - every[sensor], quota[1] - tentative.get(sensor, 0)) for sensor in every}


def run(  # noqa: PLR0913 - one state
    job: Job, plots: Rows, start: I64, n: int, label: int, quota: tuple[int, int]
) -> int:
    """Handle all groups; return how many tracks there are now.

    quota: of tracks that only one sensor has seen, in all and of tentative ones; those that another one finds in this
    tick still count.
    plots start[g] to start[g + 1] are group g; n rows of job.tracks are in use; `label` is the first free label.
    """
    check(plots, job.parameters, job.work)
    first, room = label - n, rooms(job.tracks[:n], quota)
    sensors = plots["sensor"].tolist()
    for lo, hi in pairwise(start.tolist()):
        group = plots[lo:hi]
        key, side, axis = keys(group)
        order = np.argsort(key, kind="stable")
        rows, columns, gains = edges(job, n, group, (key[order], order, side, axis))
        match = assign(rows, columns, gains, hi - lo)
        hits(job, group, match)
        left = job.work["room"] = room.get(sensors[lo], min(quota))
        born = births(job, group, match, n, first + n)
        room[sensors[lo]] = left - born
        n += born
    anchor(job, n)
    return n
