"""What a node makes of a second of sound: whether it reports, and what it says of tone, direction and class."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from skywarden.geo import geodetic
from skywarden.model.assessment import CLASSES, Class
from skywarden.model.place import F64, I64
from skywarden.sensors.microphone.encode import Flags, Heartbeats, Reports
from skywarden.sim.kinds import Kind
from skywarden.sim.sense.disturbance import Noise
from skywarden.sim.sense.ears import Ears, Now
from skywarden.sim.sound.detect import presence
from skywarden.sim.trouble import Trouble

NOISES, LOOKS = 64, 65  # second words of a seed
CORRELATION = (
    0.7  # of the noise in x from one second to the next; ten looks are then worth 2.1 (DESIGN 4.6: 1.6 to 2.4)
)
TAPS = 16  # s after which it is forgotten altogether
WORTH = (1 - CORRELATION) / (1 + CORRELATION)  # independent looks in one, of many in a row
MOST_NATS = 30.0  # a node claims no more for or against anything
OCTAVE = 0.05  # of all tones are an octave off
REFLECTED = 0.03  # of all bearings are those of an echo
TRUSTED = 5.0  # x at which errors of bearing and tone are 1.4 times those at high SNR
TELLING, TELLING_AT = (
    2.5,
    8.0,
)  # how well classes are told apart at high SNR (d' of two of them: 1.4 times), and at which x
WINDY_M_S = 6.0  # where a node sets its wind flag
CLIPPING_DB = 110.0
BEAT_S = 60  # between two heartbeats
LOW_BATTERY_S = 600.0
UPTIME_S = 86_400.0  # at the scenario's start

GROUPS: Mapping[Class, int] = {  # classes of one group sound alike
    Class.UAV_PISTON: 0,
    Class.DECOY: 0,
    Class.UAV_JET: 1,
    Class.CRUISE: 1,
    Class.MULTIROTOR: 2,
    Class.AEROPLANE: 3,
    Class.HELICOPTER: 4,
    Class.NOISE: 5,
}
COUNT = 6
KIND_GROUPS: Mapping[Kind, int] = {
    Kind.UAV_PISTON: 0,
    Kind.DECOY: 0,
    Kind.UAV_JET: 1,
    Kind.CRUISE: 1,
    Kind.MULTIROTOR: 2,
    Kind.LIGHT: 3,
    Kind.HELICOPTER: 4,
}
# how much each noise is like each group; a saw is like two-stroke engines in the air, which no classifier is told
NOISE_LIKENESS: Mapping[Noise, tuple[float, ...]] = {
    Noise.MOPED: (0.7, 0, 0, 0.2, 0, 0.9),
    Noise.CAR: (0.2, 0, 0, 0.3, 0.1, 1.0),
    Noise.CHAINSAW: (0.8, 0, 0.4, 0, 0, 0.6),
    Noise.CLAP: (0, 0.2, 0, 0, 0, 0.5),
}


class Sounds(NamedTuple):
    """The strongest sound at each of m nodes. statistic: x of the look; level_db, noise_db: re 20 uPa; tone: Hz.

    azimuth, elevation: rad; likeness: (m, COUNT) to each group, 0 to 1. NaN, and zeros: there is only noise.
    """

    node: I64
    statistic: F64
    level_db: F64
    noise_db: F64
    tone: F64
    azimuth: F64
    elevation: F64
    likeness: F64


class Clock(NamedTuple):
    """The nodes in one second, and what goes wrong with them. start: ns since 1970 of second 0."""

    ears: Ears
    trouble: Trouble
    now: Now
    start: int


def look_noises(seed: int, seconds: range, count: int) -> Iterator[F64]:
    """Yield, for each of `seconds`, (count,) N(0, 1): the noise in x of `count` nodes, like that of the seconds before.

    A moving average of what depends on each second alone, so that no window needs the one before it.
    """
    weights = CORRELATION ** np.arange(TAPS)
    weights = weights[::-1, None] / np.sqrt((weights**2).sum())
    past: deque[F64] = deque(maxlen=TAPS)
    for second in range(
        seconds.start - TAPS + 1, seconds.stop
    ):  # seeds are not negative: seconds before 0 have one too
        past.append(np.random.default_rng([seed, NOISES, second + TAPS]).standard_normal(count))
        if second >= seconds.start:
            noise: F64 = (np.stack(past) * weights).sum(0)
            yield noise


def said(of: Ears, sounds: Sounds, rng: np.random.Generator) -> tuple[Sounds, F64, F64]:
    """Return what m nodes measure of their sounds, and the sigmas of tone (Hz) and azimuth (rad) that they give."""
    m, x = len(sounds.node), np.maximum(sounds.statistic, 0.5)
    worse = np.sqrt(1 + (TRUSTED / x) ** 2)
    draws, chances = rng.standard_normal((3, m)), rng.random((5, m))
    tone = np.where(
        np.isnan(sounds.tone) & (chances[0] < 0.5), 60 * 5 ** chances[1], sounds.tone
    )  # noise has a pitch too
    sigma_tone = of.tone_sigma[sounds.node] * worse * tone
    octave = np.where(chances[2] < OCTAVE, np.where(chances[1] < 0.5, 0.5, 2.0), 1.0)
    nowhere = np.isnan(sounds.azimuth) | (chances[3] < REFLECTED)
    sigma = np.where(of.array[sounds.node] > 0, of.bearing_sigma[sounds.node] * worse, np.nan)
    azimuth = np.where(nowhere, 2 * np.pi * chances[4], sounds.azimuth) + sigma * draws[1]
    elevation = np.where(np.isnan(sounds.elevation), 0.3, sounds.elevation) + 1.5 * sigma * draws[2]
    heard = sounds._replace(
        tone=(tone + sigma_tone * draws[0]) * octave,
        azimuth=np.mod(azimuth, 2 * np.pi),
        elevation=np.clip(elevation, -np.pi / 2, np.pi / 2),
        likeness=evidence(sounds.statistic, sounds.likeness, rng),
        level_db=10 * np.log10(10 ** (sounds.level_db / 10) + 10 ** (sounds.noise_db / 10)) + rng.normal(0, 1.0, m),
        noise_db=sounds.noise_db + rng.normal(0, 0.5, m),
    )
    return heard, sigma_tone, sigma


def evidence(statistic: F64, likeness: F64, rng: np.random.Generator) -> F64:
    """Return (m, COUNT) LLR, nats, of each group against noise alone.

    A classifier's scores s are N(g e_k, 1) for group k and N(0, 1) for noise, where g grows with x; so that the LLR is
    that of x, plus g s_k - g^2 / 2. It is calibrated for what is of one group, and is not for what is like several.
    """
    g = TELLING * (1 - np.exp(-np.maximum(statistic, 0.0) / TELLING_AT))[:, None]
    scores = g * likeness + rng.standard_normal(likeness.shape)
    ratio: F64 = presence(statistic)[:, None] + g * scores - g**2 / 2
    return np.clip(ratio, -MOST_NATS, MOST_NATS)


def by_class(groups: F64) -> F64:
    """Return (m, len(CLASSES)) LLR from that of groups; NaN for what cannot be heard."""
    columns = [GROUPS.get(c, COUNT) for c in CLASSES]
    return np.column_stack([groups, np.full(len(groups), np.nan)])[:, columns]


def reported_place(clock: Clock, node: I64) -> tuple[F64, F64, F64]:
    """Return latitude, longitude, deg, and height, m, that nodes say: their own, or what spoofed GNSS tells them."""
    of, time = clock.ears, np.full(len(node), float(clock.now.second))
    offset = clock.trouble.place_error(node, time)
    spoofed = np.flatnonzero(offset.any(1))
    latitude, longitude, height = of.latitude[node], of.longitude[node], of.height[node]
    moved = of.position[node[spoofed]] + np.einsum("kij,ki->kj", of.turn[node[spoofed]], offset[spoofed])
    latitude[spoofed], longitude[spoofed], height[spoofed] = geodetic(moved)
    return np.degrees(latitude), np.degrees(longitude), height


def stamps(clock: Clock, node: I64) -> I64:
    """Return (m,) ns since 1970 that nodes say it is, at the end of the look."""
    time = np.full(len(node), float(clock.now.second))
    return clock.start + np.rint((time + clock.trouble.clock_error(node, time)) * 1e9).astype(np.int64)


def flags(wind_m_s: F64) -> I64:
    """Return (m,) flags that every message has."""
    return np.where(wind_m_s > WINDY_M_S, int(Flags.SIMULATED | Flags.WIND), int(Flags.SIMULATED))


def heartbeats(clock: Clock, node: I64, noise_db: F64) -> Heartbeats:
    """Return the heartbeats of m nodes in one second. noise_db: (m,).

    A node that will be lost for good warns of it some minutes before: its battery runs low.
    """
    latitude, longitude, height = reported_place(clock, node)
    second, speed = clock.now.second, clock.now.wind[node]
    return Heartbeats(
        node=node + 1,
        number=np.full(len(node), 2 * second + 1),
        time=stamps(clock, node),
        latitude=latitude,
        longitude=longitude,
        height_m=height,
        noise_db=noise_db,
        wind_m_s=speed,
        health=(clock.trouble.lost_from[node] - second < LOW_BATTERY_S).astype(np.int64),
        uptime_s=np.full(len(node), UPTIME_S + second),
        flags=flags(speed),
        interval_s=float(BEAT_S),
    )


def reports(clock: Clock, sounds: Sounds, rng: np.random.Generator) -> Reports:
    """Return the reports of one second."""
    heard, sigma_tone, sigma = said(clock.ears, sounds, rng)
    node, n = sounds.node, len(sounds.node)
    latitude, longitude, height = reported_place(clock, node)
    clipped = np.where(heard.level_db > CLIPPING_DB, int(Flags.CLIPPED), 0)
    return Reports(
        node=node + 1,
        number=np.full(n, 2 * clock.now.second),
        time=stamps(clock, node),
        latitude=latitude,
        longitude=longitude,
        height_m=height,
        level_db=heard.level_db,
        noise_db=heard.noise_db,
        f0_hz=heard.tone,
        f0_sigma_hz=sigma_tone,
        azimuth=np.where(np.isnan(sigma), np.nan, heard.azimuth),
        elevation=np.where(np.isnan(sigma), np.nan, heard.elevation),
        sigma_azimuth=sigma,
        sigma_elevation=1.5 * sigma,
        llr=by_class(heard.likeness),
        looks=np.full(n, WORTH),
        flags=clipped | flags(clock.now.wind[node]),
    )
