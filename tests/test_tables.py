"""The tables of a replay: what `score` reads of this system."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from simulated_frames import SECOND, START, written
from typer.testing import CliRunner

from skywarden.cli.app import app
from skywarden.geo.earth import east_north_up, geodetic
from skywarden.model.assessment import CLASSES, Alert, Category, Class, Identity, Threat
from skywarden.model.event import AlertCleared, AlertRaised, AlertUpdated, TrackStates
from skywarden.outputs.tables import HEADS, alerts, arrivals, tracks
from skywarden.pipeline import Line
from skywarden.replay import by_tick
from skywarden.score.tables import SPREAD
from skywarden.service.frames import record_in
from skywarden.track.smooth import LAG
from skywarden.track.states import at

UPPER = np.triu_indices(3)
QUANTILES = {"q025": 0.025, "q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9, "q975": 0.975}


def rows(name: str, text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(HEADS[name] + text)))


def test_a_track_has_a_row_with_its_category_where_one_is_known() -> None:
    states = TrackStates(
        START, [7, 9], [29.5, -1.25], [-45.75, 0.5], [310.2, 5.0], [1.5, 0.0], [-50.0, 2.0], [0.1, 0.0]
    )
    odds = tuple(float(word is Class.HELICOPTER) for word in CLASSES)
    ours = Identity(7, Category.ASSUMED_FRIEND, odds=odds)
    spread = np.arange(18.0).reshape(2, 3, 3) / 3
    first, second = rows("tracks", tracks(states, {7: ours}, ["", 'r, "old"'], spread))
    assert first == {
        "time_ns": str(START),
        "track": "7",
        "latitude": "29.5000000",
        "longitude": "-45.7500000",
        "height_m": "310.2",
        "v_east": "1.5",
        "v_north": "-50.0",
        "v_up": "0.1",
        "class": "helicopter",
        "category": "assumed friend",
        "sensor": "",
        "ee_m2": "0",
        "en_m2": "0.333333333",
        "eu_m2": "0.666666667",
        "nn_m2": "1.33333333",
        "nu_m2": "1.66666667",
        "uu_m2": "2.66666667",
    }
    assert (second["track"], second["category"], second["sensor"]) == ("9", "", 'r, "old"')


def test_alerts_are_told_with_site_and_arrival() -> None:
    alert = Alert('Mill, "old"', 3, START, START + 300 * SECOND, 0, 0, 0.5, START + SECOND)
    events = (AlertRaised(alert), AlertUpdated(alert), AlertCleared(START + 9 * SECOND, "Mill", 3, "gone"))
    raised, updated, cleared = rows("alerts", "".join(map(alerts, events)))
    assert (raised["event"], raised["site"], raised["arrival_ns"]) == ("raised", alert.site, str(alert.arrival))
    assert (updated["event"], updated["time_ns"]) == ("updated", str(alert.updated))
    assert (cleared["event"], cleared["arrival_ns"], cleared["time_ns"]) == ("cleared", "", str(START + 9 * SECOND))


def test_an_arrival_is_told_with_its_quantiles_and_what_is_not_known_is_empty() -> None:
    times = (0.0, 300.0, 350.125, 400.0, 450.0, 500.0, float("nan"))
    (row,) = rows("arrivals", arrivals(START, [Threat(3, "Mill", 0.75, times, 0.0)]))
    assert (row["time_ns"], row["track"], row["site"]) == (str(START), "3", "Mill")
    assert [row[name] for name in QUANTILES] == ["0.00", "300.00", "350.12", "400.00", "450.00", "500.00", ""]
    assert float(row["probability"]) == 0.75


def test_replay_writes_tables_of_what_was_shown_each_second(tmp_path: Path) -> None:
    written(tmp_path / "frames", 40.0)
    found = CliRunner().invoke(app, ["replay", str(tmp_path), "--tables", str(tmp_path / "out")])
    assert (found.exit_code, found.stdout) == (0, "")
    texts = {name: (tmp_path / "out" / f"{name}.csv").read_text() for name in HEADS}
    tables = {
        name: rows(name, text.removeprefix(head))
        for (name, text), head in zip(texts.items(), HEADS.values(), strict=True)
    }
    seen = {int(row["time_ns"]) for row in tables["tracks"]}
    assert all(time % SECOND == 0 for time in seen)
    assert max(seen) == START + 40 * SECOND
    last = [row for row in tables["tracks"] if int(row["time_ns"]) == max(seen)]
    line = Line()
    for _ in by_tick(record_in(tmp_path).entries(), line):
        pass
    assert line.picture is not None
    shown = line.picture.tracks.take(line.picture.tracks.shown())
    assert [int(row["track"]) for row in last] == shown.number.tolist()
    assert [row["sensor"] for row in last] == [line.picture.sensors[by[0]] for by in shown.seen_by.tolist()]
    mean, covariance = at(shown, max(seen))
    for row, x, P in zip(last, mean, covariance, strict=True):
        latitude, longitude, _ = geodetic(x[:3])
        upper = (east_north_up(latitude, longitude) @ P[:3, :3] @ east_north_up(latitude, longitude).T)[UPPER]
        assert [float(row[name]) for name in SPREAD] == pytest.approx(upper.tolist(), rel=1e-5, abs=1e-6)
    told = [row for row in tables["arrivals"] if int(row["time_ns"]) == max(seen)]
    listed = line.picture.threats.at(max(seen))
    assert [(int(row["track"]), row["site"]) for row in told] == [(t.track, t.site) for t in listed]
    assert [row["q50"] for row in told] == [f"{t.arrival:.2f}" for t in listed]
    assert {row["event"] for row in tables["alerts"]} >= {"raised"}
    then = {(row["track"], row["time_ns"]): row for row in tables["tracks"]}
    pasts = [row for row in tables["past"] if (row["track"], row["time_ns"]) in then]
    assert len({row["time_ns"] for row in pasts}) > 10
    last_past = max(int(row["time_ns"]) for row in pasts)
    assert last_past == START + (40 - 12 - LAG - 1) * SECOND  # settled, looked back, and a tick
    for row in pasts:  # a few hundred metres at most from what was shown then, and not just that
        off = [float(row[name]) - float(then[row["track"], row["time_ns"]][name]) for name in ("latitude", "longitude")]
        assert max(map(abs, off)) < 0.005
        assert 0.0 < float(row["sigma_m"]) < 500.0
    begun = {row["track"]: int(row["time_ns"]) for row in reversed(tables["tracks"])}
    found = {(row["track"], row["time_ns"]) for row in pasts}
    wanted = {(t, time) for t, time in then if begun[t] + 5 * SECOND < int(time) <= last_past}
    assert len(wanted) > 10
    assert wanted <= found
