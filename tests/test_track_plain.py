"""Kernels of single microphones and of others' reports: plain Python and compiled code say the same to the bit."""

import numpy as np
import pytest
from ears_world import PLACES, REACH, Path, told
from hark_world import Ears, stand
from plain import both, exactly
from test_presence_lines import square
from told_world import memory_of, place
from track_world import START as NOW
from track_world import Adsb, Flight, Radar, Sky

from skywarden.model.detection import Kind
from skywarden.model.event import TrackConfirmed
from skywarden.track import adopt, claps, lines, listen, nodes, weigh
from skywarden.track.audible import Hearing
from skywarden.track.flights import flights

HEARING = Hearing()
SECOND = 1_000_000_000


def books(memory):
    """Return all that a memory holds of its targets and leaves, as bytes; what lies behind them is of no account."""
    n, m = memory.counts[:2]
    return memory.targets[:n].tobytes(), memory.leaves[:m].tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_flights_are_weighed_equally_plain_and_compiled(seed):
    onsets, table = square(np.random.default_rng(seed)), flights(40, HEARING.spread)

    def weighed():
        rows, ways = lines.onset_rows(onsets, HEARING), lines.flight_rows(table)
        weight, state, share = np.full(40, -1.0), np.zeros((40, 6)), np.zeros(12)
        best = lines.weigh(rows, ways, HEARING, weight[:15], state[:15], 0, 0.0)
        best = lines.weigh(rows, ways, HEARING, weight, state, 15, best)
        logarithms = weight.tobytes()
        mean = lines.weighed(rows, ways, HEARING, weight, best, share)
        return best, mean, logarithms, weight.tobytes(), state.tobytes(), share.tobytes()

    plain, compiled = both(weighed)
    assert plain == compiled
    assert plain[1] > 0.0


@pytest.mark.parametrize("seed", range(4))
def test_claps_are_weighed_equally_plain_and_compiled(seed):
    rng = np.random.default_rng(seed)
    onsets, table = square(rng), claps.places(40)
    onsets.begun[:5] = onsets.begun[0] + rng.uniform(0.0, 8.0, 5)

    def weighed():
        weight, share = np.full(40, -1.0), np.zeros(12)
        mean = claps.compare_claps(lines.onset_rows(onsets, HEARING), table, HEARING.sound, weight, share)
        return mean, weight.tobytes(), share.tobytes()

    plain, compiled = both(weighed)
    assert plain == compiled
    assert plain[0] > 0.0


def test_messages_are_noted_equally_plain_and_compiled():
    """In any order, also backwards, with pauses and deaths."""
    rng = np.random.default_rng(1)
    row, heard = rng.integers(0, 9, 600), rng.integers(0, 2, 600)
    time = NOW + np.cumsum(rng.integers(-8 * SECOND, 10 * SECOND, 600))

    def noted():
        book, fresh = nodes.empty(9), np.zeros(9, np.int64)
        nodes.note(book, row, time, heard, fresh)
        return [column.tobytes() for column in book], fresh.tolist()

    plain, compiled = both(noted)
    assert plain == compiled
    assert sum(plain[1]) > 0


def test_who_is_heard_is_noted_equally_plain_and_compiled():
    def met():
        memory = memory_of(place(1e3 * np.arange(4)))
        before = books(memory)
        for k in range(12):  # more sensors than a target has room for
            target = np.array([k % 4, (k + 1) % 4])
            weigh.meet(memory, target, (np.array([k, k // 2]), np.array([7, k])), NOW + (k % 5) * SECOND)
        return books(memory), books(memory) != before

    plain, compiled = both(met)
    assert plain == compiled
    assert plain[1]


def test_targets_are_brought_to_reports_and_these_booked_equally_plain_and_compiled():
    rows, said = np.array([2, 0, 1, 3]), ((0, 1.0), (1, 4.0), (2, 0.5), (1, 3.0))  # sensor, its revisit, s

    def reported():
        memory = memory_of(place(1e3 * np.arange(4), 80.0), confirmed=0)
        memory.leaves["weight"][:] = 0.7, 0.3
        memory.leaves["mean"][:4, 1] = memory.leaves["mean"][:4, 0]
        memory.leaves["covariance"][:4, 1] = 2.0 * memory.leaves["covariance"][:4, 0]
        found = []
        for k, (sensor, revisit) in enumerate(said):
            times = NOW + np.array([k, 2 * k, 7 - k, 3 * k]) * SECOND + 12_345_678
            adopt.arrive(memory, rows, times)
            adopt.book(memory, rows, sensor, times, revisit)
            found.append(books(memory))
        return found, memory.leaves["time"][:4].tolist()

    plain, compiled = both(reported)
    assert plain == compiled
    assert len(set(plain[0])) == len(said)
    assert min(plain[1]) > NOW


class Nodes:
    """Single microphones that hear one flight, 200 m/s fast, and say all at once that they live."""

    revisit, offset, late = 1.0, 0.0, 0.0

    def __init__(self, kind):
        self.kind, self.path = kind, Path((-4_500.0, 17_500.0, 300.0), (200.0, 0.0, 0.0))

    def look(self, _flights, t, _rng):
        every = np.arange(len(PLACES))
        if self.kind == Kind.PRESENCE:
            every = every[self.path.way(t) < REACH]
        return told(self.kind, every, t) if len(every) and (self.kind == Kind.PRESENCE or t % 30 == 0) else None


def test_a_raid_of_all_kinds_leaves_equal_beliefs_plain_and_compiled(monkeypatch):
    """Radar, ADS-B, arrays, single microphones that hear and that are silent, and who is begun by these alone."""
    monkeypatch.setattr(listen, "FINE", 256)  # plain kernels are slow
    monkeypatch.setattr(lines, "FEW_FLIGHTS", 64)
    planes = [Flight(2000.0 * k, -1500.0 * k, 900, 60, 0.5 * k, 7 if k % 2 else -1) for k in range(3)]
    arrays = Ears([stand(1500.0 * k, -800.0 * k) for k in range(3)])

    def flown():
        sensors = [Radar("radar", 7000.0, -9000.0, revisit=1.0), Adsb(), arrays]
        sky, found = Sky(planes, [*sensors, Nodes(Kind.PRESENCE), Nodes(Kind.SILENCE)]), []
        sky.run(43.0, lambda sky: found.append(exactly(sky.picture.beliefs) + exactly(sky.picture.tracks)))
        return found, sky.events, len(sky.picture.beliefs.nodes)

    plain, compiled = both(flown)
    assert plain == compiled
    assert plain[2] == len(PLACES)
    assert sum(isinstance(event, TrackConfirmed) for event in plain[1]) == len(planes) + 1
