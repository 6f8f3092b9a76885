"""What may go to a partner, or back to a sensor: attribute by attribute, field by field. Anything else fails.

Written from DESIGN section 6 and the standards; it shares no code with what makes these messages.
"""

import re
from xml.etree import ElementTree

WHEN = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
NUMBER = r"-?\d+(\.\d+)?"
HOUSE = r"skywarden\.[a-z0-9]+"
CUE_UID = rf"{HOUSE}\.cue\.\d+"
TRACK_UID = rf"{HOUSE}\.(live|sim|exercise|replay)\.track\.\d+"
WORD = "(pending|unknown|assumed friend|friend|neutral|suspect|hostile)"
# element -> attribute -> what it may be: whatever is not here must not be sent
CUE = {
    "event": {"version": r"2\.0", "uid": rf"{CUE_UID}(\.end)?", "type": r"a-[puafnsh]-A|t-x-d-d", "how": "m-f",
              "time": WHEN, "start": WHEN, "stale": WHEN},
    "point": {"lat": r"-?\d+\.\d{5}", "lon": r"-?\d+\.\d{5}", "hae": r"-?\d+", "ce": r"\d+", "le": r"\d+"},
    "detail": {}, "contact": {"callsign": r"track \d+"}, "remarks": {},
    "link": {"uid": CUE_UID, "relation": "p-p", "type": "none"},
}  # fmt: skip
FEED = {
    "event": {**CUE["event"], "uid": TRACK_UID, "type": r"a-[puafnsh]-A", "opex": "[res]"},
    "point": CUE["point"], "detail": {}, "contact": {"callsign": r"([A-Z]+ )?track \d+"}, "remarks": {},
    "track": {"course": NUMBER, "speed": NUMBER},
}  # fmt: skip
REMARKS = {
    "cue": rf"cue, not an order: look here\. Track \d+: {WORD}(, probably [^.]+)?\."
    rf"( May reach .* from {WHEN} to {WHEN}\.)* Decided by .+, until {WHEN}\.",
    "end": "the cue has ended: .*",
    "feed": rf"([A-Z]+ )?surveillance picture, not a hand-over\. {WORD}(, [^.]+)?\.",
}


def checked(data: bytes, allowed) -> ElementTree.Element:
    """Return the message; fails at the first element or attribute that is not allowed."""
    root = ElementTree.fromstring(data.decode("utf-8"))
    for element in root.iter():
        assert element.tag in allowed, element.tag
        assert set(element.attrib) <= set(allowed[element.tag]), (element.tag, element.attrib)
        for name, value in element.attrib.items():
            assert re.fullmatch(allowed[element.tag][name], value), (element.tag, name, value)
        assert element.tag == "remarks" or not (element.text or "").strip()
        assert not (element.tail or "").strip()
    return root


def to_partner(data: bytes) -> tuple[str, ElementTree.Element]:
    """Read one message to a partner; return "cue", "end" or "feed", and the message."""
    uid = ElementTree.fromstring(data.decode("utf-8")).get("uid", "")
    kind = "end" if uid.endswith(".end") else "cue" if re.fullmatch(CUE_UID, uid) else "feed"
    root = checked(data, FEED if kind == "feed" else CUE)
    assert (root.get("type") == "t-x-d-d") == (kind == "end"), kind
    assert (root.find("detail/link") is not None) == (kind == "end"), kind
    assert (root.find("detail/track") is not None) == (kind == "feed"), kind  # of a cue no velocity
    assert re.fullmatch(REMARKS[kind], root.findtext("detail/remarks") or ""), root.findtext("detail/remarks")
    return kind, root


def number_of(root: ElementTree.Element) -> int:
    """Return the number of the hand-over that a message is of."""
    return int(root.get("uid", "").removesuffix(".end").rpartition(".")[2])


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


ANSWER = {1, 2, 3, 5, 9, 11, 12}  # timestamp, node, destination; acknowledgements and error; 8 is a task, 7 a detection


def answer(data: bytes) -> int:
    """Read what a SAPIENT node is told: a length and one message, an acknowledgement or an error. Return which."""
    assert int.from_bytes(data[:4], "little") == len(data) - 4
    at, found = 4, []
    while at < len(data):
        key, at = _varint(data, at)
        assert key & 7 == 2, key  # all of its fields are messages or texts
        size, at = _varint(data, at)
        at += size
        found.append(key >> 3)
    assert at == len(data)
    assert set(found) <= ANSWER, found
    (said,) = [one for one in found if one > 3]
    return said
