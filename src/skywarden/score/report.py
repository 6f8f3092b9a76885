"""The report page: one HTML file with everything in it, in English and Ukrainian, without any request."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import NamedTuple

from skywarden.score import report_plots as plots
from skywarden.score.attacks import Fate
from skywarden.score.figure import Figure
from skywarden.score.lacking import NO_TRACKS
from skywarden.score.measures import MEASURES, REASONS, distance
from skywarden.score.pooled import Pooled, pooled
from skywarden.score.readable import interval, percent, value
from skywarden.score.report_map import shown
from skywarden.score.report_script import SCRIPT
from skywarden.score.report_style import STYLE
from skywarden.score.verdict import Judged
from skywarden.score.words import both as in_both
from skywarden.score.words import word

Legend = Sequence[tuple[int | None, str]]  # colour, key of its word
FATES: Legend = ((0, "in_time"), (1, "late"), (2, "not_tracked"), (3, "not_covered"))


def page(judged: Sequence[Judged], found: Sequence[Figure]) -> str:
    """Return the page of one or several judged raids. found: their figures, shown as a table.

    Curves over time and the map are of the first raid; all else is of all raids together.
    """
    together, first = pooled(judged), judged[0]
    style, script = STYLE.strip(), SCRIPT.strip()
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    data = shown(first).decode().replace("<", "\\u003c")
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>skywarden: {escape(first.case.name)}</title><style>{style}</style></head>",
        f'<body class="english">{_header(judged, together)}<main>',
        *_sections(judged, together),
        _table(found),
        f'</main><script type="application/json" id="data">{data}</script><script>{script}</script></body></html>',
    ]
    return "".join(parts)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _header(judged: Sequence[Judged], together: Pooled) -> str:
    names = escape(", ".join(one.case.name for one in judged))
    several = f" {word('raids-together')} {len(judged)}. {word('first-raid')}" if len(judged) > 1 else ""
    total, warned = len(together.attacks.fate), int((together.attacks.fate == Fate.IN_TIME).sum())
    said = f"<b>{warned} / {total}</b> {word('in-time-of')}" if total else word("nothing-attacks")
    if together.alerts is None:
        said = word("no-alerts")
    elif together.site_minutes:
        said += f" <b>{percent(together.alarm_part(together.alerts))} %</b> {word('alarm-part')}"
    if NO_TRACKS in together.lack:
        said += f" {word('no-tracks')}"
    switch = '<button id="language" type="button"><span class="en" lang="uk">Українською</span>'
    switch += '<span class="uk" lang="en">In English</span></button>'
    return (
        f'<header><h1>{word("title")}</h1>{switch}</header><p class="dim">{names}. {word("made")}{several}</p>'
        f'<p class="lead">{said}</p>'
    )


class Part(NamedTuple):
    """One drawing of the page. key: of its heading; about: how the names of its measures begin; nothing: key of what is
    said where there is nothing to draw."""

    key: str
    legend: Legend
    about: tuple[str, ...]
    nothing: str


_INTERVALS: Legend = ((1, "interval-50"), (4, "interval-80"), (0, "interval-95"), (-3, "wanted"))
_PARTS: Legend = ((4, "localisation"), (1, "missed"), (2, "false"))
_COUNTS: Legend = ((7, "targets"), (0, "followed"), (-4, "tracks"), (2, "spare"))
_COVERAGE: Legend = ((4, "covered"), (6, "covered_twice"), (2, "blind"))
DISTANCES = {"level": f", {word('level')}", "space": f", {word('space')}", "-": ""}
_MARK = '<rect class="c{}" width="16" height="10"/>'
_DASHES = '<path class="line s{} dashed" d="M0 5H16"/>'
PARTS = (
    Part("verdict", FATES, ("attacks.",), "nothing-attacks"),
    Part("leads", (*FATES, (4, "own"), (-3, "need")), ("lead.",), "nothing-attacks"),
    Part("alarms", ((0, "needed"), (3, "unneeded"), (None, "missed-rate")), ("alarm.", "baseline."), "nothing-alerts"),
    Part("inside", _INTERVALS, ("arrival.inside", "arrival.crps"), "nothing-arrivals"),
    Part("reliability", ((-3, "wanted"),), ("arrival.happened", "arrival.brier"), "nothing-arrivals"),
    Part("gospa", _PARTS, ("gospa.", "ospa.", "trajectory."), "nothing-tracks"),
    Part("counts", _COUNTS, ("followed.", "nuisance.", "siap.", "segments.", "first_track."), "nothing-tracks"),
    Part("errors", ((4, "box"),), ("error.", "class."), "nothing-tracks"),
    Part("coverage", _COVERAGE, ("blind.", "attacks.covered"), "nothing-coverage"),
)  # fmt: skip


def _sections(judged: Sequence[Judged], together: Pooled) -> list[str]:
    """Return all sections in the order of PARTS, the map after the second."""
    first = judged[0]
    drawn = (
        plots.verdict_bars(together),
        plots.lead_dots(judged),
        plots.alarm_bars(together),
        plots.interval_dots(together),
        plots.reliability_dots(together),
        plots.gospa_areas(first),
        plots.count_lines(first),
        plots.error_spreads(together),
        plots.coverage_bars(together),
    )
    sections = [_section(part, svg, _nothing(part, together)) for part, svg in zip(PARTS, drawn, strict=True)]
    return [*sections[:2], _map(first), *sections[2:]]


def _nothing(part: Part, together: Pooled) -> str:
    """Return the key of what is said where there is nothing to draw."""
    warning = part.key in ("verdict", "leads", "alarms")
    return "no-alerts" if warning and together.alerts is None else part.nothing


def _section(part: Part, drawn: str, nothing: str) -> str:
    inside = f"{_legend(part.legend)}{drawn}" if drawn else f'<p class="dim">{word(nothing)}</p>'
    return f'<section><h2 id="h-{part.key}">{word(part.key)}</h2>{inside}{_definitions(part.about)}</section>'


def _legend(legend: Legend) -> str:
    """Return the legend; a negative colour is a dashed line, None has no mark."""
    items = []
    for colour, key in legend:
        shape = "" if colour is None else _MARK.format(colour) if colour >= 0 else _DASHES.format(-colour)
        mark = f'<svg viewBox="0 0 16 10" aria-hidden="true">{shape}</svg>' if shape else ""
        items.append(f"<li>{mark}{word(key)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def _definitions(about: tuple[str, ...]) -> str:
    rows = [
        f"<dt>{name}{f' [{row.unit}]' if row.unit not in ('', '1') else ''}{DISTANCES[distance(name)]}</dt>"
        f"<dd>{in_both(row.english, row.ukrainian)} <i>{escape(row.source)}</i></dd>"
        for name, row in MEASURES.items()
        if name.startswith(about)
    ]
    return f"<details><summary>{word('definition')}</summary><dl>{''.join(rows)}</dl></details>"


def _map(one: Judged) -> str:
    options = "".join(f'<option value="{row}">{escape(site.name)}</option>' for row, site in enumerate(one.case.sites))
    marks = (
        ('<circle class="line s1" cx="8" cy="5" r="4"/>', "true-raid"),
        ('<circle class="line s3" cx="8" cy="5" r="4"/>', "true-other"),
        ('<circle class="line s5" cx="8" cy="5" r="2.5"/>', "true-nuisance"),
        ('<path class="line s4" d="M4 5H12M8 1V9"/>', "track-own"),
        ('<path class="line s2" d="M4 1L12 9M4 9L12 1"/>', "track-spare"),
        ('<path class="line s5" d="M4 5H12M8 1V9"/>', "track-nuisance"),
        ('<circle class="line s7" cx="8" cy="5" r="4"/>', "site"),
        ('<path class="line s3" d="M8 1L12 9H4Z"/>', "sensor"),
        ('<circle class="c3" cx="8" cy="5" r="1.2"/>', "crowd"),
    )
    items = "".join(
        f'<li><svg viewBox="0 0 16 10" aria-hidden="true">{shape}</svg>{word(key)}</li>' for shape, key in marks
    )
    return (
        f'<section class="wide"><h2 id="h-map">{word("map")}</h2><ul class="legend">{items}</ul>'
        f'<canvas id="canvas" role="img" aria-labelledby="h-map"></canvas><div class="controls">'
        f'<button id="play" type="button" aria-pressed="false"><span id="word-play">{word("play")}</span>'
        f'<span id="word-pause" hidden>{word("pause")}</span></button>'
        f'<label for="moment">{word("moment")}</label><input id="moment" type="range" min="0" max="1" value="0">'
        f'<output id="clock" for="moment"></output><label for="view">{word("view")}</label>'
        f'<select id="view"><option value="">All / Усе</option>{options}</select></div>'
        f'<p class="dim">{word("keys")}</p></section>'
    )


def _table(found: Sequence[Figure]) -> str:
    head = "".join(f"<th>{word(key)}</th>" for key in ("name", "of", "value", "unit", "interval", "source"))
    rows = []
    for one in found:
        number, unit = value(one)
        error = escape(interval(one)) if one.value is not None else in_both(one.reason, REASONS[one.reason])
        cells = (one.name, escape(one.of), escape(number), unit, error, escape(one.source))
        kinds = ("", "", ' class="n"', "", "", "")
        rows.append("".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, cells, strict=True)))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<section class="wide"><details><summary>{word("figures")}</summary><div class="scroll"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details></section>"
    )
