"""Tracks of other systems: which of ours each is, whether it is one of ours come back, and what it is used for.

A report is a whole state with its covariance, of a subject that its source tells apart. What was said last of each
subject is kept in a table, `FEED`, in each chain. A subject that is near one of our tracks when it appears may be that
track, come back to us: nothing of it is used until some reports have been compared. Then it is theirs for good, or
ours as long as it stays that near. So a subject is compared only with tracks that know nothing of it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import NO_SUBJECT, Kind
from skywarden.model.foreign import Foreign
from skywarden.model.place import I64, TrackPolicy
from skywarden.model.track import Beliefs, Chain, Picture, Status, TrackKind, Tracks
from skywarden.track.alike import GATE, States, alike, chi2
from skywarden.track.beliefs import plain, records, tracked
from skywarden.track.foreign import Estimate, tracklet
from skywarden.track.items import FEED, ITEM, POLICIES, Items, stacked
from skywarden.track.measure import CORRELATION, FASTEST, HIGHEST, LOWEST, SIGMA_MAX, SIGMA_MIN
from skywarden.track.motion import predict_all
from skywarden.track.nearest import nearest
from skywarden.track.pool import Rows
from skywarden.track.prepare import IMPLAUSIBLE, NOT_FINITE, OWN, QUOTA, REPEATED, TOO_LATE, USED
from skywarden.track.settings import TrackerSettings
from skywarden.track.states import at, columns
from skywarden.track.table import rows_of

UNDECIDED, THEIRS, OURS = 0, 1, 2  # FEED.verdict
FORGET = 60_000_000_000  # ns; a number that comes again after that is another target's
SHOWN = 30_000_000_000  # ns; so long what another system told is shown
LEAST = np.diag([25.0] * 3 + [0.25] * 3)  # m^2, m^2/s^2; what formats and clocks blur, whatever a system claims
LIKELY = 0.1  # existence of a target of ours that a report may be of
NEAR = 0.25  # chi-square of place by our covariance alone; 3 % of independent reports are that near
WORTH = 20_000.0  # m; what is known worse than that says nothing
CLEAR = 2000.0  # m; what begins so far from all of ours cannot be one: a young track's velocity is poorly known
BLUR = 1.0  # m^2, of place: our own track comes back rounded
FADE = 15 / 16  # a report; so fast is forgotten how near the subject was
ENOUGH = 4.0  # reports, five that faded a little, before anything is decided
MOSTLY, SELDOM = 0.7, 0.4  # share of near reports from which a subject is ours, and under which it is theirs
DISPLAY, TRACKLETS, INTERSECTION = (POLICIES.index(each) for each in TrackPolicy)

Verdicts = Mapping[tuple[str, int], tuple[int, int]]  # sensor, subject -> verdict, since when


class Told(NamedTuple):
    """What follows from m reports.

    feeds: the table after them. sensors: names, new ones last. reports (m,): with errors that may be. code (m,): USED
    or why not. states: rows of reports whose whole state is to be used; targets: labels of ours that they are of, 0
    none; alone: of subjects that began far from all of ours, and so cannot be ours. tracklets: measurements; pieces:
    rows of the reports that they are of; senses: their sensors.
    """

    feeds: Rows
    sensors: tuple[str, ...]
    reports: Rows
    code: I64
    states: I64
    targets: I64
    alone: NDArray[np.bool_]
    tracklets: Rows
    pieces: I64
    senses: Rows


def verdicts(chain: Chain) -> Verdicts:
    """Return what a chain has decided, by sensor and subject."""
    feeds = records(chain.beliefs.feeds, FEED)
    columns = (feeds[name].tolist() for name in ("sensor", "subject", "verdict", "since"))
    rows = zip(*columns, strict=True)
    return {(chain.sensors[s], subject): (its, since) for s, subject, its, since in rows if its != UNDECIDED}


def foreign(picture: Picture) -> Foreign:
    """Return the tracks of other systems that are told of yet, by system and subject; not those that are ours."""
    feeds = records(picture.beliefs.feeds, FEED)
    feeds = feeds[(feeds["verdict"] != OURS) & (feeds["time"] > picture.time - SHOWN)]
    feeds = feeds[np.lexsort((feeds["subject"], feeds["sensor"]))]
    mean = _carried(feeds, picture.time, TrackerSettings()).mean
    tracks = picture.tracks
    ours = np.flatnonzero(tracks.shown() & np.isin(tracks.label, feeds["label"]))
    number = dict(zip(tracks.label[ours].tolist(), tracks.number[ours].tolist(), strict=True))
    return Foreign(
        sensor=[picture.sensors[sensor] for sensor in feeds["sensor"].tolist()],
        states=columns(picture.time, feeds["subject"], mean),
        address=feeds["address"].tolist(),
        told=feeds["time"].tolist(),
        track=[number.get(label, 0) for label in feeds["label"].tolist()],
    )


def told(
    beliefs: Beliefs, sensors: tuple[str, ...], new: Items, settings: TrackerSettings, judged: Verdicts | None
) -> Told:
    """Compare reports with what is known before the looks that come with them.

    judged: verdicts of the settled chain; None: this is it, and decides itself. The head must not, since its tracks
    have moved on when a report comes.
    """
    reports, feeds = new.reports.copy(), records(beliefs.feeds, FEED)
    code = _doubts(reports)
    reports["covariance"] = 0.5 * (reports["covariance"] + reports["covariance"].swapaxes(1, 2)) + LEAST
    names = [new.names[k] for k in new.senses["sensor"][reports["sense"]].tolist()]
    sensors += tuple(name for name in sorted(set(names)) if name not in sensors)
    sensor = np.array([sensors.index(name) for name in names], np.int64)
    feeds = feeds[feeds["time"] > reports["time"].max(initial=0) - FORGET]
    row = _rows(feeds, sensor, reports["subject"])
    since = np.ones(len(reports), np.int64)
    since[row >= 0] = reports["time"][row >= 0] - feeds["time"][row[row >= 0]]
    code[(code == USED) & (since < 0)], code[(code == USED) & (since == 0)] = TOO_LATE, REPEATED
    last = _latest(sensor, reports, code == USED)
    last = last[_room(feeds, sensor[last], row[last], settings.max_tracks_per_sensor)]
    now, before = _written(feeds, row[last], sensor[last], reports[last]), _before(feeds, row[last])
    _compare(now, tracked(beliefs, settings), settings)
    if judged is None:
        _decide(now, settings)
    else:
        _take_over(now, judged, sensors)
    after = _merged(feeds, now, row[last])
    place = _rows(after, sensor, reports["subject"])
    code[(code == USED) & (place < 0)] = QUOTA
    there = np.flatnonzero(code == USED)
    code[there[after["verdict"][place[there]] == OURS]] = OWN
    theirs = (now["verdict"] == THEIRS) & (now["time"] >= now["since"])
    states, pieces = (np.flatnonzero(theirs & (now["policy"] == each)) for each in (INTERSECTION, TRACKLETS))
    found, kept = _tracklets(before[pieces], now[pieces], settings)
    rows, senses = _measurements(reports[last[pieces[kept]]], found, new)
    pieces = last[pieces[kept]]
    whole = last[states], now["label"][states], now["since"][states] == 0
    return Told(plain(after), sensors, reports, code, *whole, rows, pieces, senses)


def _doubts(reports: Rows) -> I64:
    """Return (m,) USED, or why a report cannot be a state of anything."""
    mean, P = reports["mean"], reports["covariance"]
    sigma = np.sqrt(np.maximum(np.einsum("nii->ni", P), 0.0))
    finite = np.isfinite(mean).all(1) & np.isfinite(P).all((1, 2))
    finite &= ((sigma >= SIGMA_MIN) & (sigma <= SIGMA_MAX)).all(1)
    shape = np.where(
        finite[:, None, None],
        P / np.where(finite[:, None, None], sigma[:, :, None] * sigma[:, None, :], 1.0),
        np.eye(6),
    )
    finite &= np.linalg.eigvalsh(0.5 * (shape + shape.swapaxes(1, 2)))[:, 0] > CORRELATION
    radius, speed = np.linalg.norm(mean[:, :3], axis=1), np.linalg.norm(mean[:, 3:], axis=1)
    likely = (radius > LOWEST) & (radius < HIGHEST) & (speed < FASTEST) & (reports["subject"] != NO_SUBJECT)
    return np.where(finite, np.where(likely, USED, IMPLAUSIBLE), NOT_FINITE)


def _rows(feeds: Rows, sensor: I64, subject: I64) -> I64:
    """Return (m,) the row of each subject in the table, -1 none."""
    keys = zip(feeds["sensor"].tolist(), feeds["subject"].tolist(), strict=True)
    row = {key: i for i, key in enumerate(keys)}
    wanted = zip(sensor.tolist(), subject.tolist(), strict=True)
    return np.array([row.get(key, -1) for key in wanted], np.int64)


def _latest(sensor: I64, reports: Rows, good: NDArray[np.bool_]) -> I64:
    """Return the row of the latest good report of each subject, by sensor and subject."""
    order = np.lexsort((reports["name"], reports["time"], reports["subject"], sensor))
    order = order[good[order]]
    ends = np.diff(sensor[order], append=-1) != 0
    ends |= np.diff(reports["subject"][order], append=NO_SUBJECT - 1) != 0
    return np.asarray(order[ends], np.int64)


def _room(feeds: Rows, sensor: I64, row: I64, most: int) -> NDArray[np.bool_]:
    """Return (k,) for which there is room in the table: each sensor may have `most` subjects."""
    room = np.ones(len(row), bool)
    for each in np.unique(sensor[row < 0]).tolist():
        new = np.flatnonzero((sensor == each) & (row < 0))
        room[new[max(most - int((feeds["sensor"] == each).sum()), 0) :]] = False
    return room


def _written(feeds: Rows, row: I64, sensor: I64, reports: Rows) -> Rows:
    """Return rows of the table that say what was reported now."""
    now = np.zeros(len(row), FEED)
    now[row >= 0] = feeds[row[row >= 0]]
    now["sensor"] = sensor
    for column in ("subject", "address", "policy", "time", "mean", "covariance"):
        now[column] = reports[column]
    return now


def _before(feeds: Rows, row: I64) -> Rows:
    """Return rows of the table as they were, of time 0 where there was none."""
    before = np.zeros(len(row), FEED)
    before[row >= 0] = feeds[row[row >= 0]]
    return before


def _merged(feeds: Rows, now: Rows, row: I64) -> Rows:
    after = feeds.copy()
    after[row[row >= 0]] = now[row >= 0]
    return stacked([after, now[row < 0]], FEED)


def _carried(rows: Rows, time: int | I64, settings: TrackerSettings) -> Estimate:
    """Return what was reported as it is at another time, with the noise of who may turn."""
    noise = np.full(len(rows), settings.busy_noise_m2_s3)
    dt = np.asarray((time - rows["time"]) * 1e-9, float)
    mean, P = np.ascontiguousarray(rows["mean"]), np.ascontiguousarray(rows["covariance"])
    return Estimate(*predict_all(mean, P, dt, noise, settings.vertical_noise_m2_s3))


def _compare(now: Rows, tracks: Tracks, settings: TrackerSettings) -> None:
    """Write which of our targets each subject is, and how often it was just where that was.

    A subject that begins far from all of ours is none of them. One of ours stays so when that has ended: a system
    that still tells us of it has it from us.
    """
    time = int(now["time"].max(initial=0))
    tracks = tracks.take((tracks.existence > LIKELY) & (tracks.kind == TrackKind.POINT))
    ours = States(*at(tracks, time, settings.vertical_noise_m2_s3), tracks.address)
    theirs = States(*_carried(now, time, settings), now["address"])
    pair = _paired(now, theirs, tracks, ours)
    there = pair >= 0
    off = theirs.mean[there, :3] - ours.mean[pair[there], :3]
    P = ours.covariance[pair[there], :3, :3] + BLUR * np.eye(3)
    near = np.zeros(len(now))
    near[there] = np.einsum("na,na->n", off, np.linalg.solve(P, off[:, :, None])[:, :, 0]) < NEAR
    near[there] *= tracks.status[pair[there]] == Status.CONFIRMED
    fresh = now["reports"] == 0.0
    now["verdict"][fresh & ~there & _clear(theirs, ours)] = THEIRS
    ended = (now["verdict"] == OURS) & ~np.isin(now["label"], tracks.label)
    now["reports"] = np.where(ended, now["reports"], FADE * now["reports"] + 1.0)
    now["near"] = np.where(ended, now["near"], FADE * now["near"] + near)
    now["label"][there] = tracks.label[pair[there]]
    now["label"][~there & (now["verdict"] != OURS)] = 0


def _clear(theirs: States, ours: States) -> NDArray[np.bool_]:
    """Return (k,) which of their places are far from all of ours."""
    clear = np.ones(len(theirs.mean), bool)
    clear[nearest(theirs.mean[:, :3], ours.mean[:, :3], 1, CLEAR)[0]] = False
    return clear


def _paired(now: Rows, theirs: States, tracks: Tracks, ours: States) -> I64:
    """Return (k,) the row of our track that each subject is, the one that it was or the nearest that is free, or -1."""
    pair = np.full(len(now), -1)
    subject, target = rows_of(tracks.label, now["label"])
    fits = chi2(theirs, ours, subject, target) < GATE
    pair[subject[fits]] = target[fits]
    for sensor in np.unique(now["sensor"]).tolist():
        mine = np.flatnonzero(now["sensor"] == sensor)
        left, free = mine[pair[mine] < 0], np.setdiff1d(np.arange(len(tracks)), pair[mine])
        i, j = alike(theirs.take(left), ours.take(free))
        pair[left[i]] = free[j]
    return pair


def _take_over(now: Rows, judged: Verdicts, sensors: tuple[str, ...]) -> None:
    """Write what the settled chain has decided."""
    for row in now:
        known = judged.get((sensors[row["sensor"]], int(row["subject"])))
        if known is not None:
            row["verdict"], row["since"] = known


def _decide(now: Rows, settings: TrackerSettings) -> None:
    """Write whose each subject is, once enough reports have been compared.

    What the settled chain decides the head hears of later. It is used from then on, here too: if this chain used it
    sooner, its tracks would not be those that people saw, and none that comes back would look like them. What began far
    from all of ours stays theirs: ours may be made of it, and look like it, when it is not used any more.
    """
    share, ripe, verdict = now["near"] / now["reports"], now["reports"] >= ENOUGH, now["verdict"]
    compared = (verdict == UNDECIDED) | ((now["policy"] == DISPLAY) & (now["since"] > 0))  # of which nothing is used
    theirs = ripe & (verdict != THEIRS) & (share < SELDOM)
    verdict[ripe & compared & (share > MOSTLY)] = OURS
    verdict[theirs] = THEIRS
    now["since"][theirs] = now["time"][theirs] + round(settings.settle_slow_s * 1e9)


def _tracklets(before: Rows, now: Rows, settings: TrackerSettings) -> tuple[Estimate, I64]:
    """Return the places (k, 3) that reports come to as measurements, and (k,) which of them have one.

    The first of a subject that is not near any of ours is one as it is.
    """
    first = before["time"] == 0
    z, R = now["mean"][:, :3].copy(), now["covariance"][:, :3, :3].copy()
    old, new = before[~first], now[~first]
    if len(old):
        z[~first], R[~first] = tracklet(
            _carried(old, new["time"], settings), Estimate(new["mean"], new["covariance"]), 3
        )
    kept = np.flatnonzero(np.einsum("nii->ni", R).max(axis=1, initial=0.0) < WORTH**2)
    return Estimate(z[kept], R[kept]), kept


def _measurements(reports: Rows, found: Estimate, new: Items) -> tuple[Rows, Rows]:
    """Return tracklets as `ITEM`, whose sensors come after those of `new`, and as what these count: `SENSE`."""
    rows = np.zeros(len(reports), ITEM)
    rows["z"] = np.nan
    rows["z"][:, :3], rows["covariance"][:, :3, :3] = found
    for column in ("time", "address", "subject", "name"):
        rows[column] = reports[column]
    rows["sense"] = reports["sense"] + len(new.senses)
    senses = new.senses.copy() if len(rows) else new.senses[:0]
    senses["kind"], senses["missable"] = Kind.POSITION, 0
    return rows, senses
