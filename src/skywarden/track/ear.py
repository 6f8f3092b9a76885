"""What hearing a target teaches beside its state: the ear block of a leaf, five more numbers of each model of motion.

Logarithm of the tone that it makes (Hz), wind towards east and north and the speed of sound between it and who hears
it (m/s), turn rate (rad/s, positive to the right). They are states like the other six, with covariance and cross terms,
because they are the same in all sounds of a target: a sound that comes too late tells of the air. East and north are
those of the array; between arrays that hear the same target they differ by thousandths.
A leaf has no block until a sound corrects it, and none any more when it was not heard for long.
The calm model does not turn: its turn rate is what it may be if it begins to.
"""

from math import log

from skywarden.kernel import inner
from skywarden.model.place import F64
from skywarden.track.looks import Pair, Plot, Sense, View
from skywarden.track.pool import MODELS, Leaf
from skywarden.track.view import POLAR
from skywarden.track.work import Parameters, Work

TONE, EAST, NORTH, SPEED, TURN = range(5)  # of the block
USUAL, WIDE = log(150.0), 0.3  # ln Hz: of tones before any is heard, up to octaves, mean and 1 sigma
KEPT_NS = 120_000_000_000  # unheard; then the block is given up
TONE_DRIFT, WIND_DRIFT, SPEED_DRIFT = 1e-7, 0.008, 0.001  # 1/s, m^2/s^3: 0.3 % in 90 s, 0.5 and 0.2 m/s in 30 s
CALM = 0  # model of motion that flies straight on
RATE = 3  # row of a radar's range rate
HAIR, ROUNDING = 1e-9, 1e-13  # of a variance, put back, as in `settle`


@inner
def prior(leaf: Leaf, sense: Sense, parameters: Parameters) -> None:
    """Write to an empty block what is known before a target is heard: of the air, what the sensor says."""
    turn, wind = sense.rotation, sense.wind
    empty(leaf)
    for m in range(MODELS):
        e, T = leaf.ear[m], leaf.tail[m]
        e[TONE], e[SPEED], e[TURN] = USUAL, sense.sound, 0.0
        e[EAST] = turn[0, 0] * wind[0] + turn[0, 1] * wind[1] + turn[0, 2] * wind[2]
        e[NORTH] = turn[1, 0] * wind[0] + turn[1, 1] * wind[1] + turn[1, 2] * wind[2]
        T[TONE, 6 + TONE] = WIDE * WIDE
        T[EAST, 6 + EAST] = T[NORTH, 6 + NORTH] = sense.wind_sigma * sense.wind_sigma
        T[SPEED, 6 + SPEED] = sense.sound_sigma * sense.sound_sigma
        T[TURN, 6 + TURN] = parameters.turn * parameters.turn


@inner
def empty(leaf: Leaf) -> None:
    """Leave a leaf without a block, and nothing in its place: equal looks leave equal records."""
    leaf.heard = 0
    for m in range(MODELS):
        e, T = leaf.ear[m], leaf.tail[m]
        for j in range(len(e)):
            e[j] = 0.0
            for b in range(T.shape[1]):
                T[j, b] = 0.0


@inner
def share(leaf: Leaf) -> None:
    """Give a leaf's second model of motion the block of its first."""
    for j in range(len(leaf.ear[CALM])):
        leaf.ear[1, j] = leaf.ear[CALM, j]
        for b in range(leaf.tail.shape[2]):
            leaf.tail[1, j, b] = leaf.tail[CALM, j, b]


@inner
def blend_models(leaf: Leaf, p: float, q: float, work: Work) -> None:
    """Mix the blocks of both models as `models.mix` does their states. work.a: difference of the states, (6,)."""
    e, T, d, f, six = leaf.ear, leaf.tail, work.a, work.e, work.six
    both, also = p * (1.0 - p), q * (1.0 - q)
    for j in range(work.ears):
        f[j] = e[1, j] - e[0, j]
    for j in range(work.ears):
        for b in range(work.whole):
            outer, step = f[j] * (d[b] if b < six else f[b - six]), T[1, j, b] - T[0, j, b]
            T[0, j, b] += p * step + both * outer
            T[1, j, b] += also * outer - q * step
    for j in range(work.ears):
        e[0, j] += p * f[j]
        e[1, j] -= q * f[j]


@inner
def unturned(leaf: Leaf, parameters: Parameters, work: Work) -> None:
    """Let the calm model know nothing of turns but what they may be."""
    T = leaf.tail[CALM]
    leaf.ear[CALM, TURN] = 0.0
    for b in range(work.whole):
        T[TURN, b] = 0.0
    for j in range(work.ears):
        T[j, work.six + TURN] = 0.0
    T[TURN, work.six + TURN] = parameters.turn * parameters.turn


