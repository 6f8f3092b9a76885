"""A tick's detections as statements on tracks."""

from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np

from skywarden.identify.rows import K, Looks
from skywarden.identify.weigh import factor
from skywarden.model.assessment import Family
from skywarden.model.detection import Detections, family_of
from skywarden.model.place import I64


def statements(batches: Sequence[Detections], matches: Sequence[I64]) -> tuple[list[Looks], dict[str, int]]:
    """Return what batches say of tracks, and the names of those who say it. matches: labels, which are its keys."""
    found, names = list[Looks](), dict[str, int]()
    for batch, matched in zip(batches, matches, strict=True):
        if batch.evidence is None and batch.echo is None:
            continue
        name = batch.roots[0] if len(batch.roots) == 1 else batch.sensor
        some = _looks(batch, matched, crc32(name.encode()))
        if some is not None:
            names[name] = crc32(name.encode())
            found.append(some)
    return found, names


def _looks(batch: Detections, matched: I64, source: int) -> Looks | None:
    nats = np.zeros((len(batch), K)) if batch.evidence is None else batch.evidence[:, :K]
    echo = np.full(len(batch), np.nan) if batch.echo is None else batch.echo
    rows = np.flatnonzero((matched > 0) & (nats.any(1) | ~np.isnan(echo)) & np.isfinite(nats).all(1))
    if not len(rows):
        return None
    nats, echo, n = nats[rows], echo[rows], len(rows)
    family = family_of(batch)
    anybody = family is Family.PEOPLE or not batch.enrolled
    calm = factor(nats) < 0.0 if anybody else np.zeros(n, bool)
    node = np.zeros(n, np.int64) if batch.node is None else batch.node[rows]
    of = np.full(n, source), node, np.full(n, int(family)), np.full(n, anybody), calm
    return Looks(matched[rows], *of, batch.time[rows], nats, echo)


def together(some: Iterable[Looks]) -> Looks:
    """Return all statements, of which there are some, in one."""
    return Looks(*(np.concatenate(columns) for columns in zip(*some, strict=True)))
