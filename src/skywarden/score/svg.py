"""Small drawings for the report page: axes with round numbers, lines, areas, bars and dots as SVG text.

Colours are classes of the page's style (`c0` to `c7`, Okabe-Ito), so that they follow light and dark.
"""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64
from skywarden.score.words import WORDS

WIDTH = 480.0  # px of a drawing; narrow, so that its letters can be read on a phone
LEFT, RIGHT, TOP, BOTTOM = 72.0, 14.0, 14.0, 42.0  # px, margins round the plotting area


class Axis(NamedTuple):
    """One axis. low, high: its ends; ticks: where numbers stand; word: key of its title in the table of words."""

    low: float
    high: float
    ticks: tuple[float, ...]
    word: str = ""


class Frame(NamedTuple):
    """A plotting area with its two axes. width, height: px of the whole drawing."""

    x: Axis
    y: Axis
    width: float = WIDTH
    height: float = 240.0

    def across(self, value: float) -> float:
        """Return px from the left of a value on the x axis."""
        inner = self.width - LEFT - RIGHT
        return LEFT + inner * (value - self.x.low) / (self.x.high - self.x.low)

    def down(self, value: float) -> float:
        """Return px from the top of a value on the y axis."""
        inner = self.height - TOP - BOTTOM
        return self.height - BOTTOM - inner * (value - self.y.low) / (self.y.high - self.y.low)


def axis(low: float, high: float, word: str = "", wanted: int = 6) -> Axis:
    """Return an axis that holds [low, high], with about `wanted` steps of 1, 2 or 5 times a power of ten."""
    if not (isfinite(low) and isfinite(high)):
        low, high = 0.0, 1.0
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / max(wanted, 1)
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return Axis(first * step, last * step, tuple(k * step for k in range(first, last + 1)), word)


def span(low: float, high: float, word: str = "") -> Axis:
    """Return an axis from low to high exactly, with the round numbers between them."""
    round_ = axis(low, high, word)
    if not (isfinite(low) and isfinite(high)) or high <= low:
        return round_
    edge = (high - low) * 1e-9
    return Axis(low, high, tuple(tick for tick in round_.ticks if low - edge <= tick <= high + edge), word)


def number(value: float) -> str:
    """Return a number as an axis shows it: no more digits than needed, thousands apart."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.4g}"


def drawing(frame: Frame, marks: Sequence[str], label: str) -> str:
    """Return the whole SVG: grid, axes, marks on it. label: id of the heading that names it for screen readers."""
    right, base = frame.width - RIGHT, frame.height - BOTTOM
    parts = [canvas(frame.width, frame.height, label)]
    for tick in frame.y.ticks:
        y = frame.down(tick)
        parts.append(f'<path class="grid" d="M{LEFT:g} {y:.1f}H{right:g}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
    for tick in frame.x.ticks:
        x = frame.across(tick)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP:g}V{base:g}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{base + 16:g}" text-anchor="middle">{number(tick)}</text>')
    middle = (LEFT + right) / 2
    parts.append(text(frame.x.word, middle, frame.height - 4, "middle", "title"))
    parts.append(f'<g transform="translate(13 {(TOP + base) / 2:g}) rotate(-90)">')
    parts.append(text(frame.y.word, 0, 0, "middle", "title") + "</g>")
    return "".join([*parts, *marks, "</svg>"])


def canvas(width: float, height: float, label: str) -> str:
    """Return the opening of an SVG of a size in px, named by the heading with the id `label`."""
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{escape(label)}">'


def text(word: str, x: float, y: float, anchor: str = "start", kind: str = "tick") -> str:
    """Return a text in both languages if `word` is a key of WORDS, else as it stands."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    if word not in WORDS:
        return f'<text class="{kind}" {place}>{escape(word)}</text>'
    english, ukrainian = WORDS[word]
    return (
        f'<text class="{kind} en" {place}>{escape(english)}</text>'
        f'<text class="{kind} uk" {place}>{escape(ukrainian)}</text>'
    )


def line(frame: Frame, x: F64, y: F64, colour: int, dashed: bool = False) -> str:
    """Return a line through points (n,), broken where y is not finite."""
    path, pen = [], "M"
    for one, other in zip(x.tolist(), y.tolist(), strict=True):
        if not isfinite(other):
            pen = "M"
            continue
        path.append(f"{pen}{frame.across(one):.1f} {frame.down(other):.1f}")
        pen = "L"
    return f'<path class="line s{colour}{" dashed" if dashed else ""}" d="{"".join(path)}"/>'


def areas(frame: Frame, x: F64, heights: F64, colours: Sequence[int]) -> list[str]:
    """Return areas stacked on each other. heights: (k, n), one row per area from below."""
    top = np.cumsum(np.vstack([np.zeros((1, heights.shape[1])), np.nan_to_num(heights)]), axis=0)
    found = []
    for low, high, colour in zip(top[:-1], top[1:], colours, strict=True):
        there = [f"{frame.across(a):.1f} {frame.down(b):.1f}" for a, b in zip(x.tolist(), high.tolist(), strict=True)]
        back = [f"{frame.across(a):.1f} {frame.down(b):.1f}" for a, b in zip(x.tolist(), low.tolist(), strict=True)]
        found.append(f'<path class="c{colour}" d="M{"L".join([*there, *reversed(back)])}Z"/>')
    return found


def box(corner: tuple[float, float], opposite: tuple[float, float], colour: int, hint: str = "") -> str:
    """Return a filled box between two corners (x, y) in px. hint: what is shown when the pointer rests on it."""
    (left, right), (top, bottom) = sorted((corner[0], opposite[0])), sorted((corner[1], opposite[1]))
    size = f'width="{max(right - left, 0):.1f}" height="{max(bottom - top, 0):.1f}"'
    said = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<rect class="c{colour}" x="{left:.1f}" y="{top:.1f}" {size}>{said}</rect>'


