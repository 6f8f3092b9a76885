"""What reporters have been worth: how often facts agreed with them and contradicted them, the older the less.

A fact is a track that sensors of the configuration measure. Nothing that people say is one, so that a group of liars
cannot lift each other. Nobody is remembered of whom no fact has spoken: made-up names cost no memory.
"""

import numpy as np

from skywarden.model.place import F64, I64

PRIOR = 2.0, 2.0  # agreed and contradicted, before anything is known: credibility 0.5
HALF_LIFE = 14 * 86_400.0  # s, after which a fact counts half
MOST_PEOPLE = 4096  # remembered; those of whom the least is known go first
REST = 600.0  # s in which one reporter is judged once: who reports one thing twenty times is right once
SECOND = 1e9  # ns


def credibility(people: I64, trust: F64, who: I64, time: int) -> F64:
    """Return (n,) 0 to 1 for reporters. people (p, 2), trust (p, 2) as in `Triage`; who (n,)."""
    rows, known = found(people, who)
    counts = np.where(known[:, None], _aged(people, trust, rows, time), 0.0) + PRIOR
    return np.asarray(counts[:, 0] / counts.sum(1))


def found(people: I64, who: I64) -> tuple[I64, np.ndarray]:
    """Return (n,) rows of reporters and whether they are there. people is sorted by its first column."""
    rows = np.searchsorted(people[:, 0], who)
    inside = rows < len(people)
    rows = np.where(inside, rows, 0)
    return rows, inside & (people[rows, 0] == who) if len(people) else np.zeros(len(who), bool)


def _aged(people: I64, trust: F64, rows: I64, time: int) -> F64:
    if not len(people):
        return np.zeros((len(rows), 2))
    age = np.maximum(time - people[rows, 1], 0) / SECOND
    return np.asarray(trust[rows] * 0.5 ** (age / HALF_LIFE)[:, None])


def learned(people: I64, trust: F64, facts: tuple[I64, F64], time: int) -> tuple[I64, F64, int]:
    """Return both tables after facts, and how many reporters were forgotten. facts: (n,) who, (n, 2) what to add."""
    who, added = facts
    if not len(who):
        return people, trust, 0
    order = np.lexsort((added[:, 1], added[:, 0], who))
    who, first = np.unique(who[order], return_index=True)
    added = added[order][first]
    rows, known = found(people, who)
    rested = ~known | (time - people[rows, 1] >= REST * SECOND) if len(people) else ~known
    who, added, rows, known = who[rested], added[rested], rows[rested], known[rested]
    people, trust = people.copy(), trust.copy()
    trust[rows[known]] = _aged(people, trust, rows[known], time) + added[known]
    people[rows[known], 1] = time
    fresh = np.column_stack((who[~known], np.full(int((~known).sum()), time)))
    people, trust = np.concatenate((people, fresh)), np.concatenate((trust, added[~known]))
    order = np.argsort(people[:, 0], kind="stable")
    people, trust = people[order], trust[order]
    if len(people) <= MOST_PEOPLE:
        return people, trust, 0
    weight = _aged(people, trust, np.arange(len(people)), time).sum(1)
    keep = np.sort(np.lexsort((people[:, 0], -people[:, 1], -weight))[:MOST_PEOPLE])
    return people[keep], trust[keep], len(people) - MOST_PEOPLE
