"""A process of its own that sends a crowd's radar plots at their own times. Used by load.py, garbage.py and flood.py.

One JSON object on standard input: {addresses, targets, radars, nodes, seconds, seed, start, times, turn_s, half_m,
microphones, late}, start in ns, UTC; late: share of the plots, and of the microphones' messages, that are sent 1 to
10 s after they were made. It prints one: {messages: {source: n}, detections: n, of microphones calls: n and ears: how
many sent, ready_s: before the start, late_ms: the worst, at: with times, when each was sent, ns}.
That is megabytes then, and no sender ends before somebody reads it.
"""

import gc
import json
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from microphone_field import SOURCE, microphone_messages

from skywarden.service.outlets import Outlets
from skywarden.sim.blocks import Timed
from skywarden.sim.scenario import crowd, messages

RECORD_BYTES = 15  # of a CAT 048 record of these radars (sim/blocks.py)
PLOTS = 48  # the category
NODE = slice(8, 12)  # of a microphone's message, who sent it
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


def prepared(order: dict[str, Any]) -> tuple[list[Timed], dict[str, str]]:
    """Return all messages in the order of sending, and who sends -> the source it sends to."""
    names = ("targets", "radars", "nodes", "seconds", "turn_s", "half_m")
    scenario = crowd(order["seed"], **{name: order[name] for name in names if name in order})
    ready, senders, late = list(messages(scenario, order["start"])), scenario.senders, order.get("late", 0.0)
    if late:
        ready = delayed(ready, late, order["seed"])
    if count := order.get("microphones", 0):
        size = {"count": count, "half": order["half_m"], "seconds": order["seconds"], "late": late}
        routes = scenario.fliers.routes
        ready += microphone_messages(routes, **size, start=order["start"], seed=order["seed"])
        ready.sort(key=lambda message: message.time)
        senders |= {SOURCE: SOURCE}
    return ready, senders


def main() -> None:
    """Make all messages first, then send."""
    order = json.load(sys.stdin)
    ready, senders = prepared(order)
    outlets = Outlets({sender: order["addresses"][source] for sender, source in senders.items()})
    gc.freeze()  # nothing is looked through while it sends
    spare = order["start"] - time.time_ns()
    sent = dict.fromkeys(order["addresses"], 0)
    detections = late = 0
    at = []
    ears = set[bytes]()
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
        elif message.source == SOURCE:
            ears.add(message.data[NODE])
        elif message.data[0] == PLOTS:
            detections += (len(message.data) - 3) // RECORD_BYTES
    outlets.close()
    calls = {"calls": sent.get(SOURCE, 0), "ears": len(ears), "ready_s": spare / 1e9}
    print(json.dumps({"messages": sent, "detections": detections, **calls, "late_ms": late / 1e6, "at": at}))


if __name__ == "__main__":
    main()
