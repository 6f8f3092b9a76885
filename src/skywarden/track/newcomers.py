"""Targets begun by presence only: who is new is asked of each node that has begun to hear; the likeliest begins first.

What a new target explains is used up: it cannot begin a second one. What known targets explain hardly can: `expected`
says at which rate each node begins to hear without anybody new, and a beginning counts against that.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden import geo
from skywarden.model.place import F64, I64
from skywarden.track.audible import Hearing
from skywarden.track.cells import Field, near
from skywarden.track.claps import FEWEST as FEWEST_CLAP
from skywarden.track.claps import ask_clap, places
from skywarden.track.flights import Flights, flights
from skywarden.track.hearers import ABSENT
from skywarden.track.lines import AROUND, REPORTED, WINDOW, Found, Onsets, ask
from skywarden.track.nodes import HOLD, SECOND, Book, turns

FEWEST = 3  # nodes that begin a target: two fit a line always
MAINLY = 0.5  # of a beginning, at least, is a target's that uses it up
MOST = 48  # nodes around one that are asked, as `near` has it: where they stand 4 km apart all within AROUND
HOPE = 1e-3  # of the odds needed, with which all flights are tried
SAME = 16.8  # chi-square of six, 99 %: nearer is one target
STEADY = 5.0  # m/s, of velocities that may differ
ASKED = 32  # beginnings a call; the others wait for the next
NS = 1e-9


class Rules(NamedTuple):
    """What begins a target. odds: needed, so that one in 1 + odds is false if all that is assumed holds.

    flow: 1/(s m), new targets expected on a line abreast of them; the default is one an hour over 500 km. claps: 1/s,
    sounds like thunder heard by each node. work: flights and claps times nodes, after which a call asks nobody more.
    """

    odds: float = 1.5
    flow: float = 1.0 / (3600.0 * 500e3)
    claps: float = 0.04 / 3600.0
    work: int = 100_000_000


class Search(NamedTuple):
    """What `seek` needs beside the nodes, made once by `search`."""

    hearing: Hearing
    rules: Rules
    flights: Flights
    claps: F64


class Scene(NamedTuple):
    """Nodes and what they did. rate: (n,) 1/s as `expected`, when each node began to hear; inf where a target or a

    clap has used that up. claps: (n,) the same, inf where a target has.
    """

    field: Field
    book: Book
    rate: F64
    claps: F64


class Newcomer(NamedTuple):
    """A target begun by presence only. time: ns, of mean (6,) ECEF m, m/s, and covariance (6, 6).

    existence: probability that it is one. node: (k,) rows of the field that heard it, share: (k,) how surely. clap: it
    is no target but a clap, used by `seek` alone; place and velocity say nothing then.
    """

    time: int
    mean: F64
    covariance: F64
    existence: float
    node: I64
    share: F64
    clap: bool = False


def already(one: Newcomer, mean: F64, covariance: F64) -> NDArray[np.bool_]:
    """Return (m,) which known targets a newcomer may be: chi-square of place and velocity within SAME.

    mean (m, 6), covariance (m, 6, 6): of the known, at its time. Heights count little: nobody knows them.
    """
    off, spread = mean - one.mean, covariance + one.covariance + np.diag([0.0] * 3 + [STEADY**2] * 3)
    with np.errstate(invalid="ignore"):
        distance = np.einsum("ma,ma->m", off, np.linalg.solve(spread, off[..., None])[..., 0])
    return np.asarray(distance < SAME)


def search(hearing: Hearing, rules: Rules, fine: int = 8192) -> Search:
    """Return what `seek` needs. fine: flights that a beginning is compared with, which its time goes with."""
    return Search(hearing, rules, flights(fine, hearing.spread), places())


def expected(before: I64, gap: F64, silent: F64, usual: F64) -> F64:
    """Return (n,) 1/s at which each node begins to hear without anybody new.

    before, gap: of the latest look; silent: (n, 3) of `presence.shares`; usual: (n,) of false alarms, `nodes.rates`.
    """
    with np.errstate(invalid="ignore"):
        found = (silent[:, 1] - silent[:, 2]) / np.maximum(gap, 1e-3)
    return np.where((before != ABSENT) & np.isfinite(found), np.maximum(found, usual), usual)


def seek(scene: Scene, fresh: I64, now: int, sought: Search) -> tuple[list[Newcomer], Scene, I64]:
    """Return who is new, the surest first, what is used up then, and rows that are to be asked the next time.

    fresh: rows of nodes that have begun to hear since the last call, and those left from that, in any order. now: ns.
    Where there is no time for all, the oldest of each source are asked, and each source has the same part of the work.
    """
    found: list[Newcomer] = []
    scene = scene._replace(rate=scene.rate.copy(), claps=scene.claps.copy())
    fresh, source = in_turn(scene, fresh[np.isfinite(scene.rate[fresh])], now), scene.field.source
    left, later, known = fresh[:ASKED].tolist(), fresh[ASKED:].tolist(), dict[int, Answer]()
    work = np.zeros(source.max(initial=0) + 1, np.int64)  # by source
    while left:
        left = [row for row in left if np.isfinite(scene.rate[row])]
        while work.sum() < sought.rules.work and (waiting := [row for row in left if row not in known]):
            row = min(waiting, key=lambda one: work[source[one]])
            known[row] = answer(scene, row, now, sought)
            work[source[row]] += known[row].work
        answers = [one for row in left if row in known for one in known[row].found]
        if not answers:
            break
        best = min(answers, key=lambda one: (-one.existence, one.clap, one.node.tolist()))
        known = {row: one for row, one in known.items() if not np.isin(best.node, one.around).any()}
        scene.rate[best.node] = np.inf
        if not best.clap:
            scene.claps[best.node] = np.inf
            found.append(best)
    later += [row for row in left if row not in known]
    return found, scene, np.array([row for row in later if np.isfinite(scene.rate[row])], np.int64)


def in_turn(scene: Scene, fresh: I64, now: int) -> I64:
    """Return rows in turns by source, of each source the oldest first. now: ns; each second another source begins."""
    order = np.lexsort((scene.field.node[fresh], scene.book.begun[fresh], scene.field.source[fresh]))
    fresh = fresh[order]
    source = scene.field.source[fresh]
    turn = np.arange(len(fresh)) - np.searchsorted(source, source)
    place = (source + now // SECOND) % (scene.field.source.max(initial=0) + 1)
    return np.asarray(fresh[np.lexsort((place, turn))], np.int64)


class Answer(NamedTuple):
    """What a node's beginning says. around: rows of the nodes that it hangs on. found: a target or a clap, if sure.

    work: flights and claps that were compared, times nodes.
    """

    around: I64
    found: tuple[Newcomer, ...]
    work: int = 0


def answer(scene: Scene, row: int, now: int, sought: Search) -> Answer:
    """Return what a node's beginning says, if it is sure: a new target or a clap, each heard by nodes enough."""
    rules, rows = sought.rules, neighbours(scene.field, row)
    latitude, longitude, _ = geo.geodetic(scene.field.place[row])
    rotation = geo.east_north_up(float(latitude), float(longitude))
    onsets = around(scene, rows, now, rotation)
    recent = onsets.begun >= -WINDOW
    if not recent[0] or (recent & np.isfinite(scene.claps[rows])).sum() < FEWEST:
        return Answer(rows, ())
    flight = ask(onsets, sought.flights, sought.hearing, rules.flow, HOPE * rules.odds)
    ratio, share = ask_clap(onsets._replace(rate=scene.claps[rows]), sought.claps, sought.hearing)
    clap = rules.claps / scene.claps[row] * ratio
    every, enough = 1.0 + flight.odds + clap, rules.odds / (1.0 + rules.odds)
    nobody = Newcomer(now, np.zeros(6), np.eye(6), clap / every, rows[share > MAINLY], share[share > MAINLY], True)
    heard = flight.share > MAINLY
    new = placed(flight, scene.field.place[row], rotation)
    somebody = Newcomer(now, *new, flight.odds / every, rows[heard], flight.share[heard])
    needed = ((somebody, FEWEST), (nobody, FEWEST_CLAP))
    sure = tuple(one for one, fewest in needed if one.existence > enough and len(one.node) >= fewest)
    return Answer(rows, sure, (flight.tried + len(sought.claps)) * len(rows))


