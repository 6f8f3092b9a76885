"""An outbox with its record, and a stand-in for the engine."""

import time

from areas_told import PLANT, SECOND, warning

from skywarden.config import Settings
from skywarden.config.settings import OutputSettings, RunSettings
from skywarden.model.event import AreaWarned, Entry, encode
from skywarden.model.mode import Mode
from skywarden.model.place import District, Site
from skywarden.model.recipient import Recipient
from skywarden.record import MemoryLog
from skywarden.service.outbox import Outbox
from skywarden.service.outbox_store import Store, beside


def now():
    return time.time_ns()


def raised(**changes):
    at = now() // SECOND * SECOND
    return warning(**{"sent": at, "raised": at, "until": at + 3600 * SECOND, "first": at + 500 * SECOND, **changes})


def hook(name, port, **changes):
    return Recipient(name=name, kind="webhook", url=f"http://127.0.0.1:{port}/in?a=1", **{"timeout_s": 1.0, **changes})


class Running:
    """An outbox with its record; a stand-in for the engine."""

    def __init__(self, folder, *recipients, mode=Mode.LIVE, log=None, begin=True, standing=()):
        self.settings = Settings(
            run=RunSettings(mode=mode),
            sites=(PLANT, Site(name="B", latitude=50.6, longitude=30.9), Site(name="C", latitude=50.7, longitude=30.9)),
            districts=(District(name="North", sites=("B", "C")),),
            recipients=recipients,
            outputs=OutputSettings(sender="example.org"),
        )
        self.log, self.notes = log or MemoryLog(), []
        self.path = beside(folder / "record")
        self.outbox = Outbox(self.path, self.settings, self.log, lambda *said: self.notes.append(said))
        if begin:
            self.outbox.start([], standing)

    def tell(self, *warnings, recorded=True):
        for one in warnings:
            seq = self.log.last() + 1
            if recorded:
                self.log.append([Entry(seq, one.sent, seq, encode(AreaWarned(one.sent, one)))])
            self.outbox.take([AreaWarned(one.sent, one)], (), self.log.last())

    def row(self, name):
        return next(row for row in self.outbox.rows if row.recipient == name)

    def states(self):
        store = Store(self.path)
        try:
            return [(row.recipient, row.message, row.state) for row in store.rows()]
        finally:
            store.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.outbox.stop()
