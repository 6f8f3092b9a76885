"""Targets begun by presence only: who is new is asked of each node that has begun to hear, the likeliest first.

What a new target explains is used up: it cannot begin a second one. What known targets explain hardly can: `expected`
says at which rate each node begins to hear without anybody new, and a beginning counts against that.
"""

from typing import NamedTuple

import numpy as np

from skywarden import geo
from skywarden.model.place import F64, I64
from skywarden.track.audible import Hearing
from skywarden.track.cells import Field, near
from skywarden.track.claps import clap, places
from skywarden.track.lines import AROUND, WINDOW, Flights, Found, Onsets, ask, flights
from skywarden.track.nodes import Book
from skywarden.track.presence import ABSENT

FEWEST = 3  # nodes that begin a target: two fit a line always
MAINLY = 0.5  # of a beginning, at least, is a target's that uses it up
MOST = 96  # nodes around one that are asked, the nearest
COARSE = 1024  # flights that are tried first
HOPE = 1e-3  # of the odds needed, with which it is tried with all
REPORTED = 3.0  # s after which a report has come, if there is one
NS = 1e-9


class Rules(NamedTuple):
    """What begins a target. odds: needed, so that one in 1 + odds is false if all that is assumed holds.

    flow: 1/(s m), new targets expected on a line abreast of them; the default is one an hour over 500 km. claps: 1/s,
    sounds like thunder heard by each node.
    """

    odds: float = 20.0
    flow: float = 1.0 / (3600.0 * 500e3)
    claps: float = 0.04 / 3600.0


class Search(NamedTuple):
    """What `seek` needs beside the nodes, made once by `search`."""

    hearing: Hearing
    rules: Rules
    coarse: Flights
    fine: Flights
    claps: F64


class Scene(NamedTuple):
    """Nodes and what they did. rate: (n,) 1/s as `expected`, when each node began to hear; inf where that is used up."""

    field: Field
    book: Book
    rate: F64


class Newcomer(NamedTuple):
    """A target begun by presence only. time: ns, of mean (6,) ECEF m, m/s, and covariance (6, 6).

    existence: probability that it is one. node: (k,) rows of the field that heard it, share: (k,) how surely.
    """

    time: int
    mean: F64
    covariance: F64
    existence: float
    node: I64
    share: F64


def search(hearing: Hearing, rules: Rules, fine: int = 8192) -> Search:
    """Return what `seek` needs. fine: flights that a beginning is compared with, which its time goes with."""
    return Search(hearing, rules, flights(COARSE, hearing.spread), flights(fine, hearing.spread), places())


def expected(before: I64, gap: F64, silent: F64, usual: F64) -> F64:
    """Return (n,) 1/s at which each node begins to hear without anybody new.

    before, gap: of the latest look; silent: (n, 3) of `presence.shares`; usual: (n,) of false alarms, see `nodes.rates`.
    """
    with np.errstate(invalid="ignore"):
        found = (silent[:, 1] - silent[:, 2]) / np.maximum(gap, 1e-3)
    return np.where((before != ABSENT) & np.isfinite(found), np.maximum(found, usual), usual)


def seek(scene: Scene, fresh: I64, now: int, sought: Search) -> tuple[list[Newcomer], F64]:
    """Return who is new, the surest first, and the rates with inf where a beginning is used up.

    fresh: rows of nodes that have begun to hear since the last call. now: ns.
    """
    found: list[Newcomer] = []
    scene = scene._replace(rate=scene.rate.copy())
    enough = sought.rules.odds / (1.0 + sought.rules.odds)
    left = fresh.tolist()
    while left:
        left = [row for row in left if np.isfinite(scene.rate[row])]
        answers = [answer(scene, row, now, sought) for row in left]
        answers = [one for one in answers if one.existence > enough]
        if not answers:
            break
        best = min(answers, key=lambda one: (-one.existence, one.node.tolist()))
        scene.rate[best.node] = np.inf
        found.append(best)
    return found, scene.rate


def answer(scene: Scene, row: int, now: int, sought: Search) -> Newcomer:
    """Return what a node's beginning says of a new target; existence 0 where fewer than FEWEST nodes heard it."""
    field, rules, hearing = scene.field, sought.rules, sought.hearing
    none = Newcomer(now, np.zeros(6), np.eye(6), 0.0, np.zeros(0, np.int64), np.zeros(0))
    rows = neighbours(field, row)
    latitude, longitude, _ = geo.geodetic(field.place[row])
    rotation = geo.east_north_up(float(latitude), float(longitude))
    onsets = around(scene, rows, now, rotation)
    recent = np.isfinite(onsets.rate) & (onsets.begun >= -WINDOW)
    if recent.sum() < FEWEST or not recent[0]:
        return none
    found = ask(onsets, sought.coarse, hearing, rules.flow)
    if found.odds > HOPE * rules.odds:
        found = ask(onsets, sought.fine, hearing, rules.flow)
    heard = found.share > MAINLY
    if heard.sum() < FEWEST:
        return none
    other = rules.claps / onsets.rate[0] * clap(onsets, sought.claps, hearing.sound)
    existence = found.odds / (1.0 + found.odds + other)
    return placed(found, field.place[row], rotation, now)._replace(
        existence=existence, node=np.sort(rows[heard]), share=found.share[heard][np.argsort(rows[heard])]
    )


def placed(found: Found, origin: F64, rotation: F64, now: int) -> Newcomer:
    """Turn a find around a node into ECEF."""
    turn = np.kron(np.eye(2), rotation)
    mean = found.mean @ turn
    mean[:3] += origin
    covariance = turn.T @ found.covariance @ turn
    return Newcomer(now, mean, covariance, 0.0, np.zeros(0, np.int64), np.zeros(0))


def neighbours(field: Field, row: int) -> I64:
    """Return the rows of the MOST nodes nearest to one, itself the first, in the order of distance."""
    found = np.empty(len(field.node), np.int64)
    centre = field.place[row : row + 1]
    count = near(field, centre, np.array([AROUND]), len(found), np.empty(2, np.int64), found)
    rows = found[:count]
    away = np.linalg.norm(field.place[rows] - centre[0], axis=1)
    return rows[np.lexsort((field.node[rows], away))][:MOST]


def around(scene: Scene, rows: I64, now: int, rotation: F64) -> Onsets:
    """Return what the nodes `rows` did, around the first of them. rotation: (3, 3) ECEF -> its east, north, up."""
    field, book, rate = scene
    return Onsets(
        (field.place[rows] - field.place[rows[0]]) @ rotation.T,
        field.reach[rows],
        seconds(book.begun[rows], now),
        seconds(book.free[rows], now),
        np.minimum(seconds(book.alive[rows], now) + 60.0, -REPORTED),
        rate[rows],
    )


def seconds(time: I64, now: int) -> F64:
    """Return s from now to times in ns, at most 0; what never was is -inf."""
    past = np.minimum((np.maximum(time, now - (1 << 50)) - now) * NS, 0.0)
    return np.where(time <= now - (1 << 50), -np.inf, past)
