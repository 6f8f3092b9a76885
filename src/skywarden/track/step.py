"""The tracker's way in: one tick's detections and the picture before it -> the tracks after it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from skywarden.model.detection import Detections, Reason
from skywarden.model.event import Refused, TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import I64
from skywarden.model.track import Picture, Tracks
from skywarden.track.groups import run
from skywarden.track.lifecycle import age
from skywarden.track.measure import ROWS
from skywarden.track.plots import gather
from skywarden.track.settings import TrackerSettings
from skywarden.track.table import (
    IMPLAUSIBLE,
    NOT_FINITE,
    PARAMETERS,
    QUOTA,
    TOO_LATE,
    USED,
    Job,
    Rows,
    closed,
    opened,
    work,
)

PER_KM2 = 1e-6  # 1/m^2
REASONS = {
    NOT_FINITE: Reason.NOT_FINITE,
    IMPLAUSIBLE: Reason.IMPLAUSIBLE,
    TOO_LATE: Reason.TOO_LATE,
    QUOTA: Reason.QUOTA,
}


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a tick did to the tracks.

    sensors: names in the order first seen; Tracks.seen_by points here. matches: for each batch (m,) int64, the label
    of the track that each detection corrected or started, 0 for none.
    """

    tracks: Tracks
    next_label: int
    next_number: int
    sensors: tuple[str, ...]
    events: tuple[Refused | TrackConfirmed | TrackCoasting | TrackDropped, ...]
    matches: tuple[I64, ...]


def track(picture: Picture, batches: Sequence[Detections], time: int, settings: TrackerSettings) -> Tracked:
    """Advance the picture's tracks to `time`, ns, by `batches`. Pure: equal input, equal output, to the bit."""
    refused: dict[tuple[str, str], int] = {}
    used = [k for k, batch in enumerate(batches) if _usable(batch, refused)]
    matches = [np.zeros(len(batch), np.int64) for batch in batches]
    n, label, sensors = len(picture.tracks), picture.next_label, picture.sensors
    parameters = _parameters(settings)
    if used:
        plots, spots, start, sensors = gather([batches[k] for k in used], sensors)
        table = opened(picture.tracks, len(plots))
        quota = settings.max_tracks_per_sensor, settings.max_tentative_per_sensor
        n = run(Job(table, spots, parameters, work()), plots, start, n, label, quota)
        _hear(table[:n], plots, time)
        label += n - len(picture.tracks)
        _hand_back(plots, used, matches)
        _count(plots, sensors, refused)
    else:
        table = opened(picture.tracks, 0)
    life = age(table[:n], time, picture.next_number, settings)
    for sensor in table["seen_by"][life.crowded, 0].tolist():
        key = (sensors[sensor], str(Reason.QUOTA))
        refused[key] = refused.get(key, 0) + 1
    rejections = [Refused(sensor, reason, count) for (sensor, reason), count in sorted(refused.items())]
    for match in matches:
        match.flags.writeable = False
    return Tracked(
        closed(table[life.rows]),
        label,
        life.next_number,
        sensors,
        (*rejections, *life.events),
        tuple(matches),
    )


def _usable(batch: Detections, refused: dict[tuple[str, str], int]) -> bool:
    row = ROWS[batch.kind]
    if len(batch) == 0:
        return False
    if not row.used:
        key = (batch.sensor, str(Reason.UNSUPPORTED))
    elif row.placed and batch.place is None:
        key = (batch.sensor, str(Reason.SITE_UNKNOWN))
    else:
        return True
    refused[key] = refused.get(key, 0) + len(batch)
    return False


def _hear(tracks: Rows, plots: Rows, time: int) -> None:
    """Note the tick's time, ns, on the tracks that got a detection; their labels rise."""
    labels = plots["label"][plots["label"] > 0]
    tracks["heard"][np.searchsorted(tracks["label"], labels)] = time


def _hand_back(plots: Rows, used: list[int], matches: list[I64]) -> None:
    """Put the plots' labels into the batches' own order."""
    flat = np.empty(len(plots), np.int64)
    flat[plots["origin"]] = plots["label"]
    begin = 0
    for k in used:
        matches[k][:] = flat[begin : begin + len(matches[k])]
        begin += len(matches[k])


def _count(plots: Rows, sensors: tuple[str, ...], refused: dict[tuple[str, str], int]) -> None:
    bad = plots[plots["code"] != USED]
    for sensor, code in zip(bad["sensor"].tolist(), bad["code"].tolist(), strict=True):
        key = (sensors[sensor], str(REASONS[code]))
        refused[key] = refused.get(key, 0) + 1


def _parameters(settings: TrackerSettings) -> Rows:
    """Return the one record of settings that kernels read."""
    row = np.zeros(1, PARAMETERS)
    for name, value in (
        ("level_noise", settings.level_noise_m2_s3),
        ("vertical_noise", settings.vertical_noise_m2_s3),
        ("address_gate", settings.address_gate_factor),
        ("detection", settings.detection_probability),
        ("clutter", settings.false_alarms_per_km2 * PER_KM2),
        ("new_targets", settings.new_targets_per_km2 * PER_KM2),
        ("level_speed", settings.birth_level_speed_m_s),
        ("vertical_speed", settings.birth_vertical_speed_m_s),
        ("height", settings.height_m),
        ("height_sigma", settings.height_sigma_m),
        ("late", settings.late_s),
        ("tentative_looks", settings.tentative_looks),
        ("tentative_min", settings.tentative_min_s),
    ):
        row[name] = value
    row["gate"][0, 1:] = 2.0 * gammaincinv(np.arange(1, 5) / 2.0, settings.gate_probability)
    return row
