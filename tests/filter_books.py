"""The books of the filter's targets for tests: who saw one and when, which leaves a look concerns, who was missed."""

from typing import NamedTuple

from filter_memory import NOW, SECOND

from skywarden.model.place import F64, I64
from skywarden.track import notes, reach
from skywarden.track.pool import Memory


def near(memory: Memory, m: int) -> I64:
    """Return (n,) 1 for leaves that one of the first m plots may fit, and for the rest of their groups."""
    reach.near(memory, memory.counts[1], memory.plots[:m], memory.sense[0])
    return memory.active[: memory.counts[1]].copy()


def seen(memory: Memory, target: int, by: dict[int, tuple[float, float]]) -> None:
    """Write into the books who saw a target, latest first: sensor -> s until when it is known, and share in view."""
    row = memory.targets[target]
    row.seen_by[:], row.looked_at[:], row.in_view[:] = -1, 0, 0.0
    for k, (sensor, (until, in_view)) in enumerate(by.items()):
        row.seen_by[k], row.in_view[k] = sensor, in_view
        row.seen_at[k] = row.looked_at[k] = NOW + round(until * SECOND)


def turn_to(memory: Memory, seconds: float, sensor: int = 0) -> None:
    """Make the look at hand that of a sensor, s after NOW."""
    memory.sense["time"], memory.sense["sensor"] = NOW + round(seconds * SECOND), sensor


def wake(memory: Memory, seconds: float, sensor: int = 0) -> tuple[float, float]:
    """Let a sensor look; return when its latest look was and since when it looks without a pause, s after NOW."""
    turn_to(memory, seconds, sensor)
    reach.wake(memory, memory.sense[0])
    return tuple((memory.sensors[sensor, :2] - NOW) * 1e-9)


class Overdue(NamedTuple):
    """Of each target: slot of the sensor that looks; whether it just saw it; how likely it would have seen it; how

    likely it has it in view; the books after that.
    """

    slot: I64
    seen: I64
    expected: F64
    sight: F64
    looked_at: F64
    in_view: F64


def overdue(memory: Memory) -> Overdue:
    """Return who should have been seen by the sensor that looks. looked_at: s after NOW."""
    due, targets = reach.overdue(memory, memory.counts[1], memory.sense[0], True), memory.targets[: memory.counts[0]]
    return Overdue(*due, (targets["looked_at"] - NOW) * 1e-9, targets["in_view"].copy())


def forget(memory: Memory) -> F64:
    """End leaves that were not seen again in time; return the existence of all."""
    reach.forget(memory, memory.counts[1], memory.sense[0])
    return memory.leaves["existence"][: memory.counts[1]].copy()


def note(memory: Memory, target: int, existence: float, lag: float = 0.0, address: int = -1) -> int:
    """Write a plot of the look at hand, lag s after its time, into a target's books; return the plot's label."""
    plot = memory.plots[0]
    plot.lag, plot.address, plot.label = lag, address, 0
    notes.note(memory.targets[target], plot, existence, memory.sense[0], memory.parameters[0])
    return int(plot.label)
