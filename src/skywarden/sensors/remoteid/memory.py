"""What is remembered of each sender and of each radio address, and which frames and positions were there before.

Messages of one radio address belong together until they name an aircraft; then its ID is who it is, over whichever
radio. Both are claims. Bounded: who is unheard for 10 minutes is forgotten, and beyond 20,000 the longest unheard go.
Time is the lines' own, UTC ns.
"""

from hashlib import blake2b

import msgspec

from skywarden.sensors.remoteid.heard import Heard
from skywarden.sensors.remoteid.message import ID_TYPES, Said
from skywarden.sensors.remoteid.signs import Doubt, Latest, Radio, Told, notice

SECOND = 1_000_000_000  # ns
FORGET_AFTER, FORGET_EVERY = 600 * SECOND, 60 * SECOND
MAX_SENDERS = 20_000
MAX_RECENT = 8192  # frames, and positions; then the older half is forgotten
DIGEST = 12  # bytes; nobody finds another frame with the same
SAME_FRAME = 2 * SECOND  # the same frame from another receiver or over another network
SAME_PLACE = 60 * SECOND  # a position with its own time is sent ten times a second, by several radios
MARK_HOLDS = 10 * SECOND  # "SIMULATED" is sent every 3 s or more often (F3411: static messages)
SIMULATED = "SIMULATED"  # how the text of a Self ID begins whose sender does not fly


class Sender(msgspec.Struct, array_like=True):
    """What one radio address has said. heard, simulated: ns; simulated: when it last said so.

    count: aircraft that its position stands for; radius: m, how far from it they are.
    """

    heard: int
    ids: dict[str, str] = {}
    aircraft: str = ""
    operator_id: str = ""
    operator_place: str = ""
    description: str = ""
    simulated: int = 0
    count: int = 1
    radius: float = 0.0

    @property
    def named(self) -> tuple[str, str]:
        """Return the kind and text of the ID that says most; empty if there is none yet."""
        for kind in (*ID_TYPES[1:], ID_TYPES[0]):
            if self.ids.get(kind):
                return kind, self.ids[kind]
        return "", ""


class State(msgspec.Struct):
    """Everything the decoder remembers. frames, places: those of late, oldest first, with their times in ns.

    radios: by receiver, carrier and address, what their frames contradict; latest: by receiver, frames of Wi-Fi.
    """

    senders: dict[str, Sender] = {}
    frames: dict[bytes, int] = {}
    places: dict[bytes, int] = {}
    swept: int = 0
    radios: dict[str, Radio] = {}
    latest: dict[str, list[Latest]] = {}


def repeated(recent: dict[bytes, int], key: bytes, time: int, within: int) -> bool:
    """Return whether the same was there within that time; remember it, by its digest: frames are long."""
    key = blake2b(key, digest_size=DIGEST).digest()
    before = recent.get(key)
    if before is not None and abs(time - before) <= within:
        return True
    recent.pop(key, None)
    recent[key] = time
    if len(recent) > MAX_RECENT:
        for old in list(recent)[: MAX_RECENT // 2]:
            del recent[old]
    return False


def remember(state: State, heard: Heard, said: Said, time: int) -> Sender:
    """Take in what a frame says of its sender; return what is known of him."""
    _sweep(state, time)
    found = state.senders.setdefault(f"{heard.carrier[:4]} {heard.sender}", Sender(time))
    found.heard = time
    for name in said.basic_id:
        if name.id and (name.id_type in found.ids or len(found.ids) < len(ID_TYPES)):
            found.ids[name.id_type] = name.id
        found.aircraft = name.aircraft
    if said.operator_id is not None:
        found.operator_id = said.operator_id.operator_id
    if said.system is not None:
        found.count, found.radius = said.system.area_count, said.system.area_radius_m
        if said.system.operator_latitude is not None:
            found.operator_place = f"{said.system.operator_latitude:.7f},{said.system.operator_longitude:.7f}"
    if said.self_id is not None:
        found.description = said.self_id.description
        found.simulated = time if found.description.startswith(SIMULATED) else 0
    return found


def marked(found: Sender, heard: Heard, said: Said, time: int) -> bool:
    """Return whether a frame's sender says that it is simulated: in the frame or, by Bluetooth 4, lately.

    One message is all that a packet of Bluetooth 4 holds. Elsewhere a mark that another frame brought does not count:
    anybody could send it to hide an aircraft.
    """
    if said.self_id is not None or heard.carrier != "bluetooth-4":
        return said.self_id is not None and said.self_id.description.startswith(SIMULATED)
    return found.simulated != 0 and abs(time - found.simulated) <= MARK_HOLDS


def doubt(state: State, heard: Heard, told: Told, time: int, receiver: str) -> Doubt:
    """Return what the frames of one address, this one included, contradict at one receiver."""
    _sweep(state, time)
    radio = state.radios.setdefault(f"{receiver} {heard.carrier} {heard.sender}", Radio(time))
    return notice(radio, state.latest.setdefault(receiver, []), heard, told, time)


def _sweep(state: State, time: int) -> None:
    """Forget now and then who was not heard lately, and at once the longest unheard of too many."""
    late = abs(time - state.swept) >= FORGET_EVERY
    if late:
        state.swept = time
    _forget(state.senders, time, late)
    _forget(state.radios, time, late)


def _forget(known: dict[str, Sender] | dict[str, Radio], time: int, late: bool) -> None:
    if late:
        for key in [k for k, s in known.items() if abs(time - s.heard) > FORGET_AFTER]:
            del known[key]
    if len(known) > MAX_SENDERS:
        oldest = sorted(known, key=lambda k: (known[k].heard, k))
        for key in oldest[: len(oldest) - MAX_SENDERS * 9 // 10]:
            del known[key]
