"""Times and languages as people write them on the command line."""

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from skywarden.record.reading import SqliteRecord

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000_000  # ns
LAST = datetime(2262, 1, 1, tzinfo=UTC)  # int64 ns end soon after
LANGUAGES = ("en", "uk")


def time_of(text: str, near: int, option: str) -> int:
    """Return UTC ns of what was written. A time of day alone is the last such one until `near`, ns.

    Without a zone it is UTC. Raises BadParameter.
    """
    if text.isdecimal() and len(text) > 8:
        return min(int(text), _ns(LAST))
    try:
        if "-" not in text and ":" in text:
            return _of_day(time.fromisoformat(text), near)
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return _ns(min(max(moment, EPOCH), LAST))
    except ValueError:
        hint = "write it like 21:30, 2026-11-02T21:30:00Z, or in ns since 1970"
        raise typer.BadParameter(f'"{text}" is not a time; {hint}', param_hint=option) from None


def _of_day(clock: time, near: int) -> int:
    offset = clock.utcoffset() or timedelta()
    day = near // DAY * DAY
    since = timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)
    found = day + (since - offset) // timedelta(microseconds=1) * 1000
    while found > near:
        found -= DAY
    return found if found + DAY > near else found + DAY


def _ns(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def ending(record: "SqliteRecord") -> int:
    """Return the time of a record's last entry, ns."""
    last = record.last()
    return next((entry.time for entry in record.entries(last - 1)), 0) if last else 0


def language_of(wanted: str | None) -> str:
    """Return "en" or "uk": what was asked for, else what the environment says."""
    from skywarden.service.words import language

    if wanted is not None and wanted not in LANGUAGES:
        raise typer.BadParameter(f'"{wanted}" is no language here; write en or uk', param_hint="--language")
    return wanted or language()
