"""States of other systems' tracks put into targets of ours by covariance intersection, or made targets.

Existence is no product either: what the other system is sure of exists at least that surely, however often it says so.
Only a subject that began far from all of ours may start a target or keep one alive. Another corrects what our own
sensors keep alive, and no more: if it is our own track after all, which came back changed, it must not live by that.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernel import kernel
from skywarden.model.detection import NO_ADDRESS
from skywarden.model.place import F64, I64
from skywarden.track.alike import GATE
from skywarden.track.foreign import Estimate, intersection
from skywarden.track.models import PROMOTED, predict
from skywarden.track.monitor import TRACK, compared
from skywarden.track.motion import predict_all
from skywarden.track.notes import SECOND, SLOWED, front
from skywarden.track.pool import MODELS, Memory, Rows
from skywarden.track.prepare import QUOTA, TOO_LATE, USED

SURE = 0.995  # existence of what another system has a track of; over `confirm_existence`


@kernel
def arrive(memory: Memory, rows: I64, times: I64) -> None:
    """Bring leaves to the times (n,) ns of their reports; those that are later stay."""
    for k in range(len(rows)):
        predict(memory.leaves[rows[k]], times[k], memory.parameters[0], memory.work[0])


@kernel
def book(memory: Memory, rows: I64, sensor: int, times: I64, revisit: float) -> None:
    """Write into the books of targets that a sensor had a report of them at its time, ns."""
    parameters = memory.parameters[0]
    for k in range(len(rows)):
        target = memory.targets[rows[k]]
        gap = (times[k] - target.seen) / SECOND
        target.placed, target.witness = max(target.placed, times[k]), 0
        target.told = max(target.told, times[k])
        if gap > 0.0:
            target.hits += 1
            target.seen = times[k]
        if revisit < target.revisit or gap > SLOWED * target.revisit:
            target.revisit = revisit
        front(target, sensor, times[k])
        if target.hits >= parameters.confirm_hits:
            target.confirmed = 1


class Known(NamedTuple):
    """Of (n,) reports: targets, labels of ours that they are of, 0 none; alone: see above. revisit: s, of all."""

    targets: I64
    alone: NDArray[np.bool_]
    revisit: float


def adopted(memory: Memory, reports: Rows, known: Known, sensor: int) -> tuple[I64, I64]:
    """Take in (n,) reports of one system, each of another subject.

    Returns (n,) USED or why not, and (n,) the label of the target that each was used for.
    """
    targets, alone, revisit = known
    code, label = np.full(len(reports), USED), targets.copy()
    labels = memory.targets["label"][: memory.counts[0]]
    row = np.array([_place(labels, each) for each in targets.tolist()], np.int64)
    label[row < 0] = 0
    mine = np.flatnonzero(row >= 0)
    late, fits = _corrected(memory, reports[mine], row[mine], alone[mine], sensor)
    code[mine[late]], label[mine[~fits]] = TOO_LATE, 0
    mine = mine[fits]
    bare = mine[memory.targets["address"][row[mine]] == NO_ADDRESS]
    memory.targets["address"][row[bare]] = reports["address"][bare]
    mine = mine[alone[mine]]
    new = np.flatnonzero((targets == 0) & alone)
    room = _room(memory, sensor, len(new))
    code[new[room:]] = QUOTA
    begun = _begun(memory, reports[new[:room]], revisit)
    label[new[:room]] = reports["name"][new[:room]]
    rows, told = np.concatenate((row[mine], begun)), np.concatenate((mine, new[:room]))
    book(memory, rows, sensor, reports["time"][told], revisit)
    memory.sensors[sensor, 0] = max(memory.sensors[sensor, 0], reports["time"].max(initial=0))
    return code, label


def _place(labels: I64, label: int) -> int:
    found = np.flatnonzero(labels == label) if label else labels[:0]
    return int(found[0]) if len(found) else -1


def _corrected(
    memory: Memory, reports: Rows, row: I64, alone: NDArray[np.bool_], sensor: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Correct all hypotheses about each target by its report.

    Returns (n,) which reports are too old for that, and (n,) which fitted any hypothesis.
    """
    leaves = memory.leaves[: memory.counts[1]]
    report_of = np.full(max(memory.counts[0], 1), -1)
    report_of[row] = np.arange(len(row))
    which = report_of[leaves["target"]]
    rows = np.flatnonzero(which >= 0)
    which = which[rows]
    arrive(memory, rows, reports["time"][which])
    ahead = (leaves["time"][rows] - reports["time"][which]) / SECOND
    late, used = np.zeros((2, len(reports)), bool)
    late[which[ahead > memory.parameters["late"][0]]] = True
    rows, which, ahead = (column[~late[which]] for column in (rows, which, ahead))
    noise = memory.parameters["noise"][0]
    mean, P = np.ascontiguousarray(reports["mean"][which]), np.ascontiguousarray(reports["covariance"][which])
    told = Estimate(*predict_all(mean, P, ahead, np.full(len(rows), noise[1, 0]), noise[0, 1]))
    taken, off, weight = np.zeros(len(rows), bool), np.zeros(len(rows)), np.zeros(len(rows))
    for m in range(MODELS):
        ours = Estimate(leaves["mean"][rows, m], leaves["covariance"][rows, m])
        far = _chi2(ours, told)
        fits = np.flatnonzero((leaves["weight"][rows, m] > 0.0) & (far < GATE))
        weight[fits] += leaves["weight"][rows[fits], m]
        off[fits] += leaves["weight"][rows[fits], m] * far[fits]
        some = [Estimate(each.mean[fits], each.covariance[fits]) for each in (ours, told)]
        both = intersection(some[0], some[1])
        leaves["mean"][rows[fits], m], leaves["covariance"][rows[fits], m] = both
        taken[fits] = True
    leaves["heard"][rows[taken]] = 0  # the intersection knows nothing of what the block has in common with the state
    targets = memory.targets[leaves["target"][rows]]
    watched = taken & (targets["leaf"] == rows) & (targets["confirmed"] == 1)
    compared(memory.fits[sensor, TRACK], 6, off[watched] / weight[watched])
    sure = rows[taken & alone[which]]
    leaves["existence"][sure] = np.maximum(leaves["existence"][sure], SURE)
    used[which[taken]] = True
    return late, used