@inner
def glide(leaf: Leaf, m: int, dt: float, work: Work) -> None:
    """Move the block of a model that flies straight on: only its cross terms change."""
    T = leaf.tail[m]
    for j in range(work.ears):
        for a in range(3):
            T[j, a] += dt * T[j, a + 3]


@inner
def drift(leaf: Leaf, m: int, dt: float, work: Work) -> None:
    """Let tone, wind and speed of sound become a little less known in dt s."""
    T, six = leaf.tail[m], work.six
    T[TONE, six + TONE] += TONE_DRIFT * dt
    T[EAST, six + EAST] += WIND_DRIFT * dt
    T[NORTH, six + NORTH] += WIND_DRIFT * dt
    T[SPEED, six + SPEED] += SPEED_DRIFT * dt


@inner
def hold(leaf: Leaf, m: int, S: float, step: float, work: Work) -> None:
    """Correct the block by the height that `models.anchor` assumes. work.up: vertical; work.a: (6,) P times it."""
    T, u, e, f = leaf.tail[m], work.up, leaf.ear[m], work.e
    for j in range(work.ears):
        f[j] = T[j, 0] * u[0] + T[j, 1] * u[1] + T[j, 2] * u[2]
    for j in range(work.ears):
        e[j] += f[j] * step
        for b in range(work.whole):
            T[j, b] -= f[j] * (work.a[b] if b < work.six else f[b - work.six]) / S


@inner
def overhear(leaf: Leaf, view: View, m: int, sense: Sense, work: Work) -> None:
    """Write to view.HE how what a radar or a camera measures hangs together with the block. Needs the view."""
    H, T, HE = work.slopes[m], leaf.tail[m], view.HE[m]
    for k in range(sense.parts):
        every = view.ahead > 0.0 or (sense.kind == POLAR and k == RATE)  # else velocity does not matter
        for j in range(work.ears):
            value = H[k, 0] * T[j, 0] + H[k, 1] * T[j, 1] + H[k, 2] * T[j, 2]
            if every:
                value += H[k, 3] * T[j, 3] + H[k, 4] * T[j, 4] + H[k, 5] * T[j, 5]
            HE[k, j] = value


@inner
def gain(view: View, plot: Plot, pair: Pair, m: int, V: F64) -> None:
    """Write V = L^-1 HE, (d, EARS): with W of `settle.gain` the gains of all eleven."""
    L, HE = pair.L[m], view.HE[m]
    for k in range(plot.d):
        row, scale = plot.rows[k], L[k, k]
        for j in range(HE.shape[1]):
            value = HE[row, j]
            for c in range(k):
                value -= L[k, c] * V[c, j]
            V[k, j] = value * scale


@inner
def correct(leaf: Leaf, plot: Plot, pair: Pair, m: int, work: Work) -> None:
    """Correct the block by one plot. Needs both gains, work.W and work.V."""
    e, T, W, V, white, six = leaf.ear[m], leaf.tail[m], work.W, work.V, pair.white[m], work.six
    for j in range(work.ears):
        before = T[j, six + j]
        for k in range(plot.d):
            e[j] += V[k, j] * white[k]
            for b in range(work.whole):
                T[j, b] -= V[k, j] * (W[k, b] if b < six else V[k, b - six])
        T[j, six + j] += HAIR * T[j, six + j] + ROUNDING * before


@inner
def clear(work: Work) -> None:
    """Make room for the corrections of several plots: work.e and work.D."""
    for j in range(work.ears):
        work.e[j] = 0.0
        for b in range(work.whole):
            work.D[j, b] = 0.0


@inner
def add(plot: Plot, pair: Pair, m: int, part: float, work: Work) -> None:
    """Add one plot's correction, weighed by `part`, to work.e (mean) and work.D (second moment).

    Needs both gains, and work.a: (6,) the correction of the state.
    """
    W, V, white, D, six = work.W, work.V, pair.white[m], work.D, work.six
    moved = work.U[0]
    for j in range(work.ears):
        moved[j] = 0.0
        for k in range(plot.d):
            moved[j] += V[k, j] * white[k]
        work.e[j] += part * moved[j]
    for j in range(work.ears):
        for b in range(work.whole):
            value = moved[j] * (work.a[b] if b < six else moved[b - six])
            for k in range(plot.d):
                value -= V[k, j] * (W[k, b] if b < six else V[k, b - six])
            D[j, b] += part * value


@inner
def put(leaf: Leaf, m: int, work: Work) -> None:
    """Correct the block by all that `add` has gathered. work.b: (6,) the correction of the state."""
    e, T, six = leaf.ear[m], leaf.tail[m], work.six
    for j in range(work.ears):
        before = T[j, six + j]
        e[j] += work.e[j]
        for b in range(work.whole):
            T[j, b] += work.D[j, b] - work.e[j] * (work.b[b] if b < six else work.e[b - six])
        T[j, six + j] += HAIR * T[j, six + j] + ROUNDING * before
