"""kill -9 at any moment: who drops what he has seen before gets each message exactly once, and none is lost."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from outbox_victim import AREAS, told
from receivers import Web, until

SECOND = 1_000_000_000
COUNT = 200
VICTIM = Path(__file__).with_name("outbox_victim.py")


def test_kill_9_in_the_middle_of_many_loses_none_and_makes_no_second_one(tmp_path: Path) -> None:
    rng, begun = np.random.default_rng(5), time.time_ns() // SECOND * SECOND
    wanted = [told(seq, begun).warning for seq in range(1, COUNT + 1)]
    kills = 0
    with Web(200) as web:
        while len(set(web.ids)) < COUNT and kills < 60:
            process = subprocess.Popen(
                [sys.executable, str(VICTIM), str(tmp_path), str(web.port), str(COUNT), str(begun)]
            )
            goal = min(len(set(web.ids)) + int(rng.integers(1, 60)), COUNT)
            until(lambda goal=goal: len(set(web.ids)) >= goal)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        bodies: dict[str, set[bytes]] = {}
        for identifier, body, _, _ in web.got:
            bodies.setdefault(identifier, set()).add(body)
    assert kills >= 4
    assert set(bodies) == {one.identifier for one in wanted}
    twice = {identifier: sorted(map(len, found)) for identifier, found in bodies.items() if len(found) > 1}
    assert not twice  # who has the first may drop the second
    assert len(web.got) - COUNT <= kills  # at most the one that was on its way
    firsts = list(dict.fromkeys(web.ids))
    for area in range(AREAS):
        mine = [one.identifier for one in wanted if one.area == f"S{area}"]
        assert [one for one in firsts if one in mine] == mine
