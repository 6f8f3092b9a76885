"""Why a warning was given: its record run again up to that moment, compared, and followed back to the raw frames."""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from skywarden.geo import east_north_up, ecef
from skywarden.identify import Why, reasons
from skywarden.model.assessment import Identity, Threat
from skywarden.model.event import Entry, TrackConfirmed
from skywarden.model.place import Site
from skywarden.model.track import Picture, Status, TrackKind
from skywarden.pipeline import UNREADABLE
from skywarden.record.reading import SqliteRecord
from skywarden.replay import Comparison, beginning, compare
from skywarden.review.find import Asked, Moment, Tell, moment, read
from skywarden.review.history import Step, history
from skywarden.review.trace import Measured, Traced

BEFORE = 60_000_000_000  # ns before its confirmation: of a track that was there earlier, an earlier state is taken


class Way(NamedTuple):
    """How a track flies, as seen from a site. distance_m, speed_m_s: on the level; heading_deg, bearing_deg: from true
    north, bearing_deg from the site to it. height_m: above the site. threat: None where it cannot reach the site."""

    site: Site
    distance_m: float
    bearing_deg: float
    height_m: float
    speed_m_s: float
    heading_deg: float
    threat: Threat | None


class Shown(NamedTuple):
    """A track as it was at the moment. seen_by: sensors, the latest first. since: ns, shown without a break since."""

    label: int
    status: str
    kind: str
    born: int
    since: int
    seen_by: tuple[str, ...]
    identity: Identity
    why: Why
    ways: tuple[Way, ...]


class Sought(NamedTuple):
    """What is to be explained, and what is recorded of the track."""

    moment: Moment
    steps: list[Step]


class Explained(NamedTuple):
    """Everything. start: seq of the entry after which the run began. shown: None where the run left the record before.

    whole: no measurement of the track can be missing: none was before that, none in a hole of the record.
    """

    moment: Moment
    start: int
    compared: Comparison
    steps: list[Step]
    shown: Shown | None
    measured: list[Measured]
    whole: bool

    @property
    def equal(self) -> bool:
        """Say whether everything up to the moment came out as it is recorded, byte for byte."""
        return self.compared.difference is None and self.shown is not None


def sought(record: SqliteRecord, asked: Asked, tell: Tell) -> Sought:
    """Find what is to be explained, and what is recorded of it. tell: told how far, as a seq. Raises RecordError."""
    found = moment(record, asked, tell)
    site = found.alert.site if found.alert is not None else ""
    return Sought(found, history(record, found.track, site, tell))


def explain(record: SqliteRecord, sought: Sought, tell: Tell, quick: bool = False) -> Explained:
    """Run the record up to the moment, and say why. tell: told how far, as a seq.

    quick: from the newest state before it; measurements from before that are not found. Raises RecordError.
    """
    found, steps = sought
    for start, line in _lines(record, found, quick):
        line.follow(found.track, found.until)
        compared = compare(_entries(record, start, found.last, tell), line)
        if line.whole or quick or not start:
            break
    shown = None if line.at is None else _shown(line.at, found, line.settings.sites)
    whole = line.whole and found.confirmed is not None and not compared.holes
    return Explained(found, start, compared, steps, shown, line.measured, whole)


def _entries(record: SqliteRecord, start: int, last: int, tell: Tell) -> Iterator[Entry]:
    for entry in record.entries(start):
        if entry.seq % 1000 == 0:
            tell(entry.seq)
        yield entry
        if entry.seq >= last:
            return


def _lines(record: SqliteRecord, found: Moment, quick: bool) -> Iterator[tuple[int, Traced]]:
    """Yield lines to run from, and the entry after which each is: states from before the track, then the beginning.

    quick: states from before the moment.
    """
    if quick or found.confirmed is not None:
        latest = found.time if quick or found.confirmed is None else found.confirmed.time - BEFORE
        for seq, payload in record.states_before(found.until - 1):
            with suppress(*UNREADABLE):
                line = Traced.restore(payload)
                if line.picture is not None and line.picture.time <= latest:
                    yield seq, line
    begun = record.beginning()
    if begun is None:
        yield 0, Traced()
    else:
        beginning(record)  # raises in words where it cannot be read
        yield begun[0], Traced.restore(begun[1])


def _shown(picture: Picture, found: Moment, sites: tuple[Site, ...]) -> Shown | None:
    tracks = picture.tracks
    rows = np.flatnonzero(tracks.number == found.track)
    if not len(rows):
        return None
    row = int(rows[0])
    threats = {one.site: one for one in picture.threats.at(picture.time) if one.track == found.track}
    wanted = [s for s in sites if (s.name == found.alert.site if found.alert is not None else s.name in threats)]
    identity = next((one for one in picture.identities if one.track == found.track), Identity(found.track))
    return Shown(
        label=int(tracks.label[row]),
        status=Status(int(tracks.status[row])).name.lower(),
        kind=TrackKind(int(tracks.kind[row])).name.lower(),
        born=int(tracks.born[row]),
        since=int(tracks.since[row]),
        seen_by=tuple(picture.sensors[k] for k in tracks.seen_by[row].tolist() if k >= 0),
        identity=identity,
        why=reasons(picture.evidence, found.track, picture.time),
        ways=tuple(_way(picture, row, site, threats.get(site.name)) for site in wanted),
    )


def _way(picture: Picture, row: int, site: Site, threat: Threat | None) -> Way:
    tracks = picture.tracks
    latitude, longitude = np.radians(site.latitude), np.radians(site.longitude)
    axes = east_north_up(latitude, longitude)
    velocity = tracks.mean[row, 3:]
    place = tracks.mean[row, :3] + velocity * ((picture.time - tracks.time[row]) * 1e-9)
    east, north, up = (float(one) for one in axes @ (place - ecef(latitude, longitude, site.height_m)))
    v_east, v_north, _ = (float(one) for one in axes @ velocity)
    return Way(
        site=site,
        distance_m=float(np.hypot(east, north)),
        bearing_deg=float(np.degrees(np.arctan2(east, north)) % 360),
        height_m=up,
        speed_m_s=float(np.hypot(v_east, v_north)),
        heading_deg=float(np.degrees(np.arctan2(v_east, v_north)) % 360),
        threat=threat,
    )


def sensors_until(explained: Explained) -> dict[str, int]:
    """Return which sensors had measured the track until it was confirmed, and how often."""
    confirmed = explained.moment.confirmed
    counts: dict[str, int] = {}
    if confirmed is not None:
        assert isinstance(read(confirmed), TrackConfirmed)
        for one in explained.measured:
            if one.seq <= confirmed.cause:
                counts[one.sensor] = counts.get(one.sensor, 0) + 1
    return counts
