"""Wind and speed of sound of an area, learned from sounds of targets that others than microphones place.

A sound comes from where its target was, carried on by the wind: seen from any distance its bearing is off by the wind
across over the speed of sound, a sixth of a degree for each m/s. One bearing tells little, thousands do. A chain learns
from what it has just taken in, and begins with what it knows whatever it hears next; the head takes over what has
settled. One Gaussian for each area: wind towards east and north, speed of sound, m/s. See docs/tracker.md, "Sounds".
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.model.detection import Kind
from skywarden.model.place import F64, I64
from skywarden.track.cells import WIDE, cubes
from skywarden.track.gather import Gathered
from skywarden.track.items import Items
from skywarden.track.pool import Memory, Rows, record
from skywarden.track.settings import TrackerSettings
from skywarden.track.standing import level_axes
from skywarden.track.table import rows_of

AIR = record("", "area time", mean=3, covariance=(3, 3))
SIDE = 100e3  # m of an area: a cube of the earth-centred frame
MOST = 256  # areas; of more those are forgotten that were quiet longest
PLACED = 15_000_000_000  # ns; so long ago somebody else than microphones has seen the target
KNOWN_M = 150.0  # sigma of its place: root of half the trace
WILD = 3.0  # sigmas of a bearing; what is farther off is of somebody else, or of the machine that hums beside it
ALIKE = 10.0  # bearings that follow each other are worth one: an array's north is off, and so is the air between
DRIFT = np.array([1.0 / 600.0, 1.0 / 600.0, 1.0 / 3600.0])  # m^2/s^3: 1 m/s in 10 minutes, and in an hour
STRONGEST, SLOWEST, FASTEST = 50.0, 280.0, 370.0  # m/s, of wind and sound: what may be configured; more is no air
LOCAL = np.array([1.5, 1.0])  # m/s by which wind and speed of sound differ within an area, 1 sigma


class Bearings(NamedTuple):
    """n azimuths of sounds of known targets. azimuth (n,), variance (n,): rad, rad^2. time: ns of the last.

    level (n, 2, 3): east and north where each was heard. offset, velocity (n, 3): ECEF m and m/s, where the target is
    when its sound is heard, less where that is. known (n,): m^2, variance of its place on the level.
    """

    azimuth: F64
    variance: F64
    time: int
    level: F64
    offset: F64
    velocity: F64
    known: F64


def learned(air: Rows, some: Items, label: I64, memory: Memory, settings: TrackerSettings) -> Rows:
    """Return what is known of the air, `AIR` by area, after a chain has taken items in.

    label: (n,) of the target that each measurement corrected. memory: afterwards. Equal for every order of the items.
    """
    rows, leaf = _telling(some, label, memory)
    if not len(rows):
        return air
    where = _stood(some, rows)
    areas = area(where)
    for one in np.unique(areas).tolist():
        mine = areas == one
        heard = _bearings(some.rows[rows[mine]], where[mine], memory.leaves[leaf[mine]])
        before, others = air[air["area"] == one], air[air["area"] != one]
        row = before if len(before) else _begun(one, heard.time, settings)
        found = corrected(row, heard, settings)
        air = np.concatenate((others, found[possible(found)]))
    air = air[np.lexsort((air["area"], -air["time"]))][:MOST]
    return air[np.argsort(air["area"])]


def _telling(some: Items, label: I64, memory: Memory) -> tuple[I64, I64]:
    """Return the measurements that tell of the air, by time and name, and the leaf of the target of each."""
    kind = some.senses["kind"][some.rows["sense"]]
    sounds = np.flatnonzero((kind == Kind.SOUND) & (label[: len(kind)] != 0))
    sounds = sounds[np.lexsort((some.rows["name"][sounds], some.rows["time"][sounds]))]
    targets = memory.targets[: memory.counts[0]]
    there, row = rows_of(targets["label"], label[sounds])
    sounds, time = sounds[there], some.rows["time"][sounds[there]]
    leaf = targets["leaf"][row]
    leaves = memory.leaves[leaf]
    wide = np.trace(leaves["covariance"][:, 0, :3, :3], axis1=1, axis2=2)
    good = (leaf >= 0) & (time - targets["placed"][row] < PLACED) & (wide < 2.0 * KNOWN_M * KNOWN_M)
    return sounds[good], leaf[good]


def _stood(some: Items, rows: I64) -> F64:
    """Return (n, 3) ECEF m, where each was heard."""
    origin = some.rows["origin"][rows]
    place = some.senses["position"][some.rows["sense"][rows]]
    own = np.asarray(origin.any(axis=1), bool)
    return np.where(own[:, None], origin, place)


def _bearings(rows: Rows, where: F64, leaves: Rows) -> Bearings:
    """Return what was heard, and of whom as that was then by its likeliest model of motion."""
    best = leaves["weight"].argmax(1)
    n = np.arange(len(rows))
    mean, spread = leaves["mean"][n, best], leaves["covariance"][n, best, :3, :3]
    level = level_axes(where)[:, :2]
    dt = (rows["time"] - leaves["time"]) * 1e-9
    return Bearings(
        azimuth=rows["z"][:, 0],
        variance=rows["covariance"][:, 0, 0],
        time=int(rows["time"].max()),
        level=level,
        offset=mean[:, :3] + dt[:, None] * mean[:, 3:] - where,
        velocity=mean[:, 3:],
        known=0.5 * np.einsum("nka,nab,nkb->n", level, spread, level),
    )


def corrected(row: Rows, heard: Bearings, settings: TrackerSettings) -> Rows:
    """Return (1,) what is known of an area's air, `row` (1,), after bearings of sounds. It never knows less than usual.

    Linear in wind and speed of sound (`bent`), which are a hundredth of what they bend.
    """
    mean, prior = row["mean"][0], _usual(settings)
    P = row["covariance"][0] + np.diag(DRIFT * max(heard.time - int(row["time"][0]), 0) * 1e-9)
    excess = np.maximum(np.sqrt(np.diag(P) / prior), 1.0)
    P = P / (excess[:, None] * excess)
    azimuth, H, away = bent(heard, mean)
    off = np.remainder(heard.azimuth - azimuth + np.pi, 2.0 * np.pi) - np.pi
    R = heard.variance + heard.known / away
    S = R + np.einsum("na,ab,nb->n", H, P, H)
    good = np.isfinite(off) & np.isfinite(H).all(1) & (off * off < WILD * WILD * S)
    weight, H = np.where(good, 1.0 / (ALIKE * R), 0.0), np.where(good[:, None], H, 0.0)  # what is none spoils nothing
    information = np.linalg.inv(P) + (H * weight[:, None]).T @ H
    found = row.copy()
    P = np.linalg.inv(information)
    found["covariance"][0] = 0.5 * (P + P.T)
    found["mean"][0] = mean + P @ (H.T @ (weight * np.where(good, off, 0.0)))
    found["time"][0] = max(heard.time, int(row["time"][0]))
    return found


def possible(air: Rows) -> NDArray[np.bool_]:
    """Return (n,) which areas have air that can be. The others are begun anew: somebody tells of another sky."""
    wind, sound = np.abs(air["mean"][:, :2]).max(1, initial=0.0), air["mean"][:, 2]
    return np.asarray((wind <= STRONGEST) & (sound >= SLOWEST) & (sound <= FASTEST), bool)


def bent(heard: Bearings, air: F64) -> tuple[F64, F64, F64]:
    """Return azimuths (n,) at which sounds should be heard, rad, their derivatives (n, 3), and (n,) m^2 level distance

    of where they seem to come from. air: (3,) wind east, north, speed of sound, m/s.

    The sound that comes now left s ago where |offset - u s| = c s, u = velocity - wind, and seems to come from there.
    """
    u = heard.velocity - np.einsum("k,nka->na", air[:2], heard.level)
    c, along = air[2], (heard.offset * u).sum(1)
    a = np.maximum(c * c - (u * u).sum(1), 1.0)
    s = (np.sqrt(along * along + a * (heard.offset**2).sum(1)) - along) / a
    seems = heard.offset - s[:, None] * u
    flat, pace = np.einsum("nka,na->nk", heard.level, seems), np.einsum("nka,na->nk", heard.level, u)
    away = np.maximum((flat * flat).sum(1), 1.0)
    across = np.stack([flat[:, 1], -flat[:, 0]], 1) / away[:, None]  # derivative of azimuth by east and north
    ahead = (seems * u).sum(1) + c * c * s  # derivative of the condition by -s
    by_wind = s[:, None] * across
    sooner = flat * (s / ahead)[:, None]  # derivative of s by the wind, which brings sound or holds it up
    by_wind -= (across * pace).sum(1)[:, None] * sooner
    by_speed = (across * pace).sum(1) * c * s * s / ahead
    return np.arctan2(flat[:, 0], flat[:, 1]), np.column_stack([by_wind, by_speed]), away


def middle(areas: I64) -> F64:
    """Return (n, 3) ECEF m, the middle of areas by their numbers."""
    whole = np.stack([areas // (WIDE * WIDE), areas // WIDE % WIDE, areas % WIDE], 1) - WIDE // 2
    return np.asarray((whole + 0.5) * SIDE)


def _usual(settings: TrackerSettings) -> F64:
    """Return (3,) the variance of wind and speed of sound of which nothing was heard, m^2/s^2."""
    sigma = settings.wind_sigma_m_s, settings.wind_sigma_m_s, settings.sound_speed_sigma_m_s
    return np.square(np.maximum(sigma, 1e-3))


def _begun(one: int, time: int, settings: TrackerSettings) -> Rows:
    """Return what is configured, for an area."""
    row = np.zeros(1, AIR)
    row["area"], row["time"] = one, time
    row["mean"] = settings.wind_east_m_s, settings.wind_north_m_s, settings.sound_speed_m_s
    row["covariance"] = np.diag(_usual(settings))
    return row


def with_air(found: Gathered, air: Rows, settings: TrackerSettings) -> Gathered:
    """Return looks whose sounds come through the air that is known where they were heard."""
    sounds = np.flatnonzero(found.looks["kind"] == Kind.SOUND)
    if not len(air) or not len(sounds):
        return found
    areas, looks = area(found.looks["position"][sounds]), found.looks.copy()
    k = np.minimum(np.searchsorted(air["area"], areas), len(air) - 1)
    known = air["area"][k] == areas
    sounds, k = sounds[known], k[known]
    seconds = np.maximum(looks["time"][sounds] - air["time"][k], 0) * 1e-9
    variance = np.minimum(np.einsum("nii->ni", air["covariance"][k]) + seconds[:, None] * DRIFT, _usual(settings))
    east, north = level_axes(looks["position"][sounds])[:, :2].swapaxes(0, 1)
    mean = air["mean"][k]
    looks["wind"][sounds] = mean[:, :1] * east + mean[:, 1:2] * north
    looks["sound"][sounds] = mean[:, 2]
    looks["wind_sigma"][sounds] = np.sqrt(variance[:, :2].max(1) + LOCAL[0] * LOCAL[0])
    looks["sound_sigma"][sounds] = np.sqrt(variance[:, 2] + LOCAL[1] * LOCAL[1])
    return found._replace(looks=looks)


def area(place: F64) -> I64:
    """Return (n,) the number of the area of each place, (n, 3) ECEF m."""
    return cubes(place, SIDE)
