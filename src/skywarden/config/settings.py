"""What can be set, with defaults and units. The words for people stand in `words.py`, the limits in `limits.py`."""

from typing import Literal

import msgspec

from skywarden.alert import AlertSettings
from skywarden.identify import IdentifySettings
from skywarden.model.place import District, Flight, Partner, Position, Sensor, Site, Source, Unit
from skywarden.model.recipient import Recipient
from skywarden.model.track import Mode
from skywarden.raid import RaidSettings
from skywarden.track.settings import TrackerSettings


class RunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the engine runs. clock "data" is for recordings: the messages' own times; its mode is replay."""

    mode: Mode = Mode.LIVE
    clock: Literal["host", "data"] = "host"
    tick_ms: int = 100
    clock_error_ms: float = 100.0  # of the host's clock, estimated by what synchronises it


class RecordSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where everything that came in is kept."""

    path: str = "record"  # directory
    snapshot_s: float = 2.0
    key: str | None = None  # file; None: beside the directory
    keep_days: float | None = None  # None: all
    max_gb: float | None = None  # None: as much as there is


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the HTTP and WebSocket interface listens."""

    listen: str = "127.0.0.1:8642"
    tls_certificate: str | None = None  # PEM file; with it the interface is https
    tls_key: str | None = None  # PEM file; None: in the certificate's
    tls_ca: str | None = None  # PEM file; viewers must have a certificate that it signed
    plain: bool = False  # no TLS at an address that other computers can reach


class OutputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Files that are written beside the record."""

    jsonl: str | None = None  # "-" is standard output
    geojson: str | None = None  # file, replaced once a second
    sender: str = "skywarden"  # of warnings


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One installation."""

    run: RunSettings = RunSettings()
    sites: tuple[Site, ...] = ()
    districts: tuple[District, ...] = ()
    positions: tuple[Position, ...] = ()
    partners: tuple[Partner, ...] = ()
    units: tuple[Unit, ...] = ()
    sources: tuple[Source, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    flights: tuple[Flight, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    tracker: TrackerSettings = TrackerSettings()
    identify: IdentifySettings = IdentifySettings()
    alert: AlertSettings = AlertSettings()
    raid: RaidSettings = RaidSettings()
    record: RecordSettings = RecordSettings()
    api: ApiSettings = ApiSettings()
    outputs: OutputSettings = OutputSettings()
