"""One tick's groups of detections in time order, each: gate, assign, correct, start. The compiled heart of a tick."""

from math import log

from skywarden.kernel import kernel
from skywarden.model.detection import NO_ADDRESS
from skywarden.model.track import SEEN_BY, Status
from skywarden.track.associate import assign
from skywarden.track.birth import start
from skywarden.track.filter import update
from skywarden.track.gate import edges
from skywarden.track.measure import DIRECTION
from skywarden.track.table import USED, Job

TENTATIVE = int(Status.TENTATIVE)
SCORE_MAX = 30.0  # nats; past this nothing depends on it any more
SLOWED = 2.5  # revisits; after such a gap the quick sensor that set the revisit no longer sees the track


@kernel
def remember(job: Job, i: int, sensor: int, time: int) -> None:
    """Put `sensor` first among those that saw track i."""
    by, at = job.table.seen_by[i], job.table.seen_at[i]
    last = SEEN_BY - 1
    for k in range(SEEN_BY):
        if by[k] == sensor:
            last = k
            break
    if by[last] == sensor:
        time = max(time, at[last])
    for k in range(last, 0, -1):
        by[k], at[k] = by[k - 1], at[k - 1]
    by[0], at[0] = sensor, time


@kernel
def take(job: Job, i: int, j: int) -> None:
    """Correct track i by detection j and keep its books."""
    table, plots = job.table, job.plots
    gap = (plots.time[j] - table.time[i]) * 1e-9
    log_likelihood = update(job, i, j)
    table.score[i] = min(
        SCORE_MAX, table.score[i] + log(job.parameters.detection) + log_likelihood - plots.clutter[j]
    )
    if gap > 0.0:
        table.hits[i] += 1
    if plots.revisit[j] < table.revisit[i] or gap > SLOWED * table.revisit[i]:
        table.revisit[i] = plots.revisit[j]
    if table.address[i] == NO_ADDRESS:
        table.address[i] = plots.address[j]
    remember(job, i, plots.sensor[j], plots.time[j])
    plots.label[j] = table.label[i]
    plots.code[j] = USED


@kernel
def append(job: Job, n: int, j: int, label: int) -> None:
    """Write the track that detection j starts to row n."""
    table, plots = job.table, job.plots
    start(job, j)
    table.label[n], table.number[n], table.status[n] = label, 0, TENTATIVE
    table.time[n], table.born[n], table.hits[n] = plots.time[j], plots.time[j], 1
    table.mean[n] = job.work.mean
    table.covariance[n] = job.work.covariance
    table.score[n] = log(job.parameters.new_targets / job.parameters.clutter)
    table.revisit[n], table.address[n] = plots.revisit[j], plots.address[j]
    remember(job, n, plots.sensor[j], plots.time[j])
    plots.label[j] = label


@kernel
def run(job: Job, n: int, label: int) -> int:
    """Handle all groups; n: tracks in the table, label: the first free one. Return the tracks now in the table."""
    plots = job.plots
    first = n
    for g in range(len(plots.start) - 1):
        lo, hi = plots.start[g], plots.start[g + 1]
        rows, columns, gains = edges(job, n, lo, hi)
        match = assign(rows, columns, gains, hi - lo)
        for k in range(hi - lo):
            if match[k] >= 0:
                take(job, match[k], lo + k)
        if plots.kind[lo] == DIRECTION:
            continue
        for k in range(hi - lo):
            if match[k] < 0 and plots.code[lo + k] == USED:
                append(job, n, lo + k, label + n - first)
                n += 1
    return n
