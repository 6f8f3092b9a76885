"""Which plots of a look fit which leaf: a search in one sorted key, a test of each component, then chi-square.

The key is range for POLAR and the ECEF axis along which the plots are widest for POSITION and PLANE. A second key,
azimuth or another axis, rules out most of what is left. Of bearings, DIRECTION, azimuth is the key; it goes round, so
no window is searched in it, and it serves as the second one. A look of SOUND is one plot and needs no key. A component
whose own innovation is outside of its gate rules a pair out without a division: its square over its variance is never
more than chi-square.
"""

from math import exp, floor, inf, isnan, pi, sqrt

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track import ear
from skywarden.track.cover import HIDDEN, visible
from skywarden.track.looks import Pair, Plot, Sense, View
from skywarden.track.measure import OCTAVE, TONES
from skywarden.track.models import anchor, models, pace, predict, surface
from skywarden.track.pool import Leaf, Memory, Rows
from skywarden.track.reach import NO, YES, Due, lower, passed, turned
from skywarden.track.sound import bow, hear, leave
from skywarden.track.view import (
    DIRECTION,
    PLANE,
    POLAR,
    POSITION,
    SOUND,
    TONE,
    bend,
    expect,
    innovate,
    look_back,
    spread,
)
from skywarden.track.work import Parameters, Work

NORMAL = 1.0 / sqrt(2.0 * pi)
FAR = 200.0  # chi-square from which a likelihood counts as 0
NARROW = 0.1  # root of |R| / |S + R|
MISTAKEN = 0.02  # of tones are neither right nor an octave off
OPEN = 1e-4  # odds of the next octave from which it is open which one a tone is of
KEPT, COMPARED = 64, 256  # pairs of a leaf and plots that it is compared with, at most
ADDRESS_ODDS = exp(30.0)  # the same claimed address outweighs any nearness inside the gate


@inner
def noise_of(plot: Plot, rate: F64, work: Work) -> None:
    """Write a plot's covariance (d, d), in the order of its rows, to work.noise; doubt about its time counts too."""
    variance = plot.time_sigma * plot.time_sigma
    for k in range(plot.d):
        i = plot.rows[k]
        for c in range(k + 1):
            j = plot.rows[c]
            work.noise[k, c] = plot.covariance[i, j]
            if variance > 0.0:
                work.noise[k, c] += variance * rate[i] * rate[j]


@inner
def inside(view: View, m: int, plot: Plot, limit: float, tone: bool, work: Work) -> bool:  # noqa: PLR0913 - one pair
    """Return whether each component of work.y but a tone lies within the gate by itself. Needs `noise_of`."""
    for k in range(plot.d):
        row = plot.rows[k]
        if row == TONE and tone:
            continue
        if not work.y[k] * work.y[k] <= limit * (view.S[m, row, row] + work.noise[k, k]):
            return False
    return True


@inner
def compare(view: View, m: int, plot: Plot, pair: Pair, tone: bool, work: Work) -> float:  # noqa: PLR0913 - one pair
    """Write factor, white innovation and likelihood of model m to the pair; return chi-square, inf if S is none.

    A tone that would be less likely if it were right than if it were not is left out, and one that may be of the next
    octave: it would say that a target flies 100 m/s faster. The first tone of a target only says which it is.
    """
    L, white, S, d = pair.L[m], pair.white[m], view.S[m], plot.d
    chi2, density = 0.0, 1.0
    for k in range(d):
        rest = work.y[k]
        for c in range(k + 1):
            value = S[plot.rows[k], plot.rows[c]] + work.noise[k, c]
            for e in range(c):
                value -= L[k, e] * L[c, e]
            if c < k:
                L[k, c] = value * L[c, c]
            elif value > 0.0:
                L[k, k] = 1.0 / sqrt(value)
            else:
                pair.likelihood[m] = 0.0
                return inf
        for c in range(k):
            rest -= L[k, c] * white[c]
        white[k] = rest * L[k, k]
        if tone and plot.rows[k] == TONE:
            right, other = exp(-0.5 * white[k] * white[k]), exp(-0.5 * (OCTAVE * L[k, k] - abs(white[k])) ** 2)
            if NORMAL * L[k, k] * right < MISTAKEN * TONES or (view.toned == 1 and other > OPEN * right):
                density *= max(NORMAL * L[k, k] * (right + other), MISTAKEN * TONES)
                L[k, k] = white[k] = 0.0
                continue
        chi2 += white[k] * white[k]
        density *= NORMAL * L[k, k]
    pair.likelihood[m] = density * exp(-0.5 * chi2) if chi2 < FAR else 0.0
    return chi2


