"""Which sensors watch now, and why the others do not. Silence of a sensor is never taken for an empty sky.

A sensor counts while signs of life come: what it measured, a radar's own service messages, a node's status; by the
time at which they were measured, so that late ones are no life. It counts once it has looked so often without a break
that who is there has become a track (`Posts.proven`), and not while too much of what it or its source sends is refused
or does not come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Detections, Kind, Node, Reason
from skywarden.model.event import Output, Refused
from skywarden.model.track import Chain, Health
from skywarden.model.watched import CELLS, Posts, Watch
from skywarden.track.beliefs import records
from skywarden.track.cells import find
from skywarden.track.nodes import AHEAD, DEAD
from skywarden.track.posts import NODE

SECOND = 1_000_000_000
WHY = (
    "",
    "no place is configured",
    "no max_range_m is configured",
    "claims and people do not count",
    "silent",
    "heard for too short a time",
    "nothing usable",
    "too much is refused",
    "fault",
    "not of a kind that sees who keeps quiet",
    "in quarantine",
)
NO_PLACE, NO_REACH, CLAIMS, SILENT, UNPROVEN, USELESS, LOSES, FAULT, DEAF, QUARANTINED = range(1, len(WHY))
PROVEN = 5 * SECOND  # without a break, before a microphone counts; also as long as a loss of its source is remembered
RECENT = 10 * SECOND  # as the state of a source has it
SHARE = 0.1  # of what came, from which too much is refused
FADES = 0.5 ** (1 / 5)  # a second; of what is remembered of shares
BRIEF = 0.05  # s; marks that come sooner are of one moment, as north and the first sector
QUICKER, SLOWLY = 0.7, 0.05  # of the usual gap, from which a shorter one is the usual one; of what it changes else
MARKS, SOONEST = 5.0, 2.0  # usual gaps without a mark, and s at least: then a radar that sends them is silent
MISSED = 0.7  # of a mark, from which one is missing
OVERDUE = 3.0  # intervals without anything from a node
AHEAD_MOST = 5 * SECOND  # a measurement may be later than its tick; more is no sign of life
SEEING = {"radar", "lidar"}  # kinds of nodes that see who keeps quiet
POINTING = {"camera"}  # the same, by bearings
MEASURED = (Kind.POLAR, Kind.DIRECTION, Kind.SOUND, Kind.POSITION, Kind.PLANE)
LOST = {  # reasons for which what a source sends does not help
    *(Reason.MALFORMED, Reason.TRUNCATED, Reason.OVERSIZE, Reason.CHECKSUM, Reason.WRONG_EDITION),
    *(Reason.IMPLAUSIBLE, Reason.NOT_FINITE, Reason.PAST, Reason.FUTURE, Reason.TOO_LATE, Reason.QUOTA),
    *(Reason.TOO_FAST, Reason.SIMULATED, Reason.SITE_UNKNOWN, Reason.NOT_REGISTERED, Reason.DECODER_FAULT),
}


class Told(NamedTuple):
    """What a tick tells of sensors. events: of the tracker, which names sensors; settled, head: what chains know of

    single microphones. faulty: sensors with a fault, by registration. quarantined: sensors and sources.
    """

    batches: Sequence[Detections]
    events: Sequence[Output]
    health: tuple[Health, ...]
    head: NDArray[np.void]
    settled: Chain
    faulty: frozenset[str]
    quarantined: frozenset[str] = frozenset()


def begun(posts: Posts) -> Watch:
    """Return a watch of which nothing is known: no sensor counts, no site is watched."""
    s, w, n = len(posts.names), len(posts.wires), len(posts.sites)
    empty = Watch(posts)
    return replace(
        empty,
        heard=np.zeros(s, np.int64),
        since=np.zeros(s, np.int64),
        got=np.zeros(s),
        lost=np.zeros(s),
        hurt=np.zeros(s, np.int64),
        usual=np.zeros(s),
        marks=np.zeros((s, 2), np.int64),
        totals=np.full((w, 2), -1),
        upset=np.zeros(w, np.int64),
        why=np.where(posts.fixed > 0, posts.fixed, SILENT),
        hearing=np.zeros(len(posts.ears), bool),
        seen=np.zeros((n, *empty.seen.shape[1:]), np.float32),
        at=np.zeros(n, np.int64),
        due=np.ones(n, np.int64),
        blind=np.full(n, (1 << CELLS) - 1),
    )


def noted(watch: Watch, told: Told, time: int) -> Watch:
    """Return it with what a tick measured and refused of each sensor. time: ns."""
    row = {name: k for k, name in enumerate(watch.posts.names)}
    said: dict[int, int] = {}
    got, lost = watch.got.copy(), watch.lost.copy()
    for batch in told.batches:
        if batch.kind in MEASURED and (k := row.get(batch.sensor)) is not None:
            got[k] += len(batch)
            said[k] = max(said.get(k, 0), int(batch.time.max()))
    for event in told.events:
        if isinstance(event, Refused) and event.reason in LOST and (k := row.get(event.source)) is not None:
            lost[k] += event.count
    return replace(_lives(watch, said, time), got=got, lost=lost)


def broken(watch: Watch, events: Sequence[Output], time: int) -> Watch:
    """Return it after a tick that had to be done without some sensors: those count for nothing. time: ns."""
    names = {e.source for e in events if isinstance(e, Refused) and e.reason == Reason.DECODER_FAULT}
    if names.isdisjoint(watch.posts.names):
        return watch
    return replace(watch, hurt=np.where([name in names for name in watch.posts.names], time, watch.hurt))


def _lives(watch: Watch, said: Mapping[int, int], time: int) -> Watch:
    """Return it with signs of life. said: row of a sensor -> ns, when it lived; what has no possible time is none."""
    heard, since = watch.heard.copy(), watch.since.copy()
    for k, at in said.items():
        at = min(at, time) if at <= time + AHEAD_MOST else 0
        if at > heard[k]:
            if at - heard[k] > watch.posts.silent[k] * SECOND:
                since[k] = time
            heard[k] = at
    return replace(watch, heard=heard, since=since)


def judged(watch: Watch, told: Told, time: int) -> Watch:
    """Return it with who counts now; once a second. time: ns."""
    health = {row.name: row for row in told.health}
    watch = _lives(_missing(watch, health), _signs(watch.posts, health, time), time)
    watch = _losses(watch, health, time)
    hurt = np.where(watch.lost > SHARE * (watch.got + 1e-9), time, watch.hurt)
    watch = replace(watch, hurt=hurt, got=watch.got * FADES, lost=np.where(watch.lost > 0.5, watch.lost * FADES, 0.0))
    upset = dict(zip(watch.posts.wires, watch.upset.tolist(), strict=True))
    each = [_why(watch, k, health, told, time) for k in range(len(watch.posts.names))]
    why = np.array([_upset(watch, k, one, upset, time) for k, one in enumerate(each)], np.int64)
    return replace(watch, why=why, hearing=_hearing(watch, told, health, time))


def _signs(posts: Posts, health: Mapping[str, Health], time: int) -> dict[int, int]:
    """Return row -> ns of what sensors and nodes say that is no measurement."""
    found: dict[int, int] = {}
    for k, (name, source) in enumerate(zip(posts.names, posts.sources, strict=True)):
        row = health.get(source)
        if row is not None and posts.node[k]:
            if _node(row, name, float(posts.silent[k]), time) is not None:
                found[k] = time
        elif row is not None and name in row.marks:
            found[k] = row.marks[name][0]
    return found


def marked(known: Mapping[str, tuple[int, int]], new: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return marks of sensors, latest time and how many, with new ones."""
    found = dict(known)
    for name, (at, count) in new.items():
        last, before = found.get(name, (0, 0))
        found[name] = max(last, at), before + count
    return found


