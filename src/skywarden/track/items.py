"""Detections of any sensors side by side, each with a name that follows from its content alone.

What a target is called (its label) is the name of the plot that founded it. So it is the same however late or in what
order its detections came, and equal detections that come twice are found out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import NO_SUBJECT, Detections, Kind, Reporter
from skywarden.model.place import F64, FAR, I64, Coverage, TrackPolicy
from skywarden.track.cover import cover, everywhere
from skywarden.track.looks import SENSE
from skywarden.track.measure import PER_KM2, ROWS
from skywarden.track.people import blunder, persons
from skywarden.track.pool import WIDTH, Rows, record
from skywarden.track.posts import CALL, calls
from skywarden.track.settings import TrackerSettings

ITEM = np.dtype(
    [
        ("z", "f8", (WIDTH,)),
        ("covariance", "f8", (WIDTH, WIDTH)),
        ("time_sigma", "f8"),
        ("time", "i8"),
        ("address", "i8"),
        ("subject", "i8"),
        ("name", "i8"),
        ("sense", "i8"),
        ("origin", "f8", (3,)),  # ECEF m, of who measured it; zeros where the sensor's own place counts
        ("person", "i8"),  # who reports it, 0: a device
    ]
)
REPORT = np.dtype(
    [
        ("mean", "f8", (6,)),
        ("covariance", "f8", (6, 6)),
        ("time", "i8"),
        ("address", "i8"),
        ("subject", "i8"),
        ("policy", "i8"),
        ("name", "i8"),
        ("sense", "i8"),
    ]
)
FEED = record(
    "near reports",
    "sensor subject address policy label verdict since time",
    mean=6,
    covariance=(6, 6),
)
CALLED = (Kind.PRESENCE, Kind.SILENCE)  # that say nothing of a place: of single microphones
POLICIES = tuple(TrackPolicy)  # REPORT.policy is a place in it
HEARD, ROUND = 0.6, 2.0  # of the times in which all arrays of a source together should hear a target again; s
BEARINGS = (Kind.DIRECTION, Kind.SOUND)
UNTONED = 2  # components of a sound without its tone
SHORTEST = 0.05  # s; no sensor looks more often
WIDE = 1e12  # m; how far a sensor reaches, which nobody says
BITS = 12  # a name has the 52 upper ones of 64: every JSON reader keeps these
MULTIPLIER, FINAL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd


class Feed(Protocol):
    """What another system said last of one of its tracks. sensor: number; subject: as it calls it; address: claimed.

    policy: place in `POLICIES`. time: ns, of mean (6,) ECEF m and m/s and covariance (6, 6). label: of the target
    of ours that it is, 0 none. verdict: whose track it is, after so many reports, fading, of which so many were near;
    since: ns, reports before are not used.
    """

    near: float
    reports: float
    sensor: int
    subject: int
    address: int
    policy: int
    label: int
    verdict: int
    since: int
    time: int
    mean: F64
    covariance: F64


@dataclass(frozen=True, slots=True)
class Items:
    """Measurements, and what other systems say of their tracks.

    rows (n,): `ITEM`, reports (m,): `REPORT`, calls (k,): `CALL`, each with the row of `senses` that it comes from.
    senses: `SENSE`, each with a row of `names`, of sensors. Calls are not counted: they cost next to nothing.
    """

    rows: Rows
    reports: Rows
    senses: Rows
    names: tuple[str, ...]
    calls: Rows

    def __len__(self) -> int:
        return len(self.rows) + len(self.reports)

    @property
    def times(self) -> I64:
        """(n + m,) ns, of measurements, then reports."""
        return np.concatenate((self.rows["time"], self.reports["time"]))

    def used(self) -> I64:
        """Return the times, ns, of what can change tracks: not of reports that are only shown."""
        shown = self.reports["policy"] == POLICIES.index(TrackPolicy.DISPLAY)
        return np.concatenate((self.rows["time"], self.reports["time"][~shown]))

    def senders(self) -> list[str]:
        """Return the sensor of each."""
        sense = np.concatenate((self.rows["sense"], self.reports["sense"]))
        return [self.names[k] for k in self.senses["sensor"][sense].tolist()]

    def between(self, begin: int, end: int) -> "Items":
        """Return those of times in [begin, end), ns."""
        rows, reports, calls = (
            table[_within(table["time"], begin, end)] for table in (self.rows, self.reports, self.calls)
        )
        return Items(rows, reports, self.senses, self.names, calls)


def _within(times: I64, begin: int, end: int) -> NDArray[np.bool_]:
    return np.asarray((times >= begin) & (times < end), bool)


def items(batches: Sequence[Detections], settings: TrackerSettings) -> Items:
    """Lay batches side by side, all as wide as the widest kind."""
    names = tuple(sorted({batch.sensor for batch in batches}))
    senses = np.zeros(len(batches), SENSE)
    for batch, sense in zip(batches, senses, strict=True):
        _describe(sense, batch, names, settings)
    heard = [k for k, batch in enumerate(batches) if batch.kind in CALLED]
    plots = [k for k, batch in enumerate(batches) if batch.kind not in (*CALLED, Kind.TRACK)]
    told = [k for k, batch in enumerate(batches) if batch.kind is Kind.TRACK]
    rows, reports = (
        np.zeros(sum(len(batches[k]) for k in which), kind) for which, kind in ((plots, ITEM), (told, REPORT))
    )
    z, covariance, begin = rows["z"], rows["covariance"], 0
    z[:] = np.nan
    for batch in (batches[k] for k in plots):
        bare = batch.kind is Kind.SOUND and not settings.sound_tones
        end, w = begin + len(batch), UNTONED if bare else batch.z.shape[1]
        z[begin:end, :w], covariance[begin:end, :w, :w] = batch.z[:, :w], batch.covariance[:, :w, :w]
        if batch.origin is not None and ROWS[batch.kind].alone:
            rows["origin"][begin:end] = batch.origin
        rows["person"][begin:end] = persons(batch)
        begin = end
    salts = np.array([_salt(batch) for batch in batches], np.uint64)
    _fill(rows, [(k, batches[k]) for k in plots], ("time_sigma", "time", "address", "subject"), salts)
    if told:
        reports["mean"] = np.concatenate([batches[k].z for k in told])
        reports["covariance"] = np.concatenate([batches[k].covariance for k in told])
        reports["policy"] = np.repeat(
            [POLICIES.index(batches[k].policy) for k in told], [len(batches[k]) for k in told]
        )
        _fill(reports, [(k, batches[k]) for k in told], ("time", "address", "subject"), salts)
    return Items(rows, reports, senses, names, calls([(k, batches[k]) for k in heard]))


def _fill(
    rows: Rows, batches: Sequence[tuple[int, Detections]], columns: tuple[str, ...], salts: NDArray[np.uint64]
) -> None:
    """Write what rows of both kinds have: columns of their batches, whose (number, batch) is given, and their names."""
    rows["sense"] = np.repeat(np.array([k for k, _ in batches], np.int64), [len(batch) for _, batch in batches])
    for column in columns:
        rows[column] = np.concatenate([np.zeros(0, rows[column].dtype), *(getattr(b, column) for _, b in batches)])
    rows["subject"] = np.where(rows["subject"] == NO_SUBJECT, rows["address"], rows["subject"])
    rows["name"] = _named(rows, salts)


def together(parts: Sequence[Items]) -> Items:
    """Return all items of several."""
    names = tuple(sorted({name for part in parts for name in part.names}))
    rows, reports, senses, said, before = list[Rows](), list[Rows](), list[Rows](), list[Rows](), 0
    for part in parts:
        mine, told, theirs, heard = part.rows.copy(), part.reports.copy(), part.senses.copy(), part.calls.copy()
        for table in (mine, told, heard):
            table["sense"] += before
        if len(theirs):
            theirs["sensor"] = np.array([names.index(name) for name in part.names])[theirs["sensor"]]
        before += len(theirs)
        rows.append(mine)
        reports.append(told)
        senses.append(theirs)
        said.append(heard)
    return Items(stacked(rows, ITEM), stacked(reports, REPORT), stacked(senses, SENSE), names, stacked(said, CALL))


def stacked(parts: Sequence[Rows], kind: "np.dtype[np.void]") -> Rows:
    """Return records one after the other; as bytes, which takes a tenth of the time."""
    plain = np.dtype((np.void, kind.itemsize))
    return np.concatenate([np.zeros(0, plain), *(np.ascontiguousarray(part).view(plain) for part in parts)]).view(kind)


def _describe(row: "np.void", batch: Detections, names: tuple[str, ...], settings: TrackerSettings) -> None:
    """Write what the filter is told of the sensor of a batch, but for its looks; a wind as east, north, up."""
    row["kind"], row["sensor"] = batch.kind, names.index(batch.sensor)
    row["missable"], row["version"] = ROWS[batch.kind].missable, batch.registration
    row["revisit"] = max(batch.revisit, SHORTEST)
    if batch.place is not None:
        row["position"], row["rotation"] = batch.place.position, batch.place.rotation
    row["ground"], row["reach"], row["detection"] = 1, WIDE, settings.detection_probability
    row["clutter"] = 1.0 if batch.kind in BEARINGS else settings.false_alarms_per_km2 * PER_KM2
    if batch.kind == Kind.SOUND:
        everywhere(row, settings.sound_reach_m)
        if batch.origin is not None and batch.reporter is Reporter.DEVICE:  # heard again, by one array or another
            row["begins"] = min(settings.sound_begins_m, settings.sound_reach_m)
            row["missable"], row["detection"], row["revisit"] = 1, HEARD, max(batch.revisit, ROUND)
        row["sound"], row["sound_sigma"] = settings.sound_speed_m_s, settings.sound_speed_sigma_m_s
        row["wind"], row["wind_sigma"] = (settings.wind_east_m_s, settings.wind_north_m_s, 0.0), settings.wind_sigma_m_s
    if batch.coverage is not None:
        many = float(row["begins"])
        cover(row, batch.coverage, batch.place is not None or batch.origin is not None)
        if batch.kind == Kind.SOUND and batch.coverage.farthest >= FAR:
            row["reach"] = settings.sound_reach_m
        row["limited"] |= batch.kind == Kind.SOUND
        _begins(row, batch.coverage, many, batch.origin is None)
    if batch.reporter is not Reporter.DEVICE:
        blunder(row, batch, settings)


def _begins(row: "np.void", coverage: Coverage, many: float, alone: bool) -> None:
    """Let bearings begin targets where that is said of a sensor which stands for itself, or of an array among many.

    It must tell whom it does not see any more: else what is false stays, and two of them make two targets of one. One
    name of many arrays tells it of all together. many: m, up to where these begin some; people and cameras begin none.
    """
    if not alone:
        row["begins"] = min(coverage.begins or many, row["reach"]) if many > 0.0 else 0.0
        return
    row["begins"] = min(row["begins"], row["reach"])
    if row["begins"] > 0.0:
        row["missable"], row["revisit"] = 1, max(coverage.revisit, SHORTEST)


def _salt(batch: Detections) -> int:
    """Return 64 bits of who measured what."""
    return int.from_bytes(blake2b(f"{batch.kind} {batch.sensor}".encode(), digest_size=8).digest(), "little")


def _named(rows: Rows, salt: NDArray[np.uint64]) -> I64:
    """Return (n,) 52 bits over all that a row says and who says it: a sum of mixed words, each times an odd number.

    A place of its own counts where there is one, so that what has none is called as before there were any.
    """
    words = rows.view(np.uint64).reshape(len(rows), rows.dtype.itemsize // 8)
    last = rows.dtype.fields["sense"][1] // 8 if rows.dtype.fields else 0
    plain = words[:, : last + 1].copy()
    plain[:, -2] = 0  # its name
    plain[:, -1] = salt[rows["sense"]]
    total = _mixed(plain, 1)
    if last + 1 < words.shape[1]:
        own = np.flatnonzero(words[:, last + 1 :].any(axis=1))
        total[own] += _mixed(words[own, last + 1 :], last + 2)
    total ^= total >> np.uint64(32)
    total *= FINAL
    return np.maximum((total >> np.uint64(BITS)).astype(np.int64), 1)


def _mixed(words: NDArray[np.uint64], first: int) -> NDArray[np.uint64]:
    """Return (n,) sums of mixed words (n, k), each times an odd number of its own. first: which of them begins."""
    words ^= words >> np.uint64(31)
    words *= FINAL
    words ^= words >> np.uint64(29)
    factors = (MULTIPLIER * np.arange(first, first + words.shape[1], dtype=np.uint64)) | np.uint64(1)
    return np.asarray(words @ factors, np.uint64)
