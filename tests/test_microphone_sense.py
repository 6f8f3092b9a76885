"""The simulated microphone nodes: what they send, when, and what is wrong with it."""

import numpy as np
import pytest
from scipy.stats import poisson
from sound_world import AXES, MIDDLE, decoded, nodes, quiet, seconds_of, sky_of, straight

from skywarden.model.assessment import CLASSES, Class
from skywarden.sensors.microphone.layout import NO_AZIMUTH, Flags
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.settings import Faults, Microphones, Weather
from skywarden.sim.sense.disturbance import Noise
from skywarden.sim.sense.listening import CORRELATION, COUNT, evidence, look_noises
from skywarden.sim.sky import Window

NOBODY = sky_of([straight(Kind.GLIDER, (0, 0, 900), (20, 0, 0), 3600)])


def hovering(distance, seconds=300, first=0, kind=Kind.UAV_PISTON):
    return sky_of([straight(kind, (distance, 0, 150), (0.0, 0.0, 0.0), seconds, first)])


def loud(**settings):
    return quiet(excess_db=(0.0, 0.0), **settings)


def test_a_node_is_silent_until_the_first_sound_can_have_arrived():
    sense = nodes(loud())
    speech, _ = decoded(sense.sent(hovering(4000.0, first=10), Window(0, 60)))
    heard = seconds_of(sense, speech)
    assert heard.min() == 22  # 10 s + 4,003 m / 337 m/s = 21.9 s
    assert len(heard) >= 37


def test_a_node_hears_the_last_sound_after_the_flier_is_gone():
    sense = nodes(loud())
    speech, _ = decoded(sense.sent(hovering(4000.0, seconds=31), Window(0, 60)))
    assert seconds_of(sense, speech).max() == 41  # 30 s + 11.9 s


def test_reports_are_as_frequent_as_the_coverage_says():
    sense = nodes(quiet(count=400, layout="ring", extent_km=(7.4, 7.4)))
    sky = sky_of([straight(Kind.UAV_PISTON, (0, 0, 300), (0.0, 0.0, 0.0), 2000)])
    times = np.arange(100, 1700, 40)  # far enough apart to be independent
    expected, seen = [], []
    for second in times:
        window = Window(second, second + 1)
        cover = sense.cover(sky, window)
        pd = np.full(400, 1e-4)
        pd[cover.sensor] = cover.pd
        speech, _ = decoded(sense.sent(sky, window))
        heard = np.zeros(400, bool)
        heard[speech["node"] - 1] = True
        expected.append(pd)
        seen.append(heard)
    pd, heard = np.array(expected), np.array(seen)
    assert pd.std() > 0.05
    for low, high in ((0.01, 0.3), (0.3, 0.6), (0.6, 0.99)):
        some = (pd >= low) & (pd < high)
        assert some.sum() > 200
        sigma = np.sqrt((pd[some] * (1 - pd[some])).sum())
        assert abs(heard[some].sum() - pd[some].sum()) < 4 * sigma


def test_noise_alone_is_reported_as_often_as_agreed():
    sense = nodes(quiet(count=1000, layout="random", extent_km=(40, 40), false_alarm=1e-3))
    speech, _ = decoded(sense.sent(NOBODY, Window(0, 100)))
    mean = 1000 * 100 * 1e-3
    assert poisson.sf(len(speech) / 2.5, mean / 2.5) > 1e-4  # they come in rows: fewer independent ones
    assert poisson.cdf(len(speech) / 2.5, mean / 2.5) > 1e-4


def test_noise_of_neighbouring_seconds_is_alike():
    noise = np.array(list(look_noises(3, range(40), 5000)))
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    one = (noise[1:] * noise[:-1]).mean()
    assert one == pytest.approx(CORRELATION, abs=0.01)
    assert abs((noise[20:] * noise[:20]).mean()) < 0.01
    effective = 10 / (noise[:10].mean(0).var() * 10)
    assert 1.6 < effective < 2.4  # DESIGN 4.6: what ten looks count as


