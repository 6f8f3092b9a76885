"""What the operator must know beside the picture, as lines of words: a disk's fault, what was lost, a clock's jump."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from skywarden.service.publish import Published

FAULTS = (  # parts of `Published.fault` that have words in each language; the rest is a path or the system's own
    "the disk is full: free some space",
    "the disk quota is used up: raise it or free some space",
    "the disk does not read or write: check the disk and the system log",
    "the disk is mounted read-only: mount it for writing, or name another directory",
    "another program has locked it: close that program",
    "the disk is too slow",
    "the disk needs more than",
    "memory is full too, and what comes is lost",
    "snapshot not kept",
)


def notices(shown: Published, words: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each, the worst first. words: a table of `LANGUAGES`."""
    if shown.not_recorded and shown.fault:
        fault = shown.fault
        for part in FAULTS:
            fault = fault.replace(part, words[part])
        yield words["record_fault"].format(fault=fault)
    if shown.lost:
        sources = ", ".join(f"{name} {count}" for name, count in sorted(shown.lost.items()))
        lost = words["messages_lost"].format(n=sum(shown.lost.values()), sources=sources)
        yield lost if shown.not_recorded else f"{lost}; {words['restart']}"  # which needs a disk that answers
    if shown.room is not None and shown.room.scarce:
        yield words["room"].format(hours=f"{shown.room.hours_left:.1f}")
    if shown.stepped_s:
        at = datetime.fromtimestamp(shown.stepped_at * 1e-9, UTC)
        yield words["clock_stepped"].format(s=f"{shown.stepped_s:+.1f}", time=f"{at:%H:%M:%S}Z")
