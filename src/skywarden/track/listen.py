"""Once a second: what all single microphones say of the targets of a chain; and half a second later who is new.

Nodes are looked at BEHIND their newest messages, so that reports on their way do not count as silence. Whom they hear
is measured by them, whom they should hear and do not exists less likely; what no known target explains is asked for new
ones (`newcomers`): at another time, since each may take as long as a tick. The settled chain alone learns which false
alarms each node has; the head takes that over.
"""

from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64
from skywarden.model.track import Beliefs, Tracks
from skywarden.track import witness
from skywarden.track.adopt import arrive
from skywarden.track.arrays import begun, flying, ripe, twins
from skywarden.track.audible import Hearing
from skywarden.track.beliefs import closed, opened, plain, records
from skywarden.track.cells import Field
from skywarden.track.hearers import HEARD, Known, Looks, Pairs
from skywarden.track.motion import level_sigma, predict_all
from skywarden.track.newcomers import FEWEST, Newcomer, Rules, Scene, already, expected, search, seek
from skywarden.track.nodes import SECOND, Book, learn, look, rates
from skywarden.track.pool import Memory, Rows
from skywarden.track.posts import NODE, book_of, field_of, kept, learned
from skywarden.track.presence import asked
from skywarden.track.settings import TrackerSettings
from skywarden.track.table import table
from skywarden.track.weigh import audible, begin, exist, judged, meet, place

BEHIND = 3 * SECOND  # ns
GONE = 86_400 * SECOND  # ns without a sign of life, after which a node is forgotten
POSSIBLE = 0.05  # existence from which a target is asked about
VAGUE_M = 300.0  # m, level sigma, under which nodes say nothing of a place
PLAINLY = 0.3  # chance of hearing, from which a node that hears something hears the target
FOUND = 0.5  # of a node that hears something, chance of silence without the target, above which it hears the target
LEAST = 1e-3  # of a probability that is divided by
LOUD = 2.0  # logarithm of the odds that it can be heard, from which who was measured goes on by being heard
PASS_S = 60.0  # s between two nodes that hear a target by
EXPLAINED = 3.0  # times its usual rate; a beginning that known targets make so likely is theirs
EARLIER = 30 * SECOND  # ns, by which a target flew before it was first heard
FINE = 4096  # flights that beginnings are compared with
WORK = 500_000  # see `Rules`: five beginnings a second among few nodes, two among many, some 20 ms
STALE = 60 * SECOND  # ns; a beginning that has waited so long to be asked is not: others of the same flight came since
LISTENED = 10 * SECOND  # ns; a node that was not there for so long before it began says nothing by that


NEW, WAITING = 1, 2  # bits of a beginning: it has just come; what else may explain it is known, it waits to be asked


class Listened(NamedTuple):
    """beliefs: afterwards. heard: labels of targets that were begun or heard.

    refused: of sensors, by number, how many targets their nodes did not begin for lack of room, and how many beginnings
    nobody had the time to ask.
    """

    beliefs: Beliefs
    heard: I64
    refused: tuple[tuple[int, int], ...] = ()


class Scan(NamedTuple):
    """One look of all nodes. time: ns, now; at: ns, of the look."""

    time: int
    at: int
    field: Field
    book: Book
    looks: Looks
    hearing: Hearing


class Whom(NamedTuple):
    """What nodes are asked about. target: (m,) rows; leaf: (m,) the one that is shown; known: at the look's time.

    loud: (m,) logarithm of the odds that it can be heard. vague: (m,) whether its place is poorly known. alone: (m,)
    whether that leaf is all that is held possible of it.
    """

    target: I64
    leaf: I64
    known: Known
    loud: F64
    vague: NDArray[np.bool_]
    alone: NDArray[np.bool_]


class Answer(NamedTuple):
    """heard: labels of targets that are. silent: (n, 3) silence by known targets as `shares` has it, near: (n,) chance

    to hear those that others measure, see `witness`; both None without any.
    """

    heard: I64
    silent: F64 | None
    near: F64 | None


def half_second(
    beliefs: Beliefs, sensors: int, time: int, settings: TrackerSettings, settled: Beliefs | None = None
) -> Listened:
    """Go on at `time`, ns: look at all nodes at a whole second, ask who is new half a second after. See `listened`."""
    if time % SECOND == 0:
        return listened(beliefs, sensors, time, settings, settled)
    return sought(beliefs, sensors, time, settings)


