"""Flights of our own: none is proposed as a suspect; and who takes the identity of one is warned of as without.

    python bench/own_copied.py flights [--seeds 1 18]   # 60 flights of our own each, half of them like one-way UAVs
    python bench/own_copied.py copies [--seeds 1 21]    # ten raids each

`flights`: multirotors that send Remote ID, and propeller aircraft that fly, sound and echo like one-way UAVs and send
nothing, all in `[[flights]]`. Told: how many were followed, were ever a friend, were ever proposed as a suspect, and
for how long.

`copies`: each raid is one one-way UAV to a site of its own, and each has a flight of our own whose identity is taken.
Run four times on the same frames of all other sensors: nothing is sent; the attacker sends where he is under a name
that nobody knows; the same under the flight's identity; another transmitter sends the flight's identity and its true
places. All may be where the flight may be. An alert that he is warned of with is late if it begins over 5 s later than
in the run it is compared with, and lost if it never does. What the second run differs from the first by is not a copy:
places that are told each second are known better than by radar alone, and so is where he is going.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import numpy as np
from harness import progress

from skywarden import __version__, geo
from skywarden.config import Settings, parse, resolved
from skywarden.model.assessment import Category
from skywarden.model.detection import Frame
from skywarden.model.event import AlertRaised, Arrived, Input, Started, Tick
from skywarden.model.place import F64, Flight
from skywarden.model.track import Mode, Picture
from skywarden.pipeline import Line
from skywarden.sim.deliver import Stream
from skywarden.sim.generate import World, part, sites, world
from skywarden.sim.kinds import Kind
from skywarden.sim.scene.read import read
from skywarden.sim.site_file import configuration
from skywarden.sim.sky import Sky

SECOND = 1_000_000_000
TICK = SECOND // 2
NEAR = 500.0  # m, of a track from whom it follows
LATE = 5.0  # s
IDENTITIES = "remote-id"  # the source that alone hears who says what

HEAD = """[scenario]
name = "Own flights"
origin = [29.5, -45.75]
area_km = [180, 180]
start = 2030-03-14T20:00:00Z
duration_s = {seconds}

[[radars]]
name = "coast"
count = 4
layout = "grid"
extent_km = [90, 90]
height_m = 30
period_s = 3
reference_km = 90
measures_height = true
bird_clutter = 0

[[remote_id]]
name = "rid"
count = 25
extent_km = [160, 160]
height_m = 30
reach_km = 50