def test_every_node_sends_a_heartbeat_once_a_minute():
    sense = nodes(quiet(count=70, layout="grid", extent_km=(40, 40)))
    _, beats = decoded(sense.sent(NOBODY, Window(0, 180)))
    for node in range(1, 71):
        mine = np.sort(seconds_of(sense, beats[beats["node"] == node]))
        assert len(mine) == 3
        assert np.diff(mine).tolist() == [60, 60]
    assert len(np.unique(seconds_of(sense, beats) % 60)) > 30
    assert (beats["noise"] > 2500).all()
    assert (beats["flags"] & Flags.SIMULATED).all()


def test_windows_may_be_cut_anywhere():
    sense = nodes(Microphones(name="m", count=60, extent_km=(12, 12), array=True, disturbances_per_h=30.0))
    sky = sky_of([straight(Kind.UAV_PISTON, (-5000, 300, 300), (50, 0, 0), 200)])
    whole = sense.sent(sky, Window(30, 90))
    parts = [sense.sent(sky, Window(*w)) for w in ((60.5, 90), (30, 30.2), (30.2, 60.5))]
    time = np.concatenate([p.time for p in parts])
    assert len(whole.time) == len(time) > 300
    assert np.array_equal(np.sort(time), whole.time)
    messages = [
        sorted(row.tobytes() for s in some for row in np.split(s.data, np.cumsum(s.lengths)[:-1]))
        for some in ([whole], parts)
    ]
    assert messages[0] == messages[1]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    block = Microphones(name="m", count=40, extent_km=(12, 12), disturbances_per_h=30.0)
    one, two, other = (nodes(block, seed=s).sent(hovering(2000.0), Window(50, 110)) for s in (5, 5, 6))
    assert one.data.tobytes() == two.data.tobytes()
    assert one.time.tolist() == two.time.tolist()
    assert one.data.tobytes() != other.data.tobytes()


def test_messages_come_in_order_and_after_their_look():
    sense = nodes(quiet(count=50, extent_km=(10, 10), latency_s=0.8))
    sent = sense.sent(hovering(1000.0), Window(20, 80))
    assert (np.diff(sent.time) >= 0).all()
    assert (sent.lengths < 300).all()
    speech, _ = decoded(sent)
    of_speech = sent.time[sent.lengths == sent.lengths.max()]
    late = (of_speech - speech["time"].astype(np.int64)) / 1e9
    assert late.min() >= 0.48
    assert late.mean() == pytest.approx(0.8, abs=0.05)


def test_numbers_of_a_node_are_never_used_twice():
    sent = nodes(quiet(count=20, extent_km=(4, 4))).sent(hovering(500.0), Window(0, 120))
    speech, beats = decoded(sent)
    pairs = [(int(r["node"]), int(r["number"])) for some in (speech, beats) for r in some]
    assert len(set(pairs)) == len(pairs) > 2000


def test_tone_is_that_of_an_engine_that_comes_nearer():
    sense = nodes(loud(tone_sigma=0.001))
    tones = {}
    for speed in (-55.0, 55.0):
        sky = sky_of([straight(Kind.UAV_PISTON, (-100 * speed, 0, 200), (speed, 0, 0), 100)])
        speech, _ = decoded(sense.sent(sky, Window(25, 80)))
        tones[speed] = np.median(speech["f0"] / 1000)
    sky = sky_of([straight(Kind.UAV_PISTON, (1000, 0, 200), (0, 0, 0), 100)])
    speech, _ = decoded(sense.sent(sky, Window(25, 80)))
    tone = np.median(speech["f0"] / 1000)
    assert 85 < tone < 125
    for heard in tones.values():
        assert heard / tone == pytest.approx(337 / (337 - 55), rel=0.02)  # both come nearer


def test_a_tone_is_an_octave_off_now_and_then():
    sense = nodes(loud(count=50, extent_km=(0.1, 0.1)))
    speech, _ = decoded(sense.sent(hovering(800.0), Window(25, 45)))
    tone = speech["f0"] / 1000
    octaves = np.log2(tone / np.median(tone))
    off = abs(octaves) > 0.9
    assert 0.02 < off.mean() < 0.09
    assert abs(octaves[off]) == pytest.approx(1.0, abs=0.05)
    assert octaves[~off].std() / np.log2(np.e) == pytest.approx(0.003, rel=0.2)


