"""The classes of the binding package, and whether they are quick: the one place that knows the package."""

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.internal import api_implementation
from google.protobuf.message import DecodeError, Message
from sapient_msg.bsi_flex_335_v2_0 import location_pb2, range_bearing_pb2
from sapient_msg.bsi_flex_335_v2_0.alert_ack_pb2 import AlertAck
from sapient_msg.bsi_flex_335_v2_0.detection_report_pb2 import DetectionReport
from sapient_msg.bsi_flex_335_v2_0.error_pb2 import Error
from sapient_msg.bsi_flex_335_v2_0.registration_ack_pb2 import RegistrationAck
from sapient_msg.bsi_flex_335_v2_0.registration_pb2 import Registration
from sapient_msg.bsi_flex_335_v2_0.sapient_message_pb2 import SapientMessage
from sapient_msg.bsi_flex_335_v2_0.status_report_pb2 import StatusReport
from sapient_msg.bsi_flex_335_v2_0.task_ack_pb2 import TaskAck
from sapient_msg.proto_options_pb2 import field_options, oneof_options

__all__ = [
    "AlertAck",
    "DecodeError",
    "Descriptor",
    "DetectionReport",
    "Error",
    "FieldDescriptor",
    "Message",
    "Registration",
    "RegistrationAck",
    "SapientMessage",
    "StatusReport",
    "TaskAck",
    "fast",
    "field_options",
    "json_format",
    "location_pb2",
    "oneof_options",
    "range_bearing_pb2",
]


def fast() -> bool:
    """Say whether protobuf's compiled backend is at work; the one in plain Python is some fifty times slower."""
    return bool(api_implementation.Type() != "python")
