"""`skywarden score` as people use it."""

import json
from pathlib import Path

import numpy as np
import pytest
import small_raid
from test_cli import Cli

FLIGHTS = small_raid.raid(6, 6)
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


def spread(directory: str, seed: int = 1) -> None:
    """Write the scenario into one directory and the system's tables into `tables` in it."""
    files = small_raid.files(FLIGHTS, seed)
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
    assert without["attacks.in_time", ""] == 0
    assert with_alerts["attacks.in_time", ""] > 0


def test_several_raids_are_judged_together(cli: Cli) -> None:
    spread("one", 1)
    spread("two", 2)
    single = values(cli.good("score", "one", "one/tables", "--json"))
    together = values(cli.good("score", "one", "one/tables", "two", "two/tables", "--json"))
    assert together["attacks.count", ""] == 2 * single["attacks.count", ""]
    assert ("gospa.rms", "one") in together


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
