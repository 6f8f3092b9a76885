"""Figures that have no value: without alerts, without tracks, without a track on a target; and what heights change."""

from dataclasses import replace

import numpy as np
import pytest
import small_raid
from small_raid import Flight

from skywarden.score import notices, tables
from skywarden.score.case import Case
from skywarden.score.figure import Figure
from skywarden.score.figures import figures
from skywarden.score.lacking import NEEDED, NO_ALERTS, NO_TRACKS
from skywarden.score.measures import SPACE, distance
from skywarden.score.siap import Siap
from skywarden.score.verdict import height_off, verdict

FILES = small_raid.files(small_raid.raid(3, 8))
Values = dict[tuple[str, str], Figure]


def found(*cases: Case) -> Values:
    return {(one.name, one.of): one for one in figures(verdict(cases), np.random.default_rng(1))}


def lifted(files: dict[str, bytes], metres: float) -> dict[str, bytes]:
    """Return the files with all tracks higher: the same places on the level, so the same rows in all else."""
    head, *rows = files["tracks.csv"].decode().splitlines()
    cells = [row.split(",") for row in rows]
    moved = [",".join([*row[:4], f"{float(row[4]) + metres:.1f}", *row[5:]]) for row in cells]
    return files | {"tracks.csv": "\n".join([head, *moved]).encode()}


def alike(one: Figure | None, other: Figure | None) -> bool:
    if one is None or other is None or one.value is None or other.value is None:
        return one == other
    return other.value == pytest.approx(one.value, rel=1e-6, abs=1e-6)


@pytest.fixture(scope="module")
def whole() -> Values:
    return found(small_raid.case(FILES))


@pytest.fixture(scope="module")
def unwarned() -> Values:
    return found(replace(small_raid.case(FILES), alerts=None))


def test_without_alerts_only_what_needs_them_has_no_value(whole: Values, unwarned: Values) -> None:
    for (name, of), one in unwarned.items():
        if name.startswith(NEEDED[NO_ALERTS]):
            assert (one.value, one.low, one.reason) == (None, None, NO_ALERTS[0]), (name, of)
        else:
            assert (one.value, one.reason) == (whole[name, of].value, whole[name, of].reason), (name, of)
    assert {of for _, of in whole} - {of for _, of in unwarned} == {
        "disc-tuned",
        "disc-tuned, Alpha",
        "disc-tuned, Bravo",
    }


def test_a_system_that_never_warned_is_not_one_without_a_table() -> None:
    sites = tables.sites(FILES["sites.json"])
    nothing = notices.alerts(b"time_ns,site,track,event\n", sites)
    values = found(replace(small_raid.case(FILES), alerts=nothing))
    assert values["attacks.in_time", ""].value == 0
    assert values["lead.median", ""].value == 0
    assert values["nuisance.alerts", ""].value == 0


def test_where_one_raid_lacks_alerts_nothing_is_said_of_the_warnings_in_all(whole: Values) -> None:
    other = small_raid.case(small_raid.files([Flight("a", 0, 0.5, 40_000, 50)]), "other")
    values = found(replace(small_raid.case(FILES), alerts=None), other)
    assert (values["attacks.in_time", ""].value, values["attacks.in_time", ""].reason) == (None, NO_ALERTS[0])
    assert values["attacks.count", ""].value == whole["attacks.count", ""].value + 1


def test_without_tracks_no_ratio_of_nothing_reads_as_perfect(whole: Values) -> None:
    head = FILES["tracks.csv"].splitlines()[0]
    values = found(small_raid.case(FILES | {"tracks.csv": head}))
    for (name, of), one in values.items():
        lacks = name.startswith(NEEDED[NO_TRACKS])
        assert (one.value is None and one.reason == NO_TRACKS[0]) == lacks, (name, of)
    for name, value in (
        ("siap.completeness", 0),
        ("followed.part", 0),
        ("first_track.never_flying", 1),
        ("gospa.false", 0),
    ):
        assert values[name, ""].value == value
    assert values["attacks.in_time", ""] == whole["attacks.in_time", ""]  # whose alerts they are does not matter


def test_tracks_on_no_target_have_no_error_of_place() -> None:
    values = found(small_raid.case(lifted(FILES, 5000)))
    for name in ("siap.position_accuracy", "siap.velocity_accuracy", "siap.ambiguity", "segments.longest"):
        assert (values[name, ""].value, "no track was on a target" in values[name, ""].reason) == (None, True)
    assert (values["gospa.localisation", ""].value, values["trajectory.switch", ""].value) == (None, None)
    assert values["siap.spuriousness", ""].value == 1


def test_only_ratios_of_nothing_are_left_out_of_siap() -> None:
    edge = Siap(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # what the peer's rules give without tracks
    assert [name for name, value in edge.told(9, 0)._asdict().items() if not np.isnan(value)] == [
        "completeness",
        "longest_segment",
    ]
    assert np.isnan(edge.told(0, 0)).all()
    assert edge.told(9, 5).spuriousness == 0
    some = Siap(0.5, 1.25, 0.1, 30.0, 4.0, 0.01, 0.4)
    assert some.told(9, 5) == some


def test_wrong_heights_change_what_is_in_space_and_nothing_else(whole: Values) -> None:
    values = found(small_raid.case(lifted(FILES, 900)))
    changed = {key[0] for key in {**whole, **values} if not alike(whole.get(key), values.get(key))}
    assert {distance(name) for name in changed} == {"space"}
    assert [begin for begin in SPACE if not any(name.startswith(begin) for name in changed)] == []
    assert values["first_track.never_flying", ""].value == 1


def test_heights_are_off_where_tracks_are_near_on_the_level_alone() -> None:
    one, higher = (verdict([small_raid.case(files)])[0] for files in (FILES, lifted(FILES, 900)))
    assert height_off(one) < 0.01
    assert height_off(higher) == 1
    assert height_off(higher, 2000.0) == 0
