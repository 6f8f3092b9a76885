"""`skywarden score` as people use it."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import small_raid
from test_cli import Cli

from skywarden.score.lacking import NO_ALERTS, NO_TRACKS
from skywarden.score.words import WORDS

FLIGHTS, OTHERS = small_raid.raid(6, 6), small_raid.raid(7, 6)
BENCH = {
    "meta.json": '{"dim": 2, "gospa": {"c": 100.0, "p": 2.0}}',
    "truth.csv": "t,id,x,vx,y,vy\n" + "".join(f"{t},1,{10 * t},10,0,0\n" for t in range(20)),
    "tracks.csv": "scan,t,track,x,vx,y,vy\n" + "".join(f"{t},{t},7,{10 * t},10,3,0\n" for t in range(20)),
}


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(monkeypatch, capsysbinary)


def write(directory: str, files: dict[str, bytes]) -> None:
    Path(directory).mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (Path(directory) / name).write_bytes(data)


def spread(directory: str, seed: int = 1, flights: list[small_raid.Flight] = FLIGHTS) -> None:
    """Write the scenario into one directory and the system's tables into `tables` in it."""
    files = small_raid.files(flights, seed)
    tables = {name: files.pop(name) for name in ("tracks.csv", "alerts.csv", "arrivals.csv")}
    write(directory, files)
    write(f"{directory}/tables", tables)


def values(said: str) -> dict[tuple[str, str], float | None]:
    return {(one["name"], one.get("of", "")): one["value"] for one in json.loads(said)["figures"]}


def test_score_prints_every_figure_with_its_unit_and_definition(cli: Cli) -> None:
    spread("raid")
    found = json.loads(cli.good("score", "raid", "raid/tables", "--json"))["figures"]
    assert all({"name", "value", "unit", "definition", "source"} <= set(one) for one in found)
    parts = values(json.dumps({"figures": found}))
    fates = [parts[f"attacks.{name}", ""] for name in ("in_time", "late", "not_tracked", "not_covered")]
    assert sum(fates) == pytest.approx(1)
    assert parts["attacks.count", ""] == sum(flight.raid and not flight.miss for flight in FLIGHTS)
    assert "attacks.in_time" in cli.good("score", "raid", "raid/tables")


def test_score_writes_the_page_and_is_the_same_twice(cli: Cli) -> None:
    spread("raid")
    for name in ("a.html", "b.html"):
        assert f"wrote {name}" in cli("score", "raid", "raid/tables", "--html", name).err
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()
    assert Path("a.html").read_text().startswith("<!doctype html>")


def test_the_tables_may_stand_alone(cli: Cli) -> None:
    spread("raid")
    Path("raid/tables/alerts.csv").rename("mine.csv")
    without = values(cli.good("score", "raid", "raid/tables/tracks.csv", "--json"))
    with_alerts = values(cli.good("score", "raid", "raid/tables/tracks.csv", "--alerts", "mine.csv", "--json"))
    assert without["attacks.in_time", ""] is None
    assert with_alerts["attacks.in_time", ""] > 0


def test_several_raids_are_judged_together(cli: Cli) -> None:
    spread("one")
    spread("two", flights=OTHERS)
    single = [
        values(cli.good("score", name, f"{name}/tables", "--json"))["attacks.count", ""] for name in ("one", "two")
    ]
    together = values(cli.good("score", "one", "one/tables", "two", "two/tables", "--json"))
    assert together["attacks.count", ""] == sum(single)
    assert ("gospa.rms", "one") in together


def test_one_raid_does_not_count_as_two(cli: Cli) -> None:
    spread("one")
    spread("copy", 2)  # the same flights, another system's tables
    Path("link").symlink_to("one")
    for again in ("one", "./copy/../one", "link"):
        said = cli.bad(2, "score", "one", "one/tables", again, "copy/tables")
        assert "is given twice. Give each raid once: errors are drawn over whole raids" in said
    said = cli.bad(2, "score", "one", "one/tables", "copy", "copy/tables")
    assert "copy is the same raid as one" in said