@inner
def narrow(plot: Plot, L: F64) -> bool:
    """Return whether a leaf is known about as well as a plot measures it. L: of S + R, its diagonal inverted."""
    part = plot.volume
    for k in range(plot.d):
        part *= L[k, k]
    return bool(part > NARROW)


@inner
def spread_of(leaf: Leaf, view: View, m: int, a: int) -> float:
    """Return the variance, m^2, of one ECEF component of model m at the look's time; at most, if the leaf is ahead."""
    P = leaf.covariance[m]
    if view.ahead <= 0.0:
        return float(P[a, a])
    sigma = sqrt(max(P[a, a], 0.0)) + view.ahead * sqrt(max(P[a + 3, a + 3], 0.0))
    return float(sigma * sigma + view.growth)


@inner
def window(leaf: Leaf, view: View, many: int, sense: Sense, limit: float) -> tuple[float, float]:
    """Return from where to where in the key the plots may lie that fit a leaf."""
    if sense.kind == DIRECTION or sense.kind == SOUND:
        return -inf, inf
    low, high, a = inf, -inf, sense.axis
    for m in range(many):
        variance = view.S[m, 0, 0] if sense.kind == POLAR else spread_of(leaf, view, m, a)
        key, rate = view.z[m, a], abs(view.rate[m, a] if sense.kind == POLAR else leaf.mean[m, a + 3])
        variance += sense.blur + sense.doubt * sense.doubt * rate * rate
        half = sqrt(limit * max(variance, 0.0)) + sense.lag * rate
        low, high = min(low, key - half), max(high, key + half)
    return low, high


@inner
def apart(difference: float, kind: int) -> float:
    """Return how far two second keys are apart; azimuths go round, those of bearings as often as they are said to."""
    if kind == DIRECTION:
        return abs(difference - 2.0 * pi * floor(difference / (2.0 * pi) + 0.5))
    return turned(difference, kind)


@inner
def aside(plot: Plot, centre: float, kind: int) -> float:
    """Return how far a plot is from a centre in its second key, of bearings in the first."""
    return apart((plot.key if kind == DIRECTION else plot.side) - centre, kind)