def test_arrays_point_to_where_the_sound_came_from():
    sense = nodes(loud(array=True, bearing_sigma_deg=1.0))
    sky = sky_of([straight(Kind.UAV_JET, (-9000, 2000, 500), (140, 0, 0), 200)])
    emitted = 60 - 2100 / 337
    where = -9000 + 140 * emitted
    azimuth = np.degrees(np.arctan2(where, 2000)) % 360
    speech, _ = decoded(sense.sent(sky, Window(56, 66)))
    at = seconds_of(sense, speech) == 60
    assert speech["azimuth"][at][0] / 100 == pytest.approx(azimuth, abs=6.0)
    now = np.degrees(np.arctan2(-9000 + 140 * 60, 2000)) % 360
    assert abs((now - azimuth + 180) % 360 - 180) > 15


def test_single_microphones_give_no_bearing():
    speech, _ = decoded(nodes(loud()).sent(hovering(1000.0), Window(10, 20)))
    assert (speech["azimuth"] == NO_AZIMUTH).all()


def test_classes_are_told_apart_the_better_the_louder():
    shares = []
    for distance in (500.0, 6500.0):
        sense = nodes(quiet(count=200, layout="ring", extent_km=(0.02, 0.02), excess_db=(8.0, 8.0)))
        speech, _ = decoded(sense.sent(hovering(distance), Window(30, 60)))
        llr = speech["classes"]["llr"].astype(float)
        best = np.argmax(np.where(llr == -0x8000, -np.inf, llr), 1)
        shares.append((best == CLASSES.index(Class.UAV_PISTON)).mean())
    assert shares[0] > 0.9
    assert shares[0] > shares[1] + 0.1
    assert (llr[:, CLASSES.index(Class.DECOY)] == llr[:, CLASSES.index(Class.UAV_PISTON)]).all()  # they sound alike
    assert (llr[:, CLASSES.index(Class.BIRD)] == -0x8000).all()


def test_class_ratios_say_how_often_each_class_is_right():
    rng = np.random.default_rng(11)
    true = rng.integers(0, COUNT, 60_000)
    groups = evidence(rng.uniform(2, 12, len(true)), np.eye(COUNT)[true], rng)
    said = np.exp(groups - groups.max(1, keepdims=True))
    said /= said.sum(1, keepdims=True)  # all alike before
    right = np.arange(COUNT) == true[:, None]
    for low in np.arange(0.05, 0.95, 0.15):
        of = (said >= low) & (said < low + 0.15)
        assert of.sum() > 500
        assert right[of].mean() == pytest.approx(said[of].mean(), abs=4 * 0.5 / np.sqrt(of.sum()))


def test_spoofed_nodes_say_another_place_and_another_time():
    faults = Faults(gnss_spoofed=0.5, clock_offset_s=0.0, clock_drift_ppm=0.0)
    sense = nodes(quiet(count=200, extent_km=(40, 40)), faults=faults, seconds=600)
    _, before = decoded(sense.sent(NOBODY, Window(0, 60)))
    _, after = decoded(sense.sent(NOBODY, Window(540, 600)))
    before, after = (np.sort(some, order="node") for some in (before, after))
    away = np.hypot(
        (after["latitude"] - before["latitude"]) * 1e-7 * 111_300.0,
        (after["longitude"] - before["longitude"]) * 1e-7 * 111_300.0 * np.cos(np.radians(57.0)),
    )
    jumped = away > 1.0
    assert 60 < jumped.sum() < 140  # some were spoofed in the first minute already
    assert away[jumped].min() > 950
    assert away[jumped].max() < 5100
    stamps = [(some["time"].astype(np.int64) - sense.start) / 1e9 for some in (before, after)]
    off = abs(stamps[1] - stamps[0] - 540)
    assert (off[~jumped] < 1e-3).all()
    assert (off[jumped] > 0.99).all()
    assert off.max() <= 60.01


def test_a_node_that_is_down_says_nothing_and_covers_nothing():
    sense = nodes(loud(count=100, extent_km=(1, 1)), faults=Faults(lost=1.0), seconds=100)
    sky = hovering(800.0, seconds=200)
    for second in (20, 60, 90):
        up = sense.trouble.lost_from > second
        window = Window(second, second + 1)
        speech, _ = decoded(sense.sent(sky, window))
        assert up[speech["node"] - 1].all()
        assert np.array_equal(np.unique(speech["node"] - 1), np.flatnonzero(up))
        assert np.array_equal(sense.cover(sky, window).sensor, np.flatnonzero(up))


