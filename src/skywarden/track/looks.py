"""What one look makes of the filter's memory: records as in `pool`.

look: one scan of one sensor; its detections, plots, come from different targets. view: a leaf as the sensor expects
it. pair: a leaf and a plot that fits it.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import AZIMUTHS, F64, I64
from skywarden.track.pool import EARS, MODELS, WIDTH, record


class Sense(Protocol):
    """One look: its sensor, and which rows of `Given` are its detections, begin to end. time: ns.

    kind: Kind. parts: how many of its components any plot has. whole: the look covers all that the sensor can see, so
    no plot tells something; missable: what this sensor has seen it should see again, within its revisit, s. sensor:
    number. position (3,), rotation (3, 3): where it stands, ECEF -> its east, north, up. detection: probability; reach:
    m. clutter: false alarms per unit of z where `ground` is 0, else per m^2 of level surface. axis, blur, second,
    side_blur: of the sort keys, see `pairs`; lag, doubt: the greatest of any plot, s. addressed: some plot has one.
    limited: 1 if it cannot see everywhere; begins: m, up to which range a bearing starts targets, 0 starts none;
    nearest to ridge: where it can, see `cover`. sound, wind (3,) and their
    sigmas: m/s, the air between the target and a microphone. version: of the correction of its detections, 0 none.
    """

    detection: float
    reach: float
    clutter: float
    revisit: float
    blur: float
    side_blur: float
    lag: float
    doubt: float
    volume: float
    begins: float
    kind: int
    parts: int
    whole: int
    missable: int
    ground: int
    sensor: int
    axis: int
    second: int
    begin: int
    end: int
    time: int
    addressed: int
    limited: int
    version: int
    nearest: float
    sector: float
    sector_width: float
    lowest: float
    highest: float
    sound: float
    sound_sigma: float
    wind_sigma: float
    wind: F64
    position: F64
    rotation: F64
    horizon: NDArray[np.int16]
    ridge: NDArray[np.int16]


class Plot(Protocol):
    """One detection of a look. z (WIDTH,), covariance (WIDTH, WIDTH): see `measure`; a missing component is no row.

    rows (WIDTH,): the `d` components that are there. key: what the look is sorted by; side: a second key. lag: s after
    the look's time; time_sigma: s. clutter, born: false alarms and new targets expected per unit of z. total: of all
    that compete for it. free: probability that no joint hypothesis has it. place: scratch. origin: its row in `Given`.
    label: of the target that it belongs to, 0 none. address: claimed, -1 none. late: 1 if it fits a target that has
    moved on further than can be undone. claimed: 1 if it is that of a target that exists. person: who reports it, 0 a
    device.
    volume: root of the determinant of its covariance.
    """

    key: float
    side: float
    lag: float
    time_sigma: float
    clutter: float
    born: float
    total: float
    free: float
    d: int
    place: int
    origin: int
    label: int
    address: int
    late: int
    claimed: int
    person: int
    volume: float
    rows: I64
    z: F64
    covariance: F64


class View(Protocol):
    """A leaf as one sensor expects it, for each model of motion.

    z (MODELS, WIDTH); HP (MODELS, WIDTH, 6): Jacobian times covariance; S (MODELS, WIDTH, WIDTH): H P H^T,
    lower half; rate (MODELS, WIDTH): dz/dt. detection: probability that this look detects it if it exists; missed: the
    part of it that a look without its plot tells. first, last: its pairs. now: existence after the look; miss: of that
    the part without a plot. ahead: s, how much later than the look the leaf is; growth: m^2, of
    its place's variance on the way back. address: claimed, -1 none. crowded: 1 if a plot lies just where it is; from
    `pairs.find` on what `reach.passed` says. old: s, how long before the leaf's time a sound left.
    heard: what leaf.heard is once the leaf is corrected, 0: no ear block; HE (MODELS, WIDTH, EARS): covariance of what
    is measured with that block. toned: 1 if its tone is known.
    """

    detection: float
    missed: float
    now: float
    miss: float
    ahead: float
    growth: float
    old: float
    first: int
    last: int
    address: int
    crowded: int
    heard: int
    toned: int
    z: F64
    HP: F64
    S: F64
    rate: F64
    HE: F64


class Pair(Protocol):
    """A leaf and a plot that fits it.

    odds: r Pd L / (1 - r Pd). told: message from plot to leaf, asked: from leaf to plot. share: probability of this
    association. likelihood (MODELS,); L (MODELS, WIDTH, WIDTH): lower Cholesky factor of S + R with the diagonal
    inverted; white (MODELS, WIDTH): L^-1 innovation.
    """

    leaf: int
    plot: int
    odds: float
    told: float
    asked: float
    share: float
    likelihood: F64
    white: F64
    L: F64


SENSE = record(
    "detection reach clutter revisit blur side_blur lag doubt volume nearest sector sector_width lowest highest begins "
    "sound sound_sigma wind_sigma",
    "kind parts whole missable ground sensor axis second begin end time addressed limited version",
    wind=3,
    position=3,
    rotation=(3, 3),
    h_horizon=AZIMUTHS,
    h_ridge=AZIMUTHS,
)
PLOT = record(
    "key side lag time_sigma clutter born total free volume",
    "d place origin label address late claimed person",
    i_rows=WIDTH,
    z=WIDTH,
    covariance=(WIDTH, WIDTH),
)
VIEW = record(
    "detection missed now miss ahead growth old",
    "first last address crowded heard toned",
    z=(MODELS, WIDTH),
    HP=(MODELS, WIDTH, 6),
    S=(MODELS, WIDTH, WIDTH),
    rate=(MODELS, WIDTH),
    HE=(MODELS, WIDTH, EARS),
)
PAIR = record("odds told asked share", "leaf plot", likelihood=MODELS, white=(MODELS, WIDTH), L=(MODELS, WIDTH, WIDTH))
