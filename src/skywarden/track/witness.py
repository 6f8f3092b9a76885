"""Which single microphones do not hear what others know to be near where they say they stand, and which always hear.

The settled chain learns it, one look after the other; it is told and changes nothing that the tracker believes. Only
targets speak for or against a node that somebody else has measured lately and whose place is well known: one that
microphones have begun would make honest nodes look deaf where it is not. A node for which nothing speaks any more may
be deaf, covered, kilometres from where it says, or have a clock that is far off: its silence does not tell which.
"""

import numpy as np

from skywarden.model.event import SensorFault
from skywarden.model.place import F64, I64
from skywarden.model.track import Chain
from skywarden.track.beliefs import records
from skywarden.track.hearers import ABSENT, HEARD, Looks, Pairs
from skywarden.track.nodes import Book, occupancy
from skywarden.track.pool import Rows
from skywarden.track.posts import NODE, salt

NOISE_FROM, NOISE_TO = 0.7, 0.5  # share of the time that a node hears something for no reason: so from, so until
LIKELY = 0.5  # chance of hearing known targets from which a look counts
ANY_TIME = 0.2  # chance that a node hears something, wherever it stands: one that hears what is near does so oftener
APART_S = 60.0  # looks so far apart are about independent, as `Hearing.memory` has it in a pass
LEAST, MOST = -20.0, 6.0  # of a score; so a node that heard all for years is found out as soon as a new one
WRONG, RIGHT = -16.0, 0.0  # score from which a node is told, and from which it is no more
SURE = 0.99  # chance of hearing that is believed at most
CHANGES = 64  # nodes that come to have a fault or lose it by one look, and events of a tick; the others wait
FAULTS = ("", "does not hear", "noise")
DEAF, NOISE = 1, 2  # of FAULTS


def near(existence: F64, measured: I64, pairs: Pairs, nodes: int) -> F64:
    """Return (nodes,) the chance that each hears one of the measured targets at least, where they are thought to be.

    existence: (m,) of targets, and that they can be heard. measured: rows of targets that count.
    """
    target = np.repeat(np.arange(len(existence)), np.diff(pairs.start))
    some = np.isin(target, measured)
    each = np.log1p(-np.minimum(existence[target[some]] * pairs.pd[some, 0], SURE))
    return np.asarray(-np.expm1(np.bincount(pairs.node[some], weights=each, minlength=nodes)))


def scored(nodes: Rows, book: Book, looks: Looks, chance: F64 | None) -> Rows:
    """Return nodes after a settled look, with score and fault. chance: (n,) as `near` has it, None: nothing is known.

    Source: a sequential likelihood ratio of two Bernoulli processes, clipped on both sides; Page 1954.
    """
    nodes = nodes.copy()
    if chance is not None:
        counts = (chance > LIKELY) & (looks.now != ABSENT) & np.isfinite(looks.gap)
        q = np.clip(chance, LIKELY, SURE)
        worth = np.where(looks.now == HEARD, np.log(q / ANY_TIME), np.log((1.0 - q) / (1.0 - ANY_TIME)))
        part = np.where(counts, np.minimum(looks.gap, APART_S) / APART_S, 0.0)
        nodes["fits"] = np.clip(nodes["fits"] + part * worth, LEAST, MOST)
    now, share = nodes["fault"], occupancy(book)
    deaf = (nodes["fits"] <= WRONG) | ((now == DEAF) & (nodes["fits"] <= RIGHT))
    noisy = (share > NOISE_FROM) | ((now == NOISE) & (share > NOISE_TO))
    wanted = np.where(noisy, NOISE, np.where(deaf, DEAF, 0))
    changed = np.flatnonzero(wanted != now)[:CHANGES]
    nodes["fault"][changed] = wanted[changed]
    return nodes


def faulty(chain: Chain) -> dict[str, str]:
    """Return the faults of a chain's nodes, by name: that of its source and its number there; in the chain's order."""
    nodes = records(chain.beliefs.nodes, NODE)
    rows = np.flatnonzero(nodes["fault"])
    salts = {k: salt(chain.sensors[k]) for k in np.unique(nodes["sensor"][rows]).tolist()}
    some = zip(*(nodes[name][rows].tolist() for name in ("sensor", "node", "fault")), strict=True)
    return {f"{chain.sensors[k]}/{node ^ salts[k]}": FAULTS[fault] for k, node, fault in some}


def said(before: Chain, now: Chain, time: int) -> list[SensorFault]:
    """Return which nodes' faults came and went, at `time`, ns: CHANGES at most, who comes before who goes.

    The others are in what is counted (`faulty`). A node that is forgotten, or says that it stands elsewhere, has none.
    """
    if now.beliefs.nodes is before.beliefs.nodes:
        return []
    old, new = faulty(before), faulty(now)
    found = [SensorFault(time, name, fault) for name, fault in new.items() if old.get(name) != fault]
    found += [SensorFault(time, name, "") for name in old if name not in new]
    return found[:CHANGES]
