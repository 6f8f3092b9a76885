"""What the filter knows, between two ticks: into its memory and out again."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.track import Beliefs, Tracks
from skywarden.track import monitor
from skywarden.track.clutter import COLUMNS
from skywarden.track.items import FEED, ITEM, REPORT
from skywarden.track.looks import SENSE
from skywarden.track.pmb import parameters
from skywarden.track.pool import GROUP, HYPOTHESES, LEAF, MEMBERS, TARGET, Memory, Rows
from skywarden.track.posts import CALL, NODE
from skywarden.track.room import GROUPS, rough_room
from skywarden.track.settings import TrackerSettings, filter_settings, unseen_per_m2
from skywarden.track.table import table
from skywarden.track.weather import AIR

JOINT = 8 * HYPOTHESES * MEMBERS  # rows for leaves of joint hypotheses while they are made
SPARE, MOST_GROUPS = 64, 512  # beside those in use: wedges, which take one each, must not leave none for others; in all
MOST_PLOTS = 16_384  # of one look; what is more is refused
KINDS = (TARGET, LEAF, GROUP, SENSE, ITEM, REPORT, FEED, CALL, NODE, AIR)
LAYOUT = blake2b(repr([kind.descr for kind in KINDS] + [COLUMNS, monitor.KINDS]).encode(), digest_size=6).hexdigest()


def opened(beliefs: Beliefs, plots: tuple[int, int], sensors: int, settings: TrackerSettings) -> Memory:
    """Return a memory that has what is known in it. plots: in all, of one look at most."""
    targets, leaves, groups = beliefs.targets, beliefs.leaves, beliefs.groups
    n, m, most = len(targets), len(leaves), min(plots[1], MOST_PLOTS)
    room = max(GROUPS, min(len(groups) + SPARE, MOST_GROUPS), len(groups))
    memory = rough_room(n + plots[0], m + plots[0] + JOINT, most, room, max(sensors, 1))
    memory.targets[:n], memory.leaves[:m] = records(targets, TARGET), records(leaves, LEAF)
    memory.groups[: len(groups)] = records(groups, GROUP)
    memory.sensors[: len(beliefs.sensors)] = beliefs.sensors
    if len(beliefs.clutter):
        memory.clutter[: len(beliefs.clutter)] = beliefs.clutter
    if len(beliefs.fits):
        memory.fits[: len(beliefs.fits)] = beliefs.fits
    memory.parameters[0] = parameters(filter_settings(settings))[0]
    memory.counts[:3] = n, m, len(groups)
    density, memory.grid["size"] = unseen_per_m2(settings), 1.0  # one cell for everywhere
    memory.unseen[0], memory.unseen[1] = density, density * memory.parameters["end"][0]
    return memory


def readable(beliefs: Beliefs) -> None:
    """Raise ValueError when what a filter knew was written down by another version."""
    if beliefs.layout not in ("", LAYOUT):
        raise ValueError("the tracker's records are of another version")


def records(rows: Rows, kind: "np.dtype[np.void]") -> Rows:
    """Return rows that were put down as bytes."""
    return rows.view(kind) if len(rows) else np.zeros(0, kind)


def tracked(beliefs: Beliefs, settings: TrackerSettings) -> Tracks:
    """Return the targets as tracks; see `table`."""
    filters = filter_settings(settings)
    noise = np.array([filters.calm_noise_m2_s3, filters.busy_noise_m2_s3])
    rows = records(beliefs.targets, TARGET), records(beliefs.leaves, LEAF), records(beliefs.groups, GROUP)
    return table(*rows, noise)


def closed(
    memory: Memory,
    gone: NDArray[np.bool_],
    feeds: Rows | None = None,
    nodes: Rows | None = None,
    air: Rows | None = None,
) -> Beliefs:
    """Return what is known, without the targets in `gone`, (targets,) bool. feeds, nodes, air: as bytes, None none.

    It is the memory's own rows, which nobody must write any more: copies took 4 of 93 s, by a profile.
    """
    n, m, g, _ = memory.counts
    columns = memory.sensors[:], memory.clutter[:], memory.fits[:]
    return _sealed((memory.targets[:n], memory.leaves[:m], memory.groups[:g]), columns, gone, (feeds, nodes, air))


def without(beliefs: Beliefs, gone: NDArray[np.bool_]) -> Beliefs:
    """Return what is known without the targets in `gone`, (targets,)."""
    rows = records(beliefs.targets, TARGET), records(beliefs.leaves, LEAF), records(beliefs.groups, GROUP)
    columns = beliefs.sensors, beliefs.clutter, beliefs.fits
    return _sealed(rows, columns, gone, (beliefs.feeds, beliefs.nodes, beliefs.air))


def plain(rows: Rows) -> Rows:
    """Return records as bytes, which can be saved; read-only."""
    found = np.ascontiguousarray(rows).view(f"V{rows.dtype.itemsize}")
    found.flags.writeable = False
    return found


def _sealed(
    rows: tuple[Rows, Rows, Rows],
    columns: tuple[I64, F64, F64],
    gone: NDArray[np.bool_],
    others: tuple[Rows | None, Rows | None, Rows | None],
) -> Beliefs:
    targets, leaves, groups = rows
    if gone.any():
        targets, leaves, groups = _without(targets, leaves, groups, gone)
    while len(groups) and groups["size"][-1] == 0:
        groups = groups[:-1]
    for column in columns:
        column.flags.writeable = False
    kinds = zip(others, (FEED, NODE, AIR), strict=True)
    feeds, nodes, air = (plain(np.zeros(0, kind) if one is None else records(one, kind)) for one, kind in kinds)
    return Beliefs(plain(targets), plain(leaves), plain(groups), *columns, feeds, LAYOUT, nodes, air)


def _without(targets: Rows, leaves: Rows, groups: Rows, gone: NDArray[np.bool_]) -> tuple[Rows, Rows, Rows]:
    """Take targets out, and what belongs to them; rows that point to others are made to point to where these are."""
    left = ~gone[leaves["target"]]
    place, at = np.append(np.cumsum(~gone) - 1, -1), np.append(np.cumsum(left) - 1, -1)
    place[:-1][gone], at[:-1][~left] = -1, -1
    targets, leaves, groups = targets[~gone], leaves[left], groups.copy()
    leaves["target"], targets["leaf"] = place[leaves["target"]], at[targets["leaf"]]
    member = np.arange(MEMBERS) < groups["size"][:, None]
    choice = member[:, None] & (np.arange(HYPOTHESES) < groups["count"][:, None])[:, :, None]
    groups["member"] = place[np.where(member, groups["member"], -1)]  # what is not in use may hold anything
    groups["choice"] = at[np.where(choice, groups["choice"], -1)]
    return targets, leaves, groups
