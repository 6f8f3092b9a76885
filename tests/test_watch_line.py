"""What is watched, in the running line: silence, losses and missing packets never make a site clear."""

import msgspec
import numpy as np
import pytest
from watch_world import SECOND, radar, settings, site

from skywarden import geo
from skywarden.config import resolved
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, SiteWatched, Started, Tick
from skywarden.model.track import Mode
from skywarden.pipeline import Line
from skywarden.saved import digest
from skywarden.service import site_rows
from skywarden.sim.blocks import radar_messages
from skywarden.sim.radar import Plots, Radar
from skywarden.watch import WHY, Word

START = 1_900_000_000 * SECOND
TICK = SECOND // 10
PLANT = site(radius_m=2000.0, lead_time_s=30.0)
SPOTS = {"mast": (0.0, 0.0, 900.0), "hill": (12.0, -9.0, 1200.0)}  # km north and east, m
PERIOD = 4.0
LONG = 40.0  # s
WORDS = tuple(Word)


def enrolled(names=tuple(SPOTS), **rest):
    """An installation whose radars see all around."""
    made = [radar(name, *SPOTS[name][:2], height_m=SPOTS[name][2], revisit_s=PERIOD) for name in names]
    return settings(made, (PLANT,), **rest)


def plots(one, seconds):
    """Return the plots of a target that comes straight in from 7 km north at 60 m/s, 800 m high."""
    looks = np.arange(one.phase_s, seconds, PERIOD)
    north = np.radians(PLANT.latitude + (7_000 - 60.0 * looks) / 111_200)
    place = geo.ecef(north, np.full(len(looks), np.radians(PLANT.longitude)), 800.0)
    east, ahead, up = one.stands().rotation @ (place - one.stands().position).T
    azimuth, zero = np.arctan2(east, ahead) % (2 * np.pi), np.zeros(len(looks))
    time, away = looks + azimuth / (2 * np.pi) * PERIOD, np.sqrt(east**2 + ahead**2 + up**2)
    return Plots(time, away, azimuth, zero, zero, np.zeros(len(looks), np.int64), zero > 0)


def sent(given, seconds=LONG, flight=False):
    """Return the datagrams of all radars, in time order."""
    found = []
    for k, sensor in enumerate(given.sensors):
        at = {"latitude": sensor.latitude, "longitude": sensor.longitude, "height_m": sensor.height_m}
        one = Radar(name=sensor.name, sac=sensor.sac, sic=sensor.sic, period_s=PERIOD, phase_s=0.3 * k, **at)
        found += radar_messages(one, plots(one, seconds if flight else 0.0), [], START, seconds)
    return sorted(found, key=lambda message: (message.time, message.source))


def started(given):
    """Return a line that has just begun with these settings."""
    line = Line()
    line.feed(1, Started(START, Mode.SIM, "", "", resolved(given)))
    return line


def run(given, messages, seconds=LONG, line=None, begin=0.0):
    """Return the words of the site at each tick, the pictures, and the events of sites."""
    line, words, pictures, events = line or started(given), [], [], []
    waiting, due = list(messages), START + round(begin * SECOND)
    while due < START + round(seconds * SECOND):
        due += TICK
        while waiting and waiting[0].time <= due:
            one = waiting.pop(0)
            line.feed(2, Arrived(Frame.of(one.source, one.time, one.data)))
        outputs = [caused.event for caused in line.feed(2, Tick(due))]
        events += [event for event in outputs if isinstance(event, SiteWatched)]
        words.append(site_rows.said(line.picture, given.sites)["plant"].word)
        pictures.append(line.picture)
    return words, pictures, events


@pytest.fixture(scope="module")
def well():
    given = enrolled()
    return given, sent(given), *run(given, sent(given))


def test_a_site_is_not_watched_until_sensors_have_shown_that_they_work_and_then_it_is(well):
    _, _, words, pictures, events = well
    first = words.index(Word.CLEAR)
    assert 160 <= first <= 180  # ticks: four turns of 4 s, one second until it is asked
    assert set(words[:first]) == {Word.NOT_WATCHED}
    assert set(words[first:]) == {Word.CLEAR}
    before, event = events  # the first look is told in any case
    assert (before.watched, len(before.blind)) == (False, 24)
    assert (event.site, event.watched, event.blind) == ("plant", True, ())
    assert pictures[-1].watch.cells("plant")[0].min() > 0.99


def test_who_dies_is_no_more_counted_within_five_seconds_of_its_silence_being_known():
    given = enrolled(("mast",))
    words, pictures, events = run(given, [m for m in sent(given) if m.time < START + 20 * SECOND])
    last = len(words) - 1 - words[::-1].index(Word.CLEAR)
    assert 20.0 < last * 0.1 < 20.0 + 2.0 + 1.5  # two seconds without a sector, one until it is asked
    assert words[-1] == Word.NOT_WATCHED
    assert [event.watched for event in events] == [False, True, False]
    assert len(events[2].blind) == 24
    assert events[2].blind[0] == "N low"
    assert WHY[pictures[-1].watch.why[0]] == "silent"


