"""One aircraft over the wires of a running installation, until it is a track that can be handed over."""

import socket
import time
from pathlib import Path

import numpy as np

from skywarden import geo, handover
from skywarden.model.assessment import Category
from skywarden.sensors.reports.encode import direction_finder
from skywarden.sensors.reports.message import Spot
from skywarden.service.app import App

CONFIG = """
[run]
mode = "{mode}"
tick_ms = {tick_ms}
[[sites]]
name = "Plant A"
latitude = 36.30
longitude = -33.10
[[sources]]
name = "cars"
format = "sbs"
listen = "tcp://127.0.0.1:0"
[[sources]]
name = "finders"
format = "reports"
listen = "tcp://127.0.0.1:0"
[[partners]]
name = "brigade"
address = "tcp://127.0.0.1:{port}"
[record]
path = "{path}"
[api]
listen = "127.0.0.1:0"
"""


class Flight:
    """One aircraft that says where it is, ten times a second, over the real wire."""

    def __init__(self, app: App) -> None:
        self.app = app
        ports = {wire.name: int(wire.address.rsplit(":", 1)[1]) for wire in app.wires}
        self.socket, self.finder = (socket.create_connection(("127.0.0.1", ports[n])) for n in ("cars", "finders"))
        self.count = 0
        self.begun = time.time()

    def __enter__(self) -> "Flight":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()
        self.finder.close()
        self.app.stop()

    def send(self) -> None:
        now = time.time()
        moment = time.gmtime(now)
        stamp = f"{time.strftime('%Y/%m/%d,%H:%M:%S', moment)}.{int(now * 1000) % 1000:03d}"
        place = geo.ecef(np.radians(36.5), np.radians(-33.1), 1000.0)
        axes = geo.east_north_up(np.radians(36.5), np.radians(-33.1))
        place = place - 60.0 * (now - self.begun) * axes[1]
        latitude, longitude, _ = geo.geodetic(place)
        where = f"{np.degrees(latitude):.5f},{np.degrees(longitude):.5f}"
        self.socket.sendall(f"MSG,3,1,1,ABC123,1,{stamp},{stamp},,3281,,,{where},,,0,0,0,0\r\n".encode())
        self._measured(place, now)

    def _measured(self, place: np.ndarray, now: float) -> None:
        """A direction finder measures it too: what only says itself where it is cannot be handed over."""
        post = np.radians(36.4), np.radians(-33.3)
        east, north, up = geo.east_north_up(*post) @ (place - geo.ecef(*post, 0.0))
        self.count += 1
        line = direction_finder(
            sensor="mast",
            number=self.count,
            time=round(now * 1e9),
            place=Spot(latitude=36.4, longitude=-33.3, height_m=0.0),
            azimuth_deg=float(np.degrees(np.arctan2(east, north)) % 360),
            elevation_deg=float(np.degrees(np.arctan2(up, np.hypot(east, north)))),
            sigma_deg=0.5,
        )
        self.finder.sendall(line)

    def until(self, wanted, within: float = 90.0):
        """Fly on until `wanted` returns something; return it."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            self.send()
            if found := wanted():
                return found
            time.sleep(0.1)
        raise AssertionError("it did not come")


def flown(path: Path, mode: str, port: int, more: str = "", tick_ms: int = 100) -> Flight:
    """A running installation, and what flies there. more: of its configuration."""
    app = App(CONFIG.format(mode=mode, port=port, path=path / "record", tick_ms=tick_ms) + more)
    app.start()
    return Flight(app)


def first_cue(app: App):
    latest = app.publisher.latest
    known = latest.picture.identities if latest else ()
    judged = [one for one in known if one.odds and one.category is not Category.PENDING]
    numbers = [one.track for one in judged if not one.claimed_only]
    return handover.cue(latest.picture, numbers[0]) if numbers else None
