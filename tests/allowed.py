"""What a message of the warning class may hold, element by element and key by key. What is not listed here fails.

Written from the standards and DESIGN section 6, with a parser of its own: it shares no code with what makes or checks
messages. `reject` raises AssertionError.
"""

import json
import re
import xml.parsers.expat
from datetime import datetime, timedelta

MARKS = ("", "TEST / ТЕСТ: ", "EXERCISE / НАВЧАННЯ: ")
NAME = r"[^\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]{1,100}"
LINE = r"[^\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]{1,40000}"
TOKEN = r"[A-Za-z0-9._@-]{1,100}"
CAP_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-00:00"
CAP_MINUTE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:00-00:00"
UTC_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
UTC_MINUTE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z"
PLACE = r"-?\d{1,2}\.\d{3},-?\d{1,3}\.\d{3}"
KIND = r"(?:drones|jet drones|cruise missiles|ballistic missiles|small drones|aircraft|not known)"
REFERENCE = rf"{TOKEN},\d+-\d+-\d+,{CAP_TIME}"

CAP = "urn:oasis:names:tc:emergency:cap:1.2 "
# path -> (pattern of its text, least, most, the parent's children in this order)
ALERT = {
    "identifier": (r"\d+-\d+-\d+", 1, 1),
    "sender": (TOKEN, 1, 1),
    "sent": (CAP_TIME, 1, 1),
    "status": ("Actual|Exercise|Test", 1, 1),
    "msgType": ("Alert|Update|Cancel", 1, 1),
    "scope": ("Public", 1, 1),
    "note": (r"Exercise only\. Навчання\.|Test only, disregard\. Тест, не зважати\.", 0, 1),
    "references": (rf"{REFERENCE}(?: {REFERENCE})*", 0, 1),
    "info": (None, 2, 2),
}
INFO = {
    "language": ("uk-UA|en-GB", 1, 1),
    "category": ("Security", 1, 1),
    "event": (f"(?:{'|'.join(MARKS)})(?:Air threat|Повітряна загроза)", 1, 1),
    "responseType": ("Shelter|Monitor", 1, 1),
    "urgency": ("Immediate|Expected|Past", 1, 1),
    "severity": ("Extreme|Severe|Unknown", 1, 1),
    "certainty": ("Likely|Possible|Unlikely|Unknown", 1, 1),
    "effective": (CAP_TIME, 1, 1),
    "onset": (CAP_TIME, 0, 1),
    "expires": (CAP_TIME, 1, 1),
    "senderName": (TOKEN, 1, 1),
    "headline": (LINE, 1, 1),
    "description": (LINE, 1, 1),
    "instruction": (LINE, 1, 1),
    "parameter": (None, 1, 4),
    "area": (None, 1, 1),
}
PARAMETERS = {
    "level": "quiet|warn|critical",
    "kinds": rf"{KIND}(?:, {KIND})*",
    "firstArrival": CAP_MINUTE,
    "lastArrival": CAP_MINUTE,
}
AREA = {
    "areaDesc": (NAME, 1, 1),
    "polygon": (rf"{PLACE}(?: {PLACE}){{3,}}", 0, 1),
    "circle": (rf"{PLACE} \d{{1,5}}\.\d", 0, 1),
    "geocode": (None, 0, 1),
}
PAIR = {"valueName": (NAME, 1, 1), "value": (NAME, 1, 1)}


class Node:
    def __init__(self, name, attributes):
        self.name, self.attributes, self.text, self.children = name, attributes, "", []

    def find(self, name):
        return next((child for child in self.children if child.name == name), None)


def tree(data):
    """Read XML without DTD, entities, comments and processing instructions: none of them may be in a message."""
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    root, stack = [], []

    def start(name, attributes):
        node = Node(name, attributes)
        (stack[-1].children if stack else root).append(node)
        stack.append(node)

    def text(data):
        stack[-1].text += data

    def no(*_):
        raise AssertionError("no such thing may be in a message")

    parser.StartElementHandler, parser.EndElementHandler = start, lambda _: stack.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = no
    parser.CommentHandler = parser.ProcessingInstructionHandler = no
    parser.Parse(data, True)
    return root[0]


