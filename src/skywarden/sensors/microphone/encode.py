"""Messages of microphone nodes from arrays: m rows in, (m, size) bytes out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skywarden.model.assessment import CLASSES
from skywarden.model.place import F64, I64
from skywarden.sensors.microphone.layout import (
    CHECK,
    HEARTBEAT,
    HEARTBEAT_RECORD,
    HEARTBEAT_SIZE,
    MAGIC,
    NO_ANGLE,
    NO_AZIMUTH,
    NO_WIND,
    NOT_SAID,
    REPORT,
    SIZE,
    U8,
    VERSION,
    Flags,
    checksums,
    report,
)

__all__ = ["CLASSES", "HEARTBEAT_SIZE", "SIZE", "Flags", "Heartbeats", "Reports", "encode", "heartbeat"]


class Reports(NamedTuple):
    """What m looks heard; every column is (m,) but `llr`. NaN: the node does not say.

    number: of the message, counted by each node for all its messages; time: end of the look, UTC ns.
    latitude, longitude: deg; height_m: above the ellipsoid. level_db, noise_db: dB re 20 uPa.
    azimuth, elevation: rad, from true north and the horizon, of the place that the sound came from.
    llr: (m, len(CLASSES)) nats against what the node hears without any target. looks: how many independent looks
    it is worth. flags: see Flags. correlation: of the errors of azimuth and elevation.
    """

    node: I64
    number: I64
    time: I64
    latitude: F64
    longitude: F64
    height_m: F64
    level_db: F64
    noise_db: F64
    f0_hz: F64
    f0_sigma_hz: F64
    azimuth: F64
    elevation: F64
    sigma_azimuth: F64
    sigma_elevation: F64
    llr: F64
    looks: F64
    flags: I64
    correlation: F64 | float = 0.0
    calibration: I64 | int = 0
    model: I64 | int = 0


class Heartbeats(NamedTuple):
    """Signs of life of m nodes; columns as in Reports. wind_m_s: NaN not measured; health: 0 ok, 1 warning, 2 error."""

    node: I64
    number: I64
    time: I64
    latitude: F64
    longitude: F64
    height_m: F64
    noise_db: F64
    wind_m_s: F64
    health: I64
    uptime_s: F64
    flags: I64
    interval_s: F64 | float = 60.0
    software: I64 | int = 0
    model: I64 | int = 0


def encode(reports: Reports) -> U8:
    """Return (m, SIZE) bytes, a report in each row, with an entry for every class. Values are clipped to the format."""
    rows = np.zeros(len(reports.node), report(len(CLASSES)))
    _head(rows, reports, REPORT)
    rows["level"] = _steps(reports.level_db, 100, -30_000, 30_000)
    rows["noise"] = _steps(reports.noise_db, 100, -30_000, 30_000)
    rows["f0"] = _steps(reports.f0_hz, 1000, 0, 100_000_000)
    rows["f0_sigma"] = _steps(reports.f0_sigma_hz, 100, 0, 65_535)
    azimuth = _steps(np.mod(np.degrees(reports.azimuth), 360.0), 100, 0, 36_000)
    rows["azimuth"] = np.where(np.isnan(reports.azimuth), NO_AZIMUTH, azimuth % 36_000)
    rows["elevation"] = _steps(np.degrees(reports.elevation), 100, -9000, 9000, NO_ANGLE)
    rows["sigma_azimuth"] = _steps(np.degrees(reports.sigma_azimuth), 100, 1, 65_535)
    rows["sigma_elevation"] = _steps(np.degrees(reports.sigma_elevation), 100, 1, 65_535)
    rows["correlation"] = _steps(reports.correlation, 10_000, -9990, 9990)
    rows["looks"] = _steps(reports.looks, 100, 0, 65_535)
    rows["calibration"], rows["model"], rows["count"] = reports.calibration, reports.model, len(CLASSES)
    rows["classes"]["code"] = np.arange(len(CLASSES))
    rows["classes"]["llr"] = _steps(reports.llr, 100, -32_000, 32_000, NOT_SAID)
    return _sealed(rows)


def heartbeat(heartbeats: Heartbeats) -> U8:
    """Return (m, HEARTBEAT_SIZE) bytes, a heartbeat in each row. Values are clipped to the format."""
    rows = np.zeros(len(heartbeats.node), HEARTBEAT_RECORD)
    _head(rows, heartbeats, HEARTBEAT)
    rows["noise"] = _steps(heartbeats.noise_db, 100, -30_000, 30_000)
    rows["wind"] = _steps(heartbeats.wind_m_s, 10, 0, 65_534, NO_WIND)
    rows["health"] = heartbeats.health
    rows["interval"] = _steps(heartbeats.interval_s, 1, 1, 65_535)
    rows["uptime"] = _steps(heartbeats.uptime_s, 1, 0, 2**32 - 1)
    rows["software"], rows["model"] = heartbeats.software, heartbeats.model
    return _sealed(rows)


def _head(rows: np.ndarray, said: Reports | Heartbeats, kind: int) -> None:
    rows["magic"], rows["version"], rows["type"], rows["length"] = MAGIC, VERSION, kind, rows.itemsize
    rows["flags"], rows["node"], rows["number"], rows["time"] = said.flags, said.node, said.number, said.time
    rows["latitude"] = _steps(said.latitude, 1e7, -900_000_000, 900_000_000)
    rows["longitude"] = _steps(said.longitude, 1e7, -1_800_000_000, 1_800_000_000)
    rows["height"] = _steps(said.height_m, 100, -(2**31), 2**31 - 1)


def _steps(values: ArrayLike, scale: float, lowest: int, highest: int, missing: int = 0) -> I64:
    """Return whole steps of 1 / scale within limits; `missing` for NaN."""
    steps = np.atleast_1d(np.multiply(values, scale, dtype=float))
    np.rint(steps, out=steps)
    np.clip(steps, lowest, highest, out=steps)
    np.copyto(steps, missing, where=np.isnan(steps))
    return steps.astype(np.int64)


def _sealed(rows: np.ndarray) -> U8:
    """Write the checksum of each row; return the bytes."""
    octets = rows.view(np.uint8).reshape(len(rows), rows.itemsize)
    octets[:, -CHECK:] = checksums(octets).astype(">u4").view(np.uint8).reshape(-1, CHECK)
    return octets
