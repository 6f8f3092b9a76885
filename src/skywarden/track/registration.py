"""What a sensor adds to its measurements, and taking it off again. Estimating it comes later; now it is configured."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skywarden.model.detection import Detections, Kind
from skywarden.model.place import F64, Registration, Sensor


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
            break
    else:
        return batch
    z = batch.z - _bias(batch.kind, registration)
    time = batch.time - round(registration.time_s * 1e9)
    z.flags.writeable = time.flags.writeable = False
    return replace(batch, z=z, time=time, registration=registration.version)


def _bias(kind: Kind, registration: Registration) -> F64:
    if kind == Kind.POLAR:
        return np.array([registration.range_m, registration.azimuth, registration.elevation, 0.0])
    if kind in (Kind.DIRECTION, Kind.SOUND):
        return np.array([registration.azimuth, registration.elevation])
    return np.zeros(1)
