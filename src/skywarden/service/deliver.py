"""One attempt to deliver one message, whatever the recipient is."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from skywarden.model.recipient import Recipient
from skywarden.service import deliver_command, deliver_cot, deliver_http, deliver_mqtt
from skywarden.service.parcel import Parcel, Undelivered

Send = Callable[[Recipient, Parcel], str]
WAYS: Mapping[str, Send] = MappingProxyType(
    {
        "cap": deliver_http.send,
        "webhook": deliver_http.send,
        "mqtt": deliver_mqtt.send,
        "cot": deliver_cot.send,
        "command": deliver_command.send,
    }
)


def deliver(recipient: Recipient, parcel: Parcel) -> str:
    """Send it and return what came back, in a few words. Raises Undelivered."""
    try:
        return WAYS[recipient.kind](recipient, parcel)
    except Undelivered:
        raise
    except OSError as error:
        raise Undelivered(error.strerror or str(error) or type(error).__name__, perhaps=True) from error
    except Exception as error:  # one message that breaks its way must not end the thread of all that follow
        raise Undelivered(f"{type(error).__name__}: {error}", perhaps=True) from error
