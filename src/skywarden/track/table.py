"""What the filter knows as a table of tracks: one row a target."""

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.model.track import Status, Tracks
from skywarden.track.mixture import combined
from skywarden.track.pool import Rows
from skywarden.track.regions import kinds, opened


def table(targets: Rows, leaves: Rows, groups: Rows, noise: F64) -> Tracks:
    """Return targets as tracks: confirmed or tentative, without numbers, heard of when their latest plot was made.

    noise: (MODELS,) m^2/s^3, level, of each model of motion.
    """
    existence, leaf = existences(targets, leaves, groups)
    weight = leaves["weight"][leaf]
    mean, covariance = combined(weight, leaves["mean"][leaf], leaves["covariance"][leaf])
    time = leaves["time"][leaf]
    open_ = np.flatnonzero(targets["wedge"] == 1)
    if len(open_):
        some = opened(open_, leaves, groups, noise)
        time[some.target], mean[some.target], covariance[some.target] = some.time, some.mean, some.covariance
    number, status = np.zeros(len(targets), np.int64), np.where(targets["confirmed"] == 1, *KNOWN).astype(np.int8)
    label, heard, born, hits = (targets[name].copy() for name in ("label", "seen", "born", "hits"))
    books = [targets[name].copy() for name in ("revisit", "address", "seen_by", "seen_at")]
    books += [np.zeros_like(label), kinds(targets, mean, covariance)]  # since when people see it they know
    level = weight @ noise
    return Tracks(label, number, status, time, heard, mean, covariance, level, born, hits, existence, *books)


KNOWN = (Status.CONFIRMED, Status.TENTATIVE)


def existences(targets: Rows, leaves: Rows, groups: Rows) -> tuple[F64, I64]:
    """Return (n,) the existence of each target over all hypotheses, and (n,) the leaf that shows it, -1 none.

    A target that does not exist in the heaviest hypothesis is shown as it is in the heaviest one in which it does.
    """
    leaf = targets["leaf"].copy()
    existence = np.where(leaf >= 0, leaves["existence"][leaf], 0.0)
    for group in groups:
        for k in range(group["size"]):
            target, choice = group["member"][k], group["choice"][: group["count"], k]
            there = choice >= 0
            if target >= 0:
                weight = np.where(there, group["weight"][: group["count"]] * leaves["existence"][choice], 0.0)
                existence[target] = weight.sum()
                if leaf[target] < 0 and there.any():
                    leaf[target] = choice[weight.argmax()]
    return existence, leaf


def rows_of(before: I64, label: I64) -> tuple[I64, I64]:
    """Return the rows of `label` that are in `before`, and where there."""
    if not len(before):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(before, kind="stable")
    row = order[np.minimum(np.searchsorted(before, label, sorter=order), len(before) - 1)]
    old = np.flatnonzero(before[row] == label)
    return old, row[old]
