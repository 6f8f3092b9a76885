"""A warning as one Cursor on Target event: an alarm for an area, and not a track.

Type "b-a-o-pan", as what people use to call attention, and "b-a-o-can" at its end: maps show those, unlike the bare
alarm "b-a". The point is the middle of the area, `ce` its radius in m. One uid for each area: the newest replaces those
before. opex: o operations, e exercise, s simulation, which is also what a test is.
"""

from hashlib import sha256
from xml.etree.ElementTree import Element, SubElement, tostring

from skywarden.model.warning import SECOND, Move
from skywarden.outputs import phrases
from skywarden.outputs.message import Message, Status, stamp

CONTENT_TYPE = "application/xml"
UTC = "Z"
UNKNOWN = "9999999.0"  # a height, and its error, as CoT says that it is not known
OPEX = {Status.ACTUAL: "o", Status.EXERCISE: "e", Status.TEST: "s"}
FADES = 300 * SECOND  # ns, that an end is shown


def encode(message: Message) -> bytes:
    """Return the event."""
    warning, over = message.warning, message.move is Move.ENDED
    latitude, longitude, radius = message.outline.circle
    event = Element(
        "event",
        version="2.0",
        uid=f"{message.sender}.warning.{sha256(warning.area.encode('utf-8', 'replace')).hexdigest()[:16]}",
        type="b-a-o-can" if over else "b-a-o-pan",
        how="m-g",
        time=stamp(warning.sent, UTC),
        start=stamp(warning.sent, UTC),
        stale=stamp(warning.sent + FADES if over else warning.until, UTC),
        opex=OPEX[message.status],
    )
    place = {"lat": f"{latitude:.3f}", "lon": f"{longitude:.3f}", "ce": f"{radius * 1000:.0f}"}
    SubElement(event, "point", {**place, "hae": UNKNOWN, "le": UNKNOWN})
    detail = SubElement(event, "detail")
    SubElement(detail, "contact", callsign=phrases.title(message))
    emergency = SubElement(detail, "emergency", cancel="true") if over else SubElement(detail, "emergency")
    if not over:
        emergency.set("type", "Ring The Bell")
    emergency.text = phrases.title(message)
    parts = (part(message, message.language) for part in (phrases.headline, phrases.description, phrases.instruction))
    SubElement(detail, "remarks", source=message.sender).text = " ".join(parts)
    found: bytes = tostring(event, encoding="utf-8", xml_declaration=True)
    return found
