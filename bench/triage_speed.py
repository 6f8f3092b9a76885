"""What triage costs: a second's pass with 500 and 50,000 reports an hour, and in a flood of made-up names.

python bench/triage_speed.py
"""

import time

import numpy as np
import triage_world as world

from skywarden.model.detection import Frame
from skywarden.model.place import Source
from skywarden.model.track import Mode, Tracks
from skywarden.model.triage import Triage
from skywarden.sensors import Reader
from skywarden.sensors.reports import Spot, observer
from skywarden.triage import triaged

SECOND = 1_000_000_000


def lines(rng: np.random.Generator, second: int, rate: float, names: int) -> list[bytes]:
    """Return what comes in a second: a third of it of 30 things that fly, the rest anywhere in the country."""
    made = []
    for k in range(rng.poisson(rate)):
        place = rng.uniform(0, world.SIDE, 2)
        if rng.random() < 0.33:
            thing = int(rng.integers(30))
            way = np.array([(thing * 4001) % 130_000, (thing * 7919) % 130_000], float)
            place = (way + np.array([50.0, 20.0]) * (second + thing)) % world.SIDE + rng.normal(size=2) * 1500.0
        made.append(
            observer(
                sensor="line",
                number=second * 10_000 + k,
                time=world.START + second * SECOND,
                who=f"w{rng.integers(names)}",
                seen=True,
                place=Spot(*world.degrees(place)),
                azimuth_deg=float(rng.uniform(0, 360)),
            )
        )
    return made


def bench(rate: float, seconds: int, names: int = 100_000) -> dict[str, float]:
    """Return processor ms of a second's pass, p50, p99 and worst, ms a second for reading, rows kept and left out."""
    rng, picture, spent, reading = np.random.default_rng(1), Triage(), [], 0.0
    reader = Reader((Source(name="people", format="reports", max_age_s=900.0),), (), Mode.LIVE)
    nobody = Tracks.empty(), np.zeros(0, np.int64)
    for second in range(1, seconds):
        some = lines(rng, second, rate, names)
        at = world.START + second * SECOND
        begin = time.process_time()
        batches = reader.read(Frame.of("people", at, *some)).batches if some else ()
        middle = time.process_time()
        picture, _ = triaged(picture, batches, nobody, at)
        spent.append((time.process_time() - middle) * 1e3)
        reading += middle - begin
    p50, p99 = np.percentile(spent, [50, 99])
    kept, left = len(picture.told) + len(picture.waiting), sum(picture.left.values())
    head = {"p50": float(p50), "p99": float(p99), "worst": max(spent), "reading": reading / seconds * 1e3}
    return {**head, "kept": kept, "left": left, "events": len(picture.events)}


if __name__ == "__main__":
    for name, rate, seconds in (("500 an hour", 500 / 3600, 300), ("50,000 an hour", 50_000 / 3600, 60)):
        print(name, {key: round(value, 1) for key, value in bench(rate, seconds).items()})
    print("100,000 a minute", {key: round(value, 1) for key, value in bench(1667.0, 12, 10**9).items()})