def test_with_several_raids_a_fault_is_named_with_its_path(cli: Cli) -> None:
    spread("one")
    spread("two", flights=OTHERS)
    both = ("score", "one", "one/tables", "two", "two/tables")
    path = Path("two/tables/tracks.csv")
    head, first, rest = path.read_text().split("\n", 2)
    path.write_text("\n".join([head, first.replace(",T1,", ",T1,9"), rest]))
    assert "two/tables/tracks.csv, line 2, column latitude: must be a number" in cli.bad(1, *both)
    Path("two/targets.json").write_text("[]")
    assert "two/targets.json: has no " in cli.bad(1, *both)
    spread("two", flights=OTHERS)
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *(f"{int(row[:19]) - 5 * 3600 * 10**9}{row[19:]}" for row in rows)]))
    assert "two/tables/tracks.csv: no track is within half a step" in cli.bad(2, *both)


def test_spoiled_coverage_is_refused_in_words_of_our_own(cli: Cli) -> None:
    spread("raid")
    path = Path("raid/coverage.npy")
    whole = path.read_bytes()
    pickled = BytesIO()
    np.save(pickled, np.array([{}]))
    for data in (b"garbage", whole[:200], whole[:-7], pickled.getvalue(), whole.replace(b"<u2", b"<x2")):
        path.write_bytes(data)
        said = cli.bad(1, "score", "raid", "raid/tables")
        assert "raid/coverage.npy: " in said
        assert "write it" in said
        assert "pickle" not in said


def test_without_sites_only_tracks_are_judged(cli: Cli) -> None:
    spread("raid")
    Path("raid/sites.json").write_text("[]")
    assert "is not in sites.json, which has none" in cli.bad(1, "score", "raid", "raid/tables")
    Path("raid/tables/alerts.csv").write_text("time_ns,site,track,event\n")
    Path("raid/tables/arrivals.csv").unlink()
    found = values(cli.good("score", "raid", "raid/tables", "--json", "--html", "a.html"))
    assert found["attacks.count", ""] == 0
    assert found["alarm.minutes", ""] is None
    assert found["siap.completeness", ""] > 0.5


def test_without_a_table_of_alerts_nothing_is_said_of_warnings(cli: Cli) -> None:
    spread("raid")
    path = Path("raid/tables/alerts.csv")
    head = path.read_text().splitlines()[0]
    path.unlink()
    done = cli("score", "raid", "raid/tables", "--html", "a.html")
    assert "there is no raid/tables/alerts.csv, so nothing is said of warnings" in done.err
    for name in ("attacks.in_time", "lead.median", "alarm.minutes", "alarm.flood"):
        assert re.search(rf"{name} +- +\(no table of alerts\)", done.out.decode()), name
    assert all(text in Path("a.html").read_text() for text in (*WORDS["no-alerts"], *NO_ALERTS))
    assert "warned of in time." not in Path("a.html").read_text().partition("<main>")[0]
    path.write_text(head + "\n")
    never = values(cli.good("score", "raid", "raid/tables", "--json"))
    assert (never["attacks.in_time", ""], never["alarm.minutes", ""]) == (0, 0)
    assert never["baseline.saved", "district"] == 1  # it never warned, which saves all minutes ...
    assert never["baseline.fair", "district"] == 0  # ... and is not better


def test_tracks_without_rows_are_said_to_have_none(cli: Cli) -> None:
    spread("raid")
    path = Path("raid/tables/tracks.csv")
    path.write_text(path.read_text().splitlines()[0] + "\n")
    done = cli("score", "raid", "raid/tables", "--html", "a.html")
    assert (done.code, "raid/tables/tracks.csv has no rows" in done.err) == (0, True)
    assert all(text in Path("a.html").read_text() for text in (*WORDS["no-tracks"], *NO_TRACKS))
    write("bench", {name: text.encode() for name, text in BENCH.items()})
    Path("bench/tracks.csv").write_text("scan,t,track,x,vx,y,vy\n")
    done = cli("score", "bench", "bench/tracks.csv")
    assert "bench/tracks.csv has no rows" in done.err
    assert re.search(r"siap\.position_accuracy +- +\(no tracks\)", done.out.decode())


def test_tracks_without_a_height_are_said_to_be_doubtful(cli: Cli) -> None:
    spread("raid")
    path = Path("raid/tables/tracks.csv")
    assert "height_m" not in cli("score", "raid", "raid/tables").err
    head, *rows = path.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    path.write_text("\n".join([head, *(",".join([*row[:4], "3000", *row[5:]]) for row in cells)]))
    assert "is further in space at 100 %: is height_m right?" in cli("score", "raid", "raid/tables").err


