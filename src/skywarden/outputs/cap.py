"""A warning as CAP 1.2 (Common Alerting Protocol, OASIS Standard, 1 July 2010), in Ukrainian and English.

The elements stand in the standard's order (its section 3.2). Times have the offset "-00:00", which is how 3.3.2 writes
UTC: no "Z", no fractions of a second.
"""

from xml.etree.ElementTree import Element, SubElement, tostring

from skywarden.model.raid import Level
from skywarden.model.warning import Likely, Move
from skywarden.outputs import phrases
from skywarden.outputs.message import MINUTE, Message, Reference, Status, clean, minute, stamp

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
CONTENT_TYPE = "application/cap+xml"
UTC = "-00:00"
TYPES = {Move.RAISED: "Alert", Move.UPDATED: "Update", Move.ENDED: "Cancel"}
LOCALES = (("uk-UA", "uk"), ("en-GB", "en"))
SOON = 15 * MINUTE
CERTAINTY = {Likely.VERY: "Likely", Likely.LIKELY: "Likely", Likely.POSSIBLE: "Possible", Likely.UNLIKELY: "Unlikely"}
NOTES = {Status.EXERCISE: "Exercise only. Навчання.", Status.TEST: "Test only, disregard. Тест, не зважати."}


def encode(message: Message) -> bytes:
    """Return the document. Raises ValueError for the end of what the recipient was never told of."""
    warning = message.warning
    if message.move is Move.ENDED and not message.references:
        raise ValueError("an end has nothing to refer to")
    alert = Element("alert", xmlns=NAMESPACE)
    _add(alert, "identifier", warning.identifier)
    _add(alert, "sender", message.sender)
    _add(alert, "sent", stamp(warning.sent, UTC))
    _add(alert, "status", message.status)
    _add(alert, "msgType", TYPES[message.move])
    _add(alert, "scope", "Public")
    if message.status in NOTES:
        _add(alert, "note", NOTES[message.status])
    if message.references:
        _add(alert, "references", " ".join(_reference(message.sender, one) for one in message.references))
    for locale, language in LOCALES:
        _info(alert, message, locale, language)
    found: bytes = tostring(alert, encoding="utf-8", xml_declaration=True)
    return found


def _info(alert: Element, message: Message, locale: str, language: str) -> None:
    info, warning = SubElement(alert, "info"), message.warning
    over = message.move is Move.ENDED
    soon = warning.level is Level.CRITICAL or warning.first - warning.sent < SOON
    _add(info, "language", locale)
    _add(info, "category", "Security")
    _add(info, "event", phrases.event(message, language))
    _add(info, "responseType", "Monitor" if over else "Shelter")
    _add(info, "urgency", "Past" if over else "Immediate" if soon else "Expected")
    _add(info, "severity", "Unknown" if over else "Extreme" if warning.level is Level.CRITICAL else "Severe")
    _add(info, "certainty", "Unknown" if over else CERTAINTY[warning.likely])
    _add(info, "effective", stamp(warning.sent, UTC))
    if not over:
        _add(info, "onset", stamp(max(minute(warning.first), warning.sent), UTC))
    _add(info, "expires", stamp(warning.until, UTC))
    _add(info, "senderName", message.sender)
    _add(info, "headline", phrases.headline(message, language))
    _add(info, "description", phrases.description(message, language))
    _add(info, "instruction", phrases.instruction(message, language))
    for name, value in _parameters(message):
        part = SubElement(info, "parameter")
        _add(part, "valueName", name)
        _add(part, "value", value)
    _area(info, message)


def _parameters(message: Message) -> list[tuple[str, str]]:
    warning = message.warning
    if message.move is Move.ENDED:
        return [("level", warning.level.word)]
    last = minute(max(warning.last, warning.sent), up=True)
    return [
        ("level", warning.level.word),
        ("kinds", ", ".join(warning.kinds)),
        ("firstArrival", stamp(minute(warning.first), UTC)),
        ("lastArrival", stamp(last, UTC)),
    ]


def _area(info: Element, message: Message) -> None:
    area, outline = SubElement(info, "area"), message.outline
    _add(area, "areaDesc", clean(outline.area))
    if outline.polygon:
        _add(area, "polygon", " ".join(f"{latitude:.3f},{longitude:.3f}" for latitude, longitude in outline.polygon))
    else:
        latitude, longitude, radius = outline.circle
        _add(area, "circle", f"{latitude:.3f},{longitude:.3f} {radius:.1f}")
    if outline.code:
        code = SubElement(area, "geocode")
        name, _, value = outline.code.partition("=")
        _add(code, "valueName", clean(name))
        _add(code, "value", clean(value))


def _reference(sender: str, one: Reference) -> str:
    return f"{sender},{one.identifier},{stamp(one.sent, UTC)}"


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = str(text)
