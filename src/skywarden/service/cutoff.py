"""Ending a connection at once, whatever state it is in."""

from asyncio import WriteTransport
from contextlib import suppress


def cut_off(transport: WriteTransport) -> None:
    """End a connection without waiting for what is unsent. Nothing happens when it has ended already.

    Python 3.11's transport of TLS raises AttributeError then.
    """
    with suppress(AttributeError):
        transport.abort()
