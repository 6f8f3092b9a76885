"""Sites and sensors for the tests of what is watched, and the slow plain twin of `watch.ways.seen`."""

from math import erfc, log, sqrt

import numpy as np

from skywarden.config import Settings
from skywarden.model.place import AZIMUTHS, SECTORS, Sensor, Site, Source
from skywarden.model.watched import HEIGHTS, SHAPE, SPEEDS
from skywarden.track.beliefs import records
from skywarden.track.cover import BEND as RAY
from skywarden.track.looks import SENSE
from skywarden.watch import ways
from skywarden.watch.posts import posts
from skywarden.watch.ways import BEND, BLIND, CROSSING, MOST, Ears, Eyes

SECOND = 1_000_000_000
LATITUDE, LONGITUDE = 36.30, -33.10
KILOMETRE = 1 / 111.2  # deg of latitude


def site(name="plant", north=0.0, east=0.0, **rest):
    """A site so many km from the middle."""
    latitude = LATITUDE + north * KILOMETRE
    longitude = LONGITUDE + east * KILOMETRE / np.cos(np.radians(LATITUDE))
    return Site(name=name, latitude=float(latitude), longitude=float(longitude), **rest)


def radar(name="one", north=0.0, east=0.0, **rest):
    """A radar so many km from the middle, with a source of the same name."""
    at = site(name, north, east)
    usual = {"source": name, "sac": 1, "sic": sum(name.encode()) % 256, "height_m": 20.0, "max_range_m": 150_000.0}
    return Sensor(name=name, latitude=at.latitude, longitude=at.longitude, **{**usual, **rest})


def ear(node, north=0.0, east=0.0, **rest):
    """A single microphone."""
    at = site("x", north, east)
    return Sensor(name=f"ear {node}", source="ears", node=node, latitude=at.latitude, longitude=at.longitude, **rest)


def source(name, kind="asterix", **rest):
    return Source(name=name, format=kind, listen=f"udp://127.0.0.1:{20_000 + sum(name.encode())}", **rest)


PLANT = site()


def settings(sensors, sites=(PLANT,), **rest):
    """An installation with these sensors, one source for each radar, one for all microphones."""
    names = dict.fromkeys(sensor.source for sensor in sensors)
    sources = tuple(source(name, "microphone" if name == "ears" else "asterix") for name in names)
    return Settings(sites=tuple(sites), sensors=tuple(sensors), sources=sources, **rest)


def seen(given, kernel=None, row=0):
    """Return (8, 3, speeds) of a site when all its sensors count; kernel: the slow twin in place of the kernel."""
    found, tracker = posts(given), given.tracker
    good = found.fixed == 0
    eyes = Eyes(records(found.senses, SENSE)[good], found.heights[good])
    hearing = tracker.microphone_reach_m, tracker.microphone_reach_spread, tracker.microphone_detection
    out = np.zeros(SHAPE)
    (kernel or ways.seen)(found.aims[row], eyes, Ears(found.spots, *hearing, tracker.sound_speed_m_s), 3, out)
    return out


def plainly(aim, eyes, ears, hits, found):
    """The twin: every way, every sensor, every look, one after the other."""
    found[:] = 1.0
    for k in range(3 * len(SECTORS)):
        azimuth = np.radians(15.0 * (k - 1))
        for layer, height in enumerate(HEIGHTS):
            for fast, speed in enumerate(SPEEDS):
                near = aim[15] + speed * aim[16]
                begin, middle, end = (around(aim, azimuth, height, near + CROSSING * speed * s) for s in (1, 0.5, 0))

                def place(share, begin=begin, middle=middle, end=end):
                    return end + share * (begin - end) + 4 * share * (1 - share) * (middle - (begin + end) / 2)

                total = np.eye(1, hits)[0]
                for sense, stands in zip(eyes.sense, eyes.height.tolist(), strict=True):
                    step = max(float(sense["revisit"]), 2.0)
                    places = [place(look * step / CROSSING) for look in range(1, int(CROSSING / step) + 1)]
                    low = min(aim[12], stands)
                    horizon = sqrt(BEND * (stands - low)) + sqrt(BEND * (aim[12] + height - low))
                    own = [float(sense["detection"]) for x in places if sees(sense, x, horizon)]
                    total = joined(total, own)
                way = (begin - end) / np.linalg.norm(begin - end)
                total = joined(total, [p for x in ears.place if (p := heard(end, way, speed, x, ears)) > 0.0])
                cell = found[k // 3, layer]
                cell[fast] = min(cell[fast], 1.0 - total.sum(), MOST)


def around(aim, azimuth, height, away):
    """Return a place so far from a site along the ground, ECEF m."""
    curve = 1.0 / (np.cos(azimuth) ** 2 / aim[13] + np.sin(azimuth) ** 2 / aim[14])
    east, north, up = aim[3:12].reshape(3, 3)
    along, angle = np.cos(azimuth) * north + np.sin(azimuth) * east, away / curve
    return aim[:3] - curve * up + (curve + height) * (np.sin(angle) * along + np.cos(angle) * up)


def sees(sense, place, horizon):
    """Return whether a sensor can see a place."""
    east, north, up = sense["rotation"] @ (place - sense["position"])
    slant = sqrt(east**2 + north**2 + up**2)
    if not sense["nearest"] <= slant <= min(sense["reach"], horizon):
        return False
    turn, elevation = np.arctan2(east, north) / (2 * np.pi) % 1.0, np.arcsin(up / slant)
    if (turn - sense["sector"]) % 1.0 > sense["sector_width"] or not sense["lowest"] <= elevation <= sense["highest"]:
        return False
    k = int(turn * AZIMUTHS + 0.5) % AZIMUTHS
    return slant < 100.0 * sense["ridge"][k] or elevation + RAY * slant > np.radians(0.01 * sense["horizon"][k])


def heard(end, way, speed, spot, ears):
    """Return the chance that a microphone hears a pass in time: the nearest of many moments."""
    t = np.linspace(0.0, CROSSING, 240_001)
    away = np.linalg.norm(end + speed * t[:, None] * way - spot, axis=1)
    in_time = away[ears.sound * t >= away]
    if not len(in_time):
        return 0.0
    z = log(max(in_time.min(), 1.0) / ears.reach) / ears.spread
    return 0.5 * ears.detection * erfc(z / sqrt(2)) if z < 3 else 0.0


def joined(total, own):
    """Return the distribution of hits with those of one more sensor, by going through all sums."""
    mine = np.eye(1, len(total))[0]
    for pd in own:
        mine = (1 - pd) * mine + pd * np.append(0.0, mine[:-1])
    mine = (1 - BLIND) * mine + BLIND * np.eye(1, len(total))[0]
    return np.convolve(total, mine)[: len(total)]


def limits():
    """Return sensors that differ in everything that a sensor may be limited by."""
    geo_limits = {"azimuth_from_deg": 300.0, "azimuth_to_deg": 100.0, "min_elevation_deg": 0.2}
    hills = {"horizon_deg": (0.1, 0.4, 0.0, -0.3), "horizon_m": (20e3, 40e3, 10e3, 30e3)}
    return (
        radar("a", 5.0, -3.0, height_m=300.0, max_elevation_deg=20.0, detection_probability=0.4),
        radar("b", 30.0, 40.0, height_m=120.0, revisit_s=10.0, **geo_limits),
        radar("c", -60.0, 10.0, height_m=800.0, max_range_m=90_000.0, min_range_m=20_000.0, revisit_s=1.0, **hills),
    )
