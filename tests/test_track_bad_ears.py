"""One source of bearings, sounds, people's reports or calls that is wrong in every way: others' tracks stay, and so on.

As `test_track_bad_input` for radars and positions: room is bounded, and it is named where that can be.
"""

from time import process_time

import numpy as np
import pytest
from bad_ears import ORIGINS, Flood, Nodes, People, arrays, bearings, watchers
from listening import AT, SECOND, alive, framed, heard
from test_track_bad_input import FLIGHTS, NEAR, SETTINGS, boasting, flown, jumping, senseless
from track_world import Radar

from skywarden.model.event import Refused
from skywarden.model.place import Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader
from skywarden.sensors.microphone.encode import encode, heartbeat
from skywarden.track.admit import MOST_SOUNDS
from skywarden.track.beliefs import records
from skywarden.track.monitor import fits
from skywarden.track.posts import MOST_EACH, NODE
from skywarden.track.states import at

KINDS = {"bearings": bearings, "watchers": watchers, "arrays": arrays, "people": People}
NONSENSE = {
    "numbers that are none": senseless(np.nan),
    "covariance that is none": senseless(np.nan, covariance=True),
    "covariance of nothing": senseless(0.0, covariance=True),
    "covariance of everything": senseless(1e30, covariance=True),
}
LEAD = Source(name="ears", format="microphone", listen="udp://127.0.0.1:9001").max_lead_s  # 5 s; the rest is refused


class Spoiled:
    """A sensor whose batches `spoil(batch, t)` writes over."""

    def __init__(self, sensor, spoil):
        self.sensor, self.spoil = sensor, spoil
        self.revisit, self.offset, self.late = sensor.revisit, sensor.offset, sensor.late

    def look(self, flights, t, rng):
        made = self.sensor.look(flights, t, rng)
        if made is not None:
            for column in (made.time, made.z, made.covariance):
                column.flags.writeable = True
            self.spoil(made, t)
        return made


def singular(made, _):
    """All components hang together without any doubt."""
    made.covariance[:] = made.covariance[:, :1, :1]


def beside(sensor, until=100.0):
    """Return what becomes of a sky with this sensor; check that all others' tracks stay, and that room is bounded."""
    most = []
    sky = flown([sensor], until, lambda sky: most.append(len(sky.picture.tracks)))
    shown = sky.shown()
    assert {flight.address for flight in FLIGHTS} <= set(shown.address.tolist())
    places, _ = at(shown, sky.picture.time)
    assert np.linalg.norm(places[:, None, :3] - sky.truth(), axis=2).min(axis=0).max() < 200.0
    assert max(most) <= SETTINGS.max_tentative_per_sensor + 100
    return sky


def why(sky):
    """Return why it is named: what was refused of it, or that it is too sure of itself. Nobody else is."""
    refused = {(event.source, event.reason) for event in sky.events if isinstance(event, Refused)}
    named = refused | {(fit.sensor, "too sure") for fit in fits(sky.picture.chains.settled) if fit.too_sure}
    assert {source for source, _ in named} <= {"bad"}
    return {reason for _, reason in named}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", NONSENSE)
@pytest.mark.parametrize("kind", KINDS)
def test_nonsense_is_refused(kind, name):
    assert "not finite" in why(beside(Spoiled(KINDS[kind]("bad"), NONSENSE[name])))


@pytest.mark.parametrize("kind", ["arrays", "people"])  # a bearing without elevation has one component
def test_a_covariance_that_is_singular_is_refused(kind):
    assert "not finite" in why(beside(Spoiled(KINDS[kind]("bad"), singular)))


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_as_it_says_is_not_named(kind):
    assert why(beside(KINDS[kind]("bad"))) == set()


@pytest.mark.parametrize("kind, until", [("watchers", 100.0), ("arrays", 100.0), ("people", 400.0)])
def test_who_claims_ten_times_the_precision_it_has_is_too_sure(kind, until):
    assert "too sure" in why(beside(Spoiled(KINDS[kind]("bad"), boasting(10)), until))


def test_who_begins_targets_and_claims_ten_times_its_precision_harms_nobody_else():
    """It is not named: what fits no target begins one of its own, which is narrow, and does not count."""
    beside(Spoiled(bearings("bad"), boasting(10)))


@pytest.mark.parametrize("seconds", [-20.0, -3600.0])
@pytest.mark.parametrize("kind", ["bearings", "watchers", "people"])
def test_a_clock_that_jumps_back_is_too_late(kind, seconds):
    assert "too late" in why(beside(Spoiled(KINDS[kind]("bad"), jumping(seconds))))


@pytest.mark.parametrize("seconds", [-20.0, -3600.0])
def test_sounds_of_a_clock_that_jumps_back_harm_nobody(seconds):
    """Sounds of an hour ago are nobody's."""
    assert ("too late" in why(beside(Spoiled(arrays("bad"), jumping(seconds))))) == (seconds > -3600.0)


