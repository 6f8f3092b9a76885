"""The figures of tracks alone: of a raid, and of a scenario in the layout of another benchmark."""

from collections.abc import Iterator

import numpy as np

from skywarden.model.place import F64
from skywarden.score.figure import Figure, figure
from skywarden.score.flat import FlatScores
from skywarden.score.gospa import Means
from skywarden.score.quality import Quality
from skywarden.score.segments import Confusion, Segments
from skywarden.score.siap import Siap
from skywarden.score.trajectory import Trajectories


def of_flat(found: FlatScores) -> list[Figure]:
    """Return the figures of a scenario in the layout of another benchmark: those of tracks."""
    return list(_distances(found.gospa, found.ospa, found.siap))


def _distances(means: Means, ospa: float, siap: Siap, of: str = "") -> Iterator[Figure]:
    yield figure("gospa.rms", means.root_mean, of)
    for name, value in (("localisation", means.localisation), ("missed", means.missed), ("false", means.false)):
        yield figure(f"gospa.{name}", value, of)
    yield figure("ospa.mean", ospa, of)
    for name, value in zip(Siap._fields, siap, strict=True):
        yield figure(f"siap.{name}", value, of)


def qualities(found: Quality, of: str = "") -> Iterator[Figure]:
    """Yield the figures of the tracks of one raid. of: its name where there are several."""
    yield from _distances(found.means, found.ospa, found.siap, of)
    yield from _trajectories(found.trajectory, of)
    yield from _segments(found, of)
    yield from _classes(found.confusion, of)


def _trajectories(found: Trajectories, of: str) -> Iterator[Figure]:
    yield figure("trajectory.rms", found.root_mean, of)
    for name, part in (
        ("localisation", found.localisation),
        ("missed", found.missed),
        ("false", found.false),
        ("switch", found.switch),
    ):
        yield figure(f"trajectory.{name}", _mean(part) ** (1 / found.power), of)
    yield figure("trajectory.exact", float(found.exact), of)


def _segments(found: Quality, of: str) -> Iterator[Figure]:
    of_all: Segments = found.segments
    flew = of_all.first >= 0
    for name, wait in (("flying", of_all.wait()), ("covered", of_all.wait(found.covered))):
        known = flew & ~np.isnan(wait)
        had = known & np.isfinite(wait)
        yield figure(f"first_track.{name}", float(np.median(wait[had])) if had.any() else np.nan, of)
        yield figure(f"first_track.never_{name}", _mean(np.isinf(wait[known]).astype(float)), of)
    followed = flew & (of_all.found >= 0)
    for name, counted in (("numbers", of_all.numbers), ("breaks", of_all.breaks), ("switches", of_all.switches)):
        yield figure(f"segments.{name}", _mean(counted[followed].astype(float)), of)
    yield figure("segments.longest", float(np.median(of_all.longest[followed])) if followed.any() else np.nan, of)


def _classes(found: Confusion, of: str) -> Iterator[Figure]:
    stated = [column for column, word in enumerate(found.reported) if word]
    said = found.seconds[:, stated].sum()
    cells = [
        (row, column) for row, true in enumerate(found.true) for column in stated if true == found.reported[column]
    ]
    right = sum(float(found.seconds[cell]) for cell in cells)
    yield figure("class.right", right / float(said) if said else np.nan, of)
    for row, true in enumerate(found.true):
        for column, seconds in enumerate(found.seconds[row].tolist()):
            word = (found.reported[column] or "no class") if column < len(found.reported) else "no track"
            if seconds > 0:
                yield figure("class.seconds", seconds, f"{of + ': ' if of else ''}{true} as {word}")


def _mean(values: F64) -> float:
    return float(values.mean()) if len(values) else np.nan
