"""Settings of one installation: one TOML file in, frozen values out, unknown keys refused."""

from pathlib import Path

import msgspec

from skywarden.alert import AlertSettings
from skywarden.errors import ConfigError
from skywarden.model.place import Sensor, Site, Source
from skywarden.model.track import Mode
from skywarden.track.step import TrackerSettings


class RunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    mode: Mode = Mode.LIVE
    clock: str = "host"  # "host": this computer's; "data": the messages' own times, for recordings (mode is replay)
    tick_ms: int = 100


class RecordSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    path: str = "record"  # directory
    snapshot_s: float = 2.0


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    listen: str = "127.0.0.1:8642"


class OutputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    jsonl: str | None = None  # "-" is standard output
    geojson: str | None = None  # file, replaced once a second


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    run: RunSettings = RunSettings()
    sites: tuple[Site, ...] = ()
    sources: tuple[Source, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    tracker: TrackerSettings = TrackerSettings()
    alert: AlertSettings = AlertSettings()
    record: RecordSettings = RecordSettings()
    api: ApiSettings = ApiSettings()
    outputs: OutputSettings = OutputSettings()


def parse(text: str) -> Settings:
    """Return the settings that a TOML text says. Raises ConfigError that names the key and what to write instead."""
    try:
        return msgspec.toml.decode(text, type=Settings)
    except msgspec.MsgspecError as e:
        raise ConfigError(str(e)) from None


def load(path: Path) -> Settings:
    """Read a configuration file."""
    return parse(path.read_text())
