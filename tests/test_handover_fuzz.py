"""Nothing is handed over without a person's fresh decision, whatever comes; for longer: `bench/fuzz_handover.py`.

Some cases of the line, one running installation, and code that is broken on purpose, which must be seen.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

import handover_line
from breaking import DOORS, LINES, broken
from fuzz_handover import door, seen

from skywarden.model.mode import Mode

CASES, SECONDS = 15, 5.0
QUICK = {  # those that few cases show, and the first that does
    "an old proof counts": 5, "any picture hands over": 0, "any hash is taken": 1, "the same twice": 1,
    "nothing is dangerous any more": 1, "a jump of the clock ends nothing": 1, "any role allows a feed": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def test_no_cue_of_the_line_without_a_fresh_decision_and_no_byte_that_is_not_on_the_list() -> None:
    found = sum((handover_line.case(seed) for seed in range(CASES)), start=handover_line.Counter())
    assert found["hand-overs"] > CASES / 2
    assert min(found[name] for name in ("feed messages", "warnings", "end messages", "Lost", "ClockStepped")) > 0


def test_partners_of_a_running_installation_get_what_people_decided_and_no_other_byte() -> None:
    found = door(Mode.LIVE, 1, SECONDS)
    assert found["hand-overs"] > 0
    assert found["spoilt"] > 10


@pytest.mark.parametrize("name", QUICK)
def test_the_fuzz_sees_code_that_is_broken(name: str) -> None:
    for mode in Mode:
        handover_line.begun(mode)  # by code that is whole
    assert seen(LINES[name], handover_line.case, range(QUICK[name], 40))


def test_each_way_to_break_it_fits_the_code_of_today() -> None:
    for changes in (*LINES.values(), *DOORS.values()):
        with broken(changes):
            pass
