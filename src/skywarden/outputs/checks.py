"""What a message must be before it leaves, asked of its bytes: whoever wrote them, what is wrong is not sent.

Above the formats' own rules: meant only where the picture and the recipient say so, marked where it is not, nothing
finer than the area, times in order, references where there is something to refer to.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from skywarden.model.mode import Mode
from skywarden.model.warning import Move
from skywarden.outputs import cap, cloudevents, cot, plain
from skywarden.outputs.message import EXERCISE, TEST, Message, Status

LARGEST = 200_000  # bytes
HALFWAY_KM = 20_100.0  # around the Earth
DEEP = 3  # decimals of a degree
_CAP_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
_POINT = re.compile(r"-?\d{1,2}(?:\.\d{1,3})?,-?\d{1,3}(?:\.\d{1,3})?")
_REFERENCE = re.compile(r"[^\s,<&]+,[^\s,<&]+,(\S+)")

Encoder = Callable[[Message], bytes]
ENCODERS: Mapping[str, tuple[Encoder, str]] = MappingProxyType(
    {
        "cap": (cap.encode, cap.CONTENT_TYPE),
        "webhook": (cloudevents.encode, cloudevents.CONTENT_TYPE),
        "mqtt": (cloudevents.encode, cloudevents.CONTENT_TYPE),
        "cot": (cot.encode, cot.CONTENT_TYPE),
        "command": (plain.encode, plain.CONTENT_TYPE),
    }
)


def problems(kind: str, data: bytes, message: Message) -> list[str]:
    """Return what is wrong with a message of a kind of recipient, in words; nothing: it may leave."""
    found = [*_meant(message)]
    if len(data) > LARGEST:
        return [*found, f"is longer than {LARGEST} bytes"]
    try:
        return [*found, *CHECKS[kind](data, message)]
    except (ElementTree.ParseError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [*found, f"cannot be read again: {error}"]


def _meant(message: Message) -> Iterator[str]:
    """Say again, without the table that made it, what may be meant."""
    meant = message.status is Status.ACTUAL
    if meant and not (message.warning.mode is Mode.LIVE and message.actual is True):
        yield "is Actual and not from a live picture for a recipient of actual warnings"
    if message.warning.until <= message.warning.sent:
        yield "ends before it begins"


def _mark(text: str | None, message: Message) -> Iterator[str]:
    """Nothing that is not meant lacks its mark."""
    wanted = EXERCISE if message.warning.mode is not Mode.LIVE else "" if message.actual else TEST
    if not text or not text.startswith(wanted):
        yield "lacks the mark of what is not meant"
    if text and not wanted and text.startswith((EXERCISE, TEST)):
        yield "has the mark of what is not meant"


def _status(said: str | None, message: Message) -> Iterator[str]:
    if said == Status.ACTUAL and (message.warning.mode is not Mode.LIVE or not message.actual):
        yield "says Actual"
    if said not in list(Status):
        yield f"has the status {said}"


def _cap(data: bytes, message: Message) -> Iterator[str]:
    alert, space = ElementTree.fromstring(data), f"{{{cap.NAMESPACE}}}"
    if alert.tag != f"{space}alert":
        yield "is no CAP 1.2"
    top = {child.tag.removeprefix(space): child.text or "" for child in alert}
    yield from _status(top["status"], message)
    for name in ("identifier", "sender"):
        if not re.fullmatch(r"[^\s,<&]+", top[name]):
            yield f"has a character in its {name} that may not be there"
    yield from _refers(top.get("msgType", ""), top.get("references", "").split(" ") if "references" in top else [])
    infos = alert.findall(f"{space}info")
    if [info.findtext(f"{space}language") for info in infos] != ["uk-UA", "en-GB"]:
        yield "is not in Ukrainian and English"
    for info in infos:
        yield from _info(info, space, message)
    times = [top["sent"], *(t.text or "" for k in ("effective", "onset", "expires") for t in alert.iter(space + k))]
    yield from _times(times)


def _refers(kind: str, references: Sequence[str]) -> Iterator[str]:
    if kind not in cap.TYPES.values():
        yield f"has the type {kind}"
    if bool(references) == (kind == "Alert"):
        yield f"is an {kind} with {len(references)} references"
    for one in references:
        if not (found := _REFERENCE.fullmatch(one)) or not _CAP_TIME.fullmatch(found[1]):
            yield "has a reference that is not sender,identifier,sent"


def _times(times: Sequence[str]) -> Iterator[str]:
    if not all(_CAP_TIME.fullmatch(time) for time in times):
        yield "has a time that is not whole seconds with a numeric offset"
        return
    sent, *rest = map(datetime.fromisoformat, times)
    if any(time < sent for time in rest):
        yield "has a time before it was sent"


def _info(info: ElementTree.Element, space: str, message: Message) -> Iterator[str]:
    for name in ("event", "headline", "description", "instruction"):
        yield from _mark(info.findtext(space + name), message)
    for polygon in info.iter(f"{space}polygon"):
        yield from _polygon((polygon.text or "").split(" "))
    for circle in info.iter(f"{space}circle"):
        place, _, radius = (circle.text or "").partition(" ")
        yield from _points([place])
        if not 0.0 < float(radius) <= HALFWAY_KM:
            yield f"has a radius of {radius} km"
    if not [*info.iter(f"{space}polygon"), *info.iter(f"{space}circle")]:
        yield "has no area"


def _polygon(points: Sequence[str]) -> Iterator[str]:
    yield from _points(points)
    if len(points) < 4 or points[0] != points[-1] or len(set(points)) < 3:
        yield "has a polygon that is not closed"
    longitudes = [float(point.partition(",")[2]) for point in points]
    if any(abs(a - b) > 180.0 for a, b in pairwise(longitudes)):
        yield "has a polygon across 180 degrees of longitude"


def _points(points: Sequence[str]) -> Iterator[str]:
    for point in points:
        if not _POINT.fullmatch(point):
            yield "has a place that is not latitude,longitude to 0.001 degrees"
        elif not (abs(float(point.partition(",")[0])) <= 90.0 and abs(float(point.partition(",")[2])) <= 180.0):
            yield "has a place that is not on Earth"


def _event(data: bytes, message: Message) -> Iterator[str]:
    found: dict[str, Any] = json.loads(data)
    said = found["data"]
    if found["specversion"] != "1.0" or not all(isinstance(found[k], str) and found[k] for k in ("id", "source")):
        yield "is no CloudEvent 1.0"
    move = found["type"].removeprefix(cloudevents.TYPE)
    if move != message.move or bool(said["references"]) < (move != Move.RAISED):
        yield f"is {move} and refers to {len(said['references'])}"
    yield from _status(said["status"], message)
    for language in ("en", "uk"):
        for name in ("headline", "description", "instruction"):
            yield from _mark(said["text"][language][name], message)
    circle = said["area"]["circle"]
    corners = [[circle["latitude"], circle["longitude"]], *said["area"].get("polygon", [])]
    if any(round(value, DEEP) != value for corner in corners for value in corner):
        yield "has a place finer than 0.001 degrees"


def _cot(data: bytes, message: Message) -> Iterator[str]:
    event = ElementTree.fromstring(data)
    if event.get("type") not in ("b-a-o-pan", "b-a-o-can"):
        yield "is no alarm"
    if event.get("opex") == "o" and (message.warning.mode is not Mode.LIVE or not message.actual):
        yield "says that it is operational"
    point = event.find("point")
    if point is None or not float(point.get("ce", "0")) >= 1.0:
        yield "has no area"
    else:
        yield from _points([f"{point.get('lat')},{point.get('lon')}"])
    if event.find("detail/track") is not None:
        yield "has a track"
    yield from _mark(event.findtext("detail/remarks"), message)


def _plain(data: bytes, message: Message) -> Iterator[str]:
    lines = data.decode().split("\n")
    if len(lines) != 5 or lines[-1] or not all(lines[:-1]):
        yield "is not four lines"
    for line in lines[:3]:
        yield from _mark(line, message)


CHECKS: Mapping[str, Callable[[bytes, Message], Iterator[str]]] = MappingProxyType(
    {"cap": _cap, "webhook": _event, "mqtt": _event, "cot": _cot, "command": _plain}
)
