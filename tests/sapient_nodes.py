"""Two SAPIENT nodes near the invented coast, and what they say. Run as a program it writes tests/samples/sapient."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.model.detection import Decoded, Frame, Reply
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.sapient import Sapient
from skywarden.sensors.sapient.message import HEADER, pack, parse, split
from skywarden.sensors.sapient.proto import SapientMessage
from skywarden.sim.nodes import Post, What, bearing, located, node_messages, registration, status, ulid
from skywarden.sim.raid import Flier, Fliers, Route, fly
from skywarden.sim.scenario import ORIGIN

SETTINGS = """
[run]
mode = "sim"
[[sources]]
name = "nodes"
format = "sapient"
listen = "tcp://127.0.0.1:0"
"""
START = 1_790_000_000_000_000_000  # ns
RADAR = Post(
    name="FEN1",
    source="nodes",
    node_id="8f3a1c52-0d4e-4b7a-9c61-2e5f7a9b1c03",
    what=What.RADAR,
    latitude=ORIGIN[0],
    longitude=ORIGIN[1],
    height_m=40.0,
)
CAMERA = Post(
    name="EYE1",
    source="nodes",
    node_id="1b7d9e40-52aa-4f0c-8d3e-90c4b6a7d218",
    what=What.CAMERA,
    latitude=ORIGIN[0] + 0.02,
    longitude=ORIGIN[1],
    height_m=55.0,
)


OTHER = "5d0c7f1e-9a4b-4c1d-8e2f-7a6b5c4d3e2f"
PLACE = np.array([29.53, -45.72, 600.0])  # deg, deg, m


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def fliers(seconds: float = 20.0) -> Fliers:
    """Two UAVs and a flock that pass the nodes."""
    routes = [
        Route(kind=Flier.UAV, points=((-4e3, 3e3, 400.0), (4e3, 3e3, 400.0)), speed=50.0),
        Route(kind=Flier.UAV, points=((3e3, -4e3, 700.0), (3e3, 4e3, 700.0)), speed=55.0),
        Route(kind=Flier.BIRDS, points=((1e3, 1e3, 90.0), (2e3, 1e3, 90.0)), speed=14.0),
    ]
    return fly(routes, ORIGIN, seconds)


def real(data: bytes) -> bytes:
    """Return messages whose sender does not say that they are simulated."""
    out, start = b"", 0
    for length in split(data):
        message = parse(data[start + HEADER : start + length])
        assert message is not None
        for definition in message.registration.node_definition if message.HasField("registration") else ():
            definition.ClearField("node_sub_type")
        out += pack(message)
        start += length
    return out


def said(post: Post, seconds: float = 10.0) -> bytes:
    """Return everything that a node says, as if it were real."""
    return real(b"".join(m.data for m in node_messages(post, fliers(seconds), seconds, START, rng())))


def node(mode: Mode = Mode.LIVE, *sensors: Sensor) -> Sapient:
    return Sapient(Source(name="nodes", format="sapient", listen="tcp://127.0.0.1:0"), sensors, mode)


def cut(data: bytes) -> list[bytes]:
    """Return whole messages one by one."""
    edges = np.concatenate(([0], np.cumsum(split(data)))).tolist()
    return [data[a:b] for a, b in pairwise(edges)]


def heard(decoder: Sapient, data: bytes, peer: int = 7, received: int = START + 1_000_000_000) -> Decoded:
    """Return what a decoder makes of some whole messages of one connection."""
    return decoder.decode(Frame.of("nodes", received, *cut(data), peer=peer))


def introduced(decoder: Sapient, post: Post, peer: int = 7) -> None:
    """Let a node register and say where it is."""
    heard(decoder, real(registration(post, START) + status(post, START, rng())), peer)


def read(reply: Reply) -> SapientMessage:
    """Return an answer as a message."""
    assert int.from_bytes(reply.data[:HEADER], "little") == len(reply.data) - HEADER
    message = parse(reply.data[HEADER:])
    assert message is not None
    return message


def identity(seed: int) -> tuple[str, str]:
    return ulid(START, rng(seed)), ulid(START, rng(seed + 1000))


def plot(seed: int = 1, time: int = START, **location: Any) -> bytes:
    return changed(located(RADAR, time, identity(seed), PLACE, Flier.UAV), "detection_report.location", **location)


def ray(seed: int = 1, **values: Any) -> bytes:
    return changed(bearing(CAMERA, START, identity(seed), 30.0, 5.0), "detection_report.range_bearing", **values)


def changed(data: bytes, way: str, **values: Any) -> bytes:
    message = parse(data[HEADER:])
    assert message is not None
    target: Any = message
    for step in way.split(".") if way else ():
        target = getattr(target, step)
    for name, value in values.items():
        if value is None:
            target.ClearField(name)
        else:
            setattr(target, name, value)
    return pack(message)


def node_with_radar() -> Any:
    """Return a fusion node to which the radar has introduced itself, on connection 7."""
    decoder = node()
    introduced(decoder, RADAR)
    return decoder


if __name__ == "__main__":
    folder = Path(__file__).parent / "samples" / "sapient"
    folder.mkdir(exist_ok=True)
    (folder / "two_nodes.bin").write_bytes(said(RADAR) + said(CAMERA))
