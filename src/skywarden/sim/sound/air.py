"""The air: absorption of sound, its speed, and the wind that carries it."""

from typing import NamedTuple

import numpy as np

from skywarden.model.place import F64
from skywarden.sim.scene.settings import Weather

REFERENCE_K = 293.15  # ISO 9613-1, 4.2
TRIPLE_K = 273.16  # of water
REFERENCE_HPA = 1013.25
CARRYING_M = 100.0  # height whose wind stands for the whole path of the sound
REFERENCE_M = 10.0  # height that the weather's wind is told for


class Air(NamedTuple):
    """Temperature, relative humidity and pressure, the same everywhere."""

    temperature_c: float = 10.0
    humidity_percent: float = 70.0
    pressure_hpa: float = REFERENCE_HPA


def air_of(weather: Weather) -> Air:
    """Return the air of a scenario's weather."""
    return Air(weather.temperature_c, weather.humidity_percent)


def absorption(frequency: F64 | float, air: Air) -> F64:
    """Return dB/m that the air takes from a pure tone of `frequency`, Hz, any shape.

    Source: ISO 9613-1:1993, equations 3 to 5 and B.1 to B.3.
    """
    f2 = np.square(np.asarray(frequency, float))
    kelvin = air.temperature_c + 273.15
    t, p = kelvin / REFERENCE_K, air.pressure_hpa / REFERENCE_HPA
    saturation = 10 ** (4.6151 - 6.8346 * (TRIPLE_K / kelvin) ** 1.261)  # of the reference pressure
    water = air.humidity_percent * saturation / p  # molar concentration, %
    oxygen = p * (24 + 4.04e4 * water * (0.02 + water) / (0.391 + water))  # relaxation, Hz
    nitrogen = p * t**-0.5 * (9 + 280 * water * np.exp(-4.170 * (t ** (-1 / 3) - 1)))
    classical = 1.84e-11 / p * np.sqrt(t)
    of_oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen + f2 / oxygen)
    of_nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen + f2 / nitrogen)
    taken: F64 = 8.686 * f2 * (classical + t**-2.5 * (of_oxygen + of_nitrogen))
    return taken


def speed_of_sound(temperature_c: float) -> float:
    """Return m/s. Source: ISO 9613-1:1993, A.3."""
    return float(343.2 * np.sqrt((temperature_c + 273.15) / REFERENCE_K))


def wind_at(weather: Weather, height_m: float) -> float:
    """Return the wind's speed, m/s, at a height above the ground: the usual power law."""
    return float(weather.wind_m_s * (max(height_m, 1.0) / REFERENCE_M) ** weather.wind_shear)


def carrying_wind(weather: Weather) -> F64:
    """Return (3,) m/s east, north, up: the one wind that is taken to carry all sound."""
    towards = np.radians(weather.wind_from_deg + 180)
    return wind_at(weather, CARRYING_M) * np.array([np.sin(towards), np.cos(towards), 0.0])
