"""The record: an append-only log of every input and what followed from it."""

from skywarden.record.info import info
from skywarden.record.log import Log, Record
from skywarden.record.memory import MemoryLog
from skywarden.record.reading import SqliteRecord
from skywarden.record.sqlite import SqliteLog
from skywarden.record.writer import Writer

__all__ = ["Log", "MemoryLog", "Record", "SqliteLog", "SqliteRecord", "Writer", "info"]
