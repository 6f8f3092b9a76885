"""The drawings of the report page, each from a judged raid or from all of them. "" where there is nothing to draw."""

from collections.abc import Sequence

import numpy as np

from skywarden.model.place import F64, I64
from skywarden.score.arrivals import HORIZONS, calibration, reliability
from skywarden.score.attacks import Fate
from skywarden.score.covered import ENOUGH
from skywarden.score.lacking import NO_TRACKS
from skywarden.score.pooled import Pooled
from skywarden.score.readable import percent
from skywarden.score.spans import NS
from skywarden.score.svg import (
    BOTTOM,
    Axis,
    Frame,
    Row,
    Spread,
    areas,
    axis,
    bars,
    dot,
    drawing,
    line,
    span,
    spreads,
    text,
    thinned,
    whisker,
)
from skywarden.score.verdict import Judged, counts

FATE_COLOURS = {Fate.IN_TIME: 0, Fate.LATE: 1, Fate.NOT_TRACKED: 2, Fate.NOT_COVERED: 3}
INTERVAL_COLOURS = {0.5: 1, 0.8: 4, 0.95: 0}
PERCENT = Axis(0.0, 100.0, (0.0, 20.0, 40.0, 60.0, 80.0, 100.0))
LONGEST_LEAD = 45.0  # min; longer leads are drawn here
MOST_DOTS = 2000
MOST_SITES = 12  # with rows of their own


def verdict_bars(both: Pooled) -> str:
    """Return attacks by class, all sites and each."""
    came = both.attacks
    if not len(came.target) or both.alerts is None:
        return ""
    named = [("all", np.arange(len(came.fate))), *worst_sites(both)]
    rows = []
    for name, of in named:
        total = [int((came.fate[of] == fate).sum()) for fate in FATE_COLOURS]
        parts = tuple((float(value), colour) for value, colour in zip(total, FATE_COLOURS.values(), strict=True))
        rows.append(Row(name, parts, f"{total[0]} / {len(of)}"))
    return bars(rows, axis(0, len(came.fate), "attacks"), "h-verdict")


def worst_sites(both: Pooled) -> list[tuple[str, I64]]:
    """Return names and attacks of the sites that were attacked, MOST_SITES with most attacks late."""
    attacked = [(name, rows) for name, rows in both.by_site() if len(rows)]
    late = [int((both.attacks.fate[rows] != Fate.IN_TIME).sum()) for _, rows in attacked]
    order = sorted(range(len(attacked)), key=lambda row: (-late[row], -len(attacked[row][1])))
    return [attacked[row] for row in order[:MOST_SITES]]


def gospa_areas(one: Judged) -> str:
    """Return GOSPA over time; each part has the share of the height that it has of the squared distance."""
    found = one.quality.gospa
    parts = np.vstack([found.localisation, found.missed, found.false])
    whole = parts.sum(axis=0)
    if not len(whole):
        return ""
    share = parts / np.where(whole > 0, whole, 1.0) * found.distance
    time, heights = thinned((found.time - one.case.start) / (60 * NS), share)
    frame = Frame(
        span(float(time[0]), float(time[-1]), "time-min"), axis(0, float(heights.sum(axis=0).max()), "gospa-m", 5)
    )
    return drawing(frame, areas(frame, time, heights, (4, 1, 2)), "h-gospa")


def count_lines(one: Judged) -> str:
    """Return how many targets and tracks there are over time."""
    found = counts(one)
    table = np.vstack([found.targets, found.followed, found.tracks, found.spare]).astype(float)
    time, lines = thinned((found.time - one.case.start) / (60 * NS), table)
    frame = Frame(span(float(time[0]), float(time[-1]), "time-min"), axis(0, float(lines.max()), "number", 5))
    styles = ((7, False), (0, False), (4, True), (2, False))
    marks = [line(frame, time, values, *style) for values, style in zip(lines, styles, strict=True)]
    return drawing(frame, marks, "h-counts")


def error_spreads(both: Pooled) -> str:
    """Return the errors of place by class: 10 to 90 % and median."""
    if not both.errors:
        return ""
    rows = [Spread(name, *np.quantile(errors, [0.1, 0.5, 0.9]).tolist()) for name, errors in both.errors.items()]
    return spreads(rows, axis(0, max(row.high for row in rows), "error-m"), "h-errors", 4)


def interval_dots(both: Pooled) -> str:
    """Return the coverage of the intervals at each horizon, with what it should be."""
    rows = [row for row in calibration(both.settled) if row.arrived]
    if not rows:
        return ""
    x = Axis(-0.5, len(HORIZONS) - 0.5, ())
    frame = Frame(x._replace(word="horizon-min"), PERCENT._replace(word="part-inside"))
    ends = np.array([x.low, x.high])
    marks = [line(frame, ends, np.full(2, 100 * nominal), c, True) for nominal, c in INTERVAL_COLOURS.items()]
    for place, horizon in enumerate(HORIZONS):
        marks.append(_tick(frame, place, f"{horizon / 60:g}"))
    for row in rows:
        place = HORIZONS.index(row.horizon)
        low, high = _binomial(row.inside, row.arrived)
        shift = place + 0.14 * (list(INTERVAL_COLOURS).index(row.nominal) - 1)
        colour = INTERVAL_COLOURS[row.nominal]
        marks.append(whisker(frame, shift, low, high, colour))
        marks.append(dot(frame, shift, 100 * row.inside, colour, f"{percent(row.inside)} %, n = {row.arrived}"))
    return drawing(frame, marks, "h-inside")


