"""A record belongs to one writing process at a time."""

import fcntl
import os
from contextlib import suppress
from io import FileIO
from pathlib import Path

from skywarden.errors import RecordError
from skywarden.record import segment


def claim(path: Path) -> FileIO:
    """Take the record for this process; the kernel lets go of it when the process ends, however it ends.

    Raises RecordError when another process has it or it is no place for a record, OSError.
    """
    path.mkdir(parents=True, exist_ok=True)
    strangers = [p.name for p in path.iterdir() if p.name != "lock" and not p.name.startswith("segment-")]
    if strangers and not segment.files(path):
        raise RecordError(f"{path} is neither empty nor a record: name a new directory")
    held = FileIO(path / "lock", "a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.seek(0)
        holder = held.read().decode().strip()
        held.close()
        raise RecordError(f"{path} is being written by process {holder}: stop it, or name another directory") from None
    with suppress(OSError):  # the number only helps people; a full disk must not stop the claim
        held.truncate(0)
        held.write(b"%d\n" % os.getpid())
    return held
