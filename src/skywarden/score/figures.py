"""Every figure of a verdict as one flat list."""

from collections.abc import Callable, Iterator, Sequence
from math import isfinite

import numpy as np

from skywarden.model.place import F64
from skywarden.score.alarms import PUBLISHED_MINUTES, compared
from skywarden.score.arrivals import HORIZONS, brier, calibration, pinball, ranked_score, reliability
from skywarden.score.attacks import Fate
from skywarden.score.bootstrap import Interval, blocks, interval
from skywarden.score.covered import ENOUGH
from skywarden.score.figure import Figure, figure, told
from skywarden.score.pooled import Pooled, pooled
from skywarden.score.track_figures import qualities
from skywarden.score.verdict import Judged

FATES = {Fate.IN_TIME: "in_time", Fate.LATE: "late", Fate.NOT_TRACKED: "not_tracked", Fate.NOT_COVERED: "not_covered"}


def figures(judged: Sequence[Judged], generator: np.random.Generator) -> list[Figure]:
    """Return all figures of one or several raids. generator: for the bootstrap."""
    both = pooled(judged)
    parts: tuple[Iterator[Figure], ...] = (
        _attacks(both, generator),
        _leads(both),
        _alarms(judged, both),
        _baselines(both),
        _arrivals(both, generator),
        _sensors(both),
        _tracks(judged, both),
    )
    return [told(one, both.lack) for part in parts for one in part]


def _error(values: F64, both: Pooled, generator: np.random.Generator) -> Interval:
    block, unit = blocks(both.raid, both.wave)
    return interval(values, block, unit, generator)


def _attacks(both: Pooled, generator: np.random.Generator) -> Iterator[Figure]:
    came = both.attacks
    yield figure("attacks.count", len(came.target))
    for fate, name in FATES.items():
        error = _error((came.fate == fate).astype(float), both, generator)
        yield figure(f"attacks.{name}", error.mean, "", error)
        for site, rows in both.by_site():
            of = came.fate[rows]
            yield figure(f"attacks.{name}", float(np.mean(of == fate)) if len(of) else np.nan, site)
    for name, values in (("covered", came.covered), ("covered_twice", came.twice)):
        enough = np.where(np.isnan(values), np.nan, values >= ENOUGH)
        error = _error(enough, both, generator)
        yield figure(f"attacks.{name}", error.mean, "", error)


def _leads(both: Pooled) -> Iterator[Figure]:
    came = both.attacks
    yield figure("lead.median", _median(np.nan_to_num(came.lead)))
    yield figure("lead.useful_median", np.nan if both.alerts is None else both.alerts.useful_lead())
    yield figure("lead.own_median", _median(came.own[~np.isnan(came.own)]))
    for site, rows in both.by_site():
        yield figure("lead.median", _median(np.nan_to_num(came.lead[rows])), site)


def _alarms(judged: Sequence[Judged], both: Pooled) -> Iterator[Figure]:
    unknown = np.full(len(both.sites), np.nan)
    minutes, unneeded = (unknown, unknown) if both.alerts is None else (both.alerts.minutes, both.alerts.unneeded)
    for name, values in (("minutes", minutes), ("unneeded", unneeded)):
        yield figure(f"alarm.{name}", float(values.sum()))
        for site, value in zip(both.sites, values.tolist(), strict=True):
            yield figure(f"alarm.{name}", value, site)
    yield figure("alarm.part", np.nan if both.alerts is None else both.alarm_part(both.alerts))
    floods = [(one.flood, one.case.span()) for one in judged if one.flood is not None]
    yield figure("alarm.most_in_10_min", max((found.most for found, _ in floods), default=np.nan))
    lengths, parts = [end - start for _, (start, end) in floods], [found.part for found, _ in floods]
    yield figure("alarm.flood", float(np.average(parts, weights=lengths)) if sum(lengths) else np.nan)


def _baselines(both: Pooled) -> Iterator[Figure]:
    for one in both.baselines:
        against = None if both.alerts is None else compared(both.alerts, one)
        values: dict[str, float] = {
            "minutes": float(one.minutes.sum()),
            "unneeded": float(one.unneeded.sum()),
            "missed": one.missed(),
            "lead": one.typical_lead(),
            "useful_lead": one.useful_lead(),
            "radius": one.radius,
            "duration_p50": _quantile(one.durations, 0.5),
            "duration_p90": _quantile(one.durations, 0.9),
            "ended": len(one.durations),
            "cut": one.cut,
            "saved": np.nan if against is None else against.saved,
            "fair": np.nan if against is None else float(against.fair),
        }
        for name, value in values.items():
            if name != "radius" or isfinite(value):
                yield figure(f"baseline.{name}", value, one.name)
        for site, value in zip(both.sites, one.minutes.tolist(), strict=True):
            yield figure("baseline.minutes", value, f"{one.name}, {site}")
    for name, minutes in PUBLISHED_MINUTES.items():
        yield figure(f"published.duration_{name}", minutes)


def _arrivals(both: Pooled, generator: np.random.Generator) -> Iterator[Figure]:
    found = both.settled
    for row in calibration(found):
        yield figure(f"arrival.inside_{round(100 * row.nominal)}", row.inside, f"{row.horizon:.0f} s")
    came = (found.known > 0) & ~np.isnan(found.wait)
    scores: tuple[tuple[str, Callable[[F64, F64], F64]], ...] = (
        ("crps", ranked_score),
        ("pinball", lambda quantiles, wait: np.asarray(pinball(quantiles, wait).mean(axis=1))),
    )
    for name, score in scores:
        values = score(found.quantiles[came], found.wait[came])
        error = interval(values, found.block[came], "tracks", generator)
        yield figure(f"arrival.{name}", error.mean, "", error)
        for number, horizon in enumerate(HORIZONS):
            yield figure(f"arrival.{name}", _mean(values[found.horizon[came] == number]), f"{horizon:.0f} s")
    yield figure("arrival.brier", brier(found))
    yield figure("arrival.left_out", _mean(1.0 - found.known))
    for bin_ in reliability(found):
        yield figure("arrival.happened", bin_.happened, f"said {bin_.said:.2f}, {bin_.forecasts} forecasts")


def _sensors(both: Pooled) -> Iterator[Figure]:
    for site, (seconds, dark) in both.blind.items():
        yield figure("blind.part", dark / seconds if seconds else np.nan, site)


def _tracks(judged: Sequence[Judged], both: Pooled) -> Iterator[Figure]:
    for name, errors in both.errors.items():
        yield figure("error.median", _quantile(errors, 0.5), name)
        yield figure("error.p90", _quantile(errors, 0.9), name)
    yield from _followed(both)
    for one in judged:
        of = one.case.name if len(judged) > 1 else ""
        yield from qualities(one.quality, of, len(one.case.tracks) > 0)


def _followed(both: Pooled) -> Iterator[Figure]:
    seconds, followed = (sum(column) for column in zip((0, 0), *both.followed.values(), strict=True))
    yield figure("followed.part", _part(followed, seconds))
    for name, (all_of, part) in both.followed.items():
        yield figure("followed.part", _part(part, all_of), name)
    yield figure("nuisance.followed", _part(both.nuisance.followed, both.nuisance.seconds))
    yield figure("nuisance.alerts", both.nuisance.alerts)


def _part(some: int, of: int) -> float:
    return some / of if of else np.nan


def _mean(values: F64) -> float:
    return float(values.mean()) if len(values) else np.nan


def _median(values: F64) -> float:
    return float(np.median(values)) if len(values) else np.nan


def _quantile(values: F64, level: float) -> float:
    return float(np.quantile(values, level)) if len(values) else np.nan
