"""A SAPIENT node of which nothing is used is shown so, also beside one on the same source that works."""

import numpy as np
from msgspec.structs import replace
from sapient_nodes import OTHER, PLACE, RADAR, SETTINGS, START, cut, rng

from skywarden.config import parse, resolved
from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Started, Tick
from skywarden.model.track import Mode, Picture
from skywarden.pipeline import Line
from skywarden.service import rows
from skywarden.service.wire import Wire
from skywarden.sim.nodes import located, registration, status, ulid
from skywarden.sim.raid import Flier

SECOND = 1_000_000_000
SLOW = replace(RADAR, name="LATE1", node_id=OTHER)
WIRE = Wire("nodes", "connected", 9, 9, 0, 0, 2, "tcp://127.0.0.1:1")


class World:
    """A line that hears two nodes, each on its connection; the clock of one is `slow` s behind."""

    def __init__(self, slow: float) -> None:
        settings = parse(SETTINGS)
        self.line, self.seq, self.now, self.slow = Line(), 0, START, round(slow * SECOND)
        self.feed(Started(START, Mode.SIM, SETTINGS, "0", resolved(settings)))
        for peer, post in ((1, RADAR), (2, SLOW)):
            said = registration(post, START) + status(post, START, rng())
            self.feed(Arrived(Frame.of("nodes", START, *cut(said), peer=peer)))

    def feed(self, event: Arrived | Started | Tick) -> None:
        self.seq += 1
        self.line.feed(self.seq, event)

    def second(self) -> list[str]:
        """Let both report, a second later; return the states of the nodes, and of the source."""
        self.now += SECOND
        for peer, post, behind in ((1, RADAR, 0), (2, SLOW, self.slow)):
            at, made = self.now - behind, rng(self.seq)
            report = located(post, at, (ulid(at, made), ulid(at, made)), np.array(PLACE), Flier.UAV)
            self.feed(Arrived(Frame.of("nodes", self.now, report, peer=peer)))
        self.feed(Tick(self.now))
        (row,) = rows.sources(self.picture, [WIRE], {}, {}, self.now)
        return [*(node.state for node in row.nodes), row.state]

    @property
    def picture(self) -> Picture:
        assert self.line.picture is not None
        return self.line.picture


def test_a_node_whose_clock_is_slow_is_named_beside_a_good_one() -> None:
    world = World(slow=120.0)
    assert world.second() == ["ok", "nothing usable: time in the past", "connected"]
    world.slow = 0
    assert world.second() == ["ok", "ok", "connected"]


def test_what_was_once_wrong_is_forgotten_when_it_is_used_and_again_wrong_after_a_while() -> None:
    world = World(slow=0.0)
    world.second()
    world.slow = -600 * SECOND
    states = [world.second()[1] for _ in range(12)]
    assert states == [*["ok"] * 10, *["nothing usable: time in the future"] * 2]


def test_who_is_of_use_survives_a_restart() -> None:
    world = World(slow=120.0)
    world.second()
    again = Line.restore(world.line.save())
    assert again.picture is not None
    assert again.picture.health == world.picture.health
    assert again.picture.health[0].uses["nodes LATE1"].why == "time in the past"
