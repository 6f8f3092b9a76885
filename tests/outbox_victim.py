"""A process that records warnings and hands them to its outbox, to be killed: python outbox_victim.py FOLDER PORT N.

It begins where its record ends, as the engine does.
"""

import sys
import time
from pathlib import Path

from areas_told import PLANT, SECOND, following, warning

from skywarden.config import Settings
from skywarden.model.event import AreaWarned, Entry, encode
from skywarden.model.place import Site
from skywarden.model.recipient import Recipient
from skywarden.record.checkpoint import key_at
from skywarden.record.sqlite import SqliteLog
from skywarden.service.outbox import Outbox
from skywarden.service.outbox_store import beside

AREAS = 5


def told(seq: int, begun: int) -> AreaWarned:
    """Return what the engine would say as its entry `seq`: each area's warning, again and again."""
    area, turn = seq % AREAS, seq // AREAS
    at = begun + turn * SECOND
    one = warning(area=f"S{area}", number=area + 1, sent=begun, raised=begun, until=begun + 3600 * SECOND)
    return AreaWarned(at, following(one, seconds=turn, part=turn) if turn else one)


def main(folder: Path, port: int, count: int, begun: int) -> None:
    """Tell so many, and wait to be killed."""
    log = SqliteLog(folder / "record", key_at(folder / "record.key"))
    sites = tuple(Site(name=f"S{k}", latitude=PLANT.latitude + k, longitude=PLANT.longitude) for k in range(AREAS))
    to = Recipient(name="w", kind="webhook", url=f"http://127.0.0.1:{port}/")
    settings = Settings(sites=sites, recipients=(to,))
    outbox = Outbox(beside(folder / "record"), settings, log, lambda *_: None)
    outbox.start([], ())
    for seq in range(log.last() + 1, count + 1):
        event = told(seq, begun)
        log.append([Entry(seq, event.time, seq, encode(event))])
        outbox.take([event], (), seq)
        time.sleep(0.002)
    time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
