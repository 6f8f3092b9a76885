"""The books of a target: who saw it and when, how often, its address, whether it is confirmed."""

from skywarden.kernel import inner
from skywarden.model.detection import NO_ADDRESS
from skywarden.track.looks import Plot, Sense, View
from skywarden.track.pool import Leaf, Rows, Target
from skywarden.track.view import SOUND
from skywarden.track.work import Parameters

LIKELIEST = 0.5  # share from which a plot is a target's; no two targets have more of one plot
SLOWED = 2.5  # revisits; after such a gap the quick sensor that set the revisit no longer sees the target
SECOND = 1_000_000_000  # ns
PAUSE = 4 * SECOND  # ns; arrays that hear a target in turn do so sooner after each other


@inner
def own(leaf: Leaf, view: View, pairs: Rows, plots: Rows) -> int:
    """Return the plot that is probably this leaf's, -1 none."""
    for e in range(view.first, view.last):
        if pairs[e].share * leaf.existence > LIKELIEST and plots[pairs[e].plot].label == 0:
            return int(pairs[e].plot)
    return -1


@inner
def begun_by_bearing(target: Target) -> bool:
    """Return whether a target began without a range."""
    return bool(target.origin[0] != 0.0 or target.origin[1] != 0.0 or target.origin[2] != 0.0)


@inner
def keeps(target: Target, time: int, sense: Sense, parameters: Parameters) -> bool:
    """Return whether a plot at `time`, ns, says that its target is there yet: a sound does for a while.

    It may always be that of somebody else in the same direction, and which array should have heard is not asked.
    """
    return bool(sense.kind != SOUND or begun_by_bearing(target) or (time - target.placed) * 1e-9 <= parameters.heard)


@inner
def hear_in_turn(target: Target, plot: Plot, time: int) -> None:
    """Count a sound at `time`, ns, of one of many arrays, if another one than the last has heard its target.

    What hums beside one of them is heard by that one alone, for as long as it hums.
    """
    if plot.person == target.array:
        return
    target.array = plot.person
    target.turns = 1 if time - target.turned > PAUSE else target.turns + 1
    target.turned = max(target.turned, time)


@inner
def count(target: Target, plot: Plot, sense: Sense, time: int) -> bool:
    """Count a look at `time`, ns, of a target; return whether it may confirm it: about arrays `arrays` decides."""
    many = sense.kind == SOUND and plot.person > 0
    if many:
        hear_in_turn(target, plot, time)
    elif time > target.told and (sense.kind != SOUND or begun_by_bearing(target)):  # sounds alone confirm no clutter
        target.hits += 1
        target.told = time
    if target.witness != plot.person:
        target.witness = 0
    return bool(not many and target.witness == 0)


@inner
def note(target: Target, plot: Plot, existence: float, sense: Sense, parameters: Parameters) -> None:
    """Write a plot into the books of the target that it belongs to, which exists with this probability now."""
    time = sense.time + round(plot.lag * SECOND)
    gap = (time - target.seen) * 1e-9
    tells = count(target, plot, sense, time)
    if gap > 0.0 and keeps(target, time, sense, parameters):
        target.seen = time
    if sense.kind != SOUND and plot.person == 0:  # what people say is too vague for sounds to go on from it
        target.placed = max(target.placed, time)
    quicker = sense.revisit < target.revisit and sense.kind != SOUND  # who is heard may be silent the next second
    if quicker or gap > SLOWED * target.revisit:
        target.revisit = sense.revisit
    if target.address == NO_ADDRESS:
        target.address = plot.address
    front(target, sense.sensor, time)
    plot.label = target.label
    if existence > LIKELIEST:
        plot.claimed = 1
    if tells and target.hits >= parameters.confirm_hits and existence >= parameters.confirm:
        target.confirmed = 1


@inner
def front(target: Target, sensor: int, time: int) -> None:
    """Put a sensor that saw a target at `time`, ns, before the others that did; the one of longest ago may go."""
    by, at, looked, view = target.seen_by, target.seen_at, target.looked_at, target.in_view
    last, until = len(by) - 1, time
    for k in range(len(by)):
        if by[k] == sensor:
            last, time, until = k, max(time, at[k]), max(time, looked[k])
            break
    for k in range(last, 0, -1):
        by[k], at[k], looked[k], view[k] = by[k - 1], at[k - 1], looked[k - 1], view[k - 1]
    by[0], at[0], looked[0], view[0] = sensor, time, until, 1.0
