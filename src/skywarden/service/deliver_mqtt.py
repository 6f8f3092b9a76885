"""Delivery to an MQTT 3.1.1 broker: one topic for each area, quality of service 1, retained.

So who subscribes later gets the state of each area at once: after an end, the message that says so.
"""

import threading
from urllib.parse import quote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from skywarden.model.recipient import Recipient
from skywarden.service.parcel import Parcel, Undelivered, context, secret

PORTS = {"mqtt": 1883, "mqtts": 8883}


def topic_of(recipient: Recipient, area: str) -> str:
    """Return the topic of an area: its name, with all but letters, digits and -_.~ as %XX of UTF-8."""
    return f"{recipient.topic}/{quote(area.encode('utf-8', 'replace'), safe='')}"


class _Visit:
    """One connection: what the broker said of it."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.refused = ""

    def connected(
        self, _: Client, __: object, ___: ConnectFlags, code: ReasonCode, ____: Properties | None = None
    ) -> None:
        self.refused = str(code) if code.is_failure else ""
        self.answered.set()

    def disconnected(
        self, _: Client, __: object, ___: DisconnectFlags, code: ReasonCode, ____: Properties | None = None
    ) -> None:
        self.refused = self.refused or str(code)
        self.answered.set()


def send(recipient: Recipient, parcel: Parcel) -> str:
    """Deliver it. Raises Undelivered, OSError."""
    url, visit = urlsplit(recipient.url or ""), _Visit()
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect_timeout = recipient.timeout_s
    client.on_connect, client.on_disconnect = visit.connected, visit.disconnected
    if url.scheme == "mqtts":
        client.tls_set_context(context(recipient))
    if recipient.user is not None:
        client.username_pw_set(recipient.user, secret(recipient.key).decode() if recipient.key else None)
    try:
        client.connect(url.hostname or "", url.port or PORTS[url.scheme])
    except OSError as error:
        raise Undelivered(f"cannot be reached: {error.strerror or error}", perhaps=False) from error
    client.loop_start()
    try:
        if not visit.answered.wait(recipient.timeout_s):
            raise Undelivered(f"no answer within {recipient.timeout_s:g} s", perhaps=False)
        if visit.refused:
            raise Undelivered(f"the broker refused: {visit.refused}", perhaps=False)
        return _published(client, recipient, parcel)
    finally:
        client.disconnect()
        client.loop_stop()


def _published(client: Client, recipient: Recipient, parcel: Parcel) -> str:
    topic = topic_of(recipient, parcel.area)
    found: MQTTMessageInfo = client.publish(topic, parcel.body, qos=1, retain=True)
    if found.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise Undelivered(f"not sent: {found.rc.name}", perhaps=True)
    found.wait_for_publish(recipient.timeout_s)
    if not found.is_published():
        raise Undelivered(f"the broker did not confirm within {recipient.timeout_s:g} s", perhaps=True)
    return f"confirmed on {topic}"
