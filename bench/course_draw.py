"""A drawing of how good forecasts of arrival are: what came of what was said, and what lay in the intervals."""

from collections.abc import Mapping
from pathlib import Path

from course_judge import HORIZONS, INTERVALS, Judged

SIDE, LEFT, TOP, GAP = 260, 56, 34, 90  # px
COLOURS = ("#0072b2", "#d55e00")  # Okabe and Ito, for the colour-blind
SHAPES = ("circle", "rect")  # and shapes, for print
STYLE = "text{font:13px sans-serif;fill:#333} .grid{stroke:#ddd} .goal{stroke:#888;stroke-dasharray:4 3;fill:none}"


def draw(file: Path, found: Mapping[str, Judged]) -> None:
    """Write an SVG with both panels; each set of raids has its colour and its shape of marks."""
    width, height = 2 * SIDE + LEFT + GAP + 20, SIDE + TOP + 64
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">']
    parts += [f"<title>Arrivals: said and come</title><style>{STYLE}</style>"]
    parts.append(f'<rect width="{width}" height="{height}" fill="#fff"/>')
    parts += panel(LEFT, "came, % of those told so", "said, %", {tick: str(tick) for tick in range(0, 101, 20)})
    parts.append(f'<path class="goal" d="M{LEFT} {TOP + SIDE}L{LEFT + SIDE} {TOP}"/>')
    right = LEFT + SIDE + GAP
    places = {10 + 20 * k: f"{minutes} min" for k, minutes in enumerate(HORIZONS)}
    parts += panel(right, "in the 50, 80 and 95 % interval, %", "median of the forecast", places)
    for nominal in INTERVALS:
        parts.append(f'<path class="goal" d="M{right} {down(nominal)}H{right + SIDE}"/>')
    for k, (name, one) in enumerate(found.items()):
        parts += [mark(LEFT, 100 * said, 100 * came, k) for said, came in one.reliability]
        for place, shares in zip(places, one.inside.values(), strict=True):
            parts += [mark(right, place + 5 * k - 2.5, 100 * share, k) for share in shares]
        parts.append(mark(LEFT + 160 * k, 2, -22, k) + label(LEFT + 160 * k + 14, height - 8, name, "start"))
    file.write_text("".join([*parts, "</svg>\n"]))


def panel(left: float, title: str, below: str, places: Mapping[float, str]) -> list[str]:
    """Return grid, numbers and titles of one panel; places: of what stands below it, 0 to 100."""
    parts = [label(left, TOP - 14, title, "start"), label(left + SIDE / 2, TOP + SIDE + 36, below, "middle")]
    for tick in range(0, 101, 20):
        parts.append(f'<path class="grid" d="M{left} {down(tick)}H{left + SIDE}"/>')
        parts.append(label(left - 8, down(tick) + 4, str(tick), "end"))
    return parts + [label(across(left, place), TOP + SIDE + 18, word, "middle") for place, word in places.items()]


def mark(left: float, x: float, y: float, kind: int) -> str:
    x, y = across(left, x), down(y)
    if SHAPES[kind] == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[kind]}"/>'
    return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{COLOURS[kind]}"/>'


def label(x: float, y: float, word: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{word}</text>'


def across(left: float, value: float) -> float:
    return left + SIDE * value / 100


def down(value: float) -> float:
    return TOP + SIDE * (1 - value / 100)
