"""An invented flight with known truth as Remote ID, and short ways to decode it. For the tests of `remoteid`.

`python tests/remoteid_flight.py` writes the samples.
"""

from collections.abc import Iterator
from math import cos, radians, sin
from pathlib import Path
from struct import pack as packed

from skywarden.model.detection import Detections, Frame
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.remoteid import RemoteId, encode

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
DEGREE = 60 * 1852  # m
SERIAL, OPERATOR = "1596SKYW0000000042", "ABC-OP-0042"
SENDER = bytes.fromhex("02534b590042")
SAMPLES = Path(__file__).parent / "samples" / "remoteid"
DJI = bytes.fromhex("58621310024d06331f") + b"EXAMPLE000000042" + packed("<ii", -33 * 174533, 36 * 174533)


def claim(seconds: float = 0.0, **changed: object) -> encode.Claim:
    """Return what the aircraft says after so many seconds: north-west over the sea at 18 m/s, climbing 1 m/s."""
    north, east = (18.0 * seconds * f(radians(310.0)) / DEGREE for f in (cos, sin))
    at = encode.Claim(
        SERIAL,
        START + round(seconds * SECOND),
        36.3 + north,
        -33.1 + east / cos(radians(36.3)),
        120.0 + seconds,
        310.0,
        18.0,
        1.0,
        operator=(36.29, -33.09, 55.0),
        operator_id=OPERATOR,
        sender=SENDER,
    )
    return at._replace(**changed)  # type: ignore[arg-type]


def unmarked(at: encode.Claim) -> bytes:
    """Return its pack without the Self ID, as an aircraft that flies would send it."""
    return encode.pack(*encode.messages(at)[:-1])


def frames(seconds: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (time, link, frame): by Wi-Fi beacon every second, by NAN and Bluetooth in between; 0.3 s under way."""
    for second in range(seconds):
        at, heard = claim(second), START + second * SECOND + 3 * SECOND // 10
        yield heard, encode.WIFI, encode.wifi_beacon(SENDER, second, unmarked(at))
        later = claim(second + 0.3)
        yield heard + SECOND // 4, encode.WIFI, encode.wifi_nan(SENDER, second, unmarked(later))
        later = claim(second + 0.5)
        yield heard + SECOND // 2, encode.BLUETOOTH, encode.extended_packet(SENDER, second, unmarked(later))
        one = encode.messages(claim(second + 0.7))[second % 4]
        yield heard + 3 * SECOND // 4, encode.BLUETOOTH, encode.bluetooth4(SENDER, second, one)


def sample() -> bytes:
    """Return the lines of half a minute, with a simulated aircraft, a damaged packet, a foreign beacon and nonsense."""
    lines = [encode.line(*heard, "mast") for heard in frames(30)]
    end = START + 31 * SECOND
    other = claim(0, serial="SIM-7", sender=bytes.fromhex("020000000007"))
    damaged = bytearray(encode.bluetooth5(claim(30), 30))
    damaged[40] ^= 0x10
    lines.append(encode.line(end, encode.WIFI, encode.beacon(other, 1), "mast"))
    lines.append(encode.line(end, encode.BLUETOOTH, bytes(damaged), "mast"))
    lines.append(encode.line(end, 105, foreign(), "mast"))
    return b"".join(lines) + b'{"time_ns": 0}\n'


def foreign() -> bytes:
    """Return a beacon with DJI's element: version 2, at 36 N, 33 W."""
    header = b"\x80\0\0\0" + b"\xff" * 6 + bytes.fromhex("60601f000042") * 2 + b"\0\0" + bytes(12)
    body = b"\x26\x37\x12" + DJI + bytes(64)
    return header + bytes([221, len(body)]) + body


def capture(link: int, *heard: tuple[int, bytes]) -> bytes:
    """Return a pcap file in ns of (time, frame)."""
    data = packed("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, link)
    for time, frame in heard:
        data += packed("<IIII", time // SECOND, time % SECOND, len(frame), len(frame)) + frame
    return data


def make(mode: Mode = Mode.SIM, *sensors: Sensor) -> RemoteId:
    return RemoteId(Source(name="mast", format="remoteid"), sensors, mode)


def only(*lines: bytes, mode: Mode = Mode.SIM) -> Detections:
    """Return the one batch that these lines give."""
    (batch,) = make(mode).decode(Frame.of("mast", START, *lines)).batches
    return batch


def claims(batch: Detections, index: int = 0) -> dict[str, str]:
    return {claim.name: claim.value for claim in batch.claims if claim.index == index}


if __name__ == "__main__":
    (SAMPLES / "flight.jsonl").write_bytes(sample())
    wifi = [(time, frame) for time, link, frame in frames(10) if link == encode.WIFI]
    (SAMPLES / "wifi.pcap").write_bytes(capture(encode.WIFI, *wifi))
