"""A tick's detections as statements on tracks."""

from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from skywarden.identify.rows import MANY, K, Looks, Rows
from skywarden.identify.weigh import factor
from skywarden.model.detection import Detections, enrolled_of, family_of
from skywarden.model.place import F64, I64

MOST_NATS, MOST_DB = 50.0, 200.0  # nobody means more


def statements(batches: Sequence[Detections], matches: Sequence[I64]) -> tuple[list[Looks], dict[str, int]]:
    """Return what batches say of tracks, and the names of those who say it. matches: labels, which are its keys."""
    found, names = list[Looks](), dict[str, int]()
    for batch, matched in zip(batches, matches, strict=True):
        if batch.evidence is None and batch.echo is None:
            continue
        nats = np.zeros((len(batch), K)) if batch.evidence is None else batch.evidence[:, :K]
        echo = np.full(len(batch), np.nan) if batch.echo is None else batch.echo
        rows = np.flatnonzero((matched > 0) & (nats.any(1) | (np.abs(echo) < MOST_DB)) & np.isfinite(nats).all(1))
        if len(rows):
            name = batch.roots[0] if len(batch.roots) == 1 else batch.sensor
            names[name] = crc32(name.encode())
            found.append(said(batch, rows, matched[rows], (nats[rows], echo[rows]), names[name]))
    return found, names


def spoken_by(rows: Rows, names: Iterable[str]) -> NDArray[np.bool_]:
    """Return (n,) which rows of evidence are of these; with those in which nobody can be told from others."""
    return np.isin(rows["source"], [MANY, *(crc32(name.encode()) for name in sorted(names))])


def said(batch: Detections, rows: I64, label: I64, what: tuple[F64, F64], source: int) -> Looks:
    """Return some rows of a batch as statements. what: nats (n, K) and echoes (n,); source: number of who says it."""
    nats, echo, n = np.clip(what[0], -MOST_NATS, MOST_NATS), what[1], len(rows)
    echo = np.where(np.abs(echo) < MOST_DB, echo, np.nan)
    anybody = ~enrolled_of(batch)[rows]
    harm = np.where(anybody, factor(nats), 0.0) if anybody.any() else np.zeros(n)
    calm = harm < 0.0
    node = np.zeros(n, np.int64) if batch.node is None else batch.node[rows]
    of = np.full(n, source), node, np.full(n, int(family_of(batch))), anybody, calm
    return Looks(label, *of, batch.time[rows], nats, echo, np.maximum(harm, 0.0))


def together(some: Iterable[Looks]) -> Looks:
    """Return all statements, of which there are some, in one."""
    return Looks(*(np.concatenate(columns) for columns in zip(*some, strict=True)))
