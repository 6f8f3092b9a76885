"""The bench of registration on a run or two: that its parts run, and that what they show holds there too."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import registration as bench


@pytest.mark.parametrize("part, wanted", [("relative", "said to be relative 1 of 1"), ("displaced", "100% |")])
def test_a_part_says_what_it_shows(part: str, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    bench.PARTS[part](1, 7)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 4
    assert wanted in "\n".join(lines)


def test_no_jump_is_found_in_a_quiet_hour_and_all_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    bench.quiet(1, 7)
    bench.knock(1, 7)
    said = capsys.readouterr().out
    assert said.count(": 0 in ") == 3
    assert said.count(": 100% |") == 3
