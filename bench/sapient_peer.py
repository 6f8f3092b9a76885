"""The other side of bench/sapient_peers.py: a node on another binding package, which knows nothing of skywarden.

    sapient_peer.py PORT NODE_ID DETECTIONS RECONNECTS   talks to a fusion node; one JSON object of what it saw
    sapient_peer.py --write NODE_ID DETECTIONS           writes what it would say to standard output

It uses sapient_py's framing where that is installed, else sapient_msg_pydantic: then every message that is sent or
received goes through its models, which check what the standard makes mandatory.
"""

import json
import secrets
import socket
import sys
import time

from sapient_msg.bsi_flex_335_v2_0 import location_pb2, range_bearing_pb2, sapient_message_pb2, task_pb2
from sapient_msg.bsi_flex_335_v2_0.registration_pb2 import Registration
from sapient_msg.bsi_flex_335_v2_0.status_report_pb2 import StatusReport

try:
    from sapient_py.framing import decode_frame, encode_frame

    def pack(message):
        return encode_frame(message)

    def unpack(frame):
        return decode_frame(frame, sapient_message_pb2.SapientMessage)

except ImportError:
    from sapient_msg_pydantic.bsi_flex_335_v2_0.sapient_message import SapientMessage

    def pack(message):
        data = SapientMessage.from_pb2(message).to_pb2().SerializeToString()
        return len(data).to_bytes(4, "little") + data

    def unpack(frame):
        message = sapient_message_pb2.SapientMessage()
        message.ParseFromString(frame[4:])
        return SapientMessage.from_pb2(message).to_pb2()


LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HALF_REACH = 5000.0


def ulid():
    value = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "".join(LETTERS[value >> 5 * k & 31] for k in range(25, -1, -1))


def fresh(node_id):
    message = sapient_message_pb2.SapientMessage(node_id=node_id)
    message.timestamp.GetCurrentTime()
    return message


def registration(node_id):
    message = fresh(node_id)
    said = message.registration
    said.icd_version, said.name, said.short_name = "BSI Flex 335 v2.0", "peer " + node_id[:4], "P" + node_id[:4]
    said.node_definition.add(node_type=Registration.NODE_TYPE_RADAR)
    said.capabilities.add(category="Radar", type="Maximum range", value="10000", units="m")
    span(said.status_definition.status_interval, 5)
    mode = said.mode_definition.add(mode_name="Default", mode_type=Registration.MODE_TYPE_DEFAULT)
    span(mode.settle_time, 1)
    where = mode.detection_definition.add().location_type
    where.location_units = location_pb2.LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M
    where.location_datum = location_pb2.LOCATION_DATUM_WGS84_E
    task = mode.task
    task.concurrent_tasks = 1
    task.region_definition.region_type.append(Registration.REGION_TYPE_AREA_OF_INTEREST)
    area = task.region_definition.region_area.add()
    area.location_units, area.location_datum = where.location_units, where.location_datum
    command = task.command.add(units="mode", type=Registration.COMMAND_TYPE_MODE_CHANGE)
    span(command.completion_time, 1)
    said.config_data.add(manufacturer="nobody", model="peer")
    return message


def span(field, seconds):
    field.units, field.value = Registration.TIME_UNITS_SECONDS, seconds


def status(node_id, system=StatusReport.SYSTEM_OK):
    message = fresh(node_id)
    said = message.status_report
    said.report_id, said.system, said.info, said.mode = ulid(), system, StatusReport.INFO_NEW, "Default"
    place(said.node_location, -45.75, 29.5, 40.0)
    return message


def place(field, x, y, z):
    field.x, field.y, field.z = x, y, z
    field.coordinate_system = location_pb2.LOCATION_COORDINATE_SYSTEM_LAT_LNG_DEG_M
    field.datum = location_pb2.LOCATION_DATUM_WGS84_E


def detection(node_id, k):
    """Return a place, or for every second one a bearing without range, in the way that the standard advises."""
    message = fresh(node_id)
    said = message.detection_report
    said.report_id, said.object_id, said.detection_confidence = ulid(), ulid(), 0.9
    if k % 2 == 0:
        place(said.location, -45.7 + k * 1e-6, 29.55, 500.0)
        said.location.x_error = said.location.y_error = said.location.z_error = 20.0
    else:
        at = said.range_bearing
        at.azimuth, at.elevation, at.azimuth_error, at.elevation_error = 30.0 + k * 1e-3, 5.0, 0.5, 0.5
        at.range = at.range_error = HALF_REACH
        at.coordinate_system = range_bearing_pb2.RANGE_BEARING_COORDINATE_SYSTEM_DEGREES_M
        at.datum = range_bearing_pb2.RANGE_BEARING_DATUM_TRUE
    said.classification.add(type="Air Vehicle", confidence=0.8)
    return message


def task(node_id):
    message = fresh(node_id)
    message.task.task_id, message.task.control = ulid(), task_pb2.Task.CONTROL_START
    message.task.command.request = "Registration"
    return message


def alert(node_id):
    message = fresh(node_id)
    message.alert.alert_id = ulid()
    return message


class Link:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.heard = 0

    def send(self, message):
        self.socket.sendall(pack(message))

    def hear(self):
        frame = self.exactly(4)
        frame += self.exactly(int.from_bytes(frame, "little"))
        self.heard += 1
        return unpack(frame)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError("the fusion node has closed the connection")
            data += more
        return data


def talk(port, node_id, detections, reconnects):
    link = Link(port)
    seen = {}
    link.send(task(node_id))
    seen["before registration"] = list(link.hear().error.error_message)
    link.send(registration(node_id))
    seen["registered"] = link.hear().registration_ack.acceptance
    link.send(status(node_id))
    for k in range(detections):
        link.send(detection(node_id, k))
    link.send(task(node_id))
    seen["task"] = [link.hear().task_ack.task_status, "rejected is 2"]
    link.send(alert(node_id))
    seen["alert"] = [link.hear().alert_ack.alert_ack_status, "rejected is 2"]
    link.send(status(node_id, StatusReport.SYSTEM_GOODBYE))
    link.socket.close()
    heard = link.heard
    for _ in range(reconnects):
        again = Link(port)
        again.send(registration(node_id))
        heard += again.hear().registration_ack.acceptance
        again.socket.close()
    print(json.dumps(seen | {"answers": heard}))


def write(node_id, detections):
    out = sys.stdout.buffer
    for message in (registration(node_id), status(node_id), *(detection(node_id, k) for k in range(detections))):
        out.write(pack(message))


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        write(sys.argv[2], int(sys.argv[3]))
    else:
        talk(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
