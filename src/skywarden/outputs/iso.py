"""Times as people and programs outside write them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time: int) -> str:
    """Return ISO 8601, UTC, whole milliseconds, of ns since 1970: "2026-11-24T13:15:17.123Z"."""
    moment = EPOCH + timedelta(microseconds=time // 1000)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
