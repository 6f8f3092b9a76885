"""Small waves over a region with eight sites: the scenario files that `waves.py` runs.

The raids of `bench/raids` have attacks on every site in nearly every minute, so no rule can be quiet in them. Here one
wave of at most ten comes to one or two of the sites; all others hear it pass, or not at all. What flies besides is an
evening's traffic and birds. Everything but the seed was fixed before anything was judged with it.
"""

import json

import numpy as np

SITES, APART_KM, HALF_KM = 8, 22.0, 75.0
MINUTES = 80
NEEDS_S = (180.0, 300.0, 420.0, 600.0)
KINDS = ("uav-piston", "uav-jet", "cruise-missile")
SHARES = (0.75, 0.15, 0.10)  # of the kinds, among waves
MOST = 10  # fliers of one wave

HEAD = """[scenario]
name = "Wave {seed}"
origin = [29.5, -45.75]
area_km = [240, 240]
start = 2030-03-14T20:00:00Z
duration_s = {seconds}

[terrain]
kind = "hills"
relief_m = 120
"""
SENSORS = """
[[radars]]
name = "far"
count = 2
layout = "line"
extent_km = [90, 40]
height_m = 30
period_s = 6
reach_km = 180
reference_km = 80
measures_height = true

[[microphones]]
name = "field"
count = 150
extent_km = [170, 170]
height_m = 4

[[observers]]
name = "citizen"
count = 150
layout = "random"
extent_km = [170, 170]
height_m = 2

[[receivers]]
name = "adsb"
height_m = 25
"""
TRAFFIC = (("airliner", 8, 1.0), ("helicopter", 2, 0.7), ("light-aircraft", 3, 0.8))  # kind, most, with transponder


def scene(seed: int) -> str:
    """Write one raid as a scenario file."""
    random = np.random.default_rng([7, seed])
    sites = _places(random)
    text = HEAD.format(seed=seed, seconds=60 * MINUTES)
    for number, at in enumerate(sites):
        need = random.choice(NEEDS_S)
        text += f'\n[[sites]]\nname = "site {number}"\nat_km = {list(at)}\nlead_time_s = {need}\n'
    for number in random.permutation(SITES)[:4].tolist():
        east, north = sites[number]
        height = "true" if random.random() < 0.5 else "false"
        text += (
            f'\n[[radars]]\nname = "near {number}"\nat_km = [{east + 2}, {north - 1}]\nheight_m = 20\nperiod_s = 3\n'
        )
        text += f"reference_km = 45\nmeasures_height = {height}\n"
    text += SENSORS
    for kind, most, sends in TRAFFIC:
        count = random.integers(1, most, endpoint=True)
        text += f'\n[[traffic]]\nkind = "{kind}"\ncount = {count}\ntransponder = {sends}\n'
    text += f'\n[[traffic]]\nkind = "birds"\ncount = {random.integers(4, 12, endpoint=True)}\n'
    return text + _wave(random)


def _places(random: np.random.Generator) -> list[tuple[float, float]]:
    """Draw where sites are, km east and north, apart from each other."""
    found: list[tuple[float, float]] = []
    while len(found) < SITES:
        east, north = random.uniform(-HALF_KM, HALF_KM, 2).round(1).tolist()
        if all(np.hypot(east - e, north - n) >= APART_KM for e, n in found):
            found.append((east, north))
    return found


def _wave(random: np.random.Generator) -> str:
    """Draw the wave: one kind, or two of which the second is the faster; to one site or two, from one side or two."""
    count = int(random.integers(1, MOST, endpoint=True))
    aims = [f"site {k}" for k in random.permutation(SITES)[: random.integers(1, 2, endpoint=True)].tolist()]
    sides = random.uniform(0.0, 360.0, random.integers(1, 2, endpoint=True)).round().tolist()
    kind = str(random.choice(KINDS, p=SHARES))
    text, start = "", random.uniform(600.0, 1500.0)
    parts = [(kind, count)]
    if count > 3 and kind == KINDS[0] and random.random() < 0.3:
        parts = [(kind, count - 2), (KINDS[1], 2)]
    for what, many in parts:
        slow = what == KINDS[0]
        text += f'\n[[waves]]\nname = "wave {what}"\nkind = "{what}"\ncount = {many}\nsites = {json.dumps(aims)}\n'
        text += f"from_deg = {sides}\nstart_s = {start if slow else start + 900:.0f}\n"
        text += f"spread_s = {random.uniform(60.0, 900.0):.0f}\ndistance_km = {random.uniform(60.0, 100.0):.0f}\n"
        text += f"waypoints = {random.integers(1, 4, endpoint=True)}\nloiter = 0.1\n"
        text += f"decoys = {random.choice([0.0, 0.0, 0.3])}\n" if slow else ""
    return text
