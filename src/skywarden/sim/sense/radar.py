"""Simulated radars: ASTERIX CAT 048 plots and CAT 034 service messages of all radars of a scenario.

What is modelled: the radar equation with Swerling 1 and 3 fluctuation, so that a flier of 1 m^2 (Swerling 1) has a Pd
of 0.5 at `reference_km`; 4/3 earth and terrain; a cone of silence; blind speeds; echoes that merge when they are within
a range cell and a beam of each other; accuracy that falls with the signal; noise and clutter (`radar_false`);
registration biases, clock errors, outages; latency.

Errors grow with the noise: sigma = nominal x sqrt(1 + S50 / S), S the measured signal to noise ratio of the plot, S50
that of a mean Pd of 0.5; so at a faint echo 1.4 times the nominal one and more. Source of the form: Skolnik,
Introduction to Radar Systems, 3rd ed., section 6.3 (errors fall with the root of S down to what the equipment has).

What is not: antenna patterns (the gain is even up to `highest_deg`), second-time-around echoes, jamming, ghosts, echoes
resolved by their range rate, merging across the border of two windows (a beam's width of time each) or, of one that
stares, across north. A target's Pd in `cover` is its own, as if nothing merged with it.
"""

from collections.abc import Sequence

import numpy as np

from skywarden.geo import geodetic
from skywarden.geo.terrain import Ground
from skywarden.model.place import F64, I64, Sensor
from skywarden.sim.scene.settings import Radars, Scene
from skywarden.sim.sense.radar_false import Plots, false_plots
from skywarden.sim.sense.radar_fleet import SOURCE, Fleet, fleet
from skywarden.sim.sense.radar_looks import FULL, Looks, apart2, limits, looks, seen_from
from skywarden.sim.sense.radar_signal import Echoes, blind, detection, echoes, fluctuate, merged
from skywarden.sim.sense.radar_wire import datagrams, in_order
from skywarden.sim.sky import Cover, Sent, Sky, Window

FAINTEST = 0.02  # of the threshold: a weaker echo changes no decision by more than a few false alarm probabilities
LEAST = 0.01  # Pd under which there is no row in Cover


def build(blocks: tuple[Radars, ...], scene: Scene, ground: Ground, seed: int) -> "RadarSense":
    """Return the radars of a scenario. What lasts the whole scenario is drawn here."""
    rng = np.random.default_rng([seed, *SOURCE.encode()])
    radars = fleet(blocks, scene, ground, rng)
    return RadarSense(radars, ground, seed)


