"""The truth of a scenario as files: every flier once a second, what each was sent to do, who could see it."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.geo import east_north_up, geodetic
from skywarden.model.place import I64
from skywarden.sim.kinds import KINDS
from skywarden.sim.sky import Cover, Sky, Target

HEAD = "time_ns,target,class,latitude,longitude,height_m,v_east,v_north,v_up,alive\n"
ROW = "%d,%s,%s,%.7f,%.7f,%.1f,%.2f,%.2f,%.2f,%d\n"
ROWS = 50_000  # at once
SECOND = 1_000_000_000
COVERAGE = np.dtype([("second", "<u4"), ("target", "<u2"), ("sensor", "<u2"), ("pd", "<f2")])

_encode = msgspec.json.Encoder(order="deterministic").encode


def truth_rows(sky: Sky, start: int, seconds: float) -> Iterator[str]:
    """Yield the lines of truth.csv in pieces, by time, then by target. start: ns, UTC, of second 0.

    A flier's last row has alive 0: there it hit, landed or left; but not when it is the last one of a scenario of
    `seconds`, after which nobody knows.
    """
    yield HEAD
    target = np.repeat(np.arange(len(sky)), sky.count)
    inside = np.arange(len(target)) - np.repeat(sky.base, sky.count)
    second = np.repeat(sky.first, sky.count) + inside
    alive = (inside < np.repeat(sky.count, sky.count) - 1) | (second >= ceil(seconds))
    order = np.lexsort((target, second))
    names, kinds = [t.name for t in sky.targets], [KINDS[t.kind].words for t in sky.targets]
    for begin in range(0, len(order), ROWS):
        rows = order[begin : begin + ROWS]
        yield "".join(_lines(sky, rows, start + second[rows] * SECOND, target[rows], alive[rows], (names, kinds)))


def _lines(  # noqa: PLR0913 - columns that travel together
    sky: Sky,
    rows: I64,
    times: I64,
    target: I64,
    alive: NDArray[np.bool_],
    words: tuple[Sequence[str], Sequence[str]],
) -> Iterator[str]:
    latitude, longitude, height = geodetic(sky.position[rows])
    velocity = np.einsum("nij,nj->ni", east_north_up(latitude, longitude), sky.velocity[rows]) + 0.0
    names, kinds = words
    columns = zip(
        times.tolist(),
        target.tolist(),
        np.degrees(latitude).tolist(),
        np.degrees(longitude).tolist(),
        height.tolist(),
        velocity.tolist(),
        alive.tolist(),
        strict=True,
    )
    for time, who, north, east, up, (v_east, v_north, v_up), lives in columns:
        yield ROW % (time, names[who], kinds[who], north, east, up, v_east, v_north, v_up, lives)


def targets_json(sky: Sky) -> bytes:
    """Return the list of targets: what each is and was sent to."""
    return _json([_target(target) for target in sky.targets])


def _target(target: Target) -> dict[str, Any]:
    words = KINDS[target.kind].words
    about = {"target": target.name, "class": words, "kind": str(target.kind)}
    return about | {"raid": target.raid, "site": target.site, "wave": target.wave}


def packed(cover: Cover) -> NDArray[Any]:
    """Return the rows of coverage.npy."""
    table = np.zeros(len(cover.second), COVERAGE)
    table["second"], table["target"], table["sensor"], table["pd"] = cover
    return table


def joined(covers: Sequence[Cover], first: Sequence[int]) -> Cover:
    """Put the covers of all senses together. first: the number of each sense's first sensor among all."""
    moved = [c._replace(sensor=c.sensor + f) for c, f in zip(covers, first, strict=True)]
    second, target, sensor, pd = (np.concatenate(columns) for columns in zip(*moved, strict=True))
    order = np.lexsort((sensor, target, second))
    return Cover(second[order], target[order], sensor[order], pd[order])


def _json(rows: list[Any]) -> bytes:
    """Return a JSON list with one element on each line."""
    return b"[\n" + b",\n".join(_encode(row) for row in rows) + b"\n]\n"
