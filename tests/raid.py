"""What an engine takes in during a small simulated raid, turn by turn: a radar and an ADS-B receiver."""

from dataclasses import replace
from itertools import groupby

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Input, Started, Tick
from skywarden.model.track import Mode
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import coast, messages

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
NOISE = b"no message"


def inputs(turns: int, ticks: int = 1) -> list[list[Input]]:
    """Return Started, then turns with one frame of each source for each tick; a tick is a second.

    Every fourth tick the receiver sends noise as well.
    """
    raid = coast(3, uavs=3, seconds=turns * ticks)
    raid = replace(raid, radars=raid.radars[:1])
    names = [*(r.name for r in raid.radars), "adsb"]
    listen = {name: f"udp://127.0.0.1:{port}" for port, name in enumerate(names, 9001)}
    settings = configuration(raid, listen, "record", "127.0.0.1:0")
    made: list[list[Input]] = [[Started(START, Mode.SIM, settings, "1")], *([] for _ in range(turns))]
    sent = {second: list(part) for second, part in groupby(messages(raid, START), lambda m: (m.time - START) // SECOND)}
    for second in range(turns * ticks):
        turn = made[1 + second // ticks]
        time = START + (second + 1) * SECOND
        for name in names:
            data = [m.data for m in sent.get(second, []) if m.source == name]
            if name == "adsb" and second % 4 == 2:
                data.append(NOISE)
            if data:
                turn.append(Arrived(Frame.of(name, time - SECOND // 20, *data)))
        turn.append(Tick(time))
    return made
