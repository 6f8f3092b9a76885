"""One tick's groups of detections in time order, each: gate, assign, correct, start. The compiled heart of a tick."""

from math import log
from typing import NamedTuple

from skywarden.kernel import kernel
from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import I64
from skywarden.model.track import SEEN_BY, Status
from skywarden.track.associate import assign
from skywarden.track.birth import start
from skywarden.track.filter import update
from skywarden.track.gate import edges
from skywarden.track.measure import DIRECTION, check
from skywarden.track.table import USED, Parameters, Plot, Rows, Spot, Track, Work

TENTATIVE = int(Status.TENTATIVE)
SCORE_MAX = 30.0  # nats; past this nothing depends on it any more
SLOWED = 2.5  # revisits; after such a gap the quick sensor that set the revisit no longer sees the track


class Job(NamedTuple):
    """What all groups of a tick work on: records as in `table`, one of parameters and work."""

    tracks: Rows
    spots: Rows
    parameters: Rows
    work: Rows


@kernel
def remember(track: Track, plot: Plot) -> None:
    """Put the detection's sensor first among those that saw the track."""
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
def take(track: Track, plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Correct a track by a detection and keep its books."""
    gap = (plot.time - track.time) * 1e-9
    ratio = log(parameters.detection) + update(track, plot, spot, parameters, work) - plot.clutter
    track.score = min(SCORE_MAX, track.score + ratio)
    if gap > 0.0:
        track.hits += 1
    if plot.revisit < track.revisit or gap > SLOWED * track.revisit:
        track.revisit = plot.revisit
    if track.address == NO_ADDRESS:
        track.address = plot.address
    remember(track, plot)
    plot.label = track.label
    plot.code = USED


@kernel
def begin(track: Track, plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> None:
    """Write the track that a detection starts; plot.label is its label."""
    start(plot, spot, parameters, work)
    for a in range(6):
        track.state[a] = work.state[a]
        for b in range(6):
            track.covariance[a, b] = work.P[a, b]
    track.label, track.number, track.status = plot.label, 0, TENTATIVE
    track.time, track.born, track.hits = plot.time, plot.time, 1
    track.score = log(parameters.new_targets / parameters.clutter)
    track.revisit, track.address = plot.revisit, plot.address
    remember(track, plot)


@kernel
def hits(job: Job, plots: Rows, match: I64) -> None:
    """Correct the tracks that got one of a group's detections; match (m,): row of the track or -1."""
    for k in range(len(plots)):
        if match[k] >= 0:
            take(job.tracks[match[k]], plots[k], job.spots[plots[k].place], job.parameters[0], job.work[0])


@kernel
def births(job: Job, plots: Rows, match: I64, n: int, label: int) -> int:
    """Start a track behind row n for each detection that has none, labels from `label` on; return how many."""
    count = 0
    for k in range(len(plots)):
        plot = plots[k]
        if match[k] < 0 and plot.code == USED and plot.kind != DIRECTION:
            plot.label = label + count
            begin(job.tracks[n + count], plot, job.spots[plot.place], job.parameters[0], job.work[0])
            count += 1
    return count


@kernel
def graph(job: Job, plots: Rows, n: int) -> I64:
    """Return (m,) the row of the track that gets each of a group's detections, -1 for none."""
    rows, columns, gains = edges(job.tracks[:n], plots, job.spots[plots[0].place], job.parameters[0], job.work[0])
    return assign(rows, columns, gains, len(plots))


def run(job: Job, plots: Rows, start: I64, n: int, label: int) -> int:
    """Handle all groups; return how many tracks there are now.

    plots start[g] to start[g + 1] are group g; n rows of job.tracks are in use; `label` is the first free label.
    """
    check(plots, job.parameters, job.work)
    bounds, first = start.tolist(), label - n
    for lo, hi in zip(bounds[:-1], bounds[1:], strict=True):
        group = plots[lo:hi]
        match = graph(job, group, n)
        hits(job, group, match)
        n += births(job, group, match, n, first + n)
    return n
