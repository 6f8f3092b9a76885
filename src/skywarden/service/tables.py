"""The tables of a replay, written while it runs."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from skywarden.model.event import AlertCleared, AlertRaised, AlertUpdated, Entry, TrackStates, decode
from skywarden.model.track import Picture
from skywarden.outputs.tables import HEADS, alerts, arrivals, tracks
from skywarden.record.log import kind

TOLD = (TrackStates.__name__, AlertRaised.__name__, AlertUpdated.__name__, AlertCleared.__name__)


class Tables:
    """tracks.csv, alerts.csv and arrivals.csv in a directory. Use it as a context manager; older ones are replaced."""

    def __init__(self, directory: Path) -> None:
        """Begin them. Raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._files = {
                name: stack.enter_context((directory / f"{name}.csv").open("w", encoding="utf-8", newline="\n"))
                for name in HEADS
            }
            for name, head in HEADS.items():
                self._files[name].write(head)
            self._stack = stack.pop_all()

    def take(self, group: Iterable[Entry], picture: Picture | None) -> None:
        """Write what a tick has brought. group: its entries; picture: after it.

        Where the tracks are, and when they could arrive, is told once a second; alerts when they change.
        """
        for entry in group:
            if entry.cause == entry.seq or kind(entry.payload) not in TOLD:
                continue
            event = decode(entry.payload)
            if isinstance(event, TrackStates):
                assert picture is not None  # it has told where its tracks are
                category = {i.track: str(i.category) for i in picture.identities}
                self._files["tracks"].write(tracks(event, category))
                self._files["arrivals"].write(arrivals(event.time, picture.threats))
            elif isinstance(event, AlertRaised | AlertUpdated | AlertCleared):
                self._files["alerts"].write(alerts(event))

    def __enter__(self) -> "Tables":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
