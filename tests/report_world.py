"""People who report what flies past them, as batches from the decoder's own lines."""

import numpy as np
from flights import PLANT, TIME, flying

from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.model.track import Mode, Tracks
from skywarden.model.triage import Event, Triage
from skywarden.sensors import Reader
from skywarden.sensors.reports import Spot, observer
from skywarden.triage import triaged

SECOND = 1_000_000_000
NOTHING = Tracks.empty(), np.zeros(0, np.int64)
DEGREE = 111_195.0  # m


def spot(east, north):
    """Return a place, m from the plant."""
    across = DEGREE * np.cos(np.radians(PLANT.latitude))
    return Spot(round(float(PLANT.latitude + north / DEGREE), 6), round(float(PLANT.longitude + east / across), 6))


def pointing(who, at, stand, toward, what="one-way UAV piston", number=1):
    """Return a line: somebody points from a place to another, m east and north of the plant; at: s."""
    azimuth = float(np.degrees(np.arctan2(toward[0] - stand[0], toward[1] - stand[1])))
    said = {"sensor": "line", "number": number, "time": TIME + round(at * 1e9), "who": who, "seen": False}
    return observer(**said, place=spot(*stand), azimuth_deg=azimuth, pointed="landmark", what=what)


def circle(who, at, place, number=1):
    """Return a line: somebody marks a place on a map."""
    said = {"sensor": "line", "number": number, "time": TIME + round(at * 1e9), "who": who, "seen": True}
    return observer(**said, at=spot(*place), radius_m=2000.0, what="one-way UAV piston")


def along(speed=50.0, people=12, every=30.0, seed=1, begin=(-9_000.0, 0.0), late=0.0):
    """Return (s, line) of people who point to something that flies east."""
    rng = np.random.default_rng(seed)
    lines = []
    for k in range(people):
        at = k * every
        there = np.array([begin[0] + speed * at, begin[1]])
        stand = there + rng.normal(size=2) * 1_500.0
        toward = there + rng.normal(size=2) * 400.0
        lines.append((at + 20.0 + late, pointing(f"p{seed} {k}", at, stand, toward)))
    return lines


def reader():
    return Reader((Source(name="people", format="reports", max_age_s=900.0),), (), Mode.LIVE)


def batches(lines, at, using=None):
    """Return the batches of lines that come in at once, s."""
    frame = Frame.of("people", TIME + round(at * 1e9), *lines)
    return list((using or reader()).read(frame).batches)


def run(lines, until=None, seen=None, before=None):
    """Return the state and all events after lines, (s, bytes), each second. seen: s -> tracks and when measured."""
    using, picture, events = reader(), before or Triage(), []
    last = max(at for at, _ in lines)
    for second in range(int(min(at for at, _ in lines)), int(until or last + 100)):
        now = [line for at, line in lines if second <= at < second + 1]
        known = seen(second) if seen else NOTHING
        picture, more = triaged(picture, batches(now, second + 1, using), known, TIME + (second + 1) * SECOND)
        events += more
    return picture, events


def radar(begin=(-9_000.0, 0.0), speed=50.0):
    """Return what a radar of the configuration sees of the same thing at a second, as `run` asks for it."""

    def seen(second):
        tracks = flying((begin[0] + speed * second, begin[1], 500, speed, 0, 0), time=TIME + second * SECOND)
        return tracks, np.full(1, TIME + second * SECOND)

    return seen


def spoken(picture):
    """Return the events that people were told of, as rows."""
    return picture.events[picture.events[:, Event.TOLD] > 0]
