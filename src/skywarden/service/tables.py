"""The tables of a replay, written while it runs."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np

from skywarden import geo
from skywarden.model.event import AlertCleared, AlertRaised, AlertUpdated, Entry, TrackStates, decode
from skywarden.model.place import F64
from skywarden.model.track import Picture
from skywarden.outputs.tables import HEADS, alerts, arrivals, past, tracks
from skywarden.record.log import kind
from skywarden.track.chain import tracks_of
from skywarden.track.handover import same
from skywarden.track.settings import TrackerSettings
from skywarden.track.smooth import Smoother
from skywarden.track.states import at, columns
from skywarden.track.table import rows_of

TOLD = (TrackStates.__name__, AlertRaised.__name__, AlertUpdated.__name__, AlertCleared.__name__)


class Tables:
    """tracks.csv, past.csv, alerts.csv and arrivals.csv in a directory. A context manager; older ones are replaced."""

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
        self._smoother, self._numbers = Smoother(), dict[int, int]()

    def take(self, group: Iterable[Entry], picture: Picture | None, settings: TrackerSettings) -> None:
        """Write what a tick has brought. group: its entries; picture: after it.

        Where the tracks are, and when they could arrive, is told once a second; alerts when they change; where tracks
        were, once that is settled and some seconds more are known.
        """
        if picture is not None:
            self._look_back(picture, settings)
        for entry in group:
            if entry.cause == entry.seq or kind(entry.payload) not in TOLD:
                continue
            event = decode(entry.payload)
            if isinstance(event, TrackStates):
                assert picture is not None  # it has told where its tracks are
                known = {identity.track: identity for identity in picture.identities}
                self._files["tracks"].write(tracks(event, known, *_told_of(event, picture, settings)))
                self._files["arrivals"].write(arrivals(event.time, picture.threats.at(event.time)))
            elif isinstance(event, AlertRaised | AlertUpdated | AlertCleared):
                self._files["alerts"].write(alerts(event))

    def _look_back(self, picture: Picture, settings: TrackerSettings) -> None:
        """Write where those tracks were that people know."""
        chain = picture.chains.settled
        before = self._smoother.take(chain, settings)
        if before is None:
            return
        settled = tracks_of(chain, settings)
        head, old = same(picture.tracks, settled, chain.until, settings)
        self._numbers |= dict(zip(settled.label[old].tolist(), picture.tracks.number[head].tolist(), strict=True))
        number, row = np.unique([self._numbers.get(label, 0) for label in before.label.tolist()], return_index=True)
        number, row = number[number > 0], row[number > 0]
        sigma = np.sqrt(np.trace(before.covariance[row, :3, :3], axis1=1, axis2=2))
        self._files["past"].write(past(columns(before.time, number, before.mean[row]), sigma.tolist()))

    def __enter__(self) -> "Tables":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _told_of(states: TrackStates, picture: Picture, settings: TrackerSettings) -> tuple[list[str], F64]:
    """Return who saw each track last, and (n, 3, 3) the covariance of its place, m^2, of its east, north, up."""
    old, row = rows_of(picture.tracks.number, np.array(states.number, np.int64))
    assert len(old) == len(states.number)  # these states were made of this picture
    shown = picture.tracks.take(row)
    mean, covariance = at(shown, states.time, settings.vertical_noise_m2_s3)
    latitude, longitude, _ = geo.geodetic(mean[:, :3])
    level = geo.east_north_up(latitude, longitude)
    names = [picture.sensors[k] if k >= 0 else "" for k in shown.seen_by[:, 0].tolist()]
    return names, np.einsum("nij,njk,nlk->nil", level, covariance[:, :3, :3], level)
