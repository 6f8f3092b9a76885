"""What would be seen in time of what comes to each site, as the picture keeps it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skywarden.model.place import F64, I64, SECTORS

LAYERS = ("low", "middle", "high")
HEIGHTS = (50.0, 500.0, 3000.0)  # m above the site, of each layer
SPEEDS = (50.0, 140.0, 230.0)  # m/s: piston drones, jets, cruise missiles
CELLS = len(SECTORS) * len(LAYERS)
SHAPE = len(SECTORS), len(LAYERS), len(SPEEDS)
ENOUGH = 0.9  # probability from which a cell is watched


def _none() -> I64:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Posts:
    """What the configuration says of who watches and what; it changes at a start only.

    names, sources: (s,) of sensors that look, and their sources. senses: (s,) records of `track.looks`, as bytes;
    heights: (s,) m above the ellipsoid; silent: (s,) s without a sign of life, then it is silent; proven: (s,) s
    without a break before it counts; fixed: (s,) why it
    never counts, index into `watch.alive.WHY`, 0: it may; node: (s,) it says itself how it is; begins: (s,) its
    bearings begin targets. aims: (n, 17) of sites, see `watch.ways`; sites: their names. ears: (m,) names of single
    microphones, as in `track.posts`, sorted; spots: (m, 3) ECEF m; whose: (m,) index into `wires`; wires: sources;
    quiet: (w,) s after which each is silent, inf never. digest: over all this and the version of the records.
    """

    names: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    senses: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, "V8"))
    heights: F64 = field(default_factory=lambda: np.zeros(0))
    silent: F64 = field(default_factory=lambda: np.zeros(0))
    proven: F64 = field(default_factory=lambda: np.zeros(0))
    fixed: I64 = field(default_factory=_none)
    node: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    begins: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    sites: tuple[str, ...] = ()
    aims: F64 = field(default_factory=lambda: np.zeros((0, 17)))
    ears: I64 = field(default_factory=_none)
    spots: F64 = field(default_factory=lambda: np.zeros((0, 3)))
    whose: I64 = field(default_factory=_none)
    wires: tuple[str, ...] = ()
    quiet: F64 = field(default_factory=lambda: np.zeros(0))
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches now, and what follows from that for each site.

    heard: (s,) ns, measured time of the latest sign of life of each sensor of `posts`; since: (s,) ns, since when it
    has been heard without a break; got, lost: (s,) of what it sent lately, in all and refused or missing; hurt: (s,)
    ns, when more was lost than may be, last. usual: (s,) s between two marks (`Health.marks`), 0 not known; marks:
    (s, 2) ns of the latest that was counted, and how many there had been. totals: (w, 2) messages of each source of
    `posts.wires`, understood and lost, as counted a second ago; upset: (w,) as `hurt`, of sources. why: (s,) index into
    `watch.alive.WHY`, 0: it counts.
    hearing: (m,) which microphones count.
    seen: (n, *SHAPE) probability that who comes there is seen in time, of each site; at: (n,) ns, when that was worked
    out, 0 never; due: (n,) ns, since when it is to be worked out anew, 0: nothing has changed. blind: (n,) cells that
    are not watched, as last told: bit 3 * sector + layer.
    """

    posts: Posts = field(default_factory=Posts)
    heard: I64 = field(default_factory=_none)
    since: I64 = field(default_factory=_none)
    got: F64 = field(default_factory=lambda: np.zeros(0))
    lost: F64 = field(default_factory=lambda: np.zeros(0))
    hurt: I64 = field(default_factory=_none)
    usual: F64 = field(default_factory=lambda: np.zeros(0))
    marks: I64 = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    totals: I64 = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    upset: I64 = field(default_factory=_none)
    why: I64 = field(default_factory=_none)
    hearing: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    seen: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, *SHAPE), np.float32))
    at: I64 = field(default_factory=_none)
    due: I64 = field(default_factory=_none)
    blind: I64 = field(default_factory=_none)

    def cells(self, site: str) -> tuple[NDArray[np.float32], int]:
        """Return (8, 3) probability of each sector and layer, the worst over speeds, and ns, when that was worked out.

        All is 0 for a site that was not looked at yet, or that nobody knows.
        """
        if site not in self.posts.sites:
            return np.zeros(SHAPE[:2], np.float32), 0
        row = self.posts.sites.index(site)
        return self.seen[row].min(2), int(self.at[row])