def listened(
    beliefs: Beliefs, sensors: int, time: int, settings: TrackerSettings, settled: Beliefs | None = None
) -> Listened:
    """Look at all nodes at `time`, ns, a whole second. settled: of the chain that learns, None: this is it."""
    nodes = records(beliefs.nodes, NODE)
    if not len(nodes) or not (len(beliefs.targets) or waits(nodes)):
        return Listened(beliefs, np.zeros(0, np.int64))
    nodes = nodes[nodes["alive"] >= time - GONE]
    if settled is not None:
        nodes = learned(nodes, records(settled.nodes, NODE))
    book, looks = look(book_of(nodes), time - BEHIND, np.zeros(len(nodes)))
    scan = Scan(time, time - BEHIND, field_of(nodes, settings.microphone_reach_m), book, looks, hearing_of(settings))
    memory = opened(beliefs, (0, 1), sensors, settings)
    heard, silent, near = _ask(memory, nodes, scan, settings)
    usual = rates(book)
    others = usual if silent is None else expected(looks.before, looks.gap, silent, usual)
    if settled is None:
        book = learn(book, looks, _explained(looks, silent))
        nodes = witness.scored(nodes, book, looks, near)
    late = _unasked(nodes, time)
    nodes = _explaining(kept(nodes, book), time, others, usual)
    after = closed(memory, _arrays(memory, scan.at, settings), beliefs.feeds, plain(nodes), beliefs.air)
    return Listened(after, heard, late)


def sought(beliefs: Beliefs, sensors: int, time: int, settings: TrackerSettings) -> Listened:
    """Ask at `time`, ns, whether what nodes have begun to hear is somebody new."""
    nodes = records(beliefs.nodes, NODE)
    waiting = np.flatnonzero(nodes["fresh"] == WAITING)
    if not len(waiting):
        return Listened(beliefs, np.zeros(0, np.int64))
    scene = Scene(field_of(nodes, settings.microphone_reach_m), book_of(nodes), nodes["rate"], nodes["claps"])
    found, scene, left = seek(scene, waiting, time, search(hearing_of(settings), Rules(work=WORK), FINE))
    nodes = nodes.copy()
    nodes["rate"], nodes["claps"] = scene.rate, scene.claps
    nodes["fresh"][waiting] = 0
    nodes["fresh"][left] = WAITING
    if not found:
        return Listened(replace(beliefs, nodes=plain(nodes)), np.zeros(0, np.int64))
    memory = opened(beliefs, (len(found), 1), sensors, settings)
    tracks = _table(memory)
    known = _at(tracks.take(tracks.existence > POSSIBLE), time, settings)
    begun, refused = list[int](), Counter[int]()
    for one in found:
        if already(one, *known).any():
            continue
        sensor, room = _whose(memory, nodes["sensor"][one.node])
        if room:
            begun.append(_begun(memory, nodes, one, sensor, settings))
        else:
            refused[sensor] += 1
    nobody = np.zeros(memory.counts[0], bool)
    after = closed(memory, nobody, beliefs.feeds, plain(nodes), beliefs.air)
    return Listened(after, memory.targets["label"][begun], tuple(sorted(refused.items())))


def waits(nodes: Rows) -> bool:
    """Return whether any node has said something that was not looked at, or is to be asked whether somebody is new."""
    return bool((nodes["alive"] > nodes["at"]).any() or nodes["fresh"].any())


def hearing_of(settings: TrackerSettings) -> Hearing:
    """Return what nodes hear of targets."""
    return Hearing(
        settings.microphone_detection,
        settings.microphone_reach_spread,
        settings.microphone_memory_s,
        settings.sound_speed_m_s,
    )


