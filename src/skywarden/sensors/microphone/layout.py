"""The bytes of a message as NumPy records: what encoder and decoder share. The tables stand in docs/microphone.md."""

import zlib
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from skywarden.model.assessment import CLASSES

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]

MAGIC, VERSION = 0x534D, 1  # "SM"
REPORT, HEARTBEAT = 1, 2
LONGEST = 300  # bytes of a whole message
CHECK = 4  # bytes of the checksum at the end

HEAD = [
    ("magic", ">u2"),
    ("version", "u1"),
    ("type", "u1"),
    ("length", ">u2"),  # bytes of the whole message
    ("flags", ">u2"),
    ("node", ">u4"),
    ("number", ">u4"),
    ("time", ">u8"),  # UTC, ns since 1970
    ("latitude", ">i4"),  # 1e-7 deg
    ("longitude", ">i4"),  # 1e-7 deg
    ("height", ">i4"),  # 0.01 m above the ellipsoid
]
HEARD = [
    ("level", ">i2"),  # 0.01 dB
    ("noise", ">i2"),  # 0.01 dB
    ("f0", ">u4"),  # 0.001 Hz, 0 none
    ("f0_sigma", ">u2"),  # 0.01 Hz
    ("azimuth", ">u2"),  # 0.01 deg, NO_AZIMUTH none
    ("elevation", ">i2"),  # 0.01 deg, NO_ANGLE none
    ("sigma_azimuth", ">u2"),  # 0.01 deg
    ("sigma_elevation", ">u2"),  # 0.01 deg
    ("correlation", ">i2"),  # 1e-4
    ("looks", ">u2"),  # 0.01
    ("calibration", ">u4"),
    ("model", ">u4"),
    ("count", "u1"),  # of the class entries that follow
]
ALIVE = [
    ("noise", ">i2"),  # 0.01 dB
    ("wind", ">u2"),  # 0.1 m/s, NO_WIND not measured
    ("health", "u1"),
    ("spare", "u1"),
    ("interval", ">u2"),  # s
    ("uptime", ">u4"),  # s
    ("software", ">u4"),
    ("model", ">u4"),
]
ENTRY = np.dtype([("code", "u1"), ("llr", ">i2")])  # 0.01 nat, NOT_SAID none

NO_AZIMUTH, NO_ANGLE, NO_WIND, NOT_SAID = 0xFFFF, -0x8000, 0xFFFF, -0x8000
FIXED = np.dtype([*HEAD, *HEARD]).itemsize + CHECK  # bytes of a report without class entries
MOST = (LONGEST - FIXED) // ENTRY.itemsize  # class entries


class Flags(IntFlag):
    """What a node says of its message."""

    WIND = 1  # wind covers weak sounds
    CLIPPED = 2  # the loudest samples were cut off: the level is too low
    CLOCK = 4  # the clock is not synchronised
    PLACE = 8  # the node is not sure where it stands
    SIMULATED = 16
    TEST = 32


def report(count: int) -> np.dtype[np.void]:
    """Return the record of a report with `count` class entries."""
    return np.dtype([*HEAD, *HEARD, ("classes", ENTRY, (count,)), ("check", ">u4")])


HEARTBEAT_RECORD = np.dtype([*HEAD, *ALIVE, ("check", ">u4")])
SIZE, HEARTBEAT_SIZE = report(len(CLASSES)).itemsize, HEARTBEAT_RECORD.itemsize


def checksums(messages: U8) -> U32:
    """Return (m,) CRC-32 of (m, size) whole messages, each without its last CHECK bytes.

    One call of zlib for each: for so few bytes as fast as a compiled loop, and nothing to compile.
    Source: ISO/IEC/IEEE 8802-3, 3.2.9 (as in zlib, gzip and PNG).
    """
    size = messages.shape[1]
    data, crc32 = memoryview(messages.tobytes()), zlib.crc32
    found = [crc32(data[k : k + size - CHECK]) for k in range(0, len(data), size)]
    return np.array(found, np.uint32)
