"""What simulated nodes send is what the decoder reads; kernels are plain Python too."""

import numpy as np
import pytest
from sound_world import nodes, quiet, sky_of, straight

from skywarden.model.detection import Frame, Reason
from skywarden.model.detection import Kind as Measurement
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors.microphone import Microphone
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.settings import Faults
from skywarden.sim.sense.ears import grid
from skywarden.sim.sense.hearing import gather
from skywarden.sim.sky import Window
from skywarden.sim.sound.delay import emission_times, paths_of
from skywarden.sim.sound.table import deflections

SOURCE = Source(name="microphones", format="microphone", listen="udp://127.0.0.1:9001")
SKY = sky_of([straight(Kind.UAV_PISTON, (-3000, 500, 300), (50, 0, 0), 600)])


def read(sent, mode=Mode.SIM):
    """Return what the decoder makes of all messages, second by second as they come in."""
    decoder = Microphone(SOURCE, (), mode)
    ends = np.cumsum(sent.lengths, dtype=np.int64)
    found = []
    for second in np.unique(sent.time // 1_000_000_000):
        rows = np.flatnonzero(sent.time // 1_000_000_000 == second)
        messages = [sent.data[ends[k] - sent.lengths[k] : ends[k]].tobytes() for k in rows]
        found.append(decoder.decode(Frame.of("microphones", int(sent.time[rows[-1]]), *messages)))
    return found


def test_the_decoder_reads_every_message():
    sense = nodes(quiet(count=40, extent_km=(8, 8)), quiet(name="arrays", count=10, extent_km=(6, 6), array=True))
    sent = sense.sent(SKY, Window(20, 80))
    found = read(sent)
    assert [d.refused for d in found if d.refused] == []
    rows = dict.fromkeys((Measurement.PRESENCE, Measurement.SOUND, Measurement.SILENCE), 0)
    away = []
    for decoded in found:
        for batch in decoded.batches:
            rows[batch.kind] += len(batch.z)
            away.append(np.linalg.norm(batch.origin - sense.world.ears.position[batch.node - 1], axis=1).max())
    assert rows[Measurement.SILENCE] == 50
    assert rows[Measurement.PRESENCE] == len(sent.time) - 50
    assert 0 < rows[Measurement.SOUND] < rows[Measurement.PRESENCE]
    assert max(away) < 0.05


def test_nothing_of_it_enters_a_live_picture():
    sent = nodes(quiet(count=10, extent_km=(2, 2))).sent(SKY, Window(55, 65))
    found = read(sent, Mode.LIVE)
    assert not any(d.batches for d in found)
    assert sum(d.refused[Reason.SIMULATED] for d in found) == len(sent.time)


def test_spoofed_nodes_are_seen_to_have_moved():
    faults = Faults(gnss_spoofed=1.0, clock_offset_s=0.0, clock_drift_ppm=0.0)
    sense = nodes(quiet(count=20, extent_km=(4, 4)), faults=faults, seconds=200)
    found = read(sense.sent(SKY, Window(0, 150)))
    moved = [d.refused.get(Reason.MOVED, 0) for d in found]
    assert sum(moved[:10]) < sum(moved[-10:])
    assert sum(moved) > 100


def test_kernels_say_the_same_in_plain_python():
    rng = np.random.default_rng(9)
    level = rng.uniform(-9000, 9000, (80, 2))
    circles = np.column_stack([rng.uniform(-12_000, 12_000, (15, 2)), rng.uniform(500, 8000, 15)])
    inside = [(c, n) for c in range(15) for n in range(80) if np.hypot(*(level[n] - circles[c, :2])) <= circles[c, 2]]
    for run in (gather, gather.plain):
        out = np.zeros((400, 2), np.int64)
        count = run(circles, level, grid(level), out)
        assert sorted(map(tuple, out[:count].tolist())) == inside
    few = np.zeros((3, 2), np.int64)
    assert gather(circles, level, grid(level), few) == len(inside)  # says how much room it needs

    sense = nodes(quiet(count=10, extent_km=(6, 6)))
    ears = np.column_stack([sense.world.ears.position, rng.uniform(20, 500, 10)])
    rows = np.zeros(10, np.int64)
    both = [run(paths_of(SKY), rows, ears, sense.world.medium) for run in (emission_times, emission_times.plain)]
    assert np.array_equal(both[0], both[1], equal_nan=True)
    assert np.isfinite(both[0]).all()

    which, where = (
        np.zeros((30, 2), np.int64),
        np.column_stack([np.geomspace(5, 70_000, 30), np.arange(30), -np.ones(30)]),
    )
    compiled, plain = (run(sense.world.table, which, where) for run in (deflections, deflections.plain))
    assert plain == pytest.approx(compiled, rel=1e-12)
    assert (np.diff(compiled) <= 0).all()


def test_circles_beside_all_nodes_hold_none_of_them() -> None:
    rng = np.random.default_rng(4)
    level = rng.uniform(-2_000, 2_000, (25, 2))
    away = np.array([(x, y) for x in (-40e3, 0.0, 40e3, 400e3) for y in (-40e3, 0.0, 40e3, 400e3)])
    circles = np.column_stack([away, np.full(len(away), 5_000.0)])
    found = np.full((100, 2), -1)
    for run in (gather, gather.plain):
        assert run(circles, level, grid(level), found) == len(level)  # of the one in their middle
        assert sorted(found[: len(level), 1].tolist()) == list(range(len(level)))
