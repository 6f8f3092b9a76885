"""How a track flies as weak evidence of what it is: its speed, height and climb against a table of frequencies.

The table is `data/motion.json`, learned by bench/motion_table.py. Each of the three is divided into bins that are
equally wide in asinh(value / scale), so nearly even for small values and a fixed share for large ones. The
likelihood of a value that is known to sigma is the frequencies' mean under a normal density around it, in that scale:
what is poorly known says little. The three are multiplied as if they were independent, which they are not: the limit
on the result, LIMIT, is what keeps that honest.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec
import numpy as np

from skywarden.errors import ConfigError
from skywarden.model.assessment import CLASSES, Class
from skywarden.model.place import F64, I64

KNOWN = CLASSES[:-1]  # all but unknown, in the order of the columns
FACTORS = ("speed", "height", "climb")
LIMIT = 2.0  # nats between the most and the least likely class; DESIGN.md section 5: motion is weak
BLUR = 1.0  # bins: a value counts as at least so uncertain, so that no edge of a bin is seen
PARTS = 2  # points between the middles of two bins at which the likelihood is kept
OCTAVE = 3  # sigmas for which it is kept while they double
LEVELS = 27  # of them; the last says nothing
UNSURE = 1e9  # m or m/s: no sigma is larger
EVEN = 1e-3  # share of a bin that edges may be off


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the three in the file. scale, edges: m/s or m; frequencies: one row for each class, one share a bin."""

    scale: float
    edges: tuple[float, ...]
    frequencies: tuple[tuple[float, ...], ...]


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. made: how; sources: class -> what its frequencies come from."""

    made: str
    sources: dict[str, str]
    classes: tuple[str, ...]
    speed: Factor
    height: Factor
    climb: Factor


@dataclass(frozen=True, slots=True)
class Table:
    """Log-likelihoods worked out beforehand, for the three factors one after the other.

    scale, lowest, highest: (3, 1) m/s, m, m/s, the limits between which values count. first: (3, 1) the middle of the
    first bin and step: (3, 1) the width of all, in asinh(value / scale). points: (3, 1) between the middles of the
    first and the last bin; base: (3, 1) row of `nats` where each begins. nats: (rows, 11), LEVELS rows for each point.
    """

    scale: F64
    lowest: F64
    highest: F64
    first: F64
    step: F64
    points: F64
    base: I64
    nats: F64


def table(text: str | bytes) -> Table:
    """Return the table that a file says. Raises ConfigError for one that is not whole, or that tells decoys apart."""
    try:
        file = msgspec.json.decode(text, type=File)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"the table of motions cannot be read: {e}; make it again: bench/motion_table.py") from None
    factors = (file.speed, file.height, file.climb)
    wrong = [name for name, factor in zip(FACTORS, factors, strict=True) if not _whole(factor)]
    if wrong or file.classes != KNOWN:
        what = f"its part {wrong[0]} is not whole" if wrong else "it has other classes"
        raise ConfigError(f"the table of motions cannot be used: {what}; make it again: bench/motion_table.py")
    spans = [np.arcsinh(np.array(factor.edges) / factor.scale) for factor in factors]
    counts = np.array([len(span) - 1 for span in spans])
    points = PARTS * (counts - 1) + 1
    shares = [np.array(factor.frequencies) for factor in factors]
    made = Table(
        scale=_column([factor.scale for factor in factors]),
        lowest=_column([factor.edges[0] for factor in factors]),
        highest=_column([factor.edges[-1] for factor in factors]),
        first=_column([0.5 * (span[0] + span[1]) for span in spans]),
        step=_column([(span[-1] - span[0]) / (len(span) - 1) for span in spans]),
        points=_column((points - 1).tolist()),
        base=(LEVELS * (np.cumsum(points) - points))[:, None],
        nats=np.concatenate([_blurred(share) for share in shares]),
    )
    for name in Table.__slots__:
        getattr(made, name).flags.writeable = False
    return made


@cache
def shipped() -> Table:
    """Return the table that ships with the package. A constant file, so cached for good."""
    return table(files("skywarden").joinpath("data", "motion.json").read_bytes())


def likelihoods(  # noqa: PLR0913 - three numbers and how well each is known
    speed: F64, height: F64, climb: F64, sigma_speed: F64, sigma_height: F64, sigma_climb: F64, table: Table
) -> F64:
    """Return (n, 11) nats: how likely it is that each class but unknown flies as n tracks do, less their mean.

    speed: (n,) m/s over the ground; height: (n,) m above the ground; climb: (n,) m/s, up is positive; and what each
    may be off by, one sigma. A value that is not finite, or whose sigma is no number from 0 up, says nothing. Under
    ground, over 100 km and faster than the table: as at its edge. The nats of a row differ by LIMIT at the most.
    """
    value, sigma = np.stack((speed, height, climb)), np.stack((sigma_speed, sigma_height, sigma_climb))
    known = np.isfinite(value) & (sigma >= 0.0)
    value = np.clip(np.where(known, value, 0.0), table.lowest, table.highest)
    sigma = np.where(known, np.minimum(sigma, UNSURE), UNSURE) / np.hypot(value, table.scale)
    along = (np.arcsinh(value / table.scale) - table.first) * (PARTS / table.step)
    point, right = _cell(along, table.points)
    level, up = _cell(OCTAVE * np.log2(np.hypot(sigma / table.step, BLUR) / BLUR), LEVELS - 1.0)
    row = table.base + LEVELS * point + level
    nats = np.zeros((value.shape[1], len(KNOWN)))
    for k in range(len(FACTORS)):
        low, high = _between(table.nats, row[k], right[k]), _between(table.nats, row[k] + 1, right[k])
        nats += low + up[k, :, None] * (high - low)
    return limited(nats)


def limited(nats: F64) -> F64:
    """Return rows (n, 11), what is over LIMIT below the best of a row raised to that, less their mean.

    Scaled to LIMIT, what is absurd would press together what is likely: log loss 1.61 instead of 1.22 by the bench.
    """
    near = np.maximum(nats, nats.max(axis=1, keepdims=True) - LIMIT)
    return np.asarray(near - near.mean(axis=1, keepdims=True))


def _between(nats: F64, row: I64, share: F64) -> F64:
    """Return (n, 11) nats between the points of rows (n,) and the next ones. share: (n,) of the way."""
    here = nats.take(row, 0)
    return np.asarray(here + share[:, None] * (nats.take(row + LEVELS, 0) - here))


def _cell(place: F64, last: F64 | float) -> tuple[I64, F64]:
    """Return the whole number below each place and the rest; places outside of 0 to `last` count as at its end."""
    place = np.clip(place, 0.0, last)
    below = np.minimum(place.astype(np.int64), np.asarray(last, np.int64) - 1)
    return below, place - below


def _blurred(shares: F64) -> F64:
    """Return (points x LEVELS, 11) nats, by point and then by level. shares: (11, bins)."""
    bins = shares.shape[1]
    place = np.arange(PARTS * (bins - 1) + 1) / PARTS
    nats = np.zeros((len(place), LEVELS, len(shares)))
    for level in range(LEVELS - 1):  # the last one stays at 0
        off = (place[:, None] - np.arange(bins)) / (BLUR * 2.0 ** (level / OCTAVE))
        nats[:, level] = np.log(np.exp(-0.5 * off * off) @ shares.T)
    nats -= nats.mean(axis=2, keepdims=True)
    return nats.reshape(-1, len(shares))


def _whole(factor: Factor) -> bool:
    """Return whether a part of the file has even bins, shares over 0 that add up, and no decoy apart from a piston."""
    edges, rows = np.array(factor.edges), factor.frequencies
    if not (factor.scale > 0 and len(edges) > 2 and len(rows) == len(KNOWN)):
        return False
    if any(len(row) != len(edges) - 1 for row in rows):
        return False
    shares = np.array(rows)
    widths = np.diff(np.arcsinh(edges / factor.scale))
    even = bool(np.all(np.abs(widths - widths.mean()) <= EVEN * widths.mean())) and widths.mean() > 0
    adds = bool(np.all(shares > 0) and np.all(np.abs(shares.sum(axis=1) - 1) < EVEN))
    same = rows[KNOWN.index(Class.DECOY)] == rows[KNOWN.index(Class.UAV_PISTON)]
    return even and adds and same


def _column(values: list[float]) -> F64:
    return np.array(values, float)[:, None]
