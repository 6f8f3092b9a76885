"""The settled chain: equal for equal items, whatever the order, the ticks and the messages in which they came."""

from dataclasses import replace

import numpy as np
import pytest
from hark_world import Ears, Finder, stand
from track_world import START, Adsb, Flight, Radar, batch

from skywarden import geo
from skywarden.model.detection import Kind, Reporter
from skywarden.model.track import Picture
from skywarden.sensors import take
from skywarden.track.chain import SECOND, tracks_of
from skywarden.track.items import items
from skywarden.track.settings import TrackerSettings
from skywarden.track.settled import APART
from skywarden.track.step import track
from skywarden.track.take import taken

SETTINGS = TrackerSettings(settle_s=10.0)
FLIGHTS = [
    Flight(900.0 * k, 300.0 * k, 1000, 60 + 5 * k, 0.4 + 0.1 * k, 0x400000 + k if k % 2 else -1) for k in range(5)
]
SENSORS = [
    Radar("r", 5000.0, -4000.0, revisit=2.0, false_alarms=3.0),
    Radar("s", -6000.0, -3000.0, revisit=1.0, offset=0.3, false_alarms=1.0, sigma=(50.0, 0.002, 0.004, 1.0)),
    Adsb(offset=0.7),
]
END = 25.0  # s


def pointed(t, position):
    """Return somebody's word that something is about there."""
    latitude, longitude, _ = geo.geodetic(position)
    who = {"node": np.array([round(t) % 3]), "reporter": Reporter(1 + round(t) % 2)}
    return batch(Kind.PLANE, "people", t, [latitude, longitude], np.eye(2) * 200.0**2, revisit=60.0, **who)


EARS = [
    Ears([stand(3000.0 * a, 3000.0 * b) for a in (-1, 0, 1) for b in (-1, 0, 1)], offset=0.1),
    Finder("west", stand(-4000.0, 0.0), begins=12_000.0),
    Finder("east", stand(7000.0, 1000.0), revisit=1.0, offset=0.7, begins=12_000.0),
    Finder("camera", stand(0.0, -2000.0), offset=0.3),
]


def seen(seed=0, people=False, sensors=SENSORS):
    """Return batches of all sensors until END, in time order."""
    rng = np.random.default_rng(seed)
    found = []
    for sensor in sensors:
        for t in np.arange(sensor.offset, END, sensor.revisit).tolist():
            found.append(sensor.look(FLIGHTS, t, rng))
    if people:
        found += [
            pointed(t, FLIGHTS[k].at(t) + rng.normal(size=3) * 200) for k in range(5) for t in (6.0 + k, 15.0 + k)
        ]
    return sorted((one for one in found if one is not None), key=lambda one: int(one.time[0]))


def pieces(rng, batches):
    """Return batches cut into smaller ones, as other messages would have brought them."""
    found = []
    for one in batches:
        part = rng.integers(0, 3, len(one))
        found += [take(one, part == k) for k in range(3) if (part == k).any()]
    return found


def settled(rng, batches, late, slow=False, until=None, again=0.0):
    """Let batches come `late` s late at most, each, in ticks of any length; return the picture and digest by time.

    again: share of them that come twice.
    """
    wait = SETTINGS.settle_slow_s if slow else SETTINGS.settle_s
    coming = []
    for one in batches:
        for _ in range(1 + (rng.random() < again)):
            limit = late if slow and one.sensor == "people" else min(late, SETTINGS.settle_s)
            coming.append((int(one.time[0]) + int(rng.uniform(0.0, limit) * 1e9), one))
    picture, now, digests = Picture(START), START, {}
    end = START + round(((END if until is None else until) + wait + 2.0) * 1e9)
    while now < end:
        # a tick takes in what came before it, and comes before anything is older than may be
        now = min([now + int(rng.uniform(0.05, 0.7) * 1e9), end, *(due(one, slow) for _, one in coming)])
        arrived = [one for when, one in coming if when <= now or due(one, slow) <= now]
        coming = [(when, one) for when, one in coming if when > now and due(one, slow) > now]
        order = rng.permutation(len(arrived))
        tracked = track(picture, [arrived[k] for k in order], now, SETTINGS, slow)
        picture = replace(tracked.onto(picture), time=now)
        digests[picture.chains.settled.until] = picture.chains.settled.digest
    assert picture.chains.settled.until >= START + END * 1e9
    return picture, digests


def due(one, slow):
    """Return until when a batch must have come."""
    wait = SETTINGS.settle_slow_s if slow and one.sensor == "people" else SETTINGS.settle_s
    return int(one.time[0]) + round(wait * 1e9)


@pytest.mark.parametrize("slow", [False, True])
def test_any_order_of_arrival_gives_the_same_settled_chain(slow):
    batches = seen(people=slow)
    first, wanted = settled(np.random.default_rng(0), batches, 0.0, slow)
    assert len(tracks_of(first.chains.settled, SETTINGS)) >= len(FLIGHTS)
    assert len(set(wanted.values())) > 20
    for seed in range(1, 7):
        rng = np.random.default_rng(seed)
        other = pieces(rng, batches) if seed % 2 else batches
        picture, digests = settled(rng, other, 60.0 if slow else 10.0, slow, again=0.1 if seed % 3 else 0.0)
        assert picture.chains.settled.digest == first.chains.settled.digest
        assert picture.chains.settled.sensors == first.chains.settled.sensors
        both = [time for time in digests if time in wanted]
        assert len(both) > 15
        assert [digests[time] for time in both] == [wanted[time] for time in both]