def dot(frame: Frame, x: float, y: float, colour: int, hint: str = "") -> str:
    """Return a dot at a point of the plotting area."""
    said = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<circle class="c{colour} dot" cx="{frame.across(x):.1f}" cy="{frame.down(y):.1f}" r="4.5">{said}</circle>'


def whisker(frame: Frame, x: float, low: float, high: float, colour: int) -> str:
    """Return an upright line from low to high, with feet: an interval."""
    a, top, bottom = frame.across(x), frame.down(high), frame.down(low)
    feet = f"M{a - 4:.1f} {top:.1f}h8M{a - 4:.1f} {bottom:.1f}h8"
    return f'<path class="line s{colour}" d="M{a:.1f} {top:.1f}V{bottom:.1f}{feet}"/>'


class Row(NamedTuple):
    """One row of bars. name: key or text at its left; parts: (value, colour) from the left; note: at its right."""

    name: str
    parts: tuple[tuple[float, int], ...]
    note: str = ""


ROW, NAMES, NOTES = 34.0, 158.0, 62.0  # px: height of a row, room for names at the left and for notes at the right
LETTER = 7.8  # px, width of a letter at the size of the page


def bars(rows: Sequence[Row], x: Axis, label: str, width: float = WIDTH) -> str:
    """Return rows of stacked bars as one SVG. A part is written into its bar where it has room."""
    height = ROW * len(rows) + BOTTOM
    right, base = width - NOTES, ROW * len(rows)
    per = (right - NAMES) / (x.high - x.low)
    parts = [canvas(width, height, label)]
    for tick in x.ticks:
        across = NAMES + per * (tick - x.low)
        parts.append(f'<path class="grid" d="M{across:.1f} 0V{base:g}"/>')
        parts.append(text(number(tick), across, base + 15, "middle"))
    for place, row in enumerate(rows):
        top, left = place * ROW + 5, NAMES
        parts.append(label_of(row.name, top + 17))
        for value, colour in row.parts:
            wide, said = per * value, number(round(value, 1))
            parts.append(box((left, top), (left + wide, top + ROW - 10), colour, said))
            if wide > LETTER * len(said) + 8 and not (row.note and len(row.parts) == 1):
                parts.append(text(said, left + wide / 2, top + 17, "middle", "inbar"))
            left += wide
        parts.append(text(row.note, left + 8, top + 17))
    parts.append(text(x.word, (NAMES + right) / 2, height - 5, "middle", "title"))
    return "".join([*parts, "</svg>"])


def label_of(name: str, y: float) -> str:
    """Return the name at the left of a row, a long one in two lines and shown whole when the pointer rests on it."""
    if short(name) == name:
        return text(name, NAMES - 8, y, "end")
    most = int((NAMES - 8) / LETTER)
    space = name.rfind(" ", 0, most + 1)
    lines = (name[:space], name[space + 1 :]) if space > 0 else (name,)
    rise = y - 7 * (len(lines) - 1)
    shown = [text(short(part), NAMES - 8, rise + 14 * place, "end") for place, part in enumerate(lines)]
    return f"<g><title>{escape(name)}</title>{''.join(shown)}</g>"


def short(name: str) -> str:
    """Return a name cut to what has room at the left of bars in one line; keys of WORDS have room."""
    most = int((NAMES - 8) / LETTER)
    return name if name in WORDS or len(name) <= most else name[: most - 1] + "…"


class Spread(NamedTuple):
    """One row of a distribution. name: at its left; low, middle, high: ends of the line and the dot on it."""

    name: str
    low: float
    middle: float
    high: float


def spreads(rows: Sequence[Spread], x: Axis, label: str, colour: int) -> str:
    """Return rows of level lines with a dot each as one SVG."""
    base, right = ROW * len(rows), WIDTH - RIGHT
    per = (right - NAMES) / (x.high - x.low)
    parts = [canvas(WIDTH, base + BOTTOM, label)]
    for tick in x.ticks:
        across = NAMES + per * (tick - x.low)
        parts.append(f'<path class="grid" d="M{across:.1f} 0V{base:g}"/>')
        parts.append(text(number(tick), across, base + 15, "middle"))
    for place, row in enumerate(rows):
        low, middle, high = (NAMES + per * (value - x.low) for value in (row.low, row.middle, row.high))
        at = (place + 0.5) * ROW
        parts.append(label_of(row.name, at + 4))
        parts.append(f'<path class="line s{colour}" d="M{low:.1f} {at:g}H{high:.1f}M{low:.1f} {at - 4:g}v8"/>')
        parts.append(f'<path class="line s{colour}" d="M{high:.1f} {at - 4:g}v8"/>')
        hint = f"<title>{escape(row.name)}: {row.middle:.0f}</title>"
        parts.append(f'<circle class="c{colour} dot" cx="{middle:.1f}" cy="{at:g}" r="4.5">{hint}</circle>')
    parts.append(text(x.word, (NAMES + right) / 2, base + BOTTOM - 5, "middle", "title"))
    return "".join([*parts, "</svg>"])


def thinned(x: F64, y: F64, most: int = 400) -> tuple[F64, F64]:
    """Return at most `most` points of a curve, x (n,), y (k, n): the means of equal pieces."""
    if len(x) <= most:
        return x, y
    edges = np.linspace(0, len(x), most + 1).astype(int)
    size = np.diff(edges)
    return np.add.reduceat(x, edges[:-1]) / size, np.add.reduceat(y, edges[:-1], axis=1) / size
