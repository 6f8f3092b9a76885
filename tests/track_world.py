"""A small sky for the tracker's tests: flights along a plane that follows the Earth, radars, ADS-B, false alarms."""

from dataclasses import dataclass, field, replace

import numpy as np

from skywarden import geo
from skywarden.model.detection import NO_ADDRESS, Kind, detections
from skywarden.model.track import Picture
from skywarden.track.step import TrackerSettings, track

START = 1_800_000_000_000_000_000
LATITUDE, LONGITUDE = 0.872, 0.531  # rad
RADIUS = 6_380_000.0  # m; level flights keep to this sphere closely enough
TICK_S = 0.5


def where(east, north, height):
    """Return ECEF of points so many metres east and north of the middle of the sky."""
    latitude = LATITUDE + np.asarray(north) / RADIUS
    return geo.ecef(latitude, LONGITUDE + np.asarray(east) / (RADIUS * np.cos(LATITUDE)), height)


@dataclass
class Flight:
    """Straight or, with turn (rad/s, clockwise) between two times, curved; sampled by integrating small steps."""

    east: float
    north: float
    height: float
    speed: float
    heading: float  # rad, clockwise from north
    address: int = NO_ADDRESS
    turn: float = 0.0
    turning: tuple = (0.0, 0.0)

    def at(self, t):
        """Return ECEF position (3,) at t s."""
        begin, end = self.turning
        straight, bent = min(t, begin), max(0.0, min(t, end) - begin)
        east = self.east + self.speed * straight * np.sin(self.heading)
        north = self.north + self.speed * straight * np.cos(self.heading)
        heading = self.heading
        if bent > 0 and self.turn:
            radius, after = self.speed / self.turn, heading + self.turn * bent
            east += radius * (np.cos(heading) - np.cos(after))
            north += radius * (np.sin(after) - np.sin(heading))
            heading = after
        rest = t - straight - bent
        east, north = east + self.speed * rest * np.sin(heading), north + self.speed * rest * np.cos(heading)
        return where(east, north, self.height)


@dataclass
class Radar:
    """Looks at everything once a revisit, all at once; sigma: m, rad, rad, m/s; NaN: not measured.

    late: s between the look and its arrival.
    """

    name: str
    east: float
    north: float
    revisit: float = 4.0
    offset: float = 0.0
    sigma: tuple = (50.0, 0.002, 0.004, np.nan)
    detection: float = 0.9
    false_alarms: float = 0.0
    reach: float = 120_000.0
    late: float = 0.0

    def __post_init__(self):
        latitude = LATITUDE + self.north / RADIUS
        self.place = geo.place(latitude, LONGITUDE + self.east / (RADIUS * np.cos(LATITUDE)), 150.0)

    def look(self, flights, t, rng):
        rows = [self.polar(f.at(t), f, t) for f in flights if rng.random() < self.detection]
        sigma = np.array(self.sigma)
        rows = [z + np.nan_to_num(sigma) * rng.normal(size=4) for z in rows]
        for _ in range(rng.poisson(self.false_alarms)):
            rows.append(
                np.array(
                    [
                        self.reach * np.sqrt(rng.random()),
                        rng.uniform(-np.pi, np.pi),
                        rng.uniform(0.005, 0.08),
                        rng.uniform(-200, 200),
                    ]
                )
            )
        if not rows:
            return None
        z = np.array(rows)[rng.permutation(len(rows))]
        z[:, np.isnan(sigma)] = np.nan
        return batch(Kind.POLAR, self.name, t, z, np.diag(sigma**2), place=self.place, revisit=self.revisit)

    def polar(self, position, flight, t):
        e = self.place.rotation @ (position - self.place.position)
        r = np.linalg.norm(e)
        v = self.place.rotation @ (flight.at(t + 0.05) - flight.at(t - 0.05)) / 0.1
        return np.array([r, np.arctan2(e[0], e[1]), np.arcsin(e[2] / r), e @ v / r])


@dataclass
class Adsb:
    """Each flight with an address says where it is."""

    name: str = "adsb"
    revisit: float = 1.0
    offset: float = 0.0
    sigma: float = 10.0
    late: float = 0.0

    def look(self, flights, t, rng):
        flights = [f for f in flights if f.address >= 0]
        if not flights:
            return None
        z = np.array([f.at(t) for f in flights]) + rng.normal(scale=self.sigma, size=(len(flights), 3))
        address = np.array([f.address for f in flights])
        covariance = np.eye(3) * self.sigma**2
        return batch(Kind.POSITION, self.name, t, z, covariance, revisit=self.revisit, address=address, subject=address)


def batch(kind, sensor, t, z, covariance, **more):
    """Return detections all made at t s (or at the m times t)."""
    z = np.atleast_2d(np.asarray(z, float))
    times = START + np.round(np.broadcast_to(t, len(z)) * 1e9).astype(np.int64)
    covariance = np.broadcast_to(covariance, (len(z), z.shape[1], z.shape[1]))
    return detections(kind, sensor, int(times[-1]), times, z, covariance, **more)


@dataclass
class Sky:
    """Runs the tracker over what sensors see of flights. at_confirmation: number -> s."""

    flights: list
    sensors: list
    seed: int = 0
    settings: TrackerSettings = field(default_factory=TrackerSettings)
    picture: Picture = field(default_factory=lambda: Picture(START))
    events: list = field(default_factory=list)
    matches: list = field(default_factory=list)
    shuffle: bool = False
    t: float = 0.0
    labels: set = field(default_factory=set)  # of all tracks there were

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)

    def run(self, until, each=None):
        while self.t < until - 1e-9:
            before, self.t = self.t, self.t + TICK_S
            batches = []
            for sensor in self.sensors:
                first = np.ceil((before - sensor.offset) / sensor.revisit - 1e-9)
                when = max(first, 0) * sensor.revisit + sensor.offset
                while when < self.t - 1e-9:
                    batches.append(sensor.look(self.flights, when - sensor.late, self.rng))
                    when += sensor.revisit
            self.step([b for b in batches if b is not None])
            if each:
                each(self)
        return self

    def step(self, batches):
        if self.shuffle:
            batches = batches[::-1]
        time = START + round(self.t * 1e9)
        tracked = track(self.picture, batches, time, self.settings)
        self.events += tracked.events
        self.matches.append(tracked.matches)
        self.picture = replace(tracked.onto(self.picture), time=time)
        self.labels.update(self.picture.tracks.label.tolist())
        return tracked

    def shown(self):
        return self.picture.tracks.take(self.picture.tracks.shown())

    def truth(self):
        return np.array([f.at(self.t) for f in self.flights])