[[microphones]]
name = "field"
count = 100
extent_km = [150, 150]
height_m = 4
"""


def scene(seed: int, *, raids: int, own: tuple[int, int], seconds: int) -> str:
    """Write a scenario: sites with one attacker each; own: multirotors, and propeller aircraft."""
    random = np.random.default_rng([11, seed])
    text = HEAD.format(seconds=seconds)
    for k in range(max(raids, 12)):
        east, north = random.uniform(-70, 70, 2).round(1).tolist()
        text += f'\n[[sites]]\nname = "site {k}"\nat_km = [{east}, {north}]\nlead_time_s = 180\n'
    for k in range(raids):
        text += f'\n[[waves]]\nname = "raid {k}"\nkind = "uav-piston"\ncount = 1\nsites = ["site {k}"]\n'
        text += f"distance_km = {random.uniform(15, 25):.1f}\nstart_s = {random.uniform(20, 60):.0f}\n"
    if own[1]:
        text += f'\n[[waves]]\nname = "own"\nkind = "uav-piston"\ncount = {own[1]}\ndistance_km = 25\n'
        text += f"start_s = 20\nspread_s = {seconds // 2}\n"
    return text + f'\n[[traffic]]\nkind = "multirotor"\ncount = {own[0]}\ntransponder = 1.0\n'


class Flown(NamedTuple):
    """Who flies, and where at each second: rows of (seconds, targets); NaN where one is not there."""

    names: list[str]
    place: F64  # (seconds, n, 3) ECEF m


def flown(made: World) -> Flown:
    """Return where everybody is."""
    sky, seconds = made.sky, int(made.scene.scenario.duration_s)
    place = np.full((seconds, len(sky), 3), np.nan)
    for row in range(len(sky)):
        first, count, base = int(sky.first[row]), int(sky.count[row]), int(sky.base[row])
        last = min(first + count, seconds)
        place[first:last, row] = sky.position[base : base + last - first]
    return Flown([target.name for target in sky.targets], place)


def flights(made: World, rows: list[int], corridor_m: float) -> tuple[Flight, ...]:
    """Register fliers of a world as our own: where and when each begins, and its way."""
    found, sky = [], made.sky
    for row in rows:
        base, count = int(sky.base[row]), int(sky.count[row])
        way = geo.geodetic(sky.position[base : base + count : 60])
        level = np.linalg.norm(sky.velocity[base])
        begin = made.start * 1e-9 + int(sky.first[row])
        found.append(
            Flight(
                name=sky.targets[row].name,
                begins=datetime.fromtimestamp(begin - 30, UTC),
                ends=datetime.fromtimestamp(begin + count + 30, UTC),
                latitude=float(np.degrees(way[0][0])),
                longitude=float(np.degrees(way[1][0])),
                launch_radius_m=2000.0,
                route=tuple(zip(np.degrees(way[0][1:]).tolist(), np.degrees(way[1][1:]).tolist(), strict=True)),
                fastest_m_s=max(40.0, 1.3 * float(level)),
                highest_m=5000.0,
                corridor_m=corridor_m,
                identity=sky.targets[row].serial,
            )
        )
    return tuple(found)


def inputs(made: World, heard: Sky, settings: Settings, text: str) -> Iterator[Input]:
    """Yield what comes in. heard: who is said to be where, by what hears identities; all else is of the world."""
    yield Started(made.start, Mode.SIM, text, __version__, resolved(settings))
    streams = [Stream(made.start, TICK) for _ in made.senses]
    told = replace(made, sky=heard)
    for window in made.windows():
        real, said = part(made, window, float), part(told, window, float)
        until = made.start + round(window.end * SECOND)
        waiting = []
        for k, (stream, sense) in enumerate(zip(streams, made.senses, strict=True)):
            sent = said.sent[k] if sense.source == IDENTITIES else real.sent[k]
            waiting += [(piece.tick, k, sense.source, piece) for piece in stream.push(sent, until)]
        waiting.sort(key=lambda one: one[:2])
        for tick in range(round(window.start * SECOND) // TICK, round(window.end * SECOND) // TICK):
            while waiting and waiting[0][0] <= tick:
                _, _, source, piece = waiting.pop(0)
                yield Arrived(Frame(source, piece.received, piece.data, piece.lengths))
            yield Tick(made.start + (tick + 1) * TICK)


def followed(picture: Picture, where: F64) -> dict[int, int]:
    """Return public number of each track -> who it follows. where: (n, 3) ECEF m of everybody now."""
    there = np.flatnonzero(~np.isnan(where[:, 0]))
    tracks = picture.tracks.take(picture.tracks.shown())
    found = {}
    for number, place in zip(tracks.number.tolist(), tracks.mean[:, :3], strict=True):
        away = np.linalg.norm(where[there] - place, axis=1)
        if len(away) and away.min() < NEAR:
            found[number] = int(there[away.argmin()])
    return found


def made_of(seed: int, text: str) -> World:
    """Make a world."""
    return world(read(text), {}, seed)


def configured(made: World, own: tuple[Flight, ...]) -> tuple[Settings, str]:
    """Return the settings of a world, with flights of our own."""
    text = configuration(sites(made.scene, made.ground), made.senses)
    return msgspec.structs.replace(parse(text), flights=own), text


def own_flights(seed: int) -> dict[str, object]:
    """Fly sixty of our own; tell what they were taken for."""
    made = made_of(seed, scene(seed, raids=0, own=(30, 30), seconds=1200))
    rows = [k for k, t in enumerate(made.sky.targets) if t.kind in (Kind.MULTIROTOR, Kind.UAV_PISTON)]
    settings, text = configured(made, flights(made, rows, 1500.0))
    line, where = Line(), flown(made)
    friend, suspect, shown = set(), defaultdict[int, float](float), set()
    for seq, event in enumerate(inputs(made, made.sky, settings, text), 1):
        line.feed(seq, event)
        if isinstance(event, Tick) and event.time % SECOND == 0 and line.picture is not None:
            second = (event.time - made.start) // SECOND
            if second >= len(where.place):
                continue
            of = followed(line.picture, where.place[second])
            for identity in line.picture.identities:
                who = of.get(identity.track, -1)
                if who in rows:
                    shown.add(who)
                    friend |= {who} if identity.category is Category.FRIEND else set()
                    suspect[who] += identity.proposed is Category.SUSPECT
    wrong = {where.names[who]: seconds for who, seconds in suspect.items() if seconds}
    return {"seed": seed, "own": len(rows), "followed": len(shown), "friends": len(friend), "suspects": wrong}


def alerts(made: World, heard: Sky, settings: Settings, text: str) -> dict[tuple[str, int], float]:
    """Return (site, attacker) -> s, since when there was an alert with which he is warned of."""
    line, where = Line(), flown(made)
    waiting, found = list[tuple[str, int]](), dict[tuple[str, int], float]()
    for seq, event in enumerate(inputs(made, heard, settings, text), 1):
        waiting += [
            (caused.event.alert.site, caused.event.alert.track)
            for caused in line.feed(seq, event)
            if isinstance(caused.event, AlertRaised)
        ]
        if isinstance(event, Tick) and waiting and line.picture is not None:
            second = (event.time - made.start) / SECOND
            of = followed(line.picture, where.place[min(int(second), len(where.place) - 1)])
            for site, track in waiting:
                if track in of:
                    found.setdefault((site, of[track]), second)
            waiting.clear()
    return found


def copies(seed: int) -> list[dict[str, object]]:
    """Run ten raids as they are, and with copied identities."""
    made = made_of(seed, scene(seed, raids=10, own=(10, 0), seconds=720))
    sky = made.sky
    raiders = [k for k, target in enumerate(sky.targets) if target.raid]
    mine = [k for k, target in enumerate(sky.targets) if target.kind is Kind.MULTIROTOR]
    settings, text = configured(made, flights(made, mine, 150_000.0))
    copied, named = list(sky.targets), list(sky.targets)
    for k, (raider, own) in enumerate(zip(raiders, mine, strict=True)):
        copied[raider] = copied[raider]._replace(serial=sky.targets[own].serial)
        named[raider] = named[raider]._replace(serial=f"SIMXB{k:010}")
    again = np.concatenate([np.arange(len(sky)), mine])
    columns = {name: getattr(sky, name)[again] for name in ("first", "count", "base")}
    twice = replace(sky, targets=tuple(sky.targets[k] for k in again.tolist()), **columns)
    skies = {"nothing": sky, "unknown name": replace(sky, targets=tuple(named))}
    skies |= {"copied name": replace(sky, targets=tuple(copied)), "its true places": twice}
    told = {name: alerts(made, heard, settings, text) for name, heard in skies.items()}
    pairs = (("unknown name", "nothing"), ("copied name", "unknown name"), ("its true places", "nothing"))
    return [{"seed": seed, "raids": len(raiders)} | compared(told, pair, raiders) for pair in pairs]


def compared(
    told: dict[str, dict[tuple[str, int], float]], pair: tuple[str, str], raiders: list[int]
) -> dict[str, object]:
    """Return how alerts of one run differ from those of another."""
    after, before = (told[name] for name in pair)
    mine = {key: when for key, when in before.items() if key[1] in raiders}
    late = [after[key] - when for key, when in mine.items() if after.get(key, 0.0) - when > LATE]
    sooner = sum(after.get(key, np.inf) < when - LATE for key, when in mine.items())
    lost = sum(key not in after for key in mine)
    return {"sent": pair[0], "beside": pair[1], "alerts": len(mine), "lost": lost, "late_s": late, "sooner": sooner}


def main() -> None:
    """Read the options, run, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("flights", "copies"))
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "END"))
    given = parser.parse_args()
    for seed in range(*(given.seeds or ((1, 18) if given.what == "flights" else (1, 21)))):
        progress(f"seed {seed}")
        for row in [own_flights(seed)] if given.what == "flights" else copies(seed):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