@pytest.mark.parametrize("sensors, slow", [([SENSORS[1], *EARS], False), (EARS, False), ([SENSORS[1], *EARS], True)])
def test_any_order_of_sounds_and_bearings_gives_the_same_settled_chain(sensors, slow):
    """Also where bearings begin the targets, and arrays go on with them; slow: people's words up to a minute late."""
    batches = seen(people=slow, sensors=sensors)
    first, wanted = settled(np.random.default_rng(0), batches, 0.0, slow)
    assert len(tracks_of(first.chains.settled, SETTINGS)) >= len(FLIGHTS) - 2
    assert {"ears", "people"} & set(first.chains.settled.sensors) == ({"ears", "people"} if slow else {"ears"})
    for seed in range(1, 5):
        rng = np.random.default_rng(seed)
        other = pieces(rng, batches) if seed % 2 else batches
        picture, digests = settled(rng, other, 60.0 if slow else 10.0, slow, again=0.1 if seed % 3 else 0.0)
        assert picture.chains.settled.digest == first.chains.settled.digest
        both = [time for time in digests if time in wanted]
        assert len(both) > 15
        assert [digests[time] for time in both] == [wanted[time] for time in both]


def test_nor_do_ticks_matter_when_targets_are_forgotten():
    """Nothing comes any more; that a target is gone is decided at full seconds of the chain's own time."""
    batches = [one for one in seen() if one.time[0] < START + 6 * SECOND]
    first, wanted = settled(np.random.default_rng(0), batches, 0.0, until=150.0)
    assert len(first.chains.settled.beliefs.targets) == 0
    ended = {time for time, digest in wanted.items() if digest == first.chains.settled.digest}
    for seed in range(1, 4):
        _, digests = settled(np.random.default_rng(seed), batches, 10.0, until=150.0)
        both = [time for time in digests if time in wanted]
        assert len(both) > 60
        assert len({wanted[time] for time in both if time not in ended}) > 5
        assert [digests[time] for time in both] == [wanted[time] for time in both]


def test_the_settled_chain_knows_the_targets():
    picture, _ = settled(np.random.default_rng(3), seen(), 10.0)
    tracks = tracks_of(picture.chains.settled, SETTINGS)
    sure = tracks.take(tracks.status > 0)
    assert len(sure) == len(FLIGHTS)
    for flight in FLIGHTS:
        off = [sure.mean[k, :3] - flight.at((int(sure.time[k]) - START) * 1e-9) for k in range(len(sure))]
        assert min(np.linalg.norm(off, axis=1)) < 150.0


def test_what_is_older_than_is_waited_for_does_not_change_it():
    batches = seen()
    _, wanted = settled(np.random.default_rng(0), batches, 0.0, until=40.0)
    picture, now, digests = Picture(START), START, {}
    for k in range(150):
        now += 250_000_000
        arrived = [one for one in batches if now - 250_000_000 <= one.time[0] < now]
        if k == 90:  # 22 s after it
            arrived.append(pointed(0.2, FLIGHTS[0].at(0.2)))
        picture = replace(track(picture, arrived, now, SETTINGS).onto(picture), time=now)
        if k == 90:
            assert picture.chains.patient == now + 600 * SECOND
    assert picture.chains.settled.until == START + 122 * SECOND // 10  # it stands still: more of the kind may come
    edge = max(time for time in wanted if time < now)
    later = picture
    for k in range(5):  # some seconds of it in each tick
        time = edge + APART + round(SETTINGS.settle_slow_s) * SECOND + k
        later = replace(track(later, [], time, SETTINGS).onto(later), time=time)
        digests[later.chains.settled.until] = later.chains.settled.digest
    both = [time for time in digests if time in wanted]
    assert max(both) >= START + END * 1e9
    assert [digests[time] for time in both] == [wanted[time] for time in both]


def test_false_alarms_are_known_as_the_settled_chain_has_learned_them():
    """The head's own are of what came late and of what did not; sensors have other numbers there."""
    picture, _ = settled(np.random.default_rng(0), seen(), 0.0)
    chain, order = picture.chains.settled, ("new", "adsb", *reversed([s for s in picture.sensors if s != "adsb"]))
    assert (chain.beliefs.clutter.sum(1) > 0.0).sum() == 2
    fix = items([batch(Kind.POSITION, "adsb", END, FLIGHTS[0].at(END), np.eye(3) * 100.0)], SETTINGS)
    found = taken(replace(picture.beliefs, clutter=np.ones_like(picture.beliefs.clutter)), order, fix, SETTINGS, chain)
    learned = dict(zip(chain.sensors, chain.beliefs.clutter, strict=True))
    for name, rates in zip(order, found.memory.clutter, strict=True):
        assert rates.tolist() == (learned[name].tolist() if name in learned else [0.0] * len(rates))
