"""A warning as a CloudEvent 1.0 in its structured JSON form: what webhooks and MQTT carry. docs/warnings.md, fields."""

from typing import Any

import msgspec

from skywarden.model.warning import Move
from skywarden.outputs import phrases
from skywarden.outputs.message import Message, clean, minute, stamp

CONTENT_TYPE = "application/cloudevents+json"
TYPE = "org.skywarden.warning."
UTC = "Z"


def encode(message: Message) -> bytes:
    """Return the event."""
    warning = message.warning
    event = {
        "specversion": "1.0",
        "id": warning.identifier,
        "source": f"urn:skywarden:{message.sender}",
        "type": TYPE + message.move,
        "subject": clean(warning.area),
        "time": stamp(warning.sent, UTC),
        "datacontenttype": "application/json",
        "data": _data(message),
    }
    return msgspec.json.encode(event)


def _data(message: Message) -> dict[str, Any]:
    warning, over = message.warning, message.move is Move.ENDED
    last = minute(max(warning.last, warning.sent), up=True)
    sites = [
        {
            "site": clean(one.site),
            "level": one.level.word,
            "actions": [{"action": clean(b.action), "start_by": stamp(minute(b.by), UTC)} for b in one.begins],
        }
        for one in warning.sites
    ]
    return {
        "status": message.status,
        "mode": warning.mode,
        "level": warning.level.word,
        "likely": None if over else warning.likely,
        "kinds": list(warning.kinds),
        "first_arrival": None if over else stamp(minute(warning.first), UTC),
        "last_arrival": None if over else stamp(last, UTC),
        "holds_until": stamp(warning.until, UTC),
        "raised": stamp(warning.raised, UTC),
        "sites": sites,
        "area": _area(message),
        "references": [one.identifier for one in message.references],
        "text": {language: _text(message, language) for language in ("en", "uk")},
    }


def _area(message: Message) -> dict[str, Any]:
    outline = message.outline
    latitude, longitude, radius = outline.circle
    circle = {"latitude": latitude, "longitude": longitude, "radius_km": radius}
    return {"name": clean(outline.area), "code": clean(outline.code) if outline.code else "", "circle": circle} | (
        {"polygon": [list(corner) for corner in outline.polygon]} if outline.polygon else {}
    )


def _text(message: Message, language: str) -> dict[str, str]:
    return {
        "headline": phrases.headline(message, language),
        "description": phrases.description(message, language),
        "instruction": phrases.instruction(message, language),
    }
