"""Cursor on Target for partners: where one track is, for who was handed a cue or gets the surveillance picture.

Events of the class "surveillance": they carry places, and leave only by a named person's act (DESIGN section 6). A
cue has no velocity; a feed's track has. Both say in words what they are, and neither is an order. Affiliation by
category: MIL-STD-2525, first letter. Source: MITRE 11-4362, "Cursor-on-Target message router user's guide".
"""

from collections.abc import Iterator
from math import atan2, degrees, hypot
from xml.etree.ElementTree import Element, SubElement, tostring

from skywarden.model.assessment import Category, Class
from skywarden.model.decision import Cue
from skywarden.model.deed import Cued, CueEnded
from skywarden.model.event import TrackStates
from skywarden.model.track import Mode, Picture
from skywarden.outputs.iso import iso

SECOND = 1_000_000_000  # ns
STALE = 10 * SECOND  # ns: ten messages may be lost
CUE, FEED = "cue, not an order: look here", "surveillance picture, not a hand-over"
MARK = {Mode.LIVE: "", Mode.EXERCISE: "EXERCISE ", Mode.SIM: "SIMULATION ", Mode.REPLAY: "REPLAY "}
PLAY = {Mode.LIVE: "r", Mode.EXERCISE: "e", Mode.SIM: "s", Mode.REPLAY: "s"}  # CoT's `opex`
AFFILIATION = {
    Category.PENDING: "p",
    Category.UNKNOWN: "u",
    Category.ASSUMED_FRIEND: "a",
    Category.FRIEND: "f",
    Category.NEUTRAL: "n",
    Category.SUSPECT: "s",
    Category.HOSTILE: "h",
}
UNKNOWN_ERROR = 9999999.0  # m, as CoT has it


def cued(event: Cued, house: str) -> bytes:
    """Return one message for a cue. house: which installation it comes from."""
    cue = event.cue
    element = _event(f"skywarden.{house}.cue.{event.number}", f"a-{AFFILIATION[cue.category]}-A", event.time, STALE)
    _point(element, (cue.latitude, cue.longitude, cue.height_m), (cue.level_m, cue.height_error_m))
    words = f"{CUE}. {_what(cue)}{_when(cue)} Decided by {event.by}, until {iso(event.until)}."
    _detail(element, f"track {cue.track}", words)
    return _bytes(element)


def ended(event: CueEnded, house: str) -> bytes:
    """Return the message that takes a cue back: no track is shown under its name any more."""
    element = _event(f"skywarden.{house}.cue.{event.number}.end", "t-x-d-d", event.time, 0)
    _point(element, (0.0, 0.0, UNKNOWN_ERROR), (UNKNOWN_ERROR, UNKNOWN_ERROR))
    detail = SubElement(element, "detail")
    SubElement(detail, "link", uid=f"skywarden.{house}.cue.{event.number}", relation="p-p", type="none")
    SubElement(detail, "remarks").text = _clean(f"the cue has ended: {event.reason}")
    return _bytes(element)


def feed(states: TrackStates, picture: Picture, house: str) -> Iterator[bytes]:
    """Yield one message for each shown track. states: these, at the picture's time, degrees, m, m/s."""
    known = {one.track: one for one in picture.identities}
    mark = MARK[picture.mode]
    for row, number in enumerate(states.number):
        identity = known.get(number)
        category = identity.category if identity else Category.PENDING
        uid = f"skywarden.{house}.{picture.mode}.track.{number}"
        element = _event(uid, f"a-{AFFILIATION[category]}-A", picture.time, STALE)
        element.set("opex", PLAY[picture.mode])
        place = states.latitude[row], states.longitude[row], states.height_m[row]
        _point(element, place, (UNKNOWN_ERROR, UNKNOWN_ERROR))
        likeliest = identity.likeliest if identity else None
        words = f"{mark}{FEED}. {category}{f', {likeliest}' if likeliest not in (None, Class.UNKNOWN) else ''}."
        detail = _detail(element, f"{mark}track {number}", words)
        east, north = states.east_m_s[row], states.north_m_s[row]
        course = degrees(atan2(east, north)) % 360.0
        SubElement(detail, "track", course=f"{course:.1f}", speed=f"{hypot(east, north):.1f}")
        yield _bytes(element)


def _what(cue: Cue) -> str:
    likeliest = f", probably {cue.likeliest}" if cue.likeliest not in ("", Class.UNKNOWN) else ""
    return f"Track {cue.track}: {cue.category}{likeliest}."


def _when(cue: Cue) -> str:
    return "".join(f" May reach {one.site} from {iso(one.early)} to {iso(one.late)}." for one in cue.coming)


def _event(uid: str, kind: str, time: int, stale: int) -> Element:
    moment = iso(time)
    return Element("event", version="2.0", uid=uid, type=kind, how="m-f", time=moment, start=moment,
                   stale=iso(time + stale))  # fmt: skip


def _point(element: Element, place: tuple[float, float, float], errors: tuple[float, float]) -> None:
    (latitude, longitude, height), (level, vertical) = place, errors
    SubElement(element, "point", lat=f"{latitude:.5f}", lon=f"{longitude:.5f}", hae=f"{height:.0f}",
               ce=f"{level:.0f}", le=f"{vertical:.0f}")  # fmt: skip


def _detail(element: Element, callsign: str, words: str) -> Element:
    detail = SubElement(element, "detail")
    SubElement(detail, "contact", callsign=callsign)
    SubElement(detail, "remarks").text = _clean(words)
    return detail


def _clean(text: str) -> str:
    """Return text without characters that XML cannot hold, which a site's name may have."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _bytes(element: Element) -> bytes:
    text: bytes = tostring(element, encoding="utf-8", xml_declaration=False)
    return text + b"\n"
