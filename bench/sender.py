"""A process of its own that sends a crowd's radar plots at their own times. Used by load.py, garbage.py and flood.py.

One JSON object on standard input: {addresses, targets, radars, nodes, seconds, seed, start, times}, start in ns, UTC.
It prints one: {messages: {source: n}, detections: n, late_ms: the worst, at: with times, when each was sent, ns}.
That is megabytes then, and no sender ends before somebody reads it.
"""

import json
import sys
import time

from skywarden.service.outlets import Outlets
from skywarden.sim.scenario import crowd, messages

RECORD_BYTES = 15  # of a CAT 048 record of these radars (sim/blocks.py)
NAP = 1_000_000  # ns; shorter waits are not slept


def main() -> None:
    """Make all messages first, then send."""
    order = json.load(sys.stdin)
    size = {name: order[name] for name in ("targets", "radars", "nodes", "seconds")}
    scenario = crowd(order["seed"], **size)
    ready = list(messages(scenario, order["start"]))
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
        elif message.data[0] == 48:
            detections += (len(message.data) - 3) // RECORD_BYTES
    outlets.close()
    print(json.dumps({"messages": sent, "detections": detections, "late_ms": late / 1e6, "at": at}))


if __name__ == "__main__":
    main()