def within(node, table, space=""):
    """Every child is known, as often as it may be, in the order of the table, and its text matches."""
    names = [child.name.removeprefix(space) for child in node.children]
    assert set(names) <= set(table), set(names) - set(table)
    order = list(table)
    assert names == sorted(names, key=order.index), names
    assert not node.text.strip()
    for name, (pattern, least, most) in table.items():
        assert least <= names.count(name) <= most, (name, names.count(name))
        for child in node.children:
            if child.name.removeprefix(space) == name:
                assert not child.attributes, child.attributes
                if pattern is not None:
                    assert re.fullmatch(pattern, child.text), (name, child.text)
                    assert not child.children


def when(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def cap(data):
    """Read a CAP message and return its parts that tests ask for."""
    alert = tree(data)
    assert alert.name == f"{CAP}alert"
    assert not alert.attributes
    within(alert, ALERT, CAP)
    top = {child.name.removeprefix(CAP): child.text for child in alert.children}
    assert (top["msgType"] == "Alert") == ("references" not in top)
    assert (top["status"] == "Actual") == ("note" not in top)
    sent = when(top["sent"])
    infos = [child for child in alert.children if child.name == f"{CAP}info"]
    for info, language in zip(infos, ("uk-UA", "en-GB"), strict=True):
        within(info, INFO, CAP)
        of = {child.name.removeprefix(CAP): child.text for child in info.children}
        assert of["language"] == language
        assert (of["urgency"] == "Past") == (top["msgType"] == "Cancel") == ("onset" not in of)
        assert sent <= when(of["expires"]) <= sent + timedelta(hours=2)
        assert sent == when(of["effective"]) <= when(of.get("onset", of["effective"]))
        _marked(top["status"], *(of[name] for name in ("event", "headline", "description", "instruction")))
        for child in info.children:
            if child.name == f"{CAP}parameter":
                within(child, PAIR, CAP)
                name, value = (one.text for one in child.children)
                assert re.fullmatch(PARAMETERS[name], value), (name, value)
            elif child.name == f"{CAP}area":
                _area(child)
    return top


def _marked(status, *texts):
    mark = {"Actual": MARKS[:1], "Test": MARKS[1:], "Exercise": MARKS[2:]}[status]
    for text in texts:
        assert any(text.startswith(one) for one in mark), (status, text)
        assert status != "Actual" or not text.startswith(MARKS[1:])


def _area(area):
    within(area, AREA, CAP)
    of = {child.name.removeprefix(CAP): child for child in area.children}
    assert ("polygon" in of) != ("circle" in of)
    if "polygon" in of:
        points = of["polygon"].text.split(" ")
        assert points[0] == points[-1]
        for point in points:
            _on_earth(*map(float, point.split(",")))
    else:
        point, radius = of["circle"].text.split(" ")
        _on_earth(*map(float, point.split(",")))
        assert 0.1 <= float(radius) <= 20_100
    if "geocode" in of:
        within(of["geocode"], PAIR, CAP)


def _on_earth(latitude, longitude):
    assert abs(latitude) <= 90
    assert abs(longitude) <= 180
    assert round(latitude, 3) == latitude
    assert round(longitude, 3) == longitude


COT_EVENT = {
    "version": r"2\.0",
    "uid": rf"{TOKEN}\.warning\.[0-9a-f]{{16}}",
    "type": "b-a-o-pan|b-a-o-can",
    "how": "m-g",
    "time": UTC_TIME,
    "start": UTC_TIME,
    "stale": UTC_TIME,
    "opex": "[oes]",
}
COT_POINT = {"lat": r"-?\d{1,2}\.\d{3}", "lon": r"-?\d{1,3}\.\d{3}", "ce": r"\d{3,8}", "hae": r"9999999\.0"}
COT_DETAIL = {
    "contact": {"callsign": LINE},
    "emergency": {"type": "Ring The Bell", "cancel": "true"},
    "remarks": {"source": TOKEN},
}


def _attributes(node, table, least):
    assert set(node.attributes) <= set(table), node.attributes
    assert least <= len(node.attributes)
    for name, value in node.attributes.items():
        assert re.fullmatch(table[name], value), (name, value)


def cot(data):
    """Read a CoT event: an alarm of an area, with a circle and words."""
    event = tree(data)
    assert event.name == "event"
    _attributes(event, COT_EVENT, len(COT_EVENT))
    assert [child.name for child in event.children] == ["point", "detail"]
    point, detail = event.children
    _attributes(point, {**COT_POINT, "le": r"9999999\.0"}, 5)
    _on_earth(float(point.attributes["lat"]), float(point.attributes["lon"]))
    assert int(point.attributes["ce"]) >= 100
    assert [child.name for child in detail.children] == list(COT_DETAIL)
    for child in detail.children:
        assert not child.children
        _attributes(child, COT_DETAIL[child.name], 1)
    assert detail.find("contact").text == ""
    assert re.fullmatch(LINE, detail.find("remarks").text)
    status = {"o": "Actual", "e": "Exercise", "s": "Test"}[event.attributes["opex"]]
    _marked(status, detail.find("remarks").text, detail.find("contact").attributes["callsign"])
    return {**event.attributes, "status": status}


LEVEL = "quiet|warn|critical"
TEXT = {"headline": LINE, "description": LINE, "instruction": LINE}
JSON = {
    "specversion": r"1\.0",
    "id": r"\d+-\d+-\d+",
    "source": f"urn:skywarden:{TOKEN}",
    "type": r"org\.skywarden\.warning\.(?:raised|updated|ended)",
    "subject": NAME,
    "time": UTC_TIME,
    "datacontenttype": "application/json",
    "data": {
        "status": "Actual|Exercise|Test",
        "mode": "live|exercise|sim|replay",
        "level": LEVEL,
        "likely": "(?:very likely|likely|possible|unlikely)",
        "kinds": [KIND],
        "first_arrival": UTC_MINUTE,
        "last_arrival": UTC_MINUTE,
        "holds_until": UTC_TIME,
        "raised": UTC_TIME,
        "sites": [{"site": NAME, "level": LEVEL, "actions": [{"action": NAME, "start_by": UTC_MINUTE}]}],
        "area": {
            "name": NAME,
            "code": rf"(?:{NAME})?",
            "circle": {"latitude": float, "longitude": float, "radius_km": float},
            "polygon": [[float]],
        },
        "references": [r"\d+-\d+-\d+"],
        "text": {"en": TEXT, "uk": TEXT},
    },
}
MAY_BE_NULL = {"likely", "first_arrival", "last_arrival"}
MAY_LACK = {"polygon"}


def _matches(value, form, name=""):
    if value is None:
        assert name in MAY_BE_NULL, name
    elif isinstance(form, dict):
        assert isinstance(value, dict), name
        assert set(value) <= set(form), set(value) - set(form)
        assert set(form) - set(value) <= MAY_LACK, set(form) - set(value)
        for key, one in value.items():
            _matches(one, form[key], key)
    elif isinstance(form, list):
        assert isinstance(value, list), name
        for one in value:
            _matches(one, form[0], name)
    elif form is float:
        assert type(value) is float, name
        assert round(value, 3) == value, (name, value)
    else:
        assert isinstance(value, str), name
        assert re.fullmatch(form, value), (name, value)


def _once(pairs):
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def cloudevent(data):
    """Read a CloudEvent of a warning."""
    event = json.loads(data.decode(), object_pairs_hook=_once)
    _matches(event, JSON)
    said = event["data"]
    assert (said["mode"] == "live") or said["status"] != "Actual"
    _on_earth(said["area"]["circle"]["latitude"], said["area"]["circle"]["longitude"])
    for corner in said["area"].get("polygon", []):
        _on_earth(*corner)
    texts = [text for words in said["text"].values() for text in words.values()]
    _marked(said["status"], *texts)
    return {**event, "status": said["status"]}


def text(data):
    """Read the lines for a command."""
    *lines, identifier, end = data.decode().split("\n")
    assert end == ""
    assert len(lines) == 3
    assert all(re.fullmatch(LINE, line) for line in lines)
    assert re.fullmatch(rf"{TOKEN} \d+-\d+-\d+", identifier)
    begins = [next(mark for mark in (*MARKS[1:], "") if line.startswith(mark)) for line in lines]
    assert len(set(begins)) == 1
    return {"status": {"": "Actual", MARKS[1]: "Test", MARKS[2]: "Exercise"}[begins[0]]}


READ = {"cap": cap, "webhook": cloudevent, "mqtt": cloudevent, "cot": cot, "command": text}
