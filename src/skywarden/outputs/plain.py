"""A warning as a few lines of text, for programs that send mail or text messages. The first line says it all."""

from skywarden.outputs import phrases
from skywarden.outputs.message import Message

CONTENT_TYPE = "text/plain"


def encode(message: Message) -> bytes:
    """Return headline, description, instruction and identifier, a line each, UTF-8."""
    parts = (part(message, message.language) for part in (phrases.headline, phrases.description, phrases.instruction))
    return ("\n".join([*parts, f"{message.sender} {message.warning.identifier}"]) + "\n").encode()
