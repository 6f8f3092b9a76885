"""A list of joint hypotheses about some targets, heaviest first: making room, multiplying, weights that add to 1."""

from math import exp
from typing import NamedTuple

import numpy as np

from skywarden.kernel import inner
from skywarden.model.place import F64, I64
from skywarden.track.pool import HYPOTHESES, MEMBERS, Group


class Hypotheses(NamedTuple):
    """Joint hypotheses in falling order of weight. member (MEMBERS,): rows of targets. size: (2,) how many members,

    how many hypotheses. weight (HYPOTHESES,); choice (HYPOTHESES, MEMBERS): leaf of each member, -1 does not exist.
    parent (HYPOTHESES,), plot (HYPOTHESES, MEMBERS): what each came of, which of the plots each member has, -1 none.
    """

    member: I64
    size: I64
    weight: F64
    choice: I64
    parent: I64
    plot: I64


@inner
def hypotheses() -> Hypotheses:
    """Return room for joint hypotheses; there are none."""
    return Hypotheses(
        np.full(MEMBERS, -1),
        np.zeros(2, np.int64),
        np.zeros(HYPOTHESES),
        np.full((HYPOTHESES, MEMBERS), -1),
        np.zeros(HYPOTHESES, np.int64),
        np.full((HYPOTHESES, MEMBERS), -1),
    )


@inner
def slot(found: Hypotheses, weight: float, most: int) -> int:
    """Make room for a hypothesis of this weight among at most `most`; return its row, -1 when it is too light."""
    count = int(found.size[1])
    if count == most and weight <= found.weight[count - 1]:
        return -1
    row = min(count, most - 1)
    while row > 0 and found.weight[row - 1] < weight:
        found.weight[row], found.parent[row] = found.weight[row - 1], found.parent[row - 1]
        for k in range(MEMBERS):
            found.choice[row, k], found.plot[row, k] = found.choice[row - 1, k], found.plot[row - 1, k]
        row -= 1
    found.weight[row] = weight
    found.size[1] = min(count + 1, most)
    return row


@inner
def times(before: Hypotheses, group: Group) -> Hypotheses:
    """Return every pair of a hypothesis and one of a group's, the heaviest of them; members of both."""
    found, size = hypotheses(), before.size[0]
    for k in range(size):
        found.member[k] = before.member[k]
    for k in range(group.size):
        found.member[size + k] = group.member[k]
    found.size[0] = size + group.size
    for h in range(before.size[1]):
        for g in range(group.count):
            row = slot(found, before.weight[h] * group.weight[g], HYPOTHESES)
            for k in range(size if row >= 0 else 0):
                found.choice[row, k] = before.choice[h, k]
            for k in range(group.size if row >= 0 else 0):
                found.choice[row, size + k] = group.choice[g, k]
    return found


@inner
def normalise(after: Hypotheses, light: float) -> None:
    """Turn logs into weights that add to 1, without hypotheses under `light`."""
    count, total = after.size[1], 0.0
    most = after.weight[0]
    for f in range(count):
        after.weight[f] = exp(after.weight[f] - most)
        total += after.weight[f]
    rest, kept = 0.0, 0
    for f in range(count):
        if after.weight[f] >= light * total or f == 0:
            rest += after.weight[f]
            kept = f + 1
    after.size[1] = kept
    for f in range(kept):
        after.weight[f] /= rest
