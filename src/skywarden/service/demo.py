"""`skywarden demo`: the built-in raid, sent over loopback to the same engine that `skywarden run` uses."""

import itertools
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from skywarden.service.app import App
from skywarden.service.outlets import Outlets
from skywarden.sim.blocks import SECOND, Timed
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import LENGTH_S, coast, messages

HEADLESS_S = 60.0  # s, when nothing else is said
READY_S = 10.0  # s within which every source must listen
AHEAD = 600_000_000  # ns between making the messages and sending the first
INTRODUCTION = 2  # messages
LATE = SECOND // 2  # ns; a sender that is further behind than this (a suspended computer) does not catch up
KEPT = Path("demo-record")


def run_demo(  # noqa: PLR0913 - one argument for each option of the command
    *,
    headless: bool,
    seconds: float | None,
    targets: int,
    seed: int,
    port: int | None,
    view: bool,
    keep: bool = False,
) -> dict[str, Any]:
    """Run the demo for `seconds`, without end if None and not headless. Return what was seen, for one line of JSON.

    targets: one-way UAVs. port: of the HTTP interface, None: any free one. keep: leave the record in ./demo-record.
    """
    with ExitStack() as stack:
        record = KEPT if keep else Path(stack.enter_context(tempfile.TemporaryDirectory())) / "record"
        scenario = coast(seed, uavs=targets, seconds=1.0)
        app = App(configuration(scenario, scenario.loopback(), str(record), f"127.0.0.1:{port or 0}"))
        stack.callback(app.stop)
        app.start()
        raid = Raid(bound(app), targets, seed, HEADLESS_S if headless and seconds is None else seconds)
        raid.start()
        stack.callback(raid.stop)
        if not headless and not view:
            print(f"air picture at {app.address} (Ctrl-C to end)", flush=True)
        return app.run(view=view, seconds=raid.seconds)


def bound(app: App) -> dict[str, str]:
    """Return source -> the address it really listens at. Raises OSError when one does not within READY_S."""
    deadline = time.monotonic() + READY_S
    while any(wire.state != "listening" for wire in app.wires):
        if time.monotonic() > deadline:
            raise OSError("; ".join(f"{wire.name}: {wire.state}" for wire in app.wires))
        time.sleep(0.01)
    return {wire.name: wire.address for wire in app.wires}


class Raid(threading.Thread):
    """Sends the raid, each message at its own time; when it is over and nobody has stopped it, the next one."""

    def __init__(self, addresses: Mapping[str, str], targets: int, seed: int, seconds: float | None) -> None:
        super().__init__(name="raid", daemon=True)
        self.seconds = seconds
        self._addresses, self._targets, self._seed = addresses, targets, seed
        self._stopping = threading.Event()

    def run(self) -> None:
        senders = coast(self._seed, uavs=self._targets, seconds=1.0).senders
        outlets = Outlets({sender: self._addresses[source] for sender, source in senders.items()})
        try:
            for seed in itertools.count(self._seed):
                scenario = coast(seed, uavs=self._targets, seconds=min(self.seconds or LENGTH_S, LENGTH_S))
                self.play(messages(scenario, time.time_ns() + AHEAD), outlets)
                if self._stopping.is_set():
                    break
        except OSError:
            pass  # the engine has closed its sockets: the demo is over
        finally:
            outlets.close()

    def play(self, timed: Iterable[Timed], outlets: Outlets) -> None:
        """Send messages at their times until `stop`; those that are much too late are left out.

        But not what a node begins with, its registration and its place: without them nothing later of it counts.
        """
        begun = Counter[str]()
        for message in timed:
            wait = message.time - time.time_ns()
            if wait > 0 and self._stopping.wait(wait / SECOND):
                return
            begun[message.sender] += 1
            if wait > -LATE or (message.sender and begun[message.sender] <= INTRODUCTION):
                outlets.send(message.sender or message.source, message.data)

    def stop(self) -> None:
        """End and wait for it."""
        self._stopping.set()
        if self.ident is not None and self is not threading.current_thread():
            self.join(READY_S)
