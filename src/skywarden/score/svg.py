"""Small drawings for the report page: axes with round numbers, lines, areas, bars and dots as SVG text.

Colours are classes of the page's style (`c0` to `c7`, Okabe-Ito), so that they follow light and dark.
"""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64

LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 14.0, 40.0  # px, margins round the plotting area


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
    width: float = 640.0
    height: float = 260.0

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


def number(value: float) -> str:
    """Return a number as an axis shows it: no more digits than needed, thousands apart."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.4g}"


def drawing(frame: Frame, marks: Sequence[str], label: str) -> str:
    """Return the whole SVG: grid, axes, marks on it. label: key of its name for screen readers."""
    right, base = frame.width - RIGHT, frame.height - BOTTOM
    parts = [f'<svg viewBox="0 0 {frame.width:g} {frame.height:g}" role="img" data-label="{escape(label)}">']
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


def text(word: str, x: float, y: float, anchor: str = "start", kind: str = "tick") -> str:
    """Return a text that the page fills in from its table of words; a word that is not in the table stays as it is."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place} data-word="{escape(word)}">{escape(word)}</text>'


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
    return f'<circle class="c{colour} dot" cx="{frame.across(x):.1f}" cy="{frame.down(y):.1f}" r="3.5">{said}</circle>'


def whisker(frame: Frame, x: float, low: float, high: float, colour: int) -> str:
    """Return an upright line from low to high, with feet: an interval."""
    a, top, bottom = frame.across(x), frame.down(high), frame.down(low)
    feet = f"M{a - 4:.1f} {top:.1f}h8M{a - 4:.1f} {bottom:.1f}h8"
    return f'<path class="line s{colour}" d="M{a:.1f} {top:.1f}V{bottom:.1f}{feet}"/>'
