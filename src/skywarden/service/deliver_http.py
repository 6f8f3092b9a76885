"""Delivery to a web address by POST, or into a directory as one file for each message.

With a key the body is signed: "X-Skywarden-Signature: sha256=" and its HMAC-SHA256 (RFC 2104) in hexadecimal. The
identifier goes along as "Idempotency-Key": who has seen it before may drop the message.
"""

import hmac
import os
import socket
import ssl
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Timer
from urllib.parse import unquote, urlsplit

from skywarden.model.recipient import Recipient
from skywarden.service.parcel import LONGEST, Parcel, Undelivered, context, secret, shortened

TAKEN, BROKEN = range(200, 300), 500  # who breaks may have taken it before


def send(recipient: Recipient, parcel: Parcel) -> str:
    """Deliver it. Raises Undelivered, OSError."""
    url = urlsplit(recipient.url or "")
    if url.scheme == "file":
        return _filed(Path(unquote(url.path)), parcel)
    host, port = url.hostname or "", url.port
    connection = (
        HTTPSConnection(host, port, timeout=recipient.timeout_s, context=context(recipient))
        if url.scheme == "https"
        else HTTPConnection(host, port, timeout=recipient.timeout_s)
    )
    headers = headers_of(recipient, parcel)
    try:
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise Undelivered(f"TLS: {error.reason or error}", perhaps=False) from error
        except OSError as error:
            raise Undelivered(f"cannot be reached: {error.strerror or error}", perhaps=False) from error
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        patience = Timer(recipient.timeout_s, _cut, (connection.sock,))  # a socket's own begins anew with each byte
        try:
            connection.request("POST", path, parcel.body, headers)
            patience.start()
            answer = connection.getresponse()
            said = shortened(answer.read(4 * LONGEST).decode("utf-8", "replace"))
        except (OSError, HTTPException) as error:
            if isinstance(error, TimeoutError) or patience.finished.is_set():
                raise Undelivered(f"no answer within {recipient.timeout_s:g} s", perhaps=True) from error
            if isinstance(error, HTTPException):
                raise Undelivered(f"no answer: {type(error).__name__}", perhaps=True) from error
            raise
        finally:
            patience.cancel()
        found = shortened(f"HTTP {answer.status} {said}")
        if answer.status not in TAKEN:  # a redirection too: who is told is who was configured
            raise Undelivered(found, perhaps=answer.status >= BROKEN)
        return found
    finally:
        connection.close()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of TLS too: without its farewell


def headers_of(recipient: Recipient, parcel: Parcel) -> dict[str, str]:
    """Return the headers of a POST. Raises Undelivered where the key cannot be read."""
    headers = {
        "Content-Type": f"{parcel.content_type}; charset=utf-8",
        "User-Agent": "skywarden",
        "Idempotency-Key": parcel.identifier,
    }
    if recipient.key is not None:
        signed = hmac.new(secret(recipient.key), parcel.body, "sha256").hexdigest()
        headers["X-Skywarden-Signature"] = f"sha256={signed}"
    return headers


def _filed(directory: Path, parcel: Parcel) -> str:
    """Write a file that is there whole or not at all."""
    path = directory / f"{parcel.identifier}.xml"
    made = directory / f".{parcel.identifier}.part"
    try:
        with made.open("wb") as file:
            file.write(parcel.body)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except OSError as error:
        raise Undelivered(f"{directory}: {error.strerror}", perhaps=False) from error
    return f"wrote {path.name}"
