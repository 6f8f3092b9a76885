"""What it costs to know whom to believe: 1,000 targets, 15,000 microphones, 3 or 200 radars. Processor time.

    python bench/trust_speed.py

Of a window of 5 s, which one tick takes in; of the stage, once a second; and what the picture's hash takes more.
"""

from dataclasses import replace
from time import process_time

import numpy as np
from watch_speed import installation

from skywarden import geo
from skywarden.model.detection import Kind
from skywarden.model.place import F64
from skywarden.model.track import Health, Picture, Status, Tracks
from skywarden.model.trust import Compared
from skywarden.saved import digest
from skywarden.track.beliefs import plain
from skywarden.track.biases import OWN
from skywarden.track.compare import WINDOW, went_on
from skywarden.track.overheard import HEARD
from skywarden.track.pool import Rows
from skywarden.track.residuals import plots
from skywarden.trust import trusted
from skywarden.watch.alive import begun
from skywarden.watch.posts import posts

SECOND = 1_000_000_000
START = 1_900_000_000 * SECOND
TARGETS, NEAR = 1_000, 3  # each target is seen by so many radars, the nearest
SIGMA = np.array([50.0, 2e-3, 5e-3])


def window(spots: F64, places: F64, begin: int, rng: np.random.Generator) -> Rows:
    """Return one plot of each target by each of its radars. spots, places: rad, rad, m."""
    latitude, longitude, height = spots.T
    stands, axes = geo.ecef(latitude, longitude, height), geo.east_north_up(latitude, longitude)
    there = geo.ecef(*places.T)
    away = np.linalg.norm(there[:, None] - stands, axis=2)
    near = np.argsort(away, axis=1)[:, :NEAR]
    target, sensor = np.repeat(np.arange(len(places)), near.shape[1]), near.ravel()
    state = np.hstack([there[target], np.full((len(target), 3), 30.0)])
    rows = np.zeros(len(target), HEARD)
    rows["z"] = plots(state, stands[sensor], axes[sensor], np.zeros((len(target), OWN))).z
    rows["z"] += rng.normal(size=(len(target), 3)) * SIGMA
    rows["covariance"], rows["state"], rows["up"] = np.diag(SIGMA**2), state, 300.0
    rows["position"], rows["rotation"] = stands[sensor], axes[sensor]
    rows["time"], rows["kind"], rows["address"] = begin + rng.integers(0, WINDOW, len(target)), Kind.POLAR, -1
    rows["state"][:, :3] += 30.0 * ((rows["time"] - begin) * 1e-9)[:, None]
    rows["label"], rows["sensor"], rows["name"] = target + 1, sensor, np.arange(len(target))
    return plain(rows[np.argsort(rows["time"])])


def spent(repeat: int, what: object, *given: object) -> tuple[float, float]:
    """Return ms of processor time of a call, median and the most."""
    taken = []
    for _ in range(repeat):
        begin = process_time()
        what(*given)  # type: ignore[operator]
        taken.append((process_time() - begin) * 1e3)
    return float(np.median(taken)), max(taken)


def main() -> None:
    rng, settings = np.random.default_rng(2), installation()
    eyes = [sensor for sensor in settings.sensors if sensor.node is None]
    watch = begun(posts(settings))
    watch = replace(watch, why=np.zeros_like(watch.why))
    places = np.column_stack([np.radians(rng.uniform(a, b, TARGETS)) for a, b in ((33.6, 39.0), (-36.4, -29.8))])
    places = np.column_stack([places, rng.uniform(300.0, 3000.0, TARGETS)])
    for count in (3, len(eyes)):
        spots = np.array([(np.radians(s.latitude or 0), np.radians(s.longitude or 0), 50.0) for s in eyes[:count]])
        names = tuple(sensor.name for sensor in eyes[:count])
        known, taken = Compared(), []
        for k in range(24):
            rows = window(spots, places, START + k * WINDOW, rng)
            known = went_on(known, [rows], names, START + k * WINDOW)
            begin = process_time()
            known = went_on(known, [], names, START + (k + 1) * WINDOW)
            taken.append((process_time() - begin) * 1e3)
        print(f"{count} radars: a window of {len(rows)} plots {np.median(taken):.1f} ms, at most {max(taken[4:]):.1f}")
    filled = {name: np.zeros((TARGETS, *getattr(Tracks.empty(), name).shape[1:])) for name in Tracks.__slots__}
    mean = np.hstack([geo.ecef(*places.T), np.full((TARGETS, 3), 30.0)])
    some = np.arange(1, TARGETS + 1)
    integers = {name: filled[name].astype(np.int64) for name in ("seen_by", "seen_at", "kind", "time")}
    tracks = replace(Tracks(**filled), **integers, number=some, label=some, mean=mean)
    tracks = replace(tracks, status=np.full(TARGETS, Status.CONFIRMED, np.int8), time=np.full(TARGETS, START))
    health = tuple(Health(source.name, decoded=100) for source in settings.sources)
    picture = Picture(START, watch=watch, tracks=tracks, sensors=names, health=health)
    picture = replace(picture, chains=replace(picture.chains, compared=known))
    trusted(picture, START - SECOND, True)
    print("the stage, once a second: {:.1f} ms, at most {:.1f}".format(*spent(30, trusted, picture, START - 1, True)))
    after = replace(picture, trust=trusted(picture, START - 1, True)[0])
    with_it, without = spent(30, digest, after)[0], spent(30, digest, replace(picture, chains=Picture(0).chains))[0]
    print(f"the picture's hash {with_it - without:.2f} ms more of {without:.2f}")


if __name__ == "__main__":
    main()
