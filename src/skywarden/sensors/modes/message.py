"""One Mode S frame as its fields, without memory of earlier frames.

    DF 0, 16   short, long air-air surveillance: VS, AC              DF 4, 20   altitude reply: FS, AC (MB)
    DF 5, 21   identity reply: FS, ID (MB)                           DF 11      all-call reply: CA, AA
    DF 17      extended squitter: CA, AA, ME                         DF 18      the same, not from a transponder: CF

DF 0 to 15 are 56 bits, DF 16 and above 112; some receivers hand a short reply on with 7 more bytes, left unread.

Source: ICAO Annex 10 Vol IV, 3.1.2.3 (formats), 3.1.2.5, 3.1.2.6, 3.1.2.8 (replies and squitters); Doc 9871, A.2.
"""

import msgspec

from skywarden.model.detection import Reason
from skywarden.sensors.modes import altitude, commb, crc
from skywarden.sensors.modes.fields import Message
from skywarden.sensors.modes.squitter import read as read_squitter

MAX_INTERROGATOR = 79  # II codes 0 to 15, SI codes 1 to 63 as 17 to 79; Annex 10 Vol IV, 3.1.2.3.3.2
_SHORT, _LONG = 7, 14
_FIXED_ADDRESS = (0, 1, 5)  # CF: the address needs no further mark to tell whose it is
_GROUND_STATUS = (False, True, False, True, None, None, None, None)  # FS 0 to 7
_UNUSED_CONTROL = (3, 4, 7)  # CF: coarse TIS-B, management, reserved


def read(data: bytes) -> Message | Reason:
    """Return the fields of one frame, or why it has none."""
    if len(data) < _SHORT:
        return Reason.TRUNCATED
    format_ = data[0] >> 3
    reader = _READERS.get(format_)
    if reader is None:
        return Reason.UNSUPPORTED
    if format_ < 16:
        data = data[:_SHORT]
    elif len(data) != _LONG:
        return Reason.TRUNCATED if len(data) < _LONG else Reason.MALFORMED
    return reader(data, format_)


def _air_air(data: bytes, format_: int) -> Message:
    message = Message(df=format_, address=crc.remainder(data), checked=False)
    message.on_ground = bool(data[0] & 0x04)
    _altitude(message, data)
    return message


def _surveillance(data: bytes, format_: int) -> Message:
    message = Message(df=format_, address=crc.remainder(data), checked=False)
    status = data[0] & 0x07
    message.on_ground = _GROUND_STATUS[status]
    message.alert = True if status in (2, 3, 4) else None
    message.ident = True if status in (4, 5) else None
    if format_ in (4, 20):
        _altitude(message, data)
    else:
        message.squawk = altitude.squawk((data[2] << 8 | data[3]) & 0x1FFF)
    if format_ >= 20:
        message.register = int.from_bytes(data[4:11])
    return message


def _altitude(message: Message, data: bytes) -> None:
    code = (data[2] << 8 | data[3]) & 0x1FFF
    message.altitude_ft = altitude.altitude_13(code)
    if code & altitude.METRIC:
        message.altitude_metric = True


def _all_call(data: bytes, format_: int) -> Message | Reason:
    overlay = crc.remainder(data)
    if overlay > MAX_INTERROGATOR:
        return Reason.CHECKSUM
    message = Message(df=format_, address=int.from_bytes(data[1:4]), checked=overlay == 0)
    message.on_ground = _capability(data[0] & 0x07)
    if overlay:
        message.interrogator = overlay
    return message


def _squitter(data: bytes, format_: int) -> Message | Reason:
    if crc.remainder(data):
        return Reason.CHECKSUM
    message = Message(df=format_, address=int.from_bytes(data[1:4]), checked=True)
    me = int.from_bytes(data[4:11])
    control = data[0] & 0x07
    if format_ == 17:
        message.on_ground = _capability(control)
    elif control in _UNUSED_CONTROL:
        return Reason.UNSUPPORTED
    else:
        message.control = control
    reason = read_squitter(message, me)
    if format_ == 18 and control:
        message.foreign = control in (1, 5) or (control not in _FIXED_ADDRESS and _marked(message, me))
        message.foreign = message.foreign or None
    return reason or message


def _capability(value: int) -> bool | None:
    """CA 4: on the ground; 5: airborne; others do not say."""
    return {4: True, 5: False}.get(value)


def _marked(message: Message, me: int) -> bool:
    """Return the IMF bit: the address is not a 24-bit ICAO one (DO-260B 2.2.17.3, TIS-B; 2.2.18.4, ADS-R)."""
    typecode = message.typecode or 0
    if 5 <= typecode <= 8:
        return bool(me >> 35 & 1)
    if 9 <= typecode <= 18 or 20 <= typecode <= 22:
        return bool(me >> 48 & 1)
    if typecode == 19:
        return bool(me >> 47 & 1)
    return typecode in (28, 31) and bool(me & 1)


_READERS = {
    0: _air_air,
    4: _surveillance,
    5: _surveillance,
    11: _all_call,
    16: _air_air,
    17: _squitter,
    18: _squitter,
    20: _surveillance,
    21: _surveillance,
}

_HIDDEN = ("address", "checked", "position", "nic_bits", "register")


def row(message: Message) -> dict[str, object]:
    """Return what a message says as a JSON-ready row; what is not in it is left out."""
    if message.register:
        commb.infer(message, message.register)
    found = msgspec.to_builtins(message)
    return {name: value for name, value in found.items() if value is not None and name not in _HIDDEN}
