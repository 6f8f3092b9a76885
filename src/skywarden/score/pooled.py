"""Several judged raids put together: attacks, alarms and forecasts of all of them, sites by their names."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.alarms import Alarms
from skywarden.score.arrivals import Settled
from skywarden.score.attacks import Attacks
from skywarden.score.lacking import lacking
from skywarden.score.measure import Reason
from skywarden.score.nuisance import Nuisance
from skywarden.score.spans import NS
from skywarden.score.verdict import Judged, errors_by_class, followed_by_class


class Pooled(NamedTuple):
    """All raids. sites: names, sorted; attacks.site and the columns of alarms are rows of them.

    raid, wave: (attacks,) names. blind: by site, target-seconds near it and those not watched. errors: by class, m.
    followed: by class of wanted targets, target-seconds and those with a track within the limit. attacks.target is the
    row within its own raid. site_minutes: min, of all raids times their sites. alerts: None where one raid has no table
    of them. lack: what cannot be counted, of `lacking`.
    """

    sites: tuple[str, ...]
    attacks: Attacks
    raid: tuple[str, ...]
    wave: tuple[str, ...]
    alerts: Alarms | None
    baselines: tuple[Alarms, ...]
    settled: Settled
    blind: dict[str, tuple[float, float]]
    errors: dict[str, F64]
    followed: dict[str, tuple[int, int]]
    nuisance: Nuisance
    site_minutes: float
    lack: tuple[Reason, ...]

    def alarm_part(self, alarms: Alarms) -> float:
        """Return the part of the time of all sites under alarm; NaN without time."""
        return float(alarms.minutes.sum()) / self.site_minutes if self.site_minutes else np.nan

    def by_site(self) -> Iterator[tuple[str, I64]]:
        """Yield each site's name and the rows of its attacks."""
        for number, name in enumerate(self.sites):
            yield name, np.flatnonzero(self.attacks.site == number)


def pooled(judged: Sequence[Judged]) -> Pooled:
    """Return one or several raids together."""
    sites = tuple(sorted({site.name for one in judged for site in one.case.sites}))
    places = [np.array([sites.index(site.name) for site in one.case.sites], np.int64) for one in judged]
    names = [_names(one, row) for row, one in enumerate(judged)]
    alerts = [one.alerts for one in judged if one.alerts is not None]
    return Pooled(
        sites,
        _attacks(judged, places),
        tuple(raid for raids, _ in names for raid in raids),
        tuple(wave for _, waves in names for wave in waves),
        _alarms(alerts, places, len(sites)) if len(alerts) == len(judged) else None,
        tuple(_alarms(parts, places, len(sites)) for parts in zip(*(one.baselines for one in judged), strict=True)),
        _settled(judged),
        _blind(judged),
        _errors(judged),
        _followed(judged),
        Nuisance(*[sum(column) for column in zip(*[one.nuisance for one in judged], strict=True)]),
        sum(len(one.case.sites) * (one.case.span()[1] - one.case.span()[0]) / (60 * NS) for one in judged),
        lacking(one.case for one in judged),
    )


def _attacks(judged: Sequence[Judged], places: Sequence[I64]) -> Attacks:
    columns = [np.concatenate([getattr(one.attacks, name) for one in judged]) for name in Attacks._fields]
    of_all = Attacks(*columns)
    return of_all._replace(site=np.concatenate([p[one.attacks.site] for p, one in zip(places, judged, strict=True)]))


def _names(one: Judged, row: int) -> tuple[list[str], list[str]]:
    wave = {target.name: target.wave for target in one.case.targets}
    found = [wave.get(one.case.truth.names[target], "") for target in one.attacks.target.tolist()]
    return [f"{row} {one.case.name}"] * len(found), found


def _alarms(parts: Sequence[Alarms], places: Sequence[I64], sites: int) -> Alarms:
    minutes, unneeded = np.zeros(sites), np.zeros(sites)
    for part, place in zip(parts, places, strict=True):
        minutes[place] += part.minutes
        unneeded[place] += part.unneeded
    return Alarms(
        parts[0].name,
        minutes,
        unneeded,
        np.concatenate([part.lead for part in parts]),
        np.concatenate([part.late for part in parts]),
        np.concatenate([part.durations for part in parts]),
        sum(part.cut for part in parts),
        float(np.mean([part.radius for part in parts])),
    )


def _settled(judged: Sequence[Judged]) -> Settled:
    found = Settled(*[np.concatenate([getattr(one.settled, name) for one in judged]) for name in Settled._fields])
    sizes = [int(one.settled.block.max()) + 1 if len(one.settled.block) else 0 for one in judged]
    offsets = np.cumsum([0, *sizes[:-1]])
    block = [one.settled.block + offset for one, offset in zip(judged, offsets.tolist(), strict=True)]
    return found._replace(block=np.concatenate(block))


def _blind(judged: Sequence[Judged]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for one in judged:
        for row in one.blind:
            name = one.case.sites[row.site].name
            seconds, dark = found.get(name, (0.0, 0.0))
            found[name] = (seconds + row.seconds, dark + row.blind)
    return found


def _errors(judged: Sequence[Judged]) -> dict[str, F64]:
    parts: dict[str, list[F64]] = {}
    for one in judged:
        for name, errors in errors_by_class(one).items():
            parts.setdefault(name, []).append(errors)
    return {name: np.concatenate(parts[name]) for name in sorted(parts)}


def _followed(judged: Sequence[Judged]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for one in judged:
        for name, (seconds, followed) in followed_by_class(one).items():
            before = found.get(name, (0, 0))
            found[name] = (before[0] + seconds, before[1] + followed)
    return {name: found[name] for name in sorted(found)}
