"""How far the head is from the settled picture, which comes to know all: share of track-seconds within one sigma.

    python bench/chains.py [--late 0.01] [--seconds 60]     1,000 targets, three radars of 2 s a turn, some plots late
    python bench/chains.py --microphones 15000 [--seed 1]   single microphones besides, as bench/load.py has them
    python bench/chains.py --frames DIR                     frames that `skywarden simulate` made

Each second what people were shown is kept until the settled chain gets there, and compared with it: the distance in
space d, in sigmas of what was shown. Two measures: `sigma` is sqrt(d'd / trace P), beside the whole size of P;
`ellipse` is sqrt(d' P^-1 d), by the ellipsoid of P, which counts what is off where P is narrow. A shown track that the
settled chain has not counts as outside of both. The head lacks what is on its way: some tenths of a second of plots.
`expected`: the share within one sigma of the tracks that both have, were each as sure as it says: what the settled
chain knows more moves a track by N(0, P - its own P), so where much is on its way no head could stay within.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import microphone_field as field
import numpy as np
from load import setting
from sender import prepared

from skywarden.model.detection import Frame
from skywarden.model.event import Arrived, Input, Started, Tick, TrackDropped, decode
from skywarden.model.place import F64
from skywarden.model.track import Mode, Tracks
from skywarden.pipeline import Line
from skywarden.replay import is_input
from skywarden.service.frames import record_in
from skywarden.track.chain import SECOND, tracks_of
from skywarden.track.handover import WITHDRAWN, same
from skywarden.track.states import at

START = 1_900_000_000 * SECOND
TICK = SECOND // 10
DRAWS = 400  # of what the settled chain may know more


def arriving(seconds: float, late: float, microphones: int, seed: int) -> Iterator[Input]:
    """Yield what a running system would be told, ticks included. late: share of the plots and of the calls."""
    half = field.half_m(microphones, None)
    order = {"targets": 1000, "radars": 3, "nodes": 0, "seconds": seconds, "turn_s": 2.0, "half_m": half}
    ready, _ = prepared(order | {"seed": seed, "start": START, "late": late, "microphones": microphones})
    text, _ = setting(3, microphones=microphones, half_m=half)
    yield Started(START, Mode.SIM, text + '[record]\npath = "record"\n', "")
    due = START + TICK
    for message in ready:
        while message.time >= due:
            yield Tick(due)
            due += TICK
        yield Arrived(Frame.of(message.source, message.time, message.data))


class Watch:
    """Keeps what was shown until it can be compared."""

    def __init__(self) -> None:
        self.shown: dict[int, Tracks] = {}
        self.off: list[F64] = []
        self.ellipse: list[F64] = []
        self.expected: list[F64] = []
        self.missing = self.rebuilt = 0
        self._drawn = np.random.default_rng(0).standard_normal((DRAWS, 3)) ** 2

    def look(self, line: Line) -> None:
        """Look at the picture after a tick."""
        picture, settings = line.picture, line.settings.tracker
        assert picture is not None
        if picture.time % SECOND == 0:
            self.shown[picture.time] = picture.tracks.take(picture.tracks.shown())
        chain = picture.chains.settled
        if chain.until in self.shown:
            shown, known = self.shown.pop(chain.until), tracks_of(chain, settings)
            i, j = same(shown, known, chain.until, settings)
            self.missing += len(shown) - len(i)
            (x, P), (y, Q) = at(shown, chain.until), at(known, chain.until)
            d, C = x[i, :3] - y[j, :3], P[i, :3, :3]
            more = np.maximum(np.linalg.eigvalsh(C - Q[j, :3, :3]), 0.0)
            self.expected.append((more @ self._drawn.T < C.trace(axis1=1, axis2=2)[:, None]).mean(1))
            self.off.append(np.linalg.norm(d, axis=1) / np.sqrt(C.trace(axis1=1, axis2=2)))
            self.ellipse.append(np.sqrt(np.einsum("na,na->n", d, np.linalg.solve(C, d[:, :, None])[:, :, 0])))


def run(entries: Iterable[Input]) -> dict[str, float]:
    """Feed a line; return the figures."""
    line, watch, withdrawn, begun = Line(), Watch(), 0, 0
    ticks = list[float]()
    for seq, event in enumerate(entries, 1):
        before = time.process_time()
        outputs = line.feed(seq, event)
        if isinstance(event, Tick):
            ticks.append(time.process_time() - before)
            withdrawn += sum(isinstance(o.event, TrackDropped) and o.event.reason == WITHDRAWN for o in outputs)
            assert line.picture is not None
            watch.rebuilt += line.picture.chains.begun != begun
            begun = line.picture.chains.begun
            watch.look(line)
    off, ellipse = np.concatenate(watch.off), np.concatenate(watch.ellipse)
    count = len(off) + watch.missing
    return {
        "track_seconds": count,
        "within_1_sigma": int((off < 1.0).sum()) / count,
        "within_1_ellipse": int((ellipse < 1.0).sum()) / count,
        "of_both_within_1_sigma": float((off < 1.0).mean()),
        "expected": float(np.concatenate(watch.expected).mean()),
        "not_settled": watch.missing,
        "median_sigma": float(np.median(off)),
        "p99_sigma": float(np.quantile(off, 0.99)),
        "median_ellipse": float(np.median(ellipse)),
        "p99_ellipse": float(np.quantile(ellipse, 0.99)),
        "rebuilt": watch.rebuilt,
        "withdrawn": withdrawn,
        "tick_p50_ms": float(np.median(ticks)) * 1e3,
        "tick_p99_ms": float(np.quantile(ticks, 0.99)) * 1e3,
    }


def main() -> None:
    """Read the options, run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--late", type=float, default=0.01, help="share of plots and calls that are 1 to 10 s late")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--microphones", type=int, default=0, help="single ones, without bearings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=Path)
    options = parser.parse_args()
    if options.frames is None:
        entries: Iterable[Input] = arriving(options.seconds, options.late, options.microphones, options.seed)
    else:
        entries = (decode(e.payload) for e in record_in(options.frames).entries() if is_input(e))
    print(json.dumps(run(entries)))


if __name__ == "__main__":
    main()
