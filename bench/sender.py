"""A process of its own that sends a crowd's radar plots at their own times. Used by load.py, garbage.py and flood.py.

One JSON object on standard input: {addresses, targets, radars, nodes, seconds, seed, start, times, turn_s, late}, start
in ns, UTC; late: share of the plots that are sent 1 to 10 s after they were made.
It prints one: {messages: {source: n}, detections: n, late_ms: the worst, at: with times, when each was sent, ns}.
That is megabytes then, and no sender ends before somebody reads it.
"""

import json
import sys
import time
from collections.abc import Iterable

import numpy as np

from skywarden.service.outlets import Outlets
from skywarden.sim.blocks import Timed
from skywarden.sim.scenario import crowd, messages

RECORD_BYTES = 15  # of a CAT 048 record of these radars (sim/blocks.py)
PLOTS = 48  # the category
NAP = 1_000_000  # ns; shorter waits are not slept


def delayed(ready: Iterable[Timed], share: float, seed: int) -> list[Timed]:
    """Return messages in the order of sending, some plots taken out of theirs and sent 1 to 10 s later."""
    rng, found = np.random.default_rng(seed), []
    for message in ready:
        if message.data[0] != PLOTS:
            found.append(message)
            continue
        records = [message.data[k : k + RECORD_BYTES] for k in range(3, len(message.data), RECORD_BYTES)]
        late = rng.random(len(records)) < share
        prompt = [record for record, is_late in zip(records, late, strict=True) if not is_late]
        if prompt:
            found.append(message._replace(data=block(prompt)))
        for record in (record for record, is_late in zip(records, late, strict=True) if is_late):
            found.append(message._replace(data=block([record]), time=message.time + int(rng.uniform(1.0, 10.0) * 1e9)))
    return sorted(found, key=lambda message: message.time)


def block(records: list[bytes]) -> bytes:
    """Return a CAT 048 data block."""
    body = b"".join(records)
    return bytes([PLOTS]) + (len(body) + 3).to_bytes(2, "big") + body


def main() -> None:
    """Make all messages first, then send."""
    order = json.load(sys.stdin)
    size = {name: order[name] for name in ("targets", "radars", "nodes", "seconds", "turn_s") if name in order}
    scenario = crowd(order["seed"], **size)
    ready = list(messages(scenario, order["start"]))
    if order.get("late"):
        ready = delayed(ready, order["late"], order["seed"])
    outlets = Outlets({sender: order["addresses"][source] for sender, source in scenario.senders.items()})
    sent = dict.fromkeys(order["addresses"], 0)
    detections = late = 0
    at = []
    for message in ready:
        wait = message.time - time.time_ns()
        if wait > NAP:
            time.sleep(wait * 1e-9)
        late = max(late, -wait)
        if order.get("times"):
            at.append(time.time_ns())
        outlets.send(message.sender or message.source, message.data)
        sent[message.source] += 1
        if message.sender:
            detections += 1
        elif message.data[0] == PLOTS:
            detections += (len(message.data) - 3) // RECORD_BYTES
    outlets.close()
    print(json.dumps({"messages": sent, "detections": detections, "late_ms": late / 1e6, "at": at}))


if __name__ == "__main__":
    main()