@pytest.fixture(scope="module")
def flown():
    given = enrolled()
    return given, sent(given, flight=True), *run(given, sent(given, flight=True))


def test_an_alert_goes_before_all(flown):
    words, pictures = flown[2:4]
    assert words[-1] == Word.ALERT
    assert len(pictures[-1].alerts) == 1


def blindly(rng, messages):
    """Return the messages that are left: of some sensors, without some time spans, or without some packets."""
    kind = rng.integers(4)
    keep = np.ones(len(messages), bool)
    since = np.array([message.time - START for message in messages]) / SECOND
    if kind == 0:
        gone = rng.choice(list(SPOTS))
        keep &= np.array([message.source != gone for message in messages])
    if kind == 1:
        begin = rng.uniform(0, LONG)
        keep &= (since < begin) | (since > begin + rng.uniform(3, LONG))
    if kind == 2:
        keep &= rng.random(len(messages)) > rng.choice([0.02, 0.1, 0.3, 0.6, 0.9])
    if kind == 3:
        keep &= (since // rng.uniform(2, 12)) % 2 == 0
    return [message for message, kept in zip(messages, keep, strict=True) if kept]


def _just_gone(holes, time):
    """Return whether packets have begun to be missing within 5 s: until then it may not be known."""
    before = holes[holes <= time]
    begins = before[np.flatnonzero(np.diff(before, prepend=0) > 2 * SECOND)]
    return len(begins) > 0 and time - begins[-1] <= 5 * SECOND


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("flight", [False, True])
def test_whatever_is_taken_away_makes_no_site_clear_that_was_not(seed, flight, well, flown):
    given, whole, words, pictures, _ = flown if flight else well
    left = blindly(np.random.default_rng(seed), whole)
    less, fewer, _ = run(given, left)
    holes = np.array([m.time for m in whole if m not in left])
    worse = [
        (k, a)
        for k, (a, b) in enumerate(zip(words, less, strict=True))
        if b == Word.CLEAR and a in WORDS[:2] and not _just_gone(holes, START + (k + 1) * TICK)
    ]
    assert worse == []
    for picture, other in zip(pictures, fewer, strict=True):
        assert (other.watch.cells("plant")[0] <= picture.watch.cells("plant")[0]).all()


def test_who_sends_what_is_refused_is_not_counted(well):
    given, messages, *_ = well
    spoiled = []
    for k, message in enumerate(messages):
        later = message.time > START + 25 * SECOND
        spoiled.append(message._replace(data=message.data[:-1] + b"\xff\xff") if later and k // 2 % 2 else message)
    words, pictures, _ = run(given, spoiled)
    assert words[240] == Word.CLEAR
    assert Word.CLEAR not in words[270:]
    assert {WHY[why] for why in pictures[-1].watch.why} == {"nothing usable"}  # in an empty sky nothing is used


def test_late_signs_of_life_are_none(well):
    given, messages, *_ = well
    slow = [message._replace(time=message.time + 20 * SECOND) for message in messages]
    words, _, _ = run(given, slow)
    assert Word.CLEAR not in words


def test_a_second_without_packets_does_nothing_and_a_third_of_them_counts_for_nothing(well):
    given, messages, words, *_ = well
    brief = [m for m in messages if not 15 < (m.time - START) / SECOND < 15.4]
    assert run(given, brief)[0] == words
    third = [m for k, m in enumerate(messages) if m.time < START + 15 * SECOND or k % 3]
    assert Word.CLEAR not in run(given, third)[0][200:]


def test_after_a_start_nothing_is_watched_until_it_was_looked_at(well):
    given, pictures = well[0], well[3]
    line = Line(given, pictures[-1])
    line.feed(1, Started(pictures[-1].time, Mode.SIM, "", "", resolved(given)))
    assert site_rows.said(line.picture, given.sites)["plant"] == (Word.NOT_WATCHED, line_blind())
    words, _, _ = run(given, [m for m in sent(given, 60.0) if m.time > pictures[-1].time], 60.0, line, LONG)
    assert words[0] == Word.NOT_WATCHED
    assert words[-1] == Word.CLEAR


def line_blind():
    sectors = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
    return tuple(f"{sector} {layer}" for layer in ("low", "middle", "high") for sector in sectors)


def test_a_picture_put_down_and_taken_up_again_goes_on_the_same(well):
    given, messages, words, pictures, _ = well
    line = started(given)
    run(given, messages, 10.0, line)
    again = Line.restore(line.save())
    assert digest(again.picture) == digest(line.picture) == digest(pictures[99])
    rest = [m for m in messages if m.time > line.picture.time]
    more, later, _ = run(given, rest, LONG, again, 10.0)
    assert words[100:] == more
    assert digest(later[-1]) == digest(pictures[-1])
    other = msgspec.structs.replace(given, sensors=given.sensors[:1])
    assert digest(run(other, messages, 10.0)[1][-1]) != digest(pictures[99])
