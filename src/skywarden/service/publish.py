"""What the last tick showed, for everyone who looks: encoded once, never waited for."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from skywarden.config import OutputSettings
from skywarden.identify import reasons
from skywarden.model.event import Output, TrackStates
from skywarden.model.foreign import Foreign
from skywarden.model.place import District, Site
from skywarden.model.track import Picture
from skywarden.outputs import ENCODERS
from skywarden.service import advice_rows, held_rows, raid_rows, report_rows, rows, sensor_rows, site_rows, trust_rows
from skywarden.service.emit import Emitter
from skywarden.service.outbox_rows import FAILING, RecipientRow
from skywarden.service.partners import State
from skywarden.service.reload import UNKNOWN, Configured
from skywarden.service.room import Left
from skywarden.service.sync import NOT_ASKED, Sync
from skywarden.service.tls import Row
from skywarden.service.wire import Wire
from skywarden.track.feeds import foreign
from skywarden.track.motion import VERTICAL_NOISE
from skywarden.watch import Said

STALLED_AFTER = 2.0  # s without a new picture
APART = 0.08  # s between two messages of /api/stream: people see no more, and rows and JSON of 1,000 tracks take 8 ms
UNTOLD = 10_000  # events at most that wait for the next of them
OK, DEGRADED, NOT_RECORDED, STALLED = "ok", "degraded", "not recorded", "stalled"

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class Published:
    """One tick's result. Frozen; what is encoded is kept, so that a hundred viewers cost one.

    states: the shown tracks at the picture's time. recorded: source -> messages that are acknowledged: safe on the
    disk, and none before them lost; before: the same when this process started. lost: source -> messages that are in
    no record, since this process started. latency_ms: p50, p99 from receipt to here, NaN before the first message.
    fault: why the record does not confirm, in words. tick: counts passes of the engine. time: ns, the clock's now.
    """

    picture: Picture
    states: TrackStates
    wires: tuple[Wire, ...] = ()
    recorded: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    latency_ms: tuple[float, float] = (float("nan"), float("nan"))
    not_recorded: bool = False
    fault: str | None = None
    key: str = ""  # public, of the record, hexadecimal
    room: Left | None = None  # that the record has; None: not looked at yet
    tick: int = 0
    time: int = 0
    sites: tuple[Site, ...] = ()
    districts: tuple[District, ...] = ()
    vertical_noise: float = VERTICAL_NOISE  # of [tracker], for the covariances now
    stepped_s: float = 0.0  # by which the host's clock jumped since the start, to 0.1 s; our times did not follow
    stepped_at: int = 0  # ns, when it last did, in our time
    sync: Sync = NOT_ASKED  # of the host's clock
    tls: tuple[Row, ...] = ()
    doubts: tuple[str, ...] = ()  # what was wrong with the record at the start, in words
    choosy: bool = False  # only suspect and hostile tracks raise alerts: alert_on = "suspect"
    people: str | None = None  # what is wrong with their file: nobody can log in
    partners: tuple[State, ...] = ()  # those that get cues or the picture
    view: str | None = None  # why the terminal's view cannot be drawn, "" when it can, None when there is none
    config: Configured = UNKNOWN
    outbox: tuple[RecipientRow, ...] = ()
    outbox_fault: str | None = None  # why what is to be sent cannot be kept, in words

    @cached_property
    def sources(self) -> list[rows.SourceRow]:
        return rows.sources(self.picture, self.wires, self.recorded, self.before, self.time)

    @cached_property
    def tracks(self) -> list[rows.TrackRow]:
        """The shown tracks without their covariances."""
        return rows.tracks(self.picture, self.states, covariances=False)

    @cached_property
    def foreign(self) -> Foreign:
        """The tracks of other systems."""
        return foreign(self.picture)

    @cached_property
    def alerts(self) -> list[rows.AlertRow]:
        return rows.alerts(self.picture.alerts)

    @cached_property
    def words(self) -> dict[str, Said]:
        """What may be said of each site; nothing else says that nothing comes."""
        return site_rows.said(self.picture, self.sites, self.choosy)

    @cached_property
    def site_rows(self) -> list[raid_rows.SiteRow]:
        words = {row.site: row for row in site_rows.rows(self.words, self.picture.watch)}
        return raid_rows.sites(self.picture.raids, self.sites, self.picture.time, words)

    @cached_property
    def district_rows(self) -> list[raid_rows.DistrictRow]:
        return raid_rows.districts(self.site_rows, self.districts)

    @cached_property
    def raid_rows(self) -> list[raid_rows.RaidRow]:
        return raid_rows.positions(self.picture.raids)

    @cached_property
    def sensors(self) -> list[sensor_rows.SensorRow]:
        return sensor_rows.fitting(self.picture)

    @cached_property
    def registration(self) -> list[sensor_rows.RegistrationRow]:
        return sensor_rows.registration(self.picture)

    @cached_property
    def ears(self) -> sensor_rows.EarsRow:
        return sensor_rows.ears(self.picture)

    @cached_property
    def held(self) -> held_rows.HeldRow:
        return held_rows.row(self.picture.held, self.picture.handovers)

    @cached_property
    def advice(self) -> list[advice_rows.AdviceRow]:
        return advice_rows.rows(self.picture.advices.standing, self.picture.raids.groups)

    @property
    def unfit(self) -> list[str]:
        """The sensors whose place or clock is wrong, or that fit no others: registration leaves them as they are."""
        return [row.sensor for row in self.registration if row.fault]

    @property
    def quarantined(self) -> list[str]:
        """The sensors and sources that clear nothing."""
        return sorted(self.picture.trust.quarantined)

    @property
    def untold(self) -> list[RecipientRow]:
        """The recipients that do not take what they should be told."""
        return [row for row in self.outbox if row.state == FAILING]

    @property
    def boasting(self) -> list[str]:
        """The sensors whose errors are larger than they claim."""
        return sorted({row.sensor for row in self.sensors if row.state == sensor_rows.TOO_SURE})

    @property
    def state(self) -> str:
        if self.not_recorded:
            return NOT_RECORDED
        scarce = self.room is not None and self.room.scarce
        well = all(source.good for source in self.sources) and not self.stepped_s and not self.lost and not scarce
        well = well and not any(end.expired for end in self.tls) and not self.view and self.config.refused is None
        well = well and not self.doubts and not self.boasting and not self.unfit and not self.quarantined
        well = well and not self.ears.many and not self.untold and not self.outbox_fault and not self.people
        well = well and not any(one.fault for one in self.partners)
        return OK if well else DEGRADED

    def why_json(self, number: int) -> bytes | None:
        """Return /api/why/NUMBER; None where there is no such track."""
        identity = next((one for one in self.picture.identities if one.track == number), None)
        if identity is None:
            return None
        tracks, time = self.picture.tracks, self.picture.time
        label = int(tracks.label[tracks.number == number].max(initial=0))
        return _encode(rows.why(identity, label, reasons(self.picture.evidence, number, time), time))

    @cached_property
    def reports(self) -> report_rows.ReportsRow:
        """What people report."""
        return report_rows.reports(self.picture)

    def reports_json(self) -> bytes:
        """Return /api/reports."""
        return _encode(self.reports)

    def watched_json(self) -> bytes:
        """Return /api/watched."""
        return _encode(site_rows.watched(self.picture, self.words))

    def picture_json(self) -> bytes:
        """Return /api/picture."""
        return self._picture_json

    def health_json(self) -> bytes:
        """Return /api/health."""
        return self._health_json

    def geojson(self) -> bytes:
        """Return /api/geojson."""
        return self._geojson

    def health(self, state: str | None = None) -> dict[str, Any]:
        """Return what /api/health says; state: another word than our own."""
        p50, p99 = self.latency_ms
        return {
            "time": self.picture.time,
            "mode": self.picture.mode,
            "state": state or self.state,
            "tick": self.tick,
            "latency_ms": {"p50": rows.number(p50), "p99": rows.number(p99)},
            "clock": {
                "stepped_s": self.stepped_s,
                "stepped_at": self.stepped_at or None,
                "state": self.sync.state,
                "synchronised": self.sync.synchronised,
                "estimated_error_s": self.sync.estimated_s,
                "maximum_error_s": self.sync.maximum_s,
            },
            "config": {
                "read": self.config.read or None,
                "changed": self.config.changed,
                "refused": self.config.refused,
                "stays": self.config.stays,
            },
            "record": {
                "state": NOT_RECORDED if self.not_recorded else OK,
                "key": self.key,
                "fault": self.fault,
                "lost": self.lost,
                "doubts": self.doubts,
                "room": self.room,
            },
            "alerting": "suspect and hostile tracks only" if self.choosy else OK,
            "sources": self.sources,
            "sensors": self.sensors,
            "registration": self.registration,
            "trust": trust_rows.trust(self.picture),
            "unregistered": sensor_rows.left(self.picture),
            "air": sensor_rows.air(self.picture),
            "microphones": self.ears,
            "tls": [end._asdict() for end in self.tls],
            "outbox": {"fault": self.outbox_fault, "recipients": self.outbox},
            "people": {"fault": self.people},
            "partners": [one._asdict() for one in self.partners],
            "view": f"cannot draw: {self.view}" if self.view else None if self.view is None else OK,
        }

    def tick_json(self, events: Sequence[Output]) -> bytes:
        """Return one message of /api/stream."""
        return _encode(
            {
                "type": "tick",
                "tick": self.tick,
                "time": self.picture.time,
                "mode": self.picture.mode,
                "state": self.state,
                "tracks": self.tracks,
                "foreign": rows.foreign(self.foreign),
                "alerts": self.alerts,
                "sites": self.site_rows,
                "districts": self.district_rows,
                "raids": self.raid_rows,
                "held": self.held,
                "advice": self.advice,
                "sources": self.sources,
                "recorded": self.recorded,
                "events": rows.events(events),
            }
        )

    @cached_property
    def _picture_json(self) -> bytes:
        return _encode(
            {
                "time": self.picture.time,
                "mode": self.picture.mode,
                "state": self.state,
                "tracks": rows.tracks(self.picture, self.states, vertical_noise=self.vertical_noise),
                "foreign": rows.foreign(self.foreign),
                "alerts": self.alerts,
                "sites": self.site_rows,
                "districts": self.district_rows,
                "raids": self.raid_rows,
                "held": self.held,
                "advice": self.advice,
                "sources": self.sources,
            }
        )

    @cached_property
    def _health_json(self) -> bytes:
        return _encode(self.health())

    @cached_property
    def _geojson(self) -> bytes:
        return ENCODERS["geojson"](self.states, self.picture, self.sites, self.foreign)


class Publisher:
    """Keeps the latest picture and tells those who wait for it. `publish` never waits for anybody."""

    def __init__(self, outputs: OutputSettings | None = None, steady: Callable[[], float] = time.monotonic) -> None:
        """Open the output files. Raises ConfigError when one cannot be written."""
        self._steady = steady
        self._emitter = Emitter(outputs or OutputSettings())
        self._latest: tuple[Published, float] | None = None
        self._message: tuple[int, bytes] | None = None  # id of the tick it belongs to
        self._untold: deque[Output] = deque(maxlen=UNTOLD)  # what happened since
        self._told_at = float("-inf")
        self._woken = False  # they were, since the last message was made
        self._watchers: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def publish(self, published: Published, events: Sequence[Output]) -> None:
        """Show a new picture, with what happened in its tick."""
        self._emitter.take(published, events)
        with self._lock:
            self._latest = (published, self._steady())
            if not self._watchers:
                self._untold.clear()
            self._untold.extend(events)
            if not self._woken or self.due() <= 0:
                self._woken = True
                for wake in self._watchers:
                    wake()

    @property
    def latest(self) -> Published | None:
        return self._latest[0] if self._latest else None

    def age(self) -> float:
        """Return s since the last picture was published; infinite before the first."""
        return self._steady() - self._latest[1] if self._latest else float("inf")

    def stalled(self) -> bool:
        return self.age() > STALLED_AFTER

    def health_json(self) -> bytes:
        """Return /api/health; it says so when the engine has not published for a while."""
        if self._latest is None:
            return _encode({"state": STALLED, "sources": []})
        published = self._latest[0]
        return _encode(published.health(STALLED)) if self.stalled() else published.health_json()

    def due(self) -> float:
        """Return s until the next message can be had; not over 0 when it can."""
        return self._told_at + APART - self._steady()

    def message(self) -> tuple[int, bytes] | None:
        """Return the id and the text of a tick for /api/stream, encoded once; None before the first.

        It is the latest when one is `due`, with what happened since the one before; else the one before. One thread
        asks, for all viewers.
        """
        with self._lock:
            if self._latest is None or self.due() > 0:
                return self._message
            published, self._woken = self._latest[0], False
            if self._message is not None and self._message[0] == published.tick:
                return self._message
            happened, self._told_at = list(self._untold), self._steady()
            self._untold.clear()
        self._message = (published.tick, published.tick_json(happened))
        return self._message

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` (quick, from the engine's thread) when there is a new picture; return how to end that.

        It is called at the first after a new `message`, and at each one when another is `due`.
        """
        with self._lock:
            self._watchers.append(wake)

        def end() -> None:
            with self._lock:
                self._watchers.remove(wake)

        return end

    def close(self) -> None:
        """Write out what is left and close the files."""
        self._emitter.close()
