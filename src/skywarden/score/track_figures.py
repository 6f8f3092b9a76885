"""The figures of tracks alone: of a raid, and of a scenario in the layout of another benchmark."""

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from skywarden.model.place import F64
from skywarden.score.figure import Figure, figure, told
from skywarden.score.flat import FlatScores
from skywarden.score.gospa import Gospa, Means
from skywarden.score.lacking import NO_TRACKS
from skywarden.score.nees import Nees
from skywarden.score.quality import Quality
from skywarden.score.segments import Confusion, Segments
from skywarden.score.siap import Siap
from skywarden.score.trajectory import Trajectories
from skywarden.score.twice import TWICE, Twice

NAMED = 12  # sensors at most that are named for their tracks' honesty


def of_flat(found: FlatScores) -> list[Figure]:
    """Return the figures of a scenario in the layout of another benchmark: those of tracks."""
    lack = () if found.result.tracks.any() else (NO_TRACKS,)
    made = _distances(found.result, found.gospa, found.ospa, found.siap)
    return [told(one, lack) for one in made]


def qualities(found: Quality, of: str, tracks: bool) -> Iterator[Figure]:
    """Yield the figures of the tracks of one raid. of: its name where there are several; tracks: it has any."""
    lack = () if tracks else (NO_TRACKS,)
    parts = (
        _distances(found.gospa, found.means, found.ospa, found.siap),
        _trajectories(found.trajectory, bool(found.gospa.assigned.any())),
        _segments(found),
        _twice(found.twice),
        _nees(found.nees),
        _classes(found.confusion),
    )
    for part in parts:
        for one in part:
            yield replace(told(one, lack), of=_of(one, of))


def _of(one: Figure, raid: str) -> str:
    return f"{raid}: {one.of}" if raid and one.of else raid or one.of


def _distances(result: Gospa, means: Means, ospa: float, siap: Siap) -> Iterator[Figure]:
    yield figure("gospa.rms", means.root_mean)
    # without an assigned pair there is no error of place; 0 m would read as a perfect one
    yield figure("gospa.localisation", means.localisation if result.assigned.any() else np.nan)
    yield figure("gospa.missed", means.missed)
    yield figure("gospa.false", means.false)
    yield figure("ospa.mean", ospa)
    told = siap.told(int(result.targets.sum()), int(result.tracks.sum()))
    for name, value in zip(Siap._fields, told, strict=True):
        yield figure(f"siap.{name}", value)


def _trajectories(found: Trajectories, assigned: bool) -> Iterator[Figure]:
    yield figure("trajectory.rms", found.root_mean)
    for name, part in (
        ("localisation", found.localisation),
        ("missed", found.missed),
        ("false", found.false),
        ("switch", found.switch),
    ):
        value = _mean(part) ** (1 / found.power)
        yield figure(f"trajectory.{name}", value if assigned or name in ("missed", "false") else np.nan)
    yield figure("trajectory.exact", float(found.exact))


def _segments(found: Quality) -> Iterator[Figure]:
    of_all: Segments = found.segments
    flew = of_all.first >= 0
    for name, wait in (("flying", of_all.wait()), ("covered", of_all.wait(found.covered))):
        known = flew & ~np.isnan(wait)
        had = known & np.isfinite(wait)
        yield figure(f"first_track.{name}", float(np.median(wait[had])) if had.any() else np.nan)
        yield figure(f"first_track.never_{name}", _mean(np.isinf(wait[known]).astype(float)))
    followed = flew & (of_all.found >= 0)
    for name, counted in (("numbers", of_all.numbers), ("breaks", of_all.breaks), ("switches", of_all.switches)):
        yield figure(f"segments.{name}", _mean(counted[followed].astype(float)))
    yield figure("segments.longest", float(np.median(of_all.longest[followed])) if followed.any() else np.nan)


def _twice(found: Twice | None) -> Iterator[Figure]:
    ratios = dict.fromkeys(TWICE, np.nan) if found is None else found.ratios()
    for name, value in ratios.items():
        yield figure(f"siap.twice_{name}", value)


def _nees(found: Nees) -> Iterator[Figure]:
    for of, some in ("", found), *found.by_sensor(NAMED).items():
        yield figure("nees.mean", some.mean(), of)
        yield figure("nees.inside_95", some.inside(), of)


def _classes(found: Confusion) -> Iterator[Figure]:
    stated = [column for column, word in enumerate(found.reported) if word]
    said = found.seconds[:, stated].sum()
    cells = [
        (row, column) for row, true in enumerate(found.true) for column in stated if true == found.reported[column]
    ]
    right = sum(float(found.seconds[cell]) for cell in cells)
    yield figure("class.right", right / float(said) if said else np.nan)
    for row, true in enumerate(found.true):
        for column, seconds in enumerate(found.seconds[row].tolist()):
            word = (found.reported[column] or "no class") if column < len(found.reported) else "no track"
            if seconds > 0:
                yield figure("class.seconds", seconds, f"{true} as {word}")


def _mean(values: F64) -> float:
    return float(values.mean()) if len(values) else np.nan
