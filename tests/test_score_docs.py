"""docs/scoring.md has a row for every figure, with its unit, definition and source, and says the right numbers."""

from pathlib import Path

from skywarden.score.alarms import AHEAD_S, PUBLISHED_MINUTES
from skywarden.score.arrivals import HORIZONS
from skywarden.score.attacks import TRACKED_S
from skywarden.score.baselines import HEADING_S, MISSILE_SPEED, RADII
from skywarden.score.measures import MEASURES

PAGE = (Path(__file__).parent.parent / "docs" / "scoring.md").read_text()


def test_every_figure_has_its_row() -> None:
    rows = [f"| `{name}` | {row.unit or '-'} | {row.english} | {row.source} |" for name, row in MEASURES.items()]
    assert [row for row in rows if row not in PAGE.splitlines()] == []


def test_the_numbers_in_the_text_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    assert f"within {AHEAD_S / 60:.0f} min" in text
    assert f"enters within {HEADING_S:.0f} s" in text
    assert f"faster than {MISSILE_SPEED:.0f} m/s" in text
    assert f"smallest of {len(RADII)} radii from {RADII[0] / 1000:.0f} to {RADII[-1] / 1000:.0f} km" in text
    assert f"for {TRACKED_S:.0f} s" in text
    assert f"({', '.join(f'{horizon / 60:.0f}' for horizon in HORIZONS)} min)" in text
    assert f"median {PUBLISHED_MINUTES['p50']} min, 90 % {PUBLISHED_MINUTES['p90']} min" in text
