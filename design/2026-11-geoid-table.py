"""Which geoid table do we ship? Packs EGM96 and measures what packing and interpolation cost.

    python design/2026-11-geoid-table.py egm96_15.gtx.gz [src/skywarden/data/egm96.zlib]

The input is the 15-minute GTX grid of EGM96 (NGA, public domain): 32 bytes header, 2 x int32, then big-endian
float32 rows from south to north. Result, November 2026:

    15 minutes, cm, second differences, bytes apart   688 kB   rounding at most 0.005 m
    30 minutes, the same                              246 kB   3.9 m off at worst (1.1 m in Ukraine), 0.13 m rms

Decided: 15 minutes. 30 minutes miss the 0.3 m that a height reference may cost. What bilinear interpolation costs
between the 15-minute points cannot be seen from them; it falls with the square of the step, so a quarter of the
30-minute figures: about 1 m at worst, 0.03 m rms.
"""

import gzip
import sys
import zlib
from pathlib import Path

import numpy as np


def read(path: Path) -> np.ndarray:
    """Return (721, 1440) m, north to south, 180 W to 179.75 E."""
    data = gzip.decompress(path.read_bytes())
    south, west, _, _ = np.frombuffer(data[:32], ">f8")
    rows, columns = np.frombuffer(data[32:40], ">i4")
    assert (south, west, rows, columns) == (-90, -180, 721, 1440)
    return np.frombuffer(data[40:], ">f4").reshape(rows, columns)[::-1].astype(float)


def pack(grid: np.ndarray) -> bytes:
    """Return the file's bytes; geo/geoid.py undoes it."""
    centimetres = np.rint(grid * 100).astype(np.int64)
    second = np.diff(np.diff(centimetres, axis=1, prepend=0), axis=0, prepend=0)
    assert np.abs(second).max() < 2**15
    return zlib.compress(second.astype("<i2").view(np.uint8).reshape(-1, 2).T.tobytes(), 9)


def halved_error(grid: np.ndarray) -> np.ndarray:
    """Return what bilinear interpolation of every second point misses at the points left out."""
    coarse = np.concatenate([grid[::2, ::2], grid[::2, :1]], axis=1)
    fine = np.empty((grid.shape[0], grid.shape[1] + 1))
    fine[::2, ::2] = coarse
    fine[::2, 1::2] = (coarse[:, :-1] + coarse[:, 1:]) / 2
    fine[1::2] = (fine[:-2:2] + fine[2::2]) / 2
    return np.abs(fine[:, :-1] - grid)


def main() -> None:
    grid = read(Path(sys.argv[1]))
    packed = pack(grid)
    error = halved_error(grid)
    ukraine = error[148:185, 808:882]  # 44 to 53 N, 22 to 40 E
    print(f"15 minutes: {len(packed) / 1e3:.0f} kB; rounding {np.abs(np.rint(grid * 100) / 100 - grid).max():.4f} m")
    print(f"30 minutes: {len(pack(grid[::2, ::2])) / 1e3:.0f} kB; max {error.max():.2f} m,", end=" ")
    print(f"rms {np.sqrt((error**2).mean()):.3f} m, 99.9 % {np.percentile(error, 99.9):.2f} m", end="; ")
    print(f"Ukraine max {ukraine.max():.2f} m, rms {np.sqrt((ukraine**2).mean()):.3f} m")
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_bytes(packed)


if __name__ == "__main__":
    main()
