"""Who should meet whom: an assignment of units to groups that is worth most.

Worth: the site's consequence times the probability that anybody comes, of groups that somebody can meet in time. Each
unit has so many places as its capacity, each group gets one unit. That is a linear assignment problem, solved exactly
(Crouse 2016, IEEE Trans. Aerosp. Electron. Syst. 52, 1679, as SciPy has it). A unit that is advised stays so unless
another choice is worth a fifth more: advice that changes each second helps nobody.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from skywarden.model.place import F64

STAYS = 1.2  # times its worth that a choice counts which stood before
TIE = 1e-6  # share of the worth by which more spare time decides between equals, and less their order
LONG = 600.0  # s to spare; more is no better


class Problem(NamedTuple):
    """spare: (u, g) s, under 0 not in time. worth: (g,). capacity: (u,) places. before: (g,) unit that stood, or -1."""

    spare: F64
    worth: F64
    capacity: NDArray[np.int64]
    before: NDArray[np.int64]


def chosen(problem: Problem) -> list[int]:
    """Return for each group the unit that should meet it, -1 nobody."""
    units, groups = problem.spare.shape
    found = [-1] * groups
    owners = np.repeat(np.arange(units), np.minimum(problem.capacity, groups))
    if not len(owners) or not groups:
        return found
    value = np.where(problem.spare >= 0.0, problem.worth, 0.0)
    value *= np.where(np.arange(units)[:, None] == problem.before, STAYS, 1.0)
    ease = np.clip(problem.spare, 0.0, LONG) / LONG
    order = 1.0 - np.arange(units * groups).reshape(units, groups) / (units * groups)
    value *= 1.0 + TIE * (ease + TIE * order)
    places, rows = linear_sum_assignment(value[owners], maximize=True)
    for place, group in zip(places.tolist(), rows.tolist(), strict=True):
        if value[owners[place], group] > 0.0:
            found[group] = int(owners[place])
    return found


def options(spare: Sequence[float]) -> list[int]:
    """Return the units that are in time, those with most to spare first."""
    return [k for k in np.argsort(-np.asarray(spare), kind="stable").tolist() if spare[k] >= 0.0]
