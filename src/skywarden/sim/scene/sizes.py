"""Checks of products: what each setting allows alone, but all together no memory holds or no table can number.

Everything is counted before anything is made. What is made window by window is counted for one window. Nothing is
counted before each setting is within its own limits.
"""

from collections.abc import Iterator, Mapping
from math import hypot, sqrt
from typing import Any, NamedTuple

from skywarden.config.locate import Key
from skywarden.config.shape import Form, Problem
from skywarden.config.shape import problems as shape_problems
from skywarden.geo.terrain import MARGIN, SPACING, hills_shape
from skywarden.sim.kinds import KINDS, Kind
from skywarden.sim.reported import LATEST, SIZES
from skywarden.sim.scene.about import SENSORS
from skywarden.sim.scene.flying import ABOUT
from skywarden.sim.scene.right import STRUCTS, one, shown, tables
from skywarden.sim.scene.settings import (
    About,
    Cameras,
    Finders,
    Microphones,
    Observers,
    Placed,
    Radars,
    Receivers,
    Scene,
    Spoofer,
    Terrain,
    Traffic,
    Wave,
)

MOST_HEIGHTS = 30_000_000  # of hills; they take 0.9 GB while they are made
NUMBERS = 1 << 16  # coverage.npy numbers targets and sensors with 16 bits
MOST_ROWS = 20_000_000  # seconds of all fliers together; 3 GB while they are planned
MOST_PAIRS = 50_000_000  # a radar and a target; 0.4 GB
MOST_LOOKS = 3_000_000  # of one kind of sensor in a window; 1 GB
MOST_MESSAGES = 300_000  # reports of nothing by people and cameras in a window; 1 GB
MOST_NOISES = 1_000_000  # mopeds and such at microphones, in the whole scenario; 0.5 GB
SQUITTERS = 5  # a second, of one aircraft
WINDOW_S = 30.0  # as in sim.generate
ON_THE_WAY = 1.5  # times the straight way, at the lowest speed
WAITING_S = 900.0  # a one-way UAV circles, a multirotor hovers, for less


class Block(NamedTuple):
    """One block of the file. many: how much of something it asks for."""

    key: Key
    many: float


def problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield every product that is too large, with the block that has most of it."""
    about = one(data.get("scenario"), About)
    if about is None or shape_problems(data, Form(Scene, ABOUT)):
        return
    yield from _hills(data, about)
    fliers = [(key, _most(wave), _life(wave, about.duration_s)) for key, wave in tables(data, "waves", Wave)]
    fliers += [(key, some.count, _stay(some, about)) for key, some in tables(data, "traffic", Traffic)]
    targets = [Block((*key, "count"), count) for key, count, _ in fliers]
    yield from _over(targets, NUMBERS, "fliers, and coverage.npy can number {}; write fewer")
    rows = [Block((*key, "count"), count * life) for key, count, life in fliers]
    for key, spoofer in tables(data, "spoofers", Spoofer):
        rows.append(Block((*key, "targets"), spoofer.targets * min(spoofer.duration_s, about.duration_s)))
    text = "seconds of flight, and {} can be planned; write fewer, or a shorter scenario.duration_s"
    yield from _over(rows, MOST_ROWS, text)
    yield from _sensors(data, about, sum(block.many for block in targets))
    yield from _squitters(data)


def _hills(data: Mapping[str, Any], about: About) -> Iterator[Problem]:
    """The grid of hills is as large as the area, whatever their scale."""
    terrain = one(data.get("terrain", {}), Terrain)
    rows, columns = hills_shape((about.area_km[0] * 1e3, about.area_km[1] * 1e3))
    if terrain is None or terrain.kind != "hills" or rows * columns <= MOST_HEIGHTS:
        return
    side = int((sqrt(MOST_HEIGHTS) * SPACING - 2 * MARGIN) / 1e3) - 1
    size = f"with hills is a grid of {rows} x {columns} heights, {rows * columns / 1e6:.0f} million"
    text = f"= {shown(about.area_km)} {size}; {MOST_HEIGHTS / 1e6:g} can be made"
    hint = f'write for example area_km = [{side}, {side}], or terrain.kind = "flat"'
    yield Problem(("scenario", "area_km"), f"{text}: {hint}")


def _sensors(data: Mapping[str, Any], about: About, targets: float) -> Iterator[Problem]:
    """Look at what all sensors of a kind do."""
    blocks: dict[str, list[tuple[Key, Placed]]] = {kind: tables(data, kind, STRUCTS[kind]) for kind in SENSORS}
    counts = [Block((*key, "count"), block.count) for listed in blocks.values() for key, block in listed]
    yield from _over(counts, NUMBERS, "sensors, and coverage.npy can number {}; write fewer")
    radars = [Block((*key, "count"), block.count * targets) for key, block in blocks["radars"]]
    yield from _over(radars, MOST_PAIRS, "pairs of a radar and a flier, and {} can be worked on; write fewer of either")
    for listed in blocks.values():
        looks = [Block(key, _looks(block)) for key, block in listed]
        text = f"looks and false plots in {WINDOW_S:g} s, and {{}} can be worked on; write fewer, or a longer period_s"
        yield from _over(looks, MOST_LOOKS, text)
    false = [
        Block((*key, "false_per_h"), block.count * block.false_per_h * WINDOW_S / 3600)
        for kind in ("cameras", "observers")
        for key, block in blocks[kind]
        if isinstance(block, Cameras | Observers)
    ]
    yield from _over(false, MOST_MESSAGES, f"reports of nothing in {WINDOW_S:g} s, and {{}} can be made; write less")
    noises = [
        Block((*key, "disturbances_per_h"), block.count * block.disturbances_per_h * about.duration_s / 3600)
        for key, block in blocks["microphones"]
        if isinstance(block, Microphones)
    ]
    yield from _over(noises, MOST_NOISES, "disturbances in the scenario, and {} can be drawn; write less")


def _squitters(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Each receiver hears whoever sends ADS-B, and each message is one of Python's objects."""
    silent = (Kind.BIRDS, Kind.BIRD, Kind.MULTIROTOR)
    sending = sum(
        some.count for _, some in tables(data, "traffic", Traffic) if some.transponder and some.kind not in silent
    )
    sending += sum(spoofer.targets for _, spoofer in tables(data, "spoofers", Spoofer) if spoofer.what == "adsb")
    heard = [
        Block((*key, "count"), block.count * sending * SQUITTERS * WINDOW_S)
        for key, block in tables(data, "receivers", Receivers)
    ]
    text = f"messages of ADS-B in {WINDOW_S:g} s, and {{}} can be made; write fewer receivers or senders"
    yield from _over(heard, MOST_LOOKS, text)


def _over(blocks: list[Block], most: float, text: str) -> Iterator[Problem]:
    total = sum(block.many for block in blocks)
    if total > most:
        largest = max(blocks, key=lambda block: block.many)
        share = "" if len(blocks) == 1 else f" of {total:,.0f}"
        yield Problem(largest.key, f"makes {largest.many:,.0f}{share} {text.format(f'{most:,}')}")


def _most(wave: Wave) -> int:
    """Return how many there may be of a wave: its number, or the highest that may be drawn."""
    return wave.count or int(SIZES.get(wave.quarter or LATEST, (0.0,))[-1])


def _life(wave: Wave, seconds: float) -> float:
    """Return s that one flies at the most, about."""
    slowest = wave.speed_m_s[0] or KINDS[wave.kind].speed[0]
    return min(seconds, ON_THE_WAY * 1e3 * wave.distance_km / max(slowest, 1.0) + WAITING_S)


def _stay(some: Traffic, about: About) -> float:
    """Return s that one is there at the most, about: airliners cross the area, all others stay."""
    if some.kind is not Kind.AIRLINER:
        return about.duration_s
    return min(about.duration_s, ON_THE_WAY * 1e3 * hypot(*about.area_km) / KINDS[some.kind].speed[0])


def _looks(block: Placed) -> float:
    """Return how many looks there are in a window, with the plots that a radar makes of nothing."""
    if isinstance(block, Radars):
        cells = max(1.0, block.reach_km * 1e3 / block.range_cell_m * 360 / block.beam_deg)
        return block.count * WINDOW_S / block.period_s * (1 + block.clutter + cells * block.false_alarm)
    if isinstance(block, Cameras | Finders):
        return block.count * WINDOW_S / block.period_s
    return block.count * WINDOW_S
