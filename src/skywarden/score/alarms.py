"""What alarms cost: minutes of alarm, minutes that were not needed, floods; the same for alerts and for baselines."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.attacks import Attacks
from skywarden.score.case import Case
from skywarden.score.spans import NS, common, merged, seconds, since, within

AHEAD_S = 900.0  # s; a minute of alarm was needed if an attack on the site arrives within it or so long after
TEN_MINUTES = 600 * NS
FLOOD_STARTS, FLOOD_ENDS = 10, 5  # alerts in 10 min: above, below; ISA-18.2 and EEMUA 191
# min; published durations of alerts of whole regions, 2022-2023, n = 54,513 (raid_statistics_derived.json)
PUBLISHED_MINUTES: Mapping[str, float] = {"p50": 34.1, "p90": 115.9}


class Alarms(NamedTuple):
    """How one way to raise alarms did in one case.

    name: "alerts", "district", "disc-30-km", "disc-tuned". minutes, unneeded: (sites,) min of alarm, and those that no
    attack followed. lead: (attacks,) s, NaN where no alarm stood at arrival; late: (attacks,) bool.
    durations: (k,) min, of alarms that ended before the case did; cut: how many were cut off by its end.
    radius: m, of a disc, else NaN.
    """

    name: str
    minutes: F64
    unneeded: F64
    lead: F64
    late: I64
    durations: F64
    cut: int
    radius: float = np.nan

    def missed(self) -> float:
        """Return the part of the attacks that were warned of late or not at all; NaN without attacks."""
        return float(self.late.mean()) if len(self.late) else np.nan

    def typical_lead(self) -> float:
        """Return the median lead, s, with 0 for an attack without alarm; NaN without attacks."""
        return float(np.median(np.nan_to_num(self.lead))) if len(self.lead) else np.nan

    def useful_lead(self) -> float:
        """Return the same with no lead counted longer than AHEAD_S: what is longer counts as alarm not needed."""
        return float(np.median(np.minimum(np.nan_to_num(self.lead), AHEAD_S))) if len(self.lead) else np.nan


def judged(given: Case, name: str, standing: Sequence[I64], came: Attacks, radius: float = np.nan) -> Alarms:
    """Return how alarms did. standing: for each site the merged (k, 2) ns spans of its alarm.

    An attack is late unless the alarm stood without a gap from arrival - need or before until arrival.
    """
    start, end = given.span()
    minutes, unneeded, durations, cut = [], [], [], 0
    lead = np.full(len(came.target), np.nan)
    for site, whole in enumerate(standing):
        spans = within(whole, start, end)
        at = np.flatnonzero(came.site == site)
        lead[at] = since(whole, came.arrival[at])
        wanted = needed(came.arrival[at])
        minutes.append(seconds(spans) / 60)
        unneeded.append((seconds(spans) - seconds(common(spans, wanted))) / 60)
        over = whole[:, 1] <= end
        cut += int((~over).sum())
        durations.append((whole[over, 1] - whole[over, 0]) / (60 * NS))
    late = (~(lead >= came.need)).astype(np.int64)
    ended = np.concatenate([np.empty(0), *durations])
    return Alarms(name, np.array(minutes), np.array(unneeded), lead, late, ended, cut, radius)


def needed(arrivals: I64) -> I64:
    """Return the merged spans in which an alarm was needed: AHEAD_S before each arrival until it."""
    return merged(np.column_stack([arrivals - round(AHEAD_S * NS), arrivals]).astype(np.int64))


def alerts_judged(given: Case, came: Attacks) -> Alarms | None:
    """Return how the alerts of the system under test did; None without a table of them."""
    if given.alerts is None:
        return None
    return judged(given, "alerts", [given.alerts.standing(site) for site in range(len(given.sites))], came)


class Flood(NamedTuple):
    """How many alerts people had at once. most: raised in any 10 min; part: of the time that was a flood, 0 to 1."""

    most: int
    part: float


def flood(given: Case) -> Flood | None:
    """Return the flood measure of the alerts of all sites together; None without a table of them.

    A flood starts when more than 10 alerts were raised within 10 min and ends when fewer than 5 were. Source: ISA-18.2
    and EEMUA 191, as in DESIGN section 6.
    """
    if given.alerts is None:
        return None
    start, end = given.span()
    raised = np.sort(given.alerts.raised[(given.alerts.raised >= start) & (given.alerts.raised <= end)])
    changes = np.unique(np.r_[raised, raised + TEN_MINUTES])
    last = np.searchsorted(raised, changes, "right")
    count = last - np.searchsorted(raised, changes - TEN_MINUTES, "right")
    flooded, on, spent = False, start, 0
    for moment, standing in zip(changes.tolist(), count.tolist(), strict=True):
        if not flooded and standing > FLOOD_STARTS:
            flooded, on = True, moment
        elif flooded and standing < FLOOD_ENDS:
            flooded, spent = False, spent + min(moment, end) - min(on, end)
    if flooded:
        spent += max(end - on, 0)
    return Flood(int(count.max()) if len(count) else 0, spent / max(end - start, 1))


class Compared(NamedTuple):
    """The alerts against one baseline. fair: their missed rate is not greater and their useful lead not shorter.

    saved: part of the baseline's alarm-minutes that the alerts did without; negative when they took more.
    """

    baseline: str
    fair: bool
    saved: float


def compared(alerts: Alarms, baseline: Alarms) -> Compared:
    """Return the alerts against a baseline. Only where it is fair do the minutes saved say that it is better."""
    enough = not (alerts.missed() > baseline.missed())
    long = not (alerts.useful_lead() < baseline.useful_lead())
    total = float(baseline.minutes.sum())
    saved = 1 - float(alerts.minutes.sum()) / total if total > 0 else np.nan
    return Compared(baseline.name, enough and long, saved)
