"""Kernels: plain Python and compiled code say the same to the bit; where compiled ones are kept."""

import importlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import both, exactly
from track_world import LATITUDE, LONGITUDE, START, Adsb, Flight, Radar, Sky, batch, where

from skywarden import geo, kernel
from skywarden.kernel import KEPT, Loop, folder, kept, tidy
from skywarden.model.detection import WIDTH, Frame, Kind
from skywarden.model.event import Arrived, Refused, Started, Tick
from skywarden.model.track import Mode, Picture
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.service.compile import Compiling
from skywarden.sim.installation import configuration
from skywarden.sim.rehearsal import rehearse
from skywarden.sim.scenario import coast, messages
from skywarden.track.step import TrackerSettings, track

STEP = 100_000_000  # ns
FOR_OTHERS = {"brought", "ranking"}  # kernels that nothing here uses in a tick
ODD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-300, 1e300, -1e12, 6.3e6, np.pi / 2, -np.pi])


def raid(seconds, spoil):
    """Return the hash of the picture at each tick of the raid; spoil: (index, data) -> data, what arrives of it."""
    scenario = coast(1, seconds=seconds)
    line, due, found = Line(), START + STEP, []
    line.feed(1, Started(START, Mode.SIM, configuration(scenario, scenario.loopback(), "record", "127.0.0.1:0"), ""))
    for seq, message in enumerate(messages(scenario, START), 2):
        while message.time >= due:
            line.feed(seq, Tick(due))
            found.append(digest(line.picture))
            due += STEP
        line.feed(seq, Arrived(Frame.of(message.source, message.time, spoil(seq, message.data))))
    return found, line.picture.next_number


def spoiled(seq, data):
    """Return every third message with some octets changed."""
    rng = np.random.default_rng(seq)
    octets = np.frombuffer(data, np.uint8).copy()
    if seq % 3 == 0:
        octets[rng.integers(0, len(octets), 2)] = rng.integers(0, 256, 2)
    return octets.tobytes()


@pytest.mark.parametrize("spoil", [lambda _, data: data, spoiled])
def test_the_raid_gives_equal_pictures_plain_and_compiled(spoil):
    plain, compiled = both(lambda: raid(5.0, spoil))
    assert plain == compiled
    assert len(plain[0]) > 40
    assert plain[1] > 5


def test_sensors_of_all_kinds_give_equal_tracks_plain_and_compiled():
    flights = [Flight(3000.0 * k, -4000.0 * k, 900, 60 + 30 * k, 0.5 * k, k if k % 2 else -1) for k in range(6)]
    flights += [Flight(500.0, 500.0, 3000, 100, 1.0, turn=0.05, turning=(2.0, 9.0))]

    class Camera(Radar):
        def look(self, flights, t, rng):
            z = np.array([self.polar(f.at(t), f, t)[1:3] for f in flights]) + rng.normal(scale=1e-3, size=(7, 2))
            return batch(Kind.DIRECTION, self.name, t, z, np.eye(2) * 1e-6, place=self.place)

    def flown():
        flat = Radar("flat", 5000.0, 0.0, sigma=(80.0, 0.004, np.nan, np.nan), false_alarms=2.0)
        doppler = Radar("doppler", -5000.0, 0.0, revisit=1.5, sigma=(30.0, 0.002, 0.004, 2.0), detection=0.7)
        late = Adsb("late", revisit=2.0, late=1.0, offset=0.3)
        sky = Sky(flights, [flat, doppler, Adsb(), late, Camera("camera", 0.0, 9000.0)])
        sky.run(12.0)
        return exactly(sky.picture.tracks), sky.events, [m.tolist() for ms in sky.matches for m in ms]

    plain, compiled = both(flown)
    assert plain == compiled
    assert len(plain[1]) >= 5


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_nonsense_gives_equal_tracks_plain_and_compiled(data, seed):
    rng = np.random.default_rng(seed)
    place = Radar("r", 0.0, 0.0).place
    batches = []
    for tick in range(4):
        kind = data.draw(st.sampled_from([kind for kind in Kind if kind not in (Kind.DELAY, Kind.TRACK)]))
        m, width = int(rng.integers(1, 4)), WIDTH[kind]
        if kind == Kind.POSITION:
            z = where(*rng.normal(scale=200.0, size=(2, m)), rng.uniform(0, 2000, m))
        elif kind == Kind.PLANE:
            z = rng.normal(size=(m, 2)) * 3e-5 + [LATITUDE, LONGITUDE]
        else:
            z = rng.normal(size=(m, 4)) * [200, 0.1, 0.1, 30] + [9000, 0.5, 0.2, 0]
            z[:, 3] = 110.0 if kind == Kind.SOUND else z[:, 3]  # its tone
            z = z if kind == Kind.POLAR else z[:, 1 : 1 + width]
        root = rng.normal(size=(m, width, width)) * 10.0 ** rng.uniform(-9, 5)
        R = root @ root.swapaxes(1, 2)
        for values in (z, R):
            for _ in range(data.draw(st.integers(0, 2))):
                values.flat[rng.integers(values.size)] = data.draw(ODD)
        t = 0.3 * tick + rng.uniform(-3, 3, m) * data.draw(st.sampled_from([0.0, 1.0]))
        doubt = data.draw(st.sampled_from([0.0, 0.05, 1e3]))
        address = rng.integers(-1, 2, m)
        batches.append(batch(kind, "r", t, z, R, place=place, time_sigma=doubt, address=address))

    def followed():
        picture, found = Picture(START), []
        for tick, one in enumerate(batches):
            tracked = track(picture, [one], START + tick * 300_000_000, TrackerSettings())
            found += [exactly(tracked.tracks), tracked.events, [m.tolist() for m in tracked.matches]]
            picture = tracked.onto(picture)
        return found

    plain, compiled = both(followed)
    assert plain == compiled


