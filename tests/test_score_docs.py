"""docs/scoring.md has a row for every figure, with its unit, definition and source, and says the right numbers."""

import re
from pathlib import Path

from skywarden.model.assessment import CLASSES
from skywarden.score.alarms import AHEAD_S, PUBLISHED_MINUTES
from skywarden.score.arrivals import HORIZONS
from skywarden.score.associations import RULE
from skywarden.score.attacks import TRACKED_S
from skywarden.score.baselines import HEADING_S, MISSILE_SPEED, RADII
from skywarden.score.measures import LEVEL, MEASURES, SPACE, distance
from skywarden.sim.kinds import KINDS

PAGE = (Path(__file__).parent.parent / "docs" / "scoring.md").read_text()


def test_every_figure_has_its_row() -> None:
    rows = [
        f"| `{name}` | {row.unit or '-'} | {distance(name)} | {row.english} | {row.source} |"
        for name, row in MEASURES.items()
    ]
    assert [row for row in rows if row not in PAGE.splitlines()] == []


def test_every_kind_has_its_class_in_the_table_and_no_other_word_stands_there() -> None:
    part = PAGE.partition("## Words of class")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", part, re.MULTILINE))
    assert rows == {kind.value: row.words for kind, row in KINDS.items()}
    assert set(rows.values()) <= set(CLASSES)


def test_the_example_uses_words_that_a_truth_has() -> None:
    example = PAGE.partition("## From Python")[2]
    assert {kind.value for kind in KINDS if kind.value not in CLASSES} & set(re.findall(r"[\w-]+", example)) == set()


def test_every_measure_is_on_the_level_or_in_space_or_needs_no_distance() -> None:
    plain = ("alarm.minutes", "alarm.part", "alarm.most_in_10_min", "alarm.flood", "published.")
    for name in MEASURES:
        assert sum(name.startswith(begin) for begin in (*LEVEL, *SPACE, *plain)) == 1, name


def test_the_rule_of_being_on_a_target_has_the_numbers_of_the_code() -> None:
    part = PAGE.partition("## When a track is on a target")[2].partition("\n## ")[0]
    assert f"nearest at {RULE.confirm} times in a row" in part
    assert f"nearest at {RULE.misses} times in a row" in part
    assert f"of {RULE.confirm} of its times in a row" in MEASURES["siap.completeness"].english
    assert f"at {RULE.misses} in a row" in MEASURES["siap.completeness"].english


def test_the_numbers_in_the_text_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    assert f"within {AHEAD_S / 60:.0f} min" in text
    assert f"enters within {HEADING_S:.0f} s" in text
    assert f"faster than {MISSILE_SPEED:.0f} m/s" in text
    assert f"smallest of {len(RADII)} radii from {RADII[0] / 1000:.0f} to {RADII[-1] / 1000:.0f} km" in text
    assert f"for {TRACKED_S:.0f} s" in text
    assert f"({', '.join(f'{horizon / 60:.0f}' for horizon in HORIZONS)} min)" in text
    assert f"median {PUBLISHED_MINUTES['p50']} min, 90 % {PUBLISHED_MINUTES['p90']} min" in text
