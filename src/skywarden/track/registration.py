"""What sensors add to their measurements: what is configured, taking it off again, and what is told of new versions.

What is found online is in `registry`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skywarden.model.detection import WIDTH, Detections, Kind, take
from skywarden.model.event import SensorFault, SensorRegistered
from skywarden.model.place import F64, Registration, Sensor
from skywarden.model.registered import Registered

Told = SensorRegistered | SensorFault
PLACES = 5  # of deg and m in events; what is applied is rounded already


def configured(sensors: Sequence[Sensor]) -> tuple[Registration, ...]:
    """Return one registration for each sensor that has a configured bias, version 1."""
    found = []
    for sensor in sensors:
        azimuth, elevation = np.deg2rad(sensor.azimuth_bias_deg), np.deg2rad(sensor.elevation_bias_deg)
        if sensor.range_bias_m or azimuth or elevation or sensor.time_bias_s:
            found.append(
                Registration(
                    sensor.name,
                    version=1,
                    range_m=sensor.range_bias_m,
                    azimuth=float(azimuth),
                    elevation=float(elevation),
                    time_s=sensor.time_bias_s,
                )
            )
    return tuple(found)


def correct(batch: Detections, registrations: Sequence[Registration]) -> Detections:
    """Return the batch without its sensor's bias: z and time corrected, raw kept, registration set.

    POLAR, DIRECTION and SOUND lose range, azimuth and elevation bias; every kind loses the time bias. A batch of a
    sensor without registration comes back as it is.
    """
    for registration in registrations:
        if registration.sensor == batch.sensor and registration.version > 0:
            return _corrected(batch, registration)
    return batch


def corrected(batch: Detections, registrations: Sequence[Registration]) -> list[Detections]:
    """Return the batch as `correct` does; of several versions the newest that holds at each reported time counts.

    A batch over a change point becomes several.
    """
    mine = [one for one in registrations if one.sensor == batch.sensor and one.version > 0]
    if not mine:
        return [batch]
    mine.sort(key=lambda one: one.version)
    held = np.searchsorted([one.since for one in mine], batch.time, side="right") - 1
    found = []
    for k in np.unique(held).tolist():
        rows = held == k
        part = batch if rows.all() else take(batch, rows)
        found.append(part if k < 0 else _corrected(part, mine[k]))
    return found


def _corrected(batch: Detections, registration: Registration) -> Detections:
    z = batch.z - _bias(batch.kind, registration)
    time = batch.time - round(registration.time_s * 1e9)
    z.flags.writeable = time.flags.writeable = False
    return replace(batch, z=z, time=time, registration=registration.version)


def _bias(kind: Kind, registration: Registration) -> F64:
    if kind == Kind.POLAR:
        return np.array([registration.range_m, registration.azimuth, registration.elevation, 0.0])
    if kind in (Kind.DIRECTION, Kind.SOUND):
        return np.array([registration.azimuth, registration.elevation, 0.0])[: WIDTH[kind]]
    return np.zeros(1)


def said(before: Registered, now: Registered, time: int) -> list[Told]:
    """Return what people are told: each new version, and each fault that came or is over, also of who is gone."""
    old = {(one.sensor, one.version) for one in before.versions}
    standing = {one.sensor: one for one in now.standing}
    found: list[Told] = []
    for one in now.versions if now.versions is not before.versions else ():
        if (one.sensor, one.version) not in old and one.sensor in standing:
            found.append(_version(one, standing[one.sensor].relative, time))
    if now.standing is not before.standing:
        old_faults = {one.sensor: one.fault for one in before.standing}
        faults = dict.fromkeys(old_faults, "") | {one.sensor: one.fault for one in now.standing}
        changed = [name for name in sorted(faults) if faults[name] != old_faults.get(name, "")]
        found += [SensorFault(time, name, faults[name]) for name in changed]
    return found


def _version(one: Registration, relative: bool, time: int) -> SensorRegistered:
    sigma = np.sqrt(np.diag(np.reshape(one.covariance, (4, 4))))
    away, azimuth, elevation, clock = (float(f"{value:.3g}") for value in sigma * [1.0, *np.rad2deg([1.0, 1.0]), 1.0])
    return SensorRegistered(
        time=time,
        sensor=one.sensor,
        version=one.version,
        since=one.since,
        range_m=one.range_m,
        azimuth_deg=round(float(np.rad2deg(one.azimuth)), PLACES),
        elevation_deg=round(float(np.rad2deg(one.elevation)), PLACES),
        time_s=one.time_s,
        range_sigma_m=away,
        azimuth_sigma_deg=azimuth,
        elevation_sigma_deg=elevation,
        time_sigma_s=clock,
        relative=relative,
    )