class RadarSense:
    """All radars; see `sky.Sense`."""

    source, format, transport = SOURCE, "asterix", "udp"

    def __init__(self, radars: Fleet, ground: Ground, seed: int) -> None:
        self.fleet, self.ground, self._seed = radars, ground, seed
        self.names: Sequence[str] = radars.names
        self.sensors: Sequence[Sensor] = radars.sensors
        self.revisit: F64 = radars.period
        self.stands: F64 = np.stack([radars.latitude, radars.longitude, radars.height], 1)

    def sent(self, sky: Sky, window: Window) -> Sent:
        """Return all messages with plots of looks, and of sectors that end, within the window."""
        return in_order(datagrams(self.fleet, self.plots(sky, window), window))

    def plots(self, sky: Sky, window: Window) -> Plots:
        """Return all plots of the window as measured; their times are true, their radars up."""
        rng = np.random.default_rng([self._seed, *SOURCE.encode(), round(window.start * 1000)])
        radars = self.fleet
        reflect = echoes(sky)
        parts = [self._measured(found, reflect, rng) for found in looks(radars, sky, window, limits(radars, reflect))]
        return Plots.join([*parts, _noisy(radars, false_plots(radars, window, rng), rng)])

    def _measured(self, found: Looks, reflect: Echoes, rng: np.random.Generator) -> Plots:
        """Return the plots that these looks end in."""
        radars = self.fleet
        ratio, steady = _ratio(radars, reflect, found), reflect.steady[found.target]
        signals = fluctuate(ratio, steady, rng)
        power, threshold = np.abs(signals.echo) ** 2, radars.threshold[found.radar]
        keep = power > FAINTEST * threshold
        keep &= ~blind(found.rate, radars.blind_speed[found.radar], radars.notch[found.radar])
        keep[keep] = self.ground.sight(radars.position[found.radar[keep]], found.position[keep])
        found, power, echo, noise = found.take(keep), power[keep], signals.echo[keep], signals.noise[keep]
        leader = merged(
            found.radar, found.turn, found.distance, (radars.beam[found.radar] / FULL, radars.cell[found.radar]), power
        )
        received = np.abs(_sum(leader, echo.real) + 1j * _sum(leader, echo.imag) + noise) ** 2
        there = (leader == np.arange(len(leader))) & (received > radars.threshold[found.radar])
        return _noisy(radars, _joined(found, leader, power, received).take(there), rng)

    def cover(self, sky: Sky, window: Window) -> Cover:
        """Return the Pd of each radar for each target at the whole seconds of the window. See `sky.Cover`."""
        reflect = echoes(sky)
        limit = limits(self.fleet, reflect)
        parts = [
            self._covered(sky, reflect, limit, second)
            for second in range(int(np.ceil(window.start)), int(np.ceil(window.end)))
        ]
        none = np.zeros(0, np.int64)
        parts.append(Cover(none, none, none, np.zeros(0)))
        second, target, radar = (np.concatenate([part[k] for part in parts]).astype(np.int64) for k in range(3))
        return Cover(second, target, radar, np.concatenate([part.pd for part in parts]))

    def _covered(self, sky: Sky, reflect: Echoes, limit: F64, second: int) -> Cover:
        radars, time = self.fleet, float(second)
        flying = sky.flying(time, time + 1e-6)
        flying = flying[sky.first[flying] <= second]
        if not len(flying):  # as for most of a long night
            return Cover(flying, flying, flying, np.zeros(0))
        position, velocity = sky.at(flying, np.full(len(flying), time))
        row, radar = np.nonzero((apart2(radars.position, position) <= limit[:, flying] ** 2).T)
        up = radars.up(radar, np.full(len(radar), time))
        row, radar = row[up], radar[up]
        geometry = seen_from(radars, radar, position[row], velocity[row])
        target, times = flying[row], np.full(len(row), time)
        found = Looks(radar, target, times, times, *geometry, position[row])
        pd = detection(_ratio(radars, reflect, found), radars.threshold[radar], reflect.steady[target])
        pd[blind(found.rate, radars.blind_speed[radar], radars.notch[radar])] = 0.0
        pd[found.elevation >= radars.highest[radar]] = 0.0
        keep = pd >= LEAST
        keep[keep] = self.ground.sight(radars.position[radar[keep]], found.position[keep])
        return Cover(np.full(int(keep.sum()), second), target[keep], radar[keep], pd[keep])


def _ratio(radars: Fleet, reflect: Echoes, found: Looks) -> F64:
    """Return (m,) mean signal to noise ratios by the radar equation."""
    away = radars.reference[found.radar] / found.distance
    return np.asarray(radars.half[found.radar] * reflect.section[found.target] * away**4)


def _sum(leader: I64, values: F64) -> F64:
    return np.bincount(leader, values, len(leader)).astype(np.float64)


def _joined(found: Looks, leader: I64, power: F64, received: F64) -> Plots:
    """Return as many plots as looks: of leaders where the power of all their echoes has its middle, at their time.

    power: (m,) of each echo alone; received: (m,) of all that a leader has taken up, and the noise.
    """
    total = np.maximum(_sum(leader, power), 1e-12)
    height = geodetic(found.position)[2]
    middles = []
    for values, full in ((found.distance, 0.0), (found.azimuth, FULL), (height, 0.0), (found.rate, 0.0)):
        off = values - values[leader]
        if full:
            off = (off + full / 2) % full - full / 2
        middles.append(values + _sum(leader, power * off) / total)
    distance, azimuth, height, rate = middles
    return Plots(found.radar, found.time, distance, azimuth, height, rate, received)


def _noisy(radars: Fleet, plots: Plots, rng: np.random.Generator) -> Plots:
    """Add errors and biases."""
    radar = plots.radar
    noise = rng.normal(size=(4, len(radar))) * np.sqrt(1 + radars.half[radar] / np.maximum(plots.power, 1e-3))
    return Plots(
        radar,
        plots.time,
        plots.distance + radars.bias_range[radar] + noise[0] * radars.range_sigma[radar],
        plots.azimuth + radars.bias_azimuth[radar] + noise[1] * radars.azimuth_sigma[radar],
        plots.height + noise[2] * radars.elevation_sigma[radar] * plots.distance,
        plots.rate + noise[3] * radars.rate_sigma[radar],
        plots.power,
    )
