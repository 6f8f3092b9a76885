"""The filter as a thing to use: looks in, targets out. Arrays on both sides; docs/filter.md shows it at work."""

from dataclasses import dataclass, field
from math import erfc, exp, gamma, inf, isfinite, log, pi, sqrt
from statistics import NormalDist
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Detections, Kind
from skywarden.model.place import F64, I64, Coverage, Place
from skywarden.track.air import Air, fill
from skywarden.track.cover import cover
from skywarden.track.look import follow
from skywarden.track.looks import PLOT, SENSE
from skywarden.track.measure import ROWS
from skywarden.track.mixture import Mixture, combined, mixture, moments
from skywarden.track.pool import GRID, HYPOTHESES, Rows
from skywarden.track.prepare import Given
from skywarden.track.ranges import NEAREST
from skywarden.track.room import room
from skywarden.track.work import PARAMETERS

UNLIMITED = 1_000_000_000
NEWTON = 12  # steps, twice what is needed
FURTHEST = 1e6  # m
LONGEST_NS = 15_000_000_000  # of a look, before and after its time; the slowest radars turn in 12 s
STILL = Air()
BEARINGS = (Kind.DIRECTION, Kind.SOUND)
FOLLOWED = (Kind.POSITION, Kind.PLANE, Kind.POLAR, Kind.DIRECTION, Kind.SOUND)  # TRACK is no plot, see `feeds`
NOWHERE = Place(np.zeros(3), np.eye(3))  # of a sensor whose place does not matter


class FilterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How targets move, appear and end, and what the filter keeps. Units in the names."""

    calm_noise_m2_s3: float = 0.5  # white acceleration in the level, flying straight on
    busy_noise_m2_s3: float = 40.0  # the same in turns
    vertical_noise_m2_s3: float = 2.0
    calm_stay_s: float = 60.0  # mean time before a manoeuvre
    busy_stay_s: float = 15.0  # mean length of one
    turn_rad_s: float = 0.05  # 1 sigma of the turn rate in one, of targets that are heard
    turn_fades_s: float = 20.0  # after which little is left of it
    turning_noise_m2_s3: float = 10.0  # busy noise of these targets: what the turn rate does not tell
    end_after_s: float = 2000.0  # mean life of a target
    gate_probability: float = 0.9999  # of a target's own detection falling inside its gate
    least_existence: float = 1e-4  # less likely ones are forgotten
    least_begun: float = 1e-4  # a new target's share of a detection, beside those of the targets that there are
    faint_odds: float = 1e-3  # of a pair, relative to "false or new"; fainter ones are not looked at
    strong_existence: float = 0.1  # from here on a target may take part in joint hypotheses
    tied_share: float = 1e-2  # of a pair, from which it can tie a target to others
    alike_chi2: float = 6.0  # leaves nearer to each other say the same
    light_weight: float = 1e-4  # lighter joint hypotheses are dropped
    hypotheses: int = 20  # joint ones of a group, at most
    birth_level_speed_m_s: float = 40.0  # 1 sigma of each level component before anything is known
    birth_vertical_speed_m_s: float = 3.0
    height_m: float = 4000.0  # above the ellipsoid, where no sensor measures it
    height_sigma_m: float = 4000.0
    ceiling_m: float = 10_000.0  # false alarms and new targets are spread evenly over so much height
    speeds_m_s: float = 600.0  # and over so much range rate
    birth_shape: float = 0.5  # of the Gamma distribution of how many more or less are new; large: known well
    shown_existence: float = 0.6
    address_gate_factor: float = 4.0  # on chi-square, for the same claimed address
    late_s: float = 10.0  # a detection may be so much older than its target
    confirm_existence: float = 0.99  # and looks at different times, from which on a target is confirmed
    confirm_hits: int = 3
    heard_s: float = 1e9  # so long after its latest other plot a sound says that a target is there yet
    brief_looks: float = 2.2  # revisits unseen; then what is not confirmed is forgotten, where looks are not whole
    brief_least_s: float = 2.0
    most_of_sensor: int = UNLIMITED  # targets that only one sensor has seen; then it starts no more
    most_new_of_sensor: int = UNLIMITED  # of these, not confirmed
    most_wedges_of_sensor: int = UNLIMITED  # of these, that bearings began; then they begin no more

    def __post_init__(self) -> None:
        """Raise ValueError for what there is no room for, or what would be no time or noise."""
        if not 1 <= self.hypotheses <= HYPOTHESES:
            raise ValueError(f"hypotheses must be 1 to {HYPOTHESES}")
        for name in ("calm_stay_s", "busy_stay_s", "turn_fades_s", "end_after_s", "ceiling_m", "speeds_m_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0")
        if not self.birth_shape > 0:
            raise ValueError("birth_shape must be > 0")
        if not 0 < self.gate_probability <= 1:
            raise ValueError("gate_probability must be over 0, and 1 at most")
        for name in self.__struct_fields__:
            if not isfinite(getattr(self, name)) or (getattr(self, name) < 0 and name != "height_m"):
                raise ValueError(f"{name} must be a finite number, not negative; for 'never' write a large one")


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the filter is told of a sensor.

    detection: probability at a look, over 0. clutter: false alarms a look; where `volume` is 0, a look and m^2 of
    ground, for a bearing (DIRECTION, SOUND) a look and 10 rad of azimuth and of elevation. volume: of the space of
    measurements that false alarms and new targets are spread over evenly, in units of z; 0 where they are spread
    evenly over the ground. whole: a look covers all within `reach_m`, so that no detection of a target tells something
    too. missable: else, what it has seen it should see again within revisit_s, s between two looks at one target.
    coverage: where it can see, and how well. air: for SOUND. begins_m: up to which range, 100 m to
    reach_m, a bearing that may be nobody's starts a target, of which only a wedge is known; 0: it starts none.
    """

    kind: Kind
    detection: float
    clutter: float
    volume: float = 0.0
    reach_m: float = 1e6
    whole: bool = True
    missable: bool = False
    revisit_s: float = 5.0
    coverage: Coverage | None = None
    air: Air = STILL
    begins_m: float = 0.0
    record: Rows = field(init=False, repr=False, compare=False)
    raw: bytes = field(init=False, repr=False, compare=False)  # the same; NumPy takes 19 us to copy a record

    def __post_init__(self) -> None:
        """Raise ValueError for what no sensor can be."""
        if self.kind not in FOLLOWED:
            raise ValueError(f"the filter makes nothing of {self.kind.name}")
        if self.kind == Kind.SOUND and self.whole:
            raise ValueError("a look of SOUND says nothing of who is not heard in it: write whole=False")
        if not 0 < self.detection <= 1:
            raise ValueError("detection must be a probability over 0")
        if self.begins_m and self.kind not in BEARINGS:
            raise ValueError("begins_m is for bearings; what has a range needs none")
        if not (self.begins_m == 0.0 or NEAREST < self.begins_m <= min(self.reach_m, FURTHEST)):
            raise ValueError("begins_m must be over 100 m, and not more than reach_m or 1,000 km; 0: nothing begins")
        for name in ("clutter", "volume"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must be a number, not negative")
        for name in ("reach_m", "revisit_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0")
        self._fill()

    def _fill(self) -> None:
        """Make the record that kernels read."""
        row = np.zeros(1, SENSE)
        row["kind"], row["whole"], row["revisit"] = self.kind, self.whole, self.revisit_s
        row["missable"] = self.missable
        row["ground"], row["volume"], row["clutter"] = self.volume == 0.0, self.volume, self.clutter
        row["detection"], row["reach"], row["begins"] = self.detection, self.reach_m, self.begins_m
        fill(row[0], self.air)
        if self.coverage is not None:
            cover(row[0], self.coverage, True)
        object.__setattr__(self, "record", row)
        object.__setattr__(self, "raw", row.tobytes())


class Unseen(NamedTuple):
    """What may be there unseen, on a square grid of cells of `cell_m` around `middle`, by north and east.

    density (c, c): targets per m^2 at the beginning; births (c, c): how many per m^2 and s appear.
    """

    middle: Place
    cell_m: float
    density: F64
    births: F64


def evenly(middle: Place, half_m: float, number: float, per_minute: float, cells: int = 32) -> Unseen:
    """Return `number` targets in the disc of radius half_m around middle, and so many new ones a minute, evenly.

    Raise ValueError where there is no disc or no cell, or numbers are none or negative.
    """
    if not (isfinite(half_m) and half_m > 0 and cells > 0):
        raise ValueError("half_m and cells must be > 0")
    if not (isfinite(number) and isfinite(per_minute) and number >= 0 and per_minute >= 0):
        raise ValueError("number and per_minute must be numbers, not negative")
    per_m2 = 1.0 / (pi * half_m**2)
    density = np.full((cells, cells), number * per_m2)
    return Unseen(middle, 2.0 * half_m / cells, density, np.full((cells, cells), per_minute / 60.0 * per_m2))


@dataclass(frozen=True, slots=True)
class Estimates:
    """Targets, by label. label (n,); existence (n,) probability; mean (n, 6) ECEF m and m/s; covariance (n, 6, 6).

    time: (n,) ns when mean and covariance hold. wedge (n,): several ranges are open; mean and covariance are of all.
    """

    label: I64
    existence: F64
    time: I64
    mean: F64
    covariance: F64
    wedge: NDArray[np.bool_]


class Filter:
    """A Poisson multi-Bernoulli filter with joint hypotheses where targets are close. Looks must come in time order."""

    def __init__(self, settings: FilterSettings, unseen: Unseen, capacity: int = 4096) -> None:
        """capacity: how many targets and how many leaves there may be; what is over it starts nothing.

        A look may have any number of detections. Raise ValueError for no capacity.
        """
        if capacity < 1:
            raise ValueError("capacity must be 1 or more")
        grid = np.zeros(1, GRID)
        grid["size"] = unseen.cell_m
        grid["position"], grid["rotation"] = unseen.middle.position, unseen.middle.rotation
        self.memory = room(capacity, capacity, capacity)._replace(
            parameters=parameters(settings), grid=grid, unseen=np.stack([unseen.density, unseen.births])
        )
        self.settings = settings
        self.time: int | None = None
        self._sensors: dict[str, int] = {}  # name -> row of what is known of it

    def look(self, batch: Detections, sensor: Sensor, time: int) -> I64:
        """Take one look in; return (n,) why each detection was not used, 0 where it was (docs/filter.md). time: ns.

        Raise ValueError for a look that is out of order, of another kind than the sensor, without the place that its
        kind is measured from, or with times that are not around its own.
        """
        if self.time is not None and time < self.time:
            raise ValueError("looks must come in time order; this one is older than the last")
        if batch.kind != sensor.kind:
            raise ValueError(f"a look of {batch.kind.name} by a sensor of {sensor.kind.name}")
        if ROWS[batch.kind].placed and not _somewhere(batch.place):
            raise ValueError(f"a look of {batch.kind.name} needs the place that it is measured from, finite numbers")
        if len(batch) and max(batch.time.max() - time, time - batch.time.min()) > LONGEST_NS:
            raise ValueError("a look has detections of more than 15 s before or after its time, ns; make several of it")
        if self.time is None:
            self.memory.grid["time"] = time
        self.time = time
        if len(batch) > len(self.memory.plots):
            self.memory = self.memory._replace(plots=np.zeros(len(batch), PLOT))
        place = batch.place or NOWHERE
        row = np.frombuffer(bytearray(sensor.raw), SENSE)
        row["position"], row["rotation"], row["time"], row["end"] = place.position, place.rotation, time, len(batch)
        row["sensor"] = self._row(batch.sensor)
        given = Given(  # copies: compiled code knows one way to lie in memory, each other would be compiled anew
            np.array(batch.z, order="C"),
            np.array(batch.covariance, order="C"),
            np.array(batch.time, order="C"),
            np.array(batch.time_sigma, order="C"),
            np.array(batch.address, order="C"),
            np.zeros(len(batch), np.int64),
            np.zeros(len(batch), np.int64),
            np.zeros(len(batch), np.int64),
            np.zeros(len(batch), np.int64),
        )
        follow(self.memory, given, row)
        return given.code

    def _row(self, sensor: str) -> int:
        """Return where a sensor is in the memory, with room for a new one."""
        row = self._sensors.setdefault(sensor, len(self._sensors))
        if row == len(self.memory.sensors):
            columns = {name: getattr(self.memory, name) for name in ("sensors", "clutter", "fits")}
            more = {name: np.concatenate((old, np.zeros_like(old))) for name, old in columns.items()}
            self.memory = self.memory._replace(**more)
        return row

    def targets(self, existence: float | None = None) -> Estimates:
        """Return the targets that exist with at least this probability, that of the settings if it is not given."""
        least = self.settings.shown_existence if existence is None else existence
        targets, leaves = self.memory.targets[: self.memory.counts[0]], self.memory.leaves
        shown = targets["leaf"]
        sure: F64 = np.where(shown >= 0, leaves["existence"][np.maximum(shown, 0)], 0.0)
        for k in np.flatnonzero((targets["wedge"] == 1) & (shown >= 0)).tolist():
            some, weight = self._open(k)
            sure[k] = weight @ some["existence"]
        rows = np.flatnonzero((shown >= 0) & (sure >= least))
        leaf, wedge = leaves[shown[rows]], targets["wedge"][rows] == 1
        time: I64 = leaf["time"].copy()
        mean, covariance = combined(leaf["weight"], leaf["mean"], leaf["covariance"])
        for k in np.flatnonzero(wedge).tolist():
            time[k] = self._open(int(rows[k]))[0]["time"].max()
            mean[k], covariance[k] = moments(self._mixed(int(rows[k]), int(time[k])))
        return Estimates(targets["label"][rows], sure[rows], time, mean, covariance, wedge)

    def mixture(self, label: int, time: int | None = None) -> Mixture:
        """Return all that is known of a target, at its own times or at one, ns. Raise ValueError if there is none."""
        rows = np.flatnonzero(self.memory.targets["label"][: self.memory.counts[0]] == label)
        if not len(rows):
            raise ValueError(f"there is no target {label}")
        return self._mixed(int(rows[0]), time)

    def _mixed(self, target: int, time: int | None) -> Mixture:
        return mixture(*self._open(target), time, self.memory.parameters, self.memory.work)

    def _open(self, target: int) -> tuple[Rows, F64]:
        """Return the leaves (k,) that a target may be, and the weight of each."""
        leaves, shown = self.memory.leaves, int(self.memory.targets["leaf"][target])
        if shown >= 0 and leaves["group"][shown] < 0:
            return leaves[[shown]], np.ones(1)
        mine = np.flatnonzero(leaves["target"][: self.memory.counts[1]] == target)  # it may not be in the heaviest one
        group = self.memory.groups[leaves["group"][mine[0]]]
        k = group["member"][: group["size"]].tolist().index(target)
        choice, weight = group["choice"][: group["count"], k], group["weight"][: group["count"]]
        return self.memory.leaves[choice[choice >= 0]], weight[choice >= 0]


def _somewhere(place: Place | None) -> bool:
    """Return whether this is a place, none of whose numbers is NaN or infinite."""
    return place is not None and bool(np.isfinite(place.position).all() and np.isfinite(place.rotation).all())


def parameters(settings: FilterSettings) -> Rows:
    """Return the one record of settings that kernels read."""
    row = np.zeros(1, PARAMETERS)
    for name, value in (
        ("end", 1.0 / settings.end_after_s),
        ("least", settings.least_existence),
        ("begun", settings.least_begun),
        ("faint", settings.faint_odds),
        ("strong", settings.strong_existence),
        ("tied", settings.tied_share),
        ("alike", settings.alike_chi2),
        ("light", settings.light_weight),
        ("keep", settings.hypotheses),
        ("level_speed", settings.birth_level_speed_m_s),
        ("vertical_speed", settings.birth_vertical_speed_m_s),
        ("height", settings.height_m),
        ("height_sigma", settings.height_sigma_m),
        ("ceiling", settings.ceiling_m),
        ("speeds", settings.speeds_m_s),
        ("shape", settings.birth_shape),
        ("address_gate", settings.address_gate_factor),
        ("late", settings.late_s),
        ("confirm", settings.confirm_existence),
        ("turn", settings.turn_rad_s),
        ("turn_fades", settings.turn_fades_s),
        ("turning", settings.turning_noise_m2_s3),
        ("confirm_hits", settings.confirm_hits),
        ("heard", settings.heard_s),
        ("brief", settings.brief_looks),
        ("brief_least", settings.brief_least_s),
        ("most", settings.most_of_sensor),
        ("most_new", settings.most_new_of_sensor),
        ("most_wedges", settings.most_wedges_of_sensor),
        ("leave", (1.0 / settings.calm_stay_s, 1.0 / settings.busy_stay_s)),
    ):
        row[name] = value
    vertical = settings.vertical_noise_m2_s3
    row["noise"] = [[settings.calm_noise_m2_s3, vertical], [settings.busy_noise_m2_s3, vertical]]
    row["gate"][0, 1:] = chi2_limits(settings.gate_probability)
    return row


def chi2_limits(probability: float) -> list[float]:
    """Return what chi-square of 1, 2, 3 and 4 components stays under with a probability.

    Those of 3 and 4 by Newton's method on the logarithm of what is left, which is concave, so that it comes from above.
    SciPy has it too, and takes a quarter of a second to import. Source: Abramowitz, Stegun 1964, section 26.4.
    """
    rest = 1.0 - probability
    if rest <= 0.0:
        return [inf] * 4
    found = [NormalDist().inv_cdf(0.5 + 0.5 * probability) ** 2, -2.0 * log(rest)]
    for d in (3, 4):
        x = found[1] + 4.0 * d
        for _ in range(NEWTON):
            h = 0.5 * x
            left = exp(-h) * (1.0 + h) if d == 4 else erfc(sqrt(h)) + 2.0 * sqrt(h / pi) * exp(-h)
            x += log(left / rest) * left * 2.0 * gamma(0.5 * d) / (h ** (0.5 * d - 1.0) * exp(-h))
        found.append(x)
    return found