def _missing(watch: Watch, health: Mapping[str, Health]) -> Watch:
    """Return it with marks that should have come and did not: of what a radar sends some is lost on the way."""
    usual, got, lost, marks = watch.usual.copy(), watch.got.copy(), watch.lost.copy(), watch.marks.copy()
    since = watch.since.copy()
    for k, (name, source) in enumerate(zip(watch.posts.names, watch.posts.sources, strict=True)):
        at, count = health[source].marks.get(name, (0, 0)) if source in health else (0, 0)
        new, span = count - int(marks[k, 1]), (at - int(marks[k, 0])) * 1e-9
        if new <= 0 or span < BRIEF:
            continue
        marks[k] = at, count
        each = span / new
        gone = span / usual[k] - new if usual[k] else 0.0
        if span > min(watch.posts.silent[k], max(MARKS * usual[k], SOONEST) if usual[k] else np.inf):
            since[k] = at
            continue
        if not usual[k] or each < QUICKER * usual[k]:
            usual[k] = each
        elif gone < MISSED:
            usual[k] += SLOWLY * (each - usual[k])
        got[k] += new + max(gone, 0.0)
        lost[k] += gone if gone >= MISSED else 0.0
    return replace(watch, usual=usual, marks=marks, got=got, lost=lost, since=since)


