"""A few seconds of the built-in raid through a line of its own: afterwards every kernel is compiled and kept.

The first run of all on a machine compiles for a while; who must be quick from the first message on does this before:

    python -m skywarden.sim.rehearsal
"""

from dataclasses import replace

import numpy as np

from skywarden.kernel import keep
from skywarden.model.detection import Detections, Frame, Kind, detections
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.place import F64, I64, TrackPolicy
from skywarden.model.track import Mode, Picture
from skywarden.pipeline import SECOND, Line
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import coast, messages
from skywarden.track.settings import TrackerSettings
from skywarden.track.step import track

START = 1_800_000_000 * SECOND  # any time will do
TICK = SECOND // 10


def rehearse(seconds: float = 12.0) -> int:
    """Run the raid for `seconds` of its own time; return how many tracks were confirmed. Nothing is kept of it."""
    scenario = coast(1, seconds=seconds)
    line = Line()
    line.feed(1, Started(START, Mode.SIM, configuration(scenario, scenario.loopback(), "record", "127.0.0.1:0"), ""))
    seq, due = 1, START + TICK
    for message in messages(scenario, START):
        while message.time >= due:
            seq += 1
            line.feed(seq, Tick(due))
            due += TICK
        seq += 1
        line.feed(seq, Arrived(Frame.of(message.source, message.time, message.data)))
    foreign(due)
    overheard(due)
    keep()
    return line.picture.next_number - 1 if line.picture else 0


def foreign(time: int) -> int:
    """Let another system tell of a track at `time` and a second later; return how many tracks of ours it became."""
    picture, state = Picture(time), np.array([[6.4e6, 0.0, 0.0, 0.0, 50.0, 0.0]])
    for later in (time, time + SECOND):
        when, subject = np.array([later]), np.array([1])
        told = detections(Kind.TRACK, "foreign", later, when, state, np.eye(6)[None] * 100.0, subject=subject)
        told = replace(told, policy=TrackPolicy.INTERSECTION)
        picture = replace(track(picture, [told], later, TrackerSettings()).onto(picture), time=later)
    return len(picture.tracks)


def overheard(time: int, seconds: int = 180) -> int:
    """Let single microphones hear somebody from `time` on; return how many tracks became of it."""
    picture, settings = Picture(time), TrackerSettings()
    row, column = (each.ravel() for each in np.mgrid[:6, :5])
    nodes = np.column_stack([np.full(len(row), 6.37814e6), 1200.0 * column, 2500.0 * row])
    for t in range(seconds):
        now, place = time + t * SECOND, np.array([6.37844e6, 2400.0, 60.0 * t - 8000.0])
        hear = np.linalg.norm(nodes - place, axis=1) < settings.microphone_reach_m
        told = [_calls(Kind.PRESENCE, np.flatnonzero(hear), nodes, now)] if hear.any() else []
        told += [_calls(Kind.SILENCE, np.arange(len(nodes)), nodes, now)] if t % 30 == 0 else []
        picture = replace(track(picture, told, now, settings).onto(picture), time=now)
    return len(picture.tracks)


def _calls(kind: Kind, who: I64, nodes: F64, time: int) -> Detections:
    """Return what nodes at places (n, 3) say, those in the rows `who`."""
    z, covariance = np.ones((len(who), 2)), np.tile(np.eye(2), (len(who), 1, 1))
    times = np.full(len(who), time)
    return detections(kind, "ears", time, times, z, covariance, node=who, origin=nodes[who], revisit=1.0)


if __name__ == "__main__":
    rehearse()
