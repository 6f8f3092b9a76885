"""How loud a flier comes in at a distance, and how far its sound stands out of the noise in a look of one second.

Left out, and stood for by an excess attenuation drawn for each node and hour: shadow zones, turbulence, woods,
hills, how a source is turned, what a small processor loses.
"""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64
from skywarden.sim.kinds import Voice
from skywarden.sim.sound.air import Air, absorption
from skywarden.sim.sound.noise import BAND_HZ, THIRD, noise_density

LOOK_S = 1.0
WIDTH = 0.003  # of a line over its frequency: an engine's speed wanders that much within a look (assumption)
NARROWEST_HZ = 1.0  # one look resolves no more
IMAGE = 0.8  # of the ground: pressure reflected over pressure that comes in (assumption; incoherent)
CORNER_HZ = 1000.0  # broadband noise of an engine falls above it (assumption)
THIRDS_HZ: F64 = 1000 * np.power(10.0, 0.1 * np.arange(-10, 6))  # bands that are watched for broadband sound
FLOOR_DB = 1.0  # a node knows its noise floor no better than this
LOSS_DB = 8.5  # fitted, see docs/acoustics.md: what real detectors lose against these; f0 unknown, lines that flicker
FULL_M = 2000.0  # excess attenuation grows in proportion to the distance up to here (assumption)
MOST = 30.0  # what a deflection is held below: a loud sound tells no more


class Place(NamedTuple):
    """What the air and the place do. wind_m_s: at the microphone; excess_db: attenuation beyond the formulas."""

    air: Air = Air()
    ambient_dba: float = 35.0
    wind_m_s: float = 2.0
    excess_db: float = 0.0


def line_levels(voice: Voice) -> F64:
    """Return (lines,) dB re 20 uPa at 1 m of the harmonics, all together `level_db`."""
    fall = voice.slope_db * np.log2(np.arange(1, voice.lines + 1))
    level: F64 = voice.level_db + fall - 10 * np.log10((10 ** (fall / 10)).sum())
    return level


def broadband_levels(voice: Voice) -> F64:
    """Return dB re 20 uPa at 1 m in each of THIRDS_HZ, all together `broadband_db` above the lines."""
    shape = THIRDS_HZ / (1 + (THIRDS_HZ / CORNER_HZ) ** 2)
    level: F64 = voice.level_db + voice.broadband_db + 10 * np.log10(shape / shape.sum())
    return level


def loss(frequency: F64, distance: F64, air: Air) -> F64:
    """Return (n, m) dB from 1 m to distances (n,) m at frequencies (m,): spreading, air, less what the ground adds.

    Source: ISO 9613-2:1996, equations 7 and 8; the ground as an incoherent image source at the same distance.
    """
    far = np.maximum(np.asarray(distance, float), 1.0)[:, None]
    lost: F64 = 20 * np.log10(far) + absorption(frequency, air) * far - 10 * np.log10(1 + IMAGE**2)
    return lost


def excess_share(distance: F64) -> F64:
    """Return (n,) the share of a node's excess attenuation that a sound from (n,) m suffers."""
    return np.minimum(np.asarray(distance, float) / FULL_M, 1.0)


def tones(voice: Voice, fundamental_hz: float) -> F64:
    """Return (lines,) Hz."""
    return fundamental_hz * np.arange(1.0, voice.lines + 1)


def received_level(voice: Voice, distance: F64, place: Place, ratio: float = 1.0) -> F64:
    """Return (n,) dB re 20 uPa of all that comes in, lines and broadband. ratio: of Doppler."""
    frequency = tones(voice, ratio * float(np.mean(voice.fundamental_hz)))
    lines = line_levels(voice) - loss(frequency, distance, place.air)
    lines = np.where((frequency > BAND_HZ[0]) & (frequency < BAND_HZ[1]), lines, -np.inf)
    bands = broadband_levels(voice) - loss(THIRDS_HZ, distance, place.air)
    power = (10 ** (lines / 10)).sum(-1) + (10 ** (bands / 10)).sum(-1)
    level: F64 = 10 * np.log10(power) - place.excess_db * excess_share(distance)
    return level


def comb_deflection(voice: Voice, distance: F64, place: Place, ratio: float = 1.0) -> F64:
    """Return (n,) d' of a detector that adds the energy of all lines, each in its own narrow band.

    d'^2 = sum over lines of B T snr^2: an energy detector in a band B for T has a deflection sqrt(B T) snr, and lines
    are weighted as they stand out. Source: Urick, Principles of Underwater Sound, 3rd ed., chapter 12.
    """
    frequency = tones(voice, ratio * float(np.mean(voice.fundamental_hz)))
    heard = (frequency > BAND_HZ[0]) & (frequency < BAND_HZ[1])
    frequency, level = frequency[heard], line_levels(voice)[heard]
    width = np.maximum(NARROWEST_HZ, WIDTH * frequency)
    noise = noise_density(frequency, place.ambient_dba, place.wind_m_s) + 10 * np.log10(width)
    excess = (LOSS_DB + place.excess_db * excess_share(distance))[:, None]
    snr = 10 ** ((level - loss(frequency, distance, place.air) - excess - noise) / 10)
    deflection: F64 = np.sqrt((LOOK_S * width * np.square(snr)).sum(-1))
    return deflection


def broadband_deflection(voice: Voice, distance: F64, place: Place) -> F64:
    """Return (n,) d' of the best third of an octave; no better than the noise floor is known."""
    noise = noise_density(THIRDS_HZ, place.ambient_dba, place.wind_m_s) + 10 * np.log10(THIRD * THIRDS_HZ)
    excess = (LOSS_DB + place.excess_db * excess_share(distance))[:, None]
    level = broadband_levels(voice) - loss(THIRDS_HZ, distance, place.air) - excess
    unsure = np.sqrt(1 / (LOOK_S * THIRD * THIRDS_HZ) + (10 ** (FLOOR_DB / 10) - 1) ** 2)
    deflection: F64 = (10 ** ((level - noise) / 10) / unsure).max(-1)
    return deflection


def weak_deflection(voice: Voice, distance: F64, place: Place) -> F64:
    """Return (n,) d' of both detectors together, as long as the sound is weak: it falls 1 : 1 with its power."""
    return np.hypot(comb_deflection(voice, distance, place), broadband_deflection(voice, distance, place))


def held(deflection: F64) -> F64:
    """Return d' of loud sounds too: it levels off at MOST."""
    return deflection / np.hypot(1.0, deflection / MOST)