def test_tracks_of_another_time_are_refused_with_what_to_do(cli: Cli) -> None:
    spread("raid")
    rows = Path("raid/tables/tracks.csv").read_text().splitlines()
    later = [rows[0], *(f"{int(row[:19]) + 3 * 3600 * 10**9}{row[19:]}" for row in rows[1:])]
    Path("late.csv").write_text("\n".join(later))
    done = cli("score", "raid", "late.csv")
    assert done.code == 2
    assert "are these the tracks of another run?" in done.err


@pytest.mark.parametrize("listed", [None, "[]"])
def test_without_sensors_nothing_is_said_of_coverage(cli: Cli, listed: str | None) -> None:
    spread("raid")
    Path("raid/sensors.json").unlink()
    if listed is not None:
        Path("raid/sensors.json").write_text(listed)
    found = cli.good("score", "raid", "raid/tables", "--json")
    Path("raid/coverage.npy").unlink()
    assert found == cli.good("score", "raid", "raid/tables", "--json")


@pytest.mark.parametrize(("name", "hours"), [("alerts", 3), ("arrivals", 3), ("alerts", -30), ("arrivals", -30)])
def test_warnings_of_another_time_are_refused_with_their_file(cli: Cli, name: str, hours: int) -> None:
    spread("raid")
    path = Path(f"raid/tables/{name}.csv")
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *(f"{int(row[:19]) + hours * 3600 * 10**9}{row[19:]}" for row in rows)]))
    said = cli.bad(2, "score", "raid", "raid/tables")
    assert f"{name}.csv: no row is in the time of the truth" in said
    assert f"are these the {name} of another run?" in said
    path.write_text(head + "\n")
    cli.good("score", "raid", "raid/tables")


def test_a_target_that_is_not_listed_is_named(cli: Cli) -> None:
    spread("raid")
    path = Path("raid/targets.json")
    listed = json.loads(path.read_text())
    path.write_text(json.dumps(listed[1:]))
    said = cli.bad(1, "score", "raid", "raid/tables")
    assert f"targets.json: has no {listed[0]['target']}, but truth.csv has" in said
    path.write_text("[]")
    assert f"and {len(listed) - 1} more, but truth.csv has" in cli.bad(1, "score", "raid", "raid/tables")


@pytest.mark.parametrize(("column", "value"), [("target", 999), ("sensor", 999), ("pd", np.nan), ("pd", 1.5)])
def test_coverage_of_what_does_not_exist_is_refused(cli: Cli, column: str, value: float) -> None:
    spread("raid")
    rows = np.load("raid/coverage.npy")
    rows[column][3] = value
    np.save("raid/coverage.npy", rows)
    assert f"coverage.npy, column {column}: row 3 (from 0)" in cli.bad(1, "score", "raid", "raid/tables")


@pytest.mark.parametrize("cutoff", ["inf", "nan", "-5", "0", "1e9"])
def test_a_cutoff_that_is_no_distance_is_refused_with_what_to_write(cli: Cli, cutoff: str) -> None:
    spread("raid")
    assert "write metres from 1 to 100000, such as 500" in cli.bad(
        2, "score", "raid", "raid/tables", "--cutoff", cutoff
    )


def test_mistakes_are_named(cli: Cli) -> None:
    spread("raid")
    assert cli("score", "raid").code == 2
    done = cli("score", "raid", "nothing.csv")
    assert (done.code, "nothing.csv cannot be read" in done.err) == (2, True)
    Path("raid/tables/tracks.csv").write_text("time_ns,track\n")
    done = cli("score", "raid", "raid/tables")
    assert done.code == 1
    assert "tracks.csv, line 1: the header has no latitude" in done.err
    assert cli("score", "raid", "raid/tables", "raid", "raid/tables", "--alerts", "a.csv").code == 2


def test_the_layout_of_the_tracking_benchmark_is_scored_too(cli: Cli) -> None:
    write("bench", {name: text.encode() for name, text in BENCH.items()})
    found = values(cli.good("score", "bench", "bench/tracks.csv", "--json"))
    assert found["gospa.rms", ""] == pytest.approx(3.0)  # 3 m beside the target at every time
    assert found["siap.completeness", ""] == pytest.approx(1.0)
    assert cli("score", "bench", "bench/tracks.csv", "--html", "a.html").code == 2
