"""A new configuration for a process that runs: what of it takes effect at once, and what needs a new start."""

from typing import Any

import msgspec

from skywarden.config.settings import Settings
from skywarden.errors import ConfigError

AT_ONCE = (
    "sites", "districts", "positions", "partners", "units", "sources", "sensors", "flights", "recipients", "tracker",
    "identify", "alert", "raid", "run.tick_ms", "record.snapshot_s",
)  # fmt: skip


def renewed(now: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings to go on with, and the names of the others that differ: they stay until a new start.

    Raises ConfigError for what cannot be gone on with at all.
    """
    if not wanted.sources:
        raise ConfigError("it has no sources, and nothing would be seen; to end the program, stop it")
    if any(source.file for source in (*now.sources, *wanted.sources)):
        raise ConfigError("a run over recordings is not reloaded; end it, and start again with a new [record] path")
    stays: list[str] = []
    sections: dict[str, Any] = {}
    for section in msgspec.structs.fields(Settings):
        old, new = getattr(now, section.name), getattr(wanted, section.name)
        if section.name in AT_ONCE:
            sections[section.name] = new
            continue
        differ = [name for name in old.__struct_fields__ if getattr(old, name) != getattr(new, name)]
        stays += [f"{section.name}.{name}" for name in differ if f"{section.name}.{name}" not in AT_ONCE]
        taken = {name: getattr(new, name) for name in differ if f"{section.name}.{name}" in AT_ONCE}
        sections[section.name] = msgspec.structs.replace(old, **taken)
    return Settings(**sections), tuple(stays)