@inner
def nearest(plots: Rows, low: float, high: float, centre: float, kind: int) -> int:
    """Return the row from which on COMPARED plots are those around the middle of a window; of bearings, a centre.

    Where their azimuths begin anew, which is not searched across, those on one side of it.
    """
    if kind != DIRECTION:
        return lower(plots, 0.5 * (low + high)) - COMPARED // 2
    first = plots[0].key
    middle = centre - 2.0 * pi * floor((centre - first) / (2.0 * pi))  # keys are of one turn, from the first on
    return min(lower(plots, middle) - COMPARED // 2, len(plots) - COMPARED)


@inner
def beside(leaf: Leaf, view: View, many: int, sense: Sense, limit: float) -> tuple[float, float]:
    """Return around what, and how far, the second key of the plots may lie that fit a leaf; of bearings the first."""
    if sense.kind == SOUND:
        return 0.0, inf
    centre, most, turns = 0.0, 0.0, sense.kind == POLAR or sense.kind == DIRECTION
    a, blur = (sense.axis, sense.blur) if sense.kind == DIRECTION else (sense.second, sense.side_blur)
    for m in range(many):
        variance = view.S[m, a, a] if turns else spread_of(leaf, view, m, a)
        key, rate = view.z[m, a], abs(view.rate[m, a] if turns else leaf.mean[m, a + 3])
        if m == 0:
            centre = key
        variance += blur + sense.doubt * sense.doubt * rate * rate
        most = max(most, apart(key - centre, sense.kind) + sqrt(limit * max(variance, 0.0)) + sense.lag * rate)
    return centre, most


@inner
def recall(leaf: Leaf, view: View, pair: Pair, parameters: Parameters, work: Work) -> float:
    """Return how likely a pair is over all models of motion.

    For a sound of before the leaf's time the pair's likelihoods become those by the model that flies now, which may be
    another than when it left: else all sounds of before a turn would speak against it.
    """
    if view.old > 0.0 and models(leaf) > 1:
        pace(view.old, parameters, work)
        calm, busy = pair.likelihood[0], pair.likelihood[1]
        pair.likelihood[0] = calm + work.off * (busy - calm)
        pair.likelihood[1] = busy + work.back * (calm - busy)
    return float(leaf.weight[0] * pair.likelihood[0] + leaf.weight[1] * pair.likelihood[1])


@inner
def fit(  # noqa: PLR0913 - records; a bundle of arrays costs a count of references for each at every call
    leaf: Leaf, view: View, plot: Plot, pair: Pair, kind: int, parameters: Parameters, work: Work
) -> float:
    """Compare a leaf with a plot; return the odds of it, 0 if it does not fit. Fills the pair but for its rows.

    One that fits but is older than can be undone is marked as late, so that it starts nothing.
    """
    limit, many, near, same, tone = parameters.gate[plot.d], models(leaf), False, False, kind == SOUND
    if plot.address >= 0 and view.address >= 0:
        if plot.address != view.address:
            return 0.0
        limit, same = limit * parameters.address_gate, True
    for m in range(many):
        innovate(view, m, plot, kind, work)
        noise_of(plot, view.rate[m], work)
        near |= inside(view, m, plot, limit, tone, work)
    if not near:
        return 0.0
    least = inf
    pair.likelihood[1] = 0.0
    for m in range(many):
        if many > 1:
            innovate(view, m, plot, kind, work)
            noise_of(plot, view.rate[m], work)
        chi2 = compare(view, m, plot, pair, tone, work)
        if chi2 <= limit and narrow(plot, pair.L[m]):
            view.crowded = 1
        least = min(least, chi2)
    if not least <= limit:
        return 0.0
    if view.ahead > parameters.late:
        plot.late = 1
        return 0.0
    seen = leaf.existence * view.detection
    odds = seen * recall(leaf, view, pair, parameters, work) / (1.0 - seen)
    return odds * ADDRESS_ODDS if same else odds


@inner
def bring(leaf: Leaf, sense: Sense, parameters: Parameters, work: Work) -> bool:
    """Bring a leaf to the time of a look or, for a sound, to when that left; return False where it cannot be heard."""
    if sense.kind != SOUND:
        predict(leaf, sense.time, parameters, work)
        return True
    if leaf.heard == 0:
        ear.prior(leaf, sense, parameters)
    return leave(leaf, sense, parameters, work)


@inner
def sight(leaf: Leaf, view: View, sense: Sense, parameters: Parameters, work: Work) -> None:
    """Bring a leaf to the look's time, or look back to it from the leaf's, and fill its view but for its pairs."""
    there = bring(leaf, sense, parameters, work)
    view.heard, view.old = sense.time if sense.kind == SOUND else leaf.heard, 0.0
    if sense.whole == 0:
        anchor(leaf, parameters, work)
    view.ahead = max((leaf.time - sense.time) * 1e-9, 0.0)
    for m in range(models(leaf)):
        if sense.kind == SOUND:
            hear(leaf, sense, view, m, parameters, work)
        elif view.ahead > 0.0:
            look_back(leaf, sense, view, m, parameters, work)
        else:
            expect(leaf.mean[m], sense, view, m, work)
            spread(leaf.mean[m], leaf.covariance[m], work.slopes[m], view, m, sense.parts)
            if sense.kind == POLAR:
                bend(work.slopes[m], view, m, sense.parts)
        if sense.kind == DIRECTION:
            bow(view, m)
        if view.heard > 0 and sense.kind != SOUND:
            ear.overhear(leaf, view, m, sense, work)
    reached = there and (view.z[0, 0] < sense.reach or sense.kind == POSITION or sense.kind == PLANE)
    view.detection = sense.detection if reached else 0.0
    seen = visible(work.b, sense) if sense.kind == SOUND else visible(leaf.mean[0], sense)  # of a sound where it left
    if there and not seen and (reached or sense.kind != SOUND):  # nobody is heard from beyond
        view.detection = HIDDEN * sense.detection
    elif sense.whole == 1:
        view.missed = view.detection


@inner
def within(plots: Rows, j: int, high: float, centre: float, most: float, kind: int) -> int:  # noqa: PLR0913 - a window
    """Return how many plots from row j on are in a window: keys up to `high`, second keys `most` around a centre."""
    count = 0
    while j < len(plots) and plots[j].key <= high:
        count += not aside(plots[j], centre, kind) > most
        j += 1
    return count


@inner
def search(memory: Memory, i: int, plots: Rows, count: int) -> int:
    """Write the pairs of leaf i, which is in sight, from row `count` on; return how many there are then."""
    sense, parameters, work = memory.sense[0], memory.parameters[0], memory.work[0]
    leaf, view, pairs, limit = memory.leaves[i], memory.views[i], memory.pairs, parameters.gate[4]
    if not (view.detection > 0.0 and count + KEPT < len(pairs)):
        return count
    if sense.addressed == 1 and view.address >= 0:
        limit *= parameters.address_gate
    low, high = window(leaf, view, models(leaf), sense, limit)
    centre, most = beside(leaf, view, models(leaf), sense, limit)
    j, compared = lower(plots, low), 0
    if lower(plots, high) - j > COMPARED and within(plots, j, high, centre, most, sense.kind) > COMPARED:
        j = max(j, nearest(plots, low, high, centre, sense.kind))
    while j < len(plots) and plots[j].key <= high and count - view.first < KEPT and compared < COMPARED:
        plot = plots[j]
        if not aside(plot, centre, sense.kind) > most:  # also where there is no second key
            pair = pairs[count]
            odds = fit(leaf, view, plot, pair, sense.kind, parameters, work)
            compared += 1
            if odds > parameters.faint * (plot.clutter + plot.born):
                pair.leaf, pair.plot, pair.odds, pair.share = i, j, odds, 0.0
                count += 1
        j += 1
    return count


@inner
def temper(memory: Memory, i: int) -> None:
    """Weigh the plots of leaf i, a range of a wedge, beside ranges that have none, where a miss is not counted.

    Odds are over a miss, of a detection that may be one. With `missed` less than that they say too much.
    """
    leaf, view = memory.leaves[i], memory.views[i]
    part = (1.0 - leaf.existence * view.detection) / (1.0 - leaf.existence * view.missed)
    for e in range(view.first, view.last):
        memory.pairs[e].odds *= part


@inner
def heightless(plots: Rows, sense: Sense) -> bool:
    """Return whether a look is one of ranges without any elevation: what sees heights may see them as it does."""
    measured = False
    for plot in plots:
        measured |= not isnan(plot.z[2])
    return sense.kind == POLAR and len(plots) > 0 and not measured


@inner
def find(memory: Memory, n: int, plots: Rows, due: Due) -> int:
    """Fill the views of n leaves and all pairs with these plots, by leaf; return how many pairs.

    A leaf that the look does not reach stays as it is.
    """
    sense, parameters, work, count = memory.sense[0], memory.parameters[0], memory.work[0], 0
    active, flat = memory.active, sense.whole == 0 and heightless(plots, sense)
    for i in range(n):
        if active[i] == 0:
            continue
        leaf, view = memory.leaves[i], memory.views[i]
        view.first, view.missed, view.crowded = count, due.expected[leaf.target], 0
        view.address = memory.targets[leaf.target].address
        if flat:
            surface(leaf, work)
        sight(leaf, view, sense, parameters, work)
        view.detection *= due.sight[leaf.target]
        count = search(memory, i, plots, count)
        view.last = count
        how = passed(memory, due, leaf.target, view.crowded) if view.last > view.first else NO
        view.crowded = how
        if how == YES:
            view.missed = sense.detection
        elif memory.targets[leaf.target].wedge == 1:
            temper(memory, i)
    return count