def _chi2(ours: Estimate, told: Estimate) -> F64:
    off = ours.mean - told.mean
    S = ours.covariance + told.covariance
    return np.asarray(np.einsum("na,na->n", off, np.linalg.solve(S, off[:, :, None])[:, :, 0]), float)


def _room(memory: Memory, sensor: int, wanted: int) -> int:
    """Return how many targets a sensor may start; see `newborn.room`."""
    targets, parameters = memory.targets[: memory.counts[0]], memory.parameters[0]
    alone = (targets["seen_by"][:, 0] == sensor) & (targets["seen_by"][:, 1] < 0)
    every = parameters["most"] - alone.sum()
    new = parameters["most_new"] - (alone & (targets["confirmed"] == 0)).sum()
    left = min(len(memory.targets) - memory.counts[0], len(memory.leaves) - memory.counts[1])
    return max(min(wanted, int(every), int(new), int(left)), 0)


def _begun(memory: Memory, reports: Rows, revisit: float) -> I64:
    """Start a target with the state of each report; return their rows."""
    n, (t, i) = len(reports), memory.counts[:2].tolist()
    targets, leaves = memory.targets[t : t + n], memory.leaves[i : i + n]
    targets[:], leaves[:] = np.zeros(n, targets.dtype), np.zeros(n, leaves.dtype)
    targets["label"], targets["leaf"], targets["address"] = reports["name"], np.arange(i, i + n), reports["address"]
    targets["born"] = targets["seen"] = targets["placed"] = targets["told"] = leaves["time"] = reports["time"]
    targets["hits"], targets["revisit"], targets["seen_by"] = 1, revisit, -1
    leaves["target"], leaves["group"], leaves["existence"] = np.arange(t, t + n), -1, SURE
    leaves["weight"] = PROMOTED
    leaves["mean"], leaves["covariance"] = reports["mean"][:, None], reports["covariance"][:, None]
    memory.counts[:2] += n
    return np.arange(t, t + n)
