"""All radars of a scenario as columns: what the file says of each, and what was drawn for it once for all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skywarden.errors import ConfigError
from skywarden.geo import east_north_up, ecef, geoid_height
from skywarden.geo.terrain import Ground
from skywarden.model.place import ECHO_RANGE, F64, I64, Sensor
from skywarden.sim.scene.settings import Radars, Scene
from skywarden.sim.sense.placing import places
from skywarden.sim.sense.post import beginning
from skywarden.sim.trouble import Trouble, troubles

Flags = NDArray[np.bool_]
SOURCE = "radars"
FIRST_SAC = 250  # I048/010; 256 radars each
MOST_RADARS = 256 * (256 - FIRST_SAC)
HALF = float(np.log(0.5))
NOISE_DBM = -100.0  # mean power of the noise in a cell, as every simulated radar would say it; assumed


@dataclass(frozen=True, slots=True)
class Fleet:
    """n radars. Everything (n,) but names and sensors; m, s, rad, m/s. Azimuths count from true north, clockwise.

    position, rotation: (n, 3) ECEF m, (n, 3, 3) to its own east, north, up. geoid: above the ellipsoid. start: ns, UTC.
    threshold: T, the power over that of noise above which there is a plot; half: the mean signal to noise ratio at
    which a Swerling 1 target has a Pd of 0.5. phase: s when it looks north, or looks, for the first time. bias_*: what
    its registration is off by.
    """

    names: tuple[str, ...]
    sensors: tuple[Sensor, ...]
    trouble: Trouble
    start: int
    latitude: F64
    longitude: F64
    height: F64
    geoid: F64
    position: F64
    rotation: F64
    stares: Flags
    measures_height: Flags
    measures_rate: Flags
    period: F64
    phase: F64
    latency: F64
    reach: F64
    reference: F64
    highest: F64
    false_alarm: F64
    threshold: F64
    half: F64
    range_sigma: F64
    azimuth_sigma: F64
    elevation_sigma: F64
    rate_sigma: F64
    bias_range: F64
    bias_azimuth: F64
    blind_speed: F64
    notch: F64
    cell: F64
    beam: F64
    clutter: F64

    def __len__(self) -> int:
        return len(self.names)

    def up(self, rows: I64, times: F64) -> Flags:
        """Return (m,) bool: radars `rows` work at `times` s."""
        return self.trouble.up(rows, times)


def fleet(blocks: Sequence[Radars], scene: Scene, ground: Ground, rng: np.random.Generator) -> Fleet:
    """Place all radars and draw what is theirs for the whole scenario: place, phase, bias, trouble.

    Raises ConfigError for a radar that moves and for more radars than there are numbers.
    """
    for block in blocks:
        if block.moving or block.path_km:
            raise ConfigError(f'radar "{block.name}" cannot move: its plots are counted from a fixed place')
    stand = [places(block, scene.scenario.origin, ground, rng) for block in blocks]
    names = tuple(name for place in stand for name in place.names)
    if len(names) > MOST_RADARS:
        raise ConfigError(f"there can be {MOST_RADARS} radars, not {len(names)}: I048/010 has no more numbers")
    latitude, longitude, height = (
        np.concatenate([np.asarray(place[k], float) for place in stand] or [np.zeros(0)]) for k in (1, 2, 3)
    )

    def column(field: str, unit: float = 1.0) -> F64:
        return np.repeat([float(getattr(b, field)) for b in blocks], [b.count for b in blocks]) * unit

    degree, count = float(np.pi / 180), len(names)
    period, false_alarm = column("period_s"), column("false_alarm")
    return Fleet(
        names=names,
        sensors=_sensors(names, blocks, (latitude, longitude, height)),
        trouble=troubles(scene.faults, count, scene.scenario.duration_s, rng),
        start=beginning(scene),
        latitude=latitude,
        longitude=longitude,
        height=height,
        geoid=geoid_height(latitude, longitude),
        position=ecef(latitude, longitude, height),
        rotation=east_north_up(latitude, longitude),
        stares=np.repeat([b.mode == "stare" for b in blocks], [b.count for b in blocks]).astype(bool),
        measures_height=column("measures_height") > 0,
        measures_rate=column("measures_rate") > 0,
        period=period,
        phase=rng.random(count) * period,
        latency=column("latency_s"),
        reach=column("reach_km", 1e3),
        reference=column("reference_km", 1e3),
        highest=column("highest_deg", degree),
        false_alarm=false_alarm,
        threshold=-np.log(false_alarm),
        half=_half(false_alarm),
        range_sigma=column("range_sigma_m"),
        azimuth_sigma=column("azimuth_sigma_deg", degree),
        elevation_sigma=column("elevation_sigma_deg", degree),
        rate_sigma=column("rate_sigma_m_s"),
        bias_range=column("bias_range_m") * rng.normal(size=count),
        bias_azimuth=column("bias_azimuth_deg", degree) * rng.normal(size=count),
        blind_speed=column("blind_speed_m_s"),
        notch=column("notch_m_s"),
        cell=column("range_cell_m"),
        beam=column("beam_deg", degree),
        clutter=column("clutter"),
    )


def _sensors(names: tuple[str, ...], blocks: Sequence[Radars], stand: tuple[F64, F64, F64]) -> tuple[Sensor, ...]:
    """Return the [[sensors]] rows: enrolled places and nominal errors; biases are for the system to find."""
    each = [block for block in blocks for _ in range(block.count)]
    latitude, longitude, height = np.degrees(stand[0]), np.degrees(stand[1]), stand[2]
    return tuple(
        Sensor(
            name=name,
            source=SOURCE,
            sac=FIRST_SAC + k // 256,
            sic=k % 256,
            latitude=float(latitude[k]),
            longitude=float(longitude[k]),
            height_m=float(height[k]),
            revisit_s=block.period_s,
            range_sigma_m=block.range_sigma_m,
            azimuth_sigma_deg=block.azimuth_sigma_deg,
            elevation_sigma_deg=block.elevation_sigma_deg,
            range_rate_sigma_m_s=block.rate_sigma_m_s,
            echo_dbm=_echo_dbm(block),
        )
        for k, (name, block) in enumerate(zip(names, each, strict=True))
    )


def _half(false_alarm: F64) -> F64:
    """Return the mean signal to noise ratio at which a Swerling 1 target has a Pd of 0.5."""
    return np.asarray(np.log(false_alarm) / HALF - 1)


def _echo_dbm(block: Radars) -> float:
    """Return dBm of 1 m^2 at ECHO_RANGE: the noise and, by the radar equation, the mean signal over it."""
    signal = float(_half(np.array(block.false_alarm))) * (block.reference_km * 1e3 / ECHO_RANGE) ** 4
    return round(NOISE_DBM + 10 * math.log10(signal), 2)
