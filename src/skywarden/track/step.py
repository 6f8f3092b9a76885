"""The tracker's way in: one tick's detections and the picture before it -> the tracks after it."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from scipy.special import gammaincinv

from skywarden.model.detection import Detections, Reason
from skywarden.model.event import Refused, TrackCoasting, TrackConfirmed, TrackDropped
from skywarden.model.place import I64
from skywarden.model.track import Picture, Tracks
from skywarden.track.groups import run
from skywarden.track.lifecycle import LifeSettings, age
from skywarden.track.measure import ROWS, check
from skywarden.track.motion import LEVEL_NOISE, VERTICAL_NOISE
from skywarden.track.plots import gather
from skywarden.track.table import IMPLAUSIBLE, NOT_FINITE, TOO_LATE, Job, Parameters, Plots, closed, opened, work

PER_KM2 = 1e-6  # 1/m^2
REASONS = {NOT_FINITE: Reason.NOT_FINITE, IMPLAUSIBLE: Reason.IMPLAUSIBLE, TOO_LATE: Reason.TOO_LATE}


class TrackerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an operator may tune; the reasons for the values are in docs/tracker.md."""

    level_noise_m2_s3: float = LEVEL_NOISE  # white acceleration in the level
    vertical_noise_m2_s3: float = VERTICAL_NOISE  # and upwards; aircraft climb gently
    gate_probability: float = 0.9999  # of a target's own detection falling inside its gate
    address_gate_factor: float = 4.0  # on chi-square, for the same claimed address
    detection_probability: float = 0.9  # of a sensor seeing a target at one look
    false_alarms_per_km2: float = 1e-3  # a look; 30 to 100 in a radar's disc
    new_targets_per_km2: float = 1e-5  # a look; its ratio to false alarms is what a new track is worth
    birth_level_speed_m_s: float = 150.0  # 1 sigma of each level component before anything is known
    birth_vertical_speed_m_s: float = 20.0
    height_m: float = 3000.0  # above the ellipsoid, where no sensor measures it: between drones and airliners
    height_sigma_m: float = 3000.0
    confirm_hits: int = 3  # looks at different times
    confirm_score: float = 5.0  # nats, log-likelihood ratio of being a target: 150 to 1
    tentative_looks: float = 2.2  # revisits unseen; then an unconfirmed track is forgotten
    tentative_min_s: float = 2.0
    coast_looks: float = 2.5  # revisits unseen; then a confirmed track is shown as coasting
    coast_min_s: float = 3.0
    drop_after_s: float = 30.0  # unseen; then a track without an address is dropped
    drop_address_after_s: float = 60.0  # with an address: it is found again by its address
    drop_looks: float = 3.5  # but never before so many revisits
    drop_sigma_m: float = 10_000.0  # larger level uncertainty says nothing any more
    late_s: float = 2.0  # a detection may be so much older than its track


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
        plots, sensors = gather([batches[k] for k in used], sensors)
        check(plots, parameters.clutter)
        table = opened(picture.tracks, len(plots.time))
        n = run(Job(table, plots, parameters, work()), n, label)
        label += n - len(picture.tracks)
        _hand_back(plots, used, matches)
        _count(plots, sensors, refused)
    else:
        table = opened(picture.tracks, 0)
    noise = (parameters.level_noise, parameters.vertical_noise)
    life = age(table, n, time, picture.next_number, _life(settings), noise)
    rejections = [Refused(sensor, reason, count) for (sensor, reason), count in sorted(refused.items())]
    for match in matches:
        match.flags.writeable = False
    return Tracked(
        closed(table, life.rows),
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


def _hand_back(plots: Plots, used: list[int], matches: list[I64]) -> None:
    """Put plots.label into the batches' own order."""
    flat = np.empty(len(plots.label), np.int64)
    flat[plots.origin] = plots.label
    begin = 0
    for k in used:
        matches[k][:] = flat[begin : begin + len(matches[k])]
        begin += len(matches[k])


def _count(plots: Plots, sensors: tuple[str, ...], refused: dict[tuple[str, str], int]) -> None:
    bad = np.flatnonzero(plots.code)
    for sensor, code in zip(plots.sensor[bad].tolist(), plots.code[bad].tolist(), strict=True):
        key = (sensors[sensor], str(REASONS[code]))
        refused[key] = refused.get(key, 0) + 1


def _parameters(settings: TrackerSettings) -> Parameters:
    gate = 2.0 * gammaincinv(np.arange(5) / 2.0 + (np.arange(5) == 0), settings.gate_probability)
    return Parameters(
        level_noise=settings.level_noise_m2_s3,
        vertical_noise=settings.vertical_noise_m2_s3,
        gate=gate,
        address_gate=settings.address_gate_factor,
        detection=settings.detection_probability,
        clutter=settings.false_alarms_per_km2 * PER_KM2,
        new_targets=settings.new_targets_per_km2 * PER_KM2,
        level_speed=settings.birth_level_speed_m_s,
        vertical_speed=settings.birth_vertical_speed_m_s,
        height=settings.height_m,
        height_sigma=settings.height_sigma_m,
        late=settings.late_s,
    )


def _life(settings: TrackerSettings) -> LifeSettings:
    return LifeSettings(
        confirm_hits=settings.confirm_hits,
        confirm_score=settings.confirm_score,
        tentative_looks=settings.tentative_looks,
        tentative_min_s=settings.tentative_min_s,
        coast_looks=settings.coast_looks,
        coast_min_s=settings.coast_min_s,
        drop_s=settings.drop_after_s,
        drop_address_s=settings.drop_address_after_s,
        drop_looks=settings.drop_looks,
        drop_sigma_m=settings.drop_sigma_m,
    )