class Sector(Radar):
    """Says what it sees while it turns: an eighth of its turn at a time."""

    def look(self, flights, t, rng):
        whole = super().look(flights, t, rng)
        if whole is None:
            return None
        part = np.flatnonzero(np.floor(whole.z[:, 1] / (np.pi / 4)) % 8 == round(t / self.revisit) % 8)
        if not len(part):
            return None
        shift = rng.uniform(-0.2, 0.2) + rng.uniform(-0.01, 0.01, len(part))
        times = (whole.time[part] - START) * 1e-9 + shift
        return batch(Kind.POLAR, self.name, times, whole.z[part], whole.covariance[part], place=self.place, revisit=4.0)


class People:
    """Somebody who points at a map."""

    revisit, offset, late = 3.0, 1.0, 2.0

    def look(self, flights, t, rng):
        latitude, longitude, _ = geo.geodetic(flights[0].at(t) + rng.normal(size=3) * 100.0)
        return batch(Kind.PLANE, "people", t, [latitude, longitude], np.eye(2) * 300.0**2, time_sigma=2.0)


def test_looks_of_the_engine_leave_equal_beliefs_plain_and_compiled():
    flights = [Flight(2000.0 * k, -1500.0 * k, 900, 60, 0.5 * k, 7 if k % 3 else -1) for k in range(5)]
    flights += [Flight(90.0 * k, 6000.0 + 60.0 * k, 900, 60, 0.5) for k in range(3)]  # a group

    def flown():
        turning = [Sector(f"sector {k}", 7000.0 * k, -9000.0, revisit=0.5, false_alarms=3.0) for k in range(2)]
        feeds = [Adsb(), Adsb("relay", revisit=1.0, late=4.0), Adsb("slow relay", revisit=1.0, late=14.0), People()]
        sky = Sky(flights, turning + feeds)
        found, groups = [], []

        def each(sky):
            found.append(exactly(sky.picture.beliefs) + exactly(sky.picture.tracks))
            groups.append(len(sky.picture.beliefs.groups))

        sky.run(13.0, each)
        late = [e for e in sky.events if isinstance(e, Refused)]
        return found, sky.events, [m.tolist() for ms in sky.matches for m in ms], max(groups), len(late)

    plain, compiled = both(flown)
    assert plain == compiled
    assert plain[3] > 0
    assert plain[4] > 0


def test_a_large_part_of_the_graph_is_assigned_equally_plain_and_compiled():
    flights = [Flight(30.0 * (k % 5), 30.0 * (k // 5), 900, 60, 0.5) for k in range(20)]

    def flown():
        sky = Sky(flights, [Radar("r", 9000.0, 0.0, revisit=1.0)]).run(5.0)
        return exactly(sky.picture.tracks), [m.tolist() for ms in sky.matches for m in ms]

    plain, compiled = both(flown)
    assert plain == compiled


def test_the_first_run_compiles_beside_the_engine(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernel.folder.cache_clear()
    compiling = Compiling()
    try:
        assert not kept()
        compiling.start()
        assert Loop.patient()
        compiling.stop()
        assert not Loop.patient()
        kernel.keep()
        again = Compiling()
        again.start()
        assert not Loop.patient()
        again.stop()
    finally:
        compiling.stop()
        kernel.folder.cache_clear()


def test_after_the_rehearsal_all_kernels_that_run_are_kept(monkeypatch: pytest.MonkeyPatch):
    """Else the first that is needed would be compiled in a tick, and all would wait."""
    ran, call = set(), Loop.__call__
    monkeypatch.setattr(Loop, "__call__", lambda loop, *given: ran.add(loop.plain) or call(loop, *given))
    assert rehearse(12.0) >= 0
    assert kept()
    for file in sorted(file for place in ("track", "sensors", "watch") for file in (kernel.HERE / place).rglob("*.py")):
        path = file.relative_to(kernel.HERE).with_suffix("").parts
        for name in re.findall(r"^@kernel\ndef (\w+)", file.read_text(), re.M):
            made = getattr(importlib.import_module(".".join(("skywarden", *path))), name)
            assert (made.plain in ran) != (name in FOR_OTHERS), f"{made.__module__}.{name}"


def test_compiled_kernels_are_kept_in_a_place_of_this_version():
    assert folder().name.startswith("kernels-")
    assert folder() == folder()


def test_a_constant_that_kernels_use_is_part_of_what_they_follow_from():
    found = {file.relative_to(kernel.HERE).as_posix() for file in kernel.origins()}
    assert {"track/pairs.py", "track/measure.py", "model/place.py", "geo/earth.py"} <= found
    assert "pipeline.py" not in found  # imported only by what has no kernels itself


def test_only_the_latest_used_folders_stay(tmp_path: Path):
    for age in range(KEPT + 3):
        old = tmp_path / f"kernels-{age}"
        (old / "track").mkdir(parents=True)
        (old / "track/edges.nbc").write_bytes(b"code")
        os.utime(old, (1_700_000_000 - age,) * 2)
    (tmp_path / "other").mkdir()
    tidy(tmp_path / "kernels-6")  # the oldest of them all
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kernels-0", "kernels-1", "kernels-2", "kernels-6", "other"]
    tidy(tmp_path / "kernels-new")
    assert {p.name for p in tmp_path.iterdir()} == {"kernels-new", "kernels-6", "kernels-0", "kernels-1", "other"}


def test_a_place_that_cannot_be_written_is_left_alone(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    tidy(tmp_path / "file" / "kernels-1")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
