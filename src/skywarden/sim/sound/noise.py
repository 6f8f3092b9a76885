"""What covers a sound at a microphone: the place's own noise and the wind at its screen."""

import numpy as np

from skywarden.model.place import F64

SCREEN_M = 0.1  # diameter of the wind screen
FLAT_HZ = 100.0  # below it the ambient's density no longer grows (assumption)
FALL_DB = 5.0  # per octave above it, of the ambient's density (assumption: rural and suburban nights)
BAND_HZ = (50.0, 4000.0)  # what a node listens to
THIRD = 10**0.05 - 10**-0.05  # width of a third of an octave over its middle


def a_weighting(frequency: F64) -> F64:
    """Return dB. Source: IEC 61672-1:2013, annex E."""
    f2 = np.square(np.asarray(frequency, float))
    whole = f2 + 12194.217**2
    gain = 12194.217**2 * f2**2 / ((f2 + 20.598997**2) * np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2)) * whole)
    weight: F64 = 20 * np.log10(gain) + 2.0
    return weight


def _fall(frequency: F64) -> F64:
    octaves = np.log2(np.maximum(frequency, FLAT_HZ) / FLAT_HZ)
    return -FALL_DB * octaves


AUDIBLE_HZ = np.arange(20.0, 8000.0)
SHAPE_DBA = float(
    10 * np.log10((10 ** ((_fall(AUDIBLE_HZ) + a_weighting(AUDIBLE_HZ)) / 10)).sum())
)  # of 0 dB at 100 Hz


def ambient_density(frequency: F64, level_dba: float) -> F64:
    """Return dB re 20 uPa in 1 Hz of an ambient noise whose A-weighted level is `level_dba`."""
    return level_dba - SHAPE_DBA + _fall(frequency)


def wind_density(frequency: F64, wind_m_s: F64 | float) -> F64:
    """Return dB re 20 uPa in 1 Hz that wind makes at a round screen; shapes broadcast.

    Source: Strasberg 1988, as equation VIII.2 of van den Berg, The sounds of high winds, 2006:
    40 lg V - 23 lg(f D / V) + 15 dB in a third of an octave; taken as flat below f D / V = 0.1.
    """
    wind = np.maximum(wind_m_s, 0.1)
    number = np.maximum(frequency * SCREEN_M / wind, 0.1)
    thirds = 40 * np.log10(wind) - 23 * np.log10(number) + 15
    density: F64 = thirds - 10 * np.log10(THIRD * frequency)
    return density


def noise_density(frequency: F64, ambient_dba: float, wind_m_s: F64 | float) -> F64:
    """Return dB re 20 uPa in 1 Hz of both; shapes broadcast."""
    ambient, wind = ambient_density(frequency, ambient_dba), wind_density(frequency, wind_m_s)
    density: F64 = 10 * np.log10(10 ** (ambient / 10) + 10 ** (wind / 10))
    return density


def noise_level(ambient_dba: float, wind_m_s: F64) -> F64:
    """Return (n,) dB re 20 uPa of both in the band that a node listens to, at winds (n,)."""
    each = np.arange(*BAND_HZ)
    density = noise_density(each, ambient_dba, np.asarray(wind_m_s, float)[:, None])
    level: F64 = 10 * np.log10((10 ** (density / 10)).sum(-1))
    return level
