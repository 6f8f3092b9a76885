"""What is done with each kind of detection, one row per kind in ROWS, and what no detection can be."""

from collections.abc import Mapping
from math import log
from typing import NamedTuple

from skywarden.model.detection import Kind


class Row(NamedTuple):
    """used: by this tracker. starts: a detection that fits no track starts one. placed: needs the sensor's place, or

    where `alone` an origin of each detection. missable: a sensor that has seen a target should see it again within its
    revisit. alone: each detection is a look of its own, since several would tie together all targets that they may be
    of.
    """

    used: bool
    starts: bool
    placed: bool
    missable: bool
    alone: bool
    note: str


ROWS: Mapping[Kind, Row] = {
    Kind.POSITION: Row(True, True, False, True, False, "linear"),
    Kind.PLANE: Row(True, True, False, False, True, "a place on a map; its height is the prior"),
    Kind.POLAR: Row(True, True, True, True, False, "extended Kalman filter; elevation and range rate may be missing"),
    Kind.DIRECTION: Row(
        True, False, True, False, True, "corrects tracks that others started; elevation may be missing"
    ),
    Kind.SOUND: Row(
        True, False, True, False, True, "corrects tracks that others started, as they were when the sound left"
    ),
    Kind.PRESENCE: Row(True, True, True, False, False, "a call: all nodes are asked once a second, see `listen`"),
    Kind.SILENCE: Row(True, False, True, False, False, "a call: the node lives"),
    Kind.DELAY: Row(False, False, True, False, False, "not used yet"),
    Kind.TRACK: Row(
        True, True, False, False, False, "another system's tracks: as their source's policy says, see `feeds`"
    ),
}

PER_KM2 = 1e-6  # 1/m^2
FALSE_BEARINGS = 0.1  # per rad of azimuth and per rad of elevation, a look
DEEPEST, SHRILLEST = log(1.0), log(50e3)  # ln Hz; a tone beyond is none
OCTAVE = log(2.0)  # ln Hz; who looks for a fundamental is easily wrong by one, so tones are compared up to octaves
TONES = 1.0 / OCTAVE  # false alarms and new targets per ln Hz: evenly over one
LOWEST, HIGHEST = 6.2e6, 8.0e6  # m from the Earth's centre; a position outside is not one of an aircraft
FASTEST = 1e4  # m/s
SIGMA_MIN, SIGMA_MAX = 1e-9, 1e6  # rad or m or m/s
TURNED = 100.0  # rad; an azimuth beyond is none
SLACK = 0.1  # rad; noise may carry an elevation past the zenith
CORRELATION = 1e-9  # a covariance whose correlation matrix has a smaller pivot is singular