def test_disturbances_are_as_many_as_asked_for_and_go_from_node_to_node():
    block = Microphones(name="m", count=2500, layout="grid", extent_km=(150, 150), disturbances_per_h=0.4)
    world = nodes(block, seconds=7200).world
    of, level = world.disturbances, world.ears.level
    low, high = poisson.interval(0.999, 2500 * 0.4 * 2)
    assert low <= len(of.node) <= high
    for noise, most in ((Noise.MOPED, 5), (Noise.CAR, 5), (Noise.CHAINSAW, 1), (Noise.CLAP, 30)):
        sources = np.unique(of.source[of.noise == noise])
        heard = [np.flatnonzero(of.source == source) for source in sources]
        assert max(len(rows) for rows in heard) <= most
        for rows in heard:
            apart = np.linalg.norm(level[of.node[rows]] - level[of.node[rows[0]]], axis=1)
            assert apart.max() <= 30_000
            if noise in (Noise.MOPED, Noise.CAR) and len(rows) > 1:
                assert np.diff(of.nearest[rows]).min() > -90.0  # one after the other, or on both sides of the road
    claps = of.noise == Noise.CLAP
    assert np.median(np.bincount(of.source[claps])[np.unique(of.source[claps])]) >= 10


def test_a_clap_is_heard_as_late_as_its_sound_travels():
    of = nodes(Microphones(name="m", count=900, extent_km=(60, 60), disturbances_per_h=3.0)).world.disturbances
    source = of.source[of.noise == Noise.CLAP][0]
    rows = np.flatnonzero(of.source == source)
    assert len(rows) >= 10
    left = of.begin[rows] - abs(of.miss[rows]) / 337.3
    assert np.ptp(left) < 0.05


def test_a_passing_moped_is_reported_in_a_row():
    block = Microphones(name="m", count=100, extent_km=(30, 30), disturbances_per_h=6.0, false_alarm=1e-6)
    sense = nodes(block, seconds=1200)
    of = sense.world.disturbances
    speech, _ = decoded(sense.sent(NOBODY, Window(0, 600)))
    second = seconds_of(sense, speech)
    explained = [
        ((of.node == n - 1) & (of.begin <= s) & (of.end > s)).any() for n, s in zip(speech["node"], second, strict=True)
    ]
    assert len(speech) > 300
    assert np.mean(explained) > 0.99
    passes = np.flatnonzero((of.noise == Noise.MOPED) & (of.begin > 0) & (of.end < 600))
    mopeds = [
        np.count_nonzero((speech["node"] == of.node[k] + 1) & (second >= of.begin[k]) & (second < of.end[k]))
        for k in passes
    ]
    assert np.median(mopeds) > 10


def test_wind_hides_a_flier_and_is_flagged():
    shares = []
    for wind in (2.0, 12.0):
        sense = nodes(quiet(count=100, layout="ring", extent_km=(0.1, 0.1)), weather=Weather(wind_m_s=wind))
        speech, beats = decoded(sense.sent(hovering(2500.0), Window(30, 90)))
        shares.append(len(speech) / 6000)
        assert ((beats["flags"] & Flags.WIND) > 0).mean() == pytest.approx(float(wind > 6), abs=0.1)
    assert shares[0] > 0.9
    assert shares[1] < 0.3


def test_nodes_stand_where_they_are_placed():
    sense = nodes(quiet(at_km=(3.0, -2.0), height_m=7.0))
    local = AXES @ (sense.world.ears.position[0] - MIDDLE)
    assert local[:2] == pytest.approx([3000.0, -2000.0], rel=5e-3)
    assert sense.names == ["mic"]
    assert (sense.source, sense.format, sense.transport) == ("microphones", "microphone", "udp")


def test_a_scenario_without_nodes_is_silent():
    sense = nodes()
    assert len(sense.sent(NOBODY, Window(0, 5)).time) == 0
    assert len(sense.cover(NOBODY, Window(0, 5)).pd) == 0
    assert sense.stands.shape == (0, 3)
