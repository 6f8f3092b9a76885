"""What the filter knows, between two ticks: into its memory and out again."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.track import Beliefs
from skywarden.track.clutter import BINS
from skywarden.track.pmb import parameters
from skywarden.track.pool import GROUP, HYPOTHESES, LEAF, MEMBERS, TARGET, Memory, Rows
from skywarden.track.room import GROUPS, rough_room
from skywarden.track.settings import TrackerSettings, filter_settings, unseen_per_m2

JOINT = 8 * HYPOTHESES * MEMBERS  # rows for leaves of joint hypotheses while they are made
MOST_PLOTS = 16_384  # of one look; what is more is refused
LAYOUT = blake2b(repr([kind.descr for kind in (TARGET, LEAF, GROUP)] + [BINS]).encode(), digest_size=6).hexdigest()


def opened(beliefs: Beliefs, plots: tuple[int, int], sensors: int, settings: TrackerSettings) -> Memory:
    """Return a memory that has what is known in it. plots: in all, of one look at most."""
    targets, leaves, groups = beliefs.targets, beliefs.leaves, beliefs.groups
    n, m, most = len(targets), len(leaves), min(plots[1], MOST_PLOTS)
    memory = rough_room(n + plots[0], m + plots[0] + JOINT, most, max(GROUPS, len(groups)), max(sensors, 1))
    memory.targets[:n], memory.leaves[:m] = _records(targets, TARGET), _records(leaves, LEAF)
    memory.groups[: len(groups)] = _records(groups, GROUP)
    memory.sensors[: len(beliefs.sensors)] = beliefs.sensors
    if len(beliefs.clutter):
        memory.clutter[: len(beliefs.clutter)] = beliefs.clutter
    memory.parameters[0] = parameters(filter_settings(settings))[0]
    memory.counts[:3] = n, m, len(groups)
    density, memory.grid["size"] = unseen_per_m2(settings), 1.0  # one cell for everywhere
    memory.unseen[0], memory.unseen[1] = density, density * memory.parameters["end"][0]
    return memory


def readable(beliefs: Beliefs) -> None:
    """Raise ValueError when what a filter knew was written down by another version."""
    if beliefs.layout not in ("", LAYOUT):
        raise ValueError("the tracker's records are of another version")


def _records(rows: Rows, kind: "np.dtype[np.void]") -> Rows:
    return rows.view(kind) if len(rows) else np.zeros(0, kind)


def closed(memory: Memory, gone: NDArray[np.bool_]) -> Beliefs:
    """Return what is known, without the targets in `gone`, (targets,) bool."""
    n, m = memory.counts[:2]
    targets, leaves = memory.targets[:n].copy(), memory.leaves[:m].copy()
    columns = memory.sensors.copy(), memory.clutter.copy()
    return _sealed((targets, leaves, memory.groups[: memory.counts[2]].copy()), columns, gone)


def without(beliefs: Beliefs, gone: NDArray[np.bool_]) -> Beliefs:
    """Return what is known without the targets in `gone`, (targets,)."""
    targets, leaves = _records(beliefs.targets, TARGET).copy(), _records(beliefs.leaves, LEAF).copy()
    return _sealed((targets, leaves, _records(beliefs.groups, GROUP).copy()), (beliefs.sensors, beliefs.clutter), gone)


def _sealed(rows: tuple[Rows, Rows, Rows], columns: tuple[I64, F64], gone: NDArray[np.bool_]) -> Beliefs:
    targets, leaves, groups = rows
    if gone.any():
        targets, leaves, groups = _without(targets, leaves, groups, gone)
    while len(groups) and groups["size"][-1] == 0:
        groups = groups[:-1]
    plain = [np.ascontiguousarray(some).view(f"V{some.dtype.itemsize}") for some in (targets, leaves, groups)]
    for column in (*plain, *columns):
        column.flags.writeable = False
    return Beliefs(plain[0], plain[1], plain[2], *columns, layout=LAYOUT)


def _without(targets: Rows, leaves: Rows, groups: Rows, gone: NDArray[np.bool_]) -> tuple[Rows, Rows, Rows]:
    """Take targets out, and what belongs to them; rows that point to others are made to point to where these are."""
    left = ~gone[leaves["target"]]
    place, at = np.append(np.cumsum(~gone) - 1, -1), np.append(np.cumsum(left) - 1, -1)
    place[:-1][gone], at[:-1][~left] = -1, -1
    targets, leaves = targets[~gone], leaves[left]
    leaves["target"], targets["leaf"] = place[leaves["target"]], at[targets["leaf"]]
    member = np.arange(MEMBERS) < groups["size"][:, None]
    choice = member[:, None] & (np.arange(HYPOTHESES) < groups["count"][:, None])[:, :, None]
    groups["member"] = place[np.where(member, groups["member"], -1)]  # what is not in use may hold anything
    groups["choice"] = at[np.where(choice, groups["choice"], -1)]
    return targets, leaves, groups


def existences(memory: Memory) -> tuple[F64, I64]:
    """Return (n,) the existence of each target over all hypotheses, and (n,) the leaf that shows it, -1 none.

    A target that does not exist in the heaviest hypothesis is shown as it is in the heaviest one in which it does.
    """
    n, leaves = memory.counts[0], memory.leaves
    leaf = memory.targets["leaf"][:n].copy()
    existence = np.where(leaf >= 0, leaves["existence"][leaf], 0.0)
    for group in memory.groups[: memory.counts[2]]:
        for k in range(group["size"]):
            target, choice = group["member"][k], group["choice"][: group["count"], k]
            there = choice >= 0
            if target >= 0:
                weight = np.where(there, group["weight"][: group["count"]] * leaves["existence"][choice], 0.0)
                existence[target] = weight.sum()
                if leaf[target] < 0 and there.any():
                    leaf[target] = choice[weight.argmax()]
    return existence, leaf
