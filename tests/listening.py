"""Microphone nodes and reporters of an invented coast, for tests and samples. Run this file to write the samples."""

from pathlib import Path

import numpy as np

from skywarden.model.assessment import CLASSES, Class
from skywarden.model.detection import Frame
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.microphone import Microphone
from skywarden.sensors.microphone.encode import Heartbeats, Reports, encode, heartbeat
from skywarden.sensors.reports import camera, direction_finder, observer
from skywarden.sensors.reports.message import Spot

SAMPLES = Path(__file__).parent / "samples"
AT = 1_790_000_000_000_000_000  # ns
SECOND = 1_000_000_000  # ns
SOURCE = Source(name="ears", format="microphone", listen="udp://127.0.0.1:9001")
POST = Spot(36.32, -33.05, 40.0)


def nodes(*, live: bool = True, sensors: tuple[Sensor, ...] = ()) -> Microphone:
    """Return a decoder without memory."""
    return Microphone(SOURCE, sensors, Mode.LIVE if live else Mode.SIM)


def heard(m: int = 4, second: int = 0, first: int = 1) -> Reports:
    """Return what m nodes 1 km apart hear in one second: all a tone, every other one its direction."""
    k = np.arange(m)
    even = k % 2 == 0
    llr = np.zeros((m, len(CLASSES)))
    llr[:, CLASSES.index(Class.UAV_PISTON)] = 3.25
    llr[:, CLASSES.index(Class.NOISE)] = -1.5
    return Reports(
        node=first + k,
        number=np.full(m, 100 + second),
        time=np.full(m, AT + second * SECOND) + 1000 * k,
        latitude=36.30 + 0.009 * k,
        longitude=np.full(m, -33.10),
        height_m=10.0 + k,
        level_db=48.25 + k,
        noise_db=np.full(m, 31.5),
        f0_hz=np.where(k == 1, np.nan, 104.125),
        f0_sigma_hz=np.full(m, 0.4),
        azimuth=np.where(even, np.radians(271.5), np.nan),
        elevation=np.where(k == 0, np.radians(12.25), np.nan),
        sigma_azimuth=np.full(m, np.radians(4.0)),
        sigma_elevation=np.full(m, np.radians(6.0)),
        llr=llr,
        looks=np.full(m, 0.25),
        flags=np.zeros(m, np.int64),
        correlation=0.3,
        calibration=7,
        model=0xC0FFEE42,
    )


def alive(m: int = 4, second: int = 0, first: int = 1) -> Heartbeats:
    """Return a heartbeat of m nodes; only the first one has a wind gauge."""
    at = heard(m, second, first)
    wind = np.where(np.arange(m) == 0, 3.5, np.nan)
    place = at.latitude, at.longitude, at.height_m
    uptime = np.full(m, 86_400.0)
    return Heartbeats(at.node, at.number + 1000, at.time, *place, at.noise_db, wind, 0 * at.node, uptime, at.flags)


def framed(*messages: np.ndarray, received: int = AT + SECOND) -> Frame:
    """Pack rows of bytes into one frame, each row a message."""
    return Frame.of("ears", received, *(row.tobytes() for rows in messages for row in rows))


def lines() -> list[bytes]:
    """Return reports of a direction finder, a camera and three people."""
    spot = Spot(36.30, -33.10, 25.0)
    return [
        direction_finder(
            sensor="DF 1", number=1, time=AT, place=spot, azimuth_deg=87.5, sigma_deg=2.0, frequency_mhz=5800.0,
            bandwidth_khz=20_000.0, level_dbm=-81.0, signal="analogue video",
        ),
        camera(
            sensor="mast 3", number=1, time=AT + SECOND, place=spot, azimuth_deg=12.0, elevation_deg=4.5,
            azimuth_sigma_deg=0.2, elevation_sigma_deg=0.2, size_deg=0.1,
            classes={Class.MULTIROTOR: 0.7, Class.BIRD: 0.2}, prior={Class.MULTIROTOR: 0.1, Class.BIRD: 0.6},
        ),
        observer(
            sensor="phones", number=1, time=AT + 2 * SECOND, place=POST, who="a8f3", seen=True, trained=True,
            azimuth_deg=140.0, pointed="device", moving_deg=320.0, what=Class.UAV_PISTON, count=3,
        ),
        observer(
            sensor="phones", number=1, time=AT + 3 * SECOND, place=POST, who="77c0", seen=False, azimuth_deg=150.0,
            text="like a moped", time_sent=AT + 9 * SECOND,
        ),
        observer(
            sensor="phones", number=2, time=AT + 4 * SECOND, who="a8f3", seen=True, at=Spot(36.4, -33.2),
            radius_m=2000.0, what=Class.UNKNOWN,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    data = b"".join(part.tobytes() for part in [heartbeat(alive(6)), *(encode(heard(6, k)) for k in range(10))])
    for folder in ("microphone", "reports"):
        (SAMPLES / folder).mkdir(exist_ok=True)
    (SAMPLES / "microphone" / "coast.bin").write_bytes(data)
    (SAMPLES / "reports" / "coast.jsonl").write_bytes(b"".join(lines()))
