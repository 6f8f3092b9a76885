"""Skies, scenes and decoded messages for the tests of sound."""

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.geo.terrain import flat
from skywarden.model.assessment import CLASSES
from skywarden.sensors.microphone.layout import HEARTBEAT_RECORD, HEARTBEAT_SIZE, SIZE, report
from skywarden.sim.scene.settings import About, Faults, Microphones, Scene, Weather
from skywarden.sim.sense.microphone import build
from skywarden.sim.sky import Sky, Target

ORIGIN = (57.0, 11.5)  # deg
MIDDLE = ecef(*np.radians(ORIGIN), 0.0)
AXES = east_north_up(*np.radians(ORIGIN))
CALM = Weather(wind_m_s=2.0)
NO_FAULTS = Faults(clock_offset_s=0.0, clock_drift_ppm=0.0)


def flat_sky(kind, position, velocity, first=0):
    """Return a sky of one flier; position, velocity (n, 3)."""
    return sky_of([(kind, position, velocity, first)])


def sky_of(fliers):
    """Return a sky of fliers (kind, position, velocity, first), ECEF."""
    counts = [len(position) for _, position, _, _ in fliers]
    return Sky(
        tuple(Target(f"t{k}", kind, True) for k, (kind, _, _, _) in enumerate(fliers)),
        np.array([first for *_, first in fliers]),
        np.array(counts),
        np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
        np.concatenate([np.asarray(position, float) for _, position, _, _ in fliers]),
        np.concatenate([np.asarray(velocity, float) for _, _, velocity, _ in fliers]),
    )


def straight(kind, at, velocity, seconds, first=0):
    """Return one flier for `sky_of` in straight flight; at, velocity: m, m/s east, north, up of the origin."""
    local = np.asarray(at, float) + np.arange(seconds)[:, None] * np.asarray(velocity, float)
    return kind, MIDDLE + local @ AXES, np.tile(np.asarray(velocity, float) @ AXES, (seconds, 1)), first


def nodes(*blocks, weather=CALM, faults=NO_FAULTS, seconds=1800.0, seed=1):
    """Return the nodes of blocks over flat ground."""
    about = About(name="test", origin=ORIGIN, area_km=(50, 50), duration_s=seconds)
    scene = Scene(scenario=about, weather=weather, faults=faults, microphones=blocks)
    return build(blocks, scene, flat(0.0), seed)


def quiet(**settings):
    """Return a block without disturbances."""
    return Microphones(**{"name": "mic", "disturbances_per_h": 0.0, **settings})


def decoded(sent):
    """Return reports and heartbeats as records, in the order of `sent`."""
    ends = np.cumsum(sent.lengths, dtype=np.int64)
    assert ends[-1] == len(sent.data) if len(ends) else len(sent.data) == 0
    rows = [sent.data[end - length : end] for end, length in zip(ends, sent.lengths, strict=True)]
    spoken = [row for row in rows if len(row) == SIZE]
    beats = [row for row in rows if len(row) == HEARTBEAT_SIZE]
    assert len(spoken) + len(beats) == len(rows)
    return (
        np.frombuffer(b"".join(row.tobytes() for row in spoken), report(len(CLASSES))),
        np.frombuffer(b"".join(row.tobytes() for row in beats), HEARTBEAT_RECORD),
    )


def seconds_of(node_set, records):
    """Return the whole seconds of looks since the start that records are stamped with."""
    return np.rint((records["time"].astype(np.int64) - node_set.start) / 1e9).astype(int)
