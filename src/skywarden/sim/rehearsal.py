"""A few seconds of the built-in raid through a line of its own: afterwards every kernel is compiled and kept.

The first run of all on a machine compiles for a while; who must be quick from the first message on does this before:

    python -m skywarden.sim.rehearsal
"""

from skywarden.kernel import keep
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.track import Mode
from skywarden.pipeline import SECOND, Line
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import coast, messages

START = 1_800_000_000 * SECOND  # any time will do
TICK = SECOND // 10


def rehearse(seconds: float = 12.0) -> int:
    """Run the raid for `seconds` of its own time; return how many tracks were confirmed. Nothing is kept of it."""
    scenario = coast(1, seconds=seconds)
    line = Line()
    line.feed(1, Started(START, Mode.SIM, configuration(scenario, scenario.loopback(), "record", "127.0.0.1:0"), ""))
    seq, due = 1, START + TICK
    for message in messages(scenario, START):
        while message.time >= due:
            seq += 1
            line.feed(seq, Tick(due))
            due += TICK
        seq += 1
        line.feed(seq, Arrived(Frame.of(message.source, message.time, message.data)))
    keep()
    return line.picture.next_number - 1 if line.picture else 0


if __name__ == "__main__":
    rehearse()