def _ask(memory: Memory, nodes: Rows, scan: Scan, settings: TrackerSettings) -> Answer:
    """Correct the targets of a memory."""
    whom = _known(memory, scan.at, settings)
    if not len(whom.target):
        return Answer(np.zeros(0, np.int64), None, None)
    before = whom.known._replace(existence=audible(whom.known.existence, whom.loud))
    after, pairs, silent = asked(before, scan.field, scan.looks, scan.hearing)
    found = judged(whom.known.existence, whom.loud, after.existence)
    exist(memory, whom.target, found.ratio)
    memory.targets["loud"][whom.target] = found.loud
    moved = np.flatnonzero(whom.vague & whom.alone & (found.loud > 0.0) & (np.diff(pairs.start) > 0))
    place(memory, whom.leaf[moved], _some(whom.known, moved), _some(after, moved), scan.at)
    only = nodes["node"][pairs.node] == memory.targets["witness"][whom.target][_targets(pairs)]
    row, node = _hears(pairs, scan.looks, silent, after.existence, only)
    unmeasured = memory.targets["hits"][whom.target] == 0
    recent = scan.at - memory.targets["placed"][whom.target] < round(settings.sound_keeps_s * SECOND)
    going_on = unmeasured[row] | (recent & ~whom.vague & (found.loud > LOUD))[row]
    row, node = row[going_on], node[going_on]
    meet(memory, whom.target[row], (nodes["sensor"][node], nodes["node"][node]), scan.at)
    memory.targets["confirmed"][whom.target[unmeasured & (found.existence > settings.confirm_existence)]] = 1
    measured = np.flatnonzero(~unmeasured & recent & ~whom.vague)
    near = witness.near(before.existence, measured, pairs, len(nodes))
    return Answer(memory.targets["label"][whom.target[row]], silent, near)


def _arrays(memory: Memory, at: int, settings: TrackerSettings) -> NDArray[np.bool_]:
    """Confirm whom several arrays have heard in turn; return which targets they tell of twice. at: ns."""
    targets = memory.targets[: memory.counts[0]]
    heard = begun(targets, at - round(settings.sound_keeps_s * SECOND))
    new, known = ripe(targets, heard, at), heard & np.asarray(targets["confirmed"] == 1, bool)
    if not (new.any() or known.any()):
        return np.zeros(len(targets), bool)
    tracks = _table(memory)
    states = _at(tracks, at, settings)
    targets["confirmed"] |= new & (tracks.existence > settings.confirm_existence) & flying(*states)
    return twins(targets, heard, states, tracks.existence)


def _known(memory: Memory, at: int, settings: TrackerSettings) -> Whom:
    """Return whom nodes are asked about; vague ones are brought to the time of the look."""
    tracks = _table(memory)
    target = np.flatnonzero(tracks.existence > POSSIBLE)
    tracks = tracks.take(target)
    leaf = memory.targets["leaf"][target]
    alone = (leaf >= 0) & (memory.leaves["group"][leaf] < 0)
    vague = level_sigma(*_at(tracks, at, settings)) > VAGUE_M
    some = leaf[alone & vague]
    arrive(memory, some, np.full(len(some), at))
    tracks = _table(memory).take(target) if len(some) else tracks
    since = np.maximum((at - tracks.born) * 1e-9, 0.0)
    known = Known(*_at(tracks, at, settings), np.minimum(tracks.existence, 1.0), since)
    return Whom(target, leaf, known, memory.targets["loud"][target], vague, alone)


def _at(tracks: Tracks, time: int, settings: TrackerSettings) -> tuple[F64, F64]:
    """Return mean and covariance of tracks at `time`, ns, which may be some seconds before their own."""
    dt = np.asarray((time - tracks.time) * 1e-9, float)
    later = np.maximum(dt, 0.0)
    found = predict_all(tracks.mean, tracks.covariance, later, tracks.noise, settings.vertical_noise_m2_s3)
    return _moved(*found, np.minimum(dt, 0.0))


def _table(memory: Memory) -> Tracks:
    n, m, g, _ = memory.counts
    return table(memory.targets[:n], memory.leaves[:m], memory.groups[:g], memory.parameters["noise"][0, :, 0])


def _moved(mean: F64, covariance: F64, dt: F64 | float) -> tuple[F64, F64]:
    """Return states (m, 6) and covariances dt (m,) s later or earlier, on straight lines: it is a few seconds."""
    F = np.tile(np.eye(6), (len(mean), 1, 1))
    F[:, :3, 3:] = np.broadcast_to(dt, len(mean))[:, None, None] * np.eye(3)
    return np.einsum("mab,mb->ma", F, mean), F @ covariance @ F.swapaxes(1, 2)


def _some(known: Known, rows: I64) -> Known:
    return Known(*(column[rows] for column in known))


