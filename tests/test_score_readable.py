"""Figures as text: aligned, under headings, in units and digits that a person reads."""

import re

import numpy as np
import pytest
import small_raid

from skywarden.score.figure import Figure, figure
from skywarden.score.figures import figures
from skywarden.score.measures import MEASURES
from skywarden.score.readable import HEADINGS, digits, interval, percent, to_text, value
from skywarden.score.verdict import verdict


@pytest.fixture(scope="module")
def found() -> list[Figure]:
    files = small_raid.files(small_raid.raid(3, 14))
    return figures(verdict([small_raid.case(files)]), np.random.default_rng(1))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0.0, "0"), (29.0, "29"), (2355.4, "2355"), (99.96, "100"), (45.21, "45.2"), (3.465, "3.46"), (0.2778, "0.278"),
        (0.0025063, "0.00251"), (-0.04975, "-0.0498"), (9.999, "10.0"), (0.99999, "1.00"), (17662.4, "17662"),
    ],
)  # fmt: skip
def test_numbers_have_the_digits_that_say_something(number: float, said: str) -> None:
    assert digits(number) == said


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (0.0, "0"), (1.0, "100"), (0.99999, ">99.9"), (0.00004, "<0.1"), (0.8276, "82.8"), (-0.0498, "-5.0"),
        (0.9987, "99.9"),
    ],
)  # fmt: skip
def test_only_all_is_a_hundred_percent_and_only_nothing_is_none(part: float, said: str) -> None:
    assert percent(part) == said


def test_every_figure_stands_in_the_text_under_one_heading(found: list[Figure]) -> None:
    text = to_text(found)
    names = re.findall(r"^  ([a-z_]+\.\w+)", text, re.MULTILINE)
    assert sorted(names) == sorted(MEASURES)
    lines = [line for line in text.splitlines() if re.match(r" {2,}\S", line)]
    bare = sum(1 for name in MEASURES if all(one.of for one in found if one.name == name))
    assert len(lines) == len(found) + bare
    assert [line for line in text.splitlines() if line and not line.startswith(" ")] == [row[0] for row in HEADINGS]


def test_values_stand_in_one_column(found: list[Figure]) -> None:
    ends = set()
    for line in to_text(found).splitlines():
        number = re.match(r" {2,}\S.*? {2,}([-<>\d.]+|yes|no)(?= |$)", line)
        if number:
            ends.add(number.end())
    assert len(ends) == 1
    assert max(len(line) for line in to_text(found).splitlines()) < 120


def test_parts_are_percent_and_yes_or_no_is_said_so() -> None:
    assert value(figure("attacks.in_time", 0.8276)) == ("82.8", "%")
    assert value(figure("baseline.fair", 1.0)) == ("yes", "")
    assert value(figure("trajectory.exact", 0.0)) == ("no", "")
    assert value(figure("arrival.brier", 0.296)) == ("0.296", "")
    assert value(figure("gospa.rms", 2354.9)) == ("2355", "m")
    assert value(figure("alarm.most_in_10_min", 84)) == ("84", "")


def test_where_there_is_no_value_it_says_why() -> None:
    text = to_text([figure("class.right", np.nan), figure("baseline.duration_p50", np.nan, "district")])
    assert re.search(r"class\.right +- +\(no track states a class\)", text)
    assert re.search(r"district +- +\(none of its alarms ended before the raid did\)", text)
    assert "nan" not in text


def test_an_interval_is_in_the_unit_of_its_value(found: list[Figure]) -> None:
    one = next(figure for figure in found if figure.name == "attacks.in_time" and not figure.of)
    assert one.low is not None
    assert interval(one) == f"[{percent(one.low)}, {percent(one.high or 0)}] % over 3 waves"


def test_every_reason_for_no_value_is_in_both_languages() -> None:
    for name, row in MEASURES.items():
        assert not re.search("[а-яіїєґ]", row.empty[0]), name
        assert re.search("[а-яіїєґ]", row.empty[1]), name