def _binomial(part: float, count: int) -> tuple[float, float]:
    """Return the ends in % of the 95 % interval of a part of a count. Source: Wilson 1927."""
    z = 1.96
    middle, width = part + z * z / (2 * count), z * np.sqrt(part * (1 - part) / count + (z / (2 * count)) ** 2)
    scale = 100 / (1 + z * z / count)
    return max(float(scale * (middle - width)), 0.0), min(float(scale * (middle + width)), 100.0)


def _tick(frame: Frame, place: float, said: str) -> str:
    return text(said, frame.across(place), frame.height - BOTTOM + 16, "middle")


def reliability_dots(both: Pooled) -> str:
    """Return what happened against what was said, with the line on which it should lie."""
    bins = reliability(both.settled)
    if not bins:
        return ""
    frame = Frame(PERCENT._replace(word="said"), PERCENT._replace(word="happened"))
    marks = [line(frame, np.array([0.0, 100.0]), np.array([0.0, 100.0]), 3, True)]
    said, came = np.array([100 * one.said for one in bins]), np.array([100 * one.happened for one in bins])
    marks.append(line(frame, said, came, 4))
    for a, b, one in zip(said, came, bins, strict=True):
        low, high = _binomial(one.happened, one.forecasts)
        marks.append(whisker(frame, a, low, high, 4))
        marks.append(dot(frame, a, b, 4, f"{b:.0f} %, n = {one.forecasts}"))
    return drawing(frame, marks, "h-reliability")


def lead_dots(judged: Sequence[Judged]) -> str:
    """Return the lead of each attack over its arrival, that of its own tracks' alerts, and what the sites need."""
    came = [one.attacks for one in judged]
    if not sum(len(one.target) for one in came) or any(one.alerts is None for one in judged):
        return ""
    start = [(one.attacks.arrival - one.case.start) / (60 * NS) for one in judged]
    arrival, fate = np.concatenate(start), np.concatenate([one.fate for one in came])
    lead = np.minimum(np.nan_to_num(np.concatenate([one.lead for one in came])) / 60, LONGEST_LEAD)
    own = np.minimum(np.concatenate([one.own for one in came]) / 60, LONGEST_LEAD)
    needs: F64 = np.unique(np.concatenate([one.need for one in came])) / 60
    length = max((one.case.span()[1] - one.case.start) / (60 * NS) for one in judged)
    x = span(0.0, length, "arrival-min")
    frame = Frame(
        x, axis(0, max(float(lead.max()), float(needs.max()), float(np.nan_to_num(own).max())) * 1.02, "lead-min", 5)
    )
    ends = np.array([x.low, x.high])
    marks = [line(frame, ends, np.full(2, need), 3, True) for need in needs]
    rows = np.linspace(0, len(arrival) - 1, min(len(arrival), MOST_DOTS)).astype(int)
    for a, b, kind in zip(arrival[rows].tolist(), lead[rows].tolist(), fate[rows].tolist(), strict=True):
        marks.append(dot(frame, a, b, FATE_COLOURS[Fate(kind)], f"{b:.1f} min"))
    alone = [row for row in rows.tolist() if np.isfinite(own[row])]
    marks += [dot(frame, float(arrival[row]), float(own[row]), 4, f"{own[row]:.1f} min") for row in alone]
    return drawing(frame, marks, "h-leads")


def alarm_bars(both: Pooled) -> str:
    """Return the minutes of alarm of this system and of the baselines, needed and not."""
    alarms = [*([] if both.alerts is None else [both.alerts]), *([] if NO_TRACKS in both.lack else both.baselines)]
    most = max((float(one.minutes.sum()) for one in alarms), default=0.0)
    if not most:
        return ""
    rows = []
    for one in alarms:
        total, waste = float(one.minutes.sum()), float(one.unneeded.sum())
        missed = f"{percent(one.missed())} %" if len(one.late) else ""
        rows.append(Row(one.name, ((total - waste, 0), (waste, 3)), missed))
    return bars(rows, axis(0, most, "minutes"), "h-alarms")


def coverage_bars(both: Pooled) -> str:
    """Return for each site what part of its attacks was covered, and of the raid near it not watched."""
    if not both.blind:
        return ""
    rows = []
    for name, of in worst_sites(both):
        known = both.attacks.covered[of]
        if len(known):
            rows.append(_share(name, float(np.mean(known >= ENOUGH)), 4))
            rows.append(_share("", float(np.mean(both.attacks.twice[of] >= ENOUGH)), 6))
        seconds, dark = both.blind.get(name, (0.0, 0.0))
        if seconds:
            rows.append(_share("" if len(known) else name, dark / seconds, 2))
    return bars(rows, PERCENT._replace(word="percent"), "h-coverage") if rows else ""


def _share(name: str, part: float, colour: int) -> Row:
    return Row(name, ((100 * part, colour),), f"{percent(part)} %")
