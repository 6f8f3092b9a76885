"""The tables of warnings: alerts.csv and arrivals.csv of the system under test, read from bytes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.columns import Columns, Form, Layout, read
from skywarden.score.spans import merged
from skywarden.score.tables import Site

ALERTS = Layout(
    "alerts.csv",
    {
        "time_ns": Form.WHOLE,
        "site": Form.WORD,
        "track": Form.WORD,
        "event": Form.WORD,
        "arrival_ns": Form.WORD,  # may be empty; it is not scored here, arrivals.csv is
    },
    ("arrival_ns",),
)
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
QUANTILES = ("q025", "q10", "q25", "q50", "q75", "q90", "q975")
ARRIVALS = Layout(
    "arrivals.csv",
    {
        "time_ns": Form.WHOLE,
        "track": Form.WORD,
        "site": Form.WORD,
        "probability": Form.REAL,
        **dict.fromkeys(QUANTILES, Form.REAL),
    },
)


class Alerts(NamedTuple):
    """Alerts, one row for each from its raising to its clearing.

    site: (n,) row of sites.json. track: (n,) row of `tracks`. raised, cleared: (n,) ns; an alert that is never cleared
    stands until the end of time.
    """

    site: I64
    track: I64
    raised: I64
    cleared: I64
    tracks: tuple[str, ...]

    def times(self) -> I64:
        """Return all times at which an alert was raised or cleared, ns, in no order."""
        return np.concatenate([self.raised, self.cleared[self.cleared < FOREVER]])

    def standing(self, site: int) -> I64:
        """Return the merged (k, 2) spans in which at least one alert stands for a site."""
        of = self.site == site
        return merged(np.column_stack([self.raised[of], self.cleared[of]]))


class Forecasts(NamedTuple):
    """Arrival forecasts, sorted by (track, site, time).

    time: (n,) ns. track: (n,) row of `tracks`; site: (n,) row of sites.json. probability: (n,) that it arrives at all;
    quantiles: (n, 7) s after `time`, at LEVELS, given that it arrives.
    """

    time: I64
    track: I64
    site: I64
    probability: F64
    quantiles: F64
    tracks: tuple[str, ...]


FOREVER = np.iinfo(np.int64).max // 2
_NOTHING = np.empty(0, np.int64)
NO_ALERTS = Alerts(_NOTHING, _NOTHING, _NOTHING, _NOTHING, ())
NO_FORECASTS = Forecasts(_NOTHING, _NOTHING, _NOTHING, np.empty(0), np.empty((0, 7)), ())


def alerts(data: bytes, sites: Sequence[Site]) -> Alerts:
    """Read alerts.csv. Raises TableError with line and column.

    An `updated` without `raised` begins an alert; a second `raised` while it stands changes nothing.
    """
    columns = read(data, ALERTS)
    site = _sites(columns, sites)
    track, tracks = columns.words("track")
    time = columns.whole("time_ns")
    event, events = columns.words("event")
    known = np.array([word in {"raised", "updated", "cleared"} for word in events], bool)
    columns.require(known[event], "event", "must be raised, updated or cleared")
    clears = np.array([word == "cleared" for word in events], bool)[event]
    standing: dict[tuple[int, int], int] = {}
    found: list[tuple[int, int, int, int]] = []
    for row in np.argsort(time, kind="stable").tolist():
        key = (int(site[row]), int(track[row]))
        if not clears[row]:
            standing.setdefault(key, int(time[row]))
        elif key in standing:
            found.append((*key, standing.pop(key), int(time[row])))
    found += [(*key, raised, FOREVER) for key, raised in standing.items()]
    table = np.array(sorted(found, key=lambda alert: alert[2]), np.int64).reshape(-1, 4)
    return Alerts(table[:, 0], table[:, 1], table[:, 2], table[:, 3], tracks)


def forecasts(data: bytes, sites: Sequence[Site]) -> Forecasts:
    """Read arrivals.csv. Raises TableError with line and column."""
    columns = read(data, ARRIVALS)
    site = _sites(columns, sites)
    track, tracks = columns.words("track")
    probability = columns.real("probability")
    columns.require((probability >= 0) & (probability <= 1), "probability", "must be a number from 0 to 1")
    quantiles = np.column_stack([columns.real(name) for name in QUANTILES])
    for low, high, name in zip(quantiles.T, quantiles.T[1:], QUANTILES[1:], strict=False):
        columns.require(high >= low, name, "must be a number, not less than the quantile before it")
    time = columns.whole("time_ns")
    order = np.lexsort((time, site, track))
    return Forecasts(time[order], track[order], site[order], probability[order], quantiles[order], tracks)


def _sites(columns: Columns, sites: Sequence[Site]) -> I64:
    """Return (n,) rows of sites.json."""
    code, words = columns.words("site")
    rows = {site.name: row for row, site in enumerate(sites)}
    number = np.array([rows.get(word, -1) for word in words], np.int64)
    columns.require(number[code] >= 0, "site", f"is not in sites.json, which has {', '.join(rows) or 'none'}")
    return number[code]
