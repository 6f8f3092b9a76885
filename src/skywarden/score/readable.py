"""Figures as a person reads them: percent instead of parts of 1, as many digits as say something, under headings."""

from collections.abc import Iterator, Sequence

from skywarden.score.figure import Figure
from skywarden.score.measure import Form
from skywarden.score.measures import MEASURES

HEADINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Attacks", ("attacks.",)),
    ("Lead time", ("lead.",)),
    ("Alarms", ("alarm.",)),
    ("Baselines: plain alarms made from the same tracks", ("baseline.", "published.")),
    ("Arrival forecasts", ("arrival.",)),
    ("What no sensor watched", ("blind.",)),
    ("Tracks beside targets", ("error.", "followed.")),
    ("Nuisances: birds and noise", ("nuisance.",)),
    ("GOSPA and OSPA", ("gospa.", "ospa.")),
    ("SIAP", ("siap.",)),
    ("Honesty: errors over what tracks state of them", ("nees.",)),
    ("Trajectories", ("trajectory.",)),
    ("Each target", ("first_track.", "segments.")),
    ("Classes", ("class.",)),
)
DEEP = 4  # spaces before what a figure is of


def digits(value: float) -> str:
    """Return a number with three digits, or with all of them before the point; a whole one without a point."""
    if value == round(value) or abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}" if abs(value) >= 0.9995 else f"{value:.3g}"


def percent(part: float) -> str:
    """Return a part of 1 in percent. Only all of it is 100 and only none of it 0."""
    if 0 < part < 0.001:
        return "<0.1"
    if 0.999 < part < 1:
        return ">99.9"
    return f"{100 * part:.0f}" if part in (0, 1) else f"{100 * part:.1f}"


def value(one: Figure) -> tuple[str, str]:
    """Return the value of a figure and the unit in which it is written; "-" where there is none."""
    return _written(one, one.value)


def interval(one: Figure) -> str:
    """Return the interval of a figure with what it was drawn over; "" without one."""
    if one.low is None or one.high is None:
        return ""
    (low, unit), (high, _) = _written(one, one.low), _written(one, one.high)
    return f"[{low}, {high}]{unit and ' ' + unit} over {one.drawn}"


def _written(one: Figure, number: float | None) -> tuple[str, str]:
    if number is None:
        return "-", ""
    form = MEASURES[one.name].form
    if form is Form.YES_NO:
        return ("yes" if number else "no"), ""
    if one.unit == "1" and form is Form.NUMBER:
        return percent(number), "%"
    return digits(number), "" if one.unit == "1" else one.unit


def to_text(found: Sequence[Figure]) -> str:
    """Return the figures as lines under headings: name, value, unit, interval; below a name what it is further of."""
    wide = max([len(one.name) + 2 for one in found] + [len(one.of) + DEEP for one in found], default=0)
    parts = []
    for heading, names in HEADINGS:
        lines = list(_lines([one for one in found if one.name.startswith(names)], wide))
        if lines:
            parts.append("\n".join([heading, *lines]))
    return "\n\n".join(parts) + "\n"


def _lines(found: Sequence[Figure], wide: int) -> Iterator[str]:
    for name in dict.fromkeys(one.name for one in found):
        of_all = [one for one in found if one.name == name]
        if of_all[0].of:
            yield f"  {name}"
        for one in of_all:
            yield _line(one, f"{' ' * DEEP}{one.of}" if one.of else f"  {name}", wide)


def _line(one: Figure, label: str, wide: int) -> str:
    number, unit = value(one)
    after = interval(one) if one.value is not None else f"({one.reason})"
    return f"{label:<{wide}} {number:>9} {unit:<4} {after}".rstrip()