def placed(found: Found, origin: F64, rotation: F64) -> tuple[F64, F64]:
    """Return mean (6,) and covariance (6, 6) in ECEF of what was found around a node."""
    turn = np.kron(np.eye(2), rotation)
    mean = found.mean @ turn
    mean[:3] += origin
    return mean, turn.T @ found.covariance @ turn


def neighbours(field: Field, row: int) -> I64:
    """Return the rows of at most MOST nodes around one, itself the first, the others in the order of distance."""
    found, centre = np.empty(MOST, np.int64), field.place[row : row + 1]
    count = near(field, centre, np.array([AROUND]), MOST, np.empty(2, np.int64), found)
    rows = found[:count]
    away = np.linalg.norm(field.place[rows] - centre[0], axis=1)
    rows = rows[np.lexsort((field.node[rows], away))]
    return np.append(row, rows[rows != row])[:MOST]  # others may stand at its very place


def around(scene: Scene, rows: I64, now: int, rotation: F64) -> Onsets:
    """Return what the nodes `rows` did, around the first of them. rotation: (3, 3) ECEF -> its east, north, up."""
    field, book, rate = scene.field, scene.book, scene.rate
    return Onsets(
        (field.place[rows] - field.place[rows[0]]) @ rotation.T,
        field.reach[rows],
        seconds(book.begun[rows], now),
        seconds(book.free[rows], now),
        np.minimum(seconds(book.alive[rows], now) + 60.0, -REPORTED),
        rate[rows],
        (book.last[rows] + HOLD >= now - round(REPORTED / NS)).astype(np.int64),
        turns(book)[rows],
    )


def seconds(time: I64, now: int) -> F64:
    """Return s from now to times in ns, at most 0; what never was is -inf."""
    past = np.minimum((np.maximum(time, now - (1 << 50)) - now) * NS, 0.0)
    return np.where(time <= now - (1 << 50), -np.inf, past)