def _node(row: Health, name: str, silent: float, time: int) -> Node | None:
    """Return the node of that name while it lives and says that it is well. silent: s."""
    for node in row.nodes:
        if node.name == name and node.connected and node.state == "ok":
            return node if time - node.last <= max(OVERDUE * node.interval, silent) * SECOND else None
    return None


def _losses(watch: Watch, health: Mapping[str, Health], time: int) -> Watch:
    """Return it with which sources lose too much, by how their counters went on in the last second."""
    totals, upset = watch.totals.copy(), watch.upset.copy()
    for k, name in enumerate(watch.posts.wires):
        row = health.get(name)
        if row is None:
            continue
        now = row.decoded, sum(count for reason, count in row.refused.items() if reason in LOST)
        good, bad = now[0] - totals[k, 0], now[1] - totals[k, 1]
        if totals[k, 0] >= 0 and bad > SHARE * (good + bad):
            upset[k] = time
        totals[k] = now
    return replace(watch, totals=totals, upset=upset)


def useless(row: Health | None, time: int) -> bool:
    """Return whether a source sends lately and nothing of it is of use. time: ns."""
    return row is not None and row.spurned > time - RECENT > row.used


def _why(watch: Watch, k: int, health: Mapping[str, Health], told: Told, time: int) -> int:
    """Return why a sensor does not count, 0 if it does."""
    posts = watch.posts
    row, silent = health.get(posts.sources[k]), posts.silent[k] * SECOND
    if posts.fixed[k]:
        return int(posts.fixed[k])
    if row is None or time - watch.heard[k] > silent or time - row.last > silent:
        return SILENT
    if watch.usual[k] and time - watch.marks[k, 0] > max(MARKS * watch.usual[k], SOONEST) * SECOND:
        return SILENT
    if useless(row, time):
        return USELESS
    if posts.node[k] and (reason := _of_node(posts, k, row, time)):
        return reason
    if posts.names[k] in told.faulty:
        return FAULT
    if not told.quarantined.isdisjoint((posts.names[k], posts.sources[k])):
        return QUARANTINED
    proven = int(posts.proven[k] * SECOND)
    if watch.hurt[k] > time - proven:
        return LOSES
    return UNPROVEN if watch.since[k] > time - proven else 0


def _upset(watch: Watch, k: int, why: int, upset: Mapping[str, int], time: int) -> int:
    """Return why a sensor does not count, with what its source loses. upset: source -> ns, when it lost too much."""
    late = upset[watch.posts.sources[k]] if why in (0, UNPROVEN) else 0
    return LOSES if late > time - int(watch.posts.proven[k] * SECOND) and late else why


def _of_node(posts: Posts, k: int, row: Health, time: int) -> int:
    """Return what keeps a sensor from counting by what it says of itself, 0 nothing."""
    node = _node(row, posts.names[k], float(posts.silent[k]), time)
    if node is None:
        return SILENT
    use = row.uses.get(node.name)
    if use is not None and use.spurned > time - RECENT > use.used:
        return USELESS
    kinds = set(node.kind.split(", "))
    return 0 if kinds & SEEING or (posts.begins[k] and kinds & POINTING) else DEAF


def _hearing(watch: Watch, told: Told, health: Mapping[str, Health], time: int) -> NDArray[np.bool_]:
    """Return (m,) which single microphones count: they live, without a fault, and their source is of use."""
    posts = watch.posts
    if not len(posts.ears):
        return watch.hearing
    good = np.array([_is_wire(watch, k, health.get(name), time) for k, name in enumerate(posts.wires)], bool)
    good &= ~np.isin(posts.wires, list(told.quarantined))
    nodes, settled = records(told.head, NODE), records(told.settled.beliefs.nodes, NODE)
    row = find(nodes["node"], posts.ears)
    known = np.flatnonzero((row >= 0) & good[posts.whose])
    mine = nodes[row[known]]
    lives = (time - mine["alive"] <= DEAD) & (mine["alive"] <= time + AHEAD) & (mine["up"] <= time - PROVEN)
    known = known[lives]
    faulty = settled["node"][settled["fault"] != 0]
    found = np.zeros(len(posts.ears), bool)
    found[known[~np.isin(posts.ears[known], faulty)]] = True
    return found


def _is_wire(watch: Watch, k: int, row: Health | None, time: int) -> bool:
    """Return whether a source of single microphones is of use."""
    if row is None or useless(row, time) or time - row.last > watch.posts.quiet[k] * SECOND:
        return False
    return bool(watch.upset[k] <= time - PROVEN)
