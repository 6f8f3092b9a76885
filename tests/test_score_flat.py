"""Other benchmarks' layouts are read and scored as their judges do."""

import csv
import io
import json

import numpy as np
import pytest
from score_scenes import SECOND, gospa_by_hand, scene

from skywarden.errors import TableError
from skywarden.score import flat
from skywarden.score.assign import compare
from skywarden.score.gospa import gospa, means
from skywarden.score.tables import Points

META = flat.Meta(flat.Cut(25.0, 2.0), 2)


def text(data: Points, head: str) -> bytes:
    lines = [head]
    for k in range(len(data)):
        (x, y), (vx, vy) = data.position[k], data.velocity[k]
        second = int(data.time[k]) / SECOND
        values = {"scan": 0, "t": f"{second:.3f}", "id": data.id[k], "track": data.id[k], "mc": 1, "k": int(second)}
        values |= {"target": data.id[k], "x": x, "y": y, "vx": vx, "vy": vy, "z": 7, "vz": 0}
        lines.append(",".join(str(values[name]) for name in head.split(",")))
    return "\n".join(lines).encode()


def by_second(data: bytes) -> dict[float, list[np.ndarray]]:
    found: dict[float, list[np.ndarray]] = {}
    for row in csv.DictReader(io.StringIO(data.decode())):
        found.setdefault(float(row["t"]), []).append(np.array([float(row["x"]), float(row["y"])]))
    return found


def test_the_bench_is_scored_like_its_judge() -> None:
    truth, tracks = scene(11, targets=3, steps=16, area=80.0)
    tracks = tracks.take(tracks.time < 14 * SECOND)
    a, b = text(truth, "t,id,x,vx,y,vy,z,vz"), text(tracks, "scan,t,track,x,vx,y,vy,z,vz")
    found = flat.flat_scores(META, flat.truth(a, 2), flat.tracks(b, 2))
    x, y = by_second(a), by_second(b)
    times = [t for t in sorted(x) if t <= max(y)][5:]  # as the judge: the first five are not scored
    parts = np.array([gospa_by_hand(x[t], y.get(t, []), 25.0, 2.0) for t in times])
    assert found.scans == len(times) == 9
    assert found.gospa.root_mean == pytest.approx(np.sqrt(parts.sum(1).mean()))
    assert found.gospa.localisation == pytest.approx(np.sqrt(parts[:, 0].mean()))
    assert found.gospa.missed_targets == pytest.approx((parts[:, 1] / 312.5).mean())
    assert found.gospa.false_tracks == pytest.approx((parts[:, 2] / 312.5).mean())
    each = [np.sqrt(p.sum() / len(x[t])) for p, t in zip(parts, times, strict=True)]
    assert found.per_target == pytest.approx(np.mean(each))
    assert 0 < found.siap.completeness <= 1


def test_three_dimensions_are_read_where_the_scenario_has_them() -> None:
    data = b"t,id,x,vx,y,vy,z,vz\n0.25,4,1,2,3,4,5,6\n"
    assert flat.truth(data, 3).position.tolist() == [[1, 3, 5]]
    assert flat.truth(data, 3).velocity.tolist() == [[2, 4, 6]]
    assert flat.truth(data, 2).position.tolist() == [[1, 3]]
    assert flat.truth(data, 2).time.tolist() == [SECOND // 4]
    with pytest.raises(TableError, match="no z,vz, but the scenario has 3 dimensions"):
        flat.truth(b"t,id,x,vx,y,vy\n0.25,4,1,2,3,4\n", 3)


def test_no_tracks_are_all_missed() -> None:
    truth, _ = scene(11, targets=3, steps=16, area=80.0)
    true = flat.truth(text(truth, "t,id,x,vx,y,vy,z,vz"), 2)
    found = flat.flat_scores(META, true, flat.tracks(b"scan,t,track,x,vx,y,vy,z,vz\n", 2), last=15.0)
    assert found.gospa.localisation == found.gospa.false == found.siap.completeness == 0
    assert found.gospa.missed > 0


def test_runs_over_one_truth_are_scored_together() -> None:
    truth, tracks = scene(12, targets=3, steps=10, area=80.0)
    a, once = text(truth, "k,target,x,vx,y,vy"), text(tracks, "mc,k,track,x,vx,y,vy")
    alone = gospa(compare(*flat.runs(a, once), 10.0))
    head, *rows = once.decode().split("\n")
    twice = "\n".join([head, *rows, *("2" + row[1:] for row in rows)]).encode()
    both = gospa(compare(*flat.runs(a, twice), 10.0))
    assert both.distance.tolist() == [*alone.distance, *alone.distance]
    with_empty = gospa(compare(*flat.runs(a, once, np.arange(1, 5)), 10.0))
    assert len(with_empty.time) == 4 * len(alone.time)
    assert with_empty.missed[-1] == 50 * with_empty.targets[-1]
    assert means(with_empty).missed_targets > means(alone).missed_targets


def test_the_scenarios_own_file_is_checked() -> None:
    good = {"dim": 3, "gospa": {"c": 500.0, "p": 2.0}, "n": 5}
    assert flat.meta(json.dumps(good).encode()) == flat.Meta(flat.Cut(500.0, 2.0), 3)
    for bad in ({"dim": 4, "gospa": {"c": 1, "p": 2}}, {"dim": 2}, {"dim": 2, "gospa": {"c": -1, "p": 2}}):
        with pytest.raises(TableError, match=r"meta\.json"):
            flat.meta(json.dumps(bad).encode())
    with pytest.raises(TableError, match=r'"gospa": \{"c": 500, "p": 2\}'):  # what to write
        flat.meta(b'{"dim": 2}')


def test_a_track_twice_at_one_time_is_refused() -> None:
    with pytest.raises(TableError, match=r"line 4, column track: 1 stands twice"):
        flat.tracks(b"t,track,x,vx,y,vy\n0,1,0,0,0,0\n0,2,0,0,0,0\n0,1,0,0,0,0\n", 2)
