"""Subjects that a sensor sees too often within the time of a look: the first ones count, whatever brought them."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from test_track_chain import FLIGHTS, SENSORS, pieces, seen, settled
from test_track_gather import PLACES, SETTINGS, batches, flat, looks_of, shuffled
from track_world import START, batch

from skywarden.model.detection import Kind
from skywarden.model.event import Refused
from skywarden.model.track import Picture
from skywarden.sensors import take
from skywarden.track import gather as cutting
from skywarden.track.beliefs import records
from skywarden.track.gather import OFTEN, QUANTUM, gather, numbered
from skywarden.track.items import items
from skywarden.track.posts import NODE
from skywarden.track.settings import TrackerSettings
from skywarden.track.step import track
from skywarden.track.take import called

PLAIN = TrackerSettings()


def said(t, addresses, name="adsb", **more):
    """Return places that aircraft say they are at, at times t (m,), s."""
    rng = np.random.default_rng(len(t))
    z = FLIGHTS[1].at(0.0) + rng.normal(size=(len(t), 3)) * 300.0
    address = np.broadcast_to(addresses, len(t))
    return batch(
        Kind.POSITION, name, t, z, np.eye(3) * 400.0, subject=address, address=address, **{"revisit": 1.0} | more
    )


def kept_by_loops(given, names, often):
    """Return (batch, row) of those that are taken, by plain loops: the first of each subject, by time and name."""
    seen_by = defaultdict(list)
    for k, one in enumerate(given):
        longest = min(0.1, max(one.revisit, 0.05) / 2)
        for i, time in enumerate(one.time.tolist()):
            slot = (time // QUANTUM, int(time % QUANTUM // round(longest * 1e9)))
            subject = int(one.subject[i] if one.subject[i] >= 0 else one.address[i])
            many = one.kind in (Kind.PLANE, Kind.DIRECTION) or subject < 0
            key = (k, i) if many else (one.sensor, one.kind, slot, subject)
            seen_by[key].append((time, names[k][i], k, i))
    return {(k, i) for rows in seen_by.values() for _, _, k, i in sorted(rows)[:often]}


@pytest.mark.parametrize("often", [1, 2])
def test_the_first_of_a_subject_are_taken_as_plain_loops_take_them(often, monkeypatch):
    monkeypatch.setattr(cutting, "OFTEN", often)
    crowded = 0
    for seed in range(25):
        given = [one for k in range(12) for one in batches(np.random.default_rng([seed, k]))]
        given = [replace(one, time=START + (one.time - START) // 30) for one in given]
        crowded += taken_as_by_loops(given, often)
    assert crowded > 300


def taken_as_by_loops(given, often):
    """Compare what is taken, and the looks of it, with plain loops; return how many are not taken."""
    new = items(given, SETTINGS)
    found, rows, each = gather(new, ()), flat(given), iter(new.rows["name"].tolist())
    names = [[next(each) for _ in range(len(one))] for one in given]
    kept = kept_by_loops(given, names, often)
    assert {rows[j] for j in found.origin.tolist()} == kept
    assert {rows[j] for j in found.crowded.tolist()} == set(rows) - kept
    masks = [np.array([(k, i) in kept for i in range(len(one))]) for k, one in enumerate(given)]
    left = [(take(one, mask), k) for k, (one, mask) in enumerate(zip(given, masks, strict=True)) if mask.any()]
    wanted = looks_of([one for one, _ in left], [np.array(names[k])[masks[k]].tolist() for _, k in left])
    made = zip(found.looks["time"].tolist(), (found.looks["end"] - found.looks["begin"]).tolist(), strict=True)
    assert sorted(made) == sorted((middle, len(part)) for (middle, *_), _, part in wanted)
    return len(found.crowded)


def test_a_flood_of_one_address_makes_as_many_looks_as_there_are_times():
    """It was a look each: 2 s of work for half a second of messages."""
    flood, others = said(np.linspace(0.0, 0.499, 20_000), 4711), said(np.linspace(0.0, 0.499, 300), np.arange(300))
    found = gather(items([flood, others], PLAIN), ())
    assert len(found.looks) == 5 * OFTEN
    assert len(found.crowded) == 20_000 - 5 * OFTEN
    assert Counter(found.given.address.tolist()) == {4711: 5 * OFTEN, **dict.fromkeys(range(300), 1)}


def test_nor_does_it_help_to_be_somewhere_else_each_time():
    """Each place is a sensor that stands elsewhere; the name is the same."""
    z, noise = np.array([9000.0, 1.0, 0.05, 10.0]), np.diag([900.0, 1e-5, 1e-5, 1.0])
    many = [
        batch(Kind.POLAR, "mast", 1e-3 * k, z, noise, place=PLACES[k % 3], subject=[7], revisit=4.0 + k)
        for k in range(60)
    ]
    assert len(gather(items(many, PLAIN), ()).looks) == OFTEN


def test_what_a_sensor_sees_often_by_its_own_revisit_and_what_is_alone_is_taken():
    quick = said(np.arange(0.0, 1.0, 0.005), 4711, revisit=0.05)  # a look is 25 ms: 5 of a subject
    bearings = batch(Kind.DIRECTION, "post", np.linspace(0, 0.05, 40), np.ones((40, 2)), np.eye(2), place=PLACES[0])
    nameless = batch(Kind.POSITION, "grid", np.linspace(0, 0.05, 40), np.full((40, 3), 4e6), np.eye(3))
    found = gather(items([quick, bearings, nameless], PLAIN), ())
    assert not len(found.crowded)
    assert len(found.origin) == 280


@pytest.mark.parametrize("receivers, speed", [(1, 20.0), (2, 10.0), (6, 1.0)])
def test_ordinary_traffic_is_taken_whole(receivers, speed):
    """Positions come every 0.4 to 0.6 s, of each receiver of a network, in a record that is played faster, too."""
    rng, given = np.random.default_rng(4), []
    for address in range(50):
        times = np.cumsum(rng.uniform(0.4, 0.6, 100)) / speed
        given += [said(times + rng.uniform(0.0, 0.02, 100) / speed, address) for _ in range(receivers)]
    assert not len(gather(items(given, PLAIN), ()).crowded)


def quotas(tracked):
    return {event.source: event.count for event in tracked.events if isinstance(event, Refused)}


def test_what_is_not_taken_is_counted_against_its_sensor_and_belongs_to_nobody():
    flood, other = said(np.linspace(0.0, 0.0999, 500), 4711), said([0.05], [12], "second")
    tracked = track(Picture(START), [flood, other], START + QUANTUM, PLAIN)
    assert quotas(tracked) == {"adsb": 500 - OFTEN}
    assert int((tracked.matches[0] > 0).sum()) == OFTEN == int((tracked.matches[0][:OFTEN] > 0).sum())
    assert tracked.matches[1][0] > 0
    again = track(Picture(START), [flood, flood], START + QUANTUM, PLAIN)
    assert {(e.reason, e.count) for e in again.events if isinstance(e, Refused)} == {
        ("quota", 500 - OFTEN),
        ("duplicate", 500),
    }


def test_what_settles_does_not_depend_on_how_a_flood_was_cut():
    flood = said(np.linspace(3.0, 6.0, 1200), 0x400001)  # the address of a flight
    given = [*seen(sensors=SENSORS[1:]), flood]
    first, wanted = settled(np.random.default_rng(0), given, 0.0)
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        parts = [part for one in pieces(rng, given) for part in pieces(rng, [one])]
        picture, digests = settled(rng, parts, 8.0)
        assert picture.chains.settled.digest == first.chains.settled.digest
        both = [time for time in digests if time in wanted]
        assert len(both) > 15
        assert [digests[time] for time in both] == [wanted[time] for time in both]
    rng = np.random.default_rng(3)
    whole, cut = (gather(items(some, PLAIN), ()) for some in (given, shuffled(rng, given)))
    assert whole.looks.tobytes() == cut.looks.tobytes()


class Names(tuple):
    """Names of sensors, among which nobody looks for one from the first to the last."""

    __slots__ = ()

    def __contains__(self, name):
        raise AssertionError("a search for each look")

    def index(self, *name):
        raise AssertionError("a search for each look")

    def __add__(self, other):
        return Names((*self, *other))


def test_sensors_are_found_by_their_names_at_once():
    known = Names(f"sensor {k}" for k in range(500))
    given = [said([0.001 * k], [k], f"sensor {k}") for k in range(490, 520)]
    found = gather(items(given, PLAIN), known)
    assert found.sensors == (*known, *(f"sensor {k}" for k in range(500, 520)))
    assert found.looks["sensor"].tolist() == list(range(490, 520))
    assert numbered(("b", "a"), ("a", "c", "c", "b")) == {"b": 0, "a": 1, "c": 2}


def test_nodes_are_found_by_their_names_at_once():
    known = Names(f"source {k}" for k in range(50))
    place = np.broadcast_to(PLACES[0].position, (1, 3))
    given = [
        batch(Kind.PRESENCE, f"source {k}", 0.0, [[60.0, 100.0]], np.eye(2), node=np.array([k]), origin=place)
        for k in range(45, 55)
    ]
    found = called(Picture(START).beliefs, known, items(given, PLAIN))
    assert found.sensors == (*known, *(f"source {k}" for k in range(50, 55)))
    assert len(records(found.beliefs.nodes, NODE)) == 10
