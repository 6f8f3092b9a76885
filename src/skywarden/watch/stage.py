"""Who watches now and what follows for each site, a few sites a tick. A stage of `pipeline.step`.

Once a second it is asked which sensors count. Where that changed, all sites that such a sensor might help are due;
they are looked at in turn, those first that wait longest, so that each is through within TURN seconds. A site that has
not been looked at is not watched.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.config import Settings
from skywarden.model.detection import Detections
from skywarden.model.event import Output, SiteWatched
from skywarden.model.place import F64
from skywarden.model.track import Picture
from skywarden.model.watched import SPEEDS, Watch
from skywarden.track.audible import FAINT
from skywarden.track.beliefs import records
from skywarden.track.looks import SENSE
from skywarden.track.settings import TrackerSettings
from skywarden.watch.alive import SECOND, Told, begun, judged, noted
from skywarden.watch.posts import posts
from skywarden.watch.ways import CROSSING, HITS, NEED, POSITION, RADIUS, Ears, Eyes, seen
from skywarden.watch.word import blinded, named

TURN = 4.0  # s in which all sites are looked at, if all are due; with the second before, all is told within 5 s
LEAST_HITS = 3  # single microphones begin a target from so many on
SLACK = 1000.0  # m


class Now(NamedTuple):
    """A tick as this stage sees it. after: the picture without its watch; batches, events: of the tracker; time: ns."""

    after: Picture
    batches: Sequence[Detections]
    events: Sequence[Output]
    time: int


def watched(before: Watch, now: Now, last: int, settings: Settings) -> tuple[Watch, list[Output]]:
    """Return the watch at a tick, and which sites' words changed. last: ns, of the tick before."""
    if not settings.sites:
        return before, []
    watch = before if before.posts.digest else begun(posts(settings))
    told = _told(now)
    watch = noted(watch, told, now.time)
    if now.time // SECOND != last // SECOND:
        watch = _due(watch, judged(watch, told, now.time), settings.tracker, now.time)
    span = min(max(now.time - last, 0) / SECOND, TURN)
    return _looked(watch, max(1, int(np.ceil(len(watch.at) * span / TURN))), settings.tracker, now.time)


def _told(now: Now) -> Told:
    chains = now.after.chains
    faulty = frozenset(row.sensor for row in chains.registered.standing if row.fault)
    head = now.after.beliefs.nodes
    quarantined = now.after.trust.quarantined
    return Told(now.batches, now.events, now.after.health, head, chains.settled, faulty, quarantined)


def _due(before: Watch, after: Watch, tracker: TrackerSettings, time: int) -> Watch:
    """Return it with those sites due that a sensor might help which has begun or ceased to count."""
    found, aims = after.posts, after.posts.aims
    eyes = np.flatnonzero((before.why == 0) != (after.why == 0))
    ears = np.flatnonzero(before.hearing != after.hearing)
    if not len(aims) or not (len(eyes) or len(ears)):
        return after
    senses = records(found.senses, SENSE)[eyes]
    reach = np.append(senses["reach"], np.full(len(ears), _farthest(tracker)))
    place = np.concatenate((senses["position"].reshape(-1, 3), found.spots[ears]))
    touched = np.array([_near(aim, place, reach).any() for aim in aims], bool)
    return replace(after, due=np.where(touched & (after.due == 0), time, after.due))


def _farthest(tracker: TrackerSettings) -> float:
    return tracker.microphone_reach_m * float(np.exp(FAINT * tracker.microphone_reach_spread))


def _near(aim: F64, place: F64, reach: F64) -> NDArray[np.bool_]:
    """Return (k,) whether sensors may see anything of the ways to a site. place: (k, 3) ECEF m; reach: (k,) m."""
    longest = aim[RADIUS] + SPEEDS[-1] * (aim[NEED] + CROSSING) + SLACK
    apart = place - aim[POSITION : POSITION + 3]
    return np.asarray((apart**2).sum(1) <= (reach + longest) ** 2, bool)


def _looked(watch: Watch, most: int, tracker: TrackerSettings, time: int) -> tuple[Watch, list[Output]]:
    """Look at those sites that are due, the longest waiting first, at most so many."""
    waiting = np.flatnonzero(watch.due)
    if not len(waiting):
        return watch, []
    rows = waiting[np.argsort(watch.due[waiting], kind="stable")][:most]
    found, at, due, blind = watch.seen.copy(), watch.at.copy(), watch.due.copy(), watch.blind.copy()
    events: list[Output] = []
    for row in rows.tolist():
        found[row] = looked(watch, row, tracker)
        at[row], due[row], cells = time, 0, blinded(found[row])
        if (
            cells != blind[row] or not watch.at[row]
        ):  # the first look is told in any case: all may have been well before
            blind[row] = cells
            events.append(SiteWatched(time, watch.posts.sites[row], not cells, named(cells)))
    return replace(watch, seen=found, at=at, due=due, blind=blind), events


def looked(watch: Watch, row: int, tracker: TrackerSettings) -> NDArray[np.float32]:
    """Return the probability of being seen in time, of each sector, layer and speed, with the sensors that count now.

    Rounded down: no rounding makes a cell watched.
    """
    aim = watch.posts.aims[row]
    senses, counts = records(watch.posts.senses, SENSE), watch.why == 0
    some = np.flatnonzero(counts & _near(aim, senses["position"].reshape(-1, 3), senses["reach"]))
    reach = _farthest(tracker)
    spots = watch.posts.spots[watch.hearing]
    spots = spots[_near(aim, spots, np.full(len(spots), reach))]
    hearing = tracker.microphone_reach_m, tracker.microphone_reach_spread, tracker.microphone_detection
    ears = Ears(np.ascontiguousarray(spots), *hearing, tracker.sound_speed_m_s)
    found = np.zeros(watch.seen.shape[1:])
    hits = min(max(tracker.confirm_hits, LEAST_HITS), HITS)
    seen(aim, Eyes(senses[some], watch.posts.heights[some]), ears, hits, found)
    return floored(found)


def floored(values: F64) -> NDArray[np.float32]:
    """Return probabilities as float32, none larger than it was."""
    near = np.maximum(values, 0.0).astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(0)), near).astype(np.float32)