def _targets(pairs: Pairs) -> I64:
    """Return (k,) the target of each pair."""
    return np.repeat(np.arange(len(pairs.start) - 1), np.diff(pairs.start))


def _hears(pairs: Pairs, looks: Looks, silent: F64, existence: F64, only: NDArray[np.bool_]) -> tuple[I64, I64]:
    """Return the targets that nodes hear which would rather be silent without them, each once, and such a node.

    only: (k,) of each pair, whether nobody else has told of the target; such a node is named where no other hears it.
    """
    target = _targets(pairs)
    likely = existence[target] * pairs.pd[:, 0]
    without = np.exp(silent[pairs.node, 0]) / np.maximum(1.0 - likely, LEAST)
    hears = np.flatnonzero((looks.now[pairs.node] == HEARD) & (likely > PLAINLY) & (without > FOUND))
    hears = hears[np.lexsort((only[hears], target[hears]))]
    row, first = np.unique(target[hears], return_index=True)
    return row, pairs.node[hears][first]


def _explained(looks: Looks, silent: F64 | None) -> F64:
    """Return (n,) the probability that what each node hears is a known target."""
    if silent is None:
        return np.zeros(len(looks.now))
    false = np.log1p(-looks.false)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.expm1(silent[:, 0] - false) / np.expm1(silent[:, 0])
    return np.where(silent[:, 0] < false, found, 0.0)


def _explaining(nodes: Rows, time: int, others: F64, usual: F64) -> Rows:
    """Note what else may explain beginnings that have come, and leave out those that are not to be asked any more."""
    new = (nodes["fresh"] & NEW) > 0
    rate = np.where(others > EXPLAINED * usual, np.inf, others)
    nodes["rate"][new] = nodes["claps"][new] = rate[new]
    waiting = (nodes["fresh"] > 0) & (nodes["begun"] >= time - STALE) & (nodes["begun"] - nodes["free"] > LISTENED)
    nodes["fresh"] = np.where(waiting, WAITING, 0)
    return nodes


def _unasked(nodes: Rows, time: int) -> tuple[tuple[int, int], ...]:
    """Return sensors, by number, and how many beginnings of theirs have waited until it was too late to ask them."""
    late = ((nodes["fresh"] & WAITING) > 0) & (nodes["begun"] < time - STALE)
    number, count = np.unique(nodes["sensor"][late], return_counts=True)
    return tuple(zip(number.tolist(), count.tolist(), strict=True))


def _whose(memory: Memory, sensor: I64) -> tuple[int, bool]:
    """Return for which sensor a target counts that nodes have told of, and whether there is room. sensor: of each node.

    It is that of the first node. Those of sensors that have no room are passed over where the others would do alone:
    else who has filled his own room fills that of others, or takes their targets from them.
    """
    number, row = np.unique(sensor, return_inverse=True)
    room = np.array([_room(memory, one) > 0 for one in number.tolist()])[row]
    free = bool(room.all() or room.sum() >= FEWEST)
    return int(sensor[room == free][0]), free


def _room(memory: Memory, sensor: int) -> int:
    """Return how many targets a sensor may start, as `begin.room` has it."""
    targets, parameters = memory.targets[: memory.counts[0]], memory.parameters[0]
    alone = (targets["seen_by"][:, 0] == sensor) & (targets["seen_by"][:, 1] < 0)
    new = alone & (targets["confirmed"] == 0)
    return int(min(parameters["most"] - alone.sum(), parameters["most_new"] - new.sum()))


def _begun(memory: Memory, nodes: Rows, one: Newcomer, sensor: int, settings: TrackerSettings) -> int:
    """Begin a target that nodes have told of, those of `sensor` before others; return its row."""
    mine = nodes[one.node]
    first = np.flatnonzero(mine["sensor"] == sensor)[:1]
    label = int.from_bytes(blake2b(np.sort(mine["node"]).tobytes() + mine["begun"].tobytes(), digest_size=8).digest())
    since = int(mine["begun"].min()) - EARLIER
    row = begin(memory, label >> 12 or 1, (one.mean, one.covariance), one.existence, (since, one.time))
    memory.targets["revisit"][row] = PASS_S
    memory.targets["confirmed"][row] = one.existence > settings.confirm_existence
    meet(memory, np.array([row]), (mine["sensor"][first], mine["node"][first]), one.time)
    return row
