"""What a fusion node says to its nodes: acknowledgements, refusals and errors that name the rule."""

from collections.abc import Sequence
from hashlib import blake2b

from skywarden.sensors.sapient.message import pack
from skywarden.sensors.sapient.proto import AlertAck, Error, RegistrationAck, SapientMessage, TaskAck
from skywarden.sensors.sapient.rules import Fault, uuid

NOT_SUPPORTED = "not supported"
PACKET = 1024  # bytes of a refused message that are sent back
LISTED = 20  # faults
SECOND = 1_000_000_000


def own_id(source: str) -> str:
    """Return the UUID under which a source's fusion node speaks: always the same for the same name (RFC 9562, v8)."""
    digits = blake2b(f"skywarden fusion node {source}".encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


class Voice:
    """Speaks as one node. Times are given in, so that a replay says the same."""

    def __init__(self, node_id: str) -> None:
        self.node_id = node_id

    def registration_ack(self, to: str, time: int, reasons: Sequence[str] = ()) -> bytes:
        """Accept a registration, or refuse it for some reasons."""
        answer = RegistrationAck(acceptance=not reasons, ack_response_reason=reasons)
        return self._message(to, time, registration_ack=answer)

    def task_ack(self, to: str, time: int, task_id: str) -> bytes:
        """Refuse a task: nobody gives tasks to a fusion node of this kind."""
        answer = TaskAck(task_id=task_id, task_status=TaskAck.TASK_STATUS_REJECTED, reason=[NOT_SUPPORTED])
        return self._message(to, time, task_ack=answer)

    def alert_ack(self, to: str, time: int, alert_id: str) -> bytes:
        """Refuse an alert: warnings are our own conclusions."""
        answer = AlertAck(
            alert_id=alert_id, alert_ack_status=AlertAck.ALERT_ACK_STATUS_REJECTED, reason=[NOT_SUPPORTED]
        )
        return self._message(to, time, alert_ack=answer)

    def error(self, to: str, time: int, packet: bytes, faults: Sequence[Fault]) -> bytes:
        """Say which rules a message broke, with its first bytes."""
        words = [f"{fault.field}: {fault.rule}" if fault.field else fault.rule for fault in faults[:LISTED]]
        if len(faults) > LISTED:
            words.append(f"and {len(faults) - LISTED} more")
        return self._message(to, time, error=Error(packet=packet[:PACKET] or b"\0", error_message=words))

    def _message(self, to: str, time: int, **content: object) -> bytes:
        message = SapientMessage(node_id=self.node_id, **content)
        message.timestamp.seconds, message.timestamp.nanos = divmod(time, SECOND)
        if uuid(to) is None:
            message.destination_id = to
        return pack(message)
