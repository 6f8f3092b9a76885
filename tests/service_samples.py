"""A small made-up picture for the tests of what the service shows."""

from dataclasses import replace
from typing import Any

import numpy as np
from evidence_world import START, look, nats
from flights import listed

from skywarden.geo import east_north_up, ecef
from skywarden.identify.rows import added, stored, viewed
from skywarden.model.assessment import CLASSES, Alert, Category, Class, Identity, Threat
from skywarden.model.event import TrackConfirmed, TrackStates
from skywarden.model.evidence import Evidence
from skywarden.model.place import Site
from skywarden.model.track import Health, Mode, Picture, Status, Tracks
from skywarden.service.publish import Published, Publisher
from skywarden.service.wire import Wire

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
LEVEL_NOISE = 3.0  # m^2/s^3, of every track
SITES = (
    Site(name="Plant A", latitude=36.5, longitude=-31.0),
    Site(name="Harbour", latitude=36.4, longitude=-30.8),
    Site(name="Підстанція", latitude=36.3, longitude=-30.6),
)


def tracks(n: int, age_s: float = 0.5) -> Tracks:
    """n confirmed tracks numbered from 1, the last one coasting, and a tentative one."""
    m = n + 1
    latitude, longitude = np.radians(36.0 + 0.01 * np.arange(m)), np.radians(-31.0 + 0.02 * np.arange(m))
    rotation = east_north_up(latitude, longitude)
    velocity = np.einsum("nij,i->nj", rotation, np.array([-30.0, 40.0, 1.0]))
    local = np.zeros((6, 6))
    local[:3, :3] = np.diag([100.0, 400.0, 900.0])
    local[3:, 3:] = np.diag([1.0, 4.0, 9.0])
    T = np.zeros((m, 6, 6))
    T[:, :3, :3] = T[:, 3:, 3:] = rotation
    status = np.full(m, Status.CONFIRMED, np.int8)
    status[n - 1 : n] = Status.COASTING
    status[n] = Status.TENTATIVE
    seen = np.full((m, 4), -1)
    seen[:, 0] = np.arange(m) % 2
    times = np.full(m, NOW - round(age_s * 1e9))
    return Tracks(
        label=np.arange(1, m + 1),
        number=np.where(status == Status.TENTATIVE, 0, np.arange(1, m + 1)),
        status=status,
        time=times,
        heard=times,
        mean=np.hstack([ecef(latitude, longitude, np.full(m, 300.0)), velocity]),
        covariance=T.swapaxes(1, 2) @ local @ T,
        noise=np.full(m, LEVEL_NOISE),
        born=times,
        hits=np.full(m, 5),
        existence=np.full(m, 0.999),
        revisit=np.full(m, 4.0),
        address=np.where(np.arange(m) == 1, 0x4CA7B5, -1),
        seen_by=seen,
        seen_at=np.where(seen >= 0, times[:, None], 0),
        since=times,
        kind=np.zeros(m, np.int8),
    )


def columns(n: int) -> TrackStates:
    return TrackStates(
        time=NOW,
        number=list(range(1, n + 1)),
        latitude=[36.0 + 0.01 * i for i in range(n)],
        longitude=[-31.0 + 0.02 * i for i in range(n)],
        height_m=[300.0] * n,
        east_m_s=[-30.0] * n,
        north_m_s=[40.0] * n,
        up_m_s=[1.0] * n,
    )


def picture(n: int = 3) -> Picture:
    """n shown tracks; the first two threaten sites."""
    said = look(2, nats(AEROPLANE=3.0, HELICOPTER=1.0), source=5, at=(NOW - START) / SECOND)
    rows = stored(added(viewed(np.zeros(0, "V8")), said, NOW))
    odds = tuple(0.8 if word is Class.AEROPLANE else 0.02 for word in CLASSES)
    second = Identity(
        2,
        Category.NEUTRAL,
        {"callsign": "RYR1AB", "squawk": "7000"},
        odds,
        "it agrees",
        True,
        "",
        ("impossible motion",),
        by="Olena",
    )
    return replace(
        Picture(NOW, Mode.LIVE),
        tracks=tracks(n),
        sensors=("radar-1", "adsb"),
        identities=(Identity(1, Category.UNKNOWN), second)[:n],
        evidence=Evidence(rows, {"radar 1": 5}),
        threats=listed(
            *(
                Threat(1, "Plant A", 0.9, (105.0, 112.0, 118.0, 125.0, 132.0, 140.0, 150.0), 200.0),
                Threat(2, "Plant A", 0.4, (260.0, 275.0, 287.0, 300.0, 313.0, 326.0, 340.0), 900.0),
            )[:n],
            time=NOW,
            sites=SITES,
        ),
        alerts=(
            Alert("Plant A", 1, NOW - SECOND, NOW + 125 * SECOND, NOW + 112 * SECOND, NOW + 140 * SECOND, 0.9, NOW),
        )[:n],
        health=(Health("radar", 90, {"malformed": 7, "checksum": 3}, NOW),),
    )


def wires() -> tuple[Wire, ...]:
    return (
        Wire("radar", "listening", 100, 4000, 0, NOW - SECOND // 2, 0, "udp://127.0.0.1:8600"),
        Wire("adsb", "waiting: connection refused", 0, 0, 0, 0, 0, "tcp://127.0.0.1:30003"),
    )


def published(n: int = 3, **changes: Any) -> Published:
    """A picture with n tracks as published; changes: other fields."""
    values: dict[str, Any] = {
        "picture": picture(n),
        "states": columns(n),
        "wires": wires(),
        "recorded": {"radar": 95},
        "latency_ms": (12.5, 80.25),
        "tick": 7,
        "time": NOW,
        "sites": SITES,
    }
    return Published(**(values | changes))


def publishing() -> Publisher:
    """Return a publisher that has shown one tick, in which a track was confirmed."""
    publisher = Publisher()
    publisher.publish(published(), [TrackConfirmed(NOW, 3, 9)])
    return publisher
