"""A small simulated raid, a radar and an ADS-B receiver: what comes in, turn by turn, and the record of it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Entry, Input, Started, Tick, encode
from skywarden.model.track import Mode
from skywarden.pipeline import Caused
from skywarden.record import Log, MemoryLog
from skywarden.replay import recover
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
    raid = replace(raid, radars=raid.radars[:1], posts=())
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


class Engine:
    """What service/engine.py does, without threads, sockets and clock; it can be killed at any entry."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.line, self.seq, missing = recover(log)
        self.append([Caused(m.cause, m.event) for m in missing], [m.time for m in missing])

    def append(self, outputs: Sequence[Caused], times: Sequence[int]) -> None:
        numbered = enumerate(zip(outputs, times, strict=True), self.seq + 1)
        self.log.append([Entry(seq, time, o.cause, encode(o.event)) for seq, (o, time) in numbered])
        self.seq += len(outputs)

    def turn(self, events: Sequence[Input]) -> None:
        """Record the inputs, feed them, record what follows."""
        first = self.seq + 1
        times = [e.frame.received if isinstance(e, Arrived) else e.time for e in events]
        self.append([Caused(seq, event) for seq, event in enumerate(events, first)], times)
        outputs: list[Caused] = []
        after: list[int] = []
        for seq, event in enumerate(events, first):
            outputs += self.line.feed(seq, event)
            after += [self.line.picture.time if self.line.picture else 0] * (len(outputs) - len(after))
        self.append(outputs, after)

    def snapshot(self) -> None:
        self.log.save_snapshot(self.seq, self.line.save())


def record(turns: int = 10, ticks: int = 1) -> list[Entry]:
    """Return a record of a run, as the engine leaves it."""
    engine = Engine(MemoryLog())
    for turn in inputs(turns, ticks):
        engine.turn(turn)
    return list(engine.log.entries())
