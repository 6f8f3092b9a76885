"""Targets by presence only, over time: messages of nodes in, tracks out; what an engine would do with the library."""

from typing import NamedTuple

import numpy as np
from presence_world import Nodes, Said, ecef, edge, local

from skywarden.model.place import F64, I64
from skywarden.track.audible import Hearing
from skywarden.track.cells import Field, field
from skywarden.track.newcomers import Newcomer, Rules, Scene, Search, already, expected, search, seek
from skywarden.track.nodes import SECOND, Book, Messages, empty, learn, look, rates, take
from skywarden.track.presence import Known, compare, hear, shares

START = 1_800_000_000 * SECOND
BEHIND = 3.0  # s that known targets are looked at behind now: reports are under way
IDLE = 10  # s between looks while no target is known: only false alarms are learned
DROP = 0.1  # of existence
TURNS = 0.3  # m/s per root s, of targets
OUTSIDE = 10e3  # m beyond the field a target is let go
HEARING = Hearing(memory=60.0)  # s; nodes hear once a pass or not at all


class Tracks(NamedTuple):
    """Targets that were begun: number (m,), and where they are."""

    number: I64
    known: Known


class State(NamedTuple):
    """Everything that goes from tick to tick. begun: how many tracks there were. left: rows to be asked."""

    field: Field
    book: Book
    rate: F64
    claps: F64
    tracks: Tracks
    begun: int
    left: I64


class Step(NamedTuple):
    """What one tick made: newcomers, and numbers and states (m, 4) east, north of the tracks at the tick's time."""

    time: float
    newcomers: list[Newcomer]
    number: I64
    state: F64
    existence: F64


def begin(nodes: Nodes) -> State:
    """Return a field of which nothing has come yet."""
    count = len(nodes.place)
    made = field(np.arange(count), ecef(nodes.place), np.full(count, 4000.0))
    none = Known(np.zeros((0, 6)), np.zeros((0, 6, 6)), np.zeros(0), np.zeros(0))
    nothing, nobody = np.full(count, np.inf), np.zeros(0, np.int64)
    return State(made, empty(count), nothing, nothing.copy(), Tracks(nobody, none), 0, nobody)


def rows_of(state: State) -> I64:
    """Return the row of each node."""
    row = np.empty(len(state.field.node), np.int64)
    row[state.field.node] = np.arange(len(row))
    return row


def moved(known: Known, dt: float) -> Known:
    """Return targets after `dt` s of straight flight with some turning."""
    F = np.eye(6)
    F[:3, 3:] = dt * np.eye(3)
    covariance = F @ known.covariance @ F.T
    covariance[:, 3:, 3:] += TURNS**2 * dt * np.eye(3)
    return known._replace(mean=known.mean @ F.T, covariance=covariance, since=known.since + dt)


def tick(state: State, messages: Messages, second: float, sought: Search) -> tuple[State, Step]:
    """Return the state after one second more, and what came of it."""
    now = START + round(second * SECOND)
    book, fresh, _ = take(state.book, messages, now)
    tracks, rate, claps = state.tracks, state.rate.copy(), state.claps.copy()
    usual = rates(book)
    others = usual
    if len(tracks.number) or second % IDLE == 0:
        book, looks = look(book, now - round(BEHIND * SECOND), np.zeros(len(usual)))
        known, explained = tracks.known, np.zeros(len(usual))
        if len(tracks.number):
            shape, pairs = compare(known, state.field, looks, sought.hearing)
            silent = shares(known, shape, pairs, looks, sought.hearing)
            others = expected(looks.before, looks.gap, silent, usual)
            false = np.log1p(-looks.false)
            explained = np.where(silent[:, 0] < false, np.expm1(silent[:, 0] - false) / np.expm1(silent[:, 0]), 0.0)
            known = hear(known, state.field, looks, sought.hearing)
        book = learn(book, looks, explained)
        tracks = tracks._replace(known=known)
    rate[fresh] = claps[fresh] = others[fresh]
    fresh = np.union1d(fresh, state.left)
    found, scene, left = seek(Scene(state.field, book, rate, claps), fresh, now, sought)
    tracks = kept(tracks)
    now = moved(tracks.known, BEHIND)
    found = [one for one in found if not already(one, now.mean, now.covariance).any()]
    tracks = added(tracks, found, state.begun)
    after = State(
        state.field,
        book,
        scene.rate,
        scene.claps,
        tracks._replace(known=moved(tracks.known, 1.0)),
        state.begun + len(found),
        left,
    )
    return after, Step(second, found, tracks.number, local(moved(tracks.known, BEHIND).mean), tracks.known.existence)


def kept(tracks: Tracks) -> Tracks:
    """Return the tracks that go on."""
    low, high = edge()
    place = local(tracks.known.mean)[:, :2]
    keep = (tracks.known.existence > DROP) & np.all((place > low - OUTSIDE) & (place < high + OUTSIDE), 1)
    return Tracks(tracks.number[keep], Known(*(column[keep] for column in tracks.known)))


def added(tracks: Tracks, found: list[Newcomer], begun: int) -> Tracks:
    """Return the tracks with those that are new, at the time at which the others are."""
    if not found:
        return tracks
    new = Known(
        np.stack([one.mean for one in found]),
        np.stack([one.covariance for one in found]),
        np.array([one.existence for one in found]),
        np.full(len(found), 1e4),
    )
    new = moved(new, -BEHIND)
    both = Known(*(np.concatenate(pair) for pair in zip(tracks.known, new, strict=True)))
    return Tracks(np.append(tracks.number, begun + np.arange(len(found))), both)


def watch(nodes: Nodes, said: Said, span: tuple[int, int], rules: Rules) -> tuple[list[Step], State]:
    """Run the field from span[0] to span[1], s; return the ticks that have tracks or made some."""
    state, steps, sought = begin(nodes), [], search(HEARING, rules)
    row = rows_of(state)
    heard = Messages(row[said.node], START + np.round(said.time * SECOND).astype(np.int64), said.heard)
    cuts = np.searchsorted(said.came, np.arange(span[0], span[1] + 1))
    for k, second in enumerate(range(span[0], span[1])):
        part = slice(cuts[k], cuts[k + 1])
        state, step = tick(state, Messages(*(column[part] for column in heard)), second + 1.0, sought)
        if len(step.number) or step.newcomers:
            steps.append(step)
    return steps, state
