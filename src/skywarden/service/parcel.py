"""What is handed to a way of delivery, and what it raises."""

import ssl
from pathlib import Path
from typing import NamedTuple

from skywarden.model.recipient import Recipient

LONGEST = 200  # characters of an answer that are kept


class Parcel(NamedTuple):
    """A message as it goes out. area: its name."""

    identifier: str
    area: str
    content_type: str
    body: bytes


class Undelivered(Exception):
    """It was not taken. perhaps: it may have arrived all the same."""

    def __init__(self, reason: str, *, perhaps: bool) -> None:
        super().__init__(reason)
        self.reason, self.perhaps = shortened(reason), perhaps


def shortened(text: str) -> str:
    """Return the beginning of what others say, on one line of what can be shown."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def secret(path: str) -> bytes:
    """Return what is in a key's file, without white space around it. Raises Undelivered."""
    try:
        found = Path(path).read_bytes().strip()
    except OSError as error:
        raise Undelivered(f"key {path}: {error.strerror}", perhaps=False) from error
    if not found:
        raise Undelivered(f"key {path} is empty", perhaps=False)
    return found


def context(recipient: Recipient) -> ssl.SSLContext:
    """Return how the other end proves who it is. Raises Undelivered."""
    try:
        found = ssl.create_default_context(cafile=recipient.tls_ca)
    except OSError as error:
        raise Undelivered(f"tls_ca {recipient.tls_ca}: {error.strerror or error}", perhaps=False) from error
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    return found