@pytest.mark.parametrize("kind", [*KINDS, "radar"])
def test_a_clock_that_jumps_ahead_as_far_as_it_may_harms_nobody(kind):
    sensor = Radar("bad", **NEAR) if kind == "radar" else KINDS[kind]("bad")
    beside(Spoiled(sensor, jumping(LEAD)))


@pytest.mark.parametrize("seconds", [-3600.0, -20.0, 0.0, LEAD])
def test_single_microphones_whose_clocks_jump_harm_nobody(seconds):
    sky = beside(Spoiled(Nodes(), jumping(seconds)))
    assert why(sky) == set()
    assert len(sky.picture.beliefs.nodes) == len(ORIGINS)


def test_levels_of_single_microphones_are_not_used_so_they_may_be_anything():
    bytes_of = []
    for spoil in (lambda made, t: None, *NONSENSE.values(), singular):
        sky = beside(Spoiled(Nodes(), spoil), 30.0)
        bytes_of.append((sky.picture.tracks.mean.tobytes(), sky.picture.beliefs.nodes.tobytes()))
    assert len(set(bytes_of)) == 1


def learned(always):
    """Return s for which each node heard what is no target's, where so many always hear something; nobody is begun."""
    sky = beside(Nodes(always=always), 150.0)
    assert sorted(sky.shown().address.tolist()) == [flight.address for flight in FLIGHTS]
    nodes = records(sky.picture.chains.settled.beliefs.nodes, NODE)
    loud = dict(zip(map(tuple, nodes["place"].tolist()), nodes["loud"].tolist(), strict=True))
    return np.array([loud[tuple(place)] for place in ORIGINS.tolist()])


def test_microphones_that_always_hear_something_begin_nobody_and_are_learned():
    none, one, every = learned(0), learned(1), learned(len(ORIGINS))
    assert none.max() < 15.0
    assert one[0] > 40.0
    assert one[1:] == pytest.approx(none[1:], abs=1.0)
    assert every.mean() > 3.0 * none.mean()


def flooded(kind, count=100_000):
    """Return what becomes of a sky in which so many come at once, twice; check that it takes no longer than it may."""
    took = []

    def watch(sky):
        if sky.t > 30.0:  # of the second flood: on a new machine kernels are compiled in the first
            took.append(process_time())

    sky = flown([Flood(kind, count)], 45.0, watch)
    assert np.diff(took).max() < 5.0  # of processor time; 0.2 to 0.8 s, also beside much else
    assert len(sky.picture.tracks) <= SETTINGS.max_tentative_per_sensor + 100
    assert sorted(sky.shown().address.tolist())[-4:] == [flight.address for flight in FLIGHTS]
    return sky


def test_a_hundred_thousand_that_begin_nobody_end_in_time():
    assert why(flooded("watchers")) == {"too sure"}  # what fits a target by chance fits it badly


def test_more_sounds_than_a_tick_takes_in_are_refused_and_as_many_as_it_does_end_in_time():
    assert why(flooded("arrays")) == {"quota"}
    assert why(flooded("arrays", MOST_SOUNDS)) <= {"too sure", "quota"}  # of targets that they may begin


def test_a_hundred_thousand_bearings_that_begin_targets_end_in_time_and_are_refused():
    sky = flooded("bearings")
    assert why(sky) == {"quota"}
    assert sum(event.count for event in sky.events if isinstance(event, Refused)) > 150_000


def test_five_thousand_places_on_a_map_end_in_time_and_are_refused():
    """Each is a look of its own."""
    assert why(flooded("people", 5_000)) == {"quota"}


@pytest.mark.parametrize("kind", ["hearing", "living"])
def test_a_hundred_thousand_microphones_at_once_are_as_many_as_are_kept(kind):
    sky = flooded(kind)
    assert why(sky) == {"quota"}
    assert len(sky.picture.beliefs.nodes) == MOST_EACH


@pytest.mark.parametrize("seconds, reason", [(6.0, "time in the future"), (-61.0, "time in the past")])
def test_what_is_further_off_than_it_may_be_is_counted_where_it_is_decoded(seconds, reason):
    """So it never comes to the tracker: as `max_lead_s` and `max_age_s` of its source say."""
    reader = Reader([Source(name="ears", format="microphone", listen="udp://127.0.0.1:9001")], [], Mode.LIVE)
    received = AT - round(seconds * SECOND)
    said = reader.read(framed(encode(heard()), heartbeat(alive()), received=received))
    assert sum(len(batch) for batch in said.batches) == 0
    assert set(said.refused) == {reason}
    assert said.refused[reason] >= 8
    good = reader.read(framed(encode(heard(second=9)), received=AT + 10 * SECOND))
    assert sum(len(batch) for batch in good.batches) >= 4
    assert not good.refused
